/* SPDX-License-Identifier: MIT */
/*
 * struct page: one for every page of RAM.
 *
 * Each range of RAM (hal_boot_info()) is a zone; the array of its page structs
 * lies at its own start.  The array of an 8 GiB machine is 128 MiB, so it is
 * not touched at boot: buddy.c initialises it chunk by chunk, when the chunk's
 * memory is first wanted.  phys_to_page() says NULL for what lies beyond.
 */
#include <hal/dev.h>
#include <kernel/cpu.h>
#include <kernel/print.h>
#include <kernel/string.h>
#include <kernel/task.h>
#include "mm/mm.h"

struct page_zone page_zones[HAL_RANGES];
unsigned page_zone_count;

struct page *phys_to_page(paddr_t pa)
{
	for (unsigned i = 0; i < page_zone_count; i++) {
		struct page_zone *z = &page_zones[i];
		uint64_t n = (pa - z->base) >> PAGE_SHIFT;

		if (pa >= z->base && n < READ_ONCE(z->ready))
			return &z->pages[n];
	}
	return NULL;
}

paddr_t page_to_phys(const struct page *p)
{
	/* Of one zone without a look at the struct, which whoever only wants the page's memory has not in his cache. */
	const struct page_zone *z = &page_zones[page_zone_count == 1 ? 0 : p->zone];

	return z->base + ((uint64_t)(p - z->pages) << PAGE_SHIFT);
}

void page_init(void)
{
	const struct hal_boot *b = hal_boot_info();

	for (unsigned i = 0; i < b->ranges && page_zone_count < HAL_RANGES; i++) {
		paddr_t start = ALIGN_UP(b->range[i].base, PAGE_SIZE);
		paddr_t end = ALIGN_DOWN(b->range[i].base + b->range[i].size, PAGE_SIZE);
		struct page_zone *z, tmp;

		if (end <= start || end - start < 16 * PAGE_SIZE)
			continue;
		z = &page_zones[page_zone_count];
		*z = (struct page_zone){ .base = start, .npages = (end - start) >> PAGE_SHIFT };
		z->pages = hal_phys_to_virt(start);
		/* The biggest first: look-ups hit it at once. */
		for (unsigned j = page_zone_count; j > 0 && page_zones[j].npages > page_zones[j - 1].npages; j--) {
			tmp = page_zones[j];
			page_zones[j] = page_zones[j - 1];
			page_zones[j - 1] = tmp;
		}
		page_zone_count++;
	}
	if (!page_zone_count)
		panic("no memory: the machine reports no usable RAM");
	buddy_init();
}

bool alloc_should_fail(void)
{
	struct task *t;
	unsigned n;

	if (likely(!hal_current()) || in_interrupt())
		return false;
	t = current;
	if (likely(!READ_ONCE(t->fail_nth)) || t->flags & TASKF_MEMALLOC)
		return false;
	n = READ_ONCE(t->fail_nth) - 1;
	WRITE_ONCE(t->fail_nth, n);
	return n == 0;
}

void mem_info_get(struct mem_info *out)
{
	uint64_t free = buddy_free_pages(), cache = counter_sum(COUNT_CACHE);
	uint64_t shmem = counter_sum(COUNT_SHMEM);
	uint64_t low = buddy_low_mark();

	*out = (struct mem_info){
		.total_pages = buddy_total_pages(),
		.free_pages = free,
		.cache_pages = cache,
		.dirty_pages = counter_sum(COUNT_DIRTY),
		.anon_pages = counter_sum(COUNT_ANON),
		.slab_pages = counter_sum(COUNT_SLAB),
		.shmem_pages = shmem,
		.mapped_pages = counter_sum(COUNT_MAPPED),
		.table_pages = counter_sum(COUNT_TABLES),
		.writeback_pages = counter_sum(COUNT_WRITEBACK),
	};
	out->available_pages = (free > low ? free - low : 0) + (cache > shmem ? cache - shmem : 0);
}
