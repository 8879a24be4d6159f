/* SPDX-License-Identifier: MIT */
/*
 * User address spaces: four-level page tables, 4 KiB pages; and keeping the
 * CPUs' translation buffers honest.
 *
 * Every change that a TLB may contradict (something present was removed,
 * replaced or restricted) gets a generation number, and its range goes into a
 * short ring.  A CPU remembers the generation that its TLB has seen; before it
 * runs user code, and when another CPU's hal_as_flush() interrupts it, it
 * catches up: page by page if the ring still has all of it and it is little,
 * with everything otherwise.  So a flush interrupts only CPUs that are in this
 * address space now and are behind, once for any number of changes.
 *
 * Writers are serialized by the caller; readers of the ring are other CPUs, and
 * check after reading that the writer has not lapped them.
 *
 * With PCID, a CPU keeps translations of the last few spaces that it ran, each in a
 * slot that says up to which generation they are good.  Coming back to a space that
 * did not change since, they are used; otherwise the slot's are dropped, before a
 * walk can meet tables that have been freed meanwhile.  Process-context identifier 0
 * is the kernel's own tables', slot i's is i + 1 (SDM 3A 4.10.1, 4.10.4.1).
 *
 * A table's struct page counts its present entries (inuse).  One that becomes
 * empty leaves the tree, and is freed when every CPU that has the tables loaded,
 * be it lazily, has caught up with the change: until then its walker may be in it.
 */
#include <kernel/errno.h>
#include <kernel/page.h>
#include <kernel/print.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include "aspace.h"
#include "apic.h"
#include "cpu.h"

enum { FEW_PAGES = 32 };
#define CR3_KEEP	((uint64_t)1 << 63)	/* what is cached of this identifier stays good */
static uint64_t last_id;

static uint64_t *virt(uint64_t entry) { return hal_phys_to_virt(entry & PTE_ADDR); }
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
	list_init(&as->dead);
	as->id = __atomic_add_fetch(&last_id, 1, __ATOMIC_RELAXED);
	as->root = page_to_phys(p);
	as->pml4 = page_addr(p);
	memcpy(as->pml4 + 256, kernel_pml4 + 256, 256 * sizeof(uint64_t));
	return as;
}

static void table_free(uint64_t *t, unsigned level)
{
	for (unsigned i = 0; i < (level == 4 ? 256 : 512); i++)
		if (t[i] & PTE_P && level > 1)
			table_free(virt(t[i]), level - 1);
	page_put(virt_to_page(t));
}

static void dead_free(struct list_head *dead)
{
	while (!list_empty(dead)) {
		struct page *p = list_first(dead, struct page, link);

		list_del(&p->link);
		page_put(p);
	}
}

/* This CPU may still have the tables of a space that it left (see hal_as_activate): let go of one that dies. */
static void drop_dying(struct pcpu *c)
{
	struct hal_as *as = c->as;

	if (!as || !__atomic_load_n(&as->dying, __ATOMIC_SEQ_CST))
		return;
	BUG_ON(!c->as_lazy);
	write_cr3((uint64_t)kernel_pml4 - DIRECT_BASE);
	c->as = NULL;
	__atomic_fetch_and(&as->cpus, ~((uint64_t)1 << c->id), __ATOMIC_SEQ_CST);
}

void hal_as_destroy(struct hal_as *as)
{
	unsigned long f = flags_save_cli();
	uint64_t mask;

	__atomic_store_n(&as->dying, true, __ATOMIC_SEQ_CST);
	drop_dying(pcpu());
	for (uint64_t m = __atomic_load_n(&as->cpus, __ATOMIC_SEQ_CST); m; m &= m - 1)
		apic_send(cpu_table[__builtin_ctzll(m)]->apic_id, VEC_TLB | APIC_ASSERT);
	flags_restore(f);
	do {
		f = flags_save_cli();
		tlb_catch_up(pcpu());
		flags_restore(f);
		mask = __atomic_load_n(&as->cpus, __ATOMIC_SEQ_CST);
		if (mask)
			cpu_pause();
	} while (mask);
	dead_free(&as->dead);
	table_free(as->pml4, 4);
	kfree(as);
}

