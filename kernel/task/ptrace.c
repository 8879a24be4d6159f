/* SPDX-License-Identifier: MIT */
/*
 * Tracing, the tracee's side: stops, events, and what waiting tells.  The
 * requests are in ptrace_calls.c.  See ptrace(2).
 *
 * A struct ptrace ties a thread to the process that traces it.  It hangs on
 * the tracer's list under process_tree_lock; t->ptrace is set and cleared with
 * both that lock and the tracee's signal lock held, so either is enough to look.
 *
 * A stop: the tracee says why (stop_code), sets TASK_TRACED, tells the tracer
 * and sleeps until the tracer clears `stopped`, or SIGKILL comes.  While a
 * tracer is at work on it the stop is frozen: the thread sleeps again when it
 * is woken, so that its registers and memory are at rest.
 *
 * One thread of the tracer's process is the tracer (ptrace(2)); the others may
 * wait for its tracees.  When it ends, it lets go of them.
 *
 * The end of a process is told by its first thread, when all have ended.  Of
 * another thread that ends, the struct ptrace alone stays, until the tracer
 * has waited: /proc does not show such a thread.
 */
#include <kernel/vm.h>
#include "ptrace.h"
#include "syscall/syscall_impl.h"
#include "task_impl.h"

bool ptrace_may_access(struct task *t)
{
	const struct cred *c = current->cred;
	struct cred *tc;
	bool ok;

	if (t->process && t->process == current->process)
		return true;
	tc = task_cred_get(t);
	if (!tc)
		return false;
	ok = c->uid == tc->uid && c->uid == tc->euid && c->uid == tc->suid && c->gid == tc->gid && c->gid == tc->egid &&
		c->gid == tc->sgid && task_dumpable(t) && !(tc->cap_permitted & ~c->cap_permitted);
	cred_put(tc);
	return ok || capable(CAP_SYS_PTRACE);
}

bool ptrace_has_work(const struct task *t)
{
	return t->ptrace && t->ptrace->stop_work;
}

/* Its tracer's options, TRACED, and SEIZED if it is; 0: nobody traces it. */
enum { TRACED = 1u << 30, SEIZED = 1u << 29 };
static unsigned traced_how(struct task *t)
{
	struct ptrace *pt;
	unsigned how = 0;

	rcu_read_lock();
	pt = rcu_dereference(t->ptrace);
	if (pt)
		how = READ_ONCE(pt->options) | TRACED | (pt->seized ? SEIZED : 0);
	rcu_read_unlock();
	return how;
}

bool ptrace_event_enabled(struct task *t, int event)
{
	unsigned how = traced_how(t);

	return event == PTRACE_EVENT_STOP ? how != 0 : how & 1u << event;
}

unsigned ptrace_syscalls(struct task *t)
{
	struct ptrace *pt;
	unsigned at = 0;

	rcu_read_lock();
	pt = rcu_dereference(t->ptrace);
	if (pt)
		at = READ_ONCE(pt->syscalls);
	rcu_read_unlock();
	return at;
}

void ptrace_group_changes(struct task *t)
{
	struct ptrace *pt = t->ptrace;

	if (!pt || !pt->seized || READ_ONCE(t->flags) & TASKF_EXITING)
		return;
	pt->stop_work = true;
	if (pt->listening) {
		pt->listening = false;
		WRITE_ONCE(pt->stopped, false);
		task_wake(t, TASK_TRACED);
	} else if (!pt->stopped) {
		signal_wake(t, false);
	}
}

static void ptrace_free_rcu(struct rcu_head *h) { kfree(container_of(h, struct ptrace, rcu)); }

/* [tree] The report of a thread that has ended goes.  The process that is thereby to be told of itself, or NULL. */
static struct process *report_drop(struct ptrace *pt)
{
	struct process *p = pt->end.process;
	bool tell = --p->reports == 0 && p->zombie && !ptrace_delays_wait(p);

	if (p->zombie && p->leader->ptrace)
		waitq_wake_all(&p->leader->ptrace->tracer->child_wait);
	list_del_init(&pt->link);
	pid_release(pt->end.pid);
	process_put(pt->tracer);
	process_put(p);		/* a zombie is its parent's */
	rcu_call(&pt->rcu, ptrace_free_rcu);
	return tell ? p : NULL;
}

/* [tree] Detach: nobody uses the tracee's stop any more. */
void ptrace_unlink(struct ptrace *pt)
{
	struct task *t = pt->tracee;
	unsigned long flags;
	struct sighand *sh = process_siglock(t->process, &flags);

	list_del_init(&pt->link);
	WRITE_ONCE(t->ptrace, NULL);
	signal_recalc(t);
	pt->frozen = false;
	/* A group's stop goes on without a tracer: for who had gone on by its leave, too. */
	if ((t->process->group_flags & GROUP_STOPPED || t->process->stops_pending) && !t->stop_pending && !(READ_ONCE(t->flags) & TASKF_EXITING)) {
		t->stop_pending = STOP_UNCOUNTED;
		signal_wake(t, false);
	}
	if (pt->stopped) {
		WRITE_ONCE(pt->stopped, false);
		task_wake(t, TASK_TRACED);
	}
	process_sigunlock(sh, flags);
	process_put(pt->tracer);
	rcu_call(&pt->rcu, ptrace_free_rcu);
}

