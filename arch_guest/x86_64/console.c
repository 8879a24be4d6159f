/* SPDX-License-Identifier: MIT */
/* The early console: COM1, polled.  \n becomes \r\n, because a serial line has a terminal behind it. */
#include <hal/hal.h>
#include "insn.h"
#include "machine.h"

enum { COM1 = 0x3f8, SPINS = 100000 };
static bool present;
static struct leaf_lock lock;

void console_init(void)
{
	outb(COM1 + 7, 0x5a);		/* the scratch register */
	present = inb(COM1 + 7) == 0x5a;
	if (!present)
		return;
	outb(COM1 + 1, 0);		/* no interrupts */
	outb(COM1 + 3, 0x80);
	outb(COM1, 1);			/* 115200 */
	outb(COM1 + 1, 0);
	outb(COM1 + 3, 3);		/* 8n1 */
	outb(COM1 + 2, 7);		/* FIFO on, empty */
	outb(COM1 + 4, 0xb);		/* DTR RTS OUT2 */
}

static void put(char ch)
{
	for (unsigned i = 0; i < SPINS && !(inb(COM1 + 5) & 0x20); i++)
		cpu_pause();
	outb(COM1, (uint8_t)ch);
}

void hal_console_write(const char *s, size_t n)
{
	unsigned long f = flags_save_cli();
	bool mine = false;

	if (!present) {
		flags_restore(f);
		return;
	}
	/* A panic may come while the lock's owner is the one that panicked, or stands still. */
	for (unsigned i = 0; i < SPINS && !mine; i++) {
		mine = !__atomic_exchange_n(&lock.held, true, __ATOMIC_ACQUIRE);
		if (!mine)
			cpu_pause();
	}
	while (n--) {
		if (*s == '\n')
			put('\r');
		put(*s++);
	}
	if (mine)
		__atomic_store_n(&lock.held, false, __ATOMIC_RELEASE);
	flags_restore(f);
}
