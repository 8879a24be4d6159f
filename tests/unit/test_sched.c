/* SPDX-License-Identifier: MIT */
/*
 * The scheduler where time stands still unless the test says so: shares of the
 * fair class to the nanosecond, lag across sleep, priorities; and the checks of
 * debug builds, each by breaking its rule.
 */
#include <kernel/cpu.h>
#include <kernel/lock.h>
#include <kernel/string.h>
#include "sched/sched_internal.h"
#include "unit.h"

enum { ENTITIES = 40 };
static struct fair_queue q;
static struct sched_entity se[ENTITIES];
static uint64_t ran[ENTITIES];

static void entity_start(unsigned i, int nice)
{
	se[i] = (struct sched_entity){ .nice = (int8_t)nice, .weight = fair_weight(nice, SCHED_OTHER) };
	ran[i] = 0;
	fair_enqueue(&q, &se[i], true);
}

/* Whoever is first runs until its slice is up, step by step. */
static unsigned run_one(uint64_t step_ns)
{
	struct sched_entity *e = fair_first(&q);
	unsigned i = (unsigned)(e - se);

	fair_pick(&q, e);
	do
		ran[i] += step_ns;
	while (!fair_charge(&q, e, step_ns));
	fair_put(&q, e);
	return i;
}

static void shares_follow_weights(void)
{
	static const int nice[4] = { 0, 0, 5, -5 };
	uint64_t total = 0, weights = 0;

	for (unsigned i = 0; i < 4; i++) {
		entity_start(i, nice[i]);
		weights += se[i].weight;
	}
	for (unsigned n = 0; n < 20000; n++)
		run_one(1000000);
	for (unsigned i = 0; i < 4; i++)
		total += ran[i];
	for (unsigned i = 0; i < 4; i++) {
		uint64_t due = total / weights * se[i].weight;

		CHECK(ran[i] > due - due / 50 && ran[i] < due + due / 50);	/* 2 % */
	}
}

static void nobody_waits_long(void)
{
	unsigned last[ENTITIES] = { 0 };

	for (unsigned i = 0; i < ENTITIES; i++)
		entity_start(i, 0);
	for (unsigned n = 1; n < 4000; n++)
		last[run_one(FAIR_SLICE_NS)] = n;
	for (unsigned i = 0; i < ENTITIES; i++)	/* each had a turn in the last two rounds */
		CHECK(last[i] + 2 * ENTITIES > 3999);
}

static void a_sleeper_is_not_owed_its_sleep(void)
{
	uint64_t before;

	entity_start(0, 0);
	entity_start(1, 0);
	fair_dequeue(&q, &se[1], true);
	for (unsigned n = 0; n < 1000; n++)	/* three seconds alone */
		run_one(FAIR_SLICE_NS);
	before = ran[0];
	fair_enqueue(&q, &se[1], true);
	for (unsigned n = 0; n < 20; n++)
		run_one(FAIR_SLICE_NS);
	CHECK(ran[0] - before >= 8 * (uint64_t)FAIR_SLICE_NS);
	CHECK(ran[1] >= 8 * (uint64_t)FAIR_SLICE_NS);
}

static void sums_stay_exact(void)
{
	uint64_t x = 1;

	for (unsigned i = 0; i < ENTITIES; i++)
		entity_start(i, (int)(i % 40) - 20);
	for (unsigned n = 0; n < 20000; n++) {
		unsigned i;

		x = x * 6364136223846793005ull + 1442695040888963407ull;
		i = (unsigned)(x >> 33) % ENTITIES;
		fair_dequeue(&q, &se[i], true);
		if (q.count)
			run_one(700000);
		fair_enqueue(&q, &se[i], true);
	}
	CHECK_EQ(q.count, ENTITIES);
	for (unsigned i = 0; i < ENTITIES; i++)
		fair_dequeue(&q, &se[i], true);
	CHECK_EQ(q.count, 0);
	CHECK_EQ(q.sum_weight, 0);
	CHECK_EQ(q.sum_weighted, 0);
}

static char order[16];
static void note(void *arg)
{
	size_t n = strlen(order);

	order[n] = *(const char *)arg;
	order[n + 1] = 0;
}

static void real_time_by_priority(void)
{
	struct task *a, *b, *c;

	CHECK_EQ(sched_set_policy(current, SCHED_FIFO, 90), 0);
	a = kthread_create(note, (void *)"a", "a");
	b = kthread_create(note, (void *)"b", "b");
	c = kthread_create(note, (void *)"c", "c");
	CHECK(a && b && c);
	CHECK_EQ(sched_set_policy(a, SCHED_FIFO, 10), 0);
	CHECK_EQ(sched_set_policy(b, SCHED_FIFO, 30), 0);
	CHECK_EQ(sched_set_policy(c, SCHED_RR, 20), 0);
	CHECK_EQ(order[0], 0);
	sleep_ns(NSEC_PER_SEC);
	CHECK(!strcmp(order, "bca"));
}

static void time_passes_by_sleeping(void)
{
	uint64_t start = hal_time_mono_ns();

	sleep_ns(3600 * NSEC_PER_SEC);
	CHECK(hal_time_mono_ns() - start >= 3600 * NSEC_PER_SEC);
}

#ifdef EFT_DEBUG
static void wrong_lock_order_is_caught(void) NO_TSA
{
	static struct spinlock inner, outer;

	spin_init(&outer, LOCK_FILES);
	spin_init(&inner, LOCK_RUNQUEUE);
	spin_lock(&inner);
	unit_expect_panic("lock order: FILES taken while holding RUNQUEUE");
	spin_lock(&outer);
}

static void sleeping_under_a_spinlock_is_caught(void) NO_TSA
{
	static struct spinlock l;

	spin_init(&l, LOCK_DRIVER);
	spin_lock(&l);
	unit_expect_panic("may sleep");
	sleep_ns(1);
}

static void a_lock_held_into_user_code_is_caught(void) NO_TSA
{
	static struct mutex m;

	mutex_init(&m, LOCK_DEVICE);
	mutex_lock(&m);
	unit_expect_panic("on the way to user code");
	lock_assert_none_held();
}
#endif

const struct unit_test unit_tests[] = {
	{ "shares_follow_weights", shares_follow_weights },
	{ "nobody_waits_long", nobody_waits_long },
	{ "a_sleeper_is_not_owed_its_sleep", a_sleeper_is_not_owed_its_sleep },
	{ "sums_stay_exact", sums_stay_exact },
	{ "real_time_by_priority", real_time_by_priority },
	{ "time_passes_by_sleeping", time_passes_by_sleeping },
#ifdef EFT_DEBUG
	{ "wrong_lock_order_is_caught", wrong_lock_order_is_caught },
	{ "sleeping_under_a_spinlock_is_caught", sleeping_under_a_spinlock_is_caught },
	{ "a_lock_held_into_user_code_is_caught", a_lock_held_into_user_code_is_caught },
#endif
	{ 0 }
};
