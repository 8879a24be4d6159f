/* SPDX-License-Identifier: MIT */
/* mprotect(2): rights of areas, and of what is mapped in them. */
#include <kernel/abi_cpu.h>
#include <kernel/file.h>
#include <kernel/pagecache.h>
#include <kernel/task.h>
#include "mm/mman.h"
#include "mm/mm.h"
#include "mm/vm_internal.h"
#include "syscall/syscall_impl.h"

/*
 * Entries get what the area allows at once: nothing under PROT_NONE; the right
 * to write only where no copy and no file system has to be asked first.  True:
 * some lost a right, so old translations must go.
 */
static bool protect_entries(struct vm_area *a, unsigned old_flags) NO_TSA
{
	bool lost = false;
	struct vm_space *vm = a->vm;
	uaddr_t at = a->start, run = 0;
	size_t pages = 0;
	unsigned run_prot = 0;
	bool readable = a->flags & (VM_READ | VM_WRITE | VM_EXEC);
	vpe_t *slot;

	spin_lock(&vm->pages->lock);
	while ((slot = vpe_next(vm, &at, a->end))) {
		vpe_t e = *slot & ~(vpe_t)(VPE_R | VPE_W);
		unsigned prot;

		if (readable)
			e |= VPE_R;
		if (readable && a->flags & VM_WRITE && !(e & (VPE_FILE | VPE_SHMEM | VPE_DEV)) && !vm_is_zero(vpe_page(e)) &&
		    page_sole(vpe_page(e)))
			e |= VPE_W;
		if (e & VPE_DEV && a->flags & VM_WRITE)
			e |= VPE_W;
		/* Without VM_EXEC what was executable must not stay so either. */
		lost |= (*slot & ~e & (VPE_R | VPE_W)) != 0 || old_flags & ~a->flags & VM_EXEC;
		*slot = e;
		prot = readable ? vm_hal_prot(a, e) : 0;
		if (pages && (at != run + pages * PAGE_SIZE || prot != run_prot)) {
			hal_as_protect(vm->as, run, pages, run_prot);
			pages = 0;
		}
		if (!pages++) {
			run = at;
			run_prot = prot;
		}
		at += PAGE_SIZE;
	}
	if (pages)
		hal_as_protect(vm->as, run, pages, run_prot);
	spin_unlock(&vm->pages->lock);
	return lost;
}

/* May [start, end) get these rights?  Holes end it: -ENOMEM. */
static int protect_check(struct vm_space *vm, uaddr_t start, uaddr_t end, unsigned prot, uaddr_t *good_end)
{
	uaddr_t at = start;

	for (struct vm_area *a = vm_find(vm, start); at < end; a = vm_next(a)) {
		uint64_t n;

		*good_end = at;
		if (!a || a->start > at)
			return -ENOMEM;
		if (prot & ~(a->flags >> 4) & (PROT_READ | PROT_WRITE | PROT_EXEC) || a->flags & VM_SPECIAL)
			return -EACCES;
		if (a->flags & VM_SEALED)
			return -EPERM;
		n = (MIN(a->end, end) - at) >> PAGE_SHIFT;
		if (prot & PROT_WRITE && !(a->flags & (VM_WRITE | VM_SHARED)) && !vm_may_expand(vm, 0, 0) &&
		    vm->data_pages + n > rlimit_get(RLIMIT_DATA) >> PAGE_SHIFT)
			return -ENOMEM;
		at = a->end;
	}
	*good_end = end;
	return 0;
}

static int vm_protect(struct vm_space *vm, uaddr_t start, uaddr_t end, unsigned prot, struct list_head *dead) REQUIRES(vm->lock)
{
	uaddr_t good;
	int err = protect_check(vm, start, end, prot, &good), e2;
	struct vm_area *a, *next;
	bool lost = false;

	/* As on Linux, what comes before the bad area is changed. */
	if (good == start)
		return err;
	e2 = vm_isolate(vm, start, good);
	if (e2)
		return e2;
	for (a = vm_find(vm, start); a && a->start < good; a = next) {
		if ((a->flags & (VM_READ | VM_WRITE | VM_EXEC)) != prot) {
			unsigned old = a->flags;

			vm_area_account(vm, a, -1);
			WRITE_ONCE(a->flags, (a->flags & ~(unsigned)(VM_READ | VM_WRITE | VM_EXEC)) | prot);	/* write-back looks at it */
			vm_area_account(vm, a, 1);
			lost |= protect_entries(a, old);
		}
		a = vm_area_merge(a, dead);
		next = vm_next(a);
	}
	if (lost)
		vm_shootdown(vm);
	return err;
}

long sys_mprotect(uaddr_t addr, uint64_t len, uint64_t prot)
{
	struct vm_space *vm = current->vm;
	struct list_head dead = LIST_INIT(dead);
	uint64_t grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP);
	uaddr_t end;
	int err = 0;

	prot &= ~grows;
	if (grows == (PROT_GROWSDOWN | PROT_GROWSUP) || addr & ~PAGE_MASK)
		return -EINVAL;
	if (!len)
		return 0;
	end = addr + ((len + PAGE_SIZE - 1) & PAGE_MASK);
	if (end <= addr)
		return -ENOMEM;
	if (prot & ~(uint64_t)(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM))
		return -EINVAL;
	prot &= PROT_READ | PROT_WRITE | PROT_EXEC;
	rwsem_write_lock(&vm->lock);
	if (grows & PROT_GROWSDOWN) {
		struct vm_area *a = vm_find(vm, addr);

		err = !a || a->start >= end ? -ENOMEM : a->flags & VM_GROWSDOWN ? 0 : -EINVAL;
		if (!err)
			addr = a->start;
	}
	if (grows & PROT_GROWSUP) {	/* nothing does */
		struct vm_area *a = vm_find(vm, addr);

		err = a && a->start <= addr ? -EINVAL : -ENOMEM;
	}
	if (!err)
		err = vm_protect(vm, addr, end, (unsigned)prot, &dead);
	rwsem_write_unlock(&vm->lock);
	vm_area_free_list(&dead);
	return err;
}

long sys_pkey_mprotect(uaddr_t addr, uint64_t len, uint64_t prot, int pkey)
{
	/* Without protection keys only "no key" makes sense. */
	return pkey == -1 ? sys_mprotect(addr, len, prot) : -EINVAL;
}

/* A processor without protection keys has none to give; said as Linux says it there. */
long sys_pkey_alloc(uint64_t flags, uint64_t rights)
{
	/* On x86-64 it is setting the rights that fails. */
	return flags || rights & ~3ull || abi_elf_machine == 62 ? -EINVAL : -ENOSPC;
}

long sys_pkey_free(int pkey) { return -EINVAL; }
