/* SPDX-License-Identifier: MIT */
/*
 * mseal(2): areas that stay what they are.  Nothing can be mapped over them,
 * they cannot be unmapped, moved, resized or given other rights, and what they
 * hold cannot be thrown away by who could not write it.  There is no way back
 * but execve and exit; a child's copy is sealed as well.
 *
 * Who checks: vm_unmap_locked(), vm_protect(), remap(), madvise.c.
 */
#include <kernel/task.h>
#include "mm/mm.h"
#include "mm/vm_internal.h"
#include "syscall/syscall_impl.h"

static bool mapped_throughout(struct vm_space *vm, uaddr_t start, uaddr_t end) REQUIRES(vm->lock)
{
	for (struct vm_area *a = vm_find(vm, start); a && a->start <= start; a = vm_next(a)) {
		start = a->end;
		if (start >= end)
			return true;
	}
	return false;
}

long sys_mseal(uaddr_t addr, uint64_t len, uint64_t flags)
{
	struct list_head dead = LIST_INIT(dead);
	struct vm_space *vm = current->vm;
	uint64_t size = (len + PAGE_SIZE - 1) & PAGE_MASK;
	uaddr_t end = addr + size;
	int err;

	if (flags || addr & ~PAGE_MASK || (len && !size) || end < addr)
		return -EINVAL;
	if (!size)
		return 0;
	rwsem_write_lock(&vm->lock);
	err = mapped_throughout(vm, addr, end) ? vm_isolate(vm, addr, end) : -ENOMEM;
	for (struct vm_area *a = vm_find(vm, addr), *next; !err && a && a->start < end; a = next) {
		WRITE_ONCE(a->flags, a->flags | VM_SEALED);
		a = vm_area_merge(a, &dead);
		next = vm_next(a);
	}
	rwsem_write_unlock(&vm->lock);
	vm_area_free_list(&dead);
	return err;
}
