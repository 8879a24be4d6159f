/* SPDX-License-Identifier: MIT */
/*
 * Threads and thread groups, as Linux has them: a task is a thread; the tasks
 * that share a struct process are a POSIX process.  What clone(2) can share
 * (vm, files, fs, sighand) is reference counted apart from both.
 *
 * Lock keys: [I] immutable, [a] atomic, [o] the task itself, [rq] its run
 * queue, [tree] process_tree_lock, [sig] its sighand's lock.
 */
#ifndef KERNEL_TASK_H
#define KERNEL_TASK_H
#include <hal/thread.h>
#include <kernel/cpu.h>
#include <kernel/cred.h>
#include <kernel/fault_run.h>
#include <kernel/lock.h>
#include <kernel/sched.h>
#include <kernel/signal.h>
#include <kernel/timer.h>
#include <kernel/wait.h>

struct file;
struct files;		/* fd table, <kernel/file.h> */
struct fs_context;	/* root, cwd, umask, <kernel/vfs.h> */
struct tty;
struct vm_space;	/* <kernel/vm.h> */

typedef int32_t pid_t;
enum { TASK_COMM_LEN = 16, PID_MAX = 4194304 };

/*
 * A number and whoever bears it: a thread, a thread group, a process group, a
 * session.  Found under RCU; lives as long as somebody holds a reference.
 */
enum pid_type { PID_THREAD, PID_PROCESS, PID_PGRP, PID_SESSION, PID_TYPES };
struct pid {
	struct refcount refs;
	pid_t nr;			/* [I] */
	unsigned kept;			/* [tree] reports of a thread that bore it (ptrace.c) */
	struct list_head members[PID_TYPES];	/* [tree] THREAD: task.pid_link; others: process.pid_link */
	struct task *task;		/* [tree], read under RCU: the thread, NULL when it is gone */
	struct process *process;	/* [tree], read under RCU: the thread group */
	struct waitq pidfd_wait;	/* woken when the process exits */
	struct rcu_head rcu;
};

enum rlimit_id {
	RLIMIT_CPU, RLIMIT_FSIZE, RLIMIT_DATA, RLIMIT_STACK, RLIMIT_CORE, RLIMIT_RSS, RLIMIT_NPROC, RLIMIT_NOFILE,
	RLIMIT_MEMLOCK, RLIMIT_AS, RLIMIT_LOCKS, RLIMIT_SIGPENDING, RLIMIT_MSGQUEUE, RLIMIT_NICE, RLIMIT_RTPRIO,
	RLIMIT_RTTIME, RLIMIT_COUNT
};
#define RLIM_INFINITY UINT64_MAX
struct rlimit { uint64_t cur, max; };

