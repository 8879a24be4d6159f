/* SPDX-License-Identifier: MIT */
/*
 * Core dumps: an ELF file of type ET_CORE with the dying thread's registers
 * and the memory of the process, for debuggers.  core(5), elf(5).
 *
 * The other threads have been told to exit; only the one that took the signal
 * is described.  Written to "core" in the working directory, if RLIMIT_CORE and
 * PR_SET_DUMPABLE allow.  Memory that a file still has is left out, except for
 * its first page when it begins an ELF image (build ids).
 */
#include <kernel/file.h>
#include <kernel/vfs.h>
#include <kernel/vm.h>
#include "task_impl.h"

enum { ET_CORE = 4, PT_LOAD = 1, PT_NOTE = 4 };
enum { NT_PRSTATUS = 1, NT_FPREGSET = 2, NT_PRPSINFO = 3, NT_AUXV = 6, NT_X86_XSTATE = 0x202, NT_FILE = 0x46494c45, NT_SIGINFO = 0x53494749 };
enum { CORE_AREAS_MAX = 60000, EM_X86_64 = 62, FXSAVE_SIZE = 512, ARM_FPSIMD_SIZE = 528 };

struct core_area { uaddr_t start, end; uint64_t dump, pgoff; unsigned flags; bool touched; struct file *file; };
struct core {
	struct file *f;
	uint64_t pos, limit;
	struct core_area *area;
	unsigned n, max;
	uint8_t *notes;
	size_t notes_len, notes_max;
	bool failed;
};
struct elf_ehdr {
	uint8_t ident[16];
	uint16_t type, machine;
	uint32_t version;
	uint64_t entry, phoff, shoff;
	uint32_t flags;
	uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};
struct elf_phdr { uint32_t type, flags; uint64_t offset, vaddr, paddr, filesz, memsz, align; };
struct prstatus {
	int32_t signo, code, err;
	int16_t cursig, pad0;
	uint64_t sigpend, sighold;
	int32_t pid, ppid, pgrp, sid;
	uint64_t utime[2], stime[2], cutime[2], cstime[2];
	/* registers, then int fpvalid */
};
_Static_assert(sizeof(struct prstatus) == 112, "elf_prstatus");
struct prpsinfo {
	char state, sname, zomb, nice;
	uint32_t pad;
	uint64_t flag;
	uint32_t uid, gid;
	int32_t pid, ppid, pgrp, sid;
	char fname[16], args[80];
};
_Static_assert(sizeof(struct prpsinfo) == 136, "elf_prpsinfo");

/* ---- notes ---- */

static void note_bytes(struct core *c, const void *p, size_t n)
{
	if (c->notes_len + n > c->notes_max) {
		size_t max = MAX(c->notes_max * 2, c->notes_len + n + 4096);
		uint8_t *grown = krealloc(c->notes, max, 0);

		if (!grown) {
			c->failed = true;
			return;
		}
		c->notes = grown;
		c->notes_max = max;
	}
	if (p)
		memcpy(c->notes + c->notes_len, p, n);
	else
		memset(c->notes + c->notes_len, 0, n);
	c->notes_len += n;
}

static void note(struct core *c, const char *name, uint32_t type, const void *p, size_t n)
{
	uint32_t head[3] = { (uint32_t)strlen(name) + 1, (uint32_t)n, type };

	note_bytes(c, head, sizeof(head));
	note_bytes(c, name, head[0]);
	note_bytes(c, NULL, -head[0] & 3);
	note_bytes(c, p, n);
	note_bytes(c, NULL, -n & 3);
}

