/* SPDX-License-Identifier: MIT */
/*
 * Clocks: CLOCK_MONOTONIC since the start of the machine; a POSIX timer per CPU
 * that signals that CPU's thread.
 *
 * User code reads the time-stamp counter itself (vDSO).  Its rate is what the
 * host's kernel says (BogoMIPS are twice the counter's MHz where the frequency
 * is known), if a measurement since the start agrees; from then on our own clock
 * uses the same formula, so that the two agree, and timers are armed relative
 * to the host's.
 */
#include "host.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static uint64_t start_ns, start_tsc;
static bool tsc_good;
static struct { uint64_t tsc, ns; uint32_t mult, shift; bool on; } rate;	/* [a] on; the rest before it */
static timer_t timers[HOST_CPUS];

static uint64_t now(clockid_t clock)
{
	struct timespec ts;
	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* Both clocks at one moment: the closest of a few readings, the first of which only warms the way. */
static void now_both(uint64_t *ns, uint64_t *tsc)
{
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < 5; i++) {
		uint64_t before = __rdtsc(), t = now(CLOCK_MONOTONIC), after = __rdtsc();

		if (i && after - before < best) {
			best = after - before;
			*ns = t;
			*tsc = before + best / 2;
		}
	}
}

/* The host trusts the counter enough to keep its own time with it. */
static bool tsc_trusted(void)
{
	char name[32] = "";
	FILE *f = fopen("/sys/devices/system/clocksource/clocksource0/current_clocksource", "re");

	if (!f)
		return false;
	if (!fgets(name, sizeof(name), f))
		name[0] = 0;
	fclose(f);
	return strcmp(name, "tsc\n") == 0;
}

void time_init(void)
{
	now_both(&start_ns, &start_tsc);
	tsc_good = tsc_trusted();
}

static uint64_t rate_ns(uint64_t tsc)
{
	return rate.ns + (uint64_t)((unsigned __int128)(tsc - rate.tsc) * rate.mult >> rate.shift);
}

uint64_t host_time_mono_ns(void)
{
	if (__atomic_load_n(&rate.on, __ATOMIC_ACQUIRE))
		return rate_ns(__rdtsc());
	return now(CLOCK_MONOTONIC) - start_ns;
}

uint64_t host_time_real_ns(void) { return now(CLOCK_REALTIME); }

void time_thread_init(unsigned cpu)
{
	struct sigevent ev = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = HOST_SIG_IRQ };
	ev.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
	if (timer_create(CLOCK_MONOTONIC, &ev, &timers[cpu]))
		fatal("timer_create: %s", strerror(errno));
}

void host_timer_arm(unsigned cpu, uint64_t deadline_ns)
{
	struct itimerspec it = { 0 };

	if (deadline_ns != UINT64_MAX) {
		uint64_t ours = host_time_mono_ns();
		uint64_t t = now(CLOCK_MONOTONIC) + (deadline_ns > ours ? deadline_ns - ours : 0);
		it.it_value.tv_sec = (time_t)(t / 1000000000);
		it.it_value.tv_nsec = (long)(t % 1000000000);
	}
	timer_settime(timers[cpu], TIMER_ABSTIME, &it, NULL);
}

/* What the host says that the counter's frequency is; 0: nothing. */
static double tsc_hz(void)
{
	char line[256];
	double mips = 0;
	FILE *f = fopen("/proc/cpuinfo", "re");

	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "bogomips : %lf", &mips) == 1)
			break;
	fclose(f);
	return mips * 500000;
}

/* Called once, by one CPU, early. */
int host_time_tsc(uint64_t *base_tsc, uint64_t *base_ns, uint32_t *mult, uint32_t *shift)
{
	if (!tsc_good)
		return -ENOTSUP;
	if (!rate.on) {
		double hz = tsc_hz();
		uint64_t ns, tsc;

		now_both(&ns, &tsc);
		ns -= start_ns;
		double measured = ns ? (double)(tsc - start_tsc) * 1e9 / (double)ns : 0;
		double error = 2e-4 + 200.0 / (double)(ns + 1);	/* two readings of 100 ns each */
		if (hz < 1.1e9 || measured > hz * (1 + error) || measured < hz * (1 - error)) {
			tsc_good = false;
			return -ENOTSUP;
		}
		rate.tsc = tsc;
		rate.ns = ns;
		rate.shift = 32;
		rate.mult = (uint32_t)(1e9 / hz * 4294967296.0);
		__atomic_store_n(&rate.on, true, __ATOMIC_RELEASE);
	}
	*base_tsc = rate.tsc;
	*base_ns = rate.ns;
	*mult = rate.mult;
	*shift = rate.shift;
	return 0;
}
