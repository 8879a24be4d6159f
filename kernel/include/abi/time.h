/* SPDX-License-Identifier: MIT */
/* Times on the wire. */
#ifndef ABI_TIME_H
#define ABI_TIME_H
#include <stdint.h>
struct abi_timespec { int64_t tv_sec, tv_nsec; };
struct abi_timeval { int64_t tv_sec, tv_usec; };
struct abi_itimerspec { struct abi_timespec it_interval, it_value; };
struct abi_itimerval { struct abi_timeval it_interval, it_value; };
enum { ABI_COARSE_NS = 4000000 };	/* what the coarse clocks, and files' times, go by: a tick of 250 Hz */
enum { CLOCK_REALTIME = 0, CLOCK_MONOTONIC = 1, CLOCK_PROCESS_CPUTIME_ID = 2, CLOCK_THREAD_CPUTIME_ID = 3, CLOCK_MONOTONIC_RAW = 4,
	CLOCK_REALTIME_COARSE = 5, CLOCK_MONOTONIC_COARSE = 6, CLOCK_BOOTTIME = 7, CLOCK_REALTIME_ALARM = 8, CLOCK_BOOTTIME_ALARM = 9,
	CLOCK_TAI = 11, TIMER_ABSTIME = 1 };
#endif
