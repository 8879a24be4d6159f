/* SPDX-License-Identifier: MIT */
/*
 * vm->pages: the table of which page is where.  See vm_internal.h.
 *
 * Tables are pages (PG_TABLE); page.inuse counts their used entries, so that
 * empty ones can be given back when a large range is unmapped.  They are
 * allocated outside the lock (vpe_prepare) and looked up again under it.
 */
#include <kernel/errno.h>
#include <kernel/slab.h>
#include "mm/mm.h"
#include "mm/vm_internal.h"

enum { LEVEL_BITS = 9, SLOTS = 1 << LEVEL_BITS, TOP_SHIFT = PAGE_SHIFT + 3 * LEVEL_BITS };

static unsigned slot_of(uaddr_t addr, unsigned shift)
{
	return (addr >> shift) & (SLOTS - 1);
}

/* The first used slot at or behind i; SLOTS: none.  Most of a table is empty: eight at a time. */
static unsigned slot_used(const vpe_t *t, unsigned i)
{
	while (i < SLOTS && !t[i]) {
		i++;
		while (!(i & 7) && i < SLOTS && !(t[i] | t[i + 1] | t[i + 2] | t[i + 3] | t[i + 4] | t[i + 5] | t[i + 6] | t[i + 7]))
			i += 8;
	}
	return i;
}

static vpe_t *table_alloc(void)
{
	struct page *p = page_alloc_user(ALLOC_ZERO);

	if (!p)
		return NULL;
	page_set_flag(p, PG_TABLE);
	counter_add(COUNT_TABLES, 1);
	return page_addr(p);
}

static void table_free(vpe_t *t)
{
	struct page *p = virt_to_page(t);

	counter_add(COUNT_TABLES, -1);
	page_put(p);
}

struct vm_pages *vm_pages_create(void)
{
	struct vm_pages *t = kmalloc(sizeof(*t), 0);

	if (!t)
		return NULL;
	spin_init(&t->lock, LOCK_PAGE_TABLE);
	t->root = table_alloc();
	if (!t->root) {
		kfree(t);
		return NULL;
	}
	return t;
}

vpe_t *vpe_find(struct vm_space *vm, uaddr_t addr)
{
	vpe_t *t = vm->pages->root;

	for (unsigned shift = TOP_SHIFT; shift > PAGE_SHIFT; shift -= LEVEL_BITS) {
		t = (vpe_t *)(uintptr_t)t[slot_of(addr, shift)];
		if (!t)
			return NULL;
	}
	return &t[slot_of(addr, PAGE_SHIFT)];
}

int vpe_prepare(struct vm_space *vm, uaddr_t addr)
{
	vpe_t *fresh = NULL;

	for (;;) {
		vpe_t *t;
		unsigned shift = TOP_SHIFT;

		spin_lock(&vm->pages->lock);
		t = vm->pages->root;
		for (; shift > PAGE_SHIFT; shift -= LEVEL_BITS) {
			vpe_t *slot = &t[slot_of(addr, shift)];

			if (!*slot) {
				if (!fresh)
					break;
				vpe_set(slot, (vpe_t)(uintptr_t)fresh);
				fresh = NULL;
			}
			t = (vpe_t *)(uintptr_t)*slot;
		}
		spin_unlock(&vm->pages->lock);
		if (shift == PAGE_SHIFT)
			break;
		fresh = table_alloc();
		if (!fresh)
			return -ENOMEM;
	}
	if (fresh)
		table_free(fresh);
	return 0;
}

vpe_t *vpe_next(struct vm_space *vm, uaddr_t *addr, uaddr_t end)
{
	while (*addr < end) {
		vpe_t *t = vm->pages->root;
		unsigned shift = TOP_SHIFT;

		for (; shift > PAGE_SHIFT; shift -= LEVEL_BITS) {
			unsigned i = slot_of(*addr, shift);

			if (!t[i]) {
				/* On to the next used slot of this table. */
				i = slot_used(t, i);
				*addr = ALIGN_DOWN(*addr, 1ull << (shift + LEVEL_BITS)) + ((uaddr_t)i << shift);
				break;
			}
			t = (vpe_t *)(uintptr_t)t[i];
		}
		if (shift > PAGE_SHIFT)
			continue;
		unsigned from = slot_of(*addr, PAGE_SHIFT), i = slot_used(t, from);

		*addr += (uaddr_t)(i - from) << PAGE_SHIFT;
		if (*addr >= end)
			return NULL;
		if (i < SLOTS)
			return &t[i];
	}
	return NULL;
}

