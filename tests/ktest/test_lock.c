/* SPDX-License-Identifier: MIT */
/* Locks under contention. */
#include <kernel/errno.h>
#include <kernel/lock.h>
#include "ktest.h"

enum { THREADS = 8, ROUNDS = 3000 };
static struct spinlock spin;
static struct mutex mutex;
static struct rwsem sem;
static unsigned long counter;
static int left, inside, violations;

static void finish(void) { __atomic_sub_fetch(&left, 1, __ATOMIC_RELEASE); }

static void spin_thread(void *arg)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		spin_lock(&spin);
		counter++;
		spin_unlock(&spin);
	}
	finish();
	(void)arg;
}

static void mutex_thread(void *arg)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		mutex_lock(&mutex);
		counter++;
		if (i % 64 == 0)
			sched_yield();	/* with the lock held: others must sleep */
		mutex_unlock(&mutex);
	}
	finish();
	(void)arg;
}

static void rwsem_thread(void *arg)
{
	bool writer = (uintptr_t)arg % 4 == 0;

	for (unsigned i = 0; i < ROUNDS; i++) {
		if (writer) {
			rwsem_write_lock(&sem);
			if (__atomic_exchange_n(&inside, -1, __ATOMIC_RELAXED) != 0)
				__atomic_add_fetch(&violations, 1, __ATOMIC_RELAXED);
			counter++;
			__atomic_store_n(&inside, 0, __ATOMIC_RELAXED);
			rwsem_write_unlock(&sem);
		} else {
			rwsem_read_lock(&sem);
			if (__atomic_add_fetch(&inside, 1, __ATOMIC_RELAXED) <= 0)
				__atomic_add_fetch(&violations, 1, __ATOMIC_RELAXED);
			__atomic_sub_fetch(&inside, 1, __ATOMIC_RELAXED);
			rwsem_read_unlock(&sem);
		}
	}
	finish();
}

static void start(struct ktest_state *t, void (*fn)(void *))
{
	counter = 0;
	left = THREADS;
	inside = violations = 0;
	for (unsigned i = 0; i < THREADS; i++)
		KCHECK(kthread_create(fn, (void *)(uintptr_t)i, "lock/%u", i));
	KEVENTUALLY(load_acquire(&left) == 0);
}

KTEST(spinlock_excludes)
{
	spin_init(&spin, LOCK_DRIVER);
	start(t, spin_thread);
	KCHECK(counter == (unsigned long)THREADS * ROUNDS);
}

static void spinlock_try(struct ktest_state *t) NO_TSA	/* the analysis does not look into KCHECK */
{
	spin_init(&spin, LOCK_DRIVER);
	KCHECK(spin_trylock(&spin));
	KCHECK(!spin_trylock(&spin));
	KCHECK(spin_is_locked(&spin));
	spin_unlock(&spin);
	KCHECK(!spin_is_locked(&spin));
}

KTEST(mutex_excludes)
{
	mutex_init(&mutex, LOCK_DEVICE);
	start(t, mutex_thread);
	KCHECK(counter == (unsigned long)THREADS * ROUNDS);
	KCHECK(mutex.owner == 0);
}

static void mutex_try(struct ktest_state *t) NO_TSA	/* the analysis does not look into KCHECK */
{
	static struct mutex inner;

	mutex_init(&mutex, LOCK_DEVICE);
	KCHECK(mutex_trylock(&mutex));
	KCHECK(mutex_is_mine(&mutex));
	KCHECK(!mutex_trylock(&mutex));
	mutex_unlock(&mutex);
	KCHECK(!mutex_is_mine(&mutex));
	/* Order is for those who wait: what is free may be taken while an inner lock is held. */
	mutex_init(&inner, LOCK_RECLAIM);
	mutex_lock(&inner);
	KCHECK(mutex_trylock(&mutex));
	mutex_unlock(&mutex);
	mutex_unlock(&inner);
}

KTEST(rwsem_excludes)
{
	rwsem_init(&sem, LOCK_DEVICE);
	start(t, rwsem_thread);
	KCHECK(violations == 0 && sem.state == 0);
	KCHECK(counter == (unsigned long)THREADS / 4 * ROUNDS);
}

/* Readers that overlap all the time, writers that come back at once: each kind gets its turn. */
static bool enough;
static unsigned long reads, writes;
static void greedy_reader(void *arg)
{
	while (!READ_ONCE(enough)) {
		rwsem_read_lock(&sem);
		sched_yield();
		__atomic_add_fetch(&reads, 1, __ATOMIC_RELAXED);
		rwsem_read_unlock(&sem);
	}
	finish();
	(void)arg;
}
static void greedy_writer(void *arg)
{
	while (!READ_ONCE(enough)) {
		rwsem_write_lock(&sem);
		__atomic_add_fetch(&writes, 1, __ATOMIC_RELAXED);
		rwsem_write_unlock(&sem);
	}
	finish();
	(void)arg;
}
KTEST(rwsem_starves_nobody)
{
	rwsem_init(&sem, LOCK_DEVICE);
	enough = false;
	reads = writes = 0;
	left = THREADS;
	for (unsigned i = 0; i < THREADS; i++)
		KCHECK(kthread_create(i % 4 ? greedy_reader : greedy_writer, NULL, "greedy/%u", i));
	KEVENTUALLY(READ_ONCE(reads) > 500 && READ_ONCE(writes) > 50);
	WRITE_ONCE(enough, true);
	KEVENTUALLY(load_acquire(&left) == 0);
	KCHECK(sem.state == 0);
}

static void rwsem_downgrades(struct ktest_state *t) NO_TSA	/* the analysis does not look into KCHECK */
{
	rwsem_init(&sem, LOCK_DEVICE);
	rwsem_write_lock(&sem);
	rwsem_downgrade(&sem);
	KCHECK(sem.state == 4);	/* one reader */
	rwsem_read_unlock(&sem);
	KCHECK(sem.state == 0);
}

const struct ktest lock_tests[] = {
	KTEST_ROW(spinlock_excludes), KTEST_ROW(spinlock_try), KTEST_ROW(mutex_excludes), KTEST_ROW(mutex_try), KTEST_ROW(rwsem_excludes),
	KTEST_ROW(rwsem_starves_nobody), KTEST_ROW(rwsem_downgrades), { NULL, NULL }
};
