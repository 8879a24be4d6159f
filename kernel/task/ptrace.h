/* SPDX-License-Identifier: MIT */
/* Inside the tracing code, and what wait(2) and exit have to know of it. */
#ifndef TASK_PTRACE_H
#define TASK_PTRACE_H
#include <kernel/task.h>

enum { PTRACE_O_TRACESYSGOOD = 1, PTRACE_O_TRACEFORK = 2, PTRACE_O_TRACEVFORK = 4, PTRACE_O_TRACECLONE = 8, PTRACE_O_TRACEEXEC = 16,
	PTRACE_O_TRACEVFORKDONE = 32, PTRACE_O_TRACEEXIT = 64, PTRACE_O_TRACESECCOMP = 128, PTRACE_O_EXITKILL = 0x100000,
	PTRACE_O_ALL = 0x1000ff };
enum ptrace_call { PTRACE_NO_CALL, PTRACE_CALL_ENTRY, PTRACE_CALL_EXIT, PTRACE_CALL_SECCOMP };
/* At which ends of a system call a tracee stops; with PTRACE_EMULATED it is not made. */
enum { PTRACE_AT_ENTRY = 1, PTRACE_AT_EXIT = 2, PTRACE_EMULATED = 4 };

/* The bond between a tracee and its tracer. */
struct ptrace {
	struct list_head link;		/* [tree] on tracer->ptraced */
	struct task *tracee;		/* [tree] no reference: the tracee owns this; NULL: it has ended, and only its report is left */
	struct process *tracer;		/* [I] reference */
	struct task *thread;		/* [I] the tracer's thread, the only one that may ask; for comparing only: it lets go when it ends */
	unsigned options;		/* [sig] of the tracee, as all below */
	bool seized;
	bool powerful;			/* [I] who tied it may trace anybody (CAP_SYS_PTRACE): the tracee's execs may gain */
	uint8_t syscalls;		/* PTRACE_AT_*; read without a lock */
	bool stop_work;			/* it is to stop before user code */
	bool stopped;			/* in a ptrace stop; the tracer clears it to resume */
	bool listening;			/* PTRACE_LISTEN: stopped, but not for the tracer, until its group goes on or stops anew */
	bool frozen;			/* the tracer is at work on it: not even SIGKILL gets it out of its stop */
	bool reported;			/* the tracer has waited for this stop */
	bool exited;			/* the tracee is a zombie that the tracer, not being its parent, has yet to wait for */
	struct { struct process *process; struct pid *pid; uint32_t uid; int status; } end;	/* [tree] of a thread that has ended: references, wait status */
	int stop_code;			/* signal | event << 8 */
	enum ptrace_call call;		/* which kind of stop this is, for PTRACE_GET_SYSCALL_INFO */
	uint64_t message;
	bool has_info;			/* the stop is one that has a siginfo: not a group's that an attached (not seized) tracee takes part in */
	struct abi_siginfo info;	/* of the stop */
	struct rcu_head rcu;		/* the tracee looks at it without a lock */
};

/* What a tracer learns by waiting. */
struct ptrace_report { pid_t nr; uint32_t uid; int code, status, wait_status; struct process *dead; };
/* [tree] 1: a report; 0: tracees, nothing new; -ECHILD: none that match.  thread: of that thread's tracees; NULL: of all. */
int ptrace_wait(struct process *tracer, const struct task *thread, const struct pid *only, const struct pid *pgrp, bool keep, unsigned options, struct ptrace_report *out);
/* [tree] Its tracer has to see the death before the real parent. */
bool ptrace_delays_wait(const struct process *p);
/* [tree] Its thread t goes.  released: takes the dead that nobody waits for any more, for process_release_finish(). */
void ptrace_exit_tracer(struct process *p, struct task *t, bool last, struct list_head *released);
/* [tree] t ends with that wait status.  last: so has its process. */
void ptrace_exit_tracee(struct task *t, int status, bool last);
/* [sig] held: has to stop before user code runs. */
bool ptrace_has_work(const struct task *t);
/* [sig] held: its group goes on, or is about to stop.  A seized tracee stops to tell; one that listens at once. */
void ptrace_group_changes(struct task *t);
/* Detach and free; [tree]. */
void ptrace_unlink(struct ptrace *pt);
bool exit_notify_parent(struct process *p);		/* exit.c, [tree] */
void ptrace_group_stop(void);
/* [tree] To the tracer: SIGCHLD with that code and status, and whoever waits. */
void ptrace_tell(struct ptrace *pt, int code, int status);
/* [tree, sig] The tracer that has just come finds it stopped with its group: from now on it is stopped for the tracer. */
void ptrace_take_over(struct ptrace *pt);
/* current's stop, for a tracer or not, is over: as soon as no tracer is at work on it. */
void ptrace_stopped(void);
#endif
