/* SPDX-License-Identifier: MIT */
/* ARM PL011 serial ports: ttyAMA0, ...  (ARM DDI 0183.) */
#include "../driver.h"
#include "uart.h"
#include <kernel/cpu.h>
#include <kernel/errno.h>
#include <kernel/print.h>
#include <kernel/slab.h>

enum { P_DR = 0x00, P_FR = 0x18, P_LCR_H = 0x2c, P_CR = 0x30, P_IFLS = 0x34, P_IMSC = 0x38, P_MIS = 0x40, P_ICR = 0x44 };
enum { FR_RX_EMPTY = 1 << 4, FR_TX_FULL = 1 << 5, INT_RX = 1 << 4, INT_TX = 1 << 5, INT_RX_TIMEOUT = 1 << 6, INT_ALL = 0x7ff,
	LCR_H_8_FIFO = 0x70, CR_UART_TX_RX = 0x301 };

static unsigned pl011_count;

static bool pl011_tx_ready(struct uart *u)
{
	return !(hal_io_read32(u->base + P_FR) & FR_TX_FULL);
}

static void pl011_tx(struct uart *u, uint8_t c)
{
	hal_io_write32(u->base + P_DR, c);
}

static void pl011_tx_irq(struct uart *u, bool on)
{
	hal_io_write32(u->base + P_IMSC, INT_RX | INT_RX_TIMEOUT | (on ? (unsigned)INT_TX : 0));
}

static const struct uart_hw pl011_hw = {
	.tty_name = "ttyAMA", .major = 204, .minor = 64, .tx_burst = 1,
	.tx_ready = pl011_tx_ready, .tx = pl011_tx, .tx_irq = pl011_tx_irq,
};

static bool pl011_irq(void *arg)
{
	struct uart *u = arg;
	uint32_t status = hal_io_read32(u->base + P_MIS);
	uint8_t buf[64];
	unsigned n = 0, total = 0;

	if (!status)
		return false;
	hal_io_write32(u->base + P_ICR, status);
	while (total++ < 4096 && !(hal_io_read32(u->base + P_FR) & FR_RX_EMPTY)) {
		uint32_t c = hal_io_read32(u->base + P_DR);

		if (c & 0xb00)
			continue;	/* framing, parity, overrun */
		buf[n++] = (uint8_t)c;
		if (n == sizeof(buf)) {
			tty_receive(u->tty, buf, n);
			n = 0;
		}
	}
	if (n)
		tty_receive(u->tty, buf, n);
	uart_tx_ready(u);
	return true;
}

int pl011_probe(const struct hal_dev *dev)
{
	struct uart *u = kzalloc(sizeof(*u), 0);
	int e;

	if (!u)
		return -ENOMEM;
	u->hw = &pl011_hw;
	u->base = dev->base;
	u->irq = dev->irq;
	hal_io_write32(u->base + P_IMSC, 0);
	hal_io_write32(u->base + P_ICR, INT_ALL);
	hal_io_write32(u->base + P_LCR_H, LCR_H_8_FIFO);
	hal_io_write32(u->base + P_IFLS, 0);	/* interrupt early: at 1/8 */
	hal_io_write32(u->base + P_CR, CR_UART_TX_RX);
	e = uart_register(u, pl011_count);
	if (e) {
		kfree(u);
		return e;
	}
	pl011_count++;
	e = irq_request(u->irq, pl011_irq, u, u->name);
	if (!e)
		hal_io_write32(u->base + P_IMSC, INT_RX | INT_RX_TIMEOUT);
	return e;
}
