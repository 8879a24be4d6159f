/* SPDX-License-Identifier: MIT */
/*
 * What the files of kernel/task share.
 *
 * Locks: process_tree_lock (spinlock, interrupts off) is outside of every
 * sighand lock.  Both are taken from interrupt context (timers that send
 * signals), so always with interrupts off.
 */
#ifndef TASK_IMPL_H
#define TASK_IMPL_H
#include <hal/aspace.h>
#include <kernel/abi_cpu.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/task.h>
#include <kernel/print.h>
#include <kernel/uaccess.h>

/* ---- pid.c ---- */
struct pid *pid_alloc(void);			/* registered, one reference; NULL: no memory or number */
void pid_forget(struct pid *pid);		/* [tree] nobody bears it: the number is free again */
void pid_keep(struct pid *pid);			/* [tree] not yet: somebody is to be told of who bore it */
void pid_release(struct pid *pid);		/* [tree] */
struct pid *pid_find_locked(pid_t nr);		/* [tree] no reference taken */
void pid_attach_process(struct process *p, enum pid_type type, struct pid *pid);	/* [tree] takes a reference */
void pid_detach_process(struct process *p, enum pid_type type);	/* [tree] */
void pid_attach_task(struct task *t, struct pid *pid);
void pid_detach_task(struct task *t);
void pid_init(void);

/* ---- task.c ---- */
struct process *process_alloc(void);		/* zeroed lists, one reference; NULL: no memory */
struct sighand *sighand_create(void);
void sighand_put(struct sighand *sh);
/* Give the exec'ing process handlers of its own if others share them.  0 or -ENOMEM. */
int sighand_unshare(struct process *p);
void task_first_run(void *unused);

/* ---- signal.c ---- */
/* All [sig]: with the siglock of p held. */
int signal_queue_locked(struct process *p, struct task *t, bool private, int sig, const struct abi_siginfo *info, bool force);
void signal_wake(struct task *t, bool fatal);
void signal_recalc(struct task *t);		/* recompute sig_work */
void signal_kill_group_locked(struct process *p, struct task *except);
void sigqueue_flush(struct sigqueue_list *l);
void sigqueue_flush_mask(struct sigqueue_list *l, uint64_t mask);
int signal_take(struct task *t, uint64_t mask, struct abi_siginfo *info);	/* [sig] first of those not in mask */
void sigqueue_init(void);
/* A struct siginfo from a program; sig < 0: si_signo is what it says.  -EFAULT; -E2BIG: it says more than Linux knows such a signal to say. */
int siginfo_from_user(struct abi_siginfo *info, uaddr_t uinfo, int sig) MUST_CHECK;
void signal_info_user(struct abi_siginfo *info, int sig, int code);	/* from current */
/* signal_calls.c: kill(2) and its kin.  -EINVAL: there is no such signal; -EPERM; -ESRCH: there is nobody. */
int signal_kill_process(struct process *p, int sig, const struct abi_siginfo *info);
int signal_kill_pgrp(struct pid *pgrp, int sig, const struct abi_siginfo *info);	/* NULL: all but the first process and the caller */
long signal_kill_thread(struct pid *pid, int tgid, int sig, const struct abi_siginfo *info);	/* pid NULL: nobody has that number; tgid 0: of any process */
bool signal_ignored_by_default(int sig);
void signal_set_mask_locked(struct task *t, uint64_t mask);
enum { SIG_STOPS = 0 };
#define SIGMASK_STOP (SIGMASK(SIGSTOP) | SIGMASK(SIGTSTP) | SIGMASK(SIGTTIN) | SIGMASK(SIGTTOU))
#define SIGMASK_UNBLOCKABLE (SIGMASK(SIGKILL) | SIGMASK(SIGSTOP))
#define SIGMASK_IGNORED (SIGMASK(SIGCHLD) | SIGMASK(SIGCONT) | SIGMASK(SIGURG) | SIGMASK(SIGWINCH))
#define SIGMASK_CORE (SIGMASK(SIGQUIT) | SIGMASK(SIGILL) | SIGMASK(SIGTRAP) | SIGMASK(SIGABRT) | SIGMASK(SIGBUS) | \
	SIGMASK(SIGFPE) | SIGMASK(SIGSEGV) | SIGMASK(SIGXCPU) | SIGMASK(SIGXFSZ) | SIGMASK(SIGSYS))
