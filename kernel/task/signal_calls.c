/* SPDX-License-Identifier: MIT */
/*
 * The system calls on signals.  kill(2), sigaction(2), sigprocmask(2),
 * sigtimedwait(2), sigsuspend(2), sigaltstack(2), sigqueue(3).
 */
#include <abi/time.h>
#include "syscall/syscall_impl.h"
#include "task_impl.h"

enum { SIGSET_SIZE = 8, MINSIGSTKSZ_X86 = 2048, MINSIGSTKSZ_ARM = 5120 };
#define SA_KNOWN (SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_ONSTACK | SA_RESTART | SA_NODEFER | SA_RESETHAND | \
	SA_RESTORER | SA_EXPOSE_TAGBITS)

static inline bool sig_valid(int sig) { return sig >= 1 && sig <= SIGRTMAX; }

/* ---- sending ---- */

int signal_kill_process(struct process *p, int sig, const struct abi_siginfo *info)
{
	if (sig < 0 || sig > SIGRTMAX)
		return -EINVAL;
	if (!signal_permitted(p, sig))
		return -EPERM;
	return signal_send_process(p, sig, info);
}

/* A growing list of processes, with references. */
struct processes { struct process **list; size_t n, max; };

/* [tree] One more that is wanted, if there is room; counted in any case. */
static void processes_add(struct processes *l, struct process *p)
{
	if (l->n < l->max) {
		process_get(p);
		l->list[l->n] = p;
	}
	l->n++;
}

/* [tree] Those of a group, or all that kill(-1) is for. */
static void processes_collect(struct processes *l, struct pid *pgrp)
{
	struct list_head *h = pgrp ? &pgrp->members[PID_PGRP] : &process_list;
	struct process *p;

	l->n = 0;
	for (struct list_head *i = h->next; i != h; i = i->next) {
		p = pgrp ? container_of(i, struct process, pid_link[PID_PGRP]) : container_of(i, struct process, all_link);
		if (pgrp || !(p->zombie || p == init_process || p == current->process))
			processes_add(l, p);
	}
}

/* To every process, or every one of a group: success if one got it. */
int signal_kill_pgrp(struct pid *pgrp, int sig, const struct abi_siginfo *info)
{
	struct processes l = { NULL, 0, 0 };
	unsigned long flags;
	int err = -ESRCH;

	/* Collected first: permission checks are not for a spinlock's inside. */
	for (;;) {
		flags = spin_lock_irqsave(&process_tree_lock);
		processes_collect(&l, pgrp);
		spin_unlock_irqrestore(&process_tree_lock, flags);
		if (l.n <= l.max)
			break;
		for (size_t i = 0; i < l.max; i++)
			process_put(l.list[i]);
		kfree(l.list);
		l.max = l.n + 16;
		l.list = kmalloc(l.max * sizeof(*l.list), 0);
		if (!l.list)
			return -ENOMEM;
	}
	for (size_t i = 0; i < l.n; i++) {
		int one = signal_kill_process(l.list[i], sig, info);

		if (err == -ESRCH || (err == -EPERM && one != -EPERM))
			err = one;
		process_put(l.list[i]);
	}
	kfree(l.list);
	return err == -EPERM && !pgrp ? 0 : err;	/* kill(-1): those that may not be signalled do not count */
}

/* The process of this number, or that of the thread that has it; with a reference. */
static struct process *process_of(pid_t nr)
{
	struct process *p = process_find(nr);
	struct task *t = p ? NULL : task_find(nr);

	if (t && t->process) {
		p = t->process;
		process_get(p);
	}
	task_put(t);
	return p;
}

long sys_kill(int pid, int sig)
{
	struct abi_siginfo info;
	struct process *p;
	struct pid *pgrp;
	long err;

	signal_info_user(&info, sig, SI_USER);	/* whether there is such a signal is asked of each that it is for */
	if (pid > 0) {
		p = process_of(pid);
		if (!p)
			return -ESRCH;
		err = signal_kill_process(p, sig, &info);
		process_put(p);
		return err;
	}
	if (pid == -1)
		return signal_kill_pgrp(NULL, sig, &info);
	if (pid == INT32_MIN)
		return -ESRCH;
	if (pid == 0) {
		unsigned long flags = spin_lock_irqsave(&process_tree_lock);

		pgrp = current->process->pid[PID_PGRP];
		pid_get(pgrp);
		spin_unlock_irqrestore(&process_tree_lock, flags);
	} else {
		pgrp = pid_find(-pid);
		if (!pgrp)
			return -ESRCH;
	}
	err = signal_kill_pgrp(pgrp, sig, &info);
	pid_put(pgrp);
	return err;
}

