/* SPDX-License-Identifier: MIT */
/*
 * Clocks: CLOCK_MONOTONIC since the start of the machine; a POSIX timer per CPU
 * that signals that CPU's thread.
 *
 * User code reads the time-stamp counter itself (vDSO).  Its rate is measured
 * between the start and the first question, against the host's clock; from then
 * on the kernel's own clock uses the same formula, so that the two agree.
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
static timer_t timers[HOST_CPUS];

static uint64_t now(clockid_t clock)
{
	struct timespec ts;
	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
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
	start_ns = now(CLOCK_MONOTONIC);
	start_tsc = __rdtsc();
	tsc_good = tsc_trusted();
}

uint64_t host_time_mono_ns(void) { return now(CLOCK_MONOTONIC) - start_ns; }
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
		uint64_t t = deadline_ns + start_ns;	/* 0 would disarm; it never is */
		it.it_value.tv_sec = (time_t)(t / 1000000000);
		it.it_value.tv_nsec = (long)(t % 1000000000);
	}
	timer_settime(timers[cpu], TIMER_ABSTIME, &it, NULL);
}

int host_time_tsc(uint64_t *base_tsc, uint64_t *base_ns, uint32_t *mult, uint32_t *shift)
{
	(void)base_tsc;
	(void)base_ns;
	(void)mult;
	(void)shift;
	/* Not yet: the rate has to be known to better than a part in 10^6 first. */
	return tsc_good && start_tsc ? -ENOTSUP : -ENOTSUP;
}
