/* SPDX-License-Identifier: MIT */
/*
 * mmap, munmap, brk: areas come and go (mmap(2), munmap(2), brk(2)).
 *
 * Areas that are removed are freed after vm->lock has been dropped: the last
 * reference to a file may close it, which takes locks that come before VM.
 */
#include <kernel/cred.h>
#include <kernel/file.h>
#include <kernel/pagecache.h>
#include <kernel/task.h>
#include "mm/mman.h"
#include "mm/mm.h"
#include "mm/vm_internal.h"
#include "syscall/syscall_impl.h"

static uint64_t round_up_page(uint64_t n)
{
	return (n + PAGE_SIZE - 1) & PAGE_MASK;
}

bool vm_may_expand(struct vm_space *vm, unsigned flags, uint64_t n)
{
	uint64_t as = rlimit_get(RLIMIT_AS), data = rlimit_get(RLIMIT_DATA);

	if (vm->total_pages + n > as >> PAGE_SHIFT)
		return false;
	if ((flags & (VM_WRITE | VM_SHARED | VM_GROWSDOWN)) == VM_WRITE && vm->data_pages + n > data >> PAGE_SHIFT)
		return false;
	/* Overcommit as Linux's heuristic: only what could never be is refused. */
	if ((flags & (VM_WRITE | VM_SHARED | VM_NORESERVE)) == VM_WRITE && n > buddy_total_pages())
		return false;
	return true;
}

bool vm_may_lock(struct vm_space *vm, uint64_t n, bool *permitted)
{
	uint64_t limit = rlimit_get(RLIMIT_MEMLOCK);

	*permitted = limit || capable(CAP_IPC_LOCK);
	return capable(CAP_IPC_LOCK) || vm->locked_pages + n <= limit >> PAGE_SHIFT;
}

bool vm_range_sealed(struct vm_space *vm, uaddr_t start, uaddr_t end)
{
	for (struct vm_area *a = vm_find(vm, start); a && a->start < end; a = vm_next(a))
		if (a->flags & VM_SEALED)
			return true;
	return false;
}

/* How many pages of the range are in some area. */
static uint64_t pages_in(struct vm_space *vm, uaddr_t start, uaddr_t end) REQUIRES(vm->lock)
{
	uint64_t n = 0;

	for (struct vm_area *a = vm_find(vm, start); a && a->start < end; a = vm_next(a))
		n += (MIN(a->end, end) - MAX(a->start, start)) >> PAGE_SHIFT;
	return n;
}

/* The areas of [start, end) leave the tree: a fault or a truncation that comes now finds nothing there.  1: there were some; 0; -errno. */
static int areas_take(struct vm_space *vm, uaddr_t start, uaddr_t end, struct list_head *dead) REQUIRES(vm->lock)
{
	struct vm_area *a = vm_find(vm, start), *next;
	int err;

	if (!a || a->start >= end)
		return 0;
	if (vm_range_sealed(vm, start, end))
		return -EPERM;
	err = vm_isolate(vm, start, end);
	if (err)
		return err;
	for (a = vm_find(vm, start); a && a->start < end; a = next) {
		next = vm_next(a);
		vm_area_remove(vm, a);
		list_add(&a->mapping_link, dead);
	}
	return 1;
}

/* What areas_take() left, and nothing can come back to: vm->lock is held for reading at least. */
static void pages_take(struct vm_space *vm, uaddr_t start, uaddr_t end)
{
	vm_zap(vm, start, end, ZAP_ALL, true);
	if (end - start >= 2 << 20)
		vm_pages_prune(vm, start, end);
}

int vm_unmap_locked(struct vm_space *vm, uaddr_t start, uaddr_t end, struct list_head *dead)
{
	int any = areas_take(vm, start, end, dead);

	if (any > 0)
		pages_take(vm, start, end);
	return MIN(any, 0);
}

