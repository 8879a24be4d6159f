/* SPDX-License-Identifier: MIT */
/*
 * Signals: generation.  signal(7); delivery is in signal_deliver.c.
 *
 * A signal is pending for a thread or for its process: a bit in a set, and
 * (unless memory was short) a struct sigqueue with its siginfo.  Standard
 * signals are queued once, real-time ones each time.  All of it is guarded by
 * the lock of the process's sighand.
 *
 * t->sig_work says that a thread has to look around before it goes back to
 * user code; it is also what ends interruptible sleeps.  Whoever makes a
 * signal deliverable sets it and then wakes or interrupts the thread.
 *
 * A fatal signal without a core dump starts the group's exit right here: every
 * thread gets a SIGKILL, and p->exit_code is fixed.
 */
#include <kernel/file.h>
#include "ptrace.h"
#include "task_impl.h"

static struct kmem_cache *sigqueue_cache;

void sigqueue_init(void)
{
	sigqueue_cache = kmem_cache_create("sigqueue", sizeof(struct sigqueue), 0);
}

/* ---- queues ---- */

static struct sigqueue *sigqueue_alloc(struct task *t, bool over_limit)
{
	struct user_account *user;
	struct sigqueue *q;
	struct cred *cred;

	rcu_read_lock();
	cred = rcu_dereference(t->cred);
	user = cred ? cred->user : NULL;
	if (user && !ref_get_unless_zero(&user->refs))
		user = NULL;
	rcu_read_unlock();
	if (user && !user_charge(&user->signals, 1, over_limit ? UINT64_MAX : READ_ONCE(t->process->rlimit[RLIMIT_SIGPENDING].cur))) {
		user_account_put(user);
		return NULL;
	}
	q = kmem_cache_alloc(sigqueue_cache, ALLOC_ATOMIC | ALLOC_ZERO);
	if (q) {
		q->user = user;
	} else if (user) {
		user_uncharge(&user->signals, 1);
		user_account_put(user);
	}
	return q;
}

static void sigqueue_free(struct sigqueue *q)
{
	if (q->preallocated)
		return;
	if (q->user) {
		__atomic_sub_fetch(&q->user->signals, 1, __ATOMIC_RELAXED);
		user_account_put(q->user);
	}
	kmem_cache_free(sigqueue_cache, q);
}

void sigqueue_flush_mask(struct sigqueue_list *l, uint64_t mask)
{
	struct sigqueue *q, *tmp;

	if (!(l->set & mask))
		return;
	WRITE_ONCE(l->set, l->set & ~mask);	/* signal_pending_set() looks without the lock */
	list_for_each_safe(q, tmp, &l->queue, link)
		if (SIGMASK(q->info.si_signo) & mask) {
			list_del_init(&q->link);
			sigqueue_free(q);
		}
}

void sigqueue_flush(struct sigqueue_list *l)
{
	sigqueue_flush_mask(l, ~0ull);
}

/* Take signal `sig` off the list. */
static void sigqueue_take(struct sigqueue_list *l, int sig, struct abi_siginfo *info)
{
	struct sigqueue *q, *first = NULL;
	bool more = false;

	list_for_each(q, &l->queue, link)
		if (q->info.si_signo == sig) {
			if (first) {
				more = true;
				break;
			}
			first = q;
		}
	if (!more)
		WRITE_ONCE(l->set, l->set & ~SIGMASK(sig));
	if (first) {
		list_del_init(&first->link);
		*info = first->info;
		sigqueue_free(first);
	} else {
		/* There was no memory for a siginfo when it was sent. */
		memset(info, 0, sizeof(*info));
		info->si_signo = sig;
		info->si_code = SI_USER;
	}
}

static int signal_lowest(uint64_t set)
{
	/* What the thread itself caused comes first: its frame must show where. */
	if (set & SIGMASK_SYNC)
		set &= SIGMASK_SYNC;
	return set ? __builtin_ctzll(set) + 1 : 0;
}

