/* SPDX-License-Identifier: MIT */
/*
 * Pages for what a fork copies at once.
 *
 * They are neighbours in memory, so that neighbours in the address space are mapped as one piece.  The parent keeps a reference to
 * each: when the child is gone, its next child gets the same pages at the same addresses, where a machine may still have them mapped
 * (arch_um/src/kept.c) and the caches have seen them.  What is in them is overwritten by the copy.
 *
 * A page that somebody else has a reference to is not free: the last child lives, or its child, or a pipe has it.  When too few are
 * free, or were of use the last time, others are taken.
 */
#include "mm/mm.h"
#include "mm/vm_internal.h"

/* All that processes keep together: so small a part of memory that reclaim need not know of it. */
enum { KEPT_SHARE = 256 };
static uint64_t kept;		/* [a] pages */

static bool is_free(const struct page *p) { return __atomic_load_n(&p->refs, __ATOMIC_ACQUIRE) == 1; }

void fork_pages_drop(struct vm_space *vm)
{
	struct fork_pages *f = &vm->fork_pages;

	if (!f->first)
		return;
	for (unsigned i = 0; i < 1u << f->order; i++)
		page_put(f->first + i);
	__atomic_sub_fetch(&kept, 1ull << f->order, __ATOMIC_RELAXED);
	f->first = NULL;
}

static bool enough(const struct fork_pages *f, unsigned n)
{
	unsigned left = 0;

	for (unsigned i = 0; f->first && i < 1u << f->order; i++)
		left += is_free(f->first + i);
	return left >= n;
}

void fork_pages_begin(struct vm_space *vm, unsigned n)
{
	struct fork_pages *f = &vm->fork_pages;
	unsigned order = 0;

	if (n && f->strangers <= n / 4 && enough(f, n)) {
		f->next = f->strangers = 0;
		return;
	}
	fork_pages_drop(vm);
	while (1u << order < n)
		order++;
	if (!order)
		return;
	if (__atomic_add_fetch(&kept, 1ull << order, __ATOMIC_RELAXED) > buddy_total_pages() / KEPT_SHARE ||
	    !(f->first = page_alloc(order, ALLOC_NOWAIT))) {
		__atomic_sub_fetch(&kept, 1ull << order, __ATOMIC_RELAXED);
		return;
	}
	page_split(f->first);
	for (unsigned i = 0; i < 1u << order; i++)
		f->first[i].index = 0;
	f->order = order;
	f->next = f->strangers = 0;
}

/* The free page that was at this address in the last child; or the next one that was nowhere yet.  Addresses come in order. */
static struct page *pick(struct fork_pages *f, uint64_t at)
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
	struct fork_pages *f = &vm->fork_pages;
	struct page *p = f->first ? pick(f, addr >> PAGE_SHIFT) : NULL;

	if (!p) {
		f->strangers++;
		return page_alloc(0, ALLOC_NOWAIT);
	}
	p->index = addr >> PAGE_SHIFT;
	page_get(p);
	return p;
}