int vm_munmap(struct vm_space *vm, uaddr_t addr, uint64_t len) NO_TSA	/* write lock becomes read lock */
{
	struct list_head dead = LIST_INIT(dead);
	uaddr_t limit = hal_as_limit();
	int err;

	if (addr & ~PAGE_MASK || addr > limit || len > limit - addr)
		return -EINVAL;
	len = round_up_page(len);
	if (!len)
		return -EINVAL;
	rwsem_write_lock(&vm->lock);
	err = areas_take(vm, addr, addr + len, &dead);
	if (err > 0) {
		/* Other threads fault meanwhile; nobody can map something there. */
		rwsem_downgrade(&vm->lock);
		pages_take(vm, addr, addr + len);
		rwsem_read_unlock(&vm->lock);
	} else {
		rwsem_write_unlock(&vm->lock);
	}
	vm_area_free_list(&dead);
	return MIN(err, 0);
}

/* Where to put len bytes: the hint if it is free, else the highest gap below mmap_base, else the lowest anywhere. */
static int64_t choose_address(struct vm_space *vm, uaddr_t addr, uint64_t len, unsigned flags) REQUIRES(vm->lock)
{
	uaddr_t limit = hal_as_limit(), got;

	if (len > limit)
		return -ENOMEM;
	if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
		struct vm_area *a;

		if (addr >= (uaddr_t)-4095)	/* taken for an error, as on Linux */
			return (int64_t)addr;
		if (addr > limit - len)
			return -ENOMEM;
		if (addr & ~PAGE_MASK)
			return -EINVAL;
		if (addr < hal_as_min())
			return -EPERM;
		a = vm_find(vm, addr);
		if (flags & MAP_FIXED_NOREPLACE && a && a->start < addr + len)
			return -EEXIST;
		return (int64_t)addr;
	}
	if (flags & MAP_32BIT)		/* the second gigabyte, from below, as on Linux */
		limit = MIN(limit, (uaddr_t)1 << 31);
	if (len > limit)
		return -ENOMEM;
	if (addr) {
		addr = MAX(addr & PAGE_MASK, hal_as_min());
		if (addr <= limit - len && vm_find_gap(vm, len, addr, addr + len, true) == addr)
			return (int64_t)addr;
	}
	got = flags & MAP_32BIT ? 0 : vm_find_gap(vm, len, hal_as_min(), vm->mmap_base, true);
	if (!got)
		got = vm_find_gap(vm, len, flags & MAP_32BIT ? (uaddr_t)1 << 30 : hal_as_min(), limit, false);
	return got ? (int64_t)got : -ENOMEM;
}

/* Sockets have a method on Linux, which refuses: when what was mapped there is gone. */
static bool refuses_late(const struct file *f) { return S_ISSOCK(inode_mode(f->inode)); }

/* What mmap(2) says about a file and the kind of mapping: flags for the area, or -errno. */
static int64_t file_area_flags(struct file *f, unsigned prot, unsigned flags, uint64_t len, uint64_t pgoff)
{
	unsigned vf = VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC;
	bool noexec = f->path.mnt && path_noexec(&f->path) && !(f->mode & FMODE_EXEC);	/* a shared segment may */

	if (pgoff + (len >> PAGE_SHIFT) < pgoff || (pgoff + (len >> PAGE_SHIFT)) >> (63 - PAGE_SHIFT))
		return -EOVERFLOW;
	switch (flags & MAP_TYPE) {
	case MAP_SHARED_VALIDATE:
		if (flags & ~(unsigned)MAP_KNOWN || flags & MAP_SYNC)
			return -EOPNOTSUPP;
		FALLTHROUGH;
	case MAP_SHARED:
		if (prot & PROT_WRITE && !(f->mode & FMODE_WRITE))
			return -EACCES;
		if (prot & PROT_WRITE && READ_ONCE(f->flags) & O_APPEND && inode_flags(f->inode) & INODE_APPEND)
			return -EACCES;
		vf |= VM_SHARED;
		if (!(f->mode & FMODE_WRITE))
			vf &= ~(unsigned)VM_MAYWRITE;
		break;
	case MAP_PRIVATE:
		break;
	default:
		return -EINVAL;
	}
	if (!(f->mode & FMODE_READ))
		return -EACCES;
	if (noexec) {
		if (prot & PROT_EXEC)
			return -EPERM;
		vf &= ~(unsigned)VM_MAYEXEC;
	}
	if (!f->mapping && !(f->ops && f->ops->mmap) && !refuses_late(f))
		return -ENODEV;
	if (flags & MAP_GROWSDOWN)
		return -EINVAL;
	return vf;
}

