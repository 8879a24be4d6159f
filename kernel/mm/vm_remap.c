/* SPDX-License-Identifier: MIT */
/*
 * mremap(2): shrink, grow in place, move.  A move hands the entries over: the
 * pages stay, only their addresses change.
 */
#include <kernel/file.h>
#include <kernel/pagecache.h>
#include <kernel/task.h>
#include "mm/mman.h"
#include "mm/mm.h"
#include "mm/vm_internal.h"
#include "syscall/syscall_impl.h"

/* Tables above `to` for what [from, from + len) has.  They stay: only who unmaps there takes them away. */
static int prepare_tables(struct vm_space *vm, uaddr_t from, uaddr_t to, uint64_t len) REQUIRES(vm->lock)
{
	const uint64_t leaf = PAGE_SIZE * (PAGE_SIZE / sizeof(vpe_t));
	uaddr_t at = from;

	for (;;) {
		uaddr_t dst;
		vpe_t *slot;

		spin_lock(&vm->pages->lock);
		slot = vpe_next(vm, &at, from + len);
		spin_unlock(&vm->pages->lock);
		if (!slot)
			return 0;
		dst = at - from + to;
		if (vpe_prepare(vm, dst))
			return -ENOMEM;
		at += leaf - (dst & (leaf - 1));
	}
}

/*
 * Entries of [from, from + len) go to the same places above `to`.  Tables for them exist.  One that came since then (there is none:
 * faults are kept out) would stay where it is.
 */
static void move_entries(struct vm_space *vm, uaddr_t from, uaddr_t to, uint64_t len) NO_TSA
{
	uaddr_t at = from;

	/* Faults are kept out: the machine is told once, and before truncation can see the pages at their new places. */
	spin_lock(&vm->pages->lock);
	hal_as_unmap(vm->as, from, len >> PAGE_SHIFT);
	spin_unlock(&vm->pages->lock);
	for (;;) {
		vpe_t *slot, *dst, e;

		spin_lock(&vm->pages->lock);
		slot = vpe_next(vm, &at, from + len);
		if (!slot) {
			spin_unlock(&vm->pages->lock);
			return;
		}
		dst = vpe_find(vm, at - from + to);
		e = *slot;
		if (dst) {
			vpe_set(slot, 0);
			vpe_set(dst, e);
		}
		spin_unlock(&vm->pages->lock);
		at += PAGE_SIZE;
	}
}

/* a, which is [addr, addr + old_len) exactly, to new_addr with new_len. */
static int move_area(struct vm_area *a, uint64_t old_len, uaddr_t to, uint64_t new_len, bool keep, struct list_head *dead) NO_TSA
{
	struct vm_space *vm = a->vm;
	uaddr_t from = a->start;
	struct vm_area *n;

	if (prepare_tables(vm, from, to, MIN(old_len, new_len)))
		return -ENOMEM;
	n = vm_area_dup(a);
	if (!n)
		return -ENOMEM;
	n->start = to;
	n->end = to + new_len;
	vm_area_insert_behind(vm, n, a);
	move_entries(vm, from, to, MIN(old_len, new_len));
	vm_shootdown(vm);
	if (!keep) {
		vm_area_remove(vm, a);
		list_add(&a->mapping_link, dead);
		vm_zap(vm, from, from + old_len, ZAP_ALL, true);
	} else {
		vm_area_account(vm, a, -1);
		WRITE_ONCE(a->flags, a->flags & ~(unsigned)VM_LOCKED);
		vm_area_account(vm, a, 1);
	}
	vm_area_merge(n, dead);
	return 0;
}

static int64_t remap_area(struct vm_space *vm, uaddr_t addr, uint64_t old_len, uint64_t new_len, unsigned flags, uaddr_t new_addr,
	struct list_head *dead) REQUIRES(vm->lock)
{
	struct vm_area *a, *next;
	uint64_t grow = new_len > old_len ? new_len - old_len : 0;
	bool permitted;
	int64_t to;
	int err;

