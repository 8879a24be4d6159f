/* SPDX-License-Identifier: MIT */
/*
 * Mutexes.  owner is the holder's task pointer; bit 0 says that the list of
 * waiters is not empty, which sends unlock (and the next lock) through the
 * list's spinlock.  A waiter sets its state under that spinlock before it
 * looks at owner for the last time, so a wake-up is never lost.  Whoever comes
 * first after an unlock gets the mutex; the first waiter is woken to try.  Who
 * finds it held by a thread that runs waits awake first: most are held for less
 * than a switch takes.
 */
#include <kernel/cpu.h>
#include <kernel/errno.h>
#include <kernel/print.h>
#include <kernel/sched.h>
#include <kernel/task.h>
#include "sync/lock_debug.h"

struct mutex_waiter { struct list_head link; struct task *task; };

void mutex_init(struct mutex *m, enum lock_class c)
{
	m->owner = 0;
	spin_init(&m->lock, LOCK_MUTEX_WAIT);
	list_init(&m->waiters);
	m->class = (uint16_t)c;
}

static bool try_free(struct mutex *m, uintptr_t expected, uintptr_t desired)
{
	return __atomic_compare_exchange_n(&m->owner, &expected, desired, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

/*
 * The holder runs on another CPU and will be done before this thread could sleep and be woken: wait awake, unless
 * somebody sleeps for it already.  true: taken.
 */
static bool spin(struct mutex *m)
{
	for (unsigned i = 0; i < LOCK_SPINS; i++) {
		uintptr_t old = READ_ONCE(m->owner);

		if (!old && try_free(m, 0, (uintptr_t)current))
			return true;
		if (old & 1 || sched_need_resched() || (old && !sched_runs_elsewhere((const struct task *)old)))
			return false;
		hal_cpu_relax();
	}
	return false;
}

static int lock_slow(struct mutex *m, unsigned state) NO_TSA
{
	struct mutex_waiter w = { .task = current };
	int err = 0;
	unsigned long flags = spin_lock_irqsave(&m->lock);

	list_add_tail(&w.link, &m->waiters);
	for (;;) {
		uintptr_t old = READ_ONCE(m->owner);

		if (!(old & ~1ul)) {
			bool others = m->waiters.next != &w.link || w.link.next != &m->waiters;

			if (try_free(m, old, (uintptr_t)current | others))
				break;
			continue;
		}
		if (!try_free(m, old, old | 1))
			continue;
		if (signal_interrupts(state)) {
			err = -EINTR;
			break;
		}
		sched_set_state(state);
		spin_unlock_irqrestore(&m->lock, flags);
		schedule();
		flags = spin_lock_irqsave(&m->lock);
	}
	list_del(&w.link);
	/* Bit 0 may stay set with nobody waiting: the unlock then finds an empty list. */
	spin_unlock_irqrestore(&m->lock, flags);
	return err;
}

static int mutex_acquire(struct mutex *m, unsigned state, bool nested)
{
	might_sleep();
	lock_debug_sleep_acquire(m->class, nested ? LOCK_NESTED : LOCK_FIRST);
	if (likely(try_free(m, 0, (uintptr_t)current)))
		return 0;
	ASSERT(!mutex_is_mine(m));
	if (spin(m))
		return 0;
	int err = lock_slow(m, state);

	if (err)
		lock_debug_sleep_release(m->class);
	return err;
}

void mutex_lock(struct mutex *m) NO_TSA { (void)mutex_acquire(m, TASK_UNINTERRUPTIBLE, false); }
void mutex_lock_nested(struct mutex *m) NO_TSA { (void)mutex_acquire(m, TASK_UNINTERRUPTIBLE, true); }
int mutex_lock_interruptible(struct mutex *m) NO_TSA { return mutex_acquire(m, TASK_INTERRUPTIBLE, false); }

bool mutex_trylock(struct mutex *m) NO_TSA
{
	if (!try_free(m, 0, (uintptr_t)current))
		return false;
	lock_debug_sleep_acquire(m->class, LOCK_TRIED);
	return true;
}

void mutex_unlock(struct mutex *m) NO_TSA
{
	uintptr_t me = (uintptr_t)current;

	lock_debug_sleep_release(m->class);
	if (likely(__atomic_compare_exchange_n(&m->owner, &me, 0, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED)))
		return;
	BUG_ON((me & ~1ul) != (uintptr_t)current);

	unsigned long flags = spin_lock_irqsave(&m->lock);
	bool waiters = !list_empty(&m->waiters);

	__atomic_store_n(&m->owner, waiters, __ATOMIC_RELEASE);
	if (waiters)
		task_wake_apart(list_first(&m->waiters, struct mutex_waiter, link)->task, TASK_UNINTERRUPTIBLE | TASK_INTERRUPTIBLE);
	spin_unlock_irqrestore(&m->lock, flags);
}

bool mutex_is_mine(const struct mutex *m) { return (READ_ONCE(m->owner) & ~1ul) == (uintptr_t)current; }
