/* SPDX-License-Identifier: MIT */
/* Clocks and sleeping: clock_gettime by the vDSO and without, clock_nanosleep, times, errors. */
#include "harness.h"
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double secs(struct timespec t) { return (double)t.tv_sec + (double)t.tv_nsec / 1e9; }
static double now(int c) { struct timespec t; return clock_gettime(c, &t) ? -1 : secs(t); }
static double raw(int c) { struct timespec t; return syscall(SYS_clock_gettime, c, &t) ? -1 : secs(t); }
static volatile unsigned long sink;
static void burn(double s)
{
	double end = now(CLOCK_PROCESS_CPUTIME_ID) + s;

	while (now(CLOCK_PROCESS_CPUTIME_ID) < end)
		for (int i = 0; i < 10000; i++)
			sink += (unsigned)i;
}

int main(void)
{
	static const int clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE,
		CLOCK_BOOTTIME, CLOCK_TAI, CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID };
	struct timespec ts, rem, prev;
	struct timeval tv;
	struct rusage ru;
	struct tms tms;
	int good = 1;
	double t, c;

	plan(25);
	for (unsigned i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
		double a = raw(clocks[i]), b = now(clocks[i]), d = raw(clocks[i]);

		if (a < 0 || b < a - 0.011 || d < b - 0.011) {
			printf("# clock %d: %.9f %.9f %.9f\n", clocks[i], a, b, d);
			good = 0;
		}
	}
	ok(good, "every clock, by the vDSO between two system calls");
	good = 1;
	clock_gettime(CLOCK_MONOTONIC, &prev);
	for (int i = 0; i < 100000; i++) {
		clock_gettime(CLOCK_MONOTONIC, &ts);
		if (secs(ts) < secs(prev))
			good = 0;
		prev = ts;
	}
	ok(good, "the monotonic clock never goes back");
	t = now(CLOCK_REALTIME);
	gettimeofday(&tv, NULL);
	c = (double)tv.tv_sec + (double)tv.tv_usec / 1e6;
	ok(c >= t - 1.1e-6 && c <= now(CLOCK_REALTIME) + 1e-6, "gettimeofday agrees");
	t = now(CLOCK_REALTIME);
	c = (double)time(NULL);		/* the second of the last tick */
	ok(c >= t - 2 && c <= now(CLOCK_REALTIME), "time agrees");
	ok(now(CLOCK_REALTIME) > 1.6e9, "it is later than 2020");
	ok_errno(clock_gettime(77, &ts), EINVAL, "no such clock");
	ok(clock_getres(CLOCK_MONOTONIC, &ts) == 0 && ts.tv_sec == 0 && ts.tv_nsec == 1, "resolution");
	ok_errno(clock_getres(77, &ts), EINVAL, "resolution of no clock");
	ok_errno(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, 8), EFAULT, "a bad pointer");

	t = now(CLOCK_MONOTONIC);
	ok(nanosleep(&(struct timespec){ 0, 50000000 }, NULL) == 0, "nanosleep");
	t = now(CLOCK_MONOTONIC) - t;
	ok(t >= 0.05 && t < 20, "50 ms: %.4f s", t);
	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_nsec += 50000000;
	if (ts.tv_nsec >= 1000000000) { ts.tv_sec++; ts.tv_nsec -= 1000000000; }
	ok(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == 0 && now(CLOCK_MONOTONIC) >= secs(ts), "an absolute time");
	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_nsec += 30000000;
	if (ts.tv_nsec >= 1000000000) { ts.tv_sec++; ts.tv_nsec -= 1000000000; }
	ok(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &ts, NULL) == 0 && now(CLOCK_REALTIME) >= secs(ts), "on the real-time clock");
	ts.tv_sec -= 100;
	ok(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &ts, NULL) == 0, "one that has passed");
	ok(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &ts, &rem) == EINVAL, "not on this thread's CPU time");
	ok(clock_nanosleep(77, 0, &ts, &rem) == EINVAL, "no such clock to sleep on");
	ts = (struct timespec){ -1, 0 };
	ok(clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, &rem) == EINVAL, "a negative time");

	/* CPU time */
	t = now(CLOCK_MONOTONIC);	/* around: a virtual CPU that was away counts its absence to who ran */
	c = now(CLOCK_PROCESS_CPUTIME_ID);
	usleep(60000);
	c = now(CLOCK_PROCESS_CPUTIME_ID) - c;
	ok(c < now(CLOCK_MONOTONIC) - t - 0.01, "sleeping costs no CPU time");
	c = now(CLOCK_THREAD_CPUTIME_ID);
	t = now(CLOCK_MONOTONIC);
	burn(0.1);
	ok(now(CLOCK_THREAD_CPUTIME_ID) - c >= 0.09 && now(CLOCK_MONOTONIC) - t >= 0.09, "computing does");
	getrusage(RUSAGE_SELF, &ru);
	c = (double)ru.ru_utime.tv_sec + (double)ru.ru_utime.tv_usec / 1e6;
	ok(c + (double)ru.ru_stime.tv_sec + (double)ru.ru_stime.tv_usec / 1e6 >= 0.09, "getrusage sees it");
	ok(times(&tms) > 0 && tms.tms_utime + tms.tms_stime >= 9, "so does times");
	ok(ru.ru_maxrss > 100 && ru.ru_minflt > 0, "memory and faults");
	pid_t pid = fork();
	if (!pid) {
		burn(0.1);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	getrusage(RUSAGE_CHILDREN, &ru);
	ok((double)ru.ru_utime.tv_sec + (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6 >= 0.09, "a child's time, once it was waited for");
	clockid_t other;
	pid = fork();
	if (!pid) {
		burn(1e9);
		_exit(0);
	}
	ok(clock_getcpuclockid(pid, &other) == 0 && ({ while (now(other) <= 0.01) usleep(1000); 1; }), "another process's CPU clock: %.3f", now(other));
	kill(pid, 9);
	waitpid(pid, NULL, 0);
	ok_errno(getrusage(77, &ru), EINVAL, "getrusage of nobody");
	return done();
}