int signal_take(struct task *t, uint64_t mask, struct abi_siginfo *info)
{
	int sig = signal_lowest(t->pending.set & ~mask);

	if (sig) {
		sigqueue_take(&t->pending, sig, info);
	} else {
		sig = signal_lowest(t->process->shared_pending.set & ~mask);
		if (sig)
			sigqueue_take(&t->process->shared_pending, sig, info);
	}
	if (sig == SIGALRM)
		real_timer_taken(t->process);
	return sig;
}

void signal_taken(struct abi_siginfo *info)
{
	if (info->si_code == SI_TIMER)
		posix_timer_taken(info);
}

int signal_dequeue(uint64_t wanted, struct abi_siginfo *info)
{
	unsigned long flags;
	struct sighand *sh = process_siglock(current->process, &flags);
	int sig = signal_take(current, ~wanted, info);

	signal_recalc(current);
	process_sigunlock(sh, flags);
	if (sig)
		signal_taken(info);
	return sig;
}

uint64_t signal_pending_set(void)
{
	return READ_ONCE(current->pending.set) | READ_ONCE(current->process->shared_pending.set);
}

/* ---- waking ---- */

void signal_recalc(struct task *t)
{
	struct process *p = t->process;

	WRITE_ONCE(t->sig_work, t->stop_pending || ((t->pending.set | p->shared_pending.set) & ~t->sigmask) ||
		(p->group_flags & GROUP_CONTINUED) || ptrace_has_work(t));
}

void signal_wake(struct task *t, bool fatal)
{
	__atomic_store_n(&t->sig_work, true, __ATOMIC_SEQ_CST);
	if (!task_wake(t, TASK_INTERRUPTIBLE | (fatal ? TASK_KILLABLE | TASK_STOPPED | TASK_TRACED : 0)))
		task_kick(t);
}

bool signal_pending(struct task *t)
{
	return __atomic_load_n(&t->sig_work, __ATOMIC_SEQ_CST);
}

bool fatal_signal_pending(struct task *t)
{
	return signal_pending(t) && (READ_ONCE(t->pending.set) & SIGMASK(SIGKILL));
}

/* ---- masks ---- */

void signal_set_mask_locked(struct task *t, uint64_t mask)
{
	uint64_t newly_blocked = mask & ~t->sigmask & t->process->shared_pending.set;

	t->sigmask = mask & ~SIGMASK_UNBLOCKABLE;
	/* Another thread may have been spared a wake-up because this one would take them. */
	if (newly_blocked && t->process->thread_count > 1) {
		struct task *o;

		list_for_each(o, &t->process->threads, thread_link)
			if (o != t && !(READ_ONCE(o->flags) & TASKF_EXITING) && (newly_blocked & ~o->sigmask)) {
				newly_blocked &= o->sigmask;
				signal_wake(o, false);
				if (!newly_blocked)
					break;
			}
	}
	signal_recalc(t);
}

void signal_set_mask(uint64_t mask)
{
	unsigned long flags;
	struct sighand *sh = process_siglock(current->process, &flags);

	signal_set_mask_locked(current, mask);
	process_sigunlock(sh, flags);
}

void signal_set_temporary_mask(uint64_t mask)
{
	current->saved_sigmask = current->sigmask;
	current->restore_sigmask = true;
	signal_set_mask(mask);
}

void signal_restore_mask(void)
{
	if (!current->restore_sigmask)
		return;
	current->restore_sigmask = false;
	signal_set_mask(current->saved_sigmask);
}

/* ---- sending ---- */

bool signal_ignored_by_default(int sig)
{
	return SIGMASK(sig) & SIGMASK_IGNORED;
}

struct ksigaction process_action(struct process *p, int sig)
{
	unsigned long flags;
	struct sighand *sh = process_siglock(p, &flags);
	struct ksigaction ka = sh->action[sig - 1];

	process_sigunlock(sh, flags);
	return ka;
}

/* Thrown away at the door?  A blocked one is kept: its action may change before it is taken. */
static bool signal_is_ignored(struct process *p, struct task *t, int sig, bool force)
{
	uint64_t handler = p->sighand->action[sig - 1].handler;

	if (p->no_signals && sig == SIGKILL)	/* not even by its tracer */
		return true;
	if ((t->sigmask | t->sigwait_set) & SIGMASK(sig))
		return false;
	if (p->no_signals && handler == SIG_DFL && !force)
		return true;
	if (t->ptrace && sig != SIGKILL)
		return false;
	return handler == SIG_IGN || (handler == SIG_DFL && signal_ignored_by_default(sig));
}

