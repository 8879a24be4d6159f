/* SPDX-License-Identifier: MIT */
/* The scheduler: classes, shares, affinity, preemption, load. */
#include <kernel/errno.h>
#include "ktest.h"

static int left;
static bool stop;
static uint64_t ran_ns[8];
static unsigned trace[8], traced;

static void finish(void) { __atomic_sub_fetch(&left, 1, __ATOMIC_RELEASE); }

/* Spins in the kernel until told; only preemption lets others run. */
static void spinner(void *arg)
{
	unsigned i = (unsigned)(uintptr_t)arg;

	while (!load_acquire(&stop))
		hal_cpu_relax();
	ran_ns[i] = task_runtime_ns(current);
	finish();
}

static struct task *pinned(struct ktest_state *t, void (*fn)(void *), unsigned i, int nice)
{
	struct task *k;

	/* Preemption stays on: this sleeps.  Where order matters the caller outranks the new thread. */
	k = kthread_create(fn, (void *)(uintptr_t)i, "sched/%u", i);
	if (KCHECK(k)) {
		KCHECK(!sched_set_affinity(k, 1));
		sched_set_nice(k, nice);
	}
	return k;
}

/*
 * Shares are over time: a CPU of a virtual machine may be away for longer than
 * a slice, which is charged to whoever ran, and made up for afterwards.
 */
KTEST(equal_shares)
{
	struct task *k[3];
	uint64_t ns[3] = { 0 };
	bool fair = false;

	stop = false;
	left = 3;
	for (unsigned i = 0; i < 3; i++)
		k[i] = pinned(t, spinner, i, 0);
	for (unsigned round = 0; round < 20 && !fair; round++) {
		sleep_ns(250 * NSEC_PER_MSEC);
		fair = true;
		for (unsigned i = 0; i < 3; i++)
			ns[i] = task_runtime_ns(k[i]);
		for (unsigned i = 0; i < 3; i++)	/* a third each; half of that is far from unfair */
			fair &= ns[i] * 6 > ns[0] + ns[1] + ns[2];
	}
	KCHECK(fair);
	store_release(&stop, true);
	KEVENTUALLY(load_acquire(&left) == 0);
}

KTEST(nice_gets_less)
{
	struct task *k[2];
	bool less = false;

	stop = false;
	left = 2;
	k[0] = pinned(t, spinner, 0, 0);
	k[1] = pinned(t, spinner, 1, 10);
	for (unsigned round = 0; round < 20 && !less; round++) {
		sleep_ns(250 * NSEC_PER_MSEC);
		less = task_runtime_ns(k[0]) > 3 * task_runtime_ns(k[1]) && task_runtime_ns(k[1]) > 0;
	}
	KCHECK(less);
	store_release(&stop, true);
	KEVENTUALLY(load_acquire(&left) == 0);
}

static void tracer(void *arg)
{
	trace[__atomic_fetch_add(&traced, 1, __ATOMIC_RELAXED)] = (unsigned)(uintptr_t)arg;
	finish();
}

KTEST(fifo_by_priority)
{
	struct task *k[3];

	left = 3;
	traced = 0;
	KCHECK(!sched_set_affinity(current, 1));
	KCHECK(!sched_set_policy(current, SCHED_FIFO, 50));	/* nobody below runs on CPU 0 until we sleep */
	for (unsigned i = 0; i < 3; i++)
		k[i] = pinned(t, tracer, i, 0);
	for (unsigned i = 0; i < 3; i++)
		KCHECK(!sched_set_policy(k[i], SCHED_FIFO, 10 + i));
	KCHECK(traced == 0);
	KEVENTUALLY(load_acquire(&left) == 0);
	KCHECK(trace[0] == 2 && trace[1] == 1 && trace[2] == 0);
	KCHECK(!sched_set_policy(current, SCHED_OTHER, 0));
	KCHECK(!sched_set_affinity(current, UINT64_MAX));
}

KTEST(higher_priority_preempts)
{
	struct task *k;

	KCHECK(!sched_set_affinity(current, 1));
	left = 1;
	traced = 0;
	k = pinned(t, tracer, 5, 0);
	KCHECK(!sched_set_policy(k, SCHED_FIFO, 10));
	/* It ran before set_policy returned to us. */
	KCHECK(traced == 1 || (sched_yield(), traced == 1));
	KCHECK(!sched_set_affinity(current, UINT64_MAX));
	KEVENTUALLY(load_acquire(&left) == 0);
}

