/* SPDX-License-Identifier: MIT */
/*
 * User address spaces: four levels of tables, 4 KiB pages and 2 MiB blocks.
 *
 * Invalidations are broadcast by the hardware (TLBI ...IS): map, unmap and
 * protect issue them as they go and wait once before they return (only the CPU
 * that issued them can wait: DSB), so hal_as_flush() has little to do.  More
 * than a few hundred pages become one invalidation of the ASID.  Replacing an entry by one
 * for different memory goes through an invalid entry and a completed
 * invalidation first (break before make); a change of permissions alone need not.
 *
 * A table's struct page counts its valid entries (inuse).  One that becomes empty,
 * or that an unmap covers whole, is unlinked, and freed when the invalidation of
 * what walkers may hold of it is complete.
 *
 * Accessed: the access flag, by hardware (FEAT_HAFDBS) or by a fault, which the
 * kernel answers by mapping the page again.  Dirty: not told.
 */
#include <kernel/errno.h>
#include <kernel/page.h>
#include <kernel/list.h>
#include <kernel/slab.h>
#include "aarch64/port.h"
#include "aarch64/pte.h"
#include "aarch64/as.h"

enum { TLBI_PAGES_MAX = 256 };

static uint64_t prot_bits(unsigned prot)
{
	uint64_t b = PTE_VALID | PTE_AF | PTE_NG | PTE_PXN;
	if (!(prot & (HAL_READ | HAL_WRITE | HAL_EXEC)))
		return 0;
	b |= PTE_USER;
	if (!(prot & HAL_WRITE))
		b |= PTE_RO;
	if (!(prot & HAL_EXEC))
		b |= PTE_UXN;
	return b | (prot & HAL_DEVICE ? PTE_ATTR(0) : PTE_ATTR(1) | PTE_SH_INNER);
}

static uint64_t *table_of(uint64_t entry) { return hal_phys_to_virt(entry & PTE_ADDR); }
static struct page *page_of(const uint64_t *entry) { return virt_to_page((const void *)((uintptr_t)entry & PAGE_MASK)); }

/* User code runs on the kernel's own pages. */
size_t hal_as_own_pages(void) { return 0; }
void hal_as_own(struct hal_as *as, uaddr_t va, const void *program) { }
unsigned hal_as_fault_pages(void) { return 2; }
bool hal_as_hot_call(struct hal_as *as, uaddr_t ip, paddr_t pa) { return false; }

struct hal_as *hal_as_create(struct hal_as *parent)
{
	struct hal_as *as = kzalloc(sizeof(*as), 0);
	struct page *p = as ? page_alloc(0, ALLOC_ZERO) : NULL;
	if (!p) {
		kfree(as);
		return NULL;
	}
	as->pgd = page_to_phys(p);
	return as;
}

static void free_level(uint64_t *table, unsigned shift)
{
	if (shift > 12)
		for (unsigned i = 0; i < 512; i++)
			if ((table[i] & 3) == 3)
				free_level(table_of(table[i]), shift - 9);
	page_put(virt_to_page(table));
}

static void free_dead(struct list_head *dead)
{
	while (!list_empty(dead)) {
		struct page *p = list_first(dead, struct page, link);
		list_del(&p->link);
		page_put(p);
	}
}

void hal_as_destroy(struct hal_as *as)
{
	if (!as)
		return;
	/* Nothing of it may be cached when its tables and its number are used again. */
	uint64_t asid = asid_number(as);
	dsb(ishst);
	if (asid) {
		__asm__ volatile("tlbi aside1is, %0" : : "r"(asid) : "memory");
		dsb(ish);
	}
	free_level(hal_phys_to_virt(as->pgd), 39);
	kfree(as);
}

void hal_as_activate(struct hal_as *as)
{
	struct percpu *c = percpu();
	if (c->as == as && as)
		return;
	c->as = as;
	asid_switch(as);
}

/* One page or block may be cached under its old meaning.  After a dsb(ishst) that covers the new one. */
static void invalidate_page(struct hal_as *as, uaddr_t va)
{
	uint64_t asid = asid_number(as);
	if (!asid)
		return;
	as->stale = true;
	__asm__ volatile("tlbi vale1is, %0" : : "r"(asid | (va >> 12 & 0xfffffffffff)) : "memory");
}

/* The same, and what a walker remembers of the tables on the way to it. */
static void invalidate_tables(struct hal_as *as, uaddr_t va)
{
	uint64_t asid = asid_number(as);
	if (!asid)
		return;
	as->stale = true;
	__asm__ volatile("tlbi vae1is, %0" : : "r"(asid | (va >> 12 & 0xfffffffffff)) : "memory");
}

static void invalidate_all(struct hal_as *as)
{
	dsb(ishst);	/* before the look at the number: a CPU that gives it its first one now walks the new tables */
	uint64_t asid = asid_number(as);
	if (!asid)
		return;
	__asm__ volatile("tlbi aside1is, %0" : : "r"(asid) : "memory");
	as->stale = true;
}

