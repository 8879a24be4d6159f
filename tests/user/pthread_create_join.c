/* SPDX-License-Identifier: MIT */
/* Threads begin, end and are joined: values, detaching, many at once and one after the other, stacks of one's choice, joining across, timed joins. */
#include "harness.h"
#include "child.h"
#include <pthread.h>
#include <sys/mman.h>

static struct gate hold;
static volatile int ran;

static void *gives(void *arg) { return (char *)arg + 1; }
static void *counts(void *arg) { __atomic_add_fetch(&ran, 1, __ATOMIC_SEQ_CST); return arg; }
static void *waits(void *arg) { gate_wait(&hold); return arg; }
static void *joins(void *arg)	/* a chain: each joins the one before */
{
	void *v = NULL;

	if (arg)
		pthread_join(*(pthread_t *)arg, &v);
	return (char *)v + 1;
}
static void *ids(void *arg)
{
	pid_t *id = arg;

	id[0] = getpid();
	id[1] = (pid_t)syscall(SYS_gettid);
	return NULL;
}
static void *own_stack(void *arg)
{
	char here;
	char **area = arg;

	return (void *)(long)(&here > area[0] && &here < area[0] + 256 * 1024);
}
static void *exits_deep(void *arg)
{
	if (arg)
		return exits_deep((char *)arg - 1);
	pthread_exit((void *)77L);
}

int main(void)
{
	pthread_t t[200], chain[30];
	pthread_attr_t attr;
	pid_t id[2], first;
	struct timespec ts;
	char *stack;
	void *v;
	long sum = 0;
	int bad = 0;

	plan(14);
	gate_init(&hold);
	ok(pthread_create(&t[0], NULL, gives, (void *)41L) == 0 && pthread_join(t[0], &v) == 0 && v == (void *)42L, "a value goes in and comes out");
	pthread_create(&t[0], NULL, ids, id);
	pthread_join(t[0], NULL);
	ok(id[0] == getpid() && id[1] != getpid() && id[1] > 0, "one process, another thread number");
	first = id[1];
	ok(thread_leaves(first), "a joined thread is gone from /proc");
	for (long i = 0; i < 200; i++)
		if (pthread_create(&t[i], NULL, waits, (void *)i))
			bail("thread %ld", i);
	gate_open_n(&hold, 200);
	for (int i = 0; i < 200; i++) {
		pthread_join(t[i], &v);
		sum += (long)v;
	}
	ok(sum == 199 * 100, "two hundred at once");
	for (int i = 0; i < 1000; i++) {
		bad += pthread_create(&t[0], NULL, counts, NULL) != 0;
		bad += pthread_join(t[0], NULL) != 0;
	}
	ok(!bad && ran == 1000, "a thousand one after the other");
	for (int i = 0; i < 30; i++)
		pthread_create(&chain[i], NULL, joins, i ? &chain[i - 1] : NULL);
	pthread_join(chain[29], &v);
	ok(v == (void *)30L, "a chain of joins");
	pthread_create(&t[0], NULL, exits_deep, (void *)100L);
	pthread_join(t[0], &v);
	ok(v == (void *)77L, "pthread_exit from deep inside");

	ran = 0;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	for (int i = 0; i < 100; i++)
		while (pthread_create(&t[0], &attr, counts, NULL))
			sched_yield();
	while (ran < 100)
		sched_yield();
	ok(ran == 100, "a hundred detached");
	pthread_attr_destroy(&attr);
	pthread_attr_init(&attr);
	stack = mmap(NULL, 256 * 1024, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pthread_attr_setstack(&attr, stack, 256 * 1024);
	pthread_create(&t[0], &attr, own_stack, &stack);
	pthread_join(t[0], &v);
	ok(v == (void *)1L && munmap(stack, 256 * 1024) == 0, "a stack of one's choice, free after join");

	pthread_create(&t[0], NULL, waits, NULL);
	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_nsec += 5000000;
	ts.tv_sec += ts.tv_nsec / 1000000000;
	ts.tv_nsec %= 1000000000;
	ok(pthread_timedjoin_np(t[0], &v, &ts) == ETIMEDOUT, "a timed join runs out");
	ok(pthread_tryjoin_np(t[0], &v) == EBUSY, "a try says busy");
	gate_open(&hold);
	ok(pthread_join(t[0], &v) == 0, "it ends in the end");
	ok(pthread_join(pthread_self(), &v) == EDEADLK, "joining oneself");
	/* the first thread leaves; another one ends the process */
	ok(in_child(({
		pthread_t me = pthread_self();
		void *(*fn)(void *) = joins;
		static pthread_t keep;
		keep = me;
		pthread_create(&t[0], NULL, fn, &keep);
		pthread_exit((void *)5L);
		1; })) == 0, "the last thread's end is the process's");
	return done();
}
