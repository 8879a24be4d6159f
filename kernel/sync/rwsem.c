/* SPDX-License-Identifier: MIT */
/*
 * Reader-writer locks that sleep.
 *
 * `state` counts: 1 a writer holds it, 2 somebody waits (or is about to look),
 * 4 for each reader.  As long as bit 1 is clear, lock and unlock are one
 * compare-and-swap.  With it, everything happens under the list's spinlock.
 * `owner` is the writer, to see whether it runs; it is only compared.
 *
 * An unlock wakes who waits in front but does not hand the lock over: until a
 * sleeper runs again, which takes long, any running thread may take it.  Handing
 * over each time would make threads that use one lock in turns switch at every
 * use.  A waiter that has been passed by for HANDOFF_NS says so, and then gets
 * the lock from the next unlock: nobody starves.  Readers who wait in front go
 * in together.
 */
#include <hal/time.h>
#include <kernel/cpu.h>
#include <kernel/print.h>
#include <kernel/task.h>
#include <kernel/sched.h>
#include "sync/lock_debug.h"

enum { WRITER = 1, WAITERS = 2, READER = 4, HANDOFF_NS = 1000000, READER_SPINS = 64 };

struct rwsem_waiter { struct list_head link; struct task *task; uint64_t since_ns; bool writer, granted; };

void rwsem_init(struct rwsem *s, enum lock_class c)
{
	spin_init(&s->lock, LOCK_MUTEX_WAIT);
	s->state = 0;
	s->owner = NULL;
	s->handoff = false;
	list_init(&s->waiters);
	s->class = (uint16_t)c;
}

static bool swap(struct rwsem *s, uint32_t old, uint32_t new, int order)
{
	return __atomic_compare_exchange_n(&s->state, &old, new, false, order, __ATOMIC_RELAXED);
}

/* Take it if its holders allow; any state of the list.  [lock], or bit 1 is clear. */
static bool take(struct rwsem *s, bool writer)
{
	uint32_t v = READ_ONCE(s->state);

	do {
		if (writer ? v & ~(uint32_t)WAITERS : v & WRITER)
			return false;
	} while (!__atomic_compare_exchange_n(&s->state, &v, v + (writer ? WRITER : READER), false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED));
	return true;
}

static struct rwsem_waiter *front(struct rwsem *s) { return list_first(&s->waiters, struct rwsem_waiter, link); }

/* [lock] The list may be empty now. */
static void remove(struct rwsem *s, struct rwsem_waiter *w)
{
	list_del(&w->link);
	if (list_empty(&s->waiters))
		__atomic_fetch_and(&s->state, ~(uint32_t)WAITERS, __ATOMIC_RELAXED);
}

/* [lock] The lock goes to those in front, as far as it can. */
static void grant(struct rwsem *s)
{
	while (!list_empty(&s->waiters) && take(s, front(s)->writer)) {
		struct rwsem_waiter *w = front(s);
		struct task *t = w->task;

		s->handoff = false;
		remove(s, w);
		task_get(t);	/* w, and then its task, may vanish once granted is seen */
		store_release(&w->granted, true);
		task_wake_apart(t, TASK_UNINTERRUPTIBLE);
		task_put(t);
	}
}

/* [lock] Somebody let go. */
static void wake(struct rwsem *s)
{
	struct rwsem_waiter *w;

	if (list_empty(&s->waiters))
		return;
	w = front(s);
	if (s->handoff)
		grant(s);
	else if (!(READ_ONCE(s->state) & (w->writer ? ~(uint32_t)WAITERS : WRITER)))
		task_wake_apart(w->task, TASK_UNINTERRUPTIBLE);
}

/*
 * A writer that runs on another CPU will be done before this thread could sleep and be woken; readers nobody knows, but
 * they are quick as a rule: wait awake for a while, unless somebody sleeps for it already.  true: taken.
 */
static bool spin(struct rwsem *s, bool writer)
{
	for (unsigned i = 0; i < LOCK_SPINS; i++) {
		uint32_t v = READ_ONCE(s->state);
		const struct task *owner = READ_ONCE(s->owner);

		if (!(v & WAITERS) && take(s, writer))
			return true;
		if (v & WAITERS || sched_need_resched() || READ_ONCE(cpu_count) == 1)
			return false;
		if (v & WRITER ? owner && !sched_runs_elsewhere(owner) : i >= READER_SPINS)
			return false;
		hal_cpu_relax();
	}
	return false;
}

