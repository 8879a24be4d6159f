/* SPDX-License-Identifier: MIT */
/*
 * Entries of vm->pages on behalf of a fault: made if nobody was faster, and told to the machine in runs.
 */
#include <kernel/task.h>
#include "mm/fault_impl.h"

void fault_window(const struct fault *f, unsigned pages, uaddr_t *start, uaddr_t *end)
{
	uint64_t size = pages * PAGE_SIZE;

	*start = MAX(ALIGN_DOWN(f->addr, size), f->a->start);
	*end = MIN(ALIGN_DOWN(f->addr, size) + size, f->a->end);
}

int fault_map_present(const struct fault *f, uaddr_t start, uaddr_t end)
{
	struct vpe_run run = { .as = f->vm->as, .about = f->addr };
	uaddr_t at = start;
	vpe_t *slot;

	for (; (slot = vpe_next(f->vm, &at, end)); at += PAGE_SIZE)
		if (*slot & VPE_R)
			vpe_run_add(&run, at, vpe_phys(*slot), vm_hal_prot(f->a, *slot));
	return vpe_run_end(&run);
}

int fault_install_tell(const struct fault *f, vpe_t old, vpe_t new, bool tell)
{
	for (;;) {
		vpe_t *slot;
		int err = vpe_prepare(f->vm, f->addr);

		if (err)
			return err;
		spin_lock(&f->vm->pages->lock);
		slot = vpe_find(f->vm, f->addr);
		if (!slot) {
			spin_unlock(&f->vm->pages->lock);
			continue;
		}
		if (*slot != old) {
			spin_unlock(&f->vm->pages->lock);
			return 1;
		}
		vpe_account(f->vm, new, 1);
		if (old)
			vpe_account(f->vm, old, -1);
		vpe_set(slot, new);
		/* Out of memory for the machine's tables: the entry stands, the next fault tries again. */
		if (tell)
			(void)hal_as_map(f->vm->as, f->addr, vpe_phys(new), 1, vm_hal_prot(f->a, new));
		spin_unlock(&f->vm->pages->lock);
		return 0;
	}
}

int fault_install(const struct fault *f, vpe_t old, vpe_t new)
{
	return fault_install_tell(f, old, new, true);
}

unsigned fault_anon_bits(const struct fault *f)
{
	return VPE_R | (f->a->flags & VM_WRITE ? VPE_W : 0);
}

struct page *fault_anon_page(unsigned flags)
{
	struct page *p = page_alloc_user(flags);

	if (p) {
		page_set_flag(p, PG_ANON);
		counter_add(COUNT_ANON, 1);
	}
	return p;
}

void fault_max_rss(struct vm_space *vm)
{
	int64_t rss = READ_ONCE(vm->rss_anon) + READ_ONCE(vm->rss_file) + READ_ONCE(vm->rss_shmem);

	if (rss > READ_ONCE(vm->max_rss))
		WRITE_ONCE(vm->max_rss, rss);
}

static void run_set(struct fault_run *r, uaddr_t next, unsigned pages)
{
	WRITE_ONCE(r->pages, pages);
	WRITE_ONCE(r->next, next);
}

void fault_brought(const struct fault *f, unsigned n)
{
	run_set(&f->a->fault_run, f->addr + n * PAGE_SIZE, n);
	if (current->vm == f->vm)
		run_set(&current->fault_run, f->addr + n * PAGE_SIZE, n);
}

/* A trap costs more than clearing a page; on um, a hundred times more. */
unsigned fault_ahead(const struct fault *f, unsigned most)
{
	const struct fault_run *r = &f->a->fault_run;
	const uint64_t leaf = PAGE_SIZE * (PAGE_SIZE / sizeof(vpe_t));
	unsigned n = 1;

	if (f->addr != READ_ONCE(r->next) && current->vm == f->vm)
		r = &current->fault_run;
	if (f->addr == READ_ONCE(r->next)) {
		n = MIN(READ_ONCE(r->pages) * 2, most);
		n = (unsigned)MIN((uint64_t)n, (MIN(f->a->end, ALIGN_DOWN(f->addr, leaf) + leaf) - f->addr) >> PAGE_SHIFT);
		n = MAX(n, 1u);
	}
	fault_brought(f, n);
	return n;
}