/* The entry for va; NULL: there is none (or no memory for its table). */
static uint64_t *walk(struct hal_as *as, uaddr_t va, bool create)
{
	uint64_t *t = as->pml4;

	for (unsigned shift = 39; shift > 12; shift -= 9) {
		uint64_t *slot = &t[va >> shift & 511];

		if (!(*slot & PTE_P)) {
			struct page *p;

			if (!create)
				return NULL;
			p = page_alloc(0, ALLOC_ZERO | ALLOC_ATOMIC);
			if (!p)
				return NULL;
			p->inuse = 0;
			page_of(slot)->inuse++;
			store_release(slot, page_to_phys(p) | PTE_P | PTE_W | PTE_U);
		}
		t = virt(*slot);
	}
	return &t[va >> 12 & 511];
}

/* Like walk() without create; where there is no table, *skip is what it would have covered. */
static uint64_t *walk_or_skip(struct hal_as *as, uaddr_t va, uint64_t *skip)
{
	uint64_t *t = as->pml4;

	for (unsigned shift = 39; shift > 12; shift -= 9) {
		uint64_t e = t[va >> shift & 511];

		if (!(e & PTE_P)) {
			*skip = (uint64_t)1 << shift;
			return NULL;
		}
		t = virt(e);
	}
	return &t[va >> 12 & 511];
}

/* `gone` entries of the last-level table with this entry, for va, were cleared: tables that are empty now go to `dead`. */
static void table_shrink(struct hal_as *as, uint64_t *pte, uaddr_t va, unsigned gone, struct list_head *dead)
{
	struct page *p = page_of(pte);
	uint64_t *slot[3] = { &as->pml4[va >> 39 & 511] };	/* what points to the tables of levels 3, 2, 1 */

	p->inuse = (uint16_t)(p->inuse - gone);
	if (p->inuse)
		return;
	slot[1] = &virt(*slot[0])[va >> 30 & 511];
	slot[2] = &virt(*slot[1])[va >> 21 & 511];
	for (int i = 2; i >= 0 && !p->inuse; i--) {	/* the root stays */
		WRITE_ONCE(*slot[i], 0);
		list_add(&p->link, dead);
		p = page_of(slot[i]);
		p->inuse--;
	}
}

static uint64_t prot_bits(unsigned prot)
{
	return PTE_P | PTE_U | (prot & HAL_WRITE ? PTE_W : 0) | (prot & HAL_EXEC ? 0 : pte_nx()) |
		(prot & HAL_DEVICE ? PTE_PCD | PTE_PWT : 0);
}

static void changed(struct hal_as *as, uaddr_t va, size_t pages)
{
	uint64_t gen = as->gen + 1;

	as->ring[gen % AS_RING].va = va;
	as->ring[gen % AS_RING].pages = pages;
	__atomic_store_n(&as->gen, gen, __ATOMIC_SEQ_CST);
}

int hal_as_map(struct hal_as *as, uaddr_t va, paddr_t pa, size_t pages, unsigned prot)
{
	uint64_t bits = prot_bits(prot), *pte = NULL;
	unsigned fresh = 0;
	bool stale = false;
	size_t i;

	if (!(prot & (HAL_READ | HAL_WRITE | HAL_EXEC))) {
		hal_as_unmap(as, va, pages);
		return 0;
	}
	for (i = 0; i < pages; i++) {
		uaddr_t a = va + i * PAGE_SIZE;

		if (!pte || !(a >> 12 & 511)) {
			if (pte)
				page_of(pte)->inuse = (uint16_t)(page_of(pte)->inuse + fresh);
			fresh = 0;
			pte = walk(as, a, true);
			if (!pte)
				break;
		} else {
			pte++;
		}
		if (__atomic_exchange_n(pte, (pa + i * PAGE_SIZE) | bits, __ATOMIC_RELAXED) & PTE_P)
			stale = true;
		else
			fresh++;
	}
	if (pte)
		page_of(pte)->inuse = (uint16_t)(page_of(pte)->inuse + fresh);
	if (stale)
		changed(as, va, i);
	return i == pages ? 0 : -ENOMEM;
}

