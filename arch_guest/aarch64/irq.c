/* SPDX-License-Identifier: MIT */
/* The interrupt mask (PSTATE.I), and kernel threads. */
#include <kernel/slab.h>
#include "aarch64/port.h"

enum { DAIF_I = 1 << 7 };

unsigned long hal_irq_save(void) NO_TSA
{
	unsigned long flags = sysreg_read(daif);
	__asm__ volatile("msr daifset, #2" : : : "memory");
	return flags;
}

void hal_irq_restore(unsigned long flags) NO_TSA
{
	if (!(flags & DAIF_I))
		__asm__ volatile("msr daifclr, #2" : : : "memory");
}

void hal_irq_disable(void) NO_TSA { __asm__ volatile("msr daifset, #2" : : : "memory"); }
void hal_irq_enable(void) NO_TSA { __asm__ volatile("msr daifclr, #2" : : : "memory"); }
bool hal_irq_enabled(void) { return !(sysreg_read(daif) & DAIF_I); }

/* ---- kernel threads: what the ABI says a call preserves, and the stack ---- */

struct hal_kctx { uint64_t x19_x30[12], sp; };
_Static_assert(offsetof(struct hal_kctx, sp) == KC_SP, "layout.h");
void kctx_switch(struct hal_kctx *from, struct hal_kctx *to);
extern char kctx_start[];

struct hal_kctx *hal_kctx_create(void *stack_base, size_t size, void (*fn)(void *), void *arg)
{
	struct hal_kctx *k = hal_kctx_create_self(stack_base, size);
	if (k) {
		k->x19_x30[0] = (uintptr_t)fn;
		k->x19_x30[1] = (uintptr_t)arg;
		k->x19_x30[11] = (uintptr_t)kctx_start;
		k->sp = (uintptr_t)stack_base + size;
	}
	return k;
}

struct hal_kctx *hal_kctx_create_self(void *stack_base, size_t size)
{
	return kzalloc(sizeof(struct hal_kctx), ALLOC_ATOMIC);
}

void hal_kctx_destroy(struct hal_kctx *k) { kfree(k); }
void hal_kctx_switch(struct hal_kctx *from, struct hal_kctx *to) { kctx_switch(from, to); }

/* SP_EL0 is free while the kernel runs: it uses SP_EL1 always. */
struct task *hal_current(void)
{
	struct task *t;
	__asm__ volatile("mrs %0, sp_el0" : "=r"(t));
	return t;
}
void hal_current_set(struct task *t) { sysreg_write(sp_el0, t); }
