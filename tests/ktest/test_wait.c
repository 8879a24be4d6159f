/* SPDX-License-Identifier: MIT */
/* The wait primitive: no wake-up is lost. */
#include <kernel/cpu.h>
#include <kernel/task.h>
#include <kernel/wait.h>
#include "ktest.h"

enum { ROUNDS = 2000 };
static struct waitq a, b;
static unsigned turn, seen;
static int left;

static void pong(void *arg)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		wait_event(&a, load_acquire(&turn) == 2 * i + 1);
		store_release(&turn, 2 * i + 2);
		waitq_wake_all(&b);
	}
	__atomic_sub_fetch(&left, 1, __ATOMIC_RELEASE);
	(void)arg;
}

KTEST(ping_pong)
{
	waitq_init(&a);
	waitq_init(&b);
	turn = 0;
	left = 1;
	KCHECK(kthread_create(pong, NULL, "pong"));
	for (unsigned i = 0; i < ROUNDS; i++) {
		store_release(&turn, 2 * i + 1);
		waitq_wake_all(&a);
		wait_event(&b, load_acquire(&turn) == 2 * i + 2);
	}
	KEVENTUALLY(load_acquire(&left) == 0);
}

KTEST(time_out)
{
	uint64_t start = hal_time_mono_ns();

	waitq_init(&a);
	KCHECK(wait_event_until(&a, false, start + 5 * NSEC_PER_MSEC) == -ETIMEDOUT);
	KCHECK(hal_time_mono_ns() - start >= 5 * NSEC_PER_MSEC);
	KCHECK(wait_event_until(&a, true, 0) == 0);
	KCHECK(wait_event_until(&a, false, 1) == -ETIMEDOUT);	/* long past */
}

static void exclusive(void *arg)
{
	struct waiter w;

	waiter_init(&w);
	w.exclusive = true;
	for (;;) {
		waitq_prepare(&a, &w, TASK_UNINTERRUPTIBLE);
		if (load_acquire(&turn))
			break;
		schedule();
		break;
	}
	waitq_finish(&a, &w);
	__atomic_add_fetch(&seen, 1, __ATOMIC_RELEASE);
	(void)arg;
}

static unsigned waiting(void)
{
	unsigned n = 0;
	struct list_head *i;
	unsigned long flags = spin_lock_irqsave(&a.lock);

	for (i = a.waiters.next; i != &a.waiters; i = i->next)
		n++;
	spin_unlock_irqrestore(&a.lock, flags);
	return n;
}

KTEST(wake_one_wakes_one)
{
	waitq_init(&a);
	turn = seen = 0;
	for (unsigned i = 0; i < 5; i++)
		KCHECK(kthread_create(exclusive, NULL, "excl/%u", i));
	KEVENTUALLY(waiting() == 5);
	for (unsigned i = 1; i <= 5; i++) {
		waitq_wake_one(&a);
		KEVENTUALLY(load_acquire(&seen) == i);
		sleep_ns(2 * NSEC_PER_MSEC);
		KCHECK(load_acquire(&seen) == i);
	}
}

static struct completion done;
static void completer(void *arg)
{
	sleep_ns(NSEC_PER_MSEC);
	complete(&done);
	(void)arg;
}

KTEST(completions)
{
	for (unsigned i = 0; i < 30; i++) {
		completion_init(&done);
		KCHECK(kthread_create(completer, NULL, "completer"));
		completion_wait(&done);
		KCHECK(done.done);
	}
	completion_wait(&done);	/* stays complete */
}

static uint64_t key_seen;
static int take_key(struct waiter *w, uint64_t key)
{
	(void)w;
	key_seen = key;
	return 0;
}

KTEST(callbacks_get_the_key)
{
	struct waiter w;

	waitq_init(&a);
	waiter_init_fn(&w, take_key);
	waitq_add(&a, &w);
	waitq_wake_key(&a, 0, 0x41);
	KCHECK(key_seen == 0x41);
	waitq_remove(&a, &w);
	waitq_wake_key(&a, 0, 0x42);
	KCHECK(key_seen == 0x41 && !waitq_active(&a));
}

/*
 * Sleeper and waker each write (its state, the condition) and then read what the
 * other writes: if either read could come first, a wake-up would be lost.  The
 * waker's moment is moved about the end of the sleeper's way to sleep.
 */
enum { MEETINGS = 200000, MEETINGS_END = -1 };
static int asked, answered, missed;
static bool awake;			/* the last one was asked before it slept */

static void answer(void *arg)
{
	struct waiter w;

	waiter_init(&w);
	for (int i = 1; READ_ONCE(asked) != MEETINGS_END; i++) {
		bool now;

		waitq_prepare(&a, &w, TASK_UNINTERRUPTIBLE);
		now = READ_ONCE(asked) != i - 1;
		if (!now && !schedule_until(hal_time_mono_ns() + 10 * NSEC_PER_SEC))
			missed += READ_ONCE(asked) == i;
		waitq_finish(&a, &w);
		WRITE_ONCE(awake, now);
		while (READ_ONCE(asked) == i - 1)	/* the last one's wake-up came late */
			sched_yield();
		store_release(&answered, i);
	}
	__atomic_sub_fetch(&left, 1, __ATOMIC_RELEASE);
	(void)arg;
}

KTEST(sleepers_and_wakers_meet)
{
	uint64_t until = hal_time_mono_ns() + 2 * NSEC_PER_SEC;	/* a host that is busy makes few */
	unsigned delay = 0;
	struct task *k;

	waitq_init(&a);
	asked = answered = missed = 0;
	left = 1;
	KCHECK(!sched_set_affinity(current, 1));
	k = kthread_create(answer, NULL, "answer");
	if (!KCHECK(k))
		return;
	KCHECK(!sched_set_affinity(k, cpu_count > 1 ? 2 : 1));
	for (int i = 1; i <= MEETINGS && hal_time_mono_ns() < until; i++) {
		WRITE_ONCE(asked, i);
		waitq_wake_all(&a);
		for (unsigned n = 1; load_acquire(&answered) != i; n++)
			if (n % 4096)
				hal_cpu_relax();
			else
				sched_yield();
		delay = READ_ONCE(awake) ? delay + 1 + (unsigned)i % 3 : delay ? delay - 1 : 0;
		for (volatile unsigned n = delay; n; n--)
			;
	}
	WRITE_ONCE(asked, MEETINGS_END);
	waitq_wake_all(&a);
	KEVENTUALLY(load_acquire(&left) == 0);
	KCHECK(answered > 0 && missed == 0);
	KCHECK(!sched_set_affinity(current, UINT64_MAX));
}

const struct ktest wait_tests[] = {
	KTEST_ROW(ping_pong), KTEST_ROW(time_out), KTEST_ROW(wake_one_wakes_one), KTEST_ROW(completions), KTEST_ROW(callbacks_get_the_key),
	KTEST_ROW(sleepers_and_wakers_meet),
	{ NULL, NULL }
};
