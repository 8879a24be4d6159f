/* SPDX-License-Identifier: MIT */
/* mlock(2) and relatives; faulting ranges in. */
#include <kernel/cred.h>
#include <kernel/task.h>
#include "mm/mman.h"
#include "mm/mm.h"
#include "mm/vm_internal.h"
#include "syscall/syscall_impl.h"

int vm_populate(struct vm_space *vm, uaddr_t start, uaddr_t end)
{
	int forbidden = 0;	/* -EFAULT: there was memory that nothing may be done with; the rest is populated all the same */

	while (start < end) {
		struct vm_area *a;
		unsigned flags = 0;
		uaddr_t stop = end;
		int err = 0;

		rwsem_read_lock(&vm->lock);
		a = vm_find(vm, start);
		if (a) {
			start = MAX(start, a->start);
			stop = MIN(a->end, end);
			flags = a->flags;
		}
		rwsem_read_unlock(&vm->lock);
		if (!a || start >= end)
			return forbidden;
		if (!(flags & (VM_READ | VM_WRITE | VM_EXEC)) || flags & (VM_DEVICE | VM_SPECIAL)) {
			if (!(flags & (VM_DEVICE | VM_SPECIAL)))
				forbidden = -EFAULT;
			start = stop;
			continue;
		}
		for (; start < stop && !err; start += PAGE_SIZE) {
			/* Private writable memory gets its own pages now: later writes shall not fault. */
			unsigned access = (flags & (VM_WRITE | VM_SHARED)) == VM_WRITE ? HAL_WRITE : HAL_READ;
			int code;

			err = vm_fault_flags(vm, start, access, 0, &code);
			if (fatal_signal_pending(current))
				err = -EINTR;
		}
		if (err)
			return err;
	}
	return forbidden;
}

/* Set or clear VM_LOCKED on [start, end).  Holes: -ENOMEM, after the part before. */
static int lock_range(struct vm_space *vm, uaddr_t start, uaddr_t end, bool on, struct list_head *dead) REQUIRES(vm->lock)
{
	uaddr_t at = start;
	int err = vm_isolate(vm, start, end);
	struct vm_area *next;

	if (err)
		return err;
	for (struct vm_area *a = vm_find(vm, start); a && a->start < end; a = next) {
		if (a->start > at)
			return -ENOMEM;
		if (!(a->flags & (VM_SPECIAL | VM_DEVICE))) {
			vm_area_account(vm, a, -1);
			WRITE_ONCE(a->flags, on ? a->flags | VM_LOCKED : a->flags & ~(unsigned)VM_LOCKED);
			vm_area_account(vm, a, 1);
			/* An equal neighbour that it swallows is as it should be. */
			a = vm_area_merge(a, dead);
		}
		at = a->end;
		next = vm_next(a);
	}
	return at < end ? -ENOMEM : 0;
}

static int do_mlock(uaddr_t addr, uint64_t len, bool on, bool populate)
{
	struct vm_space *vm = current->vm;
	struct list_head dead = LIST_INIT(dead);
	uaddr_t start = addr & PAGE_MASK, end;
	bool permitted = true;
	int err;

	len = (len + (addr & ~PAGE_MASK) + PAGE_SIZE - 1) & PAGE_MASK;
	end = start + len;
	rwsem_write_lock(&vm->lock);
	err = 0;
	if (on) {
		uint64_t already = 0;

		/* What is locked already does not count twice. */
		for (struct vm_area *a = vm_find(vm, start); a && a->start < end; a = vm_next(a))
			if (a->flags & VM_LOCKED)
				already += (MIN(a->end, end) - MAX(a->start, start)) >> PAGE_SHIFT;
		if (!vm_may_lock(vm, (len >> PAGE_SHIFT) - already, &permitted))
			err = -ENOMEM;
		if (!permitted)
			err = -EPERM;
	}
	if (!err && end < start)
		err = -EINVAL;	/* how much it is comes first */
	if (!err && end > start)
		err = lock_range(vm, start, end, on, &dead);
	rwsem_write_unlock(&vm->lock);
	vm_area_free_list(&dead);
	if (!err && on && populate) {
		err = vm_populate(vm, start, end);
		if (err == -EFAULT || err == -EIO)
			err = -ENOMEM;
	}
	return err;
}

long sys_mlock(uaddr_t addr, uint64_t len)
{
	return do_mlock(addr, len, true, true);
}

long sys_mlock2(uaddr_t addr, uint64_t len, unsigned flags)
{
	if (flags & ~(unsigned)MLOCK_ONFAULT)
		return -EINVAL;
	return do_mlock(addr, len, true, !(flags & MLOCK_ONFAULT));
}

long sys_munlock(uaddr_t addr, uint64_t len)
{
	return do_mlock(addr, len, false, false);
}

static void lock_all(struct vm_space *vm, bool on, struct list_head *dead) REQUIRES(vm->lock)
{
	struct rb_node *n = rb_first(&vm->areas);
	struct vm_area *a = n ? rb_entry(n, struct vm_area, node) : NULL;

	while (a) {
		if (!(a->flags & (VM_SPECIAL | VM_DEVICE))) {
			vm_area_account(vm, a, -1);
			WRITE_ONCE(a->flags, on ? a->flags | VM_LOCKED : a->flags & ~(unsigned)VM_LOCKED);
			vm_area_account(vm, a, 1);
			a = vm_area_merge(a, dead);
		}
		a = vm_next(a);
	}
}

long sys_mlockall(unsigned flags)
{
	struct vm_space *vm = current->vm;
	struct list_head dead = LIST_INIT(dead);
	uint64_t limit = rlimit_get(RLIMIT_MEMLOCK);
	int err = 0;

	if (!flags || flags & ~(unsigned)(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) || flags == MCL_ONFAULT)
		return -EINVAL;
	if (!limit && !capable(CAP_IPC_LOCK))
		return -EPERM;
	rwsem_write_lock(&vm->lock);
	if (flags & MCL_CURRENT && vm->total_pages > limit >> PAGE_SHIFT && !capable(CAP_IPC_LOCK)) {
		err = -ENOMEM;
	} else {
		WRITE_ONCE(vm->def_flags, flags & MCL_FUTURE ? VM_LOCKED : 0);
		if (flags & MCL_CURRENT)
			lock_all(vm, true, &dead);
	}
	rwsem_write_unlock(&vm->lock);
	vm_area_free_list(&dead);
	if (!err && (flags & (MCL_CURRENT | MCL_ONFAULT)) == MCL_CURRENT)
		(void)vm_populate(vm, hal_as_min(), hal_as_limit());
	return err;
}

long sys_munlockall(void)
{
	struct vm_space *vm = current->vm;
	struct list_head dead = LIST_INIT(dead);

	rwsem_write_lock(&vm->lock);
	WRITE_ONCE(vm->def_flags, 0);
	lock_all(vm, false, &dead);
	rwsem_write_unlock(&vm->lock);
	vm_area_free_list(&dead);
	return 0;
}
