/* SPDX-License-Identifier: MIT */
/*
 * Waiting for children.  wait4(2), waitid(2).
 *
 * A look, under process_tree_lock, at the children that may have something to tell
 * (those that have exited are in a tree of their own) and at the tracees of ptrace
 * finds the event that the caller asked for; if there is none, the caller sleeps on
 * child_wait, which every change of a child wakes.
 */
#include <kernel/file.h>
#include "syscall/syscall_impl.h"
#include "rusage.h"
#include "ptrace.h"
#include "task_impl.h"

enum { WNOHANG = 1, WUNTRACED = 2, WSTOPPED = 2, WEXITED = 4, WCONTINUED = 8, WNOWAIT = 0x1000000 };
#define WNOTHREAD 0x20000000u
#define WALL 0x40000000u
#define WCLONE 0x80000000u
enum { P_ALL = 0, P_PID = 1, P_PGID = 2, P_PIDFD = 3 };

struct wait_request {
	int which;
	struct pid *pid;		/* reference; NULL: any */
	unsigned options;
	/* the answer */
	pid_t nr;
	uint32_t uid;
	int code, status;		/* CLD_*; as waitid tells it */
	int wait_status;		/* as wait4 tells it */
	struct rusage_sum usage;
};

static bool wait_matches(const struct wait_request *w, const struct process *p)
{
	bool clone_child = p->exit_signal != SIGCHLD;

	if ((w->options & WNOTHREAD) && p->parent_thread != current)
		return false;
	if (w->which == P_PID && p->pid[PID_PROCESS] != w->pid)
		return false;
	if (w->which == P_PGID && p->pid[PID_PGRP] != w->pid)
		return false;
	return (w->options & WALL) || clone_child == !!(w->options & WCLONE);
}

static void wait_fill(struct wait_request *w, struct process *p)
{
	w->nr = process_pid(p);
	w->uid = task_uid(p->leader);
	rusage_process(p, &w->usage);
	rusage_add_children(p, &w->usage);
}

/* [tree] What p has to tell.  True: w is filled. */
static bool wait_one(struct wait_request *w, struct process *p, struct list_head *dead)
{
	bool consume = !(w->options & WNOWAIT);
	struct sighand *sh;
	unsigned long flags;
	bool found = false;

	if (p->zombie && list_empty(&p->leader->thread_link))
		return false;
	if (p->zombie) {
		int st = p->exit_code;

		if (!(w->options & WEXITED) || ptrace_delays_wait(p))
			return false;
		wait_fill(w, p);
		w->wait_status = st;
		w->code = st & 0x80 ? CLD_DUMPED : st & 0x7f ? CLD_KILLED : CLD_EXITED;
		w->status = st & 0x7f ? st & 0x7f : st >> 8 & 0xff;
		if (consume) {
			rusage_reap(current->process, &w->usage);
			process_release(p, dead);
		}
		return true;
	}
	sh = process_siglock(p, &flags);
	if ((w->options & WSTOPPED) && p->wait_stopped && !p->leader->ptrace) {
		found = true;
		w->code = CLD_STOPPED;
		w->status = (int)p->stop_signal;
		w->wait_status = w->status << 8 | 0x7f;
		if (consume)
			WRITE_ONCE(p->wait_stopped, false);
	} else if ((w->options & WCONTINUED) && p->wait_continued) {
		found = true;
		w->code = CLD_CONTINUED;
		w->status = SIGCONT;
		w->wait_status = 0xffff;
		if (consume)
			p->wait_continued = false;
	}
	process_sigunlock(sh, flags);
	if (found)
		wait_fill(w, p);
	return found;
}

/* [tree] p is a child.  1: w is filled; 0: it may have something to say later; -ECHILD: it is not one of those, or never will. */
static int wait_child(struct wait_request *w, struct process *p, struct list_head *dead)
{
	if (!wait_matches(w, p))
		return -ECHILD;
	if (wait_one(w, p, dead))
		return 1;
	/* One that has exited has nothing more to say to who does not ask for that. */
	return !p->zombie || (w->options & WEXITED) ? 0 : -ECHILD;
}

/*
 * [tree] As wait_child(), of all children: the oldest that has something to say.
 * Who asks for one child, or for exits alone, is answered without a look at every
 * living one; stops and continuations are found by asking all.
 */
static int wait_children(struct wait_request *w, struct list_head *dead)
{
	struct process *me = current->process, *p;
	bool exits_only = !(w->options & (WSTOPPED | WCONTINUED));
	int ret = -ECHILD;

	if (w->which == P_PID) {
		p = w->pid->process;
		return p && p->parent == me && !list_empty(&p->sibling) ? wait_child(w, p, dead) : -ECHILD;
	}
	if (exits_only)
		for (struct rb_node *n = rb_first(&me->dead_children); n; n = rb_next(n))
			if (wait_child(w, rb_entry(n, struct process, dead_link), dead) == 1)
				return 1;
	list_for_each(p, &me->children, sibling) {
		int one = exits_only && !p->zombie && wait_matches(w, p) ? 0 : wait_child(w, p, dead);

		if (one == 1)
			return 1;
		if (one == 0)
			ret = 0;
		if (ret == 0 && exits_only)
			break;		/* there is one to wait for */
	}
	return ret;
}

