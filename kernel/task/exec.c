/* SPDX-License-Identifier: MIT */
/*
 * execve(2), execveat(2).
 *
 * The new image is complete before anything of the old one is given up.  The
 * point of no return is the end of the other threads (exec_dethread()): from
 * there on only memory for a table copy can fail, and then the process is
 * killed, because there is no program left to tell.
 */
#include <kernel/file.h>
#include <kernel/vfs.h>
#include <kernel/vm.h>
#include "exec.h"
#include "syscall/syscall_impl.h"
#include "task_impl.h"

enum { EXEC_AT_FLAGS = AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW };
#define ARG_BYTES_MAX (6ull << 20)
#define ARG_BYTES_MIN (128ull << 10)

/* ---- files ---- */

int exec_open(int dfd, const char *name, unsigned lookup_flags, struct file **out)
{
	struct path path;
	struct file *f;
	int err = path_lookup(dfd, name, lookup_flags, &path);

	if (err)
		return err;
	err = -EACCES;
	if (S_ISLNK(inode_mode(path.dentry->inode)))
		err = -ELOOP;
	if (!S_ISREG(inode_mode(path.dentry->inode)) || path_noexec(&path))
		goto out;
	err = inode_permission(path.dentry->inode, MAY_EXEC);
	if (err)
		goto out;
	/* Programs may be executable without being readable. */
	err = file_open_path(&path, O_RDONLY | O_LARGEFILE | FMODE_EXEC, &f);
	if (err)
		goto out;
	err = file_deny_write(f);
	if (err) {
		file_put(f);
		goto out;
	}
	*out = f;
out:
	path_put(&path);
	return err;
}

void exec_close(struct file *f)
{
	file_allow_write(f);
	file_put(f);
}

static int exec_read_head(struct exec *e)
{
	int64_t n;

	memset(e->head, 0, sizeof(e->head));
	n = file_read_kernel(e->file, e->head, sizeof(e->head), 0);
	return n < 0 ? (int)n : 0;
}

/* ---- #! ---- */

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

/* The file is a script: make its interpreter the program.  -ENOEXEC: it is none. */
static int exec_script(struct exec *e)
{
	struct exec_strings args = { 0 };
	char line[EXEC_HEAD + 1], *p, *name, *arg = NULL, *end;
	struct file *f;
	int err;

	if (e->head[0] != '#' || e->head[1] != '!')
		return -ENOEXEC;
	memcpy(line, e->head, EXEC_HEAD);
	line[EXEC_HEAD] = '\0';
	end = strchr(line, '\n');
	if (!end) {
		/* The line goes on: fine if at least the interpreter's name was complete. */
		for (p = line + 2; is_blank(*p); p++)
			;
		while (*p && !is_blank(*p))
			p++;
		if (!*p && p == line + EXEC_HEAD)
			return -ENOEXEC;
		end = line + strlen(line);
	}
	while (end > line + 2 && is_blank(end[-1]))
		end--;
	*end = '\0';
	for (p = line + 2; is_blank(*p); p++)
		;
	if (!*p)
		return -ENOEXEC;
	name = p;
	while (*p && !is_blank(*p))
		p++;
	if (*p) {
		*p++ = '\0';
		while (is_blank(*p))
			p++;
		if (*p)
			arg = p;
	}
	/* execveat of a close-on-exec descriptor: the interpreter could not open it. */
	if (e->is_fd_path)
		return -ENOENT;
	if (++e->depth > EXEC_DEPTH)
		return -ELOOP;
	err = exec_open(AT_FDCWD, name, LOOKUP_FOLLOW, &f);
	if (err)
		return err;

	/* interpreter [argument] script arguments-without-the-first */
	err = exec_strings_add(&args, name);
	if (!err && arg)
		err = exec_strings_add(&args, arg);
	if (!err)
		err = exec_strings_add(&args, e->interp);
	if (!err) {
		exec_strings_drop_first(&e->args);
		for (size_t i = 0, start = 0; !err && i < e->args.len; i = start) {
			/* Strings may cross pages: collect each. */
			size_t n = 0;
			char *s;

			while (((char *)page_addr(e->args.pages[(start + n) / PAGE_SIZE]))[(start + n) % PAGE_SIZE])
				n++;
			s = kmalloc(n + 1, 0);
			if (!s) {
				err = -ENOMEM;
				break;
			}
			for (size_t k = 0; k <= n; k++)
				s[k] = ((char *)page_addr(e->args.pages[(start + k) / PAGE_SIZE]))[(start + k) % PAGE_SIZE];
			err = exec_strings_add(&args, s);
			kfree(s);
			start += n + 1;
		}
	}
	if (!err) {
		char *interp = kstrdup(name, 0);

		if (!interp)
			err = -ENOMEM;
		else {
			kfree(e->interp);
			e->interp = interp;
		}
	}
	if (err) {
		exec_strings_free(&args);
		exec_close(f);
		return err;
	}
	exec_strings_free(&e->args);
	e->args = args;
	exec_close(e->file);
	e->file = f;
	return exec_read_head(e);
}