KTEST(bad_parameters)
{
	KCHECK(sched_set_policy(current, 77, 0) == -EINVAL);
	KCHECK(sched_set_policy(current, SCHED_FIFO, 0) == -EINVAL);
	KCHECK(sched_set_policy(current, SCHED_FIFO, 100) == -EINVAL);
	KCHECK(sched_set_policy(current, SCHED_OTHER, 1) == -EINVAL);
	KCHECK(sched_set_affinity(current, 0) == -EINVAL);
	KCHECK(sched_set_affinity(current, 1ull << 63) == -EINVAL || cpu_count == 64);
}

KTEST(migrates_with_affinity)
{
	for (unsigned round = 0; round < 20; round++)
		for (unsigned i = 0; i < cpu_count; i++) {
			KCHECK(!sched_set_affinity(current, 1ull << i));
			preempt_disable();
			KCHECK(this_cpu()->id == i);
			preempt_enable();
		}
	KCHECK(!sched_set_affinity(current, UINT64_MAX));
}

static void short_life(void *arg)
{
	if ((uintptr_t)arg & 1)
		sched_yield();
	if ((uintptr_t)arg & 2)
		sleep_ns(((uintptr_t)arg % 7) * 100000);
	finish();
}

KTEST(two_hundred_threads)
{
	left = 200;
	for (uintptr_t i = 0; i < 200; i++)
		if (!KCHECK(kthread_create(short_life, (void *)i, "short")))
			finish();
	KEVENTUALLY(load_acquire(&left) == 0);
}

/* One CPU, or all on one. */
static bool one_physical_cpu(void) { return (hal_cpu_shares(0) | 1) == (2ull << (cpu_count - 1)) - 1; }

static void compute(uint64_t ns)
{
	uint64_t end = hal_time_mono_ns() + ns;

	while (hal_time_mono_ns() < end)
		hal_cpu_relax();
}

KTEST(waiting_threads_are_spread)
{
	if (one_physical_cpu()) {
		KCHECK(true);
		return;
	}
	struct task *k[2];
	uint64_t start = hal_time_mono_ns(), ran;
	bool spread = false;

	stop = false;
	left = 2;
	for (uintptr_t i = 0; i < 2; i++)
		if (!KCHECK(k[i] = kthread_create(spinner, (void *)i, "spread")))
			return;
	for (unsigned round = 0; round < 50 && !spread; round++) {
		sleep_ns(200 * NSEC_PER_MSEC);
		ran = task_runtime_ns(k[0]) + task_runtime_ns(k[1]);
		spread = ran * 10 > (hal_time_mono_ns() - start) * 11;	/* together more than one CPU could give */
	}
	store_release(&stop, true);
	KEVENTUALLY(load_acquire(&left) == 0);
	KCHECK(spread);
}

static struct waitq asked = WAITQ_INIT(asked), answered = WAITQ_INIT(answered);
static unsigned questions, answers;

static void answerer(void *arg)
{
	for (unsigned n = 0; !load_acquire(&stop); n++) {
		wait_event(&asked, load_acquire(&questions) != n);
		store_release(&answers, n + 1);
		waitq_wake_all(&answered);
	}
	finish();
}

/* Wakes it, and computes until it has answered, or sleeps.  Was it put on another CPU? */
static bool asks(struct task *k, bool sleeps)
{
	uint64_t end = hal_time_mono_ns() + 20 * NSEC_PER_MSEC;
	unsigned n = questions + 1;
	bool apart;

	while (READ_ONCE(k->se.on_rq) && hal_time_mono_ns() < end)
		hal_cpu_relax();
	preempt_disable();
	store_release(&questions, n);
	waitq_wake_all(&asked);
	apart = READ_ONCE(k->se.cpu) != this_cpu()->id;
	preempt_enable();
	while (!sleeps && load_acquire(&answers) != n && hal_time_mono_ns() < end)
		hal_cpu_relax();
	wait_event(&answered, load_acquire(&answers) == n);
	return apart;
}

/* Beside its waker, as long as that one then sleeps; elsewhere, when it goes on. */
KTEST(the_waker_goes_on_or_sleeps)
{
	enum { ROUNDS = 100, MOST = 20000 };
	unsigned apart = 0, beside = 0, n = 0;
	struct task *k;

	if (one_physical_cpu()) {
		KCHECK(true);
		return;
	}
	stop = false;
	left = 1;
	questions = answers = 0;
	if (!KCHECK(k = kthread_create(answerer, NULL, "answers")))
		return;
	for (unsigned i = 0; i < ROUNDS; i++)
		apart += asks(k, false);
	KCHECK(apart > ROUNDS / 2);
	for (; beside < ROUNDS && n < MOST; n++)
		beside += !asks(k, true);
	KCHECK(beside == ROUNDS);
	store_release(&stop, true);
	(void)asks(k, true);
	KEVENTUALLY(load_acquire(&left) == 0);
}

