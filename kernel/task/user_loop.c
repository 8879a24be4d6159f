/* SPDX-License-Identifier: MIT */
/*
 * The loop of a user thread: run user code, see why it stopped, serve it, do
 * what is due before it may go on.  The same on every port.
 *
 * Interrupts are off around hal_user_run(), and sig_work and need_resched are
 * looked at with interrupts off: whoever sets them afterwards interrupts this
 * CPU, and hal_user_run() then returns HAL_TRAP_KICK at once.
 *
 * User time is CPU time that passed inside hal_user_run(), measured with the
 * scheduler's clock of this thread, so that preemption does not count.
 *
 * Each return is an event in the CPU's trace ring (<kernel/trace.h>).
 */
#include <kernel/file.h>
#include <kernel/string.h>
#include <kernel/syscall.h>
#include <kernel/vm.h>
#include "ptrace.h"
#include "task_impl.h"

/* What a call that does not come back is traced with, before it is made. */
#define STRACE_NO_RESULT INT64_MIN

static bool strace_no_return(unsigned nr)
{
	const struct syscall_desc *d = syscall_lookup(nr);

	return d && (!strcmp(d->name, "exit") || !strcmp(d->name, "exit_group"));
}

static void task_strace(unsigned nr, const uint64_t *args, long result, const char *call, size_t n)
{
	char line[640];
	size_t len;

	len = (size_t)ksnprintf(line, sizeof(line), "[%d] %.*s ", task_tid(current), (int)n, call);
	if (len > sizeof(line) - 80)
		len = sizeof(line) - 80;
	if (result == STRACE_NO_RESULT)
		len += (size_t)ksnprintf(line + len, sizeof(line) - len - 2, "= ?");
	else
		len += syscall_format_exit(line + len, sizeof(line) - len - 2, nr, args, result);
	line[len++] = '\n';
	hal_console_write(line, len);
}

static void task_syscall(struct task *t)
{
	struct abi_regs *r = hal_user_call_regs(t->uctx);
	unsigned nr = abi_syscall_nr(r);
	uaddr_t hot = t->trap.hot_call;
	unsigned traced;
	unsigned watch = READ_ONCE(syscall_watch);
	bool trace = watch & SYSCALL_STRACE;
	char call[512];
	size_t n = 0;
	long result;

	traced = ptrace_syscalls(t);
	if (unlikely(traced & PTRACE_AT_ENTRY)) {
		ptrace_syscall_stop(true);
		nr = abi_syscall_nr(r);
		/* Changed to -1 by the tracer, or emulated by it: no call at all, and the result is what it put there. */
		if (nr == UINT32_MAX || traced & PTRACE_EMULATED)
			goto exit_stop;
	}
	if (unlikely(READ_ONCE(t->seccomp_mode)) && !seccomp_allows(t, &nr))
		goto exit_stop;
	if (unlikely(hot))
		vm_hot_call(t->vm, hot);
	abi_syscall_args(r, t->syscall_args);
	t->syscall_nr = nr;
	if (unlikely(watch & SYSCALL_COUNT) && READ_ONCE(t->process->count_calls))
		syscall_count(nr);
	if (unlikely(trace))
		n = syscall_format_entry(call, sizeof(call), nr, t->syscall_args);
	if (unlikely(trace) && strace_no_return(nr))
		task_strace(nr, t->syscall_args, STRACE_NO_RESULT, call, n);
	result = syscall_dispatch(nr, t->syscall_args);
	if (unlikely(trace))
		task_strace(nr, t->syscall_args, result, call, n);
	t->syscall_nr = -1;
	abi_syscall_result(r, result);
exit_stop:
	if (unlikely(ptrace_syscalls(t) & PTRACE_AT_EXIT))
		ptrace_syscall_stop(false);
}

static void task_fault(struct task *t)
{
	int code = SEGV_MAPERR;
	int err = vm_fault(t->vm, t->trap.addr, t->trap.access, &code);

	switch (err) {
	case 0:
	case -EINTR:		/* a fatal signal is pending */
		break;
	case -EIO:
		signal_force(SIGBUS, BUS_ADRERR, t->trap.addr);
		break;
	case -ENOMEM:
		/* The OOM path has chosen a victim; if it is not this thread, try again when there is memory. */
		if (!fatal_signal_pending(t))
			sched_yield();
		break;
	default:
		signal_force(SIGSEGV, code, t->trap.addr);
		break;
	}
}

