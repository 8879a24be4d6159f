/* SPDX-License-Identifier: MIT */
/* Frame-pointer walks, and what becomes of a trap in the kernel itself. */
#include "um.h"

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

void um_crash(const char *what, uintptr_t pc, uintptr_t fp, uintptr_t addr)
{
	um_irq_set_off();
	kernel_oops(what, pc, fp, addr);
}

/* The kernel is a part of a larger program; gdb and addr2line know the names. */
const char *hal_symbol(uintptr_t pc, size_t *offset)
{
	(void)pc;
	(void)offset;
	return NULL;
}
