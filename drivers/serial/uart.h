/* SPDX-License-Identifier: MIT */
/* What the serial ports share: an output ring between the terminal and the transmitter. */
#ifndef DRIVERS_UART_H
#define DRIVERS_UART_H
#include <hal/dev.h>
#include <kernel/lock.h>
#include <kernel/tty.h>

enum { UART_RING = 4096 };	/* a power of two */
struct uart;
struct uart_hw {
	const char *tty_name;		/* "ttyS" */
	unsigned major, minor;
	bool (*tx_ready)(struct uart *u);	/* the transmitter takes at least one byte */
	unsigned tx_burst;			/* and then this many */
	void (*tx)(struct uart *u, uint8_t c);
	void (*tx_irq)(struct uart *u, bool on);
};
struct uart {
	const struct uart_hw *hw;	/* [I] */
	uint64_t base;			/* [I] */
	unsigned shift, irq;		/* [I] */
	struct tty *tty;		/* [I] */
	struct spinlock lock;		/* [DRIVER] */
	unsigned head, tail;		/* [lock] of the ring: count, not masked */
	bool tx_irq_on;			/* [lock] */
	uint8_t ring[UART_RING];	/* [lock] */
	char name[16];
};
/* Registers the terminal.  index: of its kind. */
int uart_register(struct uart *u, unsigned index);
/* From the interrupt handler: the transmitter is empty. */
void uart_tx_ready(struct uart *u);
#endif