/* A thread group.  Lives until its leader has been waited for and the last reference is gone. */
struct process {
	struct refcount refs;
	struct pid *pid[PID_TYPES];	/* [tree] PROCESS, PGRP, SESSION */
	struct list_head pid_link[PID_TYPES];	/* [tree] */
	struct task *leader;		/* [tree] NULL once it is released */
	struct task *dead_leader;	/* between process_release() and its end */
	struct list_head threads;	/* changed under [tree] and [sig]: task.thread_link */
	unsigned thread_count;		/* [sig] that have not begun to exit */
	unsigned threads_left;		/* [tree; exec reads it without] that have not let go of memory and files yet */
	struct sighand *sighand;	/* [sig], read under RCU: process_siglock() */
	struct task *exec_task;		/* [sig, set under tree, too] GROUP_EXEC: waits until threads_left is 1 */
	struct waitq exec_wait;
	unsigned gains;			/* [tree] execs under way that give it more than it has: until then nobody attaches; exec_wait is woken */
	bool traces_no_more;		/* [tree] its last thread has let go of its tracees */
	bool zombie;			/* [tree] every thread has exited; waits to be waited for */
	bool count_calls;		/* [a] its system calls are counted: /proc/syscalls */
	bool no_signals;		/* [sig] init: default actions do not kill it */
	struct list_head ptraced;	/* [tree] struct ptrace of the tasks it traces */
	unsigned reports;		/* [tree] of its threads' ends that tracers have yet to wait for: before its own */
	struct process *parent;		/* [tree] */
	pid_t parent_pid;		/* [tree], read without: what getppid() returns */
	struct task *parent_thread;	/* [tree] the parent's thread whose child it is; for comparing only */
	struct list_head children, sibling;	/* [tree] by child_number */
	struct rb_root dead_children;	/* [tree] the zombies among them, in the same order */
	struct rb_node dead_link;	/* [tree] */
	uint64_t child_number;		/* [tree] later children have greater ones */
	struct list_head all_link;	/* [tree] every process, oldest first */
	struct waitq child_wait;	/* woken when a child changes state */
	struct sigqueue_list shared_pending;	/* [sig] */
	struct waitq signalfd_wait;	/* woken when a signal is queued */
	struct tty *tty;		/* [tree] controlling terminal */
	struct pid *tty_old_pgrp;	/* [tree] of a session leader: the foreground group of the terminal that hung up */
	struct rlimit rlimit[RLIMIT_COUNT];	/* [sig] */
	unsigned group_flags;		/* [sig] GROUP_* */
	int exit_code;			/* [sig] wait status, once GROUP_EXITING */
	unsigned stop_signal;		/* [sig] why it stopped, for wait */
	unsigned stops_pending;		/* [sig] threads that have yet to stop */
	bool wait_stopped, wait_continued;	/* [sig] not yet reported to the parent */
	bool session_leader;		/* [tree] */
	bool execed;			/* [tree] has done execve: setpgid by the parent fails */
	bool child_subreaper, has_child_subreaper;	/* [tree] */
	int exit_signal;		/* [tree] to the parent, SIGCHLD for fork */
	struct ktimer real_timer;	/* ITIMER_REAL */
	uint64_t real_interval_ns;	/* [sig] */
	struct { uint64_t value_ns, interval_ns; } cpu_itimer[2];	/* [sig] VIRTUAL, PROF */
	struct sem_undos *sem_undos;	/* ipc/sysv_sem.c; set once, by atomics */
	struct posix_timers *posix_timers;	/* task/posix_timer.c */
	uint64_t dead_user_ns, dead_system_ns;	/* [sig] of exited threads */
	uint64_t children_user_ns, children_system_ns;	/* [sig] waited for */
	uint64_t min_faults, maj_faults, children_min_faults, children_maj_faults;	/* [a] */
	uint64_t dead_nvcsw, dead_nivcsw, children_nvcsw, children_nivcsw;	/* [sig] */
	uint64_t max_rss_pages, children_max_rss_pages;
	uint64_t read_chars, write_chars, read_calls, write_calls;	/* [a] /proc/self/io */
	uint64_t start_ns;		/* [I] */
	uint64_t cpu_limit_warned_s;	/* [sig] RLIMIT_CPU: last SIGXCPU */
	struct ktimer cpu_timer;	/* watches cpu_itimer, RLIMIT_CPU and CPU-time posix timers */
	int oom_score_adj;
	struct rcu_head rcu;
};
enum { GROUP_EXITING = 1, GROUP_STOPPED = 2, GROUP_EXEC = 4, GROUP_CONTINUED = 8 /* tell the parent */ };

enum { STOP_NONE, STOP_COUNTED, STOP_UNCOUNTED };	/* task.stop_pending */

/* How an interrupted call is continued by restart_syscall(2). */
struct restart_block {
	long (*fn)(struct restart_block *rb);
	union {
		struct { uint64_t deadline_ns; uaddr_t rem; int clock; unsigned flags; } sleep;
		struct { uaddr_t uaddr; uint32_t val, bitset; uint64_t deadline_ns; unsigned flags; } futex;
		struct { uaddr_t fds; uint64_t nfds, deadline_ns; } poll;
	};
};

struct task {
	/* scheduling: sched/ */
	struct sched_entity se;
	unsigned state;			/* [a] enum task_state */
	struct hal_kctx *kctx;		/* [I] */
	void *kstack;			/* [I] */
	void *start;			/* what it will run; NULL once it has begun */
	unsigned flags;			/* [o] TASK_* below */
	int preempt_count;		/* [o] > 0: not preempted; sched/preempt.c */

	/* user side */
	struct hal_uctx *uctx;		/* [o] NULL: kernel thread */
	struct vm_space *vm;		/* [o] NULL: kernel thread */
	struct hal_trap_info trap;	/* [o] of the last trap */
	uint64_t syscall_args[6];	/* [o] of the call being run, for restarts and strace */
	long syscall_nr;		/* [o] -1: not in a call */
	struct fault_run fault_run;	/* [o] its last, in whichever area */
	struct uaccess_cache *ucache;	/* [o] translation cache of user copies, mm/uaccess.c */

