/* SPDX-License-Identifier: MIT */
/* msync(2), mincore(2), process_vm_readv(2), process_vm_writev(2), process_madvise(2), membarrier(2). */
#include <kernel/cred.h>
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

long sys_msync(uaddr_t addr, uint64_t len, unsigned flags)
{
	struct vm_space *vm = current->vm;
	uaddr_t end;
	int hole = 0;

	if (flags & ~(unsigned)(MS_ASYNC | MS_INVALIDATE | MS_SYNC) || (flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC) ||
	    addr & ~PAGE_MASK)
		return -EINVAL;
	len = (len + PAGE_SIZE - 1) & PAGE_MASK;
	end = addr + len;
	if (end < addr)
		return -ENOMEM;
	while (addr < end) {
		struct file *f = NULL;
		struct vm_area *a;
		uint64_t off = 0;
		uaddr_t stop = end;
		int err = 0;

		rwsem_read_lock(&vm->lock);
		a = vm_find(vm, addr);
		if (a && a->start < end) {
			if (a->start > addr)
				hole = -ENOMEM;
			addr = MAX(addr, a->start);
			stop = MIN(end, a->end);
			if (flags & MS_INVALIDATE && a->flags & VM_LOCKED)
				err = -EBUSY;
			if (!err && flags & MS_SYNC && a->file && a->flags & VM_SHARED) {
				f = a->file;
				file_get(f);
				off = (a->pgoff << PAGE_SHIFT) + (addr - a->start);
			}
		} else {
			hole = err = -ENOMEM;
		}
		rwsem_read_unlock(&vm->lock);
		if (f) {
			if (f->ops && f->ops->fsync && f->mapping && !f->mapping->ops->memory_only) {
				err = mapping_sync(f->mapping, off, off + (stop - addr));
				if (!err)
					err = file_fsync(f, true);
			} else if (f->mapping) {
				err = mapping_sync(f->mapping, off, off + (stop - addr));
			}
			file_put(f);
		}
		if (err)
			return err;
		addr = stop;
	}
	return hole;
}

/* Is the page of an address in memory?  vm->lock is held. */
static bool resident(struct vm_area *a, uaddr_t addr)
{
	vpe_t *slot;
	bool yes;

	spin_lock(&a->vm->pages->lock);
	slot = vpe_find(a->vm, addr);
	yes = slot && *slot;
	spin_unlock(&a->vm->pages->lock);
	return yes || (a->mapping && mapping_uptodate(a->mapping, a->pgoff + ((addr - a->start) >> PAGE_SHIFT)));
}

long sys_mincore(uaddr_t addr, uint64_t len, uaddr_t vec)
{
	struct vm_space *vm = current->vm;
	uint64_t pages = (len >> PAGE_SHIFT) + (len & ~PAGE_MASK ? 1 : 0);
	uint8_t out[256];

	if (addr & ~PAGE_MASK)
		return -EINVAL;
	if (!user_range_ok(addr, len))
		return -ENOMEM;
	if (!user_range_ok(vec, pages))
		return -EFAULT;
	while (pages) {
		unsigned n = (unsigned)MIN(pages, (uint64_t)sizeof(out));
		bool hole = false;

		rwsem_read_lock(&vm->lock);
		for (unsigned i = 0; i < n; i++) {
			struct vm_area *a = vm_find(vm, addr + i * PAGE_SIZE);

			if (!a || a->start > addr + i * PAGE_SIZE) {
				n = i;
				hole = true;
				break;
			}
			out[i] = resident(a, addr + i * PAGE_SIZE);
		}
		rwsem_read_unlock(&vm->lock);
		if (n && copy_to_user(vec, out, n))
			return -EFAULT;
		if (hole)
			return -ENOMEM;
		pages -= n;
		addr += n * PAGE_SIZE;
		vec += n;
	}
	return 0;
}

/* May current look into t?  ptrace(2), "ptrace access mode checking". */
static bool may_access(struct task *t)
{
	const struct cred *c = current->cred;
	bool ok;

	if (t->process == current->process)
		return true;
	rcu_read_lock();
	{
		const struct cred *o = rcu_dereference(t->cred);

		ok = (c->uid == o->euid && c->uid == o->suid && c->uid == o->uid && c->gid == o->egid && c->gid == o->sgid &&
		      c->gid == o->gid && task_dumpable(t)) || capable(CAP_SYS_PTRACE);
	}
	rcu_read_unlock();
	return ok;
}

static int vm_of_pid(int pid, struct vm_space **out)
{
	struct task *t = task_find(pid);
	int err = 0;

	if (!t)
		return -ESRCH;
	if (!may_access(t))
		err = -EPERM;
	else if (!(*out = vm_get_task(t)))
		err = -ESRCH;
	task_put(t);
	return err;
}

