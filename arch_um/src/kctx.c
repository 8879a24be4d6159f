/* SPDX-License-Identifier: MIT */
/*
 * Kernel threads: a stack pointer and the sanitizers' idea of a stack.
 *
 * ASan must be told where the new stack is, TSan that another logical thread
 * ("fiber") continues on this host thread.
 */
#include "um.h"
#include <kernel/slab.h>

struct hal_kctx {
	void *sp;			/* [o] while not running */
	void *stack;			/* [I] */
	size_t size;			/* [I] */
	void *fake;			/* ASan */
	void *fiber;			/* TSan */
	bool own_fiber;
};

void um_switch(void **save, void *load);
void um_kctx_entry(void);
_Noreturn void um_stack_call(void *top, void (*fn)(void *), void *arg);
_Noreturn void um_kctx_start(void (*fn)(void *), void *arg);

struct task *hal_current(void)
{
	struct task *t;
	__asm__ volatile("movq %%gs:24, %0" : "=r"(t));
	return t;
}

void hal_current_set(struct task *t) { __asm__ volatile("movq %0, %%gs:24" : : "r"(t) : "memory"); }

struct hal_kctx *hal_kctx_create(void *stack_base, size_t size, void (*fn)(void *), void *arg)
{
	struct hal_kctx *k = kzalloc(sizeof(*k), 0);
	if (!k)
		return NULL;
	k->stack = stack_base;
	k->size = size;
	uint64_t *sp = (uint64_t *)((char *)stack_base + size);
	*--sp = 0;
	*--sp = 0;
	*--sp = (uint64_t)(uintptr_t)um_kctx_entry;
	*--sp = 0;			/* rbp */
	*--sp = 0;			/* rbx */
	*--sp = (uint64_t)(uintptr_t)fn;	/* r12 */
	*--sp = (uint64_t)(uintptr_t)arg;	/* r13 */
	*--sp = 0;
	*--sp = 0;
	k->sp = sp;
#ifdef UM_TSAN
	unsigned long flags = hal_irq_save();
	k->fiber = __tsan_create_fiber(0);
	hal_irq_restore(flags);
	k->own_fiber = true;
#endif
	return k;
}

struct hal_kctx *hal_kctx_create_self(void *stack_base, size_t size)
{
	struct hal_kctx *k = kzalloc(sizeof(*k), ALLOC_ATOMIC);
	if (!k)
		return NULL;
	k->stack = stack_base;
	k->size = size;
	if (!stack_base) {		/* boot: the stack that the port chose */
		k->stack = um_cpu()->stack;
		k->size = um_cpu()->stack_size;
	}
#ifdef UM_TSAN
	k->fiber = __tsan_get_current_fiber();
#endif
	return k;
}

void hal_kctx_destroy(struct hal_kctx *k)
{
#ifdef UM_TSAN
	unsigned long flags = hal_irq_save();
	if (k->own_fiber)
		__tsan_destroy_fiber(k->fiber);
	hal_irq_restore(flags);
#endif
	kfree(k);
}

UM_SIGNAL_CODE void hal_kctx_switch(struct hal_kctx *from, struct hal_kctx *to)
{
#ifdef UM_ASAN
	__sanitizer_start_switch_fiber(&from->fake, to->stack, to->size);
#endif
#ifdef UM_TSAN
	__tsan_switch_to_fiber(to->fiber, 0);
#endif
	um_switch(&from->sp, to->sp);
#ifdef UM_ASAN
	__sanitizer_finish_switch_fiber(from->fake, NULL, NULL);
#endif
}

__attribute__((no_sanitize("address", "thread"))) _Noreturn void um_kctx_start(void (*fn)(void *), void *arg)
{
#ifdef UM_ASAN
	__sanitizer_finish_switch_fiber(NULL, NULL, NULL);
#endif
	fn(arg);
	__builtin_trap();
}

struct first { void (*fn)(void *); void *arg; };

static __attribute__((no_sanitize("address"))) void first_start(void *arg)
{
	struct first f = *(struct first *)arg;
#ifdef UM_ASAN
	__sanitizer_finish_switch_fiber(NULL, NULL, NULL);
#endif
	f.fn(f.arg);
}

__attribute__((no_sanitize("address"))) _Noreturn void um_enter_stack(void *top, void (*fn)(void *), void *arg)
{
	struct first f = { fn, arg };	/* the old stack stays: the host thread never returns to it */
#ifdef UM_ASAN
	static void *fake[HOST_CPUS];
	struct um_cpu *c = um_cpu();
	__sanitizer_start_switch_fiber(&fake[c->index], c->stack, c->stack_size);
#endif
	um_stack_call(top, first_start, &f);
}