	/* identity */
	struct refcount refs;
	struct process *process;	/* [I] NULL: kernel thread */
	struct pid *pid;		/* [tree] */
	struct list_head pid_link;	/* [tree] on pid->members[PID_THREAD] */
	struct list_head thread_link;	/* [tree] on process->threads */
	struct cred *cred;		/* [o]; others: task_cred_get() */
	unsigned cred_spare;		/* [o] references to it that are nobody's: cred_get_current() */
	char comm[TASK_COMM_LEN] ALIGNED(8);	/* [a] byte by byte, a mixture is harmless: task_comm_get(), task_comm_set() */
	struct files *files;		/* [o] */
	struct rcu_head *files_later;	/* [o] to be closed before it runs user code, see file_put_later() */
	bool files_gone;		/* [o] it will run none any more */
	struct fs_context *fs;		/* [o] */
	struct {			/* [o] since its last fsync; mm/writeback.c */
		uint32_t wrote, cleaned;	/* pages */
		bool soon, again;		/* it begins to write at once; it wrote once more what it had begun to write so */
		const struct mapping *early;	/* what that was, to be compared only, */
		uint64_t early_end;		/* up to this byte */
	} writeback;

	/* signals: task/signal.c */
	struct sighand *sighand;	/* [sig]; NULL after exit */
	struct sigqueue_list pending;	/* [sig] */
	uint64_t sigmask;		/* [o] written under [sig] */
	uint64_t sigwait_set;		/* [sig] sigtimedwait: taken even if ignored or deadly */
	uint64_t saved_sigmask;		/* [o] of sigsuspend, ppoll... */
	bool restore_sigmask;		/* [o] */
	uint8_t stop_pending;		/* [sig] enum: has to take part in a group stop; a counted one is among the process's stops_pending */
	bool over_nproc;		/* [o] it became a user with more than RLIMIT_NPROC: execve fails while that is so */
	bool may_stop;			/* [sig] no SIGCONT came since it took its last signal */
	bool sig_work;			/* [a] look at pending signals, stops, exit before user code */
	uaddr_t altstack_sp; uint64_t altstack_size; unsigned altstack_flags;	/* [o] */
	struct restart_block restart;	/* [o] */

	/* threads: task/ */
	uaddr_t clear_child_tid, set_child_tid;	/* [o] */
	uaddr_t robust_list;		/* [o] */
	uaddr_t rseq; uint32_t rseq_len, rseq_sig;	/* [o] */
	uint64_t rseq_switches;		/* [o] switches when the user's copy of the CPU number was written */
	struct completion *vfork_done;	/* [o] the parent waits for exec or exit */
	struct list_head pi_waiters;	/* task/futex_pi.c: [pi_owners_lock] who waits for PI futexes of ours */
	struct futex_pi_waiter *pi_waiting;	/* [pi_owners_lock] for a PI futex of somebody's */
	bool pi_gone;			/* [pi_owners_lock] past the point where those are told of our end */
	struct ptrace *ptrace;		/* task/ptrace.c */
	int ptrace_resume_signal;	/* [sig] what its tracer wants delivered when the stop is over */
	int exit_code;			/* wait status */
	int pdeath_signal;		/* [o] written; the parent reads it */
	bool no_new_privs;		/* [o] */
	bool was_dumpable;		/* [o] what task_dumpable() was when it gave its address space back */
	bool keep_caps;			/* [o] PR_SET_KEEPCAPS */
	uint8_t seccomp_mode;		/* [sig] written; task/seccomp.c */
	pid_t answers;			/* [o] its number when hal_user_answers() was told it; 0: not allowed */
	struct seccomp_filter *seccomp;	/* [sig] written; the newest, a reference */
	unsigned personality;		/* [o] */
	unsigned ioprio;		/* [o] */
	unsigned oom_victim;		/* [a] */

	/* accounting */
	uint64_t user_ns, system_ns;	/* [o] */
	uint64_t start_ns;		/* [I] */
	uint64_t min_faults, maj_faults, nvcsw, nivcsw;	/* [o] */
	uint64_t switches;		/* [o] times the CPU went to another thread */
	uint64_t timer_slack_ns;
	unsigned fail_nth;		/* allocation-failure injection: count down */

#ifdef EFT_DEBUG
	uint16_t held[16]; unsigned held_count;	/* classes of sleeping locks held */
#endif
	struct rcu_head rcu;
};
enum { TASKF_KTHREAD = 1, TASKF_EXITING = 2, TASKF_FORKNOEXEC = 4, TASKF_MEMALLOC = 8 /* may use the reserve */,
	TASKF_ACCOUNTED = 16 /* [sig] its times are in process.dead_*_ns */,
	TASKF_ZOMBIE = 32 /* [tree] has nothing left to do: from now on its parent may wait for it, if it is the last */ };

