/* SPDX-License-Identifier: MIT */
/*
 * Faults of anonymous memory: the zero page for reads, cleared pages for writes, more of them at once the longer a program goes
 * straight on.
 */
#include <kernel/errno.h>
#include "mm/fault_impl.h"

enum { AHEAD_PAGES = 64 };	/* of memory that is touched page after page */

/* Fill the empty entries of n pages from the fault on, where the table exists: with the zero page, or pages of block. */
static unsigned install_ahead(const struct fault *f, unsigned n, struct page *block)
{
	unsigned done = 0;

	spin_lock(&f->vm->pages->lock);
	for (unsigned i = 0; i < n; i++) {
		vpe_t *slot = vpe_find(f->vm, f->addr + i * PAGE_SIZE);
		vpe_t e = vpe_make(block ? block + i : vm_zero_for(f->addr + i * PAGE_SIZE), block ? fault_anon_bits(f) : VPE_R);

		if (!slot || *slot)
			continue;
		if (block)
			page_get(block + i);
		vpe_account(f->vm, e, 1);
		vpe_set(slot, e);
		done++;
	}
	if (done)
		(void)fault_map_present(f, f->addr, f->addr + n * PAGE_SIZE);
	spin_unlock(&f->vm->pages->lock);
	return done;
}

/* n pages of memory, neighbours, for what is empty from the fault on. */
static unsigned fault_anon_block(const struct fault *f, unsigned n)
{
	unsigned order = 0, done;
	struct page *block;

	while ((1u << order) < n)
		order++;
	if (buddy_free_pages() < 2 * buddy_low_mark())
		return 0;
	while (!(block = page_alloc(order, ALLOC_NOWAIT | ALLOC_ZERO)) && order > 1)
		order--;	/* memory is in pieces */
	if (!block || vpe_prepare(f->vm, f->addr)) {
		if (block)
			page_put(block);
		return 0;
	}
	n = MIN(n, 1u << order);
	if (order)
		page_split(block);
	for (unsigned i = 0; i < n; i++)
		page_set_flag(block + i, PG_ANON);
	counter_add(COUNT_ANON, n);
	done = install_ahead(f, n, block);
	for (unsigned i = 0; i < 1u << order; i++)
		page_put(block + i);
	fault_max_rss(f->vm);
	return done ? n : 0;
}

/*
 * How many of n pages to take at once: all, where clearing the rest of a block costs less than to come back for them (the end of
 * an area), or a power of two.
 */
static unsigned whole_block(unsigned n)
{
	unsigned order = 31 - (unsigned)__builtin_clz(n);

	return n & (n - 1) && (2u << order) - n <= hal_as_fault_pages() ? n : 1u << order;
}

/* True: the fault, and some that would have followed, are done. */
static bool fault_anon_ahead(const struct fault *f, unsigned n)
{
	if (f->write) {
		n = n > 1 ? fault_anon_block(f, whole_block(n)) : 0;
		if (n)
			fault_brought(f, n);
		return n;
	}
	if (vpe_prepare(f->vm, f->addr))
		return false;
	n = install_ahead(f, n, NULL);
	fault_max_rss(f->vm);
	return n;
}

/* The zeroed data of a program or library, right behind its data from the file, if it is small: it is touched here and there. */
static bool is_small_bss(const struct vm_area *a)
{
	const struct vm_area *before = vm_prev((struct vm_area *)a);

	return a->end - a->start <= AROUND_PAGES * PAGE_SIZE && !(a->flags & VM_GROWSDOWN) && before && before->end == a->start &&
		before->file && (before->flags & (VM_WRITE | VM_SHARED)) == VM_WRITE;
}

/*
 * What the first write to an area that grows brings besides: the start of the heap, the top of the stack.  Less than a trap costs,
 * where that is much (um): the next pages are written to soon.
 */
enum { FIRST_PAGES = 4 };
static bool fault_anon_first(const struct fault *f)
{
	struct fault all = *f;

	if (!f->write || hal_as_fault_pages() < 2 * FIRST_PAGES || f->a->end - f->a->start < FIRST_PAGES * PAGE_SIZE)
		return false;
	if (f->a->flags & VM_GROWSDOWN && f->addr + PAGE_SIZE == f->a->end)
		all.addr = f->a->end - FIRST_PAGES * PAGE_SIZE;
	else if (f->addr != f->a->start || f->addr != ALIGN_DOWN(f->vm->brk_start, PAGE_SIZE))
		return false;
	return fault_anon_block(&all, FIRST_PAGES) == FIRST_PAGES;
}

int fault_anon(const struct fault *f)
{
	unsigned n = fault_ahead(f, AHEAD_PAGES);
	struct page *p;
	int ret;

	if (f->write && is_small_bss(f->a)) {
		struct fault all = *f;

		all.addr = MAX(f->a->start, ALIGN_DOWN(f->addr, PAGE_SIZE * (PAGE_SIZE / sizeof(vpe_t))));
		if (fault_anon_block(&all, (unsigned)((f->a->end - all.addr) >> PAGE_SHIFT)))
			return 0;
	}

	if (fault_anon_first(f))
		return 0;
	if (n > 1 && fault_anon_ahead(f, n))
		return 0;

	if (!f->write) {
		ret = fault_install(f, 0, vpe_make(vm_zero_for(f->addr), VPE_R));
		return MIN(ret, 0);
	}
	p = fault_anon_page(ALLOC_ZERO);
	if (!p)
		return -ENOMEM;
	ret = fault_install(f, 0, vpe_make(p, fault_anon_bits(f)));
	if (ret)
		page_put(p);
	fault_max_rss(f->vm);
	return MIN(ret, 0);
}
