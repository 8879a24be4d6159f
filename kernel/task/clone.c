/* SPDX-License-Identifier: MIT */
/*
 * New threads and processes.  clone(2), fork(2), vfork(2).
 *
 * Everything that can fail is done on a task that nobody can see yet; then,
 * under process_tree_lock and the signal lock, it joins the tree, unless a
 * signal came: then the call is run again after the signal was dealt with, so
 * that a SIGINT for a whole group misses nobody.
 */
#include <kernel/file.h>
#include <kernel/ipc_init.h>
#include <kernel/tty.h>
#include <kernel/vfs.h>
#include <kernel/vm.h>
#include "syscall/syscall_impl.h"
#include "task_impl.h"

struct clone_args {		/* clone3(2), as on the wire */
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
	uint64_t set_tid, set_tid_size, cgroup;
};
enum { CLONE_ARGS_SIZE_VER0 = 64 };

static int clone_check(const struct clone_args *a)
{
	uint64_t f = a->flags;

	if ((f & (CLONE_NEWNS | CLONE_FS)) == (CLONE_NEWNS | CLONE_FS) ||
	    (f & (CLONE_NEWUSER | CLONE_FS)) == (CLONE_NEWUSER | CLONE_FS))
		return -EINVAL;
	if ((f & CLONE_THREAD) && !(f & CLONE_SIGHAND))
		return -EINVAL;
	if ((f & CLONE_SIGHAND) && !(f & CLONE_VM))
		return -EINVAL;
	if ((f & CLONE_SIGHAND) && (f & CLONE_CLEAR_SIGHAND))
		return -EINVAL;
	if ((f & CLONE_PARENT) && current->process == init_process)
		return -EINVAL;
	if ((f & CLONE_THREAD) && (f & (CLONE_NEWUSER | CLONE_NEWPID)))
		return -EINVAL;
	if ((f & CLONE_PIDFD) && (f & (CLONE_DETACHED | CLONE_THREAD)))
		return -EINVAL;
	if ((f & CLONE_NAMESPACES) && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (f & CLONE_NAMESPACES & ~CLONE_NEWNS)
		return -EINVAL;		/* not configured in this kernel */
	if (f & CLONE_INTO_CGROUP)
		return -EINVAL;
	return 0;
}

/* [tree] and [sig] are not held. */
static struct process *clone_process(const struct clone_args *a)
{
	struct process *cp = current->process, *p = process_alloc();
	struct sighand *sh;
	unsigned long flags;

	if (!p)
		return NULL;
	if (a->flags & CLONE_SIGHAND) {
		p->sighand = cp->sighand;
		ref_get(&p->sighand->refs);
	} else {
		p->sighand = sighand_create();
		if (!p->sighand) {
			process_put(p);
			return NULL;
		}
	}
	sh = process_siglock(cp, &flags);
	if (!(a->flags & CLONE_SIGHAND)) {
		memcpy(p->sighand->action, sh->action, sizeof(sh->action));
		if (a->flags & CLONE_CLEAR_SIGHAND)
			for (unsigned i = 0; i < ARRAY_SIZE(sh->action); i++)
				if (sh->action[i].handler != SIG_IGN)
					p->sighand->action[i] = (struct ksigaction){ .handler = SIG_DFL };
	}
	memcpy(p->rlimit, cp->rlimit, sizeof(p->rlimit));
	process_sigunlock(sh, flags);
	p->exit_signal = (int)a->exit_signal;
	p->oom_score_adj = READ_ONCE(cp->oom_score_adj);
	p->count_calls = READ_ONCE(cp->count_calls);
	p->thread_count = p->threads_left = 1;
	return p;
}

/* The new thread's share of what clone can share. */
static int clone_resources(struct task *t, const struct clone_args *a)
{
	struct task *c = current;
	int err;

	t->uctx = hal_user_clone(c->uctx);
	if (!t->uctx)
		return -ENOMEM;
	if (a->flags & CLONE_FILES) {
		files_get(c->files);
		t->files = c->files;
	} else {
		t->files = files_copy(c->files, UINT32_MAX);
		if (!t->files)
			return -ENOMEM;
	}
	if (a->flags & CLONE_FS) {
		fs_context_share(c->fs);
		t->fs = c->fs;
	} else {
		t->fs = fs_context_copy(c->fs);
		if (!t->fs)
			return -ENOMEM;
	}
	if (a->flags & CLONE_NEWNS) {
		err = fs_context_new_ns(t->fs);
		if (err)
			return err;
	}
	if (a->flags & CLONE_VM) {
		vm_get(c->vm);
		t->vm = c->vm;
		/* A thread that has begun cannot be refused any more. */
		err = hal_user_prepare(t->uctx, c->vm->as);
		if (err)
			return err;
	} else {
		t->vm = vm_fork(c->vm);
		if (!t->vm)
			return -ENOMEM;
		vm_expect(t->vm, abi_regs_pc(hal_user_regs(c->uctx)), HAL_EXEC);
	}
	return 0;
}

static void clone_undo(struct task *t)
{
	if (t->vm)
		vm_put(t->vm);
	if (t->fs)
		fs_context_leave(t->fs);
	if (t->files)
		files_put(t->files);
	t->vm = NULL;
	t->fs = NULL;
	t->files = NULL;
	task_put(t);
}

/* Join the tree.  -ERESTARTNOINTR: a signal came first. */
static int clone_publish(struct task *t, struct process *p, struct pid *pid, const struct clone_args *a) NO_TSA
{
	struct task *c = current;
	struct process *cp = c->process;
	unsigned long flags = spin_lock_irqsave(&process_tree_lock);
	struct sighand *sh = cp->sighand;

	spin_lock(&sh->lock);
	if ((c->pending.set & SIGMASK(SIGKILL)) || (signal_pending(c) && !(a->flags & CLONE_THREAD)) ||
	    (cp->group_flags & (GROUP_EXITING | GROUP_EXEC))) {
		spin_unlock(&sh->lock);
		spin_unlock_irqrestore(&process_tree_lock, flags);
		return -ERESTARTNOINTR;
	}
	pid_attach_task(t, pid);
	WRITE_ONCE(t->sighand, p->sighand);	/* it has a number already */
	if (a->flags & CLONE_THREAD) {
		__atomic_add_fetch(&p->thread_count, 1, __ATOMIC_ACQ_REL);
		WRITE_ONCE(p->threads_left, p->threads_left + 1);
		if (p->group_flags & GROUP_STOPPED || p->stops_pending) {
			t->stop_pending = STOP_COUNTED;
			WRITE_ONCE(t->sig_work, true);
			WRITE_ONCE(p->group_flags, p->group_flags & ~(unsigned)GROUP_STOPPED);
			p->stops_pending++;
		}
	} else {
		p->leader = t;
		process_adopt(p, a->flags & CLONE_PARENT ? cp->parent : cp, a->flags & CLONE_PARENT ? cp->parent_thread : current);
		if (a->flags & CLONE_PARENT)
			p->exit_signal = cp->exit_signal;
		p->has_child_subreaper = cp->has_child_subreaper || cp->child_subreaper;
		pid_attach_process(p, PID_PROCESS, pid);
		pid_attach_process(p, PID_PGRP, cp->pid[PID_PGRP]);
		pid_attach_process(p, PID_SESSION, cp->pid[PID_SESSION]);
		p->tty = cp->tty;
		if (p->tty)
			tty_get(p->tty);
		list_add_tail(&p->all_link, &process_list);
	}
	seccomp_clone(t);
	list_add_tail(&t->thread_link, &p->threads);
	task_get(t);		/* the tree's */
	spin_unlock(&sh->lock);
	spin_unlock_irqrestore(&process_tree_lock, flags);
	return 0;
}

static long clone_wait_vfork(struct task *t, struct completion *done)
{
	unsigned long flags;
	int err;

	current->se.sleeps = SLEEP_VFORK;
	err = wait_event_killable(&done->wait, READ_ONCE(done->done));
	current->se.sleeps = SLEEP_ANY;
	if (err) {
		/* The parent dies: the child must not touch its stack any more. */
		flags = spin_lock_irqsave(&process_tree_lock);
		WRITE_ONCE(t->vfork_done, NULL);
		spin_unlock_irqrestore(&process_tree_lock, flags);
	} else {
		/* complete() may still hold the queue's lock. */
		flags = spin_lock_irqsave(&process_tree_lock);
		spin_unlock_irqrestore(&process_tree_lock, flags);
	}
	return 0;
}

/* One more of the user's, counted at once: two clones at the limit do not both see the last place free. */
static int clone_count(struct user_account *u)
{
	uint64_t n = (uint64_t)__atomic_add_fetch(&u->processes, 1, __ATOMIC_RELAXED);

	if (n <= rlimit_get(RLIMIT_NPROC) || !u->uid || capable(CAP_SYS_RESOURCE) || capable(CAP_SYS_ADMIN))
		return 0;
	__atomic_sub_fetch(&u->processes, 1, __ATOMIC_RELAXED);
	return -EAGAIN;
}

static long task_clone(const struct clone_args *a)
{
	struct task *c = current, *t;
	struct process *p;
	struct file *pidfile = NULL;
	struct completion vfork_done;
	char name[TASK_COMM_LEN];
	struct pid *pid;
	int err, pidfd = -1, event = 0;
	pid_t nr;

	err = clone_check(a);
	if (err)
		return err;
	if (!(a->flags & CLONE_THREAD) && signal_pending(c))
		return -ERESTARTNOINTR;
	err = clone_count(c->cred->user);
	if (err)
		return err;
	c->over_nproc = false;

	task_comm_get(c, name);
	t = task_alloc(name, task_first_run, NULL);
	if (!t) {
		__atomic_sub_fetch(&c->cred->user->processes, 1, __ATOMIC_RELAXED);
		return -ENOMEM;
	}
	t->flags = (c->flags & ~(unsigned)(TASKF_EXITING | TASKF_KTHREAD | TASKF_MEMALLOC)) | TASKF_FORKNOEXEC;
	t->cred = cred_get(c->cred);
	t->sigmask = c->sigmask;
	t->no_new_privs = READ_ONCE(c->no_new_privs);
	t->keep_caps = c->keep_caps;
	t->personality = c->personality;
	t->timer_slack_ns = c->timer_slack_ns;
	t->ioprio = READ_ONCE(c->ioprio);
	if (!(a->flags & CLONE_VM) || (a->flags & CLONE_VFORK)) {
		t->altstack_sp = c->altstack_sp;
		t->altstack_size = c->altstack_size;
		t->altstack_flags = c->altstack_flags;
	}
	if (a->flags & CLONE_CHILD_SETTID)
		t->set_child_tid = a->child_tid;
	if (a->flags & CLONE_CHILD_CLEARTID)
		t->clear_child_tid = a->child_tid;
	rseq_fork(t, a->flags);

	err = clone_resources(t, a);
	if (err)
		goto fail;
	abi_regs_clone(hal_user_regs(t->uctx), a->stack + a->stack_size, a->flags & CLONE_SETTLS, a->tls);
	if (a->flags & CLONE_THREAD) {
		p = c->process;
		process_get(p);
	} else {
		p = clone_process(a);
		err = -ENOMEM;
		if (!p)
			goto fail;
		process_get(p);		/* the task's; process_alloc's is the tree's */
	}
	t->process = p;
	sched_fork(t);
	err = -ENOMEM;
	pid = pid_alloc();
	if (!pid)
		goto fail_process;
	nr = pid->nr;
	if (a->flags & CLONE_PIDFD) {
		err = pidfd_create(pid, 0, &pidfile);
		if (err)
			goto fail_pid;
		err = pidfd = fd_reserve(0, O_CLOEXEC);
		if (err < 0)
			goto fail_pidfile;
		err = put_user((int32_t)pidfd, a->pidfd);
		if (err)
			goto fail_pidfd;
	}
	if (a->flags & CLONE_VFORK) {
		completion_init(&vfork_done);
		t->vfork_done = &vfork_done;
	}
	err = clone_publish(t, p, pid, a);
	if (err)
		goto fail_pidfd;
	if (pidfile)
		fd_install(pidfd, pidfile);
	if ((a->flags & CLONE_PARENT_SETTID) && put_user(nr, a->parent_tid))
		{ /* Linux does not tell either */ }

	if (!(a->flags & CLONE_UNTRACED) && READ_ONCE(c->ptrace)) {
		event = a->flags & CLONE_VFORK ? PTRACE_EVENT_VFORK : a->exit_signal != SIGCHLD ? PTRACE_EVENT_CLONE : PTRACE_EVENT_FORK;
		if (!ptrace_event_enabled(c, event))
			event = 0;
		if (event || (a->flags & CLONE_PTRACE))
			ptrace_clone(t, a->flags);
	}
	task_get(t);
	sched_start(t);
	if (event)
		ptrace_event(event, (uint64_t)nr);
	if (a->flags & CLONE_VFORK) {
		clone_wait_vfork(t, &vfork_done);
		if (ptrace_event_enabled(c, PTRACE_EVENT_VFORK_DONE))
			ptrace_event(PTRACE_EVENT_VFORK_DONE, (uint64_t)nr);
	}
	task_put(t);
	pid_put(pid);
	return nr;

fail_pidfd:
	if (pidfd >= 0)
		fd_unreserve(pidfd);
fail_pidfile:
	if (pidfile)
		file_put(pidfile);
fail_pid: {
		unsigned long flags = spin_lock_irqsave(&process_tree_lock);

		pid_forget(pid);
		spin_unlock_irqrestore(&process_tree_lock, flags);
		pid_put(pid);
	}
fail_process:
	if (!(a->flags & CLONE_THREAD))
		process_put(p);		/* what would have been the tree's */
fail:
	__atomic_sub_fetch(&c->cred->user->processes, 1, __ATOMIC_RELAXED);
	clone_undo(t);
	return err;
}

long sys_clone(uint64_t flags, uaddr_t stack, uaddr_t parent_tid,
#ifdef EFT_CPU_x86_64
	uaddr_t child_tid, uaddr_t tls)
#else
	uaddr_t tls, uaddr_t child_tid)
