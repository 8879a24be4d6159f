/* SPDX-License-Identifier: MIT */
/*
 * Process file descriptors: pidfd_open(2), pidfd_send_signal(2),
 * pidfd_getfd(2).  Such a file holds a struct pid; it becomes readable when the
 * process has exited.  ioctl(2) opens the process's name spaces.
 */
#include <kernel/file.h>
#include <kernel/poll.h>
#include "syscall/syscall_impl.h"
#include "task_impl.h"

static void pidfd_release(struct file *f)
{
	pid_put(f->private);
}

static unsigned pidfd_poll(struct file *f, struct poll_table *pt)
{
	struct pid *pid = f->private;
	struct process *p;
	bool gone;

	poll_wait(pt, &pid->pidfd_wait);
	rcu_read_lock();
	p = rcu_dereference(pid->process);
	gone = !p || READ_ONCE(p->zombie);
	rcu_read_unlock();
	return gone ? POLLIN | POLLRDNORM : 0;
}

/* PIDFD_GET_*_NAMESPACE, by their numbers from CGROUP to UTS. */
enum { IOC_GET_FIRST = 0xff01, IOC_GET_MNT = 0xff03, IOC_GET_LAST = 0xff0a };

static long pidfd_ioctl(struct file *f, unsigned cmd, uint64_t arg)
{
	struct mount_ns *ns;
	struct task *t;
	long ret;

	if (cmd < IOC_GET_FIRST || cmd > IOC_GET_LAST)
		return -ENOTTY;
	if (arg)
		return -EINVAL;
	t = pidfd_leader(f);
	ns = t ? mount_ns_of_task(t) : NULL;
	if (!ns)
		ret = -ESRCH;
	else if (!ptrace_may_access(t))
		ret = -EACCES;
	else
		ret = cmd == IOC_GET_MNT ? nsfs_open(ns) : -EOPNOTSUPP;
	if (ns)
		mount_ns_put(ns);
	task_put(t);
	return ret;
}

static const struct file_ops pidfd_ops = { .release = pidfd_release, .poll = pidfd_poll, .ioctl = pidfd_ioctl };

int pidfd_create(struct pid *pid, unsigned o_flags, struct file **out)
{
	int err;

	pid_get(pid);
	err = file_create_anon("[pidfd]", 0700, &pidfd_ops, pid, O_RDWR | o_flags, out);
	if (err)
		pid_put(pid);
	else
		(*out)->mode |= FMODE_POS;	/* as a file of pidfs: it has positions, and nothing there */
	return err;
}

struct pid *pidfd_pid(struct file *f)
{
	return f->ops == &pidfd_ops ? f->private : NULL;
}

struct task *pidfd_leader(struct file *f)
{
	struct process *p = pid_process(f->private);
	struct task *leader;
	unsigned long irq;

	if (!p)
		return NULL;
	irq = spin_lock_irqsave(&process_tree_lock);
	leader = p->leader;
	if (leader)
		task_get(leader);
	spin_unlock_irqrestore(&process_tree_lock, irq);
	process_put(p);
	return leader;
}