void ptrace_tell(struct ptrace *pt, int code, int status)
{
	struct abi_siginfo info = { .si_signo = SIGCHLD, .si_code = code };
	const struct ksigaction ka = process_action(pt->tracer, SIGCHLD);

	info.chld.pid = task_tid(pt->tracee);
	info.chld.uid = pt->tracee->cred->uid;
	info.chld.status = status;
	if (ka.handler != SIG_IGN && !(ka.flags & SA_NOCLDSTOP))
		signal_send_process(pt->tracer, SIGCHLD, &info);
	waitq_wake_all(&pt->tracer->child_wait);
}

enum stop_kind { STOP_SIGNAL, STOP_EVENT, STOP_GROUP };

/* [tree, sig] Say why pt's tracee stops. */
static void stop_begins(struct ptrace *pt, enum stop_kind kind, int code, const struct abi_siginfo *info, enum ptrace_call call)
{
	pt->stop_work = false;
	pt->listening = false;
	pt->stop_code = code;
	pt->reported = false;
	pt->tracee->ptrace_resume_signal = kind == STOP_SIGNAL ? code : 0;	/* should the tracer just die */
	pt->call = call;
	pt->has_info = kind != STOP_GROUP || pt->seized;
	if (info)
		pt->info = *info;
	else
		pt->info = (struct abi_siginfo){ .si_signo = kind == STOP_GROUP ? code & 0xff : SIGTRAP, .si_code = code };
	WRITE_ONCE(pt->stopped, true);
}

void ptrace_take_over(struct ptrace *pt)
{
	struct task *t = pt->tracee;
	int sig = (int)t->process->stop_signal;

	stop_begins(pt, STOP_GROUP, pt->seized ? sig | PTRACE_EVENT_STOP << 8 : sig, NULL, PTRACE_NO_CALL);
	WRITE_ONCE(t->state, TASK_TRACED);	/* who would wake it holds [sig], too */
}

void ptrace_stopped(void)
{
	struct task *t = current;
	struct sighand *sh;
	unsigned long flags;

	while (sh = process_siglock(t->process, &flags), t->ptrace && t->ptrace->frozen) {
		sched_set_state(TASK_TRACED);
		process_sigunlock(sh, flags);
		schedule();
	}
	sched_set_state(TASK_RUNNING);
	if (t->ptrace)
		WRITE_ONCE(t->ptrace->stopped, false);
	signal_recalc(t);
	process_sigunlock(sh, flags);
}

/* Sleep until the tracer goes on; what it wants delivered is in ptrace_resume_signal. */
static void ptrace_stop(enum stop_kind kind, int code, const struct abi_siginfo *info, enum ptrace_call call)
{
	struct task *t = current;
	struct process *p = t->process;
	struct ptrace *pt;
	unsigned long flags;

	flags = spin_lock_irqsave(&process_tree_lock);
	pt = t->ptrace;
	if (!pt) {
		spin_unlock_irqrestore(&process_tree_lock, flags);
		return;
	}
	spin_lock(&p->sighand->lock);
	if (t->pending.set & SIGMASK(SIGKILL)) {	/* who sends one later finds the state set, and wakes it */
		spin_unlock(&p->sighand->lock);
		spin_unlock_irqrestore(&process_tree_lock, flags);
		return;
	}
	stop_begins(pt, kind, code, info, call);
	sched_set_state(TASK_TRACED);
	spin_unlock(&p->sighand->lock);
	ptrace_tell(pt, kind == STOP_GROUP ? CLD_STOPPED : CLD_TRAPPED, code);
	spin_unlock_irqrestore(&process_tree_lock, flags);
	schedule();
	ptrace_stopped();
}

/* A signal is about to be delivered: the tracer may change or drop it. */
bool ptrace_signal(int *sig, struct abi_siginfo *info)
{
	struct task *t = current;
	struct sighand *sh;
	unsigned long flags;
	int now = *sig;

	t->ptrace_resume_signal = now;
	ptrace_stop(STOP_SIGNAL, *sig, info, PTRACE_NO_CALL);
	sh = process_siglock(t->process, &flags);
	now = t->ptrace_resume_signal;
	t->ptrace_resume_signal = 0;
	if (now && now == *sig) {
		if (t->ptrace)
			*info = t->ptrace->info;
		info->si_signo = now;
	} else if (now) {
		*info = (struct abi_siginfo){ .si_signo = now, .si_code = SI_USER };
		info->kill.pid = t->ptrace ? process_pid(t->ptrace->tracer) : 0;
	}
	process_sigunlock(sh, flags);
	*sig = now;
	return now != 0 && !(READ_ONCE(t->pending.set) & SIGMASK(SIGKILL));
}