static void notes_process(struct core *c, struct task *t, const struct abi_siginfo *info)
{
	struct process *p = t->process;
	struct { struct prstatus s; uint8_t regs[sizeof(struct abi_regs) + 8]; } st;
	struct prpsinfo ps = { .sname = 'R', .nice = READ_ONCE(t->se.nice), .uid = t->cred->uid, .gid = t->cred->gid };
	size_t n, fp_size = hal_user_fpu_size();
	uint64_t len = t->vm->arg_end - t->vm->arg_start;
	unsigned long flags;
	uint8_t *fp;

	memset(&st, 0, sizeof(st));
	/* The group, the session and the parent change while we dump. */
	flags = spin_lock_irqsave(&process_tree_lock);
	ps.ppid = process_pid(p->parent);
	ps.pgrp = p->pid[PID_PGRP]->nr;
	ps.sid = p->pid[PID_SESSION]->nr;
	spin_unlock_irqrestore(&process_tree_lock, flags);
	st.s = (struct prstatus){ .signo = info->si_signo, .code = info->si_code, .err = info->si_errno, .cursig = (int16_t)info->si_signo,
		.sigpend = READ_ONCE(t->pending.set), .sighold = t->sigmask, .pid = task_tid(t), .ppid = ps.ppid,
		.pgrp = ps.pgrp, .sid = ps.sid };
	n = abi_regset_get(hal_user_regs(t->uctx), st.regs, sizeof(struct abi_regs));
	st.regs[n] = 1;		/* fpvalid */
	note(c, "CORE", NT_PRSTATUS, &st, sizeof(st.s) + n + 8);

	ps.pid = process_pid(p);
	task_comm_get(t, ps.fname);
	len = vm_access(t->vm, t->vm->arg_start, ps.args, MIN(len, sizeof(ps.args) - 1), false, true);
	for (uint64_t i = 0; i + 1 < len; i++)
		if (!ps.args[i])
			ps.args[i] = ' ';
	note(c, "CORE", NT_PRPSINFO, &ps, sizeof(ps));
	note(c, "CORE", NT_SIGINFO, info, sizeof(*info));
	note(c, "CORE", NT_AUXV, t->vm->auxv, t->vm->auxv_words * sizeof(uint64_t));
	fp = kzalloc(MAX(fp_size, (size_t)ARM_FPSIMD_SIZE), 0);
	if (!fp) {
		c->failed = true;
		return;
	}
	n = hal_user_fpu_get(t->uctx, fp, fp_size);
	if (abi_elf_machine == EM_X86_64) {
		note(c, "CORE", NT_FPREGSET, fp, FXSAVE_SIZE);
		if (n > FXSAVE_SIZE)
			note(c, "LINUX", NT_X86_XSTATE, fp, n);
	} else {
		note(c, "CORE", NT_FPREGSET, fp, ARM_FPSIMD_SIZE);
	}
	kfree(fp);
}

/* Which file is mapped where. */
static void notes_files(struct core *c)
{
	char *buf = kmalloc(PATH_MAX, 0);
	uint64_t count = 0, head[2];
	size_t start, size;

	if (!buf) {
		c->failed = true;
		return;
	}
	for (unsigned i = 0; i < c->n; i++)
		count += c->area[i].file != NULL;
	/* The size is known when it is written: reserve the header. */
	uint32_t nh[3] = { 5, 0, NT_FILE };

	note_bytes(c, nh, sizeof(nh));
	note_bytes(c, "CORE\0\0\0", 8);
	start = c->notes_len;
	head[0] = count;
	head[1] = PAGE_SIZE;
	note_bytes(c, head, sizeof(head));
	for (unsigned i = 0; i < c->n; i++) {
		uint64_t e[3] = { c->area[i].start, c->area[i].end, c->area[i].pgoff };

		if (c->area[i].file)
			note_bytes(c, e, sizeof(e));
	}
	for (unsigned i = 0; i < c->n; i++) {
		const char *name;

		if (!c->area[i].file)
			continue;
		name = path_name(&c->area[i].file->path, buf, PATH_MAX);
		note_bytes(c, name ? name : "?", strlen(name ? name : "?") + 1);
	}
	size = c->notes_len - start;
	note_bytes(c, NULL, -size & 3);
	if (!c->failed) {
		uint32_t n32 = (uint32_t)size;

		memcpy(c->notes + start - 8 - 8, &n32, sizeof(n32));
	}
	kfree(buf);
}

/* ---- memory ---- */

static bool area_add(struct vm_area *a, void *arg)
{
	struct core *c = arg;
	struct vm_area_usage use;
	struct core_area *ca;

	if (c->n == c->max) {
		unsigned max = c->max ? c->max * 2 : 64;
		struct core_area *grown = max > CORE_AREAS_MAX ? NULL : krealloc(c->area, max * sizeof(*grown), 0);

		if (!grown) {
			c->failed = true;
			return false;
		}
		c->area = grown;
		c->max = max;
	}
	vm_area_usage(a, &use);
	ca = &c->area[c->n++];
	*ca = (struct core_area){ .start = a->start, .end = a->end, .flags = a->flags, .pgoff = a->pgoff,
		.touched = use.rss_pages || a->flags & (VM_SPECIAL | VM_SHARED), .file = a->file };
	if (ca->file)
		file_get(ca->file);
	if (a->flags & (VM_DEVICE | VM_DONTDUMP))
		ca->dump = 0;
	else if (!a->file || (a->flags & VM_WRITE && !(a->flags & VM_SHARED)))
		ca->dump = a->end - a->start;
	else if (!a->pgoff && a->flags & VM_READ)
		ca->dump = PAGE_SIZE;
	return true;
}

