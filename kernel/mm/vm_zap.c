/* SPDX-License-Identifier: MIT */
/*
 * Taking mappings away: entries are cleared and the machine is told under
 * [PAGE_TABLE]; the pages are put only after hal_as_flush() and after user
 * copies in flight are done, since until then somebody may still write to them.
 */
#include <kernel/pagecache.h>
#include <kernel/task.h>
#include "mm/mm.h"
#include "mm/vm_internal.h"

enum { GATHER_SMALL = 48, GATHER_LARGE = PAGE_SIZE / sizeof(struct page *), ZAP_BATCH = 4096 /* entries under the lock */ };

void vm_shootdown(struct vm_space *vm)
{
	vm_bump(vm);
	hal_as_flush(vm->as);
	uaccess_quiesce();
}

unsigned vm_hal_prot(const struct vm_area *a, vpe_t e)
{
	unsigned prot = 0, flags = READ_ONCE(a->flags);	/* write-back has not vm->lock */

	if (e & VPE_R)
		prot |= HAL_READ;
	if (e & VPE_W && flags & VM_WRITE)
		prot |= HAL_WRITE;
	if (flags & VM_EXEC)
		prot |= HAL_EXEC;
	if (e & VPE_DEV)
		prot |= HAL_DEVICE;
	if (!(flags & VM_SHARED) && e & VPE_FILE)
		prot |= HAL_PRIVATE;
	return prot;
}

/* Clear up to max entries from *at on; the pages to put go to out[]. */
static unsigned zap_some(struct vm_space *vm, uaddr_t *at, uaddr_t end, enum zap_what what, bool tell,
	struct page **out, unsigned max, bool *any)
{
	uaddr_t first = *at;
	unsigned n = 0;

	spin_lock(&vm->pages->lock);
	/* Entries of devices and of the zero page give no page to put: they are counted, too. */
	for (unsigned left = ZAP_BATCH; n < max && left; left--) {
		vpe_t *slot = vpe_next(vm, at, end), e;

		if (!slot) {
			*at = end;
			break;
		}
		e = *slot;
		if (what == ZAP_ALL || e & (VPE_FILE | VPE_SHMEM)) {
			if (what == ZAP_CACHE)
				hal_as_unmap(vm->as, *at, 1);
			*any = true;
			vpe_account(vm, e, -1);
			vpe_set(slot, 0);
			if (!(e & VPE_DEV) && !vm_is_zero(vpe_page(e)))
				out[n++] = vpe_page(e);
		}
		*at += PAGE_SIZE;
	}
	*at = MIN(*at, end);
	if (tell && what == ZAP_ALL && *at > first)
		hal_as_unmap(vm->as, first, (*at - first) >> PAGE_SHIFT);
	spin_unlock(&vm->pages->lock);
	return n;
}

void vm_zap(struct vm_space *vm, uaddr_t start, uaddr_t end, enum zap_what what, bool whole)
{
	struct page *small[GATHER_SMALL], **gather = small, *block = NULL;
	unsigned max = GATHER_SMALL;
	uaddr_t at = start;

	if (end - start > GATHER_SMALL * PAGE_SIZE) {
		block = page_alloc(0, ALLOC_ATOMIC);
		if (block) {
			gather = page_addr(block);
			max = GATHER_LARGE;
		}
	}
	if (whole) {
		spin_lock(&vm->pages->lock);
		hal_as_unmap(vm->as, start, (end - start) >> PAGE_SHIFT);
		spin_unlock(&vm->pages->lock);
	}
	while (at < end) {
		bool any = false;
		unsigned n = zap_some(vm, &at, end, what, !whole, gather, max, &any);

		if (any)
			vm_shootdown(vm);
		for (unsigned i = 0; i < n; i++)
			page_put(gather[i]);
	}
	if (block)
		page_put(block);
}