void ptrace_event(int event, uint64_t message)
{
	unsigned long flags;
	struct sighand *sh = process_siglock(current->process, &flags);
	struct ptrace *pt = current->ptrace;

	if (pt)
		pt->message = message;
	process_sigunlock(sh, flags);
	if (pt)		/* no more than a hint: it looks again */
		ptrace_stop(STOP_EVENT, SIGTRAP | event << 8, NULL, event == PTRACE_EVENT_SECCOMP ? PTRACE_CALL_SECCOMP : PTRACE_NO_CALL);
}

void ptrace_syscall_stop(bool entry)
{
	struct task *t = current;
	unsigned how = traced_how(t);
	int sig;

	if (!how)
		return;
	ptrace_stop(STOP_EVENT, SIGTRAP | (how & PTRACE_O_TRACESYSGOOD ? 0x80 : 0), NULL, entry ? PTRACE_CALL_ENTRY : PTRACE_CALL_EXIT);
	sig = t->ptrace_resume_signal;
	t->ptrace_resume_signal = 0;
	if (sig) {
		struct abi_siginfo info = { .si_signo = sig, .si_code = SI_USER };

		signal_send_task(t, sig, &info);
	}
}

/* PTRACE_INTERRUPT, a new tracee of PTRACE_SEIZE, news of its group. */
void ptrace_stop_work(void)
{
	struct process *p = current->process;
	unsigned long flags;
	struct sighand *sh;
	int sig;

	if (!(traced_how(current) & SEIZED))
		return;
	sh = process_siglock(p, &flags);	/* a group's stop is told by its signal */
	sig = p->group_flags & GROUP_STOPPED || p->stops_pending ? (int)p->stop_signal : SIGTRAP;
	process_sigunlock(sh, flags);
	ptrace_stop(STOP_GROUP, sig | PTRACE_EVENT_STOP << 8, NULL, PTRACE_NO_CALL);
}

/* Taking part in a group stop. */
void ptrace_group_stop(void)
{
	unsigned how = traced_how(current);
	int sig = (int)READ_ONCE(current->process->stop_signal);

	if (how)
		ptrace_stop(STOP_GROUP, how & SEIZED ? sig | PTRACE_EVENT_STOP << 8 : sig, NULL, PTRACE_NO_CALL);
}

/* The child of a traced thread is traced by the same. Not yet running. */
void ptrace_clone(struct task *child, uint64_t clone_flags)
{
	struct ptrace *fresh = kzalloc(sizeof(*fresh), 0), *pt;
	unsigned long flags = spin_lock_irqsave(&process_tree_lock), irq;
	struct abi_siginfo info = { .si_signo = SIGSTOP, .si_code = SI_USER };
	struct sighand *sh;
	bool seized;

	pt = current->ptrace;
	if (!pt || !fresh || child->ptrace) {
		spin_unlock_irqrestore(&process_tree_lock, flags);
		kfree(fresh);
		return;
	}
	list_init(&fresh->link);
	fresh->tracee = child;
	fresh->tracer = pt->tracer;
	process_get(fresh->tracer);
	fresh->thread = pt->thread;
	fresh->options = pt->options;
	fresh->powerful = pt->powerful;
	seized = fresh->seized = pt->seized;
	list_add_tail(&fresh->link, &pt->tracer->ptraced);
	sh = process_siglock(child->process, &irq);	/* it is in the tree: signals for it look */
	rcu_assign(child->ptrace, fresh);
	if (seized) {
		fresh->stop_work = true;
		WRITE_ONCE(child->sig_work, true);
	}
	process_sigunlock(sh, irq);
	spin_unlock_irqrestore(&process_tree_lock, flags);
	if (!seized)		/* the tracer may have gone, and fresh with it */
		signal_send_task(child, SIGSTOP, &info);
}

/* execve has happened. */
void ptrace_exec(void)
{
	unsigned how = traced_how(current);

	if (how & PTRACE_O_TRACEEXEC)
		ptrace_event(PTRACE_EVENT_EXEC, (uint64_t)task_tid(current));
	else if (how && !(how & SEIZED)) {
		struct abi_siginfo info = { .si_signo = SIGTRAP, .si_code = SI_USER };

		info.kill.pid = process_pid(current->process);
		signal_send_task(current, SIGTRAP, &info);
	}
}

/* ---- waiting and exit ---- */