/* Stop and continue cancel each other, whether or not they are then delivered.  False: drop the signal. */
static bool signal_prepare(struct process *p, struct task *target, int sig, bool force)
{
	struct task *t;

	if (p->group_flags & GROUP_EXITING)
		return sig == SIGKILL;
	if (SIGMASK(sig) & SIGMASK_STOP) {
		sigqueue_flush_mask(&p->shared_pending, SIGMASK(SIGCONT));
		list_for_each(t, &p->threads, thread_link)
			sigqueue_flush_mask(&t->pending, SIGMASK(SIGCONT));
	} else if (sig == SIGCONT) {
		bool was = (p->group_flags & GROUP_STOPPED) || p->stops_pending;

		sigqueue_flush_mask(&p->shared_pending, SIGMASK_STOP);
		if (was) {
			WRITE_ONCE(p->group_flags, (p->group_flags & ~(unsigned)GROUP_STOPPED) | GROUP_CONTINUED);
			p->stops_pending = 0;
			WRITE_ONCE(p->wait_stopped, false);	/* also looked at under [tree] alone */
			p->wait_continued = true;
		}
		list_for_each(t, &p->threads, thread_link) {
			sigqueue_flush_mask(&t->pending, SIGMASK_STOP);
			t->stop_pending = STOP_NONE;
			t->may_stop = false;
			if (was) {
				WRITE_ONCE(t->sig_work, true);
				task_wake(t, TASK_STOPPED);
			}
			ptrace_group_changes(t);
		}
	}
	return !signal_is_ignored(p, target, sig, force);
}

static bool signal_wanted(struct task *t, int sig)
{
	if ((t->sigmask & SIGMASK(sig)) || (READ_ONCE(t->flags) & TASKF_EXITING))
		return false;
	if (sig == SIGKILL)
		return true;
	if (READ_ONCE(t->state) & (TASK_STOPPED | TASK_TRACED))
		return false;
	return t == current || !READ_ONCE(t->sig_work);
}

void signal_kill_group_locked(struct process *p, struct task *except)
{
	struct task *t;

	list_for_each(t, &p->threads, thread_link) {
		if (t == except || (READ_ONCE(t->flags) & TASKF_EXITING))
			continue;
		t->stop_pending = STOP_NONE;
		WRITE_ONCE(t->pending.set, t->pending.set | SIGMASK(SIGKILL));
		signal_wake(t, true);
	}
}

/* It is queued: who takes it? */
static void signal_complete(struct process *p, struct task *t, bool private, int sig)
{
	bool fatal = p->sighand->action[sig - 1].handler == SIG_DFL && !(SIGMASK(sig) & (SIGMASK_IGNORED | SIGMASK_STOP));
	struct task *target = NULL, *o;

	if (private || signal_wanted(t, sig)) {
		if (!private || signal_wanted(t, sig))
			target = t;
	} else {
		list_for_each(o, &p->threads, thread_link)
			if (signal_wanted(o, sig)) {
				target = o;
				break;
			}
	}
	if (!target) {
		/* Nobody now; but one that is on its way to look must look again. */
		if (private && !(t->sigmask & SIGMASK(sig)) && !(READ_ONCE(t->flags) & TASKF_EXITING))
			WRITE_ONCE(t->sig_work, true);
		return;
	}
	if (fatal && !(p->group_flags & GROUP_EXITING) && !(target->sigwait_set & SIGMASK(sig)) &&
	    (sig == SIGKILL || !target->ptrace) && !(SIGMASK(sig) & SIGMASK_CORE) && !(p->no_signals && sig != SIGKILL)) {
		WRITE_ONCE(p->group_flags, (p->group_flags | GROUP_EXITING) & ~(unsigned)GROUP_STOPPED);
		p->exit_code = sig;
		p->stops_pending = 0;
		signal_kill_group_locked(p, NULL);
		return;
	}
	signal_wake(target, sig == SIGKILL);
}

