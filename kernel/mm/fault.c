/* SPDX-License-Identifier: MIT */
/*
 * Page faults.
 *
 * A fault finds the area, checks the access against it, and makes the entry of
 * vm->pages what the access needs; the machine is told under the same lock.
 * vm->lock is held for reading: faults of one address space run in parallel.
 * What happened meanwhile is noticed by comparing the entry before changing it;
 * the loser drops its page and user code tries again.
 *
 *  - present and sufficient: the machine forgot; it is told again, with what
 *    lies around (the address space of a fresh child is filled that way);
 *  - otherwise by kind: anonymous memory (fault_anon.c), a file (fault_file.c), a write to a page that is shared or not yet
 *    writable (fault_cow.c), and the special areas here.
 */
#include <kernel/file.h>
#include <kernel/string.h>
#include <kernel/task.h>
#include "mm/fault_impl.h"

struct page *vm_zero_pages;

static int fault_special(const struct fault *f)
{
	struct vm_special *s = f->a->special;
	uint64_t i = fault_index(f);
	int ret;

	if (i >= s->n)
		return -EIO;
	page_get(s->pages[i]);
	ret = fault_install(f, 0, vpe_make(s->pages[i], VPE_R | (f->a->flags & VM_WRITE && f->a->flags & VM_SHARED ? VPE_W : 0)));
	if (ret)
		page_put(s->pages[i]);
	return MIN(ret, 0);
}

static int fault_device(const struct fault *f)
{
	vpe_t e = (vpe_t)(fault_index(f) << PAGE_SHIFT) | VPE_DEV | VPE_R | (f->a->flags & VM_WRITE ? VPE_W : 0);
	int ret = fault_install(f, 0, e);

	return MIN(ret, 0);
}

static bool sufficient(const struct fault *f, vpe_t e)
{
	if (!e || !(e & VPE_R))
		return false;
	if (!f->write || e & VPE_W)
		return true;
	return f->force && !(f->a->flags & VM_WRITE) && !(e & (VPE_DEV | VPE_FILE | VPE_SHMEM)) &&
		page_sole(vpe_page(e));
}

static int fault_in(const struct fault *f)
{
	vpe_t *slot, e;
	uaddr_t start, end;
	int err = 0;

	spin_lock(&f->vm->pages->lock);
	slot = vpe_find(f->vm, f->addr);
	e = slot ? *slot : 0;
	if (e && !(e & VPE_R)) {
		/* Left from a time of PROT_NONE. */
		e |= VPE_R;
		vpe_set(slot, e);
	}
	if (sufficient(f, e) && fault_read_copies(f, e)) {
		/* A forked child looks at a small data area: it will write there. */
		struct page *p = vpe_page(e);
		bool done;

		page_get(p);
		spin_unlock(&f->vm->pages->lock);
		done = fault_copy_ahead(f, f->a->start, (unsigned)((f->a->end - f->a->start) >> PAGE_SHIFT));
		page_put(p);
		if (done)
			return 0;
		spin_lock(&f->vm->pages->lock);
		slot = vpe_find(f->vm, f->addr);
		e = slot ? *slot : 0;
	}
	if (sufficient(f, e)) {
		fault_window(f, AROUND_PAGES, &start, &end);
		err = fault_map_present(f, start, end);
		spin_unlock(&f->vm->pages->lock);
		return err;
	}
	if (e && !(e & VPE_DEV))
		page_get(vpe_page(e));
	spin_unlock(&f->vm->pages->lock);
	if (e) {
		err = f->write && !(e & VPE_DEV) ? fault_write(f, e) : 0;
		if (!(e & VPE_DEV))
			page_put(vpe_page(e));
		return err;
	}
	if (f->a->flags & VM_DEVICE)
		return fault_device(f);
	if (f->a->special)
		return fault_special(f);
	return f->a->mapping ? fault_file(f) : fault_anon(f);
}

/* Let the stack area above addr reach down to it. */
static int stack_grow(struct vm_space *vm, uaddr_t addr) REQUIRES(vm->lock)
{
	struct vm_area *a = vm_find(vm, addr), *p;
	uaddr_t to = addr & PAGE_MASK;
	uint64_t pages;

	if (!a)
		return -EFAULT;
	if (a->start <= addr)
		return 0;
	if (!(a->flags & VM_GROWSDOWN) || to < hal_as_min())
		return -EFAULT;
	pages = (a->start - to) >> PAGE_SHIFT;
	if (a->end - to > rlimit_get(RLIMIT_STACK) || !vm_may_expand(vm, a->flags, pages))
		return -EFAULT;
	p = vm_prev(a);
	if (p && to < p->end)
		return -EFAULT;
	if (p && p->flags & (VM_READ | VM_WRITE | VM_EXEC) && !(p->flags & VM_GROWSDOWN) &&
	    to - p->end < STACK_GUARD_PAGES * PAGE_SIZE)
		return -EFAULT;
	vm_area_resize(a, to, a->end, a->pgoff - pages);
	return 0;
}