static NOINLINE void acquire_slow(struct rwsem *s, bool writer) NO_TSA
{
	struct rwsem_waiter w = { .task = current, .writer = writer };
	unsigned long flags = spin_lock_irqsave(&s->lock);

	__atomic_fetch_or(&s->state, WAITERS, __ATOMIC_RELAXED);
	/* A reader does not join others past a writer who waits: the lock might never be free. */
	if (!s->handoff && (list_empty(&s->waiters) || READ_ONCE(s->state) < READER) && take(s, writer)) {
		if (list_empty(&s->waiters))
			__atomic_fetch_and(&s->state, ~(uint32_t)WAITERS, __ATOMIC_RELAXED);
		spin_unlock_irqrestore(&s->lock, flags);
		return;
	}
	w.since_ns = hal_time_mono_ns();
	list_add_tail(&w.link, &s->waiters);
	for (;;) {
		sched_set_state(TASK_UNINTERRUPTIBLE);
		spin_unlock_irqrestore(&s->lock, flags);
		schedule();
		if (load_acquire(&w.granted))
			break;
		flags = spin_lock_irqsave(&s->lock);
		if (w.granted) {
			spin_unlock_irqrestore(&s->lock, flags);
			break;
		}
		if (front(s) == &w) {
			grant(s);	/* perhaps to us */
			if (w.granted) {
				spin_unlock_irqrestore(&s->lock, flags);
				break;
			}
			if (hal_time_mono_ns() - w.since_ns > HANDOFF_NS)
				s->handoff = true;
		}
	}
	sched_set_state(TASK_RUNNING);
}

static inline void acquire(struct rwsem *s, bool writer, bool nested) NO_TSA
{
	uint32_t v;

	might_sleep();
	lock_debug_sleep_acquire(s->class, nested ? LOCK_NESTED : LOCK_FIRST);
	if (writer) {
		if (likely(swap(s, 0, WRITER, __ATOMIC_ACQUIRE)))
			goto taken;
	} else {
		v = READ_ONCE(s->state);
		while (likely(!(v & (WRITER | WAITERS))))
			if (__atomic_compare_exchange_n(&s->state, &v, v + READER, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
				return;
	}
	if (!spin(s, writer))
		acquire_slow(s, writer);
taken:
	if (writer)
		WRITE_ONCE(s->owner, current);
}

static NOINLINE void release_slow(struct rwsem *s, bool writer) NO_TSA
{
	unsigned long flags = spin_lock_irqsave(&s->lock);

	__atomic_fetch_sub(&s->state, writer ? WRITER : READER, __ATOMIC_RELEASE);
	wake(s);
	spin_unlock_irqrestore(&s->lock, flags);
}

static inline void release(struct rwsem *s, bool writer) NO_TSA
{
	uint32_t v = READ_ONCE(s->state);

	lock_debug_sleep_release(s->class);
	ASSERT(writer ? v & WRITER : v >= READER);
	if (writer)
		WRITE_ONCE(s->owner, NULL);
	while (likely(!(v & WAITERS)))
		if (__atomic_compare_exchange_n(&s->state, &v, v - (writer ? WRITER : READER), false, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
			return;
	release_slow(s, writer);
}

void rwsem_read_lock(struct rwsem *s) NO_TSA { acquire(s, false, false); }
void rwsem_read_unlock(struct rwsem *s) NO_TSA { release(s, false); }
void rwsem_write_lock(struct rwsem *s) NO_TSA { acquire(s, true, false); }
void rwsem_write_lock_nested(struct rwsem *s) NO_TSA { acquire(s, true, true); }
void rwsem_write_unlock(struct rwsem *s) NO_TSA { release(s, true); }

void rwsem_downgrade(struct rwsem *s) NO_TSA
{
	unsigned long flags = spin_lock_irqsave(&s->lock);

	ASSERT(READ_ONCE(s->state) & WRITER);
	WRITE_ONCE(s->owner, NULL);
	__atomic_fetch_add(&s->state, READER - WRITER, __ATOMIC_RELEASE);
	wake(s);
	spin_unlock_irqrestore(&s->lock, flags);
}