static unsigned born;

static void one_answer(void *arg)
{
	WRITE_ONCE(born, this_cpu()->id);
	__atomic_add_fetch(&answers, 1, __ATOMIC_RELEASE);
	waitq_wake_all(&answered);
	finish();
}

/* Starts a thread, and computes until it has answered, or sleeps.  Was it put on another CPU? */
static bool starts(bool sleeps)
{
	uint64_t end = hal_time_mono_ns() + 20 * NSEC_PER_MSEC;
	unsigned n = load_acquire(&answers) + 1, here;

	if (!kthread_create(one_answer, NULL, "answers once"))
		return sleeps;
	here = READ_ONCE(current->se.cpu);
	while (!sleeps && load_acquire(&answers) != n && hal_time_mono_ns() < end)
		hal_cpu_relax();
	wait_event(&answered, load_acquire(&answers) == n);
	return READ_ONCE(born) != here;
}

/* So are threads that are new, by what became of those that the same one started before. */
KTEST(the_starter_goes_on_or_sleeps)
{
	enum { ROUNDS = 100, MOST = 20000 };
	unsigned apart = 0, beside = 0, n = 0;

	if (one_physical_cpu()) {
		KCHECK(true);
		return;
	}
	left = ROUNDS;
	for (unsigned i = 0; i < ROUNDS; i++)
		apart += starts(false);
	KCHECK(apart > ROUNDS / 2);
	KEVENTUALLY(load_acquire(&left) == 0);
	for (left = MOST; beside < ROUNDS && n < MOST; n++)
		beside += !starts(true);
	KCHECK(beside == ROUNDS);
	KEVENTUALLY(load_acquire(&left) == (int)(MOST - n));
}

static struct waitq ended = WAITQ_INIT(ended);
static unsigned ends;

/* What a thread does that vforks and waits for its child again and again; with something to do between the two, if `busy`. */
static void vforks(void *busy)
{
	for (unsigned n = 1;; n++) {
		current->se.sleeps = SLEEP_VFORK;
		wait_event(&asked, load_acquire(&questions) == n || load_acquire(&stop));
		if (load_acquire(&stop))
			break;
		if (busy)
			compute(300000);
		current->se.sleeps = SLEEP_CHILD;
		wait_event(&ended, load_acquire(&ends) == n);
		current->se.sleeps = SLEEP_ANY;
		store_release(&answers, n);
		waitq_wake_all(&answered);
	}
	finish();
}

/* Is it on another CPU behind this? */
static bool wakes_elsewhere(struct waitq *q, unsigned *what, unsigned n, struct task *k)
{
	uint64_t end = hal_time_mono_ns() + 20 * NSEC_PER_MSEC;
	bool apart;

	while (READ_ONCE(k->se.on_rq) && hal_time_mono_ns() < end)
		hal_cpu_relax();
	preempt_disable();
	store_release(what, n);
	waitq_wake_all(q);
	apart = READ_ONCE(k->se.cpu) != this_cpu()->id;
	preempt_enable();
	return apart;
}

/* How often of a hundred the execs of children woke their parent on another CPU; and, in *at_ends, their ends. */
static unsigned execs_apart(struct task *k, unsigned *at_ends)
{
	unsigned apart = 0;

	*at_ends = questions = ends = answers = 0;
	for (unsigned n = 1; n <= 100; n++) {
		bool elsewhere = wakes_elsewhere(&asked, &questions, n, k);

		apart += elsewhere;
		compute(300000);
		if (elsewhere)
			*at_ends += wakes_elsewhere(&ended, &ends, n, k);
		else
			store_release(&ends, n);	/* it waits behind us */
		waitq_wake_all(&ended);
		wait_event(&answered, load_acquire(&answers) == n);
	}
	store_release(&stop, true);
	waitq_wake_all(&asked);
	return apart;
}

/* Elsewhere, if it does something while its child runs, and beside it, if it only waits; what the child does at its end is over soon. */
KTEST(the_parent_of_a_vfork_waits_or_works)
{
	unsigned apart, at_ends;
	struct task *k;

	sched_set_nice(current, -20);	/* so that whom it wakes beside it waits, and does not preempt it */
	for (uintptr_t busy = 0; busy < 2; busy++) {
		stop = false;
		left = 1;
		questions = 0;
		if (!KCHECK(k = kthread_create(vforks, (void *)busy, "vforks")))
			return;
		sched_set_nice(k, 0);
		k->se.woken = (struct sched_apart){ 1000, 1000 };	/* whom it was otherwise woken by went on */
		apart = execs_apart(k, &at_ends);
		KEVENTUALLY(load_acquire(&left) == 0);
		KCHECK(at_ends < 20);
		if (!one_physical_cpu())
			KCHECK(busy ? apart > 50 : apart < 20);
	}
}