static int64_t process_vm_rw(int pid, uaddr_t lvec, uint64_t ln, uaddr_t rvec, uint64_t rn, uint64_t flags, bool write)
{
	struct uio_seg lfast[8], rfast[8], *lsegs = lfast, *rsegs = rfast;
	struct uio l, r;
	struct vm_space *vm = NULL;
	int64_t lbytes, rbytes, done = 0;
	uint8_t *buf = NULL;
	int err = 0;

	if (flags)
		return -EINVAL;
	lbytes = uio_import(&l, lvec, ln, lfast, &lsegs);
	if (lbytes < 0)
		return lbytes;
	/* The remote addresses are checked when they are used. */
	rbytes = rn > UIO_MAX_SEGS ? -EINVAL : uio_import(&r, rvec, rn, rfast, &rsegs);
	if (rbytes < 0) {
		err = (int)rbytes;
		goto out;
	}
	if (!lbytes || !rbytes)
		goto out;
	err = vm_of_pid(pid, &vm);
	if (err)
		goto out;
	buf = kmalloc(PAGE_SIZE, 0);
	if (!buf) {
		err = -ENOMEM;
		goto out;
	}
	for (uint64_t i = 0; i < rn && l.left; i++) {
		uint64_t off = 0;

		while (off < rsegs[i].len && l.left) {
			size_t n = MIN(rsegs[i].len - off, (uint64_t)l.left), got;

			n = MIN(n, PAGE_SIZE);
			if (write) {
				n = uio_copy_from(&l, buf, n);
				got = n ? vm_access(vm, rsegs[i].base + off, buf, n, true, false) : 0;
			} else {
				got = vm_access(vm, rsegs[i].base + off, buf, n, false, false);
				got = got ? uio_copy_to(&l, buf, got) : 0;
			}
			off += got;
			done += (int64_t)got;
			if (got < n || !got) {
				err = -EFAULT;
				goto out;
			}
		}
	}
out:
	kfree(buf);
	if (vm)
		vm_put(vm);
	if (lsegs != lfast)
		kfree(lsegs);
	if (rsegs != rfast)
		kfree(rsegs);
	return done ? done : err;
}

long sys_process_vm_readv(int pid, uaddr_t lvec, uint64_t liovcnt, uaddr_t rvec, uint64_t riovcnt, uint64_t flags)
{
	return (long)process_vm_rw(pid, lvec, liovcnt, rvec, riovcnt, flags, false);
}

long sys_process_vm_writev(int pid, uaddr_t lvec, uint64_t liovcnt, uaddr_t rvec, uint64_t riovcnt, uint64_t flags)
{
	return (long)process_vm_rw(pid, lvec, liovcnt, rvec, riovcnt, flags, true);
}

enum {
	MEMBARRIER_QUERY = 0, MEMBARRIER_GLOBAL = 1, MEMBARRIER_GLOBAL_EXPEDITED = 2, MEMBARRIER_REGISTER_GLOBAL_EXPEDITED = 4,
	MEMBARRIER_PRIVATE_EXPEDITED = 8, MEMBARRIER_REGISTER_PRIVATE_EXPEDITED = 16,
	MEMBARRIER_PRIVATE_EXPEDITED_SYNC_CORE = 32, MEMBARRIER_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE = 64,
	MEMBARRIER_CMDS = 127,
};

long sys_membarrier(int cmd, unsigned flags, int cpu)
{
	struct vm_space *vm = current->vm;

	if (flags)
		return -EINVAL;
	switch (cmd) {
	case MEMBARRIER_QUERY:
		return MEMBARRIER_CMDS;
	case MEMBARRIER_GLOBAL:
	case MEMBARRIER_GLOBAL_EXPEDITED:
		/* Every CPU passes a thread switch or leaves user code: each is a full barrier and, on return, serializes. */
		rcu_synchronize();
		return 0;
	case MEMBARRIER_REGISTER_GLOBAL_EXPEDITED:
		return 0;
	case MEMBARRIER_REGISTER_PRIVATE_EXPEDITED:
	case MEMBARRIER_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE:
		__atomic_or_fetch(&vm->membarrier, (unsigned)cmd, __ATOMIC_SEQ_CST);
		return 0;
	case MEMBARRIER_PRIVATE_EXPEDITED:
	case MEMBARRIER_PRIVATE_EXPEDITED_SYNC_CORE:
		if (!(READ_ONCE(vm->membarrier) & (unsigned)cmd << 1))
			return -EPERM;
		if (ref_read(&vm->refs) > 1)
			rcu_synchronize();
		return 0;
	default:
		return -EINVAL;
	}
}
