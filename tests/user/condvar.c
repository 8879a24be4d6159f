/* SPDX-License-Identifier: MIT */
/* Condition variables: no wake-up is lost between producers and consumers, signal wakes one, broadcast all, timed waits end, also between processes. */
#include "harness.h"
#include "child.h"
#include <pthread.h>
#include <sys/mman.h>

enum { ITEMS = 20000, SLOTS = 8 };
struct queue { pthread_mutex_t m; pthread_cond_t not_full, not_empty; int slot[SLOTS], head, n, waiting, go; long sum; int taken; };
static struct queue *q;

static void put(int v)
{
	pthread_mutex_lock(&q->m);
	while (q->n == SLOTS)
		pthread_cond_wait(&q->not_full, &q->m);
	q->slot[(q->head + q->n++) % SLOTS] = v;
	pthread_cond_signal(&q->not_empty);
	pthread_mutex_unlock(&q->m);
}
static int take(void)
{
	int v;

	pthread_mutex_lock(&q->m);
	while (!q->n)
		pthread_cond_wait(&q->not_empty, &q->m);
	v = q->slot[q->head++ % SLOTS];
	q->n--;
	if (v >= 0) {
		q->sum += v;
		q->taken++;
	}
	pthread_cond_signal(&q->not_full);
	pthread_mutex_unlock(&q->m);
	return v;
}
static void *producer(void *arg)
{
	for (int i = 0; i < ITEMS; i++)
		put(i);
	return arg;
}
static void *consumer(void *arg)
{
	while (take() >= 0)
		;
	return arg;
}
static void *sleeper(void *arg)
{
	pthread_mutex_lock(&q->m);
	q->waiting++;
	while (!q->go)
		pthread_cond_wait(&q->not_empty, &q->m);
	q->go--;
	q->waiting--;
	pthread_mutex_unlock(&q->m);
	return arg;
}
static void init(int shared)
{
	pthread_mutexattr_t ma;
	pthread_condattr_t ca;

	memset(q, 0, sizeof(*q));
	pthread_mutexattr_init(&ma);
	pthread_condattr_init(&ca);
	pthread_mutexattr_setpshared(&ma, shared);
	pthread_condattr_setpshared(&ca, shared);
	pthread_condattr_setclock(&ca, CLOCK_MONOTONIC);
	pthread_mutex_init(&q->m, &ma);
	pthread_cond_init(&q->not_full, &ca);
	pthread_cond_init(&q->not_empty, &ca);
}
static int waiting(void)
{
	int n;

	pthread_mutex_lock(&q->m);
	n = q->waiting;
	pthread_mutex_unlock(&q->m);
	return n;
}

int main(void)
{
	pthread_t p[2], c[3], w[10];
	struct timespec ts;
	pid_t pid[2];
	int r;

	plan(9);
	q = mmap(NULL, sizeof(*q), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	init(PTHREAD_PROCESS_PRIVATE);
	for (int i = 0; i < 3; i++)
		pthread_create(&c[i], NULL, consumer, NULL);
	for (int i = 0; i < 2; i++)
		pthread_create(&p[i], NULL, producer, NULL);
	for (int i = 0; i < 2; i++)
		pthread_join(p[i], NULL);
	for (int i = 0; i < 3; i++)
		put(-1);
	for (int i = 0; i < 3; i++)
		pthread_join(c[i], NULL);
	ok(q->taken == 2 * ITEMS, "two producers, three consumers: none lost");
	ok(q->sum == (long)ITEMS * (ITEMS - 1), "none twice");

	init(PTHREAD_PROCESS_PRIVATE);
	for (int i = 0; i < 10; i++)
		pthread_create(&w[i], NULL, sleeper, NULL);
	while (waiting() < 10)
		sched_yield();
	pthread_mutex_lock(&q->m);
	q->go = 1;
	pthread_cond_signal(&q->not_empty);
	pthread_mutex_unlock(&q->m);
	while (waiting() != 9)
		sched_yield();
	ok(waiting() == 9, "a signal lets one go");
	pthread_mutex_lock(&q->m);
	q->go = 9;
	pthread_cond_broadcast(&q->not_empty);
	pthread_mutex_unlock(&q->m);
	for (int i = 0; i < 10; i++)
		pthread_join(w[i], NULL);
	ok(waiting() == 0 && q->go == 0, "a broadcast the rest");

	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_nsec += 5000000;
	ts.tv_sec += ts.tv_nsec / 1000000000;
	ts.tv_nsec %= 1000000000;
	pthread_mutex_lock(&q->m);
	do
		r = pthread_cond_timedwait(&q->not_empty, &q->m, &ts);
	while (!r);
	ok(r == ETIMEDOUT && now_ns(CLOCK_MONOTONIC) >= ts.tv_sec * 1000000000LL + ts.tv_nsec, "a timed wait ends, not early");
	ok(pthread_mutex_trylock(&q->m) == EBUSY, "with the mutex held");
	r = pthread_cond_timedwait(&q->not_empty, &q->m, &ts);
	ok(r == ETIMEDOUT, "a time that has passed: at once");
	pthread_mutex_unlock(&q->m);

	init(PTHREAD_PROCESS_SHARED);
	for (int i = 0; i < 2; i++) {
		pid[i] = fork();
		if (!pid[i]) {
			(i ? consumer : producer)(NULL);
			_exit(0);
		}
	}
	r = exit_of(pid[0]);
	put(-1);
	ok(r == 0 && exit_of(pid[1]) == 0, "between processes");
	ok(q->sum == (long)ITEMS * (ITEMS - 1) / 2 && q->taken == ITEMS, "nothing lost");
	return done();
}
