/* SPDX-License-Identifier: MIT */
/* Wait queues and completions: <kernel/wait.h> has the theory. */
#include <kernel/cpu.h>
#include <kernel/task.h>

enum { SLEEPING = TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE | TASK_KILLABLE };

void waitq_init(struct waitq *q)
{
	spin_init(&q->lock, LOCK_WAITQ);
	list_init(&q->waiters);
}

static int wake_task(struct waiter *w, uint64_t key)
{
	(void)key;
	return task_wake(w->task, SLEEPING);
}

void waiter_init(struct waiter *w)
{
	*w = (struct waiter){ .task = current, .wake = wake_task };
	list_init(&w->link);
}

void waiter_init_fn(struct waiter *w, int (*fn)(struct waiter *, uint64_t))
{
	*w = (struct waiter){ .task = current, .wake = fn };
	list_init(&w->link);
}

void waitq_add(struct waitq *q, struct waiter *w)
{
	unsigned long flags = spin_lock_irqsave(&q->lock);

	if (list_empty(&w->link)) {
		if (w->exclusive)
			list_add_tail(&w->link, &q->waiters);
		else
			list_add(&w->link, &q->waiters);
	}
	spin_unlock_irqrestore(&q->lock, flags);
}

void waitq_remove(struct waitq *q, struct waiter *w)
{
	unsigned long flags = spin_lock_irqsave(&q->lock);

	if (!list_empty(&w->link))
		list_del_init(&w->link);
	spin_unlock_irqrestore(&q->lock, flags);
}

void waitq_prepare(struct waitq *q, struct waiter *w, unsigned state)
{
	waitq_add(q, w);
	sched_set_state(state);
}

void waitq_finish(struct waitq *q, struct waiter *w)
{
	sched_set_state(TASK_RUNNING);
	waitq_remove(q, w);
}

void waitq_wake_key(struct waitq *q, unsigned max_exclusive, uint64_t key)
{
	struct waiter *w, *tmp;
	unsigned long flags;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (list_empty(&q->waiters))
		return;
	flags = spin_lock_irqsave(&q->lock);
	list_for_each_safe(w, tmp, &q->waiters, link) {
		bool exclusive = w->exclusive;

		if (w->wake(w, key) && exclusive && max_exclusive && --max_exclusive == 0)
			break;
	}
	spin_unlock_irqrestore(&q->lock, flags);
}

bool signal_interrupts(unsigned state)
{
	if (state & TASK_INTERRUPTIBLE)
		return signal_pending(current);
	return (state & TASK_KILLABLE) && fatal_signal_pending(current);
}

void completion_init(struct completion *c)
{
	waitq_init(&c->wait);
	c->done = false;
}

/* Under the queue's lock to the end: the waiter may free the completion as soon as it sees done. */
void complete(struct completion *c)
{
	unsigned long flags = spin_lock_irqsave(&c->wait.lock);
	struct waiter *w, *tmp;

	store_release(&c->done, true);
	list_for_each_safe(w, tmp, &c->wait.waiters, link)
		w->wake(w, 0);
	spin_unlock_irqrestore(&c->wait.lock, flags);
}

void completion_wait(struct completion *c)
{
	wait_event(&c->wait, load_acquire(&c->done));
	/* complete() may still hold the lock. */
	spin_unlock_irqrestore(&c->wait.lock, spin_lock_irqsave(&c->wait.lock));
}
