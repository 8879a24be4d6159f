/* SPDX-License-Identifier: MIT */
/* /proc/PID/maps, smaps, smaps_rollup, mem. */
#include <kernel/errno.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/uio.h>
#include <kernel/vm.h>
#include "procfs.h"

struct maps { struct seq *s; bool smaps; struct vm_area_usage sum; uaddr_t first, last; };

static void show_area(struct seq *s, struct vm_area *a)
{
	const char *name = vm_area_name(a);
	size_t start = s->len;
	struct inode *i = a->file ? a->file->inode : NULL;
	kdev_t dev = i ? i->super->dev : 0;

	seq_printf(s, "%08llx-%08llx %c%c%c%c %08llx %02x:%02x %llu ", (unsigned long long)a->start, (unsigned long long)a->end,
		   a->flags & VM_READ ? 'r' : '-', a->flags & VM_WRITE ? 'w' : '-', a->flags & VM_EXEC ? 'x' : '-',
		   a->flags & VM_SHARED ? 's' : 'p', a->file ? (unsigned long long)a->pgoff << PAGE_SHIFT : 0ull, KDEV_MAJOR(dev), KDEV_MINOR(dev),
		   i ? (unsigned long long)i->ino : 0ull);
	if (name || a->file) {
		while (s->len - start < 73 && !s->error)
			seq_puts(s, " ");
		if (name)
			seq_puts(s, name);
		else
			seq_path(s, &a->file->path, "\n");
	}
	seq_puts(s, "\n");
}

static void show_usage(struct seq *s, uint64_t pages, const struct vm_area_usage *u, bool rollup)
{
	const unsigned long long kb = PAGE_SIZE / 1024;

	if (!rollup)
		seq_printf(s, "Size:           %8llu kB\nKernelPageSize: %8llu kB\nMMUPageSize:    %8llu kB\n", (unsigned long long)pages * kb, kb, kb);
	seq_printf(s, "Rss:            %8llu kB\nPss:            %8llu kB\nShared_Clean:   %8llu kB\nShared_Dirty:   %8llu kB\n",
		   (unsigned long long)u->rss_pages * kb, (unsigned long long)u->pss_bytes / 1024,
		   (unsigned long long)(u->shared_pages - u->shared_dirty_pages) * kb, (unsigned long long)u->shared_dirty_pages * kb);
	seq_printf(s, "Private_Clean:  %8llu kB\nPrivate_Dirty:  %8llu kB\nReferenced:     %8llu kB\nAnonymous:      %8llu kB\n",
		   (unsigned long long)(u->private_pages - (u->dirty_pages - u->shared_dirty_pages)) * kb,
		   (unsigned long long)(u->dirty_pages - u->shared_dirty_pages) * kb, (unsigned long long)u->rss_pages * kb,
		   (unsigned long long)u->anon_pages * kb);
	seq_printf(s, "LazyFree:       %8u kB\nAnonHugePages:  %8u kB\nSwap:           %8u kB\nSwapPss:        %8u kB\nLocked:         %8u kB\n", 0, 0, 0, 0, 0);
}

static void show_vmflags(struct seq *s, const struct vm_area *a)
{
	static const struct { unsigned bit; const char *name; } names[] = {
		{ VM_READ, "rd" }, { VM_WRITE, "wr" }, { VM_EXEC, "ex" }, { VM_SHARED, "sh" }, { VM_MAYREAD, "mr" }, { VM_MAYWRITE, "mw" },
		{ VM_MAYEXEC, "me" }, { VM_GROWSDOWN, "gd" }, { VM_LOCKED, "lo" }, { VM_DONTFORK, "dc" }, { VM_DONTDUMP, "dd" },
		{ VM_NORESERVE, "nr" }, { VM_SEALED, "sl" },
	};

	seq_puts(s, "VmFlags:");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (a->flags & names[i].bit)
			seq_printf(s, " %s", names[i].name);
	seq_puts(s, "\n");
}

static bool one_area(struct vm_area *a, void *arg)
{
	struct maps *m = arg;

	show_area(m->s, a);
	if (m->smaps) {
		struct vm_area_usage u = { 0 };

		vm_area_usage(a, &u);
		show_usage(m->s, (a->end - a->start) >> PAGE_SHIFT, &u, false);
		show_vmflags(m->s, a);
	}
	return !m->s->error;
}

