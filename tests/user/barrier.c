/* SPDX-License-Identifier: MIT */
/* Barriers: nobody passes before all are there, one is told to be the serial thread, round after round, between threads and processes. */
#include "harness.h"
#include "child.h"
#include <pthread.h>
#include <sys/mman.h>

enum { N = 6, ROUNDS = 300 };
static struct { pthread_barrier_t b; int arrived[ROUNDS], serial, early; } *sh;

static void *rounds(void *arg)
{
	for (int r = 0; r < ROUNDS; r++) {
		__atomic_add_fetch(&sh->arrived[r], 1, __ATOMIC_SEQ_CST);
		if (pthread_barrier_wait(&sh->b) == PTHREAD_BARRIER_SERIAL_THREAD)
			__atomic_add_fetch(&sh->serial, 1, __ATOMIC_SEQ_CST);
		if (__atomic_load_n(&sh->arrived[r], __ATOMIC_SEQ_CST) != N)
			__atomic_add_fetch(&sh->early, 1, __ATOMIC_SEQ_CST);
	}
	return arg;
}

int main(void)
{
	pthread_barrierattr_t a;
	pthread_t t[N];
	pid_t pid[N];
	int bad = 0;

	plan(6);
	sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_barrierattr_init(&a);
	pthread_barrier_init(&sh->b, &a, N);
	for (int i = 0; i < N; i++)
		pthread_create(&t[i], NULL, rounds, NULL);
	for (int i = 0; i < N; i++)
		pthread_join(t[i], NULL);
	ok(!sh->early, "nobody passes early in %d rounds of %d threads", ROUNDS, N);
	ok(sh->serial == ROUNDS, "one serial thread a round");
	pthread_barrier_destroy(&sh->b);
	memset(sh, 0, sizeof(*sh));
	pthread_barrierattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(&sh->b, &a, N);
	for (int i = 0; i < N; i++) {
		pid[i] = fork();
		if (!pid[i]) {
			rounds(NULL);
			_exit(0);
		}
	}
	for (int i = 0; i < N; i++)
		bad += exit_of(pid[i]) != 0;
	ok(!bad && !sh->early, "nor of %d processes", N);
	ok(sh->serial == ROUNDS, "one serial process a round");
	pthread_barrier_destroy(&sh->b);
	ok(pthread_barrier_init(&sh->b, &a, 1) == 0 && pthread_barrier_wait(&sh->b) == PTHREAD_BARRIER_SERIAL_THREAD, "a barrier of one");
	ok(pthread_barrier_init(&sh->b, &a, 0) == EINVAL, "of none: EINVAL");
	return done();
}