/* ---- the change ---- */

static void exec_reset_signals(struct process *p)
{
	unsigned long flags;
	struct sighand *sh = process_siglock(p, &flags);

	for (unsigned i = 0; i < ARRAY_SIZE(sh->action); i++) {
		struct ksigaction *ka = &sh->action[i];

		*ka = (struct ksigaction){ .handler = ka->handler == SIG_IGN ? SIG_IGN : SIG_DFL };
	}
	process_sigunlock(sh, flags);
}

static int exec_commit(struct exec *e)
{
	struct task *t = current;
	struct process *p = t->process;
	struct vm_space *old;
	const char *base;
	unsigned long flags;
	int err = exec_dethread();

	if (err)
		return err;
	/* ---- the point of no return ---- */
	err = sighand_unshare(p);
	if (!err && files_shared(t->files)) {	/* with another process: a table of its own, without the record locks */
		struct files *own = files_copy(t->files, UINT32_MAX), *shared = t->files;

		if (own) {
			rcu_assign(t->files, own);
			files_put(shared);
		} else {
			err = -ENOMEM;
		}
	}
	if (!err && e->gains && READ_ONCE(t->fs->tasks) > 1) {	/* only since it was found not to be (exec_gains.c) */
		struct fs_context *own = fs_context_copy(t->fs), *shared = t->fs;

		if (own) {
			rcu_assign(t->fs, own);
			fs_context_leave(shared);
		} else {
			err = -ENOMEM;
		}
	}
	if (err) {
		exec_settled(e);
		process_exit(SIGKILL);
	}
	futex_exit(t, false);
	task_mm_release(t);
	posix_timers_exec(p);

	old = t->vm;
	if (old)
		process_note_rss(p, old);
	/* Nobody looks into what is somebody else's, or was not to be read. */
	e->vm->secret = t->cred && (t->cred->euid != t->cred->uid || t->cred->egid != t->cred->gid);
	e->vm->secret |= inode_permission(e->file->inode, MAY_READ) != 0;
	e->vm->exe = e->file;		/* with its deny-write: vm_put() gives both back */
	e->file = NULL;
	if (e->secure) {
		struct sighand *sh = process_siglock(p, &flags);

		WRITE_ONCE(t->pdeath_signal, 0);
		WRITE_ONCE(p->rlimit[RLIMIT_STACK].cur, exec_stack_limit(e));
		process_sigunlock(sh, flags);
	}
	WRITE_ONCE(t->personality, e->personality);	/* /proc shows it */
	hal_user_leave(t->uctx);	/* another thread may be the last in the old space, and end it while we go on */
	vm_activate(e->vm);
	e->vm = NULL;
	cred_commit(e->cred);	/* the new space is secret then, if it must be */
	e->cred = NULL;
	exec_settled(e);
	if (old)
		vm_put(old);

	base = strrchr(e->name, '/');
	task_comm_set(t, base ? base + 1 : e->name);
	files_close_on_exec(t->files);
	exec_reset_signals(p);
	t->altstack_sp = 0;
	t->altstack_size = 0;
	t->altstack_flags = SS_DISABLE;
	WRITE_ONCE(t->robust_list, 0);
	t->set_child_tid = t->clear_child_tid = 0;
	t->restart.fn = NULL;
	t->keep_caps = false;
	rseq_exec(t);
	WRITE_ONCE(t->flags, t->flags & ~(unsigned)TASKF_FORKNOEXEC);
	flags = spin_lock_irqsave(&process_tree_lock);
	p->execed = true;
	p->exit_signal = SIGCHLD;
	spin_unlock_irqrestore(&process_tree_lock, flags);

	hal_user_fpu_reset(t->uctx);
	hal_user_single_step(t->uctx, false);
	memset(hal_user_regs(t->uctx), 0, sizeof(struct abi_regs));
	abi_regs_exec(hal_user_regs(t->uctx), e->entry, e->sp);
	ptrace_exec();
	return 0;
}