	a = vm_find(vm, addr);
	if (!a || a->start > addr)
		return -EFAULT;
	if (a->flags & VM_SEALED)
		return -EPERM;
	if (!old_len && !(a->flags & VM_SHARED))
		return -EINVAL;
	if (flags & MREMAP_DONTUNMAP && a->flags & (VM_SPECIAL | VM_DEVICE))
		return -EINVAL;
	if (flags & MREMAP_FIXED) {
		err = vm_unmap_locked(vm, new_addr, new_addr + new_len, dead);
		if (err)
			return err;
	}
	if (new_len < old_len) {
		if (old_len > hal_as_limit() - addr)
			return -EINVAL;
		err = vm_unmap_locked(vm, addr + new_len, addr + old_len, dead);
		if (err)
			return err;
		old_len = new_len;
		if (!(flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))) {
			a = vm_find(vm, addr);
			return a && a->start <= addr ? (int64_t)addr : -EFAULT;
		}
	}
	a = vm_find(vm, addr);
	if (!a || a->start > addr)
		return -EFAULT;
	if (a->flags & VM_SEALED)
		return -EPERM;
	if (new_len == old_len && !(flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)))
		return (int64_t)addr;	/* nothing to do: nor is what lies behind the area looked at */
	if (old_len > a->end - addr)
		return -EFAULT;
	if (grow && a->flags & (VM_SPECIAL | VM_DEVICE))
		return -EFAULT;
	if (a->mapping && a->pgoff + ((addr - a->start + new_len) >> PAGE_SHIFT) < a->pgoff)
		return -EINVAL;
	if (a->flags & VM_LOCKED && !vm_may_lock(vm, grow >> PAGE_SHIFT, &permitted))
		return -EAGAIN;
	if (!vm_may_expand(vm, a->flags, (flags & MREMAP_DONTUNMAP ? new_len : grow) >> PAGE_SHIFT))
		return -ENOMEM;
	/* In place, if what follows is free. */
	if (!(flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) && old_len == a->end - addr) {
		next = vm_next(a);
		if (hal_as_limit() - a->end >= grow && (!next || vm_find_gap(vm, grow, a->end, a->end + grow, true) == a->end)) {
			vm_area_resize(a, a->start, a->end + grow, a->pgoff);
			vm_area_merge(a, dead);
			return (int64_t)addr;
		}
	}
	if (!(flags & MREMAP_MAYMOVE))
		return -ENOMEM;
	to = (int64_t)new_addr;
	if (flags & MREMAP_FIXED && new_addr < hal_as_min())	/* as on Linux, what was in the way has gone by now */
		return -EPERM;
	if (!(flags & MREMAP_FIXED)) {
		/* With MREMAP_DONTUNMAP the new address is a hint. */
		to = 0;
		if (flags & MREMAP_DONTUNMAP && new_addr >= hal_as_min())
			to = (int64_t)vm_find_gap(vm, new_len, new_addr, new_addr + new_len, true);
		if (!to)
			to = (int64_t)vm_find_gap(vm, new_len, hal_as_min(), vm->mmap_base, true);
		if (!to)
			to = (int64_t)vm_find_gap(vm, new_len, hal_as_min(), hal_as_limit(), false);
		if (!to)
			return -ENOMEM;
	}
	if (!old_len) {
		/* A second window on the same shared pages. */
		struct vm_area *n = vm_area_dup(a);

		if (!n)
			return -ENOMEM;
		n->pgoff = a->pgoff + ((addr - a->start) >> PAGE_SHIFT);
		n->start = (uaddr_t)to;
		n->end = n->start + new_len;
		vm_area_insert(vm, n);
		return to;
	}
	err = vm_isolate(vm, addr, addr + old_len);
	if (err)
		return err;
	err = move_area(vm_find(vm, addr), old_len, (uaddr_t)to, new_len, flags & MREMAP_DONTUNMAP, dead);
	return err ? err : to;
}

/* What is moved and keeps its size may be several areas, and gaps between them (Linux 6.17).  One that fails ends it there. */
static int64_t remap(struct vm_space *vm, uaddr_t addr, uint64_t old_len, uint64_t new_len, unsigned flags, uaddr_t new_addr,
	struct list_head *dead) REQUIRES(vm->lock)
{
	uaddr_t end = addr + old_len, at = addr;
	struct vm_area *a = vm_find(vm, addr);

	if (!(flags & MREMAP_FIXED) || old_len != new_len || !a || a->start > addr || a->end >= end)
		return remap_area(vm, addr, old_len, new_len, flags, new_addr, dead);
	while (at < end && (a = vm_find(vm, at)) && a->start < end) {
		uaddr_t from = MAX(at, a->start);
		uint64_t len = MIN(end, a->end) - from;
		int64_t ret = remap_area(vm, from, len, len, flags, new_addr + (from - addr), dead);

		if (ret < 0)
			return ret;
		at = from + len;
	}
	return (int64_t)new_addr;
}

long sys_mremap(uaddr_t addr, uint64_t old_len, uint64_t new_len, uint64_t flags, uaddr_t new_addr)
{
	struct vm_space *vm = current->vm;
	struct list_head dead = LIST_INIT(dead);
	bool locked = false;
	int64_t ret;

	if (flags & ~(uint64_t)(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP))
		return -EINVAL;
	if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP) && !(flags & MREMAP_MAYMOVE))
		return -EINVAL;
	if (addr & ~PAGE_MASK)
		return -EINVAL;
	old_len = (old_len + PAGE_SIZE - 1) & PAGE_MASK;
	new_len = (new_len + PAGE_SIZE - 1) & PAGE_MASK;
	if (flags & MREMAP_DONTUNMAP && old_len != new_len)
		return -EINVAL;
	if (!new_len || addr + old_len < addr || new_len > hal_as_limit())
		return new_len > hal_as_limit() && !(flags & MREMAP_FIXED) ? -ENOMEM : -EINVAL;
	if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) {
		if (new_addr & ~PAGE_MASK || new_len > hal_as_limit() || new_addr > hal_as_limit() - new_len)
			return -EINVAL;
		if (addr + old_len > new_addr && new_addr + new_len > addr)
			return -EINVAL;
	}
	rwsem_write_lock(&vm->lock);
	ret = remap(vm, addr, old_len, new_len, flags, new_addr, &dead);
	if (ret > 0) {
		struct vm_area *a = vm_find(vm, (uaddr_t)ret);

		locked = a && a->flags & VM_LOCKED;
	}
	rwsem_write_unlock(&vm->lock);
	vm_area_free_list(&dead);
	if (locked && new_len > old_len)
		(void)vm_populate(vm, (uaddr_t)ret + old_len, (uaddr_t)ret + new_len);
	return (long)ret;
}
