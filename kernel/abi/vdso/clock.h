/* SPDX-License-Identifier: MIT */
/*
 * The vDSO's clocks: user code, mapped into every process, shared by all CPUs'
 * images.  Each image defines vdso_counter(), vdso_call2() and the page `vvar`
 * (one page below the image, see its linker script).
 */
#ifndef VDSO_CLOCK_H
#define VDSO_CLOCK_H
#include <abi/time.h>
#include <abi/vvar.h>

extern const struct abi_vvar vvar __attribute__((visibility("hidden")));

enum { NS = 1000000000 };

/* ns of the clock, or -1: not one that is computed here. */
static inline int64_t vdso_now(int clock)
{
	for (;;) {
		uint32_t seq = __atomic_load_n(&vvar.seq, __ATOMIC_ACQUIRE);
		unsigned __int128 scaled;
		int64_t ns;

		if (seq & 1)
			continue;
		if (!vvar.usable)
			return -1;
		scaled = (unsigned __int128)(vdso_counter() - vvar.base_counter) * vvar.mult;
		ns = (int64_t)(vvar.base_ns + (uint64_t)(scaled >> vvar.shift));
		if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI)
			ns += vvar.wall_ns;
		if (clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE)
			ns -= ns % ABI_COARSE_NS;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (__atomic_load_n(&vvar.seq, __ATOMIC_RELAXED) == seq)
			return ns;
	}
}

static inline int vdso_clock_known(int clock)
{
	return clock >= 0 && clock <= CLOCK_TAI && (1u << clock & (1u << CLOCK_REALTIME | 1u << CLOCK_MONOTONIC |
		1u << CLOCK_MONOTONIC_RAW | 1u << CLOCK_REALTIME_COARSE | 1u << CLOCK_MONOTONIC_COARSE | 1u << CLOCK_BOOTTIME |
		1u << CLOCK_TAI));
}

static inline int vdso_clock_gettime(int clock, struct abi_timespec *ts)
{
	int64_t ns = vdso_clock_known(clock) ? vdso_now(clock) : -1;

	if (ns < 0)
		return (int)vdso_call2(NR_clock_gettime, (unsigned long)clock, (unsigned long)ts);
	ts->tv_sec = ns / NS;
	ts->tv_nsec = ns % NS;
	return 0;
}

static inline int vdso_gettimeofday(struct abi_timeval *tv, int32_t *tz)
{
	int64_t ns = tz ? -1 : vdso_now(CLOCK_REALTIME);

	if (ns < 0)
		return (int)vdso_call2(NR_gettimeofday, (unsigned long)tv, (unsigned long)tz);
	if (tv) {
		tv->tv_sec = ns / NS;
		tv->tv_usec = ns % NS / 1000;
	}
	return 0;
}

static inline int vdso_clock_getres(int clock, struct abi_timespec *ts)
{
	return (int)vdso_call2(NR_clock_getres, (unsigned long)clock, (unsigned long)ts);
}
#endif
