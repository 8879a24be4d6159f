/* SPDX-License-Identifier: MIT */
/*
 * madvise(2), process_madvise(2): the caller's memory, or another process's.
 *
 * MADV_FREE frees at once, which its contract allows.  Advice that Linux takes
 * and that has nothing to act on here (huge pages, merging) is accepted as
 * Linux does without these features: -EINVAL.
 */
#include <kernel/file.h>
#include <kernel/pagecache.h>
#include <kernel/slab.h>
#include <kernel/task.h>
#include <kernel/uaccess.h>
#include <kernel/uio.h>
#include "mm/mman.h"
#include "mm/mm.h"
#include "mm/vm_internal.h"
#include "syscall/syscall_impl.h"

static bool advice_known(int advice)
{
	switch (advice) {
	case MADV_NORMAL: case MADV_RANDOM: case MADV_SEQUENTIAL: case MADV_WILLNEED: case MADV_DONTNEED: case MADV_FREE:
	case MADV_REMOVE: case MADV_DONTFORK: case MADV_DOFORK: case MADV_DONTDUMP: case MADV_DODUMP: case MADV_WIPEONFORK:
	case MADV_KEEPONFORK: case MADV_COLD: case MADV_PAGEOUT: case MADV_POPULATE_READ: case MADV_POPULATE_WRITE:
	case MADV_DONTNEED_LOCKED:
		return true;
	default:
		return false;
	}
}

/* Advice that is a flag of the area: what to clear and what to set.  False: it is not. */
static bool advice_flags(int advice, unsigned *clear, unsigned *set)
{
	*clear = *set = 0;
	switch (advice) {
	case MADV_NORMAL: *clear = VM_RAND_READ | VM_SEQ_READ; return true;
	case MADV_RANDOM: *clear = VM_SEQ_READ; *set = VM_RAND_READ; return true;
	case MADV_SEQUENTIAL: *clear = VM_RAND_READ; *set = VM_SEQ_READ; return true;
	case MADV_DONTFORK: *set = VM_DONTFORK; return true;
	case MADV_DOFORK: *clear = VM_DONTFORK; return true;
	case MADV_DONTDUMP: *set = VM_DONTDUMP; return true;
	case MADV_DODUMP: *clear = VM_DONTDUMP; return true;
	case MADV_WIPEONFORK: *set = VM_WIPEONFORK; return true;
	case MADV_KEEPONFORK: *clear = VM_WIPEONFORK; return true;
	default: return false;
	}
}

/* What the area holds would be lost to who may not write there: not with mseal(2). */
static bool seal_forbids(const struct vm_area *a, int advice)
{
	if (!(a->flags & VM_SEALED) || a->flags & (VM_WRITE | VM_SHARED) || a->file)
		return false;
	return advice == MADV_DONTNEED || advice == MADV_DONTNEED_LOCKED || advice == MADV_FREE || advice == MADV_REMOVE || advice == MADV_DONTFORK ||
		advice == MADV_WIPEONFORK;
}

static int flag_area(struct vm_area *a, int advice, unsigned clear, unsigned set)
{
	if (seal_forbids(a, advice))
		return -EPERM;
	if (advice == MADV_WIPEONFORK && (a->mapping || a->file || a->flags & VM_SHARED))
		return -EINVAL;
	if (advice == MADV_DOFORK && a->flags & VM_DEVICE)
		return -EINVAL;
	if (advice == MADV_DODUMP && a->flags & (VM_DEVICE | VM_SPECIAL))
		return -EINVAL;
	WRITE_ONCE(a->flags, (a->flags & ~clear) | set);
	return 0;
}

static int advise_flags(struct vm_space *vm, uaddr_t start, uaddr_t end, int advice)
{
	struct list_head dead = LIST_INIT(dead);
	unsigned clear, set;
	uaddr_t at = start;
	int err = 0, hole = 0;

	(void)advice_flags(advice, &clear, &set);
	rwsem_write_lock(&vm->lock);
	for (struct vm_area *a = vm_find(vm, start), *next; !err && a && a->start < end; a = next) {
		if (a->start > at)
			hole = -ENOMEM;
		if (((a->flags & ~clear) | set) != a->flags) {	/* one that stays as it is stays whole, too: attachments are counted */
			if (a->start < start) {
				err = vm_area_split(a, start);
				if (err)
					break;
				a = vm_next(a);
			}
			if (a->end > end)
				err = vm_area_split(a, end);
			if (err)
				break;
		}
		err = flag_area(a, advice, clear, set);
		a = vm_area_merge(a, &dead);
		at = a->end;
		next = vm_next(a);
	}
	if (at < end)
		hole = -ENOMEM;
	rwsem_write_unlock(&vm->lock);
	vm_area_free_list(&dead);
	return err ? err : hole;
}

