/* SPDX-License-Identifier: MIT */
/*
 * Work queues: functions that interrupt handlers and others leave to threads.
 * There is a worker per CPU (at least two); a work always goes to the same
 * one, so that it never runs beside itself and two queuings run in order.
 */
#include <kernel/cpu.h>
#include <kernel/print.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/task.h>
#include "sched/sched_internal.h"

enum { WORKERS_MAX = 8, WORKERS_MIN = 2 };
struct worker {
	struct spinlock lock;		/* [WORK] */
	struct list_head queue;		/* [lock] */
	struct waitq wait;
};
static struct worker workers[WORKERS_MAX] = {
	[0 ... WORKERS_MAX - 1] = { .lock = SPINLOCK_INIT(WORK) },
};
static unsigned worker_count;

void work_init(struct work *w, void (*fn)(struct work *))
{
	list_init(&w->link);
	w->fn = fn;
	w->pending = false;
}

static struct worker *worker_of(const struct work *w)
{
	return &workers[((uintptr_t)w >> 6) * 0x9e3779b97f4a7c15ull >> 40 & (worker_count ? worker_count - 1 : 0)];
}

static void worker_prepare(struct worker *k)
{
	if (!k->queue.next)
		list_init(&k->queue);
}

bool work_queue(struct work *w)
{
	struct worker *k;
	unsigned long flags;

	if (__atomic_exchange_n(&w->pending, true, __ATOMIC_ACQ_REL))
		return false;
	k = worker_of(w);
	flags = spin_lock_irqsave(&k->lock);
	worker_prepare(k);
	list_add_tail(&w->link, &k->queue);
	spin_unlock_irqrestore(&k->lock, flags);
	if (worker_count)
		waitq_wake_one(&k->wait);
	return true;
}

static void worker_main(void *arg)
{
	struct worker *k = arg;

	for (;;) {
		unsigned long flags;
		struct work *w;

		(void)wait_event_interruptible(&k->wait, !list_empty(&k->queue));
		flags = spin_lock_irqsave(&k->lock);
		w = list_empty(&k->queue) ? NULL : list_first(&k->queue, struct work, link);
		if (w)
			list_del_init(&w->link);
		spin_unlock_irqrestore(&k->lock, flags);
		if (!w)
			continue;
		/* From here it may be queued again, also by its own function, which sees what was done before any queuing up to here. */
		(void)__atomic_exchange_n(&w->pending, false, __ATOMIC_ACQ_REL);
		w->fn(w);
	}
}

void work_start(void)
{
	unsigned n = WORKERS_MIN;

	while (n < cpu_count && n < WORKERS_MAX)
		n *= 2;
	for (unsigned i = 0; i < n; i++) {
		worker_prepare(&workers[i]);
		waitq_init(&workers[i].wait);
	}
	/* What was queued before there were workers is all on the first. */
	worker_count = n;
	for (unsigned i = 0; i < n; i++)
		if (!kthread_create(worker_main, &workers[i], "worker/%u", i))
			panic("not enough memory for the worker threads");
}

struct flush { struct work work; struct completion done; };
static void flush_done(struct work *w) { complete(&container_of(w, struct flush, work)->done); }

void work_flush(void)
{
	for (unsigned i = 0; i < worker_count; i++) {
		struct flush f;
		struct worker *k = &workers[i];
		unsigned long flags;

		completion_init(&f.done);
		work_init(&f.work, flush_done);
		f.work.pending = true;
		flags = spin_lock_irqsave(&k->lock);
		list_add_tail(&f.work.link, &k->queue);
		spin_unlock_irqrestore(&k->lock, flags);
		waitq_wake_one(&k->wait);
		completion_wait(&f.done);
	}
}

/* ---- kernel threads ---- */

struct kthread_start { void (*fn)(void *); void *arg; };

static void kthread_main(void *p)
{
	struct kthread_start s = *(struct kthread_start *)p;

	kfree(p);
	s.fn(s.arg);
}

struct task *kthread_create(void (*fn)(void *arg), void *arg, const char *name_fmt, ...)
{
	struct kthread_start *s = kmalloc(sizeof(*s), 0);
	char name[TASK_COMM_LEN];
	struct task *t;
	va_list ap;

	if (!s)
		return NULL;
	*s = (struct kthread_start){ fn, arg };
	va_start(ap, name_fmt);
	kvsnprintf(name, sizeof(name), name_fmt, ap);
	va_end(ap);
	t = task_alloc(name, kthread_main, s);
	if (!t) {
		kfree(s);
		return NULL;
	}
	t->flags |= TASKF_KTHREAD;
	sched_fork(t);
	t->se.policy = SCHED_OTHER;
	t->se.pi_priority = 0;
	sched_set_nice(t, 0);
	sched_start(t);
	return t;
}