static int64_t anon_area_flags(unsigned flags)
{
	unsigned vf = VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC;

	switch (flags & MAP_TYPE) {
	case MAP_SHARED:
		if (flags & MAP_GROWSDOWN)
			return -EINVAL;
		return vf | VM_SHARED;
	case MAP_PRIVATE:
		return vf;
	case MAP_DROPPABLE:	/* Linux 6.11: what may go away at any time; here it does not until there is a fork */
		if (flags & (MAP_LOCKED | MAP_GROWSDOWN))
			return -EINVAL;
		return vf | VM_NORESERVE | VM_WIPEONFORK | VM_DONTDUMP;
	default:
		return -EINVAL;
	}
}

/* Give the area its object: the file's mapping, the driver's, or fresh shared memory. */
static int area_attach(struct vm_area *a, struct file *file)
{
	int err = 0;

	if (file) {
		file_get(file);
		a->file = file;
		a->mapping = file->mapping;
		if (file->ops && file->ops->mmap)
			err = file->ops->mmap(file, a);
		if (a->mapping || a->flags & VM_DEVICE || err || refuses_late(file))
			return err;
	}
	if (!(a->flags & VM_SHARED)) {
		a->pgoff = a->start >> PAGE_SHIFT;
		return 0;
	}
	/* Shared without an object of the file's (/dev/zero): anonymous memory that outlives no one. */
	if (a->file) {
		file_put(a->file);
		a->file = NULL;
	}
	a->pgoff = 0;
	a->mapping = shmem_create((a->end - a->start) >> PAGE_SHIFT);
	return a->mapping ? 0 : -ENOMEM;
}

