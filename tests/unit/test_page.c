/* SPDX-License-Identifier: MIT */
/* The page allocator: blocks, alignment, merging, per-CPU caches, the reserve, failure injection. */
#include <kernel/page.h>
#include <kernel/task.h>
#include "mm/mm.h"
#include "unit.h"

static void blocks_are_aligned_and_apart(void)
{
	struct page *p[PAGE_ORDER_MAX + 1];

	for (unsigned o = 0; o <= PAGE_ORDER_MAX; o++) {
		p[o] = page_alloc(o, 0);
		CHECK(p[o]);
		CHECK_EQ(page_to_phys(p[o]) & ((PAGE_SIZE << o) - 1), 0);
		CHECK_EQ(p[o]->refs, 1);
		CHECK(phys_to_page(page_to_phys(p[o])) == p[o]);
		for (unsigned q = 0; q < o; q++) {
			paddr_t a = page_to_phys(p[q]), b = page_to_phys(p[o]);

			CHECK(a + (PAGE_SIZE << q) <= b || b + (PAGE_SIZE << o) <= a);
		}
	}
	for (unsigned o = 0; o <= PAGE_ORDER_MAX; o++)
		page_put(p[o]);
	CHECK(!page_alloc(PAGE_ORDER_MAX + 1, 0));
}

static void everything_comes_back(void)
{
	struct list_head all = LIST_INIT(all);
	struct page *p, *big;
	uint64_t before = buddy_free_pages(), n = 0;

	while ((p = page_alloc(0, ALLOC_ATOMIC))) {
		list_add(&p->link, &all);
		n++;
	}
	CHECK(n + 8 >= before);
	CHECK(buddy_free_pages() < 8);
	while (!list_empty(&all)) {
		p = list_first(&all, struct page, link);
		list_del_init(&p->link);
		page_put(p);
	}
	CHECK_EQ(buddy_free_pages(), before);
	buddy_drain_cpus();
	big = page_alloc(PAGE_ORDER_MAX, 0);
	CHECK(big);
	page_put(big);
}

static void reserve_is_for_atomic(void)
{
	struct list_head all = LIST_INIT(all);
	struct page *p;

	/* Straight to the allocator: no reclaim, no killing. */
	current->flags |= TASKF_KTHREAD;
	while ((p = page_alloc(0, 0)))
		list_add(&p->link, &all);
	CHECK(buddy_free_pages() <= buddy_min_mark() + 64);
	p = page_alloc(0, ALLOC_ATOMIC);
	CHECK(p);
	list_add(&p->link, &all);
	while (!list_empty(&all)) {
		p = list_first(&all, struct page, link);
		list_del_init(&p->link);
		page_put(p);
	}
}

static void zeroed(void)
{
	struct page *p = page_alloc(2, 0);
	char *c = page_addr(p);

	for (size_t i = 0; i < PAGE_SIZE * 4; i++)
		c[i] = 1;
	page_put(p);
	for (unsigned round = 0; round < 8; round++) {
		p = page_alloc(2, ALLOC_ZERO);
		c = page_addr(p);
		for (size_t i = 0; i < PAGE_SIZE * 4; i++)
			CHECK_EQ(c[i], 0);
		page_put(p);
	}
}

static void nth_allocation_fails(void)
{
	struct page *a, *b;

	current->fail_nth = 2;
	a = page_alloc(0, 0);
	b = page_alloc(0, 0);
	CHECK(a);
	CHECK(!b);
	CHECK_EQ(current->fail_nth, 0);
	b = page_alloc(0, 0);
	CHECK(b);
	page_put(a);
	page_put(b);
}

static void put_too_often(void)
{
	struct page *p = page_alloc(0, 0);

	unit_expect_panic("too often");
	page_put(p);
	page_put(p);
}

static void info_adds_up(void)
{
	struct mem_info i;

	mem_info_get(&i);
	CHECK(i.total_pages > 60 * 256 && i.total_pages <= 64 * 256);
	CHECK(i.free_pages < i.total_pages);
	CHECK(i.slab_pages > 0);
	CHECK(i.available_pages <= i.total_pages);
}

const struct unit_test unit_tests[] = {
	{ "blocks_are_aligned_and_apart", blocks_are_aligned_and_apart },
	{ "everything_comes_back", everything_comes_back },
	{ "reserve_is_for_atomic", reserve_is_for_atomic },
	{ "zeroed", zeroed },
	{ "nth_allocation_fails", nth_allocation_fails },
	{ "put_too_often", put_too_often },
	{ "info_adds_up", info_adds_up },
	{ 0 },
};