extern struct spinlock process_tree_lock;
extern struct list_head process_list;		/* [tree] */
extern struct process *init_process;		/* pid 1, reaps orphans */

static inline void task_get(struct task *t) { ref_get(&t->refs); }
void task_put(struct task *t);
/* With a reference; NULL: none. */
struct task *pid_task(struct pid *pid);	/* whose number it is, even if that has been given out again; NULL: it has gone */
struct process *pid_process(struct pid *pid);
struct task *task_find(pid_t tid);
struct process *process_find(pid_t pid);
void process_put(struct process *p);
/* fs/procfs: whose /proc/PID directory f is, without a reference (f has one); NULL: not such a directory. */
struct pid *procfs_pid(struct file *f);
static inline void process_get(struct process *p) { ref_get(&p->refs); }
/* With a reference; NULL: nobody bears the number. */
struct pid *pid_find(pid_t nr);
/* The lowest number from `from` on that a process has, or a thread of `of` if that is not NULL; 0: none. */
pid_t pid_next(pid_t from, const struct process *of);
pid_t pid_newest(void);		/* the number that was given out last */
static inline void pid_get(struct pid *p) { ref_get(&p->refs); }
void pid_put(struct pid *p);		/* NULL is fine */
/* Has no member whose parent is outside of the group but in its session (POSIX: orphaned).  [tree] is held. */
bool pgrp_is_orphaned(struct pid *pgrp) REQUIRES(&process_tree_lock);
static inline pid_t task_tid(const struct task *t)
{
	const struct pid *pid = READ_ONCE(t->pid);	/* an execve exchanges the leader's */

	return pid ? pid->nr : 0;
}
static inline pid_t process_pid(const struct process *p) { return p->pid[PID_PROCESS]->nr; }

/*
 * A thread for sched/ and task/: allocates the struct, kernel stack and context; state 0, not yet runnable. NULL: no memory.
 * It starts in sched_thread_start(), then calls fn(arg), and sched_exit()s if that returns.
 * Its one reference is the scheduler's, which after the last switch away from it calls task_free_stack() and task_put().
 */
struct task *task_alloc(const char *comm, void (*fn)(void *arg), void *arg);
void task_free_stack(struct task *t);
/* First run of init: executes path in a new process with pid 1.  Called by a kernel thread. */
int process_start_init(const char *path, const char *const *argv, const char *const *envp) MUST_CHECK;
/* The loop of the design: runs user code until the thread exits. */
_Noreturn void task_user_loop(void);
_Noreturn void task_exit(int wait_status);		/* this thread */
_Noreturn void process_exit(int wait_status);	/* the group: exit_group(2), fatal signals */
void task_init(void);
/* Runs in the context of any process: the process's signal lock.  Never fails. */
struct sighand *process_siglock(struct process *p, unsigned long *flags);
void process_sigunlock(struct sighand *sh, unsigned long flags);
/* CPU time of the whole group, dead threads included. */
void process_times(struct process *p, uint64_t *user_ns, uint64_t *system_ns);
void task_times(struct task *t, uint64_t *user_ns, uint64_t *system_ns);
/* One letter as in /proc/PID/stat: R S D T t Z. */
char task_state_char(const struct task *t);
unsigned seccomp_filters(struct task *t);	/* how many it has; takes the signal lock */
void task_comm_get(const struct task *t, char name[TASK_COMM_LEN]);
void task_comm_set(struct task *t, const char *name);	/* cut to what fits */
unsigned task_count(void);			/* user threads */
/* max_rss_pages grows to what this address space had. */
void process_note_rss(struct process *p, const struct vm_space *vm);
/* May current look into t (ptrace(2), "PTRACE_MODE_ATTACH_REALCREDS": also /proc/PID/mem, environ...)? */
bool ptrace_may_access(struct task *t);
/* The first thread of a pidfd's process, with a reference.  -EBADF: no pidfd; -ESRCH: it has ended. */
int pidfd_task(int pidfd, struct task **out) MUST_CHECK;
uint64_t rlimit_get(enum rlimit_id id);		/* current's soft limit */
#endif