static void complete(struct hal_as *as)
{
	if (as->stale) {
		as->stale = false;
		dsb(ish);
		isb();
	}
}

/* Map, unmap and protect have waited for their invalidations; test_clear has not. */
void hal_as_flush(struct hal_as *as) { complete(as); }

/* The level-3 or level-2 entry that maps va; *shift says which.  NULL: no table. */
static uint64_t *find_entry(struct hal_as *as, uaddr_t va, unsigned *shift)
{
	uint64_t *t = hal_phys_to_virt(as->pgd);
	for (unsigned s = 39;; s -= 9) {
		uint64_t *e = &t[va >> s & 511];
		uint64_t v = READ_ONCE(*e);
		*shift = s;
		if (s == 12 || (v & 3) == PTE_VALID)
			return e;
		if (!(v & PTE_VALID))
			return NULL;
		t = table_of(v);
	}
}

static uint64_t *get_table(uint64_t *e)
{
	if (!(*e & PTE_VALID)) {
		struct page *p = page_alloc(0, ALLOC_ZERO | ALLOC_ATOMIC);
		if (!p)
			return NULL;
		p->inuse = 0;
		page_of(e)->inuse++;
		dsb(ishst);
		WRITE_ONCE(*e, page_to_phys(p) | PTE_VALID | PTE_TABLE);
	}
	return table_of(*e);
}

/* A block becomes a table of pages that say the same. */
static int split_block(struct hal_as *as, uint64_t *e, uaddr_t va)
{
	uint64_t block = *e;
	struct page *p = page_alloc(0, ALLOC_ATOMIC);
	if (!p)
		return -ENOMEM;
	uint64_t *t = page_addr(p);
	p->inuse = 512;
	for (unsigned i = 0; i < 512; i++)
		t[i] = (block + (uint64_t)i * PAGE_SIZE) | PTE_TABLE;
	WRITE_ONCE(*e, 0);
	dsb(ishst);
	invalidate_page(as, va);
	dsb(ish);
	WRITE_ONCE(*e, page_to_phys(p) | PTE_VALID | PTE_TABLE);
	dsb(ishst);
	return 0;
}

static void set_entry(struct hal_as *as, uint64_t *e, uaddr_t va, uint64_t v)
{
	uint64_t old = READ_ONCE(*e);
	if (old == v)
		return;
	if (!(old & PTE_VALID))
		page_of(e)->inuse++;
	if ((old & PTE_VALID) && ((old ^ v) & (PTE_ADDR | PTE_ATTR(7) | PTE_SH_INNER | PTE_TABLE))) {
		WRITE_ONCE(*e, 0);
		dsb(ishst);
		invalidate_page(as, va);
		dsb(ish);
		old = 0;
	}
	WRITE_ONCE(*e, v);
	if (old & PTE_VALID) {
		dsb(ishst);
		invalidate_page(as, va);
	}
}

int hal_as_map(struct hal_as *as, uaddr_t va, paddr_t pa, size_t pages, unsigned prot)
{
	uint64_t bits = prot_bits(prot);
	if (!bits) {
		hal_as_unmap(as, va, pages);
		return 0;
	}
	if ((prot & HAL_EXEC) && !(prot & HAL_DEVICE) && !(cpu_features.idc && cpu_features.dic))
		hal_icache_sync(hal_phys_to_virt(pa), pages * PAGE_SIZE);
	while (pages) {
		uint64_t *t = hal_phys_to_virt(as->pgd);
		size_t done = 1;
		if (!(t = get_table(&t[va >> 39 & 511])) || !(t = get_table(&t[va >> 30 & 511])))
			return -ENOMEM;
		uint64_t *e = &t[va >> 21 & 511];
		bool block = pages >= 512 && !((va | pa) & 0x1fffff) && (*e & 3) != 3;
		if (block) {
			set_entry(as, e, va, pa | bits);
			done = 512;
		} else {
			if ((*e & 3) == PTE_VALID && split_block(as, e, va))
				return -ENOMEM;
			if (!(t = get_table(e)))
				return -ENOMEM;
			set_entry(as, &t[va >> 12 & 511], va, pa | bits | PTE_TABLE);
		}
		va += done * PAGE_SIZE;
		pa += done * PAGE_SIZE;
		pages -= done;
	}
	dsb(ishst);	/* before the return to user code, on this CPU or another */
	complete(as);
	return 0;
}

/* The level-2 entry of va if a level-3 table hangs there. */
static uint64_t *find_leaf_table(struct hal_as *as, uaddr_t va)
{
	uint64_t *t = hal_phys_to_virt(as->pgd);
	for (unsigned s = 39; s > 21; s -= 9) {
		uint64_t v = READ_ONCE(t[va >> s & 511]);
		if ((v & 3) != 3)
			return NULL;
		t = table_of(v);
	}
	uint64_t *e = &t[va >> 21 & 511];
	return (*e & 3) == 3 ? e : NULL;
}

