/* SPDX-License-Identifier: MIT */
/*
 * Serial ports as terminals: bytes go to the ring; the transmitter is filled
 * at once while it takes them, and from its interrupt afterwards.
 */
#include "uart.h"
#include <kernel/errno.h>
#include <kernel/print.h>

/* [lock] */
static void uart_fill(struct uart *u)
{
	bool more;

	while (u->head != u->tail && u->hw->tx_ready(u))
		for (unsigned i = 0; i < u->hw->tx_burst && u->head != u->tail; i++)
			u->hw->tx(u, u->ring[u->tail++ % UART_RING]);
	more = u->head != u->tail;
	if (more != u->tx_irq_on) {
		u->tx_irq_on = more;
		u->hw->tx_irq(u, more);
	}
}

void uart_tx_ready(struct uart *u)
{
	unsigned long flags = spin_lock_irqsave(&u->lock);
	unsigned room;

	uart_fill(u);
	room = UART_RING - (u->head - u->tail);
	spin_unlock_irqrestore(&u->lock, flags);
	if (room >= UART_RING / 2 && u->tty)
		tty_write_wakeup(u->tty);
}

static size_t uart_write(struct tty *t, const uint8_t *buf, size_t n)
{
	struct uart *u = tty_driver_data(t);
	unsigned long flags = spin_lock_irqsave(&u->lock);
	size_t done = 0;

	while (done < n && u->head - u->tail < UART_RING)
		u->ring[u->head++ % UART_RING] = buf[done++];
	uart_fill(u);
	spin_unlock_irqrestore(&u->lock, flags);
	return done;
}

static size_t uart_write_room(struct tty *t)
{
	struct uart *u = tty_driver_data(t);
	unsigned long flags = spin_lock_irqsave(&u->lock);
	size_t room = UART_RING - (u->head - u->tail);

	spin_unlock_irqrestore(&u->lock, flags);
	return room;
}

static void uart_flush_output(struct tty *t)
{
	struct uart *u = tty_driver_data(t);
	unsigned long flags = spin_lock_irqsave(&u->lock);

	u->tail = u->head;
	spin_unlock_irqrestore(&u->lock, flags);
}

static const struct tty_driver_ops uart_tty_ops = {
	.write = uart_write,
	.write_room = uart_write_room,
	.flush_output = uart_flush_output,
};

int uart_register(struct uart *u, unsigned index)
{
	spin_init(&u->lock, LOCK_DRIVER);
	ksnprintf(u->name, sizeof(u->name), "%s%u", u->hw->tty_name, index);
	u->tty = tty_register(u->name, u->hw->major, u->hw->minor + index, &uart_tty_ops, u);
	return u->tty ? 0 : -ENOMEM;
}
