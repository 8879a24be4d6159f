/* SPDX-License-Identifier: MIT */
/*
 * Job control: which session owns a terminal, which of its process groups is
 * in the foreground, and what happens to the others.
 *
 * process.tty is guarded by the process tree's lock; a terminal's session and
 * pgrp change with both that lock and the terminal's held, so either is enough
 * to read them.  Signals are sent after both have been dropped: sending takes
 * the tree's lock itself.
 *
 * Specification: POSIX XBD 11.1, credentials(7), tty_ioctl(4).
 */
#include "tty_internal.h"

struct tty *tty_current(void)
{
	struct process *p = current->process;
	struct tty *t = NULL;
	unsigned long flags;

	if (!p)
		return NULL;
	flags = spin_lock_irqsave(&process_tree_lock);
	t = p->tty;
	if (t)
		tty_get(t);
	spin_unlock_irqrestore(&process_tree_lock, flags);
	return t;
}

static struct pid *pgrp_get(struct tty *t)
{
	unsigned long flags = spin_lock_irqsave(&t->lock);
	struct pid *p = t->pgrp;

	if (p)
		pid_get(p);
	spin_unlock_irqrestore(&t->lock, flags);
	return p;
}

int tty_foreground(struct tty *t)
{
	struct pid *p = pgrp_get(t);
	int nr = p ? p->nr : -1;

	pid_put(p);
	return nr;
}

void tty_signal_foreground(struct tty *t, int sig)
{
	struct pid *p = pgrp_get(t);

	if (p) {
		(void)signal_send_pgrp(p, sig, NULL);
		pid_put(p);
	}
}

/* Sets or clears (NULL) the owners.  Returns the old ones for the caller to put when the locks are gone. */
static void set_owner(struct tty *t, struct pid *session, struct pid *pgrp, struct pid *old[2])
{
	unsigned long flags;

	if (session)
		pid_get(session);
	if (pgrp)
		pid_get(pgrp);
	flags = spin_lock_irqsave(&t->lock);
	old[0] = t->session;
	old[1] = t->pgrp;
	t->session = session;
	t->pgrp = pgrp;
	spin_unlock_irqrestore(&t->lock, flags);
}

/* Takes the terminal away from every process of its session; returns how many had it.  [tree] */
static unsigned take_from_session(struct tty *t, struct process **leader)
{
	struct process *p;
	unsigned n = 0;

	if (leader)
		*leader = NULL;
	if (!t->session)
		return 0;
	list_for_each(p, &t->session->members[PID_SESSION], pid_link[PID_SESSION]) {
		if (leader && p->session_leader && !*leader) {
			*leader = p;
			process_get(p);
		}
		if (p->tty == t) {
			p->tty = NULL;
			n++;
		}
	}
	return n;
}

static void release(struct tty *t, struct pid *old[2], unsigned refs)
{
	pid_put(old[0]);
	pid_put(old[1]);
	while (refs--)
		tty_put(t);
}

void tty_session_clear(struct tty *t)
{
	struct pid *old[2];
	unsigned long flags;
	unsigned refs;

	tty_get(t);
	flags = spin_lock_irqsave(&process_tree_lock);
	refs = take_from_session(t, NULL);
	set_owner(t, NULL, NULL, old);
	spin_unlock_irqrestore(&process_tree_lock, flags);
	release(t, old, refs + 1);
}

void tty_signal_session(struct tty *t, bool exit_session)
{
	struct pid *old[2], *older = NULL;
	struct process *leader;
	unsigned long flags;
	unsigned refs;

	tty_get(t);
	flags = spin_lock_irqsave(&process_tree_lock);
	refs = take_from_session(t, &leader);
	set_owner(t, NULL, NULL, old);
	/* The group that was in the foreground hears of it when the leader ends. */
	if (leader && old[1]) {
		older = leader->tty_old_pgrp;
		pid_get(old[1]);
		leader->tty_old_pgrp = old[1];
	}
	spin_unlock_irqrestore(&process_tree_lock, flags);
	pid_put(older);
	if (leader) {
		(void)signal_send_process(leader, SIGHUP, NULL);
		(void)signal_send_process(leader, SIGCONT, NULL);
		process_put(leader);
	}
	if (exit_session && old[1])
		(void)signal_send_pgrp(old[1], SIGHUP, NULL);
	release(t, old, refs + 1);
}