/* An entry for va was cleared: tables that are empty now go to `dead`.  True if there are any. */
static bool table_shrink(struct hal_as *as, uint64_t *e, uaddr_t va, struct list_head *dead)
{
	struct page *p = page_of(e), *root = phys_to_page(as->pgd);
	uint64_t *path[4];
	unsigned n = 0;
	p->inuse--;
	if (p->inuse || p == root)
		return false;
	for (uint64_t *t = hal_phys_to_virt(as->pgd), s = 39; page_of(t) != p; s -= 9) {
		path[n++] = &t[va >> s & 511];
		t = table_of(*path[n - 1]);
	}
	while (n && !p->inuse) {
		WRITE_ONCE(*path[--n], 0);
		list_add(&p->link, dead);
		p = page_of(path[n]);
		p->inuse--;
	}
	return true;
}

/* Unmaps (bits 0) or protects every mapped entry of the range; blocks that stick out of it are split. */
static void for_range(struct hal_as *as, uaddr_t va, size_t pages, uint64_t bits)
{
	uaddr_t end = va + pages * PAGE_SIZE;
	bool all = pages > TLBI_PAGES_MAX, changed = false;
	struct list_head dead = LIST_INIT(dead);
	while (va < end) {
		unsigned shift = 39;
		uint64_t *e;
		if (!bits && !(va & 0x1fffff) && end - va >= 0x200000 && (e = find_leaf_table(as, va))) {
			list_add(&virt_to_page(table_of(*e))->link, &dead);
			WRITE_ONCE(*e, 0);
			table_shrink(as, e, va, &dead);
			all = changed = true;
			va += 0x200000;
			continue;
		}
		e = find_entry(as, va, &shift);
		uint64_t span = (uint64_t)1 << shift;
		if (!e || !(*e & PTE_VALID)) {
			va = (va | (span - 1)) + 1;
			continue;
		}
		if (shift > 12 && ((va & (span - 1)) || end - va < span)) {
			if (split_block(as, e, va) == 0)
				continue;
			/* No memory for the table: forget the whole block, faults bring it back. */
			WRITE_ONCE(*e, 0);
			table_shrink(as, e, va, &dead);
			dsb(ishst);
			invalidate_tables(as, va);
			va = (va | (span - 1)) + 1;
			continue;
		}
		uint64_t old = *e, v = bits ? (old & (PTE_ADDR | PTE_ATTR(7) | PTE_SH_INNER | PTE_TABLE | PTE_AF)) |
			(bits & ~(PTE_ATTR(7) | PTE_SH_INNER | PTE_AF)) : 0;
		if (v != old) {
			if (bits && (old & PTE_UXN) && !(v & PTE_UXN) && !(cpu_features.idc && cpu_features.dic))
				hal_icache_sync(hal_phys_to_virt(old & PTE_ADDR), span);
			WRITE_ONCE(*e, v);
			changed = true;
			bool tables = !v && table_shrink(as, e, va, &dead);
			if (!all) {
				dsb(ishst);
				if (tables)
					invalidate_tables(as, va);
				else
					invalidate_page(as, va);
			}
		}
		va += span;
	}
	if (all && changed)
		invalidate_all(as);
	complete(as);
	free_dead(&dead);
}

void hal_as_unmap(struct hal_as *as, uaddr_t va, size_t pages)
{
	for_range(as, va, pages, 0);
}

void hal_as_protect(struct hal_as *as, uaddr_t va, size_t pages, unsigned prot)
{
	for_range(as, va, pages, prot_bits(prot));
}

unsigned hal_as_test_clear(struct hal_as *as, uaddr_t va)
{
	unsigned shift;
	uint64_t *e = find_entry(as, va, &shift);
	if (!e || !(READ_ONCE(*e) & PTE_VALID) || !(__atomic_fetch_and(e, ~PTE_AF, __ATOMIC_RELAXED) & PTE_AF))
		return 0;
	dsb(ishst);
	invalidate_page(as, va);
	return HAL_ACCESSED;
}

uaddr_t hal_as_limit(void) { return (uaddr_t)1 << 48; }
uaddr_t hal_as_min(void) { return 0x10000; }

bool hal_as_hold(struct hal_as *as)
{
	__atomic_store_n(&as->held, true, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);	/* hal_user_run() */
	for (unsigned i = 0; i < HAL_CPUS; i++)
		if (__atomic_load_n(&percpus[i].user_as, __ATOMIC_ACQUIRE) == as) {
			hal_as_release(as);
			return false;
		}
	return true;
}

void hal_as_release(struct hal_as *as) { __atomic_store_n(&as->held, false, __ATOMIC_RELEASE); }
