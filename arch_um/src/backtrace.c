/* SPDX-License-Identifier: MIT */
/* Frame-pointer walks, and what becomes of a trap in the kernel itself. */
#include "um.h"
#include <kernel/print.h>

__attribute__((no_sanitize("address", "thread"))) unsigned hal_backtrace(uintptr_t fp, uintptr_t *pc, unsigned max)
{
	unsigned n = 0;

	if (!fp)
		fp = (uintptr_t)__builtin_frame_address(0);
	while (n < max && fp % 8 == 0 && um_stack_ok(fp) && um_stack_ok(fp + 8)) {
		const uintptr_t *f = (const uintptr_t *)fp;
		if (!f[1])
			break;
		pc[n++] = f[1];
		if (f[0] <= fp)		/* frames go up */
			break;
		fp = f[0];
	}
	return n;
}

void um_crash(const char *what, uintptr_t pc, uintptr_t fp, uintptr_t addr, const uint64_t reg[17])
{
	static const char names[17][4] = { "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", "r8 ", "r9 ", "r10", "r11", "r12", "r13",
		"r14", "r15", "efl" };
	static char text[17 * 24];
	size_t n = 0;

	um_irq_set_off();
	for (unsigned i = 0; i < 17; i++)
		n += (size_t)ksnprintf(text + n, sizeof(text) - n, "%s%s %016llx", i % 4 ? " " : "\n ", names[i], (unsigned long long)reg[i]);
	hal_console_write(text, n);
	kernel_oops(what, pc, fp, addr);
}

/* The kernel is a part of a larger program; gdb and addr2line know the names. */
const char *hal_symbol(uintptr_t pc, size_t *offset)
{
	(void)pc;
	(void)offset;
	return NULL;
}