void tty_process_exit(struct process *p)
{
	unsigned long flags = spin_lock_irqsave(&process_tree_lock);
	struct pid *old = p->tty_old_pgrp;
	struct tty *t = p->tty;
	bool leader = p->session_leader;

	p->tty_old_pgrp = NULL;
	if (t && leader)
		tty_get(t);		/* for the work below; p.tty goes with the session's */
	else
		p->tty = NULL;
	spin_unlock_irqrestore(&process_tree_lock, flags);
	if (!t && old) {
		(void)signal_send_pgrp(old, SIGHUP, NULL);
		(void)signal_send_pgrp(old, SIGCONT, NULL);
	}
	pid_put(old);
	if (!t)
		return;
	if (!leader) {
		tty_put(t);
		return;
	}
	if (!t->pty) {
		tty_vhangup(t, true);
	} else {
		tty_signal_foreground(t, SIGHUP);
		tty_session_clear(t);
	}
	tty_put(t);
}

/* ---- background processes ---- */

static bool signal_ignored_or_blocked(int sig)
{
	struct sighand *sh = current->sighand;
	unsigned long flags;
	bool ignored;

	if (current->sigmask & SIGMASK(sig))
		return true;
	flags = spin_lock_irqsave(&sh->lock);
	ignored = sh->action[sig - 1].handler == SIG_IGN;
	spin_unlock_irqrestore(&sh->lock, flags);
	return ignored;
}

int tty_check_change(struct tty *t, int sig)
{
	struct process *p = current->process;
	struct pid *mine = NULL;
	bool orphaned = false;
	unsigned long flags;

	if (!p)
		return 0;
	flags = spin_lock_irqsave(&process_tree_lock);
	if (p->tty == t && t->pgrp && t->pgrp != p->pid[PID_PGRP]) {
		mine = p->pid[PID_PGRP];
		pid_get(mine);
		orphaned = pgrp_is_orphaned(mine);
	}
	spin_unlock_irqrestore(&process_tree_lock, flags);
	if (!mine)
		return 0;
	if (signal_ignored_or_blocked(sig)) {
		pid_put(mine);
		return sig == SIGTTIN ? -EIO : 0;
	}
	if (!orphaned)
		(void)signal_send_pgrp(mine, sig, NULL);
	pid_put(mine);
	return orphaned ? -EIO : -ERESTARTSYS;
}

/* ---- getting and losing it ---- */

/* [tree] current, which is a session leader without a terminal, gets t, which has no session. */
static void make_ctty(struct tty *t, struct pid *old[3])
{
	struct process *p = current->process;

	set_owner(t, p->pid[PID_SESSION], p->pid[PID_PGRP], old);
	old[2] = p->tty_old_pgrp;
	p->tty_old_pgrp = NULL;
	tty_get(t);
	p->tty = t;
}

void tty_open_ctty(struct tty *t, struct file *f)
{
	struct process *p = current->process;
	struct pid *old[3] = { NULL, NULL, NULL };
	unsigned long flags;

	if (!p || !(f->mode & FMODE_READ))
		return;
	flags = spin_lock_irqsave(&process_tree_lock);
	if (p->session_leader && !p->tty && !t->session)
		make_ctty(t, old);
	spin_unlock_irqrestore(&process_tree_lock, flags);
	release(t, old, 0);
	pid_put(old[2]);
}

int tty_ioctl_sctty(struct tty *t, struct file *f, uint64_t arg)
{
	struct process *p = current->process;
	bool admin = capable(CAP_SYS_ADMIN);
	struct pid *old[3] = { NULL, NULL, NULL };
	unsigned long flags;
	unsigned refs = 0;
	int err = 0;

	flags = spin_lock_irqsave(&process_tree_lock);
	if (p->session_leader && p->tty == t && t->session == p->pid[PID_SESSION]) {
		/* It is already. */
	} else if (!p->session_leader || p->tty) {
		err = -EPERM;
	} else if (t->session && !(arg == 1 && admin)) {
		err = -EPERM;
	} else if (!(f->mode & FMODE_READ) && !admin) {
		err = -EPERM;
	} else {
		refs = take_from_session(t, NULL);	/* stolen */
		make_ctty(t, old);
	}
	spin_unlock_irqrestore(&process_tree_lock, flags);
	release(t, old, refs);
	pid_put(old[2]);
	return err;
}

