/* SPDX-License-Identifier: MIT */
/* The contract, as far as the kernel can see it without a user program. */
#include <hal/hal.h>
#include <kernel/errno.h>
#include <kernel/page.h>
#include <kernel/string.h>
#include "ktest.h"

static void irq_state_nests(struct ktest_state *t) NO_TSA	/* takes twice what the analysis counts once */
{
	unsigned long a, b;

	KCHECK(hal_irq_enabled());
	a = hal_irq_save();
	KCHECK(!hal_irq_enabled());
	b = hal_irq_save();
	hal_irq_restore(b);
	KCHECK(!hal_irq_enabled());
	hal_irq_restore(a);
	KCHECK(hal_irq_enabled());
}

KTEST(clock_never_goes_back)
{
	uint64_t last = hal_time_mono_ns();

	for (unsigned i = 0; i < 20000; i++) {
		uint64_t now = hal_time_mono_ns();

		if (now < last && !KCHECK(now >= last))
			return;
		last = now;
	}
	KCHECK(hal_time_real_ns() > 1600000000ull * NSEC_PER_SEC);	/* after 2020 */
}

static uint64_t last_seen;
static int clock_left, clock_errors;
static void clock_thread(void *arg)
{
	for (unsigned i = 0; i < 5000; i++) {
		uint64_t before = load_acquire(&last_seen), now = hal_time_mono_ns();

		if (now + 2000 < before)	/* what another CPU read earlier, less the resolution */
			__atomic_add_fetch(&clock_errors, 1, __ATOMIC_RELAXED);
		if (now > before)
			store_release(&last_seen, now);
	}
	__atomic_sub_fetch(&clock_left, 1, __ATOMIC_RELEASE);
	(void)arg;
}

KTEST(clock_is_the_same_on_every_cpu)
{
	clock_left = (int)cpu_count;
	clock_errors = 0;
	last_seen = 0;
	for (unsigned i = 0; i < cpu_count; i++) {
		struct task *k = kthread_create(clock_thread, NULL, "clock/%u", i);

		KCHECK(k);
	}
	KEVENTUALLY(load_acquire(&clock_left) == 0);
	KCHECK(clock_errors == 0);
}

KTEST(ipi_to_oneself_and_others)
{
	for (unsigned i = 0; i < cpu_count; i++) {
		uint64_t before = READ_ONCE(cpus[i]->ipis);

		hal_cpu_ipi(i);
		KEVENTUALLY(READ_ONCE(cpus[i]->ipis) > before);
	}
}

KTEST(page_clear_and_copy)
{
	struct page *a = page_alloc(0, 0), *b = page_alloc(0, 0);

	memset(page_addr(a), 0x77, PAGE_SIZE);
	hal_page_copy(page_addr(b), page_addr(a));
	KCHECK(!memcmp(page_addr(a), page_addr(b), PAGE_SIZE));
	hal_page_clear(page_addr(a));
	KCHECK(*(uint64_t *)page_addr(a) == 0 && ((uint8_t *)page_addr(a))[PAGE_SIZE - 1] == 0);
	page_put(a);
	page_put(b);
}

KTEST(kernel_stacks_come_and_go)
{
	for (unsigned i = 0; i < 50; i++) {
		uint8_t *s = hal_kstack_alloc(KSTACK_SIZE);

		if (!KCHECK(s))
			return;
		s[0] = s[KSTACK_SIZE - 1] = 1;
		hal_kstack_free(s, KSTACK_SIZE);
	}
}

KTEST(address_space_comes_and_goes)
{
	struct page *p = page_alloc(0, ALLOC_ZERO);

	for (unsigned i = 0; i < 10; i++) {
		struct hal_as *as = hal_as_create(NULL);

		if (!KCHECK(as))
			return;
		KCHECK(!hal_as_map(as, 0x10000000, page_to_phys(p), 1, HAL_READ | HAL_WRITE));
		hal_as_protect(as, 0x10000000, 1, HAL_READ);
		hal_as_flush(as);
		hal_as_unmap(as, 0, hal_as_limit() >> PAGE_SHIFT);	/* mostly holes */
		hal_as_flush(as);
		hal_as_destroy(as);
	}
	page_put(p);
}

/* Pages far from each other, so that each needs tables of its own: unmapping gives the tables back. */
KTEST(empty_tables_are_freed)
{
	enum { FAR = 600, SLACK = 150 };
	struct page *p = page_alloc(0, ALLOC_ZERO);
	struct hal_as *as = hal_as_create(NULL);
	struct mem_info before, during, after;

	if (!KCHECK(p && as))
		return;
	mem_info_get(&before);
	for (unsigned round = 0; round < 2; round++) {
		for (uaddr_t i = 0; i < FAR; i++)
			KCHECK(!hal_as_map(as, 0x10000000 + (i << 30), page_to_phys(p), 1, HAL_READ | HAL_WRITE));
		mem_info_get(&during);
		/* One by one, and all at once. */
		for (uaddr_t i = 0; i < FAR && !round; i++)
			hal_as_unmap(as, 0x10000000 + (i << 30), 1);
		if (round)
			hal_as_unmap(as, 0, hal_as_limit() >> PAGE_SHIFT);
		hal_as_flush(as);
		mem_info_get(&after);
		KCHECK(before.free_pages < after.free_pages + SLACK);
		KCHECK(during.free_pages <= before.free_pages + SLACK);
	}
	/* And they come again. */
	KCHECK(!hal_as_map(as, 0x10000000, page_to_phys(p), 1, HAL_READ | HAL_WRITE));
	hal_as_destroy(as);
	page_put(p);
}

