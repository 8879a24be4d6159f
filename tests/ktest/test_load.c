/* SPDX-License-Identifier: MIT */
/* Threads, stacks, work queues, timers and memory under load: a hundred threads and more at once. */
#include <hal/hal.h>
#include <kernel/cpu.h>
#include <kernel/page.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/timer.h>
#include <kernel/wait.h>
#include "ktest.h"

enum { MANY = 150 };
static int left, errors;
static void finish(void) { __atomic_sub_fetch(&left, 1, __ATOMIC_RELEASE); }
static void fail(void) { __atomic_add_fetch(&errors, 1, __ATOMIC_RELAXED); }

static bool start_all(struct ktest_state *t, void (*fn)(void *), unsigned n)
{
	left = (int)n;
	errors = 0;
	for (unsigned i = 0; i < n; i++)
		if (!KCHECK(kthread_create(fn, (void *)(uintptr_t)i, "load/%u", i))) {
			__atomic_sub_fetch(&left, (int)(n - i), __ATOMIC_RELEASE);
			return false;
		}
	return true;
}

static NO_TSA unsigned use_stack(unsigned depth, unsigned seed)
{
	volatile uint8_t room[256];
	unsigned sum;

	for (unsigned i = 0; i < sizeof(room); i++)
		room[i] = (uint8_t)(seed + i + depth);
	if (depth % 8 == 0)
		sched_yield();
	sum = depth ? use_stack(depth - 1, seed) : 0;
	for (unsigned i = 0; i < sizeof(room); i++)
		if (room[i] != (uint8_t)(seed + i + depth))
			fail();
	return sum + 1;
}
static void stack_thread(void *arg)
{
	unsigned depth = KSTACK_SIZE / 2 / 1024;

	for (unsigned i = 0; i < 10; i++)
		if (use_stack(depth, (unsigned)(uintptr_t)arg) != depth + 1)
			fail();
	finish();
}
KTEST(stacks_are_apart)
{
	start_all(t, stack_thread, MANY);
	KEVENTUALLY(load_acquire(&left) == 0);
	KCHECK(errors == 0);
}

KTEST(stacks_do_not_touch)
{
	enum { N = 32 };
	static uint8_t *s[N];

	for (unsigned i = 0; i < N; i++) {
		s[i] = hal_kstack_alloc(KSTACK_SIZE);
		if (!KCHECK(s[i]))
			return;
		memset(s[i], (int)i + 1, KSTACK_SIZE);
	}
	for (unsigned i = 0; i < N; i++) {
		bool whole = true;

		for (unsigned j = 0; j < KSTACK_SIZE; j++)
			whole &= s[i][j] == i + 1;
		KCHECK(whole);
		for (unsigned j = 0; j < i; j++)
			KCHECK(s[i] + KSTACK_SIZE <= s[j] || s[j] + KSTACK_SIZE <= s[i]);
	}
	for (unsigned i = 0; i < N; i++)
		hal_kstack_free(s[(i * 7) % N], KSTACK_SIZE);
}

static void short_thread(void *arg) { (void)arg; finish(); }
static struct mem_info now;
static bool given_back(const struct mem_info *before)
{
	mem_info_get(&now);
	return now.free_pages + 1000 > before->free_pages;
}

KTEST(a_thousand_come_and_go)
{
	struct mem_info before;

	for (unsigned round = 0; round < 11; round++) {
		if (!start_all(t, short_thread, 100))
			return;
		KEVENTUALLY(load_acquire(&left) == 0);
		rcu_synchronize();
		if (!round)
			mem_info_get(&before);
	}
	/* A thread that is not given back would be a stack of each of a thousand. */
	if (!KEVENTUALLY(given_back(&before)))
		KNOTE("pages: free %llu, %llu before; slab %llu, %llu before", (unsigned long long)now.free_pages, (unsigned long long)before.free_pages,
		      (unsigned long long)now.slab_pages, (unsigned long long)before.slab_pages);
}

static struct work works[400];
static unsigned work_ran;
static void work_fn(struct work *w)
{
	unsigned *p = kmalloc(64, 0);

	if (p)
		p[15] = (unsigned)(w - works);
	kfree(p);
	__atomic_add_fetch(&work_ran, 1, __ATOMIC_RELEASE);
}
static void work_thread(void *arg)
{
	unsigned i = (unsigned)(uintptr_t)arg;

	for (unsigned n = 0; n < 4; n++)
		if (!work_queue(&works[i * 4 + n]))
			fail();
	finish();
}
KTEST(four_hundred_works_from_a_hundred_threads)
{
	work_ran = 0;
	for (unsigned i = 0; i < 400; i++)
		work_init(&works[i], work_fn);
	start_all(t, work_thread, 100);
	KEVENTUALLY(load_acquire(&left) == 0);
	work_flush();
	KEVENTUALLY(load_acquire(&work_ran) == 400);
	KCHECK(errors == 0);
}

static unsigned again_ran;
static void again_fn(struct work *w) { (void)w; __atomic_add_fetch(&again_ran, 1, __ATOMIC_RELEASE); }
static struct work again;
static unsigned again_queued;
static void again_thread(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < 200; i++) {
		if (work_queue(&again))
			__atomic_add_fetch(&again_queued, 1, __ATOMIC_RELAXED);
		if (i % 16 == 0)
			sched_yield();
	}
	finish();
}
KTEST(one_work_queued_by_all)
{
	again_ran = again_queued = 0;
	work_init(&again, again_fn);
	start_all(t, again_thread, 40);
	KEVENTUALLY(load_acquire(&left) == 0);
	work_flush();
	/* As often as it was accepted: no more, and no less. */
	KEVENTUALLY(load_acquire(&again_ran) == again_queued);
	KCHECK(again_queued >= 1);
}