long signal_kill_thread(struct pid *pid, int tgid, int sig, const struct abi_siginfo *info)
{
	struct task *t = pid ? pid_task(pid) : NULL;
	long err = -ESRCH;

	if (t && t->process && (tgid <= 0 || process_pid(t->process) == tgid)) {
		if (sig < 0 || sig > SIGRTMAX)
			err = -EINVAL;
		else if (!signal_permitted(t->process, sig))
			err = -EPERM;
		else {
			err = signal_send_task(t, sig, info);
			/* A thread on its way out still has its number: no error, as for zombies. */
			if (err == -ESRCH)
				err = 0;
		}
	}
	task_put(t);
	return err;
}

static long kill_thread_nr(int tgid, int tid, int sig, const struct abi_siginfo *info)
{
	struct pid *pid = pid_find(tid);
	long err = signal_kill_thread(pid, tgid, sig, info);

	pid_put(pid);
	return err;
}

long sys_tgkill(int tgid, int tid, int sig)
{
	struct abi_siginfo info;

	if (tgid <= 0 || tid <= 0)
		return -EINVAL;
	signal_info_user(&info, sig, SI_TKILL);
	return kill_thread_nr(tgid, tid, sig, &info);
}

long sys_tkill(int tid, int sig)
{
	struct abi_siginfo info;

	if (tid <= 0)
		return -EINVAL;
	signal_info_user(&info, sig, SI_TKILL);
	return kill_thread_nr(0, tid, sig, &info);
}

/* Does Linux know what such a signal says, which is all in the first 48 bytes? */
static bool layout_known(int sig, int code)
{
	static const uint8_t last_code[32] = { [SIGILL] = 11, [SIGFPE] = 15, [SIGSEGV] = 10, [SIGBUS] = 5, [SIGTRAP] = 6, [SIGCHLD] = 6, [SIGIO] = 6,
		[SIGSYS] = 2 };

	if (code == SI_KERNEL || (code <= 0 && code >= SI_DETHREAD) || code == SI_ASYNCNL)
		return true;
	return code > 0 && code <= (sig > 0 && sig < 32 && last_code[sig] ? last_code[sig] : 6);
}

int siginfo_from_user(struct abi_siginfo *info, uaddr_t uinfo, int sig)
{
	enum { KNOWN = 48 };	/* bytes that Linux keeps; it looks at the others only if it does not know what they are */
	uint8_t *more = (uint8_t *)info + KNOWN;

	if (copy_from_user(info, uinfo, KNOWN))
		return -EFAULT;
	if (sig >= 0)
		info->si_signo = sig;
	if (!layout_known(info->si_signo, info->si_code)) {
		if (copy_from_user(more, uinfo + KNOWN, sizeof(*info) - KNOWN))
			return -EFAULT;
		for (size_t i = 0; i < sizeof(*info) - KNOWN; i++)
			if (more[i])
				return -E2BIG;
	}
	memset(more, 0, sizeof(*info) - KNOWN);
	return 0;
}

static int siginfo_import(struct abi_siginfo *info, int sig, uaddr_t uinfo, pid_t target)
{
	int err = siginfo_from_user(info, uinfo, sig);

	info->si_signo = sig;
	if (err)
		return err;
	/* Nobody may pretend to be the kernel, or kill(2), towards others: its own number is a thread's, not its process's. */
	if ((info->si_code >= 0 || info->si_code == SI_TKILL) && target != task_tid(current))
		return -EPERM;
	return 0;
}

long sys_rt_sigqueueinfo(int pid, int sig, uaddr_t uinfo)
{
	struct abi_siginfo info;
	struct process *p;
	long err = siginfo_import(&info, sig, uinfo, pid);

	if (err)
		return err;
	p = process_of(pid);
	if (!p)
		return -ESRCH;
	err = sig < 0 || sig > SIGRTMAX ? -EINVAL : signal_kill_process(p, sig, &info);
	process_put(p);
	return err;
}