KTEST(user_thread_state_copies)
{
	struct hal_uctx *u = hal_user_create();
	static uint8_t state[16384];
	size_t n = hal_user_fpu_size();

	if (!KCHECK(u && n && n <= sizeof(state)))
		return;
	KCHECK(hal_user_fpu_get(u, state, sizeof(state)) == n);
	KCHECK(hal_user_fpu_set(u, state, n) == 0);
	KCHECK(hal_user_fpu_set(u, state, 3) == -EINVAL);
	hal_user_destroy(u);
}

KTEST(entropy_and_backtrace)
{
	uint64_t a = 0, b = 0;
	uintptr_t pc[16];

	hal_entropy(&a, sizeof(a));
	hal_entropy(&b, sizeof(b));
	KCHECK(a != b);
	KCHECK(hal_backtrace(0, pc, 16) >= 2);
}

KTEST(no_such_things)
{
	struct hal_dev d;

	KCHECK(hal_dev_get(100000, &d) == -ENODEV);
	KCHECK(hal_irq_unmask(0x7fffffff) == -EINVAL);
	KCHECK(hal_cpu_start(HAL_CPUS - 1, NULL, 0) < 0 || hal_boot_info()->cpus == HAL_CPUS);
}

KTEST(memory_ranges_make_sense)
{
	const struct hal_boot *b = hal_boot_info();

	KCHECK(b->ranges >= 1 && b->cpus >= 1 && b->cpus <= HAL_CPUS);
	for (unsigned i = 0; i < b->ranges; i++) {
		KCHECK(!(b->range[i].base & ~PAGE_MASK) && !(b->range[i].size & ~PAGE_MASK) && b->range[i].size);
		KCHECK(!i || b->range[i].base >= b->range[i - 1].base + b->range[i - 1].size);
	}
}

/*
 * No page of the kernel's can be written and executed, none is user code's to reach, code and constants cannot be written by
 * any name; as the page tables have it.
 */
static const uint64_t a_constant[4] = { 1, 2, 3, 4 };
static uint64_t a_variable[4] = { 1 };

static unsigned prot_of(uintptr_t va)
{
	struct hal_mapping m = { 0 };

	return hal_kernel_mapping(va, &m) && m.start <= va ? m.prot : 0;
}

/* The same memory in the direct map. */
static uintptr_t alias(const void *p) { return (uintptr_t)hal_phys_to_virt(hal_virt_to_phys(p)); }

KTEST(writable_or_executable)
{
	uintptr_t text = (uintptr_t)prot_of, va = 0, stack = (uintptr_t)__builtin_frame_address(0);
	unsigned n = 0, both = 0, user = 0, overlap = 0;
	uint64_t exec = 0;
	struct hal_mapping m;

	if (!hal_kernel_mapping(0, &m)) {	/* um: the host's; nothing is told then, not of this code either */
		KCHECK(!hal_kernel_mapping((uintptr_t)prot_of, &m));
		return;
	}
	while (hal_kernel_mapping(va, &m)) {
		n++;
		both += (m.prot & HAL_WRITE) && (m.prot & HAL_EXEC);
		user += !!(m.prot & HAL_USER_REACH);
		overlap += n > 1 && m.start < va;
		exec += m.prot & HAL_EXEC ? m.size : 0;
		va = m.start + m.size;
		if (!va)
			break;
	}
	KCHECK(n > 8);
	KCHECK(!both);
	KCHECK(!user);
	KCHECK(!overlap);
	KCHECK(exec && exec < 16 << 20);	/* the kernel's text, not all memory */
	KCHECK(prot_of(text) == (HAL_READ | HAL_EXEC));
	KCHECK(prot_of((uintptr_t)a_constant) == HAL_READ);
	KCHECK(prot_of((uintptr_t)a_variable) == (HAL_READ | HAL_WRITE));
	KCHECK(prot_of(stack) == (HAL_READ | HAL_WRITE));
	KCHECK(prot_of(alias((const void *)text)) == HAL_READ);
	KCHECK(prot_of(alias(a_constant)) == HAL_READ);
}

KTEST(stacks_have_a_guard)
{
	enum { SIZE = 16384 };
	struct hal_mapping m;
	char *s;

	if (!hal_kernel_mapping(0, &m)) {	/* um: the host's; nothing is told then, not of this code either */
		KCHECK(!hal_kernel_mapping((uintptr_t)prot_of, &m));
		return;
	}
	s = hal_kstack_alloc(SIZE);
	KCHECK(s);
	if (!s)
		return;
	KCHECK(prot_of((uintptr_t)s) == (HAL_READ | HAL_WRITE));
	KCHECK(prot_of((uintptr_t)s + SIZE - 1) == (HAL_READ | HAL_WRITE));
	KCHECK(!prot_of((uintptr_t)s - 1));
	hal_kstack_free(s, SIZE);
}

const struct ktest hal_tests[] = {
	KTEST_ROW(irq_state_nests), KTEST_ROW(clock_never_goes_back), KTEST_ROW(clock_is_the_same_on_every_cpu),
	KTEST_ROW(ipi_to_oneself_and_others), KTEST_ROW(page_clear_and_copy), KTEST_ROW(kernel_stacks_come_and_go),
	KTEST_ROW(address_space_comes_and_goes), KTEST_ROW(empty_tables_are_freed), KTEST_ROW(user_thread_state_copies), KTEST_ROW(entropy_and_backtrace),
	KTEST_ROW(no_such_things), KTEST_ROW(memory_ranges_make_sense), KTEST_ROW(writable_or_executable), KTEST_ROW(stacks_have_a_guard), { NULL, NULL }
};
