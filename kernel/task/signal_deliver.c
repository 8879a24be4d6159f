/* SPDX-License-Identifier: MIT */
/*
 * Signals: delivery, on the way back to user code; group stops; the end of
 * interrupted system calls.
 *
 * An interrupted call answers with one of four private codes, and what becomes
 * of them is decided here, once it is known whether a handler runs:
 *
 *	-ERESTARTNOINTR		always run again
 *	-ERESTARTSYS		run again, unless a handler without SA_RESTART runs (then EINTR)
 *	-ERESTARTNOHAND		run again, unless any handler runs
 *	-ERESTART_RESTARTBLOCK	the same, but through restart_syscall(2), which knows how much is left
 *
 * A group stop: the thread that takes a stop signal asks all threads to take
 * part; the last one to stop tells the parent.  SIGCONT ends it when it is
 * sent, not when it is delivered (signal.c).
 */
#include "ptrace.h"
#include "task_impl.h"

static void signal_restart(struct hal_uctx *u, const struct ksigaction *sa)
{
	struct abi_regs *r = hal_user_regs(u);
	bool restart;

	if (!abi_in_syscall(r))
		return;
	switch (-abi_syscall_get_result(r)) {
	case ERESTART_RESTARTBLOCK:
	case ERESTARTNOHAND:
		restart = !sa;
		break;
	case ERESTARTSYS:
		restart = !sa || (sa->flags & SA_RESTART);
		break;
	case ERESTARTNOINTR:
		restart = true;
		break;
	default:
		abi_syscall_done(r);
		return;
	}
	if (restart)
		abi_syscall_restart(r, abi_syscall_get_result(r) == -ERESTART_RESTARTBLOCK);
	else
		abi_syscall_result(r, -EINTR);
	abi_syscall_done(r);
}

static void signal_handle(int sig, const struct ksigaction *sa, const struct abi_siginfo *info)
{
	struct task *t = current;
	uint64_t oldmask = t->restore_sigmask ? t->saved_sigmask : t->sigmask;
	uint64_t mask;

	signal_restart(t->uctx, sa);
	if (t->rseq)
		rseq_signal(t);
	if (abi_signal_frame(t->uctx, sa, info, oldmask, &t->trap)) {
		if (sig == SIGSEGV) {
			/* No room for its own handler: it cannot be told in any way but this. */
			unsigned long flags;
			struct sighand *sh = process_siglock(t->process, &flags);

			sh->action[SIGSEGV - 1].handler = SIG_DFL;
			process_sigunlock(sh, flags);
		}
		signal_force(SIGSEGV, SI_KERNEL, 0);
		return;
	}
	mask = t->sigmask | sa->mask;
	if (!(sa->flags & SA_NODEFER))
		mask |= SIGMASK(sig);
	t->restore_sigmask = false;
	signal_set_mask(mask);
	hal_user_single_step(t->uctx, false);
}

bool signal_stop_taken(struct task *t)
{
	struct process *p = t->process;
	bool counted = t->stop_pending == STOP_COUNTED && p->stops_pending;

	t->stop_pending = STOP_NONE;
	if (counted)
		p->stops_pending--;
	return counted && !p->stops_pending;
}

/* [sig] held; released.  Take part in a group stop and sleep until it is over. */
static void signal_stop(struct process *p, struct sighand *sh, unsigned long flags) NO_TSA
{
	struct task *t = current;
	bool last = signal_stop_taken(t), traced = t->ptrace;

	if (last) {
		WRITE_ONCE(p->group_flags, p->group_flags | GROUP_STOPPED);
		WRITE_ONCE(p->wait_stopped, true);
		p->wait_continued = false;
	}
	if (!traced)
		sched_set_state(TASK_STOPPED);
	process_sigunlock(sh, flags);
	if (last) {
		flags = spin_lock_irqsave(&process_tree_lock);
		if (READ_ONCE(p->wait_stopped))
			process_notify_parent(p, CLD_STOPPED, (int)READ_ONCE(p->stop_signal));
		spin_unlock_irqrestore(&process_tree_lock, flags);
	}
	if (traced)
		ptrace_group_stop();
	else
		schedule();
	ptrace_stopped();	/* a tracer may have come meanwhile */
}

/* [sig] Everybody in the group shall stop, this thread among them. */
static void signal_start_stop(struct process *p, int sig)
{
	struct task *t;

	if (p->stops_pending) {		/* somebody else started one */
		if (!current->stop_pending) {
			current->stop_pending = STOP_COUNTED;
			p->stops_pending++;
		}
		return;
	}
	WRITE_ONCE(p->stop_signal, (unsigned)sig);	/* told under [tree] alone */
	list_for_each(t, &p->threads, thread_link) {
		if ((READ_ONCE(t->flags) & TASKF_EXITING) || (READ_ONCE(t->state) & TASK_STOPPED))
			continue;
		t->stop_pending = STOP_COUNTED;
		p->stops_pending++;
		if (t != current) {
			signal_wake(t, false);
			ptrace_group_changes(t);
		}
	}
}

