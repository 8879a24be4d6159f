/* SPDX-License-Identifier: MIT */
/* The page allocator. */
#include <kernel/page.h>
#include <kernel/string.h>
#include "ktest.h"

KTEST(single)
{
	struct page *p = page_alloc(0, 0);

	KCHECK(p && p->refs == 1);
	KCHECK(phys_to_page(page_to_phys(p)) == p && virt_to_page(page_addr(p)) == p);
	page_get(p);
	page_put(p);
	KCHECK(p->refs == 1);
	page_put(p);
}

KTEST(zeroed)
{
	for (unsigned i = 0; i < 20; i++) {
		struct page *p = page_alloc(0, ALLOC_ZERO);
		const uint64_t *w = page_addr(p);

		for (unsigned k = 0; k < PAGE_SIZE / 8; k++)
			if (w[k] && !KCHECK(!w[k]))
				break;
		memset(page_addr(p), 0xff, PAGE_SIZE);
		page_put(p);
	}
	KCHECK(true);
}

KTEST(orders_are_contiguous_and_aligned)
{
	for (unsigned order = 0; order <= 8; order++) {
		struct page *p = page_alloc(order, 0);

		if (!KCHECK(p))
			return;
		KCHECK(!(page_to_phys(p) & ((PAGE_SIZE << order) - 1)));
		memset(page_addr(p), 0xa5, PAGE_SIZE << order);
		page_put(p);
	}
}

KTEST(nothing_is_lost)
{
	enum { N = 200 };
	static struct page *pages[N];
	struct mem_info before, after;

	mem_info_get(&before);
	for (unsigned round = 0; round < 10; round++) {
		for (unsigned i = 0; i < N; i++)
			KCHECK(pages[i] = page_alloc(i % 4, 0));
		for (unsigned i = 0; i < N; i++)
			page_put(pages[(i * 37) % N]);
	}
	mem_info_get(&after);
	/* Other threads live, too; a leak would be hundreds of pages. */
	KCHECK(after.free_pages + 100 > before.free_pages);
}

KTEST(too_large_an_order_fails)
{
	KCHECK(page_alloc(PAGE_ORDER_MAX + 1, ALLOC_ATOMIC) == NULL);
}

struct load { struct ktest_state *t; int *left; };
static void load_thread(void *arg)
{
	struct load *l = arg;
	struct ktest_state *t = l->t;
	struct page *mine[16];

	for (unsigned round = 0; round < 200; round++) {
		for (unsigned i = 0; i < 16; i++) {
			KCHECK(mine[i] = page_alloc(i & 1, 0));
			*(void **)page_addr(mine[i]) = &mine[i];
		}
		for (unsigned i = 0; i < 16; i++) {
			KCHECK(*(void **)page_addr(mine[i]) == &mine[i]);	/* nobody else has it */
			page_put(mine[i]);
		}
	}
	__atomic_sub_fetch(l->left, 1, __ATOMIC_RELEASE);
}

KTEST(many_threads)
{
	static int left;
	static struct load l;

	left = 8;
	l = (struct load){ t, &left };
	for (unsigned i = 0; i < 8; i++)
		KCHECK(kthread_create(load_thread, &l, "load/%u", i));
	KEVENTUALLY(load_acquire(&left) == 0);
}

const struct ktest page_tests[] = {
	KTEST_ROW(single), KTEST_ROW(zeroed), KTEST_ROW(orders_are_contiguous_and_aligned), KTEST_ROW(nothing_is_lost),
	KTEST_ROW(too_large_an_order_fails), KTEST_ROW(many_threads), { NULL, NULL }
};