static bool sum_area(struct vm_area *a, void *arg)
{
	struct maps *m = arg;
	struct vm_area_usage u = { 0 };

	vm_area_usage(a, &u);
	m->sum.rss_pages += u.rss_pages;
	m->sum.anon_pages += u.anon_pages;
	m->sum.shared_pages += u.shared_pages;
	m->sum.private_pages += u.private_pages;
	m->sum.dirty_pages += u.dirty_pages;
	m->sum.shared_dirty_pages += u.shared_dirty_pages;
	m->sum.pss_bytes += u.pss_bytes;
	if (!m->last)
		m->first = a->start;
	m->last = a->end;
	return true;
}

static int show(struct seq *s, struct task *t, bool smaps)
{
	struct maps m = { .s = s, .smaps = smaps };
	struct vm_space *vm = vm_get_task(t);

	if (!vm)
		return 0;
	vm_for_each_area(vm, 0, one_area, &m);
	vm_put(vm);
	return 0;
}

int proc_show_maps(struct seq *s, struct task *t) { return show(s, t, false); }
int proc_show_smaps(struct seq *s, struct task *t) { return show(s, t, true); }

int proc_show_smaps_rollup(struct seq *s, struct task *t)
{
	struct maps m = { .s = s };
	struct vm_space *vm = vm_get_task(t);

	if (!vm)
		return -ESRCH;
	vm_for_each_area(vm, 0, sum_area, &m);
	vm_put(vm);
	seq_printf(s, "%08llx-%08llx ---p 00000000 00:00 0                          [rollup]\n", (unsigned long long)m.first, (unsigned long long)m.last);
	show_usage(s, 0, &m.sum, true);
	return 0;
}

/* ---- mem: the address space as a file; the position is the address ---- */

static int mem_open(struct inode *i, struct file *f)
{
	struct task *t = proc_task(i);
	int err;

	if (!t)
		return -ESRCH;
	f->private = (void *)(uintptr_t)proc_vm(t);	/* of this program, whatever the process executes later */
	err = proc_may_trace(t) ? 0 : -EACCES;
	task_put(t);
	return err;
}

/* The address space of the program that ran when f was opened, with a reference; NULL: it has ended. */
static struct vm_space *mem_vm(const struct file *f)
{
	struct task *t = proc_task(f->inode);
	struct vm_space *vm = t ? vm_get_task(t) : NULL;

	if (t)
		task_put(t);
	if (vm && vm->id != (uintptr_t)f->private) {
		vm_put(vm);
		vm = NULL;
	}
	return vm;
}

static int64_t mem_rw(struct file *f, struct uio *u, uint64_t *pos, bool write)
{
	struct vm_space *vm = mem_vm(f);
	char *buf;
	int64_t done = 0;

	if (!vm)
		return 0;
	buf = kmalloc(PAGE_SIZE, 0);
	if (!buf) {
		vm_put(vm);
		return -ENOMEM;
	}
	while (u->left) {
		size_t n = MIN(u->left, PAGE_SIZE), got;

		if (write) {
			n = uio_copy_from(u, buf, n);
			got = n ? vm_access(vm, *pos, buf, n, true, true) : 0;
		} else {
			got = vm_access(vm, *pos, buf, n, false, true);
			if (got)
				got = uio_copy_to(u, buf, got);
		}
		*pos += got;
		done += (int64_t)got;
		if (got < n || !n) {
			if (!done)
				done = -EIO;
			break;
		}
	}
	kfree(buf);
	vm_put(vm);
	return done;
}

static int64_t mem_read(struct file *f, struct uio *u, uint64_t *pos) { return mem_rw(f, u, pos, false); }
static int64_t mem_write(struct file *f, struct uio *u, uint64_t *pos) { return mem_rw(f, u, pos, true); }

static int64_t mem_llseek(struct file *f, int64_t off, int whence)
{
	if (whence == SEEK_CUR)
		off += (int64_t)READ_ONCE(f->pos);
	else if (whence != SEEK_SET)
		return -EINVAL;
	WRITE_ONCE(f->pos, (uint64_t)off);
	return off;
}

const struct file_ops proc_mem_fops = { .open = mem_open, .read = mem_read, .write = mem_write, .llseek = mem_llseek };
