/* SPDX-License-Identifier: MIT */
/* Mutexes under contention: no increment is lost, of every type, between threads and between processes. */
#include "harness.h"
#include "child.h"
#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>

enum { THREADS = 4, ROUNDS = 20000 };
struct shared { pthread_mutex_t m; pthread_spinlock_t s; pthread_rwlock_t rw; volatile long n, torn; };
static struct shared *sh;

static void *plain(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		pthread_mutex_lock(&sh->m);
		sh->n++;
		pthread_mutex_unlock(&sh->m);
	}
	return arg;
}
static void *nested(void *arg)
{
	for (int i = 0; i < ROUNDS / 4; i++) {
		pthread_mutex_lock(&sh->m);
		pthread_mutex_lock(&sh->m);
		sh->n++;
		pthread_mutex_unlock(&sh->m);
		pthread_mutex_unlock(&sh->m);
	}
	return arg;
}
static void *tries(void *arg)
{
	for (int i = 0; i < ROUNDS / 4; i++) {
		while (pthread_mutex_trylock(&sh->m))
			sched_yield();
		sh->n++;
		pthread_mutex_unlock(&sh->m);
	}
	return arg;
}
static void *timed(void *arg)
{
	for (int i = 0; i < ROUNDS / 4; i++) {
		struct timespec ts;

		clock_gettime(CLOCK_REALTIME, &ts);
		ts.tv_sec += 100;
		if (pthread_mutex_timedlock(&sh->m, &ts))
			return (void *)1;
		sh->n++;
		pthread_mutex_unlock(&sh->m);
	}
	return arg;
}
static void *spins(void *arg)
{
	for (int i = 0; i < ROUNDS / 10; i++) {
		pthread_spin_lock(&sh->s);
		sh->n++;
		pthread_spin_unlock(&sh->s);
	}
	return arg;
}
static void *reads_writes(void *arg)
{
	for (int i = 0; i < ROUNDS / 4; i++) {
		if (i % 4 == 0) {
			pthread_rwlock_wrlock(&sh->rw);
			sh->n++;
			sh->torn++;
			pthread_rwlock_unlock(&sh->rw);
		} else {
			long bad;

			pthread_rwlock_rdlock(&sh->rw);
			bad = sh->n != sh->torn;
			pthread_rwlock_unlock(&sh->rw);
			if (bad)
				return (void *)1;
		}
	}
	return arg;
}

static long run(void *(*fn)(void *), int type, int protocol)
{
	pthread_mutexattr_t a;
	pthread_t t[THREADS];
	void *v;
	long bad = 0;

	pthread_mutexattr_init(&a);
	pthread_mutexattr_settype(&a, type);
	pthread_mutexattr_setprotocol(&a, protocol);
	pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
	if (pthread_mutex_init(&sh->m, &a))
		return -1;
	sh->n = sh->torn = 0;
	for (int i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, fn, NULL);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(t[i], &v);
		bad += v != NULL;
	}
	return bad ? -1 : sh->n;
}

int main(void)
{
	pid_t pid[THREADS];
	int bad = 0;

	plan(12);
	sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_spin_init(&sh->s, PTHREAD_PROCESS_SHARED);
	pthread_rwlock_init(&sh->rw, NULL);
	ok(run(plain, PTHREAD_MUTEX_NORMAL, PTHREAD_PRIO_NONE) == THREADS * ROUNDS, "normal");
	ok(run(plain, PTHREAD_MUTEX_ERRORCHECK, PTHREAD_PRIO_NONE) == THREADS * ROUNDS, "error-checking");
	ok(run(nested, PTHREAD_MUTEX_RECURSIVE, PTHREAD_PRIO_NONE) == THREADS * ROUNDS / 4, "recursive");
	ok(run(tries, PTHREAD_MUTEX_NORMAL, PTHREAD_PRIO_NONE) == THREADS * ROUNDS / 4, "by trylock");
	ok(run(timed, PTHREAD_MUTEX_NORMAL, PTHREAD_PRIO_NONE) == THREADS * ROUNDS / 4, "by timedlock");
	ok(run(timed, PTHREAD_MUTEX_NORMAL, PTHREAD_PRIO_INHERIT) == THREADS * ROUNDS / 4, "with priority inheritance");
	ok(run(spins, PTHREAD_MUTEX_NORMAL, PTHREAD_PRIO_NONE) == THREADS * ROUNDS / 10, "spin locks");
	ok(run(reads_writes, PTHREAD_MUTEX_NORMAL, PTHREAD_PRIO_NONE) == THREADS * ROUNDS / 16, "read-write locks");
	pthread_mutexattr_t a;

	pthread_mutexattr_init(&a);
	pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
	for (int pi = 0; pi < 2; pi++) {
		pthread_mutexattr_setprotocol(&a, pi ? PTHREAD_PRIO_INHERIT : PTHREAD_PRIO_NONE);
		pthread_mutex_init(&sh->m, &a);
		sh->n = 0;
		for (int i = 0; i < THREADS; i++) {
			pid[i] = fork();
			if (!pid[i]) {
				plain(NULL);
				_exit(0);
			}
		}
		for (int i = bad = 0; i < THREADS; i++)
			bad += exit_of(pid[i]) != 0;
		ok(!bad && sh->n == THREADS * ROUNDS, "between processes%s", pi ? ", with priority inheritance" : "");
	}
	pthread_mutexattr_settype(&a, PTHREAD_MUTEX_ERRORCHECK);
	pthread_mutex_init(&sh->m, &a);
	pthread_mutex_lock(&sh->m);
	ok(pthread_mutex_lock(&sh->m) == EDEADLK, "an error-checking one knows its owner");
	pthread_mutex_unlock(&sh->m);
	ok(pthread_mutex_unlock(&sh->m) == EPERM, "and who is not");
	return done();
}
