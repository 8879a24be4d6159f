/* SPDX-License-Identifier: MIT */
/*
 * The scheduler: a fair class with nice levels (earliest eligible virtual
 * deadline first) below SCHED_FIFO and SCHED_RR; a run queue per CPU,
 * balancing, affinity.
 */
#ifndef KERNEL_SCHED_H
#define KERNEL_SCHED_H
#include <hal/dev.h>
#include <kernel/compiler.h>
#include <kernel/list.h>
#include <kernel/rbtree.h>

struct task;
struct vm_space;
enum sched_policy { SCHED_OTHER = 0, SCHED_FIFO = 1, SCHED_RR = 2, SCHED_BATCH = 3, SCHED_IDLE = 5 };

/* What a thread sleeps for, where that says on which CPU it is to be woken (balance.c). */
enum sched_sleep { SLEEP_ANY, SLEEP_CHILD /* a child's end */, SLEEP_VFORK /* its child's exec */ };

struct sched_entity {
	struct rb_node node;		/* [rq] fair: by virtual deadline */
	struct list_head link;		/* [rq] real time: queue of its priority */
	uint64_t vruntime, deadline, min_vruntime;	/* [rq] weighted ns; min: of the subtree */
	uint64_t slice_ns;		/* [rq] left of this slice */
	uint64_t exec_start_ns, sum_exec_ns;	/* [rq] */
	uint64_t run_base_ns;		/* [o] sum_exec_ns - exec_start_ns, which stays the same while it runs */
	uint32_t weight;		/* [rq] */
	int8_t nice;			/* [rq] -20..19 */
	uint8_t policy, rt_priority;	/* [rq] 1..99 for real time */
	uint8_t pi_priority;		/* [rq] inherited; 0: none */
	bool reset_on_fork;
	bool on_rq;			/* [rq] */
	unsigned cpu;			/* [rq] whose queue it is on, or was on last */
	uint64_t affinity;		/* [rq] CPUs it may run on */
	uint64_t beside_ns;		/* [rq] since when it waits on its waker's CPU; 0: it does not */
	uint64_t started_ns;		/* [o] since when it waited on its starter's CPU */
	struct task *starter;		/* [o] a reference until it has run; NULL: it was started elsewhere */
	/* balance.c: so many go elsewhere yet, and what the last lesson said.  woken, vforks: of its own wake-ups [rq]; starts: of those it starts [a] */
	struct sched_apart { uint16_t left, last; } woken, vforks, starts;
	uint16_t vforks_vain;		/* [rq] so many lessons of vforks are not believed */
	bool vforks_try;		/* [rq] vforks had it placed elsewhere: was that worth it? */
	uint8_t sleeps;			/* [o] enum sched_sleep */
	uint64_t try_exec_ns;		/* [rq] sum_exec_ns when it was placed there */
};

void sched_early_init(void);		/* before everything: gives the boot thread an identity, for locks */
void sched_init(void);			/* boot CPU, after kmalloc works; the boot thread becomes its idle thread */
_Noreturn void sched_init_cpu(unsigned cpu);	/* others, on themselves: becomes the idle thread, does not return */
int sched_start_cpu(unsigned cpu) MUST_CHECK;	/* -ENODEV, -EIO, -ENOMEM */
_Noreturn void sched_idle(void);
/* A quiescent state of RCU and a point to switch at: the task loop calls it, with interrupts on, before user code. */
void sched_user_return(void);
bool sched_need_resched(void);
/* Is t the one that runs on some other CPU?  t is compared only, and may be gone.  Any context. */
bool sched_runs_elsewhere(const struct task *t);
/* A new thread: inherits from current; then make it runnable. */
void sched_fork(struct task *child);
void sched_start(struct task *t);
/* The first thing a new thread does (task_alloc's entry calls it): finishes the switch to it; returns with interrupts on. */
void sched_thread_start(void);
/* Make it runnable if its state is in `states`.  Returns whether it was.  Any context. */
bool task_wake(struct task *t, unsigned states);
/* The same by who will go on, and not wait for it: on a CPU of its own if one is free. */
bool task_wake_apart(struct task *t, unsigned states);
/* Interrupt it if it runs user code, so that it looks at its flags (signals). */
void task_kick(struct task *t);
/* Has it left its CPU, so that what a switch saves of it is at rest?  Any context. */
bool task_is_off(struct task *t);
void sched_set_state(unsigned state);	/* current's, before a recheck; see wait.h */
void sched_yield(void);
/* Leave for the last time.  Called with preemption off by task_exit(). */
_Noreturn void sched_exit(void);
void sched_exec_account(void);		/* brings current's times up to date */

int sched_set_policy(struct task *t, unsigned policy, unsigned rt_priority) MUST_CHECK;
void sched_set_nice(struct task *t, int nice);
void sched_set_pi(struct task *t, unsigned rt_priority);	/* priority inheritance; 0 ends it */
int sched_set_affinity(struct task *t, uint64_t mask) MUST_CHECK;	/* -EINVAL: no CPU of it exists */
uint64_t task_runtime_ns(struct task *t);	/* CLOCK_THREAD_CPUTIME_ID */
uint64_t sched_own_runtime_ns(void) REQUIRES(irqs_off);	/* the same of current, without a lock */
/* Load for /proc/loadavg: 11-bit fixed point. */
void sched_loadavg(uint64_t avg[3], unsigned *running, unsigned *threads);
#endif