int tty_ioctl_notty(struct tty *t)
{
	struct process *p = current->process;
	unsigned long flags;
	struct pid *pgrp;
	bool mine, leader;

	flags = spin_lock_irqsave(&process_tree_lock);
	mine = p->tty == t;
	leader = p->session_leader;
	if (mine && !leader)
		p->tty = NULL;
	spin_unlock_irqrestore(&process_tree_lock, flags);
	if (!mine)
		return -ENOTTY;
	if (!leader) {
		tty_put(t);
		return 0;
	}
	pgrp = pgrp_get(t);
	if (pgrp) {
		(void)signal_send_pgrp(pgrp, SIGHUP, NULL);
		(void)signal_send_pgrp(pgrp, SIGCONT, NULL);
		pid_put(pgrp);
	}
	tty_session_clear(t);
	return 0;
}

/* ---- ioctls ---- */

static bool is_mine(struct tty *t)
{
	struct process *p = current->process;
	unsigned long flags = spin_lock_irqsave(&process_tree_lock);
	bool mine = p->tty == t;

	spin_unlock_irqrestore(&process_tree_lock, flags);
	return mine;
}

int tty_ioctl_gpgrp(struct tty *t, bool master, uaddr_t arg)
{
	int32_t nr;

	if (!master && !is_mine(t))
		return -ENOTTY;
	nr = tty_foreground(t);
	if (nr < 0)
		nr = 0;
	return put_user(nr, arg);
}

/* [tree] Whose session: the group's, or, as Linux has it, that of the process whose number would name one.  NULL: nobody's. */
static struct pid *session_of_group(struct pid *pgrp)
{
	struct process *p = pgrp->process;

	if (!list_empty(&pgrp->members[PID_PGRP]))
		p = list_first(&pgrp->members[PID_PGRP], struct process, pid_link[PID_PGRP]);
	else if (!p && pgrp->task)
		p = pgrp->task->process;
	return p ? p->pid[PID_SESSION] : NULL;
}

int tty_ioctl_spgrp(struct tty *t, uaddr_t arg)
{
	struct process *p = current->process;
	struct pid *pgrp, *old = NULL;
	unsigned long flags, tflags;
	int32_t nr;
	int err = tty_check_change(t, SIGTTOU);

	if (err)
		return err == -EIO ? -ENOTTY : err;
	if (get_user(nr, arg))
		return -EFAULT;
	if (nr < 0)
		return -EINVAL;
	pgrp = pid_find(nr);
	flags = spin_lock_irqsave(&process_tree_lock);
	if (p->tty != t || t->session != p->pid[PID_SESSION]) {
		err = -ENOTTY;
	} else if (!pgrp) {
		err = -ESRCH;
	} else if (session_of_group(pgrp) != p->pid[PID_SESSION]) {
		err = -EPERM;
	}
	if (!err) {
		tflags = spin_lock_irqsave(&t->lock);
		old = t->pgrp;
		t->pgrp = pgrp;
		spin_unlock_irqrestore(&t->lock, tflags);
		pgrp = NULL;
	}
	spin_unlock_irqrestore(&process_tree_lock, flags);
	pid_put(old);
	pid_put(pgrp);
	return err;
}

int tty_ioctl_gsid(struct tty *t, bool master, uaddr_t arg)
{
	unsigned long flags;
	int32_t nr = -1;

	if (!master && !is_mine(t))
		return -ENOTTY;
	flags = spin_lock_irqsave(&t->lock);
	if (t->session)
		nr = t->session->nr;
	spin_unlock_irqrestore(&t->lock, flags);
	return nr < 0 ? -ENOTTY : put_user(nr, arg);
}
