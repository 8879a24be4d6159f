/* SPDX-License-Identifier: MIT */
/*
 * What threads set about themselves and each other at once: timers of CPU time, the policy of one that is just being made;
 * and signals for a process that is being waited for.
 */
#include "harness.h"
#include "child.h"
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/time.h>

enum { ROUNDS = 3000, THREADS = 4, MADE = 1500, REAPED = 3000 };
static volatile int over, newest, alarms;

/* ---- timers that one kernel timer of the process watches ---- */

static void *sets_timers(void *arg)
{
	const struct itimerval far = { { 1000, 0 }, { 1000, 0 } };
	const struct itimerspec far_spec = { { 1000, 0 }, { 1000, 0 } }, off = { { 0, 0 }, { 0, 0 } };
	struct sigevent ev = { .sigev_notify = SIGEV_NONE };
	struct rlimit r;
	timer_t t;

	if (timer_create(CLOCK_PROCESS_CPUTIME_ID, &ev, &t) || getrlimit(RLIMIT_CPU, &r))
		return "timer_create";
	r.rlim_cur = 10000;
	for (int i = 0; i < ROUNDS; i++) {
		if (setitimer(i & 1 ? ITIMER_PROF : ITIMER_VIRTUAL, &far, NULL) || timer_settime(t, 0, i % 3 ? &far_spec : &off, NULL) ||
		    setrlimit(RLIMIT_CPU, &r))
			return "set";
	}
	timer_delete(t);
	return arg;
}

static void on_prof(int sig) { (void)sig; alarms = 1; }

/* From another process, up to the end of this one and beyond. */
static pid_t limits(pid_t whom)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		struct rlimit r = { 20000, RLIM_INFINITY };

		for (int i = 0; i < 100000 && !prlimit(whom, RLIMIT_CPU, &r, NULL); i++)
			r.rlim_cur ^= 1;
		_exit(0);
	}
	return pid;
}

static int cpu_timers(void)
{
	const struct itimerval soon = { { 0, 0 }, { 0, 10000 } };
	struct timespec now, begin;
	pthread_t t[THREADS];
	void *ret;
	int bad = 0;

	for (int i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, sets_timers, NULL);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(t[i], &ret);
		bad += ret != NULL;
	}
	signal(SIGPROF, on_prof);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	if (setitimer(ITIMER_PROF, &soon, NULL))
		return 1;
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while (!alarms && now.tv_sec - begin.tv_sec < 20);
	return bad || !alarms;
}

static int ends_with_timers(void)
{
	int bad = 0;

	for (int i = 0; i < 60; i++) {
		pid_t pid, other;

		fflush(NULL);
		pid = fork();
		if (!pid) {
			struct sigevent ev = { .sigev_notify = SIGEV_NONE };
			const struct itimerspec far = { { 1000, 0 }, { 1000, 0 } };
			timer_t t[8];

			for (int k = 0; k < 8; k++)
				if (timer_create(CLOCK_PROCESS_CPUTIME_ID, &ev, &t[k]) || timer_settime(t[k], 0, &far, NULL))
					_exit(1);
			_exit(33);
		}
		other = limits(pid);
		bad += exit_of(pid) != 33;
		bad += exit_of(other) != 0;
	}
	return bad;
}

/* ---- a thread that has its number, but does not run yet ---- */

static void *nothing(void *arg) { newest = (int)syscall(SYS_gettid); return arg; }

static void *changes_policies(void *arg)
{
	for (int i = 0; !over; i++)
		for (int k = 0; k < 3; k++) {	/* numbers are given out in order */
			const struct sched_param rt = { .sched_priority = 1 }, fair = { .sched_priority = 0 };

			(void)sched_setscheduler(newest + k, i & 1 ? SCHED_OTHER : SCHED_RR, i & 1 ? &fair : &rt);
		}
	return arg;
}

static int policies(void)
{
	pthread_t other, t;
	int bad = 0;

	newest = (int)syscall(SYS_gettid) + 1;
	if (pthread_create(&other, NULL, changes_policies, NULL))
		return 1;
	for (int i = 0; i < MADE; i++)
		bad += pthread_create(&t, NULL, nothing, NULL) || pthread_join(t, NULL);
	over = 1;
	pthread_join(other, NULL);
	return bad;
}

/* ---- a process that is being waited for ---- */

static void *signals(void *arg)
{
	while (!over)
		(void)kill(newest, SIGURG);	/* nobody minds it */
	return arg;
}

static int reaped(void)
{
	int bad = 0, status;
	pthread_t t;

	newest = getpid();
	if (pthread_create(&t, NULL, signals, NULL))
		return 1;
	for (int i = 0; i < REAPED; i++) {
		pid_t pid = fork();

		if (!pid)
			_exit(5);
		newest = pid;
		bad += waitpid(pid, &status, 0) != pid || status != 5 << 8;
	}
	over = 1;
	pthread_join(t, NULL);
	return bad;
}

int main(void)
{
	plan(4);
	ok(in_child(cpu_timers()) == 0, "threads set timers of CPU time at once, and one still fires");
	ok(ends_with_timers() == 0, "a process ends while its limit on CPU time is set");
	ok(in_child(policies()) == 0, "the policy of threads that are being made");
	ok(in_child(reaped()) == 0, "signals for who is being waited for");
	return done();
}
