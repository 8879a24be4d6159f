/* SPDX-License-Identifier: MIT */
/* Timers: in order, not early, cancelled for good. */
#include <kernel/timer.h>
#include "ktest.h"

struct probe { struct ktimer timer; uint64_t fired_ns; unsigned count, order; };
static unsigned order;

static void probe_fn(struct ktimer *k)
{
	struct probe *p = container_of(k, struct probe, timer);

	p->fired_ns = hal_time_mono_ns();
	p->order = __atomic_add_fetch(&order, 1, __ATOMIC_RELAXED);
	__atomic_add_fetch(&p->count, 1, __ATOMIC_RELEASE);
}

KTEST(fires_once_and_not_early)
{
	static struct probe p;
	uint64_t at = hal_time_mono_ns() + 3 * NSEC_PER_MSEC;

	p.count = 0;
	ktimer_init(&p.timer, probe_fn);
	ktimer_arm(&p.timer, at);
	KCHECK(ktimer_pending(&p.timer) || p.count);
	KEVENTUALLY(load_acquire(&p.count) == 1);
	KCHECK(p.fired_ns >= at);
	sleep_ns(5 * NSEC_PER_MSEC);
	KCHECK(p.count == 1 && !ktimer_pending(&p.timer));
}

KTEST(order_of_expiry)
{
	static struct probe p[50];
	unsigned long flags;
	uint64_t now;

	order = 0;
	flags = hal_irq_save();	/* all on one CPU, and armed before the first expires */
	now = hal_time_mono_ns() + 5 * NSEC_PER_MSEC;
	for (unsigned i = 0; i < 50; i++) {
		p[i].count = 0;
		ktimer_init(&p[i].timer, probe_fn);
		ktimer_arm(&p[i].timer, now + (i * 7 % 50) * 100 * NSEC_PER_USEC);
	}
	hal_irq_restore(flags);
	KEVENTUALLY(__atomic_load_n(&order, __ATOMIC_ACQUIRE) == 50);
	for (unsigned i = 0; i < 50; i++)
		KCHECK(p[i].order == i * 7 % 50 + 1);
}

KTEST(cancel)
{
	static struct probe p;

	p.count = 0;
	ktimer_init(&p.timer, probe_fn);
	KCHECK(!ktimer_cancel(&p.timer));
	ktimer_arm(&p.timer, hal_time_mono_ns() + 3600 * NSEC_PER_SEC);
	KCHECK(ktimer_cancel(&p.timer));
	KCHECK(!ktimer_cancel_sync(&p.timer));
	ktimer_arm(&p.timer, hal_time_mono_ns() + 3600 * NSEC_PER_SEC);
	KCHECK(ktimer_cancel_sync(&p.timer) && p.count == 0);
}

KTEST(rearm_replaces)
{
	static struct probe p;

	p.count = 0;
	ktimer_init(&p.timer, probe_fn);
	ktimer_arm(&p.timer, hal_time_mono_ns() + 3600 * NSEC_PER_SEC);
	ktimer_arm(&p.timer, hal_time_mono_ns() + NSEC_PER_MSEC);
	KEVENTUALLY(load_acquire(&p.count) == 1);
}

static void again(struct ktimer *k)
{
	struct probe *p = container_of(k, struct probe, timer);

	if (__atomic_add_fetch(&p->count, 1, __ATOMIC_RELEASE) < 10)
		ktimer_arm(k, hal_time_mono_ns() + 100 * NSEC_PER_USEC);
}

KTEST(armed_by_itself)
{
	static struct probe p;

	p.count = 0;
	ktimer_init(&p.timer, again);
	ktimer_arm(&p.timer, 0);	/* the past: at once */
	KEVENTUALLY(load_acquire(&p.count) == 10);
}

static int left;
static void canceller(void *arg)
{
	static struct probe p[4];
	struct probe *mine = &p[(uintptr_t)arg];

	ktimer_init(&mine->timer, probe_fn);
	for (unsigned i = 0; i < 300; i++) {
		ktimer_arm(&mine->timer, hal_time_mono_ns() + (i % 50) * 1000);
		if (i & 1)
			sched_yield();
		ktimer_cancel_sync(&mine->timer);
	}
	__atomic_sub_fetch(&left, 1, __ATOMIC_RELEASE);
}

KTEST(cancel_races_with_expiry)
{
	left = 4;
	for (uintptr_t i = 0; i < 4; i++)
		KCHECK(kthread_create(canceller, (void *)i, "cancel"));
	KEVENTUALLY(load_acquire(&left) == 0);
}

KTEST(sleeps_long_enough)
{
	for (unsigned us = 10; us < 5000; us *= 3) {
		uint64_t start = hal_time_mono_ns();

		sleep_ns(us * NSEC_PER_USEC);
		KCHECK(hal_time_mono_ns() - start >= us * NSEC_PER_USEC);
	}
}

static unsigned work_runs;
static void work_fn(struct work *w)
{
	__atomic_add_fetch(&work_runs, 1, __ATOMIC_RELEASE);
	(void)w;
}
static void work_again(struct work *w)
{
	if (__atomic_add_fetch(&work_runs, 1, __ATOMIC_RELEASE) < 5)
		work_queue(w);
}

KTEST(work_runs_after_queuing)
{
	static struct work w;

	work_runs = 0;
	work_init(&w, work_fn);
	KCHECK(work_queue(&w));
	work_flush();
	KCHECK(work_runs == 1);
	KCHECK(work_queue(&w));
	work_flush();
	KCHECK(work_runs == 2);
}

KTEST(work_queues_itself)
{
	static struct work w;

	work_runs = 0;
	work_init(&w, work_again);
	work_queue(&w);
	KEVENTUALLY(load_acquire(&work_runs) == 5);
}

const struct ktest timer_tests[] = {
	KTEST_ROW(fires_once_and_not_early), KTEST_ROW(order_of_expiry), KTEST_ROW(cancel), KTEST_ROW(rearm_replaces),
	KTEST_ROW(armed_by_itself), KTEST_ROW(cancel_races_with_expiry), KTEST_ROW(sleeps_long_enough), KTEST_ROW(work_runs_after_queuing),
	KTEST_ROW(work_queues_itself), { NULL, NULL }
};