#endif
{
	struct clone_args a = {
		.flags = (flags & 0xffffffff) & ~0xffull,
		.pidfd = parent_tid, .child_tid = child_tid, .parent_tid = parent_tid,
		.exit_signal = flags & 0xff, .stack = stack, .tls = tls,
	};

	/* The old call has one argument for both. */
	if ((flags & CLONE_PIDFD) && (flags & CLONE_PARENT_SETTID))
		return -EINVAL;
	return task_clone(&a);		/* an impossible exit signal is no error here: none is sent then */
}

long sys_clone3(uaddr_t uargs, size_t size)
{
	struct clone_args a;
	int err;

	if (size > PAGE_SIZE)
		return -E2BIG;
	if (size < CLONE_ARGS_SIZE_VER0)
		return -EINVAL;
	err = copy_struct_from_user(&a, sizeof(a), uargs, size);
	if (err)
		return err;
	if (a.set_tid || a.set_tid_size)
		return a.set_tid_size > 32 || !a.set_tid != !a.set_tid_size ? -EINVAL : -EPERM;
	if (a.flags & ~(0x3ffffffffull & ~0xffull) & ~CLONE_NEWTIME)
		return -EINVAL;
	if (a.flags & CLONE_DETACHED)
		return -EINVAL;
	if (a.exit_signal > SIGRTMAX)
		return -EINVAL;
	if ((a.flags & (CLONE_THREAD | CLONE_PARENT)) && a.exit_signal)
		return -EINVAL;
	if (!a.stack != !a.stack_size)
		return -EINVAL;
	if (a.stack && !user_range_ok(a.stack, a.stack_size))
		return -EINVAL;
	return task_clone(&a);
}