static void core_write(struct core *c, const void *p, size_t n)
{
	if (c->failed || c->pos + n > c->limit || file_write_kernel(c->f, p, n, c->pos) != (int64_t)n)
		c->failed = true;
	c->pos += n;
}

static void core_write_memory(struct core *c, struct vm_space *vm, const struct core_area *a)
{
	uint8_t *page = kmalloc(PAGE_SIZE, 0);
	uaddr_t end = a->touched ? a->start + a->dump : a->start;	/* never touched: a hole in the file is as good */

	if (a->file && a->touched) {	/* behind the file's end there is nothing to read */
		uint64_t size = ALIGN_UP((uint64_t)READ_ONCE(a->file->inode->size), (uint64_t)PAGE_SIZE), off = a->pgoff << PAGE_SHIFT;

		end = MIN(end, a->start + (size > off ? size - off : 0));
	}
	if (!page)
		c->failed = true;
	for (uaddr_t at = a->start; at < end && !c->failed; at += PAGE_SIZE) {
		uaddr_t from = at;

		/* Private memory that was never touched is a hole in the file; there may be terabytes of it. */
		if (!a->file && !(a->flags & (VM_SPECIAL | VM_SHARED))) {
			if (!vm_page_next(vm, &at, end))
				at = end;
			c->pos += at - from;
			if (at == end)
				break;
		}
		if (vm_access(vm, at, page, PAGE_SIZE, false, true) != PAGE_SIZE) {
			c->pos += PAGE_SIZE;
			continue;
		}
		core_write(c, page, PAGE_SIZE);
	}
	c->pos += a->start + a->dump - end;
	kfree(page);
}

static void core_write_all(struct core *c, struct task *t)
{
	struct elf_ehdr h = { .ident = { 0x7f, 'E', 'L', 'F', 2, 1, 1 }, .type = ET_CORE, .machine = abi_elf_machine, .version = 1,
		.phoff = sizeof(h), .ehsize = sizeof(h), .phentsize = sizeof(struct elf_phdr), .phnum = (uint16_t)(c->n + 1) };
	uint64_t notes_at = sizeof(h) + (c->n + 1) * sizeof(struct elf_phdr);
	uint64_t at = ALIGN_UP(notes_at + c->notes_len, PAGE_SIZE);
	struct elf_phdr ph = { .type = PT_NOTE, .offset = notes_at, .filesz = c->notes_len, .align = 4 };

	core_write(c, &h, sizeof(h));
	core_write(c, &ph, sizeof(ph));
	for (unsigned i = 0; i < c->n; i++) {
		const struct core_area *a = &c->area[i];

		ph = (struct elf_phdr){ .type = PT_LOAD, .offset = at, .vaddr = a->start, .filesz = a->dump, .memsz = a->end - a->start,
			.align = PAGE_SIZE };
		ph.flags = (a->flags & VM_READ ? 4 : 0) | (a->flags & VM_WRITE ? 2 : 0) | (a->flags & VM_EXEC ? 1 : 0);
		at += a->dump;
		core_write(c, &ph, sizeof(ph));
	}
	core_write(c, c->notes, c->notes_len);
	c->pos = ALIGN_UP(c->pos, PAGE_SIZE);
	for (unsigned i = 0; i < c->n && !c->failed; i++)
		core_write_memory(c, t->vm, &c->area[i]);
	/* A hole at the end still counts into the size. */
	if (!c->failed && c->pos > c->f->inode->size) {
		uint8_t zero = 0;

		c->pos--;
		core_write(c, &zero, 1);
	}
}

/* True: a core was written.  current is the last thread that will run, or the others are on their way out. */
bool core_dump(const struct abi_siginfo *info)
{
	struct task *t = current;
	struct core c = { .limit = rlimit_get(RLIMIT_CORE) };
	bool ok;

	if (c.limit < PAGE_SIZE || !t->vm || !task_dumpable(t))
		return false;
	/* A file of its own: what had the name keeps its contents, if it has another. */
	(void)vfs_unlink_name("core");
	if (file_open(AT_FDCWD, "core", O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_LARGEFILE, 0600, &c.f))
		return false;
	if (!S_ISREG(inode_mode(c.f->inode)) || c.f->inode->nlink != 1) {
		file_put(c.f);
		return false;
	}
	vm_for_each_area(t->vm, 0, area_add, &c);
	if (!c.failed) {
		notes_process(&c, t, info);
		notes_files(&c);
	}
	ok = !c.failed;		/* cut by a limit, or by a full disk, it is still a core, as on Linux */
	core_write_all(&c, t);
	for (unsigned i = 0; i < c.n; i++)
		if (c.area[i].file)
			file_put(c.area[i].file);
	kfree(c.area);
	kfree(c.notes);
	file_put(c.f);
	return ok;
}