static void sleep_thread(void *arg)
{
	unsigned i = (unsigned)(uintptr_t)arg;

	for (unsigned n = 0; n < 20; n++) {
		uint64_t ns = (i * 37 + n * 91) % 2000 * 1000, from = hal_time_mono_ns();

		sleep_ns(ns);
		if (hal_time_mono_ns() - from < ns)
			fail();
	}
	finish();
}
KTEST(a_hundred_and_fifty_sleepers)
{
	start_all(t, sleep_thread, MANY);
	KEVENTUALLY(load_acquire(&left) == 0);
	KCHECK(errors == 0);
}

static struct { struct mutex m; struct waitq wait; unsigned turn; uint64_t sum; } chain;
static void chain_thread(void *arg)
{
	unsigned i = (unsigned)(uintptr_t)arg;

	for (unsigned n = 0; n < 5; n++) {
		wait_event(&chain.wait, load_acquire(&chain.turn) % 100 == i);
		mutex_lock(&chain.m);
		chain.sum += i;
		mutex_unlock(&chain.m);
		__atomic_add_fetch(&chain.turn, 1, __ATOMIC_RELEASE);
		waitq_wake_all(&chain.wait);
	}
	finish();
}
KTEST(a_hundred_take_turns)
{
	mutex_init(&chain.m, LOCK_DEVICE);
	waitq_init(&chain.wait);
	chain.turn = 0;
	chain.sum = 0;
	start_all(t, chain_thread, 100);
	KEVENTUALLY(load_acquire(&left) == 0);
	KCHECK(chain.turn == 500 && chain.sum == 5 * 4950);
}

static void page_thread(void *arg)
{
	uintptr_t me = (uintptr_t)arg;

	for (unsigned n = 0; n < 40; n++) {
		struct page *p = page_alloc(n % 3, 0);
		uintptr_t *q = kmalloc(16 + n * 40, 0);

		if (!p || !q) {
			fail();
		} else {
			*(uintptr_t *)page_addr(p) = me;
			q[0] = me;
			sched_yield();
			if (*(uintptr_t *)page_addr(p) != me || q[0] != me)
				fail();
		}
		kfree(q);
		if (p)
			page_put(p);
	}
	finish();
}
KTEST(memory_from_a_hundred_threads)
{
	start_all(t, page_thread, 100);
	KEVENTUALLY(load_acquire(&left) == 0);
	KCHECK(errors == 0);
}

static struct { struct rwsem s; uint64_t a, b; } rw;
static void rw_thread(void *arg)
{
	for (unsigned n = 0; n < 50; n++) {
		if (((uintptr_t)arg + n) % 8 == 0) {
			rwsem_write_lock(&rw.s);
			rw.a++;
			if (n % 4 == 0)
				sched_yield();
			rw.b++;
			rwsem_write_unlock(&rw.s);
		} else {
			rwsem_read_lock(&rw.s);
			if (rw.a != rw.b)
				fail();
			rwsem_read_unlock(&rw.s);
		}
	}
	finish();
}
KTEST(readers_and_writers_by_the_hundred)
{
	rwsem_init(&rw.s, LOCK_DEVICE);
	rw.a = rw.b = 0;
	start_all(t, rw_thread, 120);
	KEVENTUALLY(load_acquire(&left) == 0);
	KCHECK(errors == 0 && rw.a == rw.b && rw.a > 500);
}

static struct ktimer timers[200];
static unsigned timer_fired;
static void timer_fn(struct ktimer *k) { (void)k; __atomic_add_fetch(&timer_fired, 1, __ATOMIC_RELEASE); }
static void timer_thread(void *arg)
{
	unsigned i = (unsigned)(uintptr_t)arg;

	ktimer_init(&timers[i], timer_fn);
	for (unsigned n = 0; n < 10; n++)
		ktimer_arm(&timers[i], hal_time_mono_ns() + 1000000000000ull);	/* replaced before it is due */
	ktimer_arm(&timers[i], hal_time_mono_ns() + (i * 7919) % 3000000);
	finish();
}
KTEST(two_hundred_timers_from_as_many_threads)
{
	timer_fired = 0;
	start_all(t, timer_thread, 200);
	KEVENTUALLY(load_acquire(&left) == 0);
	KEVENTUALLY(load_acquire(&timer_fired) == 200);
	for (unsigned i = 0; i < 200; i++)
		KCHECK(!ktimer_pending(&timers[i]));
}

const struct ktest load_tests[] = {
	KTEST_ROW(stacks_are_apart), KTEST_ROW(stacks_do_not_touch), KTEST_ROW(a_thousand_come_and_go),
	KTEST_ROW(four_hundred_works_from_a_hundred_threads), KTEST_ROW(one_work_queued_by_all), KTEST_ROW(a_hundred_and_fifty_sleepers),
	KTEST_ROW(a_hundred_take_turns), KTEST_ROW(memory_from_a_hundred_threads), KTEST_ROW(readers_and_writers_by_the_hundred),
	KTEST_ROW(two_hundred_timers_from_as_many_threads), { NULL, NULL }
};