long sys_pidfd_open(int nr, unsigned flags)
{
	struct pid *pid;
	struct file *f;
	int fd;

	if (flags & ~(unsigned)O_NONBLOCK || nr <= 0)
		return -EINVAL;
	pid = pid_find(nr);
	if (!pid)
		return -ESRCH;
	if (!READ_ONCE(pid->process)) {
		fd = READ_ONCE(pid->task) ? -ENOENT : -ESRCH;
		pid_put(pid);
		return fd;
	}
	fd = pidfd_create(pid, flags, &f);
	pid_put(pid);
	if (fd)
		return fd;
	fd = fd_add(f, O_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}

/* What a flag says of whom the signal is for; without one it is the process. */
enum { PIDFD_SIGNAL_THREAD = 1, PIDFD_SIGNAL_THREAD_GROUP = 2, PIDFD_SIGNAL_PROCESS_GROUP = 4 };
/* Instead of a descriptor: the caller. */
enum { PIDFD_SELF_THREAD = -10000, PIDFD_SELF_THREAD_GROUP = -10001 };

static long send_signal(struct pid *pid, int sig, uaddr_t uinfo, unsigned scope)
{
	struct abi_siginfo info;
	struct process *p;
	long err;

	if (uinfo) {
		err = siginfo_from_user(&info, uinfo, -1);
		if (err)
			return err;
		if (info.si_signo != sig)
			return -EINVAL;
		if ((pid->nr != task_tid(current) || scope == PIDFD_SIGNAL_PROCESS_GROUP) && (info.si_code >= 0 || info.si_code == SI_TKILL))
			return -EPERM;
	} else {
		signal_info_user(&info, sig, scope == PIDFD_SIGNAL_THREAD ? SI_TKILL : SI_USER);
	}
	if (scope == PIDFD_SIGNAL_THREAD)
		return signal_kill_thread(pid, 0, sig, &info);
	if (scope == PIDFD_SIGNAL_PROCESS_GROUP)
		return signal_kill_pgrp(pid, sig, &info);
	p = pid_process(pid);
	err = p ? signal_kill_process(p, sig, &info) : -ESRCH;
	process_put(p);
	return err;
}

long sys_pidfd_send_signal(int pidfd, int sig, uaddr_t uinfo, unsigned flags)
{
	struct pid *pid;
	struct file *f;
	long err;

	if (flags & ~(unsigned)(PIDFD_SIGNAL_THREAD | PIDFD_SIGNAL_THREAD_GROUP | PIDFD_SIGNAL_PROCESS_GROUP) || flags & (flags - 1))
		return -EINVAL;
	if (pidfd == PIDFD_SELF_THREAD || pidfd == PIDFD_SELF_THREAD_GROUP) {
		pid = pid_find(pidfd == PIDFD_SELF_THREAD ? task_tid(current) : process_pid(current->process));
		err = send_signal(pid, sig, uinfo, flags ? flags : pidfd == PIDFD_SELF_THREAD ? PIDFD_SIGNAL_THREAD : 0);
		pid_put(pid);
		return err;
	}
	f = fd_get(pidfd);
	if (!f)
		return -EBADF;
	pid = pidfd_pid(f);
	if (!pid)
		pid = procfs_pid(f);	/* what came before pidfd_open() */
	err = pid ? send_signal(pid, sig, uinfo, flags) : -EBADF;
	file_put(f);
	return err;
}

int pidfd_task(int pidfd, struct task **out)
{
	struct file *f = fd_get(pidfd);
	struct pid *pid = f ? pidfd_pid(f) : NULL;
	struct process *p = pid ? pid_process(pid) : NULL;
	unsigned long irq;
	int err = pid ? -ESRCH : -EBADF;

	if (p) {
		irq = spin_lock_irqsave(&process_tree_lock);
		if (p->leader && !p->zombie) {
			task_get(p->leader);
			*out = p->leader;
			err = 0;
		}
		spin_unlock_irqrestore(&process_tree_lock, irq);
		process_put(p);
	}
	if (f)
		file_put(f);
	return err;
}

long sys_pidfd_getfd(int pidfd, int fd, unsigned flags)
{
	struct task *leader = NULL;
	struct file *f, *target;
	long err = -EBADF;

	if (flags)
		return -EINVAL;
	f = fd_get(pidfd);
	if (!f)
		return -EBADF;
	if (!pidfd_pid(f))
		goto out;
	err = -ESRCH;
	leader = pidfd_leader(f);
	if (!leader || READ_ONCE(leader->flags) & TASKF_EXITING)
		goto out;
	err = -EPERM;
	if (!ptrace_may_access(leader))
		goto out;
	target = fd_get_task(leader, fd);
	err = -EBADF;
	if (!target)
		goto out;
	err = fd_add(target, O_CLOEXEC);
	if (err < 0)
		file_put(target);
out:
	task_put(leader);
	file_put(f);
	return err;
}

/* ---- kcmp(2): do two processes share something? ---- */

enum { KCMP_FILE, KCMP_VM, KCMP_FILES, KCMP_FS, KCMP_SIGHAND, KCMP_IO, KCMP_SYSVSEM };

static long order(const void *a, const void *b)
{
	/* Ordered, but without telling addresses. */
	uint64_t x = (uint64_t)(uintptr_t)a * 0x9e3779b97f4a7c15ull, y = (uint64_t)(uintptr_t)b * 0x9e3779b97f4a7c15ull;

	return x == y ? 0 : x < y ? 1 : 2;
}

long sys_kcmp(int pid1, int pid2, int type, uint64_t i1, uint64_t i2)
{
	struct task *a = task_find(pid1), *b = task_find(pid2);
	long ret = -ESRCH;

	if (!a || !b)
		goto out;
	ret = -EPERM;
	if (!ptrace_may_access(a) || !ptrace_may_access(b))
		goto out;
	switch (type) {
	case KCMP_FILE: {
		struct file *f = fd_get_task(a, (int)i1), *g = fd_get_task(b, (int)i2);

		ret = f && g ? order(f, g) : -EBADF;
		if (f)
			file_put(f);
		if (g)
			file_put(g);
		break;
	}
	case KCMP_VM:
		ret = order(READ_ONCE(a->vm), READ_ONCE(b->vm));
		break;
	case KCMP_FILES:
		ret = order(READ_ONCE(a->files), READ_ONCE(b->files));
		break;
	case KCMP_FS:
		ret = order(READ_ONCE(a->fs), READ_ONCE(b->fs));
		break;
	case KCMP_SIGHAND:
		ret = order(READ_ONCE(a->sighand), READ_ONCE(b->sighand));
		break;
	case KCMP_IO:		/* nobody has an I/O context of its own */
		ret = 0;
		break;
	case KCMP_SYSVSEM:
		ret = order(READ_ONCE(a->process->sem_undos), READ_ONCE(b->process->sem_undos));
		break;
	default:
		ret = -EINVAL;
	}
out:
	task_put(a);
	task_put(b);
	return ret;
}