/* One more area that may be written to, before the file is asked: it may be about to be sealed (memfd_fcntl()).  False: it is. */
static bool writable_begin(struct mapping *m)
{
	int64_t n = READ_ONCE(m->writable_maps);

	while (n >= 0)
		if (__atomic_compare_exchange_n(&m->writable_maps, &n, n + 1, true, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return true;
	return false;
}

int64_t vm_mmap(struct vm_space *vm, uaddr_t addr, uint64_t len, unsigned prot, unsigned flags, struct file *file, uint64_t pgoff)
{
	struct list_head dead = LIST_INIT(dead);
	struct mapping *written = NULL;
	struct vm_area *a = NULL;
	int64_t at, kind;
	bool permitted, locked;
	int err;

	if (!len)
		return -EINVAL;
	len = round_up_page(len);
	if (!len)
		return -ENOMEM;
	if (pgoff + (len >> PAGE_SHIFT) < pgoff)
		return -EOVERFLOW;
	rwsem_write_lock(&vm->lock);
	at = vm->area_count > READ_ONCE(vm_areas_max) ? -ENOMEM : choose_address(vm, addr, len, flags);
	if (at < 0)
		goto out;
	locked = flags & MAP_LOCKED || vm->def_flags & VM_LOCKED;
	if (locked && (!vm_may_lock(vm, len >> PAGE_SHIFT, &permitted) || !permitted)) {
		at = permitted || !(flags & MAP_LOCKED) ? -EAGAIN : -EPERM;
		goto out;
	}
	kind = file ? file_area_flags(file, prot, flags, len, pgoff) : anon_area_flags(flags);
	if (kind < 0) {
		at = kind;
		goto out;
	}
	err = -ENOMEM;
	a = vm_area_alloc(vm);
	if (!a)
		goto fail;
	a->start = (uaddr_t)at;
	a->end = a->start + len;
	a->pgoff = file ? pgoff : a->start >> PAGE_SHIFT;
	a->flags = (unsigned)kind | (prot & (PROT_READ | PROT_WRITE | PROT_EXEC)) | (locked ? VM_LOCKED : 0) |
		(flags & MAP_GROWSDOWN ? VM_GROWSDOWN : 0) | (flags & MAP_NORESERVE ? VM_NORESERVE : 0);
	err = -EPERM;
	if (file && file->mapping && (a->flags & (VM_SHARED | VM_MAYWRITE)) == (VM_SHARED | VM_MAYWRITE)) {
		if (!writable_begin(file->mapping))
			goto fail;
		written = file->mapping;
	}
	err = area_attach(a, file);
	if (err)
		goto fail;
	err = -EPERM;
	if (vm_range_sealed(vm, a->start, a->end))
		goto fail;
	err = -ENOMEM;		/* what is there already is replaced: only the rest is more */
	if (!vm_may_expand(vm, a->flags, (len >> PAGE_SHIFT) - pages_in(vm, a->start, a->end)))
		goto fail;
	err = vm_unmap_locked(vm, a->start, a->end, &dead);
	if (!err && file && refuses_late(file))
		err = -ENODEV;
	if (err)
		goto fail;
	vm_area_insert(vm, a);
	vm_area_merge(a, &dead);
	a = NULL;
	goto out;
fail:
	at = err;
out:
	if (written)		/* the area counts by itself now, if it was made */
		__atomic_sub_fetch(&written->writable_maps, 1, __ATOMIC_RELEASE);
	rwsem_write_unlock(&vm->lock);
	if (a)
		vm_area_free(a);
	vm_area_free_list(&dead);
	if (at > 0 && (flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE)
		(void)vm_populate(vm, (uaddr_t)at, (uaddr_t)at + len);
	else if (at > 0 && (flags & MAP_LOCKED || READ_ONCE(vm->def_flags) & VM_LOCKED))
		(void)vm_populate(vm, (uaddr_t)at, (uaddr_t)at + len);
	return at;
}

int vm_map_stack(struct vm_space *vm, uaddr_t top, uint64_t size, unsigned prot_exec)
{
	struct vm_area *a = vm_area_alloc(vm);
	uint64_t gap;
	int err = 0;

	if (!a)
		return -ENOMEM;
	a->start = top - round_up_page(size);
	a->end = top;
	a->pgoff = a->start >> PAGE_SHIFT;
	a->flags = VM_READ | VM_WRITE | (prot_exec ? VM_EXEC : 0) | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC | VM_GROWSDOWN;
	rwsem_write_lock(&vm->lock);
	if (vm_find_gap(vm, a->end - a->start, a->start, a->end, true) == a->start) {
		/* Maps go below what the stack may become. */
		gap = MAX(MIN(rlimit_get(RLIMIT_STACK), hal_as_limit() / 6 * 5), (uint64_t)128 << 20);
		vm->mmap_base = MIN(vm->mmap_base, (top - gap - STACK_GUARD_PAGES * PAGE_SIZE) & PAGE_MASK);
		vm->stack_top = top;
		vm_area_insert(vm, a);
	} else {
		err = -ENOMEM;
	}
	rwsem_write_unlock(&vm->lock);
	if (err)
		vm_area_free(a);
	return err;
}

int vm_set_brk(struct vm_space *vm, uaddr_t start, uaddr_t end)
{
	rwsem_write_lock(&vm->lock);
	vm->brk_start = start;
	vm->brk = end;
	rwsem_write_unlock(&vm->lock);
	return 0;
}

/* ---- system calls ---- */

long sys_mmap(uaddr_t addr, uint64_t len, unsigned prot, uint64_t all_flags, int fd, uint64_t off)
{
	unsigned flags = (unsigned)all_flags | (all_flags >> 32 ? MAP_UNKNOWN : 0);	/* only MAP_SHARED_VALIDATE looks at these */
	struct file *f = NULL;
	int64_t ret;

	if (off & ~PAGE_MASK)
		return -EINVAL;
	if (!(flags & MAP_ANONYMOUS)) {
		f = fd_get(fd);
		if (!f)
			return -EBADF;
		if (flags & MAP_HUGETLB) {
			file_put(f);
			return -EINVAL;
		}
	} else if (flags & MAP_HUGETLB) {
		return -ENOMEM;		/* no huge pages are set aside */
	}
	/* Anonymous memory has no offset. */
	ret = vm_mmap(current->vm, addr, len, prot, flags, f, off >> PAGE_SHIFT);
	if (f)
		file_put(f);
	return (long)ret;
}

long sys_munmap(uaddr_t addr, uint64_t len)
{
	return vm_munmap(current->vm, addr, len);
}

long sys_brk(uaddr_t want)
{
	struct vm_space *vm = current->vm;
	struct list_head dead = LIST_INIT(dead);
	uaddr_t old_end, new_end, result;
	struct vm_area *a = NULL;
	bool locked = false, permitted;

	rwsem_write_lock(&vm->lock);
	result = vm->brk;
	old_end = round_up_page(vm->brk);
	new_end = round_up_page(want);
	if (want < vm->brk_start || new_end >= hal_as_limit() || new_end < want)
		goto out;
	if (want - vm->brk_start > rlimit_get(RLIMIT_DATA))
		goto out;
	if (new_end < old_end) {
		if (vm_unmap_locked(vm, new_end, old_end, &dead))
			goto out;
	} else if (new_end > old_end) {
		uint64_t n = (new_end - old_end) >> PAGE_SHIFT;
		struct vm_area *at = vm_find(vm, old_end);

		locked = vm->def_flags & VM_LOCKED;
		/* One page stays free below what follows. */
		if ((at && at->start < new_end + PAGE_SIZE) || !vm_may_expand(vm, VM_WRITE, n) ||
		    (locked && !vm_may_lock(vm, n, &permitted)))
			goto out;
		a = vm_area_alloc(vm);
		if (!a)
			goto out;
		a->start = old_end;
		a->end = new_end;
		a->pgoff = old_end >> PAGE_SHIFT;
		a->flags = VM_READ | VM_WRITE | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC | (locked ? VM_LOCKED : 0);
		vm_area_insert(vm, a);
		vm_area_merge(a, &dead);
	}
	vm->brk = result = want;
out:
	rwsem_write_unlock(&vm->lock);
	vm_area_free_list(&dead);
	if (a && locked)
		(void)vm_populate(vm, old_end, new_end);
	return (long)result;
}

long sys_remap_file_pages(uaddr_t addr, uint64_t size, uint64_t prot, uint64_t pgoff, uint64_t flags)
{
	struct vm_space *vm = current->vm;
	struct file *f = NULL;
	struct vm_area *a;
	unsigned keep = 0;
	int64_t ret = -EINVAL;
	uaddr_t start = addr & PAGE_MASK;

	size = round_up_page(size);
	if (prot || !size || start + size <= start || pgoff + (size >> PAGE_SHIFT) < pgoff)
		return -EINVAL;
	rwsem_read_lock(&vm->lock);
	a = vm_find(vm, start);
	if (a && a->start <= start && a->end >= start + size && a->flags & VM_SHARED && a->file) {
		f = a->file;
		file_get(f);
		keep = a->flags & (VM_READ | VM_WRITE | VM_EXEC);
	}
	rwsem_read_unlock(&vm->lock);
	if (f) {
		ret = vm_mmap(vm, start, size, keep, MAP_SHARED | MAP_FIXED, f, pgoff);
		file_put(f);
	}
	return ret < 0 ? (long)ret : 0;
}
