/* SPDX-License-Identifier: MIT */
/*
 * The page allocator: a buddy system with a cache of single pages per CPU.
 *
 * Free blocks of 2^n pages, aligned to their size in physical memory, hang on
 * free_area[n]; a block's buddy differs in bit n of the page number.  Blocks
 * never merge across zones.  Memory that has never been wanted is in no list:
 * zone_grow() adds it a chunk at a time when the lists run dry, which keeps
 * the footprint of a small load on a big machine small.
 *
 * Single pages come from and go to the CPU's own list; it exchanges a batch
 * with the buddy lists when it runs empty or full.
 *
 * A reserve (min_mark) is kept for ALLOC_ATOMIC and for tasks that free memory
 * (TASKF_MEMALLOC, victims of the OOM path).
 *
 * Locks: PAGE_CPU (the list of a CPU; others only drain it), then BUDDY.
 */
#include <hal/dev.h>
#include <kernel/cpu.h>
#include <kernel/print.h>
#include <kernel/string.h>
#include <kernel/task.h>
#include "mm/asan.h"
#include "mm/mm.h"

enum { CHUNK_PAGES = 1 << PAGE_ORDER_MAX, CPU_BATCH = 32, CPU_HIGH = 96 };

static struct {
	struct list_head blocks;	/* [buddy_lock] */
	uint64_t count;
} free_area[PAGE_ORDER_MAX + 1];
static struct spinlock buddy_lock = SPINLOCK_INIT(BUDDY);
static uint64_t free_count;		/* [buddy_lock] on free_area, or in no list yet */
static uint64_t total_count;		/* [I] */
static uint64_t min_mark, low_mark;	/* [I] */
static unsigned grow_zone;		/* [buddy_lock] zones before it are in use whole */

static struct page_cpu {
	struct spinlock lock;
	unsigned count;			/* [lock] */
	struct list_head pages;		/* [lock] */
} ALIGNED(64) page_cpu[HAL_CPUS];

uint64_t buddy_total_pages(void) { return total_count; }
uint64_t buddy_low_mark(void) { return low_mark; }
uint64_t buddy_min_mark(void) { return min_mark; }

uint64_t buddy_free_pages(void)
{
	uint64_t n = READ_ONCE(free_count);

	for (unsigned i = 0; i < hal_boot_info()->cpus; i++)
		n += READ_ONCE(page_cpu[i].count);
	return n;
}

/* Put a block on the lists, merged with its free buddies. */
static void buddy_insert(struct page *p, unsigned order) REQUIRES(buddy_lock)
{
	struct page_zone *z = &page_zones[p->zone];
	uint64_t base = z->base >> PAGE_SHIFT, pfn = base + (uint64_t)(p - z->pages);

	while (order < PAGE_ORDER_MAX) {
		uint64_t b = pfn ^ (1ull << order);
		struct page *bp;

		if (b < base || b - base + (1ull << order) > z->ready)
			break;
		bp = &z->pages[b - base];
		if (!(READ_ONCE(bp->flags) & PG_BUDDY) || bp->order != order)
			break;
		list_del(&bp->link);
		WRITE_ONCE(bp->flags, 0);
		free_area[order].count--;
		pfn &= ~(1ull << order);
		order++;
	}
	p = &z->pages[pfn - base];
	p->order = (uint8_t)order;
	WRITE_ONCE(p->flags, PG_BUDDY);
	list_add(&p->link, &free_area[order].blocks);
	free_area[order].count++;
}

/* Initialise one more chunk of page structs and put its pages on the lists.  False: all are there. */
static bool zone_grow(void) REQUIRES(buddy_lock)
{
	for (; grow_zone < page_zone_count; grow_zone++) {
		struct page_zone *z = &page_zones[grow_zone];
		uint64_t base = z->base >> PAGE_SHIFT, from = z->ready, to;

		if (from == z->npages)
			continue;
		to = MIN(ALIGN_DOWN(base + from, (uint64_t)CHUNK_PAGES) + CHUNK_PAGES - base, z->npages);
		memset(&z->pages[from], 0, (to - from) * sizeof(struct page));
		for (uint64_t i = from; i < to; i++)
			z->pages[i].zone = (uint8_t)grow_zone;
		WRITE_ONCE(z->ready, to);
		while (from < to) {
			unsigned order = 0;

			while (order < PAGE_ORDER_MAX && !((base + from) >> order & 1) && from + (2ull << order) <= to)
				order++;
			asan_poison(hal_phys_to_virt((base + from) << PAGE_SHIFT), PAGE_SIZE << order);
			buddy_insert(&z->pages[from], order);
			from += 1ull << order;
		}
		return true;
	}
	return false;
}