#ifdef EFT_CPU_x86_64
long sys_fork(void)
{
	struct clone_args a = { .exit_signal = SIGCHLD };

	return task_clone(&a);
}

long sys_vfork(void)
{
	struct clone_args a = { .flags = CLONE_VFORK | CLONE_VM, .exit_signal = SIGCHLD };

	return task_clone(&a);
}
#endif

long sys_unshare(uint64_t flags)
{
	struct task *t = current;
	struct fs_context *fs = NULL, *old_fs = t->fs;
	struct files *files = NULL, *old_files = t->files;
	int err = 0;

	if (flags & ~(CLONE_FS | CLONE_FILES | CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_NAMESPACES))
		return -EINVAL;
	if ((flags & (CLONE_VM | CLONE_SIGHAND | CLONE_THREAD)) && READ_ONCE(t->process->thread_count) > 1)
		return -EINVAL;
	if ((flags & CLONE_NAMESPACES) && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (flags & CLONE_NAMESPACES & ~CLONE_NEWNS)
		return -EINVAL;
	/* All of it, or nothing. */
	if (flags & (CLONE_FS | CLONE_NEWNS)) {
		fs = fs_context_copy(t->fs);
		err = !fs ? -ENOMEM : flags & CLONE_NEWNS ? fs_context_new_ns(fs) : 0;
	}
	if (!err && (flags & CLONE_FILES)) {
		files = files_copy(t->files, UINT32_MAX);
		if (!files)
			err = -ENOMEM;
	}
	if (err) {
		if (fs)
			fs_context_leave(fs);
		return err;
	}
	if (fs) {
		rcu_assign(t->fs, fs);
		fs_context_leave(old_fs);
	}
	if (files) {
		rcu_assign(t->files, files);
		files_put(old_files);
	}
	/* The adjustments are the process's: one thread of several stays with them. */
	if ((flags & CLONE_SYSVSEM) && load_acquire(&t->process->thread_count) == 1)
		sysv_semaphores_undo(t->process);
	return 0;
}
