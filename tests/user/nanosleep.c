/* SPDX-License-Identifier: MIT */
/* nanosleep(2): never shorter than asked, the remaining time after a signal, many sleepers in order, stops do not lengthen it, errors. */
#include "harness.h"
#include "child.h"
#include <pthread.h>
#include <sys/mman.h>

static volatile sig_atomic_t hits;
static void handler(int sig) { (void)sig; hits++; }
static volatile int order[10], n, early;
static long long gap_ns;	/* between two who sleep */
static pthread_barrier_t bar;
static void *sleeper(void *arg)
{
	long i = (long)arg;

	pthread_barrier_wait(&bar);
	long long ns = gap_ns * (10 - i), start = now_ns(CLOCK_MONOTONIC);

	nanosleep(&(struct timespec){ ns / 1000000000, ns % 1000000000 }, NULL);
	if (now_ns(CLOCK_MONOTONIC) - start < ns)
		early = 1;
	order[__atomic_fetch_add(&n, 1, __ATOMIC_SEQ_CST)] = (int)i;
	return NULL;
}

int main(void)
{
	struct timespec req, rem = { 99, 99 };
	pthread_t t[10];
	long long start, took;
	pid_t pid;
	int bad = 0, st;

	plan(15);
	for (int i = 0; i < 20; i++) {
		long ns = 100000L << (i % 6);

		start = now_ns(CLOCK_MONOTONIC);
		req = (struct timespec){ 0, ns };
		bad += nanosleep(&req, &rem) != 0 || now_ns(CLOCK_MONOTONIC) - start < ns;
	}
	ok(!bad, "never shorter than asked");
	ok(rem.tv_sec == 99, "the remaining time is written only after a signal");
	req = (struct timespec){ 0, 0 };
	ok(nanosleep(&req, NULL) == 0, "no time at all");
	signal(SIGUSR1, handler);
	pid = fork();
	if (!pid) {
		req = (struct timespec){ 1000, 500 };
		st = nanosleep(&req, &rem) == -1 && errno == EINTR;
		_exit(st && rem.tv_sec >= 900 && rem.tv_sec <= 1000 && rem.tv_nsec >= 0 && rem.tv_nsec < 1000000000 && hits == 1 ? 0 : 1);
	}
	wait_sleeping(pid);
	kill(pid, SIGUSR1);
	ok(exit_of(pid) == 0, "a handler ends it, with what was left");
	pid = fork();
	if (!pid) {
		req = (struct timespec){ 1000, 0 };
		_exit(nanosleep(&req, &req) == -1 && req.tv_sec < 1000 ? 0 : 1);
	}
	wait_sleeping(pid);
	usleep(1000);	/* Linux may count what is left from the timer's slack of 50 us on */
	kill(pid, SIGUSR1);
	ok(exit_of(pid) == 0, "the same struct for both");
	pid = fork();
	if (!pid) {
		req = (struct timespec){ 1000, 0 };
		_exit(nanosleep(&req, (struct timespec *)8) == -1 && errno == EFAULT ? 0 : 1);
	}
	wait_sleeping(pid);
	kill(pid, SIGUSR1);
	ok(exit_of(pid) == 0, "nowhere to put what was left: EFAULT");
	/* stopped for longer than it sleeps: it ends with the continue.  Again with more time if it was over before the stop. */
	for (long ns = 60000000;; ns *= 2) {
		pid = fork();
		if (!pid) {
			start = now_ns(CLOCK_MONOTONIC);
			req = (struct timespec){ ns / 1000000000, ns % 1000000000 };
			st = nanosleep(&req, NULL);
			took = now_ns(CLOCK_MONOTONIC) - start;
			_exit(st == 0 && took >= ns ? 0 : 1);
		}
		wait_sleeping(pid);
		kill(pid, SIGSTOP);
		waitpid(pid, &st, WUNTRACED);
		if (!WIFSTOPPED(st))
			continue;
		usleep((useconds_t)(ns / 1000 + 20000));
		break;
	}
	kill(pid, SIGCONT);
	ok(exit_of(pid) == 0, "a stop neither ends nor fails it");
	pid = fork();
	if (!pid) {
		signal(SIGUSR1, SIG_IGN);
		_exit(nanosleep(&(struct timespec){ 0, 50000000 }, NULL));
	}
	wait_sleeping(pid);
	for (int i = 0; i < 100; i++)
		kill(pid, SIGUSR1);
	ok(exit_of(pid) == 0, "an ignored signal does not end it");
	pthread_barrier_init(&bar, NULL, 10);
	bad = 1;
	for (gap_ns = 30000000; bad && gap_ns < 500000000; gap_ns *= 2) {	/* where threads come late they get more time between each other */
		n = 0;
		for (long i = 0; i < 10; i++)
			pthread_create(&t[i], NULL, sleeper, (void *)i);
		for (int i = 0; i < 10; i++)
			pthread_join(t[i], NULL);
		for (int i = bad = 0; i < 10; i++)
			bad += order[i] != 9 - i;
	}
	ok(!bad && !early, "ten sleepers wake in the order of their times");
	req = (struct timespec){ 0, 1000000000 };
	ok_errno(nanosleep(&req, NULL), EINVAL, "a billion nanoseconds");
	req = (struct timespec){ 0, -1 };
	ok_errno(nanosleep(&req, NULL), EINVAL, "negative nanoseconds");
	req = (struct timespec){ -1, 0 };
	ok_errno(nanosleep(&req, NULL), EINVAL, "negative seconds");
	ok_errno(syscall(SYS_nanosleep, (void *)8, NULL), EFAULT, "EFAULT");
	pid = fork();
	if (!pid) {
		req = (struct timespec){ 0x7fffffffffffffff, 0 };
		_exit(nanosleep(&req, NULL) == -1 && errno == EINTR ? 0 : 1);
	}
	ok(wait_sleeping(pid), "for ever");
	kill(pid, SIGUSR1);
	ok(exit_of(pid) == 0, "or until a signal");
	return done();
}