long sys_rt_tgsigqueueinfo(int tgid, int tid, int sig, uaddr_t uinfo)
{
	struct abi_siginfo info;
	long err;

	err = siginfo_from_user(&info, uinfo, sig);
	if (err)
		return err;
	if (tgid <= 0 || tid <= 0)
		return -EINVAL;
	err = siginfo_import(&info, sig, uinfo, tid);
	if (err)
		return err;
	return kill_thread_nr(tgid, tid, sig, &info);
}

/* ---- actions and masks ---- */

/* The kernel's struct sigaction: x86-64 and AArch64 both have the restorer. */
struct abi_ksigaction { uint64_t handler, flags, restorer, mask; };

long sys_rt_sigaction(int sig, uaddr_t act, uaddr_t oact, size_t size)
{
	struct process *p = current->process;
	struct abi_ksigaction in = { 0, 0, 0, 0 }, out;
	struct ksigaction *ka;
	struct sighand *sh;
	unsigned long flags;

	if (size != SIGSET_SIZE)
		return -EINVAL;
	if (act && get_user(in, act))
		return -EFAULT;
	if (!sig_valid(sig) || (act && (SIGMASK(sig) & SIGMASK_UNBLOCKABLE)))
		return -EINVAL;
	sh = process_siglock(p, &flags);
	ka = &sh->action[sig - 1];
	out = (struct abi_ksigaction){ ka->handler, ka->flags, ka->restorer, ka->mask };
	if (act) {
		/* Unknown flags read back as 0: that is how programs probe for them. */
		ka->flags = in.flags & SA_KNOWN;
		ka->handler = in.handler;
		ka->restorer = in.restorer;
		ka->mask = in.mask & ~SIGMASK_UNBLOCKABLE;
		/* POSIX: what is pending and becomes ignored is thrown away, blocked or not. */
		if (ka->handler == SIG_IGN || (ka->handler == SIG_DFL && signal_ignored_by_default(sig))) {
			struct task *t;

			sigqueue_flush_mask(&p->shared_pending, SIGMASK(sig));
			list_for_each(t, &p->threads, thread_link)
				sigqueue_flush_mask(&t->pending, SIGMASK(sig));
		}
	}
	process_sigunlock(sh, flags);
	return oact ? copy_to_user(oact, &out, sizeof(out)) : 0;
}

long sys_rt_sigprocmask(int how, uaddr_t set, uaddr_t oset, size_t size)
{
	uint64_t old = current->sigmask, mask;

	if (size != SIGSET_SIZE)
		return -EINVAL;
	if (set) {
		if (get_user(mask, set))
			return -EFAULT;
		mask &= ~SIGMASK_UNBLOCKABLE;
		switch (how) {
		case SIG_BLOCK:
			mask |= old;
			break;
		case SIG_UNBLOCK:
			mask = old & ~mask;
			break;
		case SIG_SETMASK:
			break;
		default:
			return -EINVAL;
		}
		if (mask != old)
			signal_set_mask(mask);
	}
	return oset ? put_user(old, oset) : 0;
}

long sys_rt_sigpending(uaddr_t set, size_t size)
{
	uint64_t pending = signal_pending_set() & current->sigmask;

	if (size > SIGSET_SIZE)
		return -EINVAL;
	return size ? copy_to_user(set, &pending, size) : 0;
}

long sys_rt_sigsuspend(uaddr_t set, size_t size)
{
	uint64_t mask;

	if (size != SIGSET_SIZE)
		return -EINVAL;
	if (get_user(mask, set))
		return -EFAULT;
	signal_set_temporary_mask(mask);
	while (!signal_pending(current)) {
		sched_set_state(TASK_INTERRUPTIBLE);
		if (!signal_pending(current))
			schedule();
		sched_set_state(TASK_RUNNING);
	}
	return -ERESTARTNOHAND;
}

long sys_pause(void)
{
	while (!signal_pending(current)) {
		sched_set_state(TASK_INTERRUPTIBLE);
		if (!signal_pending(current))
			schedule();
		sched_set_state(TASK_RUNNING);
	}
	return -ERESTARTNOHAND;
}