/* One area's part of [start, end); vm->lock is held for reading: faults may come, and find a page or make a new one. */
static int drop_area(struct vm_area *a, uaddr_t start, uaddr_t end, int advice)
{
	if (seal_forbids(a, advice))
		return -EPERM;
	switch (advice) {
	case MADV_DONTNEED:
		if (a->flags & VM_LOCKED)
			return -EINVAL;
		FALLTHROUGH;
	case MADV_DONTNEED_LOCKED:
		if (a->flags & (VM_DEVICE | VM_SPECIAL))
			return -EINVAL;
		vm_zap(a->vm, start, end, ZAP_ALL, false);
		return 0;
	case MADV_FREE:
		if (a->mapping || a->flags & (VM_SHARED | VM_DEVICE | VM_SPECIAL | VM_LOCKED))
			return -EINVAL;
		vm_zap(a->vm, start, end, ZAP_ALL, false);
		return 0;
	default:	/* MADV_COLD, MADV_PAGEOUT: hints */
		return a->flags & (VM_LOCKED | VM_DEVICE) ? -EINVAL : 0;
	}
}

static int advise_drop(struct vm_space *vm, uaddr_t start, uaddr_t end, int advice)
{
	uaddr_t at = start;
	int err = 0, hole = 0;

	rwsem_read_lock(&vm->lock);
	for (struct vm_area *a = vm_find(vm, start); !err && a && a->start < end; a = vm_next(a)) {
		if (a->start > at)
			hole = -ENOMEM;
		err = drop_area(a, MAX(a->start, start), MIN(a->end, end), advice);
		at = a->end;
	}
	if (at < end)
		hole = -ENOMEM;
	rwsem_read_unlock(&vm->lock);
	return err ? err : hole;
}

/* WILLNEED and REMOVE work on the file, without vm->lock. */
static int advise_file(struct vm_space *vm, uaddr_t start, uaddr_t end, int advice)
{
	int hole = 0;

	while (start < end) {
		struct mapping *m = NULL;
		struct file *f = NULL;
		struct vm_area *a;
		uint64_t off = 0, len = 0;
		unsigned flags = 0;
		bool shmem = false;

		rwsem_read_lock(&vm->lock);
		a = vm_find(vm, start);
		if (a && a->start > start)
			hole = -ENOMEM;
		if (a && a->start < end) {
			start = MAX(start, a->start);
			len = MIN(a->end, end) - start;
			off = (a->pgoff << PAGE_SHIFT) + (start - a->start);
			m = a->mapping;
			f = a->file;
			flags = a->flags;
			if (f)
				file_get(f);
			else if (m)
				shmem_get(m), shmem = true;
		}
		rwsem_read_unlock(&vm->lock);
		if (!len)
			return -ENOMEM;
		if (advice == MADV_REMOVE) {
			int err = 0;

			if (flags & VM_LOCKED || !m)
				err = -EINVAL;
			else if ((flags & (VM_SHARED | VM_MAYWRITE)) != (VM_SHARED | VM_MAYWRITE))
				err = -EACCES;
			else if (f && f->ops->fallocate)
				err = f->ops->fallocate(f, 3 /* KEEP_SIZE | PUNCH_HOLE */, off, len);
			else if (f && m->inode)		/* a shared segment has a file, and memory of no inode */
				err = -EOPNOTSUPP;
			else
				mapping_punch(m, off, off + len);
			if (f)
				file_put(f);
			if (shmem)
				shmem_put(m);
			if (err)
				return err;
		} else {
			if (f && m && m->inode)
				for (uint64_t i = off >> PAGE_SHIFT; i < (off + len) >> PAGE_SHIFT && i < (off >> PAGE_SHIFT) + 512; i += 32)
					readahead(m, f, i, 32, false);
			if (f)
				file_put(f);
			if (shmem)
				shmem_put(m);
		}
		start += len;
	}
	return hole;
}