#define SIGMASK_SYNC (SIGMASK(SIGSEGV) | SIGMASK(SIGBUS) | SIGMASK(SIGILL) | SIGMASK(SIGTRAP) | SIGMASK(SIGFPE) | SIGMASK(SIGSYS))

/* ---- seccomp.c ---- */
enum { SECCOMP_OFF, SECCOMP_STRICT, SECCOMP_FILTER };
/* May current, in a mode, make this call?  It may be another one afterwards (a tracer).  False: the result is in its registers. May not return. */
bool seccomp_allows(struct task *t, unsigned *nr);
void seccomp_clone(struct task *t);		/* [sig] current's, for its child */
void seccomp_free(struct task *t);
long seccomp_prctl_set(uint64_t mode, uaddr_t uprog);

/* ---- exit.c, wait.c, pgrp.c ---- */
void process_notify_parent(struct process *p, int cld_code, int status);	/* [tree] SIGCHLD for stop and continue */
void process_adopt(struct process *p, struct process *parent, struct task *thread);	/* [tree] the last of its children, thread its parent */
void process_release(struct process *p, struct list_head *dead);	/* [tree] zombie: out of every list */
void process_release_finish(struct list_head *dead);		/* drops what process_release took out, no lock */
void pgrp_check_orphaned(struct process *p, struct process *new_parent_or_null);	/* [tree] */
void task_mm_release(struct task *t);	/* the thread leaves its address space: clear_child_tid, vfork */

/* ---- others ---- */
bool core_dump(const struct abi_siginfo *info);
/* exit_group by a signal whose default action dumps core. */
_Noreturn void process_exit_core(const struct abi_siginfo *info);
void futex_exit(struct task *t, bool gone);	/* gone: it ends, else it execs */	/* robust list, PI locks held */
void futex_wake_address(uaddr_t addr, int n);
void futex_init(void);
void posix_timers_exit(struct process *p);
void posix_timers_clock_set(void);
enum { CPUCLOCK_PROF = 0, CPUCLOCK_VIRT = 1, CPUCLOCK_SCHED = 2, CPUCLOCK_PERTHREAD = 4 };	/* Linux: of negative clock numbers */
uint64_t posix_cpu_timers_run(struct process *p);
/* [sig] A posix timer's own sigqueue: t NULL: for the process. */
bool signal_queue_prepared(struct process *p, struct task *t, int sig, struct sigqueue *q);	/* [sig] false: ignored, not queued */
/* What signal_take() gave is looked at again once nothing is locked: the timer that sent it goes on. */
void signal_taken(struct abi_siginfo *info);
void posix_timer_taken(struct abi_siginfo *info);
void signal_unqueue_prepared(struct process *p, struct task *t, struct sigqueue *q);
void posix_timers_exec(struct process *p);
void itimer_exit(struct process *p);
void cpu_timer_check(struct process *p);	/* start or stop watching CPU time */
void real_timer_fn(struct ktimer *t);
void real_timer_taken(struct process *p);
void cpu_timer_fn(struct ktimer *t);
void cred_init(void);
struct cred *cred_init_root(void);
struct cred *cred_dup(const struct cred *old);
/*
 * The credentials c, a copy of current's, for a program of that file.  may_gain is asked once, and only if there is something to
 * gain; without its leave nothing is gained.  True: AT_SECURE.
 */
struct exec;
struct inode;
bool cred_exec(struct cred *c, struct inode *inode, bool set_ids, bool (*may_gain)(struct exec *e), struct exec *e);
int pidfd_create(struct pid *pid, unsigned o_flags, struct file **out);
struct pid *pidfd_pid(struct file *f);		/* NULL: it is no pidfd */
struct task *pidfd_leader(struct file *f);	/* of a pidfd: the first thread, also one that has ended, with a reference; NULL: it is gone */
int vdso_map(struct vm_space *vm, const struct inode *program);	/* sets vm->vdso; program: what will be vm->exe */
void vdso_init(void);
void vdso_update(void);			/* the wall clock was set */
uaddr_t vdso_symbol(const char *name);	/* offset in the image, 0: none */
void rseq_user_return(struct task *t);
void rseq_fork(struct task *child, uint64_t clone_flags);
void rseq_exec(struct task *t);
void rseq_signal(struct task *t);	/* before a frame is pushed */
int do_execve(int dfd, uaddr_t path, uaddr_t argv, uaddr_t envp, unsigned flags);
int exec_kernel(const char *path, const char *const *argv, const char *const *envp);
/* kill all other threads of current's group and become its leader.  0 or -EAGAIN. */
int exec_dethread(void);