static bool access_ok(const struct vm_area *a, unsigned access, unsigned flags)
{
	if (access & HAL_WRITE) {
		if (a->flags & VM_WRITE)
			return true;
		return flags & FAULT_FORCE && a->flags & VM_MAYWRITE && !(a->flags & VM_SHARED);
	}
	if (access & HAL_EXEC)
		return a->flags & VM_EXEC;
	return a->flags & (VM_READ | VM_WRITE | VM_EXEC) || (flags & FAULT_FORCE && a->flags & VM_MAYREAD);
}

int vm_fault_flags(struct vm_space *vm, uaddr_t addr, unsigned access, unsigned flags, int *si_code) NO_TSA	/* write lock becomes read lock */
{
	struct vm_area *a;
	int err = -EFAULT;

	*si_code = SEGV_MAPERR;
	if (addr >= hal_as_limit())
		return -EFAULT;
	rwsem_read_lock(&vm->lock);
	a = vm_find(vm, addr);
	if (a && a->start > addr && a->flags & VM_GROWSDOWN) {
		rwsem_read_unlock(&vm->lock);
		rwsem_write_lock(&vm->lock);
		err = stack_grow(vm, addr);
		rwsem_downgrade(&vm->lock);
		a = err ? NULL : vm_find(vm, addr);
	}
	if (a && a->start <= addr) {
		*si_code = SEGV_ACCERR;
		err = -EFAULT;
		if (access_ok(a, access, flags)) {
			struct fault f = {
				.vm = vm, .a = a, .addr = addr & PAGE_MASK, .write = access & HAL_WRITE, .force = flags & FAULT_FORCE,
			};

			err = fault_in(&f);
			*si_code = err == -EIO ? BUS_ADRERR : SEGV_MAPERR;
		}
	}
	rwsem_read_unlock(&vm->lock);
	return err;
}

void vm_expect(struct vm_space *vm, uaddr_t addr, unsigned access)
{
	bool told = false;
	int code;

	if (access != HAL_WRITE) {
		const vpe_t *slot;

		spin_lock(&vm->pages->lock);
		slot = vpe_find(vm, addr);
		told = slot && *slot & VPE_R && *slot & (VPE_FILE | VPE_SHMEM);	/* the machine, by a fork or with a neighbour */
		spin_unlock(&vm->pages->lock);
	}
	if (!told)
		(void)vm_fault_flags(vm, addr, access, 0, &code);
}

void vm_expect_files(struct vm_space *vm)
{
	struct vm_area *a;

	rwsem_read_lock(&vm->lock);
	for (a = vm_find(vm, 0); a; a = vm_next(a))
		if (a->file && a->mapping && !(a->flags & VM_SPECIAL) && a->flags & (VM_READ | VM_EXEC)) {
			struct fault f = { .vm = vm, .a = a, .addr = a->start };

			fault_file_hot(&f);
		}
	rwsem_read_unlock(&vm->lock);
}

void vm_hot_call(struct vm_space *vm, uaddr_t ip)
{
	struct vm_area *a;

	rwsem_read_lock(&vm->lock);
	a = vm_find(vm, ip);
	if (a && a->start <= ip && a->file && (a->flags & (VM_EXEC | VM_WRITE | VM_SHARED)) == VM_EXEC) {
		vpe_t *slot, e;

		spin_lock(&vm->pages->lock);
		slot = vpe_find(vm, ip);
		e = slot ? *slot : 0;
		/* The page cache's own page, not a private copy: those are written to by debuggers. */
		if ((e & (VPE_R | VPE_W | VPE_FILE | VPE_DEV)) == (VPE_R | VPE_FILE) && hal_as_hot_call(vm->as, ip, vpe_phys(e)))
			(void)hal_as_map(vm->as, ip & PAGE_MASK, vpe_phys(e), 1, vm_hal_prot(a, e));
		spin_unlock(&vm->pages->lock);
	}
	rwsem_read_unlock(&vm->lock);
}

int vm_fault(struct vm_space *vm, uaddr_t addr, unsigned access, int *si_code)
{
	struct task *t = current;
	int err;

	might_sleep();
	WRITE_ONCE(t->min_faults, t->min_faults + 1);
	err = vm_fault_flags(vm, addr, access, 0, si_code);
	if (unlikely(err) && fatal_signal_pending(t))
		return -EINTR;
	/* The machine's tables come from the reserve; when that is used up, nobody has reclaimed yet. */
	if (unlikely(err == -ENOMEM) && buddy_free_pages() < buddy_min_mark() && !reclaim_pages(64, 0))
		(void)oom_kill();
	return err;
}
