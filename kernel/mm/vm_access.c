/* SPDX-License-Identifier: MIT */
/*
 * Looking into address spaces from outside of them: pages behind addresses,
 * copies to and from other programs, names for futexes, the lists of /proc.
 */
#include <kernel/file.h>
#include <kernel/pagecache.h>
#include <kernel/string.h>
#include <kernel/task.h>
#include <kernel/uaccess.h>
#include "mm/mm.h"
#include "mm/user_mem.h"
#include "mm/vm_internal.h"

static struct page *page_at(struct vm_space *vm, uaddr_t addr, bool write, bool force)
{
	struct page *p = NULL;
	vpe_t *slot;

	spin_lock(&vm->pages->lock);
	slot = vpe_find(vm, addr);
	if (slot && *slot && !(*slot & VPE_DEV) && (*slot & VPE_R || force)) {
		bool ok = !write || *slot & VPE_W;

		p = vpe_page(*slot);
		/* A debugger may write to its own copy of what the program may not. */
		if (!ok && force)
			ok = page_sole(p);
		if (ok)
			page_get(p);
		else
			p = NULL;
	}
	spin_unlock(&vm->pages->lock);
	return p;
}

static int get_page(struct vm_space *vm, uaddr_t addr, unsigned access, bool force, struct page **out)
{
	for (;;) {
		int code, err;

		*out = page_at(vm, addr, access & HAL_WRITE, force);
		if (*out)
			return 0;
		err = vm_fault_flags(vm, addr, access, force ? FAULT_FORCE : 0, &code);
		if (err)
			return err;
		if (fatal_signal_pending(current))
			return -EINTR;
	}
}

int vm_get_page(struct vm_space *vm, uaddr_t addr, unsigned access, struct page **out)
{
	return get_page(vm, addr, access, false, out);
}

size_t vm_access(struct vm_space *vm, uaddr_t addr, void *buf, size_t n, bool write, bool force)
{
	size_t done = 0;

	while (done < n && addr + done < hal_as_limit()) {
		unsigned off = (addr + done) & (PAGE_SIZE - 1);
		size_t part = MIN(n - done, PAGE_SIZE - off);
		struct page *p;
		char *at;

		if (get_page(vm, addr + done, write ? HAL_WRITE : HAL_READ, force, &p))
			break;
		at = (char *)page_addr(p) + off;
		if (write) {
			user_mem_copy(at, (char *)buf + done, part);
			/* Code: breakpoints of a debugger. */
			hal_icache_sync(at, part);
			page_mark_dirty(p);
		} else {
			user_mem_copy((char *)buf + done, at, part);
		}
		page_put(p);
		done += part;
	}
	return done;
}

int vm_futex_key(uaddr_t addr, bool is_private, bool write, struct vm_key *out)
{
	struct vm_space *vm = current->vm;
	struct vm_area *a;
	bool good;
	uint32_t word;

	*out = (struct vm_key){ .object = vm->id, .offset = addr };
	if (addr & 3)
		return -EINVAL;
	if (addr >= hal_as_limit() - 3)
		return -EFAULT;
	if (is_private)
		return 0;
	/* Without FUTEX_PRIVATE_FLAG it is another name, also for memory that is not shared: the two never meet. */
	out->shared = true;
	rwsem_read_lock(&vm->lock);
	a = vm_find(vm, addr);
	/* Nameless memory that nobody can write: nobody would ever be woken. */
	good = a && a->start <= addr && a->flags & (write || (!a->file && !(a->flags & VM_SHARED)) ? VM_WRITE : VM_READ | VM_WRITE);
	if (good && a->flags & VM_SHARED && a->mapping) {
		out->object = mapping_number(a->mapping);	/* which may go while somebody waits */
		out->mapped = true;
		out->offset = (a->pgoff << PAGE_SHIFT) + (addr - a->start);
	}
	rwsem_read_unlock(&vm->lock);
	return good ? user_load32(addr, &word) : -EFAULT;	/* behind a file's end there is nothing */
}

void vm_for_each_area(struct vm_space *vm, uaddr_t from, bool (*fn)(struct vm_area *a, void *arg), void *arg)
{
	struct vm_area *a;

	rwsem_read_lock(&vm->lock);
	for (a = vm_find(vm, from); a && fn(a, arg); a = vm_next(a))
		;
	rwsem_read_unlock(&vm->lock);
}

bool vm_page_next(struct vm_space *vm, uaddr_t *at, uaddr_t end)
{
	bool found;

	spin_lock(&vm->pages->lock);
	found = vpe_next(vm, at, end) != NULL;
	spin_unlock(&vm->pages->lock);
	return found;
}

void vm_area_usage(struct vm_area *a, struct vm_area_usage *out)
{
	uaddr_t at = a->start;
	vpe_t *slot;

	*out = (struct vm_area_usage){ 0 };
	spin_lock(&a->vm->pages->lock);
	while ((slot = vpe_next(a->vm, &at, a->end))) {
		struct page *p = vpe_page(*slot);
		int32_t maps;

		at += PAGE_SIZE;
		if (*slot & VPE_DEV || vm_is_zero(p))
			continue;
		maps = MAX(READ_ONCE(p->mapcount), 1);
		out->rss_pages++;
		out->pss_bytes += PAGE_SIZE / (uint64_t)maps;
		if (maps > 1)
			out->shared_pages++;
		else
			out->private_pages++;
		if (!(*slot & (VPE_FILE | VPE_SHMEM)))
			out->anon_pages++;
		if (page_flag(p, PG_DIRTY) || *slot & VPE_W || !(*slot & (VPE_FILE | VPE_SHMEM))) {
			out->dirty_pages++;
			out->shared_dirty_pages += maps > 1;
		}
	}
	spin_unlock(&a->vm->pages->lock);
}

const char *vm_area_name(const struct vm_area *a)
{
	const struct vm_space *vm = a->vm;

	if (a->special)
		return a->special->name;
	if (a->file)
		return NULL;
	if (a->mapping)
		return "/dev/zero (deleted)";
	if (a->start <= vm->brk && a->end > vm->brk_start && vm->brk > vm->brk_start)
		return "[heap]";
	if (a->flags & VM_GROWSDOWN && a->end == vm->stack_top)
		return "[stack]";
	return NULL;
}
