/* SPDX-License-Identifier: MIT */
/*
 * Process groups and sessions.  setpgid(2), setsid(2), credentials(7);
 * POSIX, "Orphaned Process Group".
 */
#include <kernel/tty.h>
#include "syscall/syscall_impl.h"
#include "task_impl.h"

/* [tree] No member has a parent in another group of the same session (leaving p out if `except` is it). */
static bool orphaned_without(struct pid *pgrp, const struct process *except)
{
	struct list_head *h = &pgrp->members[PID_PGRP];

	for (struct list_head *l = h->next; l != h; l = l->next) {
		const struct process *p = container_of(l, struct process, pid_link[PID_PGRP]);

		if (p == except || p->zombie || p->parent == init_process)
			continue;
		if (p->parent->pid[PID_PGRP] != pgrp && p->parent->pid[PID_SESSION] == p->pid[PID_SESSION])
			return false;
	}
	return true;
}

bool pgrp_is_orphaned(struct pid *pgrp)
{
	return orphaned_without(pgrp, NULL);
}

static bool pgrp_has_stopped(struct pid *pgrp)
{
	struct list_head *h = &pgrp->members[PID_PGRP];

	for (struct list_head *l = h->next; l != h; l = l->next)
		if (READ_ONCE(container_of(l, struct process, pid_link[PID_PGRP])->group_flags) & GROUP_STOPPED)
			return true;
	return false;
}

/*
 * [tree] p loses `parent` (which exits), or, with NULL, p itself exits: if that
 * orphans p's group and a member is stopped, nobody could continue it any more.
 */
void pgrp_check_orphaned(struct process *p, struct process *old_parent)
{
	struct pid *pgrp = p->pid[PID_PGRP];
	const struct process *parent = old_parent ? old_parent : p->parent;
	struct list_head *h = &pgrp->members[PID_PGRP];

	/* Only a parent in another group of the session held it together. */
	if (parent->pid[PID_PGRP] == pgrp || parent->pid[PID_SESSION] != p->pid[PID_SESSION])
		return;
	if (!orphaned_without(pgrp, old_parent ? NULL : p) || !pgrp_has_stopped(pgrp))
		return;
	for (struct list_head *l = h->next; l != h; l = l->next) {
		struct process *m = container_of(l, struct process, pid_link[PID_PGRP]);

		signal_send_process(m, SIGHUP, NULL);
		signal_send_process(m, SIGCONT, NULL);
	}
}

/* [tree] */
static void pgrp_change(struct process *p, enum pid_type type, struct pid *pid, struct pid **old)
{
	*old = p->pid[type];
	pid_detach_process(p, type);
	pid_attach_process(p, type, pid);
}

long sys_setpgid(int pid, int pgid)
{
	struct process *self = current->process, *p;
	struct pid *group, *old = NULL;
	unsigned long flags;
	long err = -EINVAL;

	if (pgid < 0)
		return -EINVAL;
	flags = spin_lock_irqsave(&process_tree_lock);
	if (!pid)
		pid = process_pid(self);
	if (!pgid)
		pgid = pid;
	err = pgid < 0 ? -EINVAL : -ESRCH;
	group = pid_find_locked(pid);
	p = group ? group->process : NULL;
	if (!p) {
		if (group && group->task)
			err = -EINVAL;	/* a thread that is not a leader */
		goto out;
	}
	if (p->parent == self && p != self) {
		err = -EPERM;
		if (p->pid[PID_SESSION] != self->pid[PID_SESSION])
			goto out;
		err = -EACCES;
		if (p->execed)
			goto out;
	} else if (p != self) {
		err = -ESRCH;
		goto out;
	}
	err = -EPERM;
	if (p->session_leader)
		goto out;
	if (pgid == pid) {
		group = p->pid[PID_PROCESS];
	} else {
		struct process *member;

		group = pid_find_locked(pgid);
		if (!group || list_empty(&group->members[PID_PGRP]))
			goto out;
		member = container_of(group->members[PID_PGRP].next, struct process, pid_link[PID_PGRP]);
		if (member->pid[PID_SESSION] != self->pid[PID_SESSION])
			goto out;
	}
	err = 0;
	if (p->pid[PID_PGRP] != group)
		pgrp_change(p, PID_PGRP, group, &old);
out:
	spin_unlock_irqrestore(&process_tree_lock, flags);
	pid_put(old);
	return err;
}

long sys_setsid(void)
{
	struct process *p = current->process;
	struct pid *pid = p->pid[PID_PROCESS], *old_pgrp = NULL, *old_session = NULL;
	struct tty *tty = NULL;
	unsigned long flags = spin_lock_irqsave(&process_tree_lock);
	long ret = -EPERM;

	if (!p->session_leader && list_empty(&pid->members[PID_PGRP])) {
		pgrp_change(p, PID_PGRP, pid, &old_pgrp);
		pgrp_change(p, PID_SESSION, pid, &old_session);
		p->session_leader = true;
		tty = p->tty;
		p->tty = NULL;
		ret = pid->nr;
	}
	spin_unlock_irqrestore(&process_tree_lock, flags);
	pid_put(old_pgrp);
	pid_put(old_session);
	if (tty)
		tty_put(tty);
	return ret;
}

static long pid_of(int nr, enum pid_type type)
{
	unsigned long flags = spin_lock_irqsave(&process_tree_lock);
	struct process *p = current->process;
	long ret = -ESRCH;

	if (nr) {
		struct pid *pid = pid_find_locked(nr);

		p = pid ? pid->process : NULL;
		if (pid && !p && pid->task)
			p = pid->task->process;
	}
	if (p)
		ret = p->pid[type]->nr;
	spin_unlock_irqrestore(&process_tree_lock, flags);
	return ret;
}

long sys_getpgid(int pid) { return pid_of(pid, PID_PGRP); }
long sys_getsid(int pid) { return pid_of(pid, PID_SESSION); }
#ifdef EFT_CPU_x86_64
long sys_getpgrp(void) { return pid_of(0, PID_PGRP); }
#endif
long sys_getpid(void) { return process_pid(current->process); }
long sys_gettid(void) { return task_tid(current); }

long sys_getppid(void) { return READ_ONCE(current->process->parent_pid); }