static void task_exception(struct task *t)
{
	/* Whose tracer made it step and is gone dies of the step, as on Linux; but init does not. */
	if (READ_ONCE(t->process->no_signals) && t->trap.signal == SIGTRAP && t->trap.si_code == TRAP_TRACE && !READ_ONCE(t->ptrace))
		hal_user_single_step(t->uctx, false);
	else
		signal_force(t->trap.signal, t->trap.si_code, t->trap.addr);
}

/* What is due before user code.  Interrupts on. */
static void task_work(struct task *t)
{
	struct abi_regs *r = hal_user_call_regs(t->uctx);
	long result = abi_in_syscall(r) ? abi_syscall_get_result(r) : 0;

	if (unlikely(t->files_later))
		files_close_later(t);
	if (unlikely(signal_pending(t) || t->restore_sigmask || (result <= -ERESTARTSYS && result >= -ERESTART_RESTARTBLOCK)))
		signal_deliver();
	if (unlikely(t->rseq))
		rseq_user_return(t);
}

/*
 * May the machine answer calls itself?  Not if anybody watches them: then each comes here.  A tracer that comes later stops the thread
 * before it asks for calls; a filter that another thread puts up (seccomp.c: sync_threads()) tells the machine by itself.
 */
static void task_answers(struct task *t)
{
	bool watched = READ_ONCE(syscall_watch) & SYSCALL_STRACE || READ_ONCE(t->ptrace) || READ_ONCE(t->seccomp_mode);
	pid_t tid = watched ? 0 : task_tid(t);

	if (likely(tid == t->answers))
		return;
	t->answers = tid;
	hal_user_answers(t->uctx, tid ? process_pid(t->process) : 0, tid);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);	/* either that thread sees that we are told, or we its filter */
	if (READ_ONCE(t->seccomp_mode) && tid) {
		t->answers = 0;
		hal_user_answers(t->uctx, 0, 0);
	}
}

/* Why user code stopped, into this CPU's ring.  Interrupts off. */
static void task_trace(const struct task *t, enum hal_trap why)
{
	const struct abi_regs *r = hal_user_call_regs(t->uctx);
	struct trace_ring *ring = &this_cpu()->trace;
	uint32_t tid = (uint32_t)task_tid(t);

	switch (why) {
	case HAL_TRAP_SYSCALL:
		trace_add(ring, TRACE_SYSCALL, tid, 0, abi_syscall_nr(r), abi_syscall_arg0(r));
		break;
	case HAL_TRAP_FAULT:
		trace_add(ring, TRACE_FAULT, tid, 0, t->trap.addr, t->trap.access);
		break;
	case HAL_TRAP_EXCEPTION:
		trace_add(ring, TRACE_TRAP, tid, 0, abi_regs_pc(r), (uint64_t)t->trap.signal);
		break;
	case HAL_TRAP_KICK:
		trace_add(ring, TRACE_KICK, tid, 0, abi_regs_pc(r), 0);
		break;
	}
}

_Noreturn void task_user_loop(void)
{
	struct task *t = current;

	for (;;) {
		enum hal_trap why;
		uint64_t before;

		task_work(t);
		sched_user_return();
		lock_assert_none_held();
		task_answers(t);

		hal_irq_disable();
		if (unlikely(signal_pending(t) || sched_need_resched() || (t->rseq && t->rseq_switches != t->switches))) {
			hal_irq_enable();
			continue;
		}
		before = sched_own_runtime_ns();
		why = hal_user_run(t->uctx, &t->trap);
		WRITE_ONCE(t->user_ns, t->user_ns + (sched_own_runtime_ns() - before));
		task_trace(t, why);
		hal_irq_enable();

		switch (why) {
		case HAL_TRAP_SYSCALL:
			task_syscall(t);
			break;
		case HAL_TRAP_FAULT:
			task_fault(t);
			break;
		case HAL_TRAP_EXCEPTION:
			task_exception(t);
			break;
		case HAL_TRAP_KICK:
			if (unlikely(READ_ONCE(t->vm->held)))
				vm_user_wait(t->vm);
			if (unlikely(t->trap.hot_call))
				vm_hot_call(t->vm, t->trap.hot_call);
			break;
		}
	}
}

/* Where a cloned thread starts. */
void task_first_run(void *unused)
{
	struct task *t = current;

	if (t->set_child_tid && put_user(task_tid(t), t->set_child_tid))
		t->set_child_tid = 0;		/* as on Linux: the failure is not told */
	task_user_loop();
}
