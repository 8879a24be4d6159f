/* SPDX-License-Identifier: MIT */
/*
 * Reader-writer locks that sleep.  Fair: who comes while others wait, waits
 * behind them; an unlock hands the lock to the first waiter, or to all readers
 * up to the next writer.
 */
#include <kernel/cpu.h>
#include <kernel/print.h>
#include <kernel/task.h>
#include "sync/lock_debug.h"

struct rwsem_waiter { struct list_head link; struct task *task; bool writer, granted; };

void rwsem_init(struct rwsem *s, enum lock_class c)
{
	spin_init(&s->lock, LOCK_MUTEX_WAIT);
	s->count = 0;
	list_init(&s->waiters);
	s->class = (uint16_t)c;
}

/* [s->lock] */
static void grant(struct rwsem *s)
{
	while (!list_empty(&s->waiters)) {
		struct rwsem_waiter *w = list_first(&s->waiters, struct rwsem_waiter, link);
		struct task *t = w->task;

		if (s->count < 0 || (w->writer && s->count > 0))
			return;
		s->count = w->writer ? -1 : s->count + 1;
		list_del(&w->link);
		task_get(t);	/* w, and then its task, may vanish once granted is seen */
		store_release(&w->granted, true);
		task_wake(t, TASK_UNINTERRUPTIBLE);
		task_put(t);
	}
}

static void acquire(struct rwsem *s, bool writer, bool nested) NO_TSA
{
	might_sleep();
	lock_debug_sleep_acquire(s->class, nested);

	unsigned long flags = spin_lock_irqsave(&s->lock);

	if (list_empty(&s->waiters) && (writer ? s->count == 0 : s->count >= 0)) {
		s->count = writer ? -1 : s->count + 1;
		spin_unlock_irqrestore(&s->lock, flags);
		return;
	}
	struct rwsem_waiter w = { .task = current, .writer = writer };

	list_add_tail(&w.link, &s->waiters);
	sched_set_state(TASK_UNINTERRUPTIBLE);
	spin_unlock_irqrestore(&s->lock, flags);
	while (!load_acquire(&w.granted)) {
		schedule();
		sched_set_state(TASK_UNINTERRUPTIBLE);
	}
	sched_set_state(TASK_RUNNING);
}

static void release(struct rwsem *s, bool writer) NO_TSA
{
	lock_debug_sleep_release(s->class);

	unsigned long flags = spin_lock_irqsave(&s->lock);

	ASSERT(writer ? s->count == -1 : s->count > 0);
	s->count = writer ? 0 : s->count - 1;
	if (!list_empty(&s->waiters))
		grant(s);
	spin_unlock_irqrestore(&s->lock, flags);
}

void rwsem_read_lock(struct rwsem *s) NO_TSA { acquire(s, false, false); }
void rwsem_read_unlock(struct rwsem *s) NO_TSA { release(s, false); }
void rwsem_write_lock(struct rwsem *s) NO_TSA { acquire(s, true, false); }
void rwsem_write_lock_nested(struct rwsem *s) NO_TSA { acquire(s, true, true); }
void rwsem_write_unlock(struct rwsem *s) NO_TSA { release(s, true); }

void rwsem_downgrade(struct rwsem *s) NO_TSA
{
	unsigned long flags = spin_lock_irqsave(&s->lock);

	ASSERT(s->count == -1);
	s->count = 1;
	grant(s);
	spin_unlock_irqrestore(&s->lock, flags);
}