/*
 * The awaited signals are unblocked while it waits, so that senders wake this
 * thread; sigwait_set keeps them from being ignored or from killing meanwhile.
 */
long sys_rt_sigtimedwait(uaddr_t uset, uaddr_t uinfo, uaddr_t utimeout, size_t size)
{
	struct task *t = current;
	struct abi_timespec ts;
	struct abi_siginfo info;
	uint64_t set, deadline = UINT64_MAX, saved;
	struct sighand *sh;
	unsigned long flags;
	long ret = -EAGAIN;
	int sig;

	if (size != SIGSET_SIZE)
		return -EINVAL;
	if (get_user(set, uset))
		return -EFAULT;
	set &= ~SIGMASK_UNBLOCKABLE;
	if (utimeout) {
		if (get_user(ts, utimeout))
			return -EFAULT;
		if (ts.tv_sec < 0 || (uint64_t)ts.tv_nsec >= NSEC_PER_SEC)
			return -EINVAL;
		deadline = time_deadline_ns(&ts);
	}
	sh = process_siglock(t->process, &flags);
	sig = signal_take(t, ~set, &info);
	if (!sig && !(utimeout && ts.tv_sec == 0 && ts.tv_nsec == 0)) {
		saved = t->sigmask;
		t->sigwait_set = set & saved;
		t->sigmask = saved & ~set;
		signal_recalc(t);
		process_sigunlock(sh, flags);

		sched_set_state(TASK_INTERRUPTIBLE);
		/* Woken for a signal that another thread has taken since, it was interrupted. */
		if (signal_pending(t) || schedule_until(deadline) > 0)
			ret = -EINTR;
		sched_set_state(TASK_RUNNING);

		sh = process_siglock(t->process, &flags);
		t->sigwait_set = 0;
		sig = signal_take(t, ~set, &info);
		t->sigmask = saved;
		signal_recalc(t);
	} else {
		signal_recalc(t);
	}
	process_sigunlock(sh, flags);
	if (!sig)
		return ret;
	signal_taken(&info);
	if (uinfo && copy_to_user(uinfo, &info, sizeof(info)))
		return -EFAULT;
	return sig;
}

long sys_restart_syscall(void)
{
	struct restart_block *rb = &current->restart;

	if (!rb->fn)
		return -EINTR;
	return rb->fn(rb);
}

/* ---- the alternate stack ---- */

struct abi_stack { uint64_t sp; int32_t flags, pad; uint64_t size; };

static bool on_altstack(const struct task *t, uaddr_t sp)
{
	if (t->altstack_flags & SS_AUTODISARM)
		return false;
	return sp > t->altstack_sp && sp - t->altstack_sp <= t->altstack_size;
}

long sys_sigaltstack(uaddr_t uss, uaddr_t uold)
{
	struct task *t = current;
	uaddr_t sp = abi_regs_sp(hal_user_regs(t->uctx));
	struct abi_stack in, old = { .sp = t->altstack_sp, .size = t->altstack_size };
	bool on = t->altstack_size && on_altstack(t, sp);

	old.flags = (int32_t)((t->altstack_size ? (on ? SS_ONSTACK : 0) : SS_DISABLE) | (t->altstack_flags & SS_AUTODISARM));
	if (uss) {
		unsigned mode;

		if (get_user(in, uss))
			return -EFAULT;
		if (on)
			return -EPERM;
		mode = (unsigned)in.flags & ~SS_AUTODISARM;
		if (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0)
			return -EINVAL;
		if (mode == SS_DISABLE) {
			in.size = 0;
			in.sp = 0;
		} else if (in.size < (abi_elf_machine == 62 ? MINSIGSTKSZ_X86 : MINSIGSTKSZ_ARM)) {
			return -ENOMEM;
		}
		t->altstack_sp = in.sp;
		t->altstack_size = in.size;
		t->altstack_flags = (unsigned)in.flags;
	}
	return uold ? put_user(old, uold) : 0;
}

long sys_rt_sigreturn(void)
{
	if (abi_signal_return(current->uctx))
		signal_force(SIGSEGV, SI_KERNEL, 0);
	/* The registers are the frame's now: the loop must not write a result over them. */
	return abi_syscall_get_result(hal_user_regs(current->uctx));
}