static struct page *buddy_take(unsigned order, bool reserve) REQUIRES(buddy_lock)
{
	if (free_count < (1ull << order) || (!reserve && free_count < min_mark + (1ull << order)))
		return NULL;
	do {
		for (unsigned o = order; o <= PAGE_ORDER_MAX; o++) {
			struct page *p;

			if (list_empty(&free_area[o].blocks))
				continue;
			p = list_first(&free_area[o].blocks, struct page, link);
			list_del(&p->link);
			WRITE_ONCE(p->flags, 0);
			free_area[o].count--;
			while (o > order) {
				struct page *half = p + (1ull << --o);

				half->order = (uint8_t)o;
				WRITE_ONCE(half->flags, PG_BUDDY);
				list_add(&half->link, &free_area[o].blocks);
				free_area[o].count++;
			}
			WRITE_ONCE(free_count, free_count - (1ull << order));
			return p;
		}
	} while (zone_grow());
	return NULL;
}

static void buddy_give(struct page *p, unsigned order) REQUIRES(buddy_lock)
{
	buddy_insert(p, order);
	WRITE_ONCE(free_count, free_count + (1ull << order));
}

static struct page *alloc_single(bool reserve) NO_TSA	/* interrupts stay off between the two locks */
{
	unsigned long flags = hal_irq_save();
	struct page_cpu *c = &page_cpu[this_cpu()->id];
	struct page *p = NULL;

	spin_lock(&c->lock);
	if (!c->count) {
		spin_lock(&buddy_lock);
		while (c->count < CPU_BATCH && (p = buddy_take(0, reserve && !c->count))) {
			list_add_tail(&p->link, &c->pages);
			WRITE_ONCE(c->count, c->count + 1);
		}
		spin_unlock(&buddy_lock);
		p = NULL;
	}
	if (c->count) {
		p = list_first(&c->pages, struct page, link);
		list_del(&p->link);
		WRITE_ONCE(c->count, c->count - 1);
	}
	spin_unlock(&c->lock);
	hal_irq_restore(flags);
	return p;
}

static void free_single(struct page *p) NO_TSA
{
	unsigned long flags = hal_irq_save();
	struct page_cpu *c = &page_cpu[this_cpu()->id];

	spin_lock(&c->lock);
	list_add(&p->link, &c->pages);
	WRITE_ONCE(c->count, c->count + 1);
	if (c->count > CPU_HIGH) {
		spin_lock(&buddy_lock);
		for (unsigned i = 0; i < CPU_BATCH; i++) {
			p = list_last(&c->pages, struct page, link);
			list_del(&p->link);
			buddy_give(p, 0);
		}
		WRITE_ONCE(c->count, c->count - CPU_BATCH);
		spin_unlock(&buddy_lock);
	}
	spin_unlock(&c->lock);
	hal_irq_restore(flags);
}

void buddy_drain_cpus(void)
{
	for (unsigned i = 0; i < hal_boot_info()->cpus; i++) {
		struct page_cpu *c = &page_cpu[i];
		unsigned long flags = spin_lock_irqsave(&c->lock);

		spin_lock(&buddy_lock);
		while (c->count) {
			struct page *p = list_first(&c->pages, struct page, link);

			list_del(&p->link);
			buddy_give(p, 0);
			WRITE_ONCE(c->count, c->count - 1);
		}
		spin_unlock(&buddy_lock);
		spin_unlock_irqrestore(&c->lock, flags);
	}
}

static struct page *alloc_block(unsigned order, bool reserve)
{
	struct page *p;
	unsigned long flags;

	if (order == 0)
		return alloc_single(reserve);
	flags = spin_lock_irqsave(&buddy_lock);
	p = buddy_take(order, reserve);
	spin_unlock_irqrestore(&buddy_lock, flags);
	return p;
}

static struct page *alloc_slow(unsigned order, unsigned flags, bool reserve)
{
	struct page *p;

	buddy_drain_cpus();
	p = alloc_block(order, reserve);
	if (p || flags & ALLOC_ATOMIC || reserve)
		return p;
	for (unsigned tries = 0; tries < 4 && !p; tries++) {
		unsigned got = reclaim_pages((1u << order) + CPU_BATCH, flags);

		buddy_drain_cpus();
		p = alloc_block(order, false);
		if (!got)
			break;
	}
	return p;
}

struct page *page_alloc(unsigned order, unsigned flags)
{
	bool reserve = flags & ALLOC_ATOMIC;
	struct page *p;

