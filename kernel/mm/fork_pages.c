/* SPDX-License-Identifier: MIT */
/*
 * Pages for what a fork copies at once.
 *
 * They are neighbours in memory, so that neighbours in the address space are mapped as one piece.  The parent keeps a reference to
 * each: when the child is gone, its next child gets the same pages at the same addresses, where a machine may still have them mapped
 * (arch_um/src/kept.c) and the caches have seen them.  What is in them is overwritten by the copy.
 *
 * A page that somebody else has a reference to is not free: the last child lives, or its child, or a pipe has it.  When too few are
 * free, or were of use the last time, others are taken.  There are two blocks, for two children that live at the same time; a child
 * gets the one that was last used in its machine's address space, if it can: those are reused, too.
 */
#include "mm/mm.h"
#include "mm/vm_internal.h"

/* All that processes keep together: so small a part of memory that reclaim need not know of it. */
enum { KEPT_SHARE = 256 };
static uint64_t kept;		/* [a] pages */

static bool is_free(const struct page *p) { return __atomic_load_n(&p->refs, __ATOMIC_ACQUIRE) == 1; }

static void drop(struct fork_block *f)
{
	if (!f->first)
		return;
	for (unsigned i = 0; i < 1u << f->order; i++)
		page_put(f->first + i);
	__atomic_sub_fetch(&kept, 1ull << f->order, __ATOMIC_RELAXED);
	f->first = NULL;
}

void fork_pages_drop(struct vm_space *vm)
{
	for (unsigned i = 0; i < ARRAY_SIZE(vm->fork_blocks); i++)
		drop(&vm->fork_blocks[i]);
	vm->fork_block = NULL;
}

static bool of_use(const struct fork_block *f, unsigned n)
{
	unsigned left = 0;

	for (unsigned i = 0; f->first && i < 1u << f->order; i++)
		left += is_free(f->first + i);
	return left >= n && f->strangers <= n / 4;
}

static void make(struct fork_block *f, unsigned n)
{
	unsigned order = 0;

	while (1u << order < n)
		order++;
	if (__atomic_add_fetch(&kept, 1ull << order, __ATOMIC_RELAXED) > buddy_total_pages() / KEPT_SHARE ||
	    !(f->first = page_alloc(order, ALLOC_NOWAIT))) {
		__atomic_sub_fetch(&kept, 1ull << order, __ATOMIC_RELAXED);
		return;
	}
	if (order)
		page_split(f->first);
	for (unsigned i = 0; i < 1u << order; i++)
		WRITE_ONCE(f->first[i].index, 0);
	f->order = order;
}

void fork_pages_begin(struct vm_space *vm, const struct vm_space *child, unsigned n)
{
	struct fork_block *f = NULL;

	if (!n) {
		fork_pages_drop(vm);
		return;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(vm->fork_blocks) && !(f && f->as == child->as); i++)
		if (of_use(&vm->fork_blocks[i], n))
			f = &vm->fork_blocks[i];
	if (!f) {	/* the one that was not used last goes */
		f = vm->fork_blocks + (vm->fork_block == vm->fork_blocks);
		drop(f);
		make(f, n);
	}
	f->as = child->as;
	f->next = f->strangers = 0;
	vm->fork_block = f;
}

/* The free page that was at this address in the last child; or the next one that was nowhere yet.  Addresses come in order. */
static struct page *pick(struct fork_block *f, uint64_t at)
{
	unsigned n = 1u << f->order;

	for (unsigned i = 0; i < n; i++) {
		struct page *p = f->first + (f->next + i) % n;

		if (p->index == at && is_free(p)) {
			f->next = (unsigned)(p - f->first) + 1;
			return p;
		}
	}
	for (unsigned i = 0; i < n; i++)
		if (!f->first[i].index)
			return f->first + i;
	return NULL;
}

struct page *fork_pages_take(struct vm_space *vm, uaddr_t addr)
{
	struct fork_block *f = vm->fork_block;
	struct page *p = f->first ? pick(f, addr >> PAGE_SHIFT) : NULL;

	if (!p) {
		f->strangers++;
		return page_alloc(0, ALLOC_NOWAIT);
	}
	WRITE_ONCE(p->index, addr >> PAGE_SHIFT);	/* who looked for a page of a file may look at it */
	page_get(p);
	return p;
}
