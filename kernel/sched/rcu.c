/* SPDX-License-Identifier: MIT */
/*
 * Read-copy-update by quiescent states.
 *
 * A reader only turns preemption off.  Each CPU counts its quiescent states
 * (a thread switch, the idle loop, the way to user code).  Callbacks queue on
 * the CPU that made them; one thread collects all of them, waits until every
 * CPU has passed a quiescent state since (asking those that run for a switch;
 * a CPU that idles or runs user code is passed by a nudge), then runs them.
 */
#include <kernel/cpu.h>
#include <kernel/print.h>
#include <kernel/task.h>
#include "sched/sched_internal.h"

struct rcu_cpu {
	struct spinlock lock;		/* [RCU] */
	struct rcu_head *head, **tail;	/* [lock] */
	uint64_t quiescent;		/* [a] */
	bool wake;			/* [c] an interrupt queued callbacks: wake the thread when it is over */
} ALIGNED(64);				/* each way to user code counts */
static struct rcu_cpu states[HAL_CPUS];
static struct waitq rcu_wait = WAITQ_INIT(rcu_wait);
static bool rcu_queued;			/* [a] some CPU has callbacks */
static struct task *rcu_thread;
enum { BATCH_NS = 4000000, POLL_NS = 500000 };

void rcu_init_cpu(struct cpu *c)
{
	struct rcu_cpu *r = &states[c->id];

	spin_init(&r->lock, LOCK_RCU);
	if (!r->tail)
		r->tail = &r->head;
	c->rcu = r;
}

void rcu_read_lock(void) { preempt_disable(); }
void rcu_read_unlock(void) { preempt_enable(); }

void rcu_note_quiescent(void)
{
	struct rcu_cpu *r = this_cpu()->rcu;

	__atomic_store_n(&r->quiescent, r->quiescent + 1, __ATOMIC_RELEASE);
}

static void wake_rcu(struct work *w);
static struct work wake_work = { .fn = wake_rcu };
static void wake_rcu(struct work *w)
{
	(void)w;
	waitq_wake_all(&rcu_wait);
}

void rcu_call(struct rcu_head *h, void (*fn)(struct rcu_head *))
{
	unsigned long flags = hal_irq_save();
	struct rcu_cpu *r = &states[this_cpu()->id];

	h->next = NULL;
	h->fn = fn;
	/* This CPU's list, but the collector looks in: hence the lock; raw, since callers may hold any other. */
	while (__atomic_exchange_n(&r->lock.held, 1, __ATOMIC_ACQUIRE))
		hal_cpu_relax();
	if (!r->tail)
		r->tail = &r->head;
	*r->tail = h;
	r->tail = &h->next;
	__atomic_store_n(&r->lock.held, 0, __ATOMIC_RELEASE);
	hal_irq_restore(flags);
	/* An interrupt handler may hold a run queue's lock, which a wake-up needs: irq_exit() does it. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);	/* it is on the list before the look: who collects clears this, then looks there */
	if (!READ_ONCE(rcu_queued)) {
		WRITE_ONCE(rcu_queued, true);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);	/* before the look at the state */
	}
	if (!rcu_thread || READ_ONCE(rcu_thread->state) != TASK_INTERRUPTIBLE)
		return;
	if (in_interrupt())
		states[this_cpu()->id].wake = true;
	else
		work_queue(&wake_work);
}

void rcu_irq_exit(void)
{
	struct rcu_cpu *r = &states[this_cpu()->id];

	if (unlikely(r->wake)) {
		r->wake = false;
		work_queue(&wake_work);
	}
}

static struct rcu_head *collect(void)
{
	struct rcu_head *all = NULL, **tail = &all;

	WRITE_ONCE(rcu_queued, false);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (unsigned i = 0; i < HAL_CPUS; i++) {
		struct rcu_cpu *r = &states[i];
		unsigned long flags = hal_irq_save();

		while (__atomic_exchange_n(&r->lock.held, 1, __ATOMIC_ACQUIRE))
			hal_cpu_relax();
		if (r->head) {
			*tail = r->head;
			tail = r->tail;
			r->head = NULL;
			r->tail = &r->head;
		}
		__atomic_store_n(&r->lock.held, 0, __ATOMIC_RELEASE);
		hal_irq_restore(flags);
	}
	return all;
}

static void wait_grace_period(void)
{
	uint64_t snap[HAL_CPUS];

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (unsigned i = 0; i < READ_ONCE(cpu_count); i++)
		snap[i] = load_acquire(&states[i].quiescent);
	for (unsigned i = 0; i < READ_ONCE(cpu_count); i++) {
		struct cpu *c = cpus[i];

		if (!c || !load_acquire(&c->online))
			continue;
		for (unsigned n = 0; load_acquire(&states[i].quiescent) == snap[i]; n++) {
			if (c == this_cpu()) {
				sched_yield();
				continue;
			}
			/* Idle CPUs leave their sleep for it, too; once. */
			if (n == 0 || n % 16 == 0) {
				WRITE_ONCE(c->need_resched, true);
				hal_cpu_ipi(i);
			}
			sleep_ns(POLL_NS);
		}
	}
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static void rcu_main(void *arg)
{
	(void)arg;
	for (;;) {
		struct rcu_head *h, *next;

		/* Kernel threads have no signals: INTERRUPTIBLE is what does not count as load. */
		(void)wait_event_interruptible(&rcu_wait, READ_ONCE(rcu_queued));
		sleep_ns(BATCH_NS);
		h = collect();
		wait_grace_period();
		for (; h; h = next) {
			next = h->next;
			h->fn(h);
		}
	}
}

void rcu_start(void)
{
	work_init(&wake_work, wake_rcu);
	rcu_thread = kthread_create(rcu_main, NULL, "rcu");
	BUG_ON(!rcu_thread);
}

struct rcu_sync { struct rcu_head head; struct completion done; };
static void sync_done(struct rcu_head *h) { complete(&container_of(h, struct rcu_sync, head)->done); }

void rcu_synchronize(void)
{
	struct rcu_sync s;

	might_sleep();
	completion_init(&s.done);
	rcu_call(&s.head, sync_done);
	waitq_wake_all(&rcu_wait);
	completion_wait(&s.done);
}
