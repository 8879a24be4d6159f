/* SPDX-License-Identifier: MIT */
/* Many signals from many senders at once: none is lost that must not be, none is doubled, masks and counts hold, and the receiver's work is undisturbed. */
#include "harness.h"
#include "child.h"
#include <pthread.h>
#include <sys/mman.h>

enum { SENDERS = 4, EACH = 500 };
static volatile sig_atomic_t rt, depth, deepest;
static volatile long sums;
static volatile int stop;
static void count(int sig, siginfo_t *si, void *uc)
{
	(void)sig;
	(void)uc;
	if (++depth > deepest)
		deepest = depth;
	rt++;
	sums += si->si_value.sival_int;
	depth--;
}
static void nothing(int sig) { (void)sig; }
static void *fires(void *arg)
{
	pthread_t *to = arg;

	while (!stop)
		pthread_kill(*to, SIGUSR1);
	return NULL;
}

int main(void)
{
	struct sigaction sa = { .sa_sigaction = count, .sa_flags = SA_SIGINFO | SA_RESTART };
	pthread_t self = pthread_self(), t[2];
	pid_t pid[SENDERS];
	long check = 0;
	int bad = 0, fds[2];
	char buf[256];

	plan(7);
	sigaction(SIGRTMIN, &sa, NULL);
	for (int i = 0; i < SENDERS; i++) {
		pid[i] = fork();
		if (!pid[i]) {
			for (int j = 0; j < EACH; j++) {
				union sigval v = { .sival_int = i * EACH + j };

				while (sigqueue(getppid(), SIGRTMIN, v) && errno == EAGAIN)
					sched_yield();
			}
			_exit(0);
		}
	}
	for (int i = 0; i < SENDERS; i++)
		bad += exit_of(pid[i]) != 0;
	ok(!bad, "%d senders", SENDERS);
	ok(rt == SENDERS * EACH, "%d queued signals arrive, each once (%d)", SENDERS * EACH, (int)rt);
	ok(sums == (long)SENDERS * EACH * (SENDERS * EACH - 1) / 2, "each with its own value");
	ok(deepest == 1, "never one inside the other");
	/* computing under fire */
	signal(SIGUSR1, nothing);
	for (int i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, fires, &self);
	double d = 1;
	for (int i = 1; i < 300000; i++) {
		check += i * 3L;
		d = d * 1.0000001 + (double)i / 1000;
	}
	double d2 = 1;
	stop = 1;
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	for (int i = 1; i < 300000; i++)
		d2 = d2 * 1.0000001 + (double)i / 1000;
	ok(check == 3L * 300000 * 299999 / 2 && d == d2, "sums in integers and floating point are right");
	/* I/O under fire: every byte, once */
	sa = (struct sigaction){ .sa_handler = nothing, .sa_flags = SA_RESTART };
	sigaction(SIGUSR1, &sa, NULL);
	stop = 0;
	if (pipe(fds))
		bail("pipe");
	for (int i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, fires, &self);
	pid[0] = fork();
	if (!pid[0]) {
		for (int i = 0; i < 3000; i++)
			if (write(fds[1], &i, sizeof(i)) != sizeof(i))
				_exit(1);
		_exit(0);
	}
	for (int i = bad = 0; i < 3000; i++) {
		int v = -1;

		if (read(fds[0], &v, sizeof(v)) != sizeof(v) || v != i)
			bad++;
	}
	stop = 1;
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	ok(!bad, "three thousand reads, each whole and in order (%d bad)", bad);
	ok(exit_of(pid[0]) == 0, "the writer ends");
	(void)buf;
	return done();
}