	if (!(flags & (ALLOC_ATOMIC | ALLOC_NOWAIT)))
		might_sleep();
	if (order > PAGE_ORDER_MAX || unlikely(alloc_should_fail()))
		return NULL;
	if (unlikely(READ_ONCE(free_count) < low_mark)) {
		reclaim_wake();
		if (!reserve && hal_current() && !in_interrupt()) {
			struct task *t = current;

			reserve = t->flags & TASKF_MEMALLOC || READ_ONCE(t->oom_victim);
		}
	}
	p = alloc_block(order, reserve);
	if (unlikely(!p)) {
		if (flags & ALLOC_NOWAIT)
			return NULL;
		p = alloc_slow(order, flags, reserve);
		if (!p)
			return NULL;
	}
	asan_unpoison(page_addr(p), PAGE_SIZE << order);
	msan_fresh(page_addr(p), PAGE_SIZE << order);
	p->order = (uint8_t)order;
	p->inuse = 0;
	WRITE_ONCE(p->mapcount, 0);
	WRITE_ONCE(p->mapping, NULL);
	WRITE_ONCE(p->index, 0);
	p->priv = NULL;
	WRITE_ONCE(p->flags, 0);
	list_init(&p->link);
	if (flags & ALLOC_ZERO)
		for (unsigned i = 0; i < 1u << order; i++)
			hal_page_clear((char *)page_addr(p) + i * PAGE_SIZE);
	store_release(&p->refs, 1);
	return p;
}

void page_split(struct page *p)
{
	unsigned n = 1u << p->order;

	for (unsigned i = 0; i < n; i++) {
		p[i].order = 0;
		p[i].inuse = 0;
		WRITE_ONCE(p[i].mapcount, 0);
		WRITE_ONCE(p[i].mapping, NULL);
		p[i].priv = NULL;
		WRITE_ONCE(p[i].flags, 0);
		list_init(&p[i].link);
		if (i)
			store_release(&p[i].refs, 1);
	}
}

static void page_free(struct page *p)
{
	unsigned order = p->order;
	unsigned long flags;

	if (unlikely(READ_ONCE(p->mapcount) != 0 || READ_ONCE(p->flags) & (PG_BUDDY | PG_SLAB | PG_LRU | PG_LOCKED | PG_RESERVED)))
		panic("freeing page %llx in use: flags %x, mapped %d", (unsigned long long)page_to_phys(p), p->flags, p->mapcount);
	if (READ_ONCE(p->flags) & PG_ANON)
		counter_add(COUNT_ANON, -1);
	WRITE_ONCE(p->flags, 0);
#if defined(EFT_DEBUG) && !defined(EFT_ASAN)
	memset(page_addr(p), 0x6b, PAGE_SIZE << order);
#endif
	asan_poison(page_addr(p), PAGE_SIZE << order);
	if (order == 0) {
		free_single(p);
		return;
	}
	flags = spin_lock_irqsave(&buddy_lock);
	buddy_give(p, order);
	spin_unlock_irqrestore(&buddy_lock, flags);
}

static void page_left(struct page *p, int32_t refs)
{
	if (refs == 0)
		page_free(p);
	else if (unlikely(refs < 0))
		panic("page %llx put too often", (unsigned long long)page_to_phys(p));
}

void page_put(struct page *p) { page_left(p, __atomic_sub_fetch(&p->refs, 1, __ATOMIC_ACQ_REL)); }

bool page_map_put(struct page *p)
{
	uint64_t left = __atomic_sub_fetch(&p->refs_mapcount, (UINT64_C(1) << PAGE_MAPCOUNT_SHIFT) + 1, __ATOMIC_ACQ_REL);

	page_left(p, (int32_t)left);
	return !(left >> PAGE_MAPCOUNT_SHIFT);
}

void buddy_init(void)
{
	for (unsigned i = 0; i <= PAGE_ORDER_MAX; i++)
		list_init(&free_area[i].blocks);
	for (unsigned i = 0; i < HAL_CPUS; i++) {
		spin_init(&page_cpu[i].lock, LOCK_PAGE_CPU);
		list_init(&page_cpu[i].pages);
	}
	for (unsigned i = 0; i < page_zone_count; i++) {
		struct page_zone *z = &page_zones[i];
		uint64_t own = DIV_ROUND_UP(z->npages * sizeof(struct page), PAGE_SIZE);

		/* The structs of the array's own pages: initialised, never handed out. */
		memset(z->pages, 0, own * sizeof(struct page));
		for (uint64_t j = 0; j < own; j++) {
			z->pages[j].zone = (uint8_t)i;
			z->pages[j].flags = PG_RESERVED;
			z->pages[j].refs = 1;
		}
		z->ready = own;
		total_count += z->npages - own;
	}
	free_count = total_count;
	min_mark = MAX(total_count / 128, (uint64_t)64);
	min_mark = MIN(min_mark, (uint64_t)2048);
	low_mark = min_mark * 2;
}