int signal_queue_locked(struct process *p, struct task *t, bool private, int sig, const struct abi_siginfo *info, bool force)
{
	struct sigqueue_list *l = private ? &t->pending : &p->shared_pending;
	struct sigqueue *q = NULL;

	if (!signal_prepare(p, t, sig, force))
		return 0;
	if (sig < SIGRTMIN && (l->set & SIGMASK(sig)))
		return 0;
	if (sig != SIGKILL) {
		/* The kernel's own and plain kill(2) may exceed the limit; they are at most one of each anyway. */
		q = sigqueue_alloc(t, sig < SIGRTMIN && (!info || info->si_code >= 0));
		if (q) {
			if (info) {
				q->info = *info;
			} else {
				q->info.si_code = SI_KERNEL;
			}
			q->info.si_signo = sig;
			list_add_tail(&q->link, &l->queue);
		} else if (sig >= SIGRTMIN && info && info->si_code != SI_USER) {
			return -EAGAIN;
		}
	}
	WRITE_ONCE(l->set, l->set | SIGMASK(sig));
	if (waitq_active(&p->signalfd_wait))
		waitq_wake_all(&p->signalfd_wait);
	signal_complete(p, t, private, sig);
	return 0;
}

/* Some living thread to judge masks by: the leader if it lives. [sig] */
static struct task *signal_representative(struct process *p)
{
	struct task *t;

	list_for_each(t, &p->threads, thread_link)
		if (!(READ_ONCE(t->flags) & TASKF_EXITING))
			return t;
	return NULL;
}

bool signal_queue_prepared(struct process *p, struct task *t, int sig, struct sigqueue *q)
{
	bool private = t != NULL;
	struct sigqueue_list *l;

	if (!t)
		t = signal_representative(p);
	if (!t || !signal_prepare(p, t, sig, false))
		return false;
	l = private ? &t->pending : &p->shared_pending;
	list_add_tail(&q->link, &l->queue);
	WRITE_ONCE(l->set, l->set | SIGMASK(sig));
	if (waitq_active(&p->signalfd_wait))
		waitq_wake_all(&p->signalfd_wait);
	signal_complete(p, t, private, sig);
	return true;
}

void signal_unqueue_prepared(struct process *p, struct task *t, struct sigqueue *q)
{
	struct sigqueue_list *l = t ? &t->pending : &p->shared_pending;
	int sig = q->info.si_signo;
	struct sigqueue *o;

	if (list_empty(&q->link))
		return;
	list_del_init(&q->link);
	list_for_each(o, &l->queue, link)
		if (o->info.si_signo == sig)
			return;
	WRITE_ONCE(l->set, l->set & ~SIGMASK(sig));
}

int signal_send_task(struct task *t, int sig, const struct abi_siginfo *info)
{
	struct process *p = t->process;
	struct sighand *sh;
	unsigned long flags;
	int err = -ESRCH;

	if (!p)
		return -ESRCH;
	sh = process_siglock(p, &flags);
	if (!(READ_ONCE(t->flags) & TASKF_EXITING))
		err = sig ? signal_queue_locked(p, t, true, sig, info, !info || info->si_code > 0) : 0;
	process_sigunlock(sh, flags);
	return err;
}

int signal_send_process(struct process *p, int sig, const struct abi_siginfo *info)
{
	struct sighand *sh;
	struct task *t;
	unsigned long flags;
	int err = 0;

	if (!sig)
		return 0;
	sh = process_siglock(p, &flags);
	t = signal_representative(p);
	if (t)
		err = signal_queue_locked(p, t, false, sig, info, !info || info->si_code > 0);
	process_sigunlock(sh, flags);
	return err;		/* a zombie takes everything, in silence */
}

struct ids { uint32_t uid, euid; };

/* May who had these ids signal t?  NULL: the kernel itself; no t: what is left of a process takes everything. */
static bool ids_permitted(const struct ids *by, struct task *t)
{
	const struct cred *c;
	bool ok = true;

	if (!by || by->euid == 0 || !t)
		return true;
	rcu_read_lock();
	c = rcu_dereference(t->cred);
	if (c)
		ok = by->euid == c->suid || by->euid == c->uid || by->uid == c->suid || by->uid == c->uid;
	rcu_read_unlock();
	return ok;
}