bool ptrace_delays_wait(const struct process *p)
{
	return p->reports || (p->leader && p->leader->ptrace && p->leader->ptrace->exited);
}

/* What waitid(2) tells of a wait status. */
static void report_end(struct ptrace_report *out, int st)
{
	out->code = st & 0x80 ? CLD_DUMPED : st & 0x7f ? CLD_KILLED : CLD_EXITED;
	out->status = st & 0x7f ? st & 0x7f : st >> 8 & 0xff;
	out->wait_status = st;
}

int ptrace_wait(struct process *tracer, const struct task *thread, const struct pid *only, const struct pid *pgrp, bool keep, unsigned options, struct ptrace_report *out)
{
	enum { WEXITED = 4 };
	struct ptrace *pt;
	int ret = -ECHILD;

	list_for_each(pt, &tracer->ptraced, link) {
		struct task *t = pt->tracee;
		struct process *p;
		struct sighand *sh;
		unsigned long flags;
		bool found = false;

		if (!t) {
			if ((thread && pt->thread != thread) || (only && pt->end.pid != only) || (pgrp && pt->end.process->pid[PID_PGRP] != pgrp))
				continue;
			ret = 0;
			if (!(options & WEXITED))
				continue;
			*out = (struct ptrace_report){ .nr = pt->end.pid->nr, .uid = pt->end.uid };
			report_end(out, pt->end.status);
			if (!keep)
				out->dead = report_drop(pt);
			return 1;
		}
		p = t->process;
		if ((thread && pt->thread != thread) || (only && t->pid != only) || (pgrp && p->pid[PID_PGRP] != pgrp))
			continue;
		ret = 0;
		*out = (struct ptrace_report){ .nr = task_tid(t), .uid = task_uid(t) };
		if (pt->exited && !p->reports && options & WEXITED) {
			report_end(out, p->exit_code);
			if (!keep) {
				out->dead = p;
				ptrace_unlink(pt);
			}
			return 1;
		}
		sh = process_siglock(p, &flags);
		if (pt->stopped && !pt->reported && !pt->listening) {
			found = true;
			if (!keep)
				pt->reported = true;
			out->code = CLD_TRAPPED;
			out->status = pt->stop_code;
			out->wait_status = pt->stop_code << 8 | 0x7f;
		}
		process_sigunlock(sh, flags);
		if (found)
			return 1;
	}
	return ret;
}

void ptrace_exit_tracer(struct process *p, struct task *t, bool last, struct list_head *released)
{
	struct ptrace *pt, *tmp;

	p->traces_no_more = last;
	list_for_each_safe(pt, tmp, &p->ptraced, link) {
		struct process *victim;
		bool kill = READ_ONCE(pt->options) & PTRACE_O_EXITKILL, dead = pt->exited;

		if (pt->thread != t && !last)
			continue;
		if (!pt->tracee) {
			victim = report_drop(pt);
			if (victim && exit_notify_parent(victim))
				process_release(victim, released);
			continue;
		}
		victim = pt->tracee->process;
		ptrace_unlink(pt);
		if (kill)
			signal_send_process(victim, SIGKILL, NULL);
		/* The real parent was kept waiting. */
		if (dead && !victim->reports && exit_notify_parent(victim))
			process_release(victim, released);
	}
}

/* [tree] One of several threads: what is to be told of it stays. */
static void thread_ends(struct ptrace *pt, int status)
{
	struct task *t = pt->tracee;
	unsigned long flags;
	struct sighand *sh;

	pt->end.pid = t->pid;
	pid_keep(t->pid);
	pt->end.process = t->process;
	process_get(t->process);
	t->process->reports++;
	pt->end.uid = task_uid(t);
	pt->end.status = status;
	ptrace_tell(pt, status & 0x7f ? CLD_KILLED : CLD_EXITED, status & 0x7f ? status & 0x7f : status >> 8);
	sh = process_siglock(t->process, &flags);
	WRITE_ONCE(t->ptrace, NULL);
	process_sigunlock(sh, flags);
	pt->tracee = NULL;
}

void ptrace_exit_tracee(struct task *t, int status, bool last)
{
	struct process *p = t->process;
	unsigned long flags;
	struct sighand *sh;
	struct ptrace *pt;

	if (t->ptrace && t != p->leader) {
		sh = process_siglock(p, &flags);	/* another thread may be about to say how the group ends */
		if (p->group_flags & GROUP_EXITING)
			status = p->exit_code;
		process_sigunlock(sh, flags);
		thread_ends(t->ptrace, status);
	}
	pt = last ? p->leader->ptrace : NULL;
	if (!pt)
		return;
	if (pt->tracer != p->parent) {
		pt->exited = true;
		ptrace_tell(pt, CLD_EXITED, p->exit_code);
		return;
	}
	waitq_wake_all(&pt->tracer->child_wait);
	ptrace_unlink(pt);
}
