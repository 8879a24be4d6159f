/* SPDX-License-Identifier: MIT */
/*
 * Wait queues: the one way to sleep until something becomes true.
 *
 *	waitq_prepare(&q, &w, TASK_INTERRUPTIBLE);	(1) on the queue, state set
 *	if (!condition)					(2) recheck
 *		schedule();				(3) a wake since (1) makes this return at once
 *	waitq_finish(&q, &w);
 *
 * which wait_event() and friends do.  The waker makes the condition true, then wakes.
 */
#ifndef KERNEL_WAIT_H
#define KERNEL_WAIT_H
#include <kernel/errno.h>
#include <kernel/lock.h>

struct task;
struct waiter {
	struct list_head link;		/* [waitq.lock]; empty: not queued */
	struct task *task;
	/* Called with the queue locked, interrupts off; returns 1 if somebody was woken (counts as exclusive). */
	int (*wake)(struct waiter *w, uint64_t key);
	bool exclusive;
};
struct waitq { struct spinlock lock; struct list_head waiters; };
#define WAITQ_INIT(name) { .lock = SPINLOCK_INIT(WAITQ), .waiters = LIST_INIT((name).waiters) }

enum task_state {
	TASK_RUNNING = 0,
	TASK_INTERRUPTIBLE = 1,		/* signals wake it */
	TASK_UNINTERRUPTIBLE = 2,
	TASK_KILLABLE = 4,		/* only fatal signals wake it */
	TASK_STOPPED = 8,		/* job control */
	TASK_TRACED = 16,
	TASK_ZOMBIE = 32,		/* exited, not yet waited for */
	TASK_DEAD = 64,			/* leaves the CPU for the last time */
};

void waitq_init(struct waitq *q);
/* A waiter that wakes the current task. */
void waiter_init(struct waiter *w);
/* A waiter that calls fn (poll, epoll). */
void waiter_init_fn(struct waiter *w, int (*fn)(struct waiter *, uint64_t key));
void waitq_add(struct waitq *q, struct waiter *w);
void waitq_remove(struct waitq *q, struct waiter *w);
void waitq_prepare(struct waitq *q, struct waiter *w, unsigned state);
void waitq_finish(struct waitq *q, struct waiter *w);
/* Any context.  key: poll events that became true, 0 means all. */
void waitq_wake_key(struct waitq *q, unsigned max_exclusive, uint64_t key);
static inline void waitq_wake_all(struct waitq *q) { waitq_wake_key(q, 0, 0); }
static inline void waitq_wake_one(struct waitq *q) { waitq_wake_key(q, 1, 0); }
static inline bool waitq_active(struct waitq *q)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return !list_empty(&q->waiters);
}

/* Sleep (state set before) until woken; the one that takes a deadline returns the ns left, 0 when it passed. */
void schedule(void);
uint64_t schedule_until(uint64_t deadline_mono_ns);	/* UINT64_MAX: no deadline */
bool signal_pending(struct task *t);			/* something to return to user code for */
bool fatal_signal_pending(struct task *t);
/* True if a sleep in this state has to end because of a signal. */
bool signal_interrupts(unsigned state);

#define wait_event_(q, cond, state, deadline) ({ \
	int wret_ = 0; \
	if (!(cond)) { \
		struct waiter w_; \
		uint64_t dl_ = (deadline); \
		waiter_init(&w_); \
		for (;;) { \
			waitq_prepare((q), &w_, (state)); \
			if (cond) \
				break; \
			if (signal_interrupts(state)) { wret_ = -ERESTARTSYS; break; } \
			if (schedule_until(dl_) == 0) { wret_ = (cond) ? 0 : -ETIMEDOUT; break; } \
		} \
		waitq_finish((q), &w_); \
	} \
	wret_; })
/* cond is evaluated often and outside of any lock. */
#define wait_event(q, cond) ((void)wait_event_(q, cond, TASK_UNINTERRUPTIBLE, UINT64_MAX))
/* 0 or -ERESTARTSYS */
#define wait_event_interruptible(q, cond) wait_event_(q, cond, TASK_INTERRUPTIBLE, UINT64_MAX)
#define wait_event_killable(q, cond) wait_event_(q, cond, TASK_KILLABLE, UINT64_MAX)
/* 0, -ERESTARTSYS or -ETIMEDOUT; the deadline is absolute, monotonic. */
#define wait_event_interruptible_until(q, cond, deadline) wait_event_(q, cond, TASK_INTERRUPTIBLE, deadline)
#define wait_event_until(q, cond, deadline) wait_event_(q, cond, TASK_UNINTERRUPTIBLE, deadline)

struct completion { struct waitq wait; bool done; };
void completion_init(struct completion *c);
void complete(struct completion *c);
void completion_wait(struct completion *c);
#endif
