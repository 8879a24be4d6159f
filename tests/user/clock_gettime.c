/* SPDX-License-Identifier: MIT */
/* clock_gettime(2) of every clock, through the vDSO and by the call: monotonic, consistent with each other, advancing; resolutions; errors. */
#include "harness.h"
#include "child.h"
#include <pthread.h>
#include <sys/time.h>

static long long by_call(clockid_t c)
{
	struct timespec ts;

	if (syscall(SYS_clock_gettime, c, &ts))
		return -1;
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}
static volatile unsigned long sink;
static clockid_t other_clock;
static struct gate ready, leave;
static void *works(void *arg)
{
	for (int i = 0; i < 20000000; i++)
		sink++;
	gate_open(&ready);
	gate_wait(&leave);
	return arg;
}

int main(void)
{
	static const clockid_t clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID,
		CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME, CLOCK_TAI };
	struct timespec ts, res;
	struct timeval tv;
	pthread_t t;
	clockid_t own;
	int bad, bad2, bad3;

	plan(20);
	gate_init(&ready);
	gate_init(&leave);
	bad = bad2 = bad3 = 0;
	for (unsigned i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
		long long a, b, c;

		bad += clock_gettime(clocks[i], &ts) != 0 || ts.tv_nsec < 0 || ts.tv_nsec >= 1000000000;
		a = now_ns(clocks[i]);
		b = by_call(clocks[i]);
		c = now_ns(clocks[i]);
		bad2 += !(a <= b && b <= c);
		bad3 += clock_getres(clocks[i], &res) != 0 || res.tv_sec || res.tv_nsec < 1 || res.tv_nsec > 10000000;
	}
	ok(!bad, "all nine can be read");
	ok(!bad2, "the vDSO and the call agree, in order (%d do not)", bad2);
	ok(!bad3, "resolutions");
	bad = 0;
	for (int i = 0; i < 100000; i++) {
		static long long last;
		long long n = i & 1 ? now_ns(CLOCK_MONOTONIC) : i % 16 ? now_ns(CLOCK_MONOTONIC) : by_call(CLOCK_MONOTONIC);

		bad += n < last;
		last = n;
	}
	ok(!bad, "monotonic, read both ways a hundred thousand times");
	long long m1 = now_ns(CLOCK_MONOTONIC), mr = now_ns(CLOCK_MONOTONIC_RAW), bt = now_ns(CLOCK_BOOTTIME), m2 = now_ns(CLOCK_MONOTONIC);
	ok(bt >= m1 && m2 >= m1 && mr > 0, "boot time is not behind monotonic time");
	long long r0, rc, r, m0, mc, m;
	do {	/* a tick may be late, not each */
		r0 = now_ns(CLOCK_REALTIME);
		rc = now_ns(CLOCK_REALTIME_COARSE);
		r = now_ns(CLOCK_REALTIME);
	} while (rc <= r0 - 1000000000);
	ok(rc <= r, "the coarse clock is a little behind");
	do {
		m0 = now_ns(CLOCK_MONOTONIC);
		mc = now_ns(CLOCK_MONOTONIC_COARSE);
		m = now_ns(CLOCK_MONOTONIC);
	} while (mc <= m0 - 1000000000);
	ok(mc <= m, "the monotonic one, too");
	r0 = now_ns(CLOCK_REALTIME);
	gettimeofday(&tv, NULL);
	long long seconds = time(NULL);
	r = now_ns(CLOCK_REALTIME);
	ok(tv.tv_sec * 1000000000LL + tv.tv_usec * 1000LL + 999 >= r0 && tv.tv_sec * 1000000000LL + tv.tv_usec * 1000LL <= r, "gettimeofday is the same clock");
	/* of the coarse clock: the last tick's */
	ok(seconds >= r0 / 1000000000 - 1 && seconds <= r / 1000000000, "time, too");
	ok(r > 1600000000LL * 1000000000, "somebody set it");
	m = now_ns(CLOCK_MONOTONIC);
	while (now_ns(CLOCK_MONOTONIC) - m < 2000000)
		;
	ok(now_ns(CLOCK_MONOTONIC) - m >= 2000000, "it advances");

	/* CPU time */
	long long w = now_ns(CLOCK_MONOTONIC), p, th, of_other;
	p = now_ns(CLOCK_PROCESS_CPUTIME_ID);
	th = now_ns(CLOCK_THREAD_CPUTIME_ID);
	usleep(50000);
	long long p2 = now_ns(CLOCK_PROCESS_CPUTIME_ID);
	long long w2 = now_ns(CLOCK_MONOTONIC);
	ok(p2 - p < w2 - w - 20000000, "sleeping takes no CPU time");
	pthread_create(&t, NULL, works, NULL);
	gate_wait(&ready);
	ok(pthread_getcpuclockid(t, &other_clock) == 0 && now_ns(other_clock) > 1000000, "a thread's clock can be read by another");
	long long before = now_ns(CLOCK_THREAD_CPUTIME_ID);
	of_other = now_ns(other_clock);
	ok(now_ns(CLOCK_PROCESS_CPUTIME_ID) - p >= of_other && before - th < now_ns(CLOCK_PROCESS_CPUTIME_ID) - p + 1, "the process has all its threads'");
	gate_open(&leave);
	pthread_join(t, NULL);
	long long own_time = now_ns(CLOCK_THREAD_CPUTIME_ID);
	long long after = now_ns(CLOCK_PROCESS_CPUTIME_ID);
	ok(after >= own_time && after - p > 1000000, "also of those that have ended");
	ok(clock_getcpuclockid(getpid(), &own) == 0 && now_ns(own) >= after, "a process's clock by its number");
	ok(clock_getcpuclockid(0x3ffffff, &own) == ESRCH, "of nobody");
	ok_errno(clock_gettime(1234, &ts), EINVAL, "no such clock");
	ok_errno(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, (void *)8), EFAULT, "EFAULT");
	ok_errno(clock_settime(CLOCK_MONOTONIC, &ts), EINVAL, "only real time can be set");
	return done();
}
