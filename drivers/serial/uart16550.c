/* SPDX-License-Identifier: MIT */
/* 16550 serial ports: ttyS0, ttyS1, ...  (National Semiconductor PC16550D data sheet.) */
#include "../driver.h"
#include "uart.h"
#include <kernel/cpu.h>
#include <kernel/errno.h>
#include <kernel/print.h>
#include <kernel/slab.h>

enum { U_DATA = 0, U_IER = 1, U_IIR = 2, U_FCR = 2, U_LCR = 3, U_MCR = 4, U_LSR = 5, U_MSR = 6, U_SCRATCH = 7 };
enum { IER_RX = 1, IER_TX = 2, LSR_RX = 1, LSR_TX_EMPTY = 0x20, IIR_NONE = 1, LCR_8N1 = 3, MCR_DTR_RTS_OUT2 = 0x0b, FCR_ENABLE_CLEAR = 0x07 };

static unsigned u16550_count;

static uint8_t u16550_read(struct uart *u, unsigned reg)
{
	return hal_io_read8(u->base + ((uint64_t)reg << u->shift));
}

static void u16550_write(struct uart *u, unsigned reg, uint8_t v)
{
	hal_io_write8(u->base + ((uint64_t)reg << u->shift), v);
}

static bool u16550_tx_ready(struct uart *u)
{
	return u16550_read(u, U_LSR) & LSR_TX_EMPTY;
}

static void u16550_tx(struct uart *u, uint8_t c)
{
	u16550_write(u, U_DATA, c);
}

static void u16550_tx_irq(struct uart *u, bool on)
{
	u16550_write(u, U_IER, on ? IER_RX | IER_TX : IER_RX);
}

static const struct uart_hw u16550_hw = {
	.tty_name = "ttyS", .major = 4, .minor = 64, .tx_burst = 16,
	.tx_ready = u16550_tx_ready, .tx = u16550_tx, .tx_irq = u16550_tx_irq,
};

static bool u16550_irq(void *arg)
{
	struct uart *u = arg;
	uint8_t buf[64];
	unsigned n = 0, passes = 0;
	bool mine = false;

	/* Bounded: a port that never quiets must not hold the CPU. */
	while (!(u16550_read(u, U_IIR) & IIR_NONE) && passes++ < 64) {
		mine = true;
		while (n < sizeof(buf) && (u16550_read(u, U_LSR) & LSR_RX))
			buf[n++] = u16550_read(u, U_DATA);
		if (n) {
			tty_receive(u->tty, buf, n);
			n = 0;
		}
		uart_tx_ready(u);
		(void)u16550_read(u, U_MSR);
	}
	return mine;
}

int serial_16550_probe(const struct hal_dev *dev)
{
	struct uart *u = kzalloc(sizeof(*u), 0);
	int e;

	if (!u)
		return -ENOMEM;
	u->hw = &u16550_hw;
	u->base = dev->base;
	u->shift = dev->reg_shift;
	u->irq = dev->irq;
	u16550_write(u, U_IER, 0);
	/* Is there anything? */
	u16550_write(u, U_SCRATCH, 0x5a);
	if (u16550_read(u, U_SCRATCH) != 0x5a) {
		kfree(u);
		return -ENODEV;
	}
	u16550_write(u, U_LCR, LCR_8N1);
	u16550_write(u, U_FCR, FCR_ENABLE_CLEAR);
	u16550_write(u, U_MCR, MCR_DTR_RTS_OUT2);
	e = uart_register(u, u16550_count);
	if (e) {
		kfree(u);
		return e;
	}
	u16550_count++;
	e = irq_request(u->irq, u16550_irq, u, u->name);
	if (!e)
		u16550_write(u, U_IER, IER_RX);
	return e;
}