/* More threads than physical CPUs: those that share one take turns on one of them, and do not run on two at once. */
KTEST(shared_cpus_are_left_idle)
{
	unsigned n = cpu_count, rounds = 0, both = 0;
	uint64_t shared = 0;

	for (unsigned i = 0; i < n; i++)
		shared |= hal_cpu_shares(i);
	KCHECK(n == 64 || !(shared >> n));
	if (!shared)
		return;
	stop = false;
	left = (int)n;
	for (uintptr_t i = 0; i < n; i++)
		if (!KCHECK(kthread_create(spinner, (void *)i, "share")))
			return;
	for (; rounds < 100; rounds++) {
		bool seen = false;

		sleep_ns(2 * NSEC_PER_MSEC);
		preempt_disable();
		for (unsigned i = 0; i < n; i++)
			for (uint64_t m = hal_cpu_shares(i); m; m &= m - 1)
				seen |= READ_ONCE(cpus[i]->curr) != cpus[i]->idle &&
					READ_ONCE(cpus[__builtin_ctzll(m)]->curr) != cpus[__builtin_ctzll(m)]->idle;
		preempt_enable();
		both += seen;
	}
	store_release(&stop, true);
	KEVENTUALLY(load_acquire(&left) == 0);
	KCHECK(both < rounds / 2);
}

static uint64_t hog_until;

static void hog(void *arg)
{
	(void)!sched_set_affinity(current, 1ull << (uintptr_t)arg);
	while (!load_acquire(&stop) && hal_time_mono_ns() < hog_until)
		hal_cpu_relax();
	finish();
}

/* A real-time thread without an end on each physical CPU: the CPUs that share it are there for the others. */
KTEST(real_time_leaves_the_other_cpus)
{
	uint64_t hogged = 0, shared = 0, start = hal_time_mono_ns();
	unsigned n = cpu_count;

	for (unsigned i = 0; i < n; i++)
		if (!(hal_cpu_shares(i) & hogged))
			hogged |= 1ull << i, shared |= hal_cpu_shares(i);
	KCHECK(n == 1 || hal_cpu_shares(0) == 0 || shared);
	if (!shared)
		return;
	stop = false;
	left = 0;
	hog_until = start + 5 * NSEC_PER_SEC;
	for (unsigned i = 0; i < n; i++)
		if (hogged & 1ull << i) {
			struct task *k;

			__atomic_add_fetch(&left, 1, __ATOMIC_RELAXED);
			k = kthread_create(hog, (void *)(uintptr_t)i, "hog/%u", i);
			if (KCHECK(k))
				KCHECK(!sched_set_policy(k, SCHED_FIFO, 10));
			else
				finish();
		}
	for (unsigned i = 0; i < 20; i++)
		sleep_ns(5 * NSEC_PER_MSEC);
	KCHECK(hal_time_mono_ns() - start < 3 * NSEC_PER_SEC);
	store_release(&stop, true);
	KEVENTUALLY(load_acquire(&left) == 0);
}

KTEST(idle_time_is_counted)
{
	uint64_t before = 0, after = 0;

	for (unsigned i = 0; i < cpu_count; i++)
		before += READ_ONCE(cpus[i]->idle_ns);
	sleep_ns(50 * NSEC_PER_MSEC);
	for (unsigned i = 0; i < cpu_count; i++)
		after += READ_ONCE(cpus[i]->idle_ns);
	KCHECK(after > before);
}

const struct ktest sched_tests[] = {
	KTEST_ROW(equal_shares), KTEST_ROW(nice_gets_less), KTEST_ROW(fifo_by_priority), KTEST_ROW(higher_priority_preempts),
	KTEST_ROW(bad_parameters), KTEST_ROW(migrates_with_affinity), KTEST_ROW(two_hundred_threads), KTEST_ROW(waiting_threads_are_spread),
	KTEST_ROW(the_waker_goes_on_or_sleeps), KTEST_ROW(the_starter_goes_on_or_sleeps), KTEST_ROW(the_parent_of_a_vfork_waits_or_works),
	KTEST_ROW(shared_cpus_are_left_idle), KTEST_ROW(real_time_leaves_the_other_cpus), KTEST_ROW(idle_time_is_counted), { NULL, NULL }
};