static void exec_free(struct exec *e)
{
	if (e->vm)
		vm_put(e->vm);
	if (e->file)
		exec_close(e->file);
	cred_put(e->cred);
	exec_settled(e);
	exec_strings_free(&e->args);
	exec_strings_free(&e->env);
	kfree(e->name);
	kfree(e->interp);
}

/* e has file, name, arguments. */
static int exec_run(struct exec *e)
{
	int err = exec_read_head(e);

	if (err)
		return err;
	e->interp = kstrdup(e->name, 0);
	if (!e->interp)
		return -ENOMEM;
	if (!e->args.count) {
		/* Since 5.18 an empty argument vector becomes one empty string. */
		err = exec_strings_add(&e->args, "");
		if (err)
			return err;
	}
	for (;;) {
		err = exec_script(e);
		if (err == -ENOEXEC)
			break;
		if (err)
			return err;
	}
	err = exec_gains(e);
	if (err)
		return err;
	e->vm = vm_create();
	if (!e->vm)
		return -ENOMEM;
	err = elf_load(e);
	if (err)
		return err;
	return exec_commit(e);
}

static size_t exec_arg_limit(void)
{
	uint64_t limit = rlimit_get(RLIMIT_STACK) / 4;

	return MAX(MIN(limit, ARG_BYTES_MAX), ARG_BYTES_MIN);
}

int do_execve(int dfd, uaddr_t path, uaddr_t argv, uaddr_t envp, unsigned flags)
{
	unsigned lookup = flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW;
	struct exec *e = kzalloc(sizeof(*e), 0);
	char *name = NULL;
	size_t limit = exec_arg_limit();
	int err;

	if (!e)
		return -ENOMEM;
	if (flags & AT_EMPTY_PATH)
		lookup |= LOOKUP_EMPTY;
	err = path_name_from_user(path, lookup, &name);
	if (err)
		goto out;
	/* setuid(2) does not fail for want of a place: many programs do not look at what it returns.  This does. */
	if (current->over_nproc && user_over_nproc(current->cred->user)) {
		err = -EAGAIN;
		goto out;
	}
	current->over_nproc = false;
	err = exec_open(dfd, name, lookup, &e->file);
	if (err)
		goto out;
	if (dfd == AT_FDCWD || name[0] == '/') {
		e->name = name;
		name = NULL;
	} else {
		size_t n = strlen(name) + 32;

		e->name = kmalloc(n, 0);
		err = -ENOMEM;
		if (!e->name)
			goto out;
		ksnprintf(e->name, n, name[0] ? "/dev/fd/%d/%s" : "/dev/fd/%d", dfd, name);
		e->is_fd_path = fd_is_cloexec(dfd);
	}
	err = exec_strings_add_user(&e->args, argv, limit);
	if (!err)
		err = exec_strings_add_user(&e->env, envp, limit > e->args.len ? limit - e->args.len : 0);
	if (!err)
		err = exec_run(e);
out:
	kfree(name);
	exec_free(e);
	kfree(e);
	return err;
}

int exec_kernel(const char *path, const char *const *argv, const char *const *envp)
{
	struct exec *e = kzalloc(sizeof(*e), 0);
	int err = -ENOMEM;

	if (!e)
		return err;
	e->name = kstrdup(path, 0);
	if (!e->name)
		goto out;
	err = exec_open(AT_FDCWD, path, LOOKUP_FOLLOW, &e->file);
	for (; !err && *argv; argv++)
		err = exec_strings_add(&e->args, *argv);
	for (; !err && *envp; envp++)
		err = exec_strings_add(&e->env, *envp);
	if (!err)
		err = exec_run(e);
out:
	exec_free(e);
	kfree(e);
	return err;
}

/* The result of success must not disturb the new program's registers: 0 is what they hold. */
long sys_execve(uaddr_t path, uaddr_t argv, uaddr_t envp)
{
	return do_execve(AT_FDCWD, path, argv, envp, 0);
}

long sys_execveat(int dfd, uaddr_t path, uaddr_t argv, uaddr_t envp, unsigned flags)
{
	if (flags & ~(unsigned)EXEC_AT_FLAGS)
		return -EINVAL;
	return do_execve(dfd, path, argv, envp, flags);
}
