/* SPDX-License-Identifier: MIT */
/* The rest of the contract: memory's two names, contexts, the CPU's timer, interrupts by message, the user's clock, symbols. */
#include <hal/hal.h>
#include <kernel/cpu.h>
#include <kernel/errno.h>
#include <kernel/page.h>
#include <kernel/string.h>
#include <kernel/timer.h>
#include "ktest.h"

KTEST(physical_and_virtual_are_two_names)
{
	struct page *p = page_alloc(2, 0);

	if (!KCHECK(p))
		return;
	for (unsigned i = 0; i < 4 * PAGE_SIZE; i += 1000) {
		uint8_t *va = (uint8_t *)page_addr(p) + i;

		KCHECK(hal_virt_to_phys(va) == page_to_phys(p) + i);
		KCHECK(hal_phys_to_virt(page_to_phys(p) + i) == va);
	}
	page_put(p);
}

static struct hal_kctx *ctx_main, *ctx_other;
static unsigned ctx_steps;
static void *ctx_arg;
static void ctx_fn(void *arg) NO_TSA
{
	ctx_arg = arg;
	for (;;) {
		ctx_steps += 10;
		hal_kctx_switch(ctx_other, ctx_main);
	}
}
KTEST(contexts_switch)
{
	uint8_t *s = hal_kstack_alloc(KSTACK_SIZE);
	unsigned long flags;

	ctx_steps = 0;
	ctx_other = s ? hal_kctx_create(s, KSTACK_SIZE, ctx_fn, &ctx_steps) : NULL;
	ctx_main = hal_kctx_create_self(NULL, 0);
	if (!KCHECK(s && ctx_other && ctx_main))
		return;
	flags = hal_irq_save();
	for (unsigned i = 0; i < 100; i++) {
		hal_kctx_switch(ctx_main, ctx_other);
		ctx_steps++;
	}
	hal_irq_restore(flags);
	KCHECK(ctx_steps == 1100 && ctx_arg == &ctx_steps);
	hal_kctx_destroy(ctx_other);
	hal_kctx_destroy(ctx_main);
	hal_kstack_free(s, KSTACK_SIZE);
}

KTEST(current_is_who_runs)
{
	struct task *me = current;

	KCHECK(hal_current() == me);
	for (unsigned i = 0; i < 200; i++) {
		sched_yield();
		KCHECK(hal_current() == me);
	}
	preempt_disable();
	KCHECK(hal_cpu_self() == this_cpu() && hal_cpu_self()->id < cpu_count);
	preempt_enable();
}

KTEST(the_timer_interrupts)
{
	unsigned long flags;
	uint64_t before, until;
	unsigned cpu;

	KCHECK(!sched_set_affinity(current, 1));
	cpu = this_cpu()->id;
	for (unsigned i = 0; i < 20; i++) {
		flags = hal_irq_save();
		before = READ_ONCE(cpus[cpu]->timer_irqs);
		hal_timer_arm(hal_time_mono_ns() + i * 10000);	/* also one that has passed */
		KCHECK(READ_ONCE(cpus[cpu]->timer_irqs) == before);	/* not while interrupts are off */
		hal_irq_restore(flags);
		until = hal_time_mono_ns() + 100 * NSEC_PER_SEC;
		while (READ_ONCE(cpus[cpu]->timer_irqs) == before && hal_time_mono_ns() < until)
			hal_cpu_relax();
		KCHECK(READ_ONCE(cpus[cpu]->timer_irqs) > before);
	}
	KCHECK(!sched_set_affinity(current, UINT64_MAX));
}

KTEST(users_can_compute_the_clock)
{
	struct hal_vclock v;
	uint64_t ns, before, after, counter;
	int err = hal_time_vclock(&v);

	if (err) {
		KCHECK(err == -ENOTSUP);
		return;
	}
	KCHECK(v.mult && v.shift < 64);
	before = hal_time_mono_ns();
#ifdef EFT_CPU_x86_64
	counter = __builtin_ia32_rdtsc();
#else
	__asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(counter));
#endif
	after = hal_time_mono_ns();
	ns = v.base_ns + (uint64_t)(((unsigned __int128)(counter - v.base_counter) * v.mult) >> v.shift);
	KCHECK(ns + 100000 >= before && ns <= after + 100000);
}