void vpe_set(vpe_t *slot, vpe_t v)
{
	if (!*slot != !v) {
		struct page *p = virt_to_page(slot);

		p->inuse = (uint16_t)(p->inuse + (v ? 1 : -1));
	}
	*slot = v;
}

/* Frees the empty tables below t that lie in [start, end); base: the first address of t. */
static void prune(vpe_t *t, unsigned shift, uaddr_t base, uaddr_t start, uaddr_t end)
{
	unsigned i = start > base ? slot_of(start, shift) : 0;

	for (; i < SLOTS; i++) {
		uaddr_t at = base + ((uaddr_t)i << shift);
		vpe_t *sub = (vpe_t *)(uintptr_t)t[i];

		if (at >= end)
			break;
		if (!sub)
			continue;
		if (shift - LEVEL_BITS > PAGE_SHIFT)
			prune(sub, shift - LEVEL_BITS, at, start, end);
		if (virt_to_page(sub)->inuse == 0) {
			vpe_set(&t[i], 0);
			table_free(sub);
		}
	}
}

void vm_pages_prune(struct vm_space *vm, uaddr_t start, uaddr_t end)
{
	spin_lock(&vm->pages->lock);
	prune(vm->pages->root, TOP_SHIFT, 0, start, end);
	spin_unlock(&vm->pages->lock);
}

void vpe_count(struct vm_space *vm, vpe_t e, int n)
{
	int64_t *counter = NULL;

	if (e & VPE_FILE)
		counter = &vm->rss_file;
	else if (e & VPE_SHMEM)
		counter = &vm->rss_shmem;
	else if (READ_ONCE(vpe_page(e)->flags) & PG_ANON)
		counter = &vm->rss_anon;
	if (counter)
		__atomic_add_fetch(counter, n, __ATOMIC_RELAXED);
}

void vpe_page_mapped(vpe_t e)
{
	if (__atomic_fetch_add(&vpe_page(e)->mapcount, 1, __ATOMIC_RELAXED) == 0 && e & (VPE_FILE | VPE_SHMEM))
		counter_add(COUNT_MAPPED, 1);
}

static void page_unmapped(vpe_t e)
{
	if (__atomic_sub_fetch(&vpe_page(e)->mapcount, 1, __ATOMIC_ACQ_REL) == 0 && e & (VPE_FILE | VPE_SHMEM))
		counter_add(COUNT_MAPPED, -1);
}

void vpe_account(struct vm_space *vm, vpe_t e, int n)
{
	if (e & VPE_DEV || vm_is_zero(vpe_page(e)))
		return;
	vpe_count(vm, e, n);
	if (n > 0)
		vpe_page_mapped(e);
	else
		page_unmapped(e);
}

int vpe_run_end(struct vpe_run *r)
{
	if (r->n) {
		int got = hal_as_map(r->as, r->at, r->pa, r->n, r->prot);

		if (r->about >= r->at && r->about < r->at + r->n * PAGE_SIZE)
			r->err = got;
	}
	r->n = 0;
	return r->err;
}

void vpe_run_add(struct vpe_run *r, uaddr_t at, paddr_t pa, unsigned prot)
{
	if (r->n && (at != r->at + r->n * PAGE_SIZE || pa != r->pa + r->n * PAGE_SIZE || prot != r->prot))
		(void)vpe_run_end(r);
	if (!r->n++) {
		r->at = at;
		r->pa = pa;
		r->prot = prot;
	}
}

/* Nobody asks any more how much is mapped. */
static void destroy_level(vpe_t *t, unsigned shift)
{
	unsigned left = virt_to_page(t)->inuse;

	for (unsigned i = 0; left && (i = slot_used(t, i)) < SLOTS; i++) {
		left--;
		if (shift > PAGE_SHIFT) {
			destroy_level((vpe_t *)(uintptr_t)t[i], shift - LEVEL_BITS);
		} else if (!(t[i] & VPE_DEV) && !vm_is_zero(vpe_page(t[i]))) {
			bool last = page_map_put(vpe_page(t[i]));

			if (last && t[i] & (VPE_FILE | VPE_SHMEM))
				counter_add(COUNT_MAPPED, -1);
		}
	}
	table_free(t);
}

void vm_pages_destroy(struct vm_space *vm)
{
	destroy_level(vm->pages->root, TOP_SHIFT);
	kfree(vm->pages);
	vm->pages = NULL;
}
