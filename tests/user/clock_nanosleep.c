/* SPDX-License-Identifier: MIT */
/* clock_nanosleep(2): relative and absolute, on each clock it takes, no remaining time for absolute ones, errors as return values. */
#include "harness.h"
#include <sys/syscall.h>
#include "child.h"
#include <pthread.h>

static volatile sig_atomic_t hits;
static volatile unsigned long sink;
static volatile int stop;
static void handler(int sig) { (void)sig; hits++; }
static void *works(void *arg)
{
	while (!stop)
		sink++;
	return arg;
}
static struct timespec in_ns(clockid_t c, long ns)
{
	struct timespec ts;

	clock_gettime(c, &ts);
	ts.tv_nsec += ns;
	ts.tv_sec += ts.tv_nsec / 1000000000;
	ts.tv_nsec %= 1000000000;
	return ts;
}
static long long ns_of(struct timespec ts) { return ts.tv_sec * 1000000000LL + ts.tv_nsec; }

int main(void)
{
	static const clockid_t clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_TAI };
	struct timespec ts, rem;
	pthread_t t;
	pid_t pid;
	int bad = 0, bad2 = 0, r;

	plan(17);
	for (unsigned i = 0; i < 4; i++) {
		long long start = now_ns(clocks[i]);

		r = clock_nanosleep(clocks[i], 0, &(struct timespec){ 0, 2000000 }, NULL);
		bad += r != 0 || now_ns(clocks[i]) - start < 2000000;
		ts = in_ns(clocks[i], 2000000);
		r = clock_nanosleep(clocks[i], TIMER_ABSTIME, &ts, NULL);
		bad2 += r != 0 || now_ns(clocks[i]) < ns_of(ts);
	}
	ok(!bad, "four clocks, relative");
	ok(!bad2, "and absolute: not before the time");
	ok(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &(struct timespec){ 0, 1 }, NULL) == 0, "a time that has passed");
	long long next = now_ns(CLOCK_MONOTONIC), begin = next;

	for (int i = 0; i < 20; i++) {	/* a period without drift */
		next += 1000000;
		ts = (struct timespec){ next / 1000000000, next % 1000000000 };
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
	}
	ok(now_ns(CLOCK_MONOTONIC) - begin >= 20000000, "twenty periods");
	signal(SIGUSR1, handler);
	pid = fork();
	if (!pid) {
		rem = (struct timespec){ 77, 77 };
		ts = in_ns(CLOCK_MONOTONIC, 0);
		ts.tv_sec += 1000;
		r = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, &rem);
		_exit(r == EINTR && rem.tv_sec == 77 ? 0 : 1);
	}
	wait_sleeping(pid);
	kill(pid, SIGUSR1);
	ok(exit_of(pid) == 0, "interrupted while absolute: nothing is left to tell");
	pid = fork();
	if (!pid) {
		r = clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){ 1000, 0 }, &rem);
		/* By the timer slack, 50 us, more than asked for: prctl(2), PR_SET_TIMERSLACK. */
		_exit(r == EINTR && rem.tv_sec >= 900 && rem.tv_sec * 1000 + rem.tv_nsec / 1000000 <= 1000 * 1000 ? 0 : 1);
	}
	wait_sleeping(pid);
	kill(pid, SIGUSR1);
	ok(exit_of(pid) == 0, "while relative, the rest");
	/* on the process's CPU time: wakes when others of the process have used it */
	pthread_create(&t, NULL, works, NULL);
	ts = in_ns(CLOCK_PROCESS_CPUTIME_ID, 30000000);
	r = clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID, TIMER_ABSTIME, &ts, NULL);
	ok(r == 0 && now_ns(CLOCK_PROCESS_CPUTIME_ID) >= ns_of(ts), "on CPU time, which another thread uses (%d)", r);
	r = clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID, 0, &(struct timespec){ 0, 20000000 }, NULL);
	ok(r == 0, "relative, too (%d)", r);
	stop = 1;
	pthread_join(t, NULL);
	ok(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &(struct timespec){ 0, 1 }, NULL) == EINVAL, "not on one's own CPU time");
	ok_errno(syscall(SYS_clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &(struct timespec){ 0, 1 }, NULL), EOPNOTSUPP, "which the kernel says in another way");
	ok(clock_nanosleep(CLOCK_MONOTONIC_RAW, 0, &(struct timespec){ 0, 1 }, NULL) == ENOTSUP, "nor on clocks without timers");
	ok(clock_nanosleep(1234, 0, &(struct timespec){ 0, 1 }, NULL) == EINVAL, "no such clock");
	ok(clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){ 0, 1000000000 }, NULL) == EINVAL, "a billion nanoseconds");
	ok(clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){ -1, 0 }, NULL) == EINVAL, "negative");
	ok_errno(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, (void *)8, NULL), EFAULT, "EFAULT");
	pid = fork();
	if (!pid)
		_exit(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &(struct timespec){ 0x7ffffffffff, 0 }, NULL) == EINTR ? 0 : 1);
	ok(wait_sleeping(pid), "a very late time");
	kill(pid, SIGUSR1);
	ok(exit_of(pid) == 0, "is waited for");
	return done();
}