static void update(struct hal_as *as, uaddr_t va, size_t pages, uint64_t keep, uint64_t set)
{
	uaddr_t end = va + pages * PAGE_SIZE, first = 0, last = 0;
	struct list_head dead = LIST_INIT(dead);
	uint64_t *pte = NULL, skip = 0;
	unsigned gone = 0;

	for (uaddr_t a = va; a < end; ) {
		uint64_t old;

		if (pte && a >> 12 & 511) {
			pte++;
		} else {
			if (gone)
				table_shrink(as, pte, a - PAGE_SIZE, gone, &dead);
			gone = 0;
			pte = walk_or_skip(as, a, &skip);
		}
		if (!pte) {
			a = ALIGN_DOWN(a, skip) + skip;
			continue;
		}
		old = READ_ONCE(*pte);
		if (old & PTE_P) {
			/* The CPUs set accessed and dirty bits in it meanwhile. */
			while (!__atomic_compare_exchange_n(pte, &old, set ? (old & keep) | set : 0, false,
							    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
				;
			gone += !set;
			if (!first)
				first = a;
			last = a + PAGE_SIZE;
		}
		a += PAGE_SIZE;
	}
	if (gone)
		table_shrink(as, pte, end - PAGE_SIZE, gone, &dead);
	if (first)
		changed(as, first, (last - first) / PAGE_SIZE);
	if (!list_empty(&dead)) {	/* only now: a flush that finds them waits for this change */
		unsigned long f = leaf_lock(&as->dead_lock);

		list_splice_tail(&dead, &as->dead);
		leaf_unlock(&as->dead_lock, f);
	}
}

void hal_as_unmap(struct hal_as *as, uaddr_t va, size_t pages) { update(as, va, pages, 0, 0); }

void hal_as_protect(struct hal_as *as, uaddr_t va, size_t pages, unsigned prot)
{
	bool none = !(prot & (HAL_READ | HAL_WRITE | HAL_EXEC));

	update(as, va, pages, PTE_ADDR | PTE_A | PTE_D | PTE_PCD | PTE_PWT, none ? 0 : prot_bits(prot));
}

unsigned hal_as_test_clear(struct hal_as *as, uaddr_t va)
{
	uint64_t *pte = walk(as, va, false), old;

	if (!pte || !(READ_ONCE(*pte) & PTE_P))
		return 0;
	old = __atomic_fetch_and(pte, ~(uint64_t)(PTE_A | PTE_D), __ATOMIC_RELAXED);
	if (old & PTE_D)	/* a TLB that knows the page as dirty would not say so again */
		changed(as, va, 1);
	return (old & PTE_A ? HAL_ACCESSED : 0) | (old & PTE_D ? HAL_DIRTY : 0);
}

uaddr_t hal_as_limit(void) { return USER_LIMIT; }
uaddr_t hal_as_min(void) { return USER_MIN; }

/* ---- TLBs ---- */

void tlb_catch_up(struct pcpu *c)
{
	struct hal_as *as = c->as;
	uint64_t gen, seen = c->as_seen, n = 0, k = 0;

	if (!as)
		return;
	if (c->as_lazy) {
		drop_dying(c);
		if (!c->as)
			return;
	}
	gen = __atomic_load_n(&as->gen, __ATOMIC_SEQ_CST);
	if (gen == seen)
		return;
	if (gen - seen < AS_RING) {
		for (uint64_t g = seen + 1; g <= gen && n <= FEW_PAGES; g++)
			n += as->ring[g % AS_RING].pages;
		if (n <= FEW_PAGES) {
			uint64_t few[FEW_PAGES];

			for (uint64_t g = seen + 1; g <= gen; g++)
				for (size_t i = 0; i < READ_ONCE(as->ring[g % AS_RING].pages) && k < FEW_PAGES; i++)
					few[k++] = READ_ONCE(as->ring[g % AS_RING].va) + i * PAGE_SIZE;
			__atomic_thread_fence(__ATOMIC_SEQ_CST);
			if (READ_ONCE(as->gen) - seen < AS_RING) {
				for (uint64_t i = 0; i < k; i++)
					invlpg(few[i]);
				store_release(&c->as_seen, gen);
				return;
			}
		}
	}
	write_cr3(read_cr3());
	store_release(&c->as_seen, gen);
}

/* Load the tables of `as`, whose changes up to `gen` will be in our TLB then; interrupts are off. */
static void load_tables(struct pcpu *c, struct hal_as *as, uint64_t gen)
{
	unsigned i;

	if (!cpu_features.pcid) {
		write_cr3(as->root);
		return;
	}
	for (i = 0; i < CPU_SPACES && c->as_slots[i].id != as->id; i++)
		;
	if (i < CPU_SPACES && c->as_slots[i].seen == gen) {
		c->as_slot = i;
		write_cr3(as->root | (i + 1) | CR3_KEEP);
		return;
	}
	if (i == CPU_SPACES)
		i = c->as_next++ % CPU_SPACES;
	c->as_slots[i].id = as->id;
	c->as_slot = i;
	write_cr3(as->root | (i + 1));
}

/*
 * Leaving an address space for a kernel thread leaves its tables loaded: most
 * often the CPU comes back to it.  Meanwhile nobody waits for this CPU; coming
 * back catches up, and the end of the space makes it let go.
 */
void hal_as_activate(struct hal_as *as)
{
	struct pcpu *c = pcpu();
	struct hal_as *old = c->as;
	uint64_t gen;

	if (!as) {
		__atomic_store_n(&c->as_lazy, true, __ATOMIC_SEQ_CST);
		drop_dying(c);
		return;
	}
	if (as == old) {
		__atomic_store_n(&c->as_lazy, false, __ATOMIC_SEQ_CST);
		tlb_catch_up(c);
		return;
	}
	if (old)
		c->as_slots[c->as_slot].seen = c->as_seen;
	__atomic_store_n(&c->as_seen, 0, __ATOMIC_SEQ_CST);	/* the old one's number means nothing in the new one */
	__atomic_fetch_or(&as->cpus, (uint64_t)1 << c->id, __ATOMIC_SEQ_CST);
	__atomic_store_n(&c->as, as, __ATOMIC_SEQ_CST);
	__atomic_store_n(&c->as_lazy, false, __ATOMIC_SEQ_CST);
	gen = __atomic_load_n(&as->gen, __ATOMIC_SEQ_CST);
	load_tables(c, as, gen);
	__atomic_store_n(&c->as_seen, gen, __ATOMIC_SEQ_CST);
	if (old)
		__atomic_fetch_and(&old->cpus, ~((uint64_t)1 << c->id), __ATOMIC_SEQ_CST);
}

/*
 * tables: some were freed, so also a CPU that only has them loaded, or is on
 * its way in or out, counts: it does not use them, but its walker may.
 */
static bool behind(struct pcpu *c, struct hal_as *as, uint64_t gen, bool tables)
{
	bool here = __atomic_load_n(&c->as, __ATOMIC_SEQ_CST) == as;

	if (tables)
		return (__atomic_load_n(&as->cpus, __ATOMIC_SEQ_CST) >> c->id & 1) && !(here && load_acquire(&c->as_seen) >= gen);
	return here && !__atomic_load_n(&c->as_lazy, __ATOMIC_SEQ_CST) && load_acquire(&c->as_seen) < gen;
}

void hal_as_flush(struct hal_as *as)
{
	struct list_head dead = LIST_INIT(dead);
	unsigned long f = leaf_lock(&as->dead_lock);
	uint64_t gen, mask;
	struct pcpu *self;
	bool tables;

	list_splice_tail(&as->dead, &dead);
	leaf_unlock(&as->dead_lock, f);
	tables = !list_empty(&dead);
	f = flags_save_cli();
	self = pcpu();
	gen = __atomic_load_n(&as->gen, __ATOMIC_SEQ_CST);

	if (self->as == as)
		tlb_catch_up(self);
	mask = __atomic_load_n(&as->cpus, __ATOMIC_SEQ_CST) & ~((uint64_t)1 << self->id);
	for (uint64_t m = mask; m; m &= m - 1) {
		struct pcpu *c = cpu_table[__builtin_ctzll(m)];

		if (behind(c, as, gen, tables))
			apic_send(c->apic_id, VEC_TLB | APIC_ASSERT);
	}
	flags_restore(f);
	for (uint64_t m = mask; m; m &= m - 1) {
		struct pcpu *c = cpu_table[__builtin_ctzll(m)];

		while (behind(c, as, gen, tables)) {
			/* If our caller has interrupts off, two CPUs may wait for each other. */
			f = flags_save_cli();
			tlb_catch_up(pcpu());
			flags_restore(f);
			cpu_pause();
		}
	}
	dead_free(&dead);
}

bool hal_as_hold(struct hal_as *as)
{
	__atomic_store_n(&as->held, true, __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);	/* hal_user_run() */
	for (unsigned i = 0; i < HAL_CPUS; i++)
		if (load_acquire(&cpu_table[i]) && __atomic_load_n(&cpu_table[i]->user_as, __ATOMIC_ACQUIRE) == as) {
			hal_as_release(as);
			return false;
		}
	return true;
}

void hal_as_release(struct hal_as *as) { __atomic_store_n(&as->held, false, __ATOMIC_RELEASE); }