/* 1: an answer; 0: children, but nothing yet; -ECHILD. */
static int wait_scan(struct wait_request *w)
{
	struct list_head dead = LIST_INIT(dead);
	unsigned long flags = spin_lock_irqsave(&process_tree_lock);
	int ret = wait_children(w, &dead);

	if (ret != 1) {
		struct ptrace_report r;
		int traced = ptrace_wait(current->process, w->options & WNOTHREAD ? current : NULL, w->which == P_PID ? w->pid : NULL, w->which == P_PGID ? w->pid : NULL,
			w->options & WNOWAIT, w->options, &r);

		if (traced == 1) {
			w->nr = r.nr;
			w->uid = r.uid;
			w->code = r.code;
			w->status = r.status;
			w->wait_status = r.wait_status;
			ret = 1;
			/* Now the real parent may know. */
			if (r.dead && exit_notify_parent(r.dead))
				process_release(r.dead, &dead);
		} else if (traced == 0 && ret == -ECHILD) {
			ret = 0;
		}
	}
	spin_unlock_irqrestore(&process_tree_lock, flags);
	process_release_finish(&dead);
	return ret;
}

static long wait_do(struct wait_request *w)
{
	int got = wait_scan(w);

	if (got == 0 && !(w->options & WNOHANG)) {
		current->se.sleeps = SLEEP_CHILD;
		int err = wait_event_interruptible(&current->process->child_wait, (got = wait_scan(w)) != 0);
		current->se.sleeps = SLEEP_ANY;

		if (err)
			return err;
	}
	return got;
}

long sys_wait4(int pid, uaddr_t ustatus, unsigned options, uaddr_t urusage)
{
	struct wait_request w = { .options = options | WEXITED, .which = P_ALL };
	long ret;

	if (options & ~(unsigned)(WNOHANG | WUNTRACED | WCONTINUED | WNOTHREAD | WALL | WCLONE))
		return -EINVAL;
	if (pid == INT32_MIN)
		return -ESRCH;
	if (pid > 0) {
		w.which = P_PID;
		w.pid = pid_find(pid);
		if (!w.pid)
			return -ECHILD;
	} else if (pid == 0) {
		unsigned long flags = spin_lock_irqsave(&process_tree_lock);

		w.which = P_PGID;
		w.pid = current->process->pid[PID_PGRP];
		pid_get(w.pid);
		spin_unlock_irqrestore(&process_tree_lock, flags);
	} else if (pid != -1) {
		w.which = P_PGID;
		w.pid = pid_find(-pid);
		if (!w.pid)
			return -ECHILD;
	}
	ret = wait_do(&w);
	pid_put(w.pid);
	if (ret <= 0)
		return ret;
	if (ustatus && put_user((int32_t)w.wait_status, ustatus))
		return -EFAULT;
	if (urusage && rusage_to_user(&w.usage, urusage))
		return -EFAULT;
	return w.nr;
}

/* Field by field: 128 bytes might be more than the caller has, and between the fields nothing is written. */
static int info_to_user(uaddr_t to, const struct abi_siginfo *info)
{
	size_t from = offsetof(struct abi_siginfo, chld);

	if (copy_to_user(to, info, offsetof(struct abi_siginfo, pad0)))
		return -EFAULT;
	return copy_to_user(to + from, (const char *)info + from, offsetof(struct abi_siginfo, chld.pad) - from);
}

static long do_waitid(int which, int id, uaddr_t uinfo, unsigned options, uaddr_t urusage)
{
	struct wait_request w = { .options = options, .which = which };
	struct abi_siginfo info;
	struct file *f = NULL;
	long ret;

	if (options & ~(unsigned)(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | WNOTHREAD | WALL | WCLONE))
		return -EINVAL;
	if (!(options & (WEXITED | WSTOPPED | WCONTINUED)))
		return -EINVAL;
	switch (which) {
	case P_ALL:
		break;
	case P_PID:
		if (id <= 0)
			return -EINVAL;
		w.pid = pid_find(id);
		if (!w.pid)
			return -ECHILD;
		break;
	case P_PGID:
		if (id < 0)
			return -EINVAL;
		if (id == 0) {
			unsigned long flags = spin_lock_irqsave(&process_tree_lock);

			w.pid = current->process->pid[PID_PGRP];
			pid_get(w.pid);
			spin_unlock_irqrestore(&process_tree_lock, flags);
		} else {
			w.pid = pid_find(id);
			if (!w.pid)
				return -ECHILD;
		}
		break;
	case P_PIDFD:
		if (id < 0)
			return -EINVAL;
		f = fd_get(id);
		if (!f)
			return -EBADF;
		w.pid = pidfd_pid(f);
		if (w.pid)
			pid_get(w.pid);
		if (w.pid && (READ_ONCE(f->flags) & O_NONBLOCK))
			w.options |= WNOHANG;
		file_put(f);
		if (!w.pid)
			return -EBADF;
		w.which = P_PID;
		break;
	default:
		return -EINVAL;
	}
	ret = wait_do(&w);
	pid_put(w.pid);
	if (ret == 0 && f && !(options & WNOHANG))
		ret = -EAGAIN;		/* O_NONBLOCK pidfd */
	if (ret < 0)
		return ret;
	if (ret > 0 && urusage && rusage_to_user(&w.usage, urusage))
		return -EFAULT;
	if (uinfo) {
		memset(&info, 0, sizeof(info));
		if (ret > 0) {
			info.si_signo = SIGCHLD;
			info.si_code = w.code;
			info.chld.pid = w.nr;
			info.chld.uid = w.uid;
			info.chld.status = w.status;
		}
		if (info_to_user(uinfo, &info))
			return -EFAULT;
	}
	return 0;
}

long sys_waitid(int which, int id, uaddr_t uinfo, unsigned options, uaddr_t urusage)
{
	const struct abi_siginfo none = { .si_signo = 0 };
	long ret = do_waitid(which, id, uinfo, options, urusage);

	/* Linux writes there even when it has nothing to say. */
	if (ret < 0 && uinfo && info_to_user(uinfo, &none))
		return -EFAULT;
	return ret;
}