/* One round.  True: look again. */
static bool signal_deliver_one(void) NO_TSA
{
	struct task *t = current;
	struct process *p = t->process;
	struct abi_siginfo info;
	struct ksigaction sa;
	unsigned long flags;
	struct sighand *sh = process_siglock(p, &flags);
	int sig;

	if (p->group_flags & GROUP_CONTINUED) {
		WRITE_ONCE(p->group_flags, p->group_flags & ~(unsigned)GROUP_CONTINUED);
		process_sigunlock(sh, flags);
		flags = spin_lock_irqsave(&process_tree_lock);
		process_notify_parent(p, CLD_CONTINUED, SIGCONT);
		spin_unlock_irqrestore(&process_tree_lock, flags);
		return true;
	}
	if (t->pending.set & SIGMASK(SIGKILL)) {
		bool group = p->group_flags & GROUP_EXITING;
		int code = p->exit_code;

		if (!group && (p->group_flags & GROUP_EXEC)) {
			process_sigunlock(sh, flags);
			task_exit(0);		/* another thread runs execve */
		}
		process_sigunlock(sh, flags);
		process_exit(group ? code : SIGKILL);
	}
	if (t->stop_pending) {
		signal_stop(p, sh, flags);
		return true;
	}
	if (ptrace_has_work(t)) {
		process_sigunlock(sh, flags);
		ptrace_stop_work();
		return true;
	}
	sig = signal_take(t, t->sigmask, &info);
	if (!sig) {
		signal_recalc(t);
		process_sigunlock(sh, flags);
		return false;
	}
	t->may_stop = true;
	if (info.si_code == SI_TIMER) {
		process_sigunlock(sh, flags);
		signal_taken(&info);
		sh = process_siglock(p, &flags);
	}
	if (t->ptrace && sig != SIGKILL) {
		process_sigunlock(sh, flags);
		if (!ptrace_signal(&sig, &info))
			return true;
		sh = process_siglock(p, &flags);
		if (t->sigmask & SIGMASK(sig)) {
			signal_queue_locked(p, t, true, sig, &info, true);
			process_sigunlock(sh, flags);
			return true;
		}
	}
	sa = sh->action[sig - 1];
	if (sa.handler != SIG_DFL) {
		if (sa.handler != SIG_IGN && (sa.flags & SA_RESETHAND))
			sh->action[sig - 1].handler = SIG_DFL;
		process_sigunlock(sh, flags);
		if (sa.handler != SIG_IGN)
			signal_handle(sig, &sa, &info);
		return true;
	}
	/* Init's tracer may stop it, but not end it: Linux would let it, and stop with it. */
	if (signal_ignored_by_default(sig) || (p->no_signals && sig != SIGSTOP)) {
		process_sigunlock(sh, flags);
		return true;
	}
	if (SIGMASK(sig) & SIGMASK_STOP) {
		if (sig != SIGSTOP) {
			bool orphaned;

			process_sigunlock(sh, flags);
			flags = spin_lock_irqsave(&process_tree_lock);
			orphaned = pgrp_is_orphaned(p->pid[PID_PGRP]);
			spin_unlock_irqrestore(&process_tree_lock, flags);
			if (orphaned)
				return true;
			sh = process_siglock(p, &flags);
		}
		/* A SIGCONT or SIGKILL that came while nothing was locked wins. */
		if (t->may_stop && !(p->group_flags & (GROUP_EXITING | GROUP_EXEC)))
			signal_start_stop(p, sig);
		process_sigunlock(sh, flags);
		return true;
	}
	process_sigunlock(sh, flags);
	/* As Linux: who dies of its own fault is named in the log. */
	if ((SIGMASK(sig) & SIGMASK_SYNC) && info.si_code > 0 && info.si_code != SI_KERNEL) {
		char name[TASK_COMM_LEN];

		task_comm_get(t, name);
		klog_info("%s[%d]: signal %d, code %d, address %#llx, pc %#llx, sp %#llx", name, task_tid(t), sig, info.si_code,
			(unsigned long long)info.fault.addr, (unsigned long long)abi_regs_pc(hal_user_regs(t->uctx)),
			(unsigned long long)abi_regs_sp(hal_user_regs(t->uctx)));
	}
	if (SIGMASK(sig) & SIGMASK_CORE)
		process_exit_core(&info);
	process_exit(sig);
}

void signal_deliver(void)
{
	struct task *t = current;

	while (signal_deliver_one())
		;
	/* No handler has taken the call's interruption. */
	signal_restart(t->uctx, NULL);
	signal_restore_mask();
}
