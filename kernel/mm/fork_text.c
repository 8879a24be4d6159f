/* SPDX-License-Identifier: MIT */
/*
 * A child executes what its parent does: what that has mapped of programs and libraries is mapped for the child at once, where a fault
 * costs as much as many pages (um).  The entries are copied from the parent's, whose references hold the pages: nothing is looked up,
 * and each page's struct, which others that fork change as well, is changed once.
 *
 * Pages may be taken from both address spaces meanwhile (truncation, reclaim), which takes the mapping's areas_lock, but not vm->lock.
 * The child's area is behind the parent's on the mapping's list: what was copied before the parent's is taken is found there.
 */
#include <kernel/pagecache.h>
#include "mm/mm.h"
#include "mm/vm_internal.h"

/* The most pages. */
#define TEXT_PAGES (hal_as_fault_pages() >= 8 ? 512 : 0)

/* One leaf table's worth: [at, end) at most. */
static void share_leaf(const struct vm_area *a, struct vm_space *child, uaddr_t at, uaddr_t end, unsigned *left) NO_TSA
{
	struct vpe_run run = { .as = child->as };
	unsigned n = 0;
	vpe_t *slot, e = 0;

	spin_lock(&a->vm->pages->lock);
	spin_lock_nested(&child->pages->lock);
	for (; n < *left && (slot = vpe_next(a->vm, &at, end)); at += PAGE_SIZE) {
		vpe_t *to = vpe_find(child, at);

		if (*slot & (VPE_FILE | VPE_SHMEM) && (*slot & (VPE_R | VPE_W)) == VPE_R && to && !*to) {
			e = *slot;
			(void)page_map_get(vpe_page(e));	/* the parent has it mapped */
			vpe_set(to, e);
			vpe_run_add(&run, at, vpe_phys(e), vm_hal_prot(a, e));
			n++;
		}
	}
	(void)vpe_run_end(&run);	/* no memory for the machine's tables: a fault tells it again */
	if (n)
		vpe_count(child, e, (int)n);
	*left -= n;
	spin_unlock(&child->pages->lock);
	spin_unlock(&a->vm->pages->lock);
}

static void share_area(const struct vm_area *a, struct vm_space *child, unsigned *left)
{
	const uint64_t leaf = PAGE_SIZE * (PAGE_SIZE / sizeof(vpe_t));
	uaddr_t end;

	for (uaddr_t at = a->start; *left && at < a->end && !vpe_prepare(child, at); at = end) {
		end = MIN(ALIGN_DOWN(at, leaf) + leaf, a->end);
		share_leaf(a, child, at, end, left);
	}
}

void fork_text(struct vm_space *vm, struct vm_space *child)
{
	unsigned left = TEXT_PAGES;

	for (struct rb_node *n = rb_first(&vm->areas); n && left; n = rb_next(n)) {
		struct vm_area *a = rb_entry(n, struct vm_area, node);

		if (a->mapping && !(a->flags & (VM_SHARED | VM_WRITE | VM_SPECIAL | VM_DEVICE | VM_WIPEONFORK | VM_DONTFORK)))
			share_area(a, child, &left);
	}
}