KTEST(messages_interrupt_or_are_refused)
{
	unsigned irq = 0;
	uint64_t addr = 0;
	uint32_t data = 0;
	int err = hal_msi_alloc(0, &irq, &addr, &data);

	KCHECK(err == 0 || err == -ENOTSUP || err == -ENOSPC);
	if (!err) {
		unsigned irq2 = 0;

		KCHECK(addr != 0);
		KCHECK(hal_msi_alloc(8, &irq2, &addr, &data) == 0 && irq2 != irq);
		hal_msi_free(irq2);
		hal_msi_free(irq);
	}
}

KTEST(symbols_name_functions)
{
	size_t offset = 12345;
	const char *name = hal_symbol((uintptr_t)&sched_yield + 1, &offset);

	KCHECK(!name || (!strcmp(name, "sched_yield") && offset == 1));
	KCHECK(!hal_symbol(1, &offset) || offset != 12345);
}

KTEST(caps_and_limits)
{
	const struct hal_cpu_caps *c = hal_cpu_caps();

	KCHECK(c && c->platform && c->platform[0] && c->min_sigstack >= 500 && c->min_sigstack < 65536);
	KCHECK(hal_as_min() < hal_as_limit() && !(hal_as_limit() & ~PAGE_MASK) && hal_as_limit() > UINT64_C(1) << 38);
	KCHECK(hal_as_own_pages() < 1024);
}

KTEST(mappings_of_many_kinds)
{
	struct hal_as *as = hal_as_create(NULL), *child;
	struct page *p = page_alloc(3, ALLOC_ZERO);

	if (!KCHECK(as && p))
		return;
	for (unsigned prot = 0; prot < 8; prot++)
		KCHECK(hal_as_map(as, 0x20000000 + prot * 0x200000, page_to_phys(p), 8, prot) == 0);
	KCHECK(hal_as_map(as, hal_as_limit() - 8 * PAGE_SIZE, page_to_phys(p), 8, HAL_READ) == 0 || hal_as_own_pages());
	hal_as_flush(as);
	for (unsigned prot = 0; prot < 8; prot++)
		hal_as_protect(as, 0x20000000 + prot * 0x200000 + PAGE_SIZE, 3, HAL_READ);
	KCHECK(hal_as_test_clear(as, 0x20000000 + 3 * 0x200000) <= (HAL_ACCESSED | HAL_DIRTY));
	KCHECK(hal_as_test_clear(as, 0x70000000) == 0);		/* nothing is mapped there */
	hal_as_flush(as);
	child = hal_as_create(as);
	if (KCHECK(child)) {
		KCHECK(hal_as_test_clear(child, 0x20000000 + 3 * 0x200000) == 0);
		hal_as_destroy(child);
	}
	hal_as_unmap(as, 0x20000000, 0x1000);
	hal_as_unmap(as, hal_as_limit() - 8 * PAGE_SIZE, 8);
	hal_as_flush(as);
	hal_as_destroy(as);
	page_put(p);
}

KTEST(user_state_is_reset)
{
	struct hal_uctx *u = hal_user_create(), *v;
	static uint8_t a[16384], b[16384];
	size_t n = hal_user_fpu_size();
	const uint8_t *r;
	bool zero = true;

	if (!KCHECK(u && n <= sizeof(a)))
		return;
	r = (const uint8_t *)hal_user_regs(u);
	for (unsigned i = 0; i < 64; i++)
		zero &= !r[i];
	KCHECK(zero);
	hal_user_single_step(u, true);
	hal_user_single_step(u, false);
	KCHECK(hal_user_fpu_get(u, a, sizeof(a)) == n);
	hal_user_fpu_reset(u);
	KCHECK(hal_user_fpu_get(u, b, sizeof(b)) == n && !memcmp(a, b, n));
	KCHECK(hal_user_fpu_get(u, b, 10) <= 10);
	v = hal_user_create();
	KCHECK(v && hal_user_fpu_set(v, a, n) == 0);
	hal_user_destroy(v);
	hal_user_destroy(u);
}

const struct ktest contract_tests[] = {
	KTEST_ROW(physical_and_virtual_are_two_names), KTEST_ROW(contexts_switch), KTEST_ROW(current_is_who_runs),
	KTEST_ROW(the_timer_interrupts), KTEST_ROW(users_can_compute_the_clock), KTEST_ROW(messages_interrupt_or_are_refused),
	KTEST_ROW(symbols_name_functions), KTEST_ROW(caps_and_limits), KTEST_ROW(mappings_of_many_kinds), KTEST_ROW(user_state_is_reset),
	{ NULL, NULL }
};
