/* SPDX-License-Identifier: MIT */
/* Resource limits.  getrlimit(2), prlimit(2). */
#include <kernel/file.h>
#include "syscall/syscall_impl.h"
#include "task_impl.h"

enum { NR_OPEN = 1048576 };

static bool prlimit_permitted(struct task *t)
{
	const struct cred *c = current->cred;
	struct cred *tc;
	bool ok;

	if (t->process == current->process)
		return true;
	tc = task_cred_get(t);
	ok = tc && c->uid == tc->uid && c->uid == tc->euid && c->uid == tc->suid &&
		c->gid == tc->gid && c->gid == tc->egid && c->gid == tc->sgid;
	cred_put(tc);
	return ok || capable(CAP_SYS_RESOURCE);
}

static long rlimit_do(struct process *p, unsigned id, const struct rlimit *new, struct rlimit *old)
{
	unsigned long flags;
	struct sighand *sh;
	long err = 0;

	if (id >= RLIMIT_COUNT)
		return -EINVAL;
	if (new) {
		if (new->cur > new->max)
			return -EINVAL;
		if (id == RLIMIT_NOFILE && new->max > NR_OPEN)
			return -EPERM;
	}
	sh = process_siglock(p, &flags);
	if (old)
		*old = p->rlimit[id];
	if (new) {
		if (new->max > p->rlimit[id].max && !capable(CAP_SYS_RESOURCE)) {
			err = -EPERM;
		} else {	/* rlimit_get() does not lock */
			WRITE_ONCE(p->rlimit[id].cur, new->cur);
			WRITE_ONCE(p->rlimit[id].max, new->max);
		}
	}
	process_sigunlock(sh, flags);
	if (!err && new && id == RLIMIT_CPU)
		cpu_timer_check(p);
	return err;
}

long sys_getrlimit(unsigned resource, uaddr_t rlim)
{
	struct rlimit r;
	long err = rlimit_do(current->process, resource, NULL, &r);

	return err ? err : put_user(r, rlim);
}

long sys_setrlimit(unsigned resource, uaddr_t rlim)
{
	struct rlimit r;

	if (get_user(r, rlim))
		return -EFAULT;
	return rlimit_do(current->process, resource, &r, NULL);
}

long sys_prlimit64(int pid, unsigned resource, uaddr_t new_rlim, uaddr_t old_rlim)
{
	struct rlimit in, was;
	struct task *t;
	long err;

	if (new_rlim && get_user(in, new_rlim))
		return -EFAULT;
	t = pid ? task_find(pid) : current;
	if (!t || !t->process) {
		if (pid)
			task_put(t);
		return -ESRCH;
	}
	err = -EPERM;
	if (prlimit_permitted(t))
		err = resource >= RLIMIT_COUNT ? -EINVAL : rlimit_do(t->process, resource, new_rlim ? &in : NULL, &was);
	if (pid)
		task_put(t);
	if (!err && old_rlim)
		err = put_user(was, old_rlim);
	return err;
}
