/* SPDX-License-Identifier: MIT */
/* Read-copy-update: nothing is freed under a reader. */
#include <kernel/slab.h>
#include "ktest.h"

struct object { struct rcu_head rcu; unsigned alive; };
static struct object *shared;
static bool stop;
static int left, bad;
static unsigned called;

static void free_object(struct rcu_head *h)
{
	struct object *o = container_of(h, struct object, rcu);

	WRITE_ONCE(o->alive, 0);
	kfree(o);
	__atomic_add_fetch(&called, 1, __ATOMIC_RELEASE);
}

static void reader(void *arg)
{
	while (!load_acquire(&stop)) {
		struct object *o;

		rcu_read_lock();
		o = rcu_dereference(shared);
		for (unsigned i = 0; i < 50; i++)
			if (READ_ONCE(o->alive) != 0x600d)
				__atomic_add_fetch(&bad, 1, __ATOMIC_RELAXED);
		rcu_read_unlock();
		sched_yield();
	}
	__atomic_sub_fetch(&left, 1, __ATOMIC_RELEASE);
	(void)arg;
}

static struct object *object_new(void)
{
	struct object *o = kmalloc(sizeof(*o), 0);

	o->alive = 0x600d;
	return o;
}

KTEST(readers_see_live_objects)
{
	stop = false;
	left = 3;
	bad = 0;
	called = 0;
	shared = object_new();
	for (unsigned i = 0; i < 3; i++)
		KCHECK(kthread_create(reader, NULL, "reader"));
	for (unsigned i = 0; i < 100; i++) {
		struct object *old = shared;

		rcu_assign(shared, object_new());
		rcu_call(&old->rcu, free_object);
		if (i % 10 == 0)
			sleep_ns(NSEC_PER_MSEC);
	}
	KEVENTUALLY(load_acquire(&called) == 100);
	store_release(&stop, true);
	KEVENTUALLY(load_acquire(&left) == 0);
	KCHECK(bad == 0);
	kfree(shared);
}

KTEST(synchronize_waits)
{
	for (unsigned i = 0; i < 3; i++) {
		called = 0;
		rcu_call(&object_new()->rcu, free_object);
		rcu_synchronize();
		rcu_synchronize();	/* callbacks run in order */
		KCHECK(load_acquire(&called) == 1);
	}
}

KTEST(idle_cpus_do_not_hold_it_up)
{
	uint64_t start = hal_time_mono_ns();

	rcu_synchronize();
	KCHECK(hal_time_mono_ns() - start < 20 * NSEC_PER_SEC);
}

const struct ktest rcu_tests[] = {
	KTEST_ROW(readers_see_live_objects), KTEST_ROW(synchronize_waits), KTEST_ROW(idle_cpus_do_not_hold_it_up), { NULL, NULL }
};