static int advise_populate(struct vm_space *vm, uaddr_t start, uaddr_t end, bool write)
{
	while (start < end) {
		struct vm_area *a;
		struct page *p;
		int err;

		rwsem_read_lock(&vm->lock);
		a = vm_find(vm, start);
		err = !a || a->start > start ? -ENOMEM : !(a->flags & (write ? VM_WRITE : VM_READ)) ? -EINVAL : 0;
		rwsem_read_unlock(&vm->lock);
		if (!err)
			err = vm_get_page(vm, start, write ? HAL_WRITE : HAL_READ, &p);
		if (err)
			return err == -EIO ? -EFAULT : err;
		page_put(p);
		if (fatal_signal_pending(current))
			return -EINTR;
		start += PAGE_SIZE;
	}
	return 0;
}

static int vm_madvise(struct vm_space *vm, uaddr_t addr, uint64_t len, int advice)
{
	unsigned clear, set;
	uaddr_t end;

	if (!advice_known(advice))
		return -EINVAL;
	if (addr & ~PAGE_MASK)
		return -EINVAL;
	if (len && !((len + PAGE_SIZE - 1) & PAGE_MASK))
		return -EINVAL;
	len = (len + PAGE_SIZE - 1) & PAGE_MASK;
	end = addr + len;
	if (end < addr)
		return -EINVAL;
	if (end == addr)
		return 0;
	if (addr >= hal_as_limit())
		return -ENOMEM;
	end = MIN(end, hal_as_limit() + PAGE_SIZE);	/* where nothing ever is */
	if (advice_flags(advice, &clear, &set))
		return advise_flags(vm, addr, end, advice);
	switch (advice) {
	case MADV_WILLNEED:
	case MADV_REMOVE:
		return advise_file(vm, addr, end, advice);
	case MADV_POPULATE_READ:
	case MADV_POPULATE_WRITE:
		return advise_populate(vm, addr, end, advice == MADV_POPULATE_WRITE);
	default:
		return advise_drop(vm, addr, end, advice);
	}
}

long sys_madvise(uaddr_t addr, uint64_t len, int advice)
{
	return vm_madvise(current->vm, addr, len, advice);
}

/* Of another process only what it cannot notice but by its speed. */
static bool advice_for_others(int advice)
{
	return advice == MADV_COLD || advice == MADV_PAGEOUT || advice == MADV_WILLNEED;
}

static int advise_segments(struct vm_space *vm, const struct uio_seg *seg, uint64_t n, int advice, int64_t *done)
{
	for (uint64_t i = 0; i < n; i++) {
		int err = vm_madvise(vm, seg[i].base, seg[i].len, advice);

		if (err)
			return err;
		*done += (int64_t)seg[i].len;
	}
	return 0;
}

long sys_process_madvise(int pidfd, uaddr_t iov, uint64_t n, int advice, unsigned flags)
{
	struct uio_seg fast[8], *segs = fast;
	struct vm_space *vm = NULL;
	struct task *t = NULL;
	int64_t done = 0;
	struct uio u;
	int64_t err;

	if (flags)
		return -EINVAL;
	n = (uint32_t)n;	/* Linux looks at no more of it */
	err = uio_import(&u, iov, n, fast, &segs);
	if (err < 0)
		return (long)err;
	err = pidfd_task(pidfd, &t);
	if (err)
		goto out;
	err = -EACCES;
	if (!ptrace_may_access(t))
		goto out;
	err = -ESRCH;
	vm = vm_get_task(t);
	if (!vm)
		goto out;
	err = -EINVAL;
	if (vm != current->vm && !advice_for_others(advice))
		goto out;
	err = -EPERM;
	if (vm != current->vm && !capable(CAP_SYS_NICE))
		goto out;
	err = advise_segments(vm, segs, n, advice, &done);
out:
	if (vm)
		vm_put(vm);
	task_put(t);
	if (segs != fast)
		kfree(segs);
	return done ? done : (long)err;
}