static int send_pgrp(struct pid *pgrp, int sig, const struct abi_siginfo *info, const struct ids *by)
{
	unsigned long flags = spin_lock_irqsave(&process_tree_lock);
	struct list_head *h = &pgrp->members[PID_PGRP];
	int err = -ESRCH, one;
	struct process *p;

	for (struct list_head *l = h->next; l != h; l = l->next) {
		p = container_of(l, struct process, pid_link[PID_PGRP]);
		one = ids_permitted(by, p->leader) ? signal_send_process(p, sig, info) : -EPERM;
		if (err)
			err = one;
	}
	spin_unlock_irqrestore(&process_tree_lock, flags);
	return err;
}

int signal_send_pgrp(struct pid *pgrp, int sig, const struct abi_siginfo *info)
{
	return send_pgrp(pgrp, sig, info, NULL);
}

void signal_send_owned(struct pid *pid, int type, int sig, const struct abi_siginfo *info, uint32_t uid, uint32_t euid)
{
	const struct ids by = { uid, euid };
	struct process *p;
	struct task *t;
	bool ok;

	if (type == PID_PGRP) {
		(void)send_pgrp(pid, sig, info, &by);
	} else if (type == PID_THREAD) {
		t = pid_task(pid);
		if (t && ids_permitted(&by, t))
			(void)signal_send_task(t, sig, info);
		if (t)
			task_put(t);
	} else if ((p = pid_process(pid))) {
		unsigned long flags = spin_lock_irqsave(&process_tree_lock);

		ok = ids_permitted(&by, p->leader);
		spin_unlock_irqrestore(&process_tree_lock, flags);
		if (ok)
			(void)signal_send_process(p, sig, info);
		process_put(p);
	}
}

void signal_force_info(const struct abi_siginfo *info, bool deadly)
{
	struct task *t = current;
	struct process *p = t->process;
	int sig = info->si_signo;
	struct ksigaction *ka;
	struct sighand *sh;
	unsigned long flags;

	sh = process_siglock(p, &flags);
	ka = &sh->action[sig - 1];
	if (deadly || ka->handler == SIG_IGN || (t->sigmask & SIGMASK(sig))) {
		ka->handler = SIG_DFL;
		t->sigmask &= ~SIGMASK(sig);
	}
	/* The first process dies of its own faults. */
	if (ka->handler == SIG_DFL && !t->ptrace)
		WRITE_ONCE(p->no_signals, false);
	signal_queue_locked(p, t, true, sig, info, true);
	signal_recalc(t);
	process_sigunlock(sh, flags);
}

void signal_force(int sig, int si_code, uaddr_t addr)
{
	struct abi_siginfo info = { .si_signo = sig, .si_code = si_code };

	info.fault.addr = addr;
	signal_force_info(&info, false);
}

/* kill(2): the real or effective id of the sender is the real or saved id of the target. */
bool signal_permitted(struct process *p, int sig)
{
	const struct cred *c = current->cred;
	struct cred *tc;
	struct task *t;
	unsigned long flags;
	bool ok = true;

	if (p == current->process)
		return true;
	flags = spin_lock_irqsave(&process_tree_lock);
	t = p->leader;
	if (t)
		task_get(t);
	if (sig == SIGCONT && p->pid[PID_SESSION] == current->process->pid[PID_SESSION]) {
		spin_unlock_irqrestore(&process_tree_lock, flags);
		task_put(t);
		return true;
	}
	spin_unlock_irqrestore(&process_tree_lock, flags);
	if (!t)
		return true;
	tc = task_cred_get(t);
	if (tc)
		ok = c->euid == tc->suid || c->euid == tc->uid || c->uid == tc->suid || c->uid == tc->uid || capable(CAP_KILL);
	cred_put(tc);
	task_put(t);
	return ok;
}

void signal_info_user(struct abi_siginfo *info, int sig, int code)
{
	memset(info, 0, sizeof(*info));
	info->si_signo = sig;
	info->si_code = code;
	info->kill.pid = process_pid(current->process);
	info->kill.uid = current->cred->uid;
}

void signal_send_current(int sig)
{
	struct abi_siginfo info;

	signal_info_user(&info, sig, SI_USER);
	(void)signal_send_task(current, sig, &info);
}