/* ---- clock.c ---- */
struct abi_timespec;
uint64_t time_to_ns(const struct abi_timespec *ts);		/* saturates; ts is valid */
uint64_t time_deadline_ns(const struct abi_timespec *rel);	/* monotonic; saturates below UINT64_MAX */
uint64_t time_real_to_mono(uint64_t real_ns);
bool time_valid(const struct abi_timespec *ts);
int clock_now(int clock, uint64_t *ns);				/* -EINVAL: no such clock */

/* ---- ptrace.c ---- */
bool ptrace_signal(int *sig, struct abi_siginfo *info);	/* false: the tracer swallowed it */
void ptrace_event(int event, uint64_t message);
bool ptrace_event_enabled(struct task *t, int event);
void ptrace_syscall_stop(bool entry);
unsigned ptrace_syscalls(struct task *t);	/* PTRACE_AT_*, of ptrace.h */
void ptrace_clone(struct task *child, uint64_t clone_flags);
void ptrace_exec(void);
void ptrace_stop_work(void);
/* [sig] t takes part in the stop of its group, or ends.  True: it was the last that had to. */
bool signal_stop_taken(struct task *t);
enum { PTRACE_EVENT_FORK = 1, PTRACE_EVENT_VFORK, PTRACE_EVENT_CLONE, PTRACE_EVENT_EXEC, PTRACE_EVENT_VFORK_DONE,
	PTRACE_EVENT_EXIT, PTRACE_EVENT_SECCOMP, PTRACE_EVENT_STOP = 128 };

#define CLONE_VM		0x00000100ull
#define CLONE_FS		0x00000200ull
#define CLONE_FILES		0x00000400ull
#define CLONE_SIGHAND		0x00000800ull
#define CLONE_PIDFD		0x00001000ull
#define CLONE_PTRACE		0x00002000ull
#define CLONE_VFORK		0x00004000ull
#define CLONE_PARENT		0x00008000ull
#define CLONE_THREAD		0x00010000ull
#define CLONE_NEWNS		0x00020000ull
#define CLONE_SYSVSEM		0x00040000ull
#define CLONE_SETTLS		0x00080000ull
#define CLONE_PARENT_SETTID	0x00100000ull
#define CLONE_CHILD_CLEARTID	0x00200000ull
#define CLONE_DETACHED		0x00400000ull
#define CLONE_UNTRACED		0x00800000ull
#define CLONE_CHILD_SETTID	0x01000000ull
#define CLONE_NEWCGROUP		0x02000000ull
#define CLONE_NEWUTS		0x04000000ull
#define CLONE_NEWIPC		0x08000000ull
#define CLONE_NEWUSER		0x10000000ull
#define CLONE_NEWPID		0x20000000ull
#define CLONE_NEWNET		0x40000000ull
#define CLONE_IO		0x80000000ull
#define CLONE_CLEAR_SIGHAND	0x100000000ull
#define CLONE_INTO_CGROUP	0x200000000ull
#define CLONE_NEWTIME		0x00000080ull
#define CLONE_NAMESPACES (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | \
	CLONE_NEWNET | CLONE_NEWTIME)

/* The thread of that number, 0: the current one; referenced, or NULL. */
struct task *sched_task(int pid);
/* No thread's scheduling is changed by who has fewer capabilities than it (its permitted ones), or CAP_SYS_NICE. */
bool sched_caps_reach(struct task *t);

enum { ADDR_NO_RANDOMIZE = 0x0040000, READ_IMPLIES_EXEC = 0x0400000 };
#endif
