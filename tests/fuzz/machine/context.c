/* SPDX-License-Identifier: MIT */
/*
 * Stacks: kernel threads, CPUs and the caller of the machine are all contexts
 * on one host thread.  ASan and TSan are told of every change of stack.
 */
#include "fz.h"
#include <kernel/page.h>
#include <kernel/slab.h>

/* A kernel thread: a context of its own. */
struct hal_kctx { struct fz_context ctx; };

void fz_stack_switch(void **save, void *load);
void fz_context_entry(void);
_Noreturn void fz_context_start(void (*fn)(void *), void *arg);

__attribute__((no_sanitize("address", "memory"))) void fz_switch(struct fz_context *from, struct fz_context *to)
{
#ifdef FZ_ASAN
	__sanitizer_start_switch_fiber(&from->fake, to->stack, to->size);
#endif
	fz_stack_switch(&from->sp, to->sp);
#ifdef FZ_ASAN
	__sanitizer_finish_switch_fiber(from->fake, NULL, NULL);
#endif
}

static struct fz_context caller;	/* of fuzz_machine_boot() and fuzz_machine_run() */

__attribute__((no_sanitize("address", "memory"))) _Noreturn void fz_context_start(void (*fn)(void *), void *arg)
{
#ifdef FZ_ASAN
	if (!caller.stack)	/* the first of all */
		__sanitizer_finish_switch_fiber(NULL, &caller.stack, &caller.size);
	else
		__sanitizer_finish_switch_fiber(NULL, NULL, NULL);
#endif
	fn(arg);
	__builtin_trap();
}

static void context_make(struct fz_context *c, void *base, size_t size, void (*fn)(void *), void *arg)
{
	uint64_t *sp = (uint64_t *)((char *)base + size);

	*--sp = 0;
	*--sp = 0;
	*--sp = (uint64_t)(uintptr_t)fz_context_entry;
	*--sp = 0;			/* rbp */
	*--sp = 0;			/* rbx */
	*--sp = (uint64_t)(uintptr_t)fn;	/* r12 */
	*--sp = (uint64_t)(uintptr_t)arg;	/* r13 */
	*--sp = 0;
	*--sp = 0;
	*c = (struct fz_context){ .sp = sp, .stack = base, .size = size, .fiber = tsan_fiber() };
}

void fz_context_make(struct fz_context *c, void *base, size_t size, void (*fn)(void *), void *arg)
{
	context_make(c, base, size, fn, arg);
}

/* ---- kernel threads ---- */

struct hal_kctx *hal_kctx_create(void *stack_base, size_t size, void (*fn)(void *), void *arg)
{
	struct hal_kctx *k = kzalloc(sizeof(*k), 0);

	if (k)
		context_make(&k->ctx, stack_base, size, fn, arg);
	return k;
}

struct hal_kctx *hal_kctx_create_self(void *stack_base, size_t size)
{
	struct hal_kctx *k = kzalloc(sizeof(*k), ALLOC_ATOMIC);

	if (!k)
		return NULL;
	k->ctx = *fz_self->ctx;
	if (stack_base) {
		k->ctx.stack = stack_base;
		k->ctx.size = size;
	}
	fz_self->ctx = &k->ctx;
	return k;
}

void hal_kctx_destroy(struct hal_kctx *k)
{
	tsan_fiber_free(k->ctx.fiber);
	kfree(k);
}

__attribute__((no_sanitize("address", "memory"))) void hal_kctx_switch(struct hal_kctx *from, struct hal_kctx *to) NO_TSA
{
	fz_trace(FZ_TRACE_THREAD, fz_self->index << 24 ^ (uint64_t)(uintptr_t)to);
	if (fz_run)
		fz_run->switches++;
	fz_self->ctx = &to->ctx;
	tsan_thread(to->ctx.fiber);
	fz_switch(&from->ctx, &to->ctx);
}

struct task *hal_current(void) { return fz_self->curr; }
void hal_current_set(struct task *t) NO_TSA { fz_self->curr = t; }

/* ---- the caller's side ---- */

static enum fuzz_end how_it_ended;
static struct fz_context at_ready;	/* the first program, at its first call */

enum fuzz_end fz_enter(struct fz_context *to)
{
#ifdef FZ_ASAN
	void *fake;

	__sanitizer_start_switch_fiber(&fake, to->stack, to->size);
#endif
	caller.fiber = tsan_fiber_self();
	tsan_thread(to->fiber);
	fz_stack_switch(&caller.sp, to->sp);
#ifdef FZ_ASAN
	__sanitizer_finish_switch_fiber(fake, NULL, NULL);
#endif
	return how_it_ended;
}

static void leave(struct fz_context *from)
{
#ifdef FZ_ASAN
	__sanitizer_start_switch_fiber(&from->fake, caller.stack, caller.size);
#endif
	tsan_thread(caller.fiber);
	fz_stack_switch(&from->sp, caller.sp);
#ifdef FZ_ASAN
	__sanitizer_finish_switch_fiber(from->fake, &caller.stack, &caller.size);
#endif
}

_Noreturn void fz_end(enum fuzz_end how)
{
	static struct fz_context nowhere;

	how_it_ended = how;
	leave(&nowhere);
	__builtin_unreachable();
}

void fz_ready(void)
{
	how_it_ended = FUZZ_END_READY;
	at_ready.stack = fz_self->ctx->stack;
	at_ready.size = fz_self->ctx->size;
	at_ready.fiber = fz_self->ctx->fiber;
	leave(&at_ready);
}

enum fuzz_end fz_continue(void) { return fz_enter(&at_ready); }
