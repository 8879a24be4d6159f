/* SPDX-License-Identifier: MIT */
/* The x86-64 vDSO: user code.  vdso(7). */
enum { NR_clock_gettime = 228, NR_gettimeofday = 96, NR_clock_getres = 229, NR_time = 201, NR_getcpu = 309 };

static inline unsigned long vdso_counter(void)
{
	unsigned lo, hi;

	/* Not before earlier loads: the sequence number must be read first. */
	__asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return lo | (unsigned long)hi << 32;
}

static inline long vdso_call3(long nr, unsigned long a, unsigned long b, unsigned long c)
{
	long ret;

	__asm__ volatile("syscall" : "=a"(ret) : "a"(nr), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
	return ret;
}
static inline long vdso_call2(long nr, unsigned long a, unsigned long b) { return vdso_call3(nr, a, b, 0); }

#include "../../vdso/clock.h"

#define EXPORT __attribute__((visibility("default")))
#define ALIAS(f) EXPORT __attribute__((weak, alias(#f)))

int __vdso_clock_gettime(int clock, struct abi_timespec *ts);
int __vdso_gettimeofday(struct abi_timeval *tv, int32_t *tz);
long __vdso_time(long *t);
int __vdso_clock_getres(int clock, struct abi_timespec *ts);
long __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused);
int clock_gettime(int clock, struct abi_timespec *ts);
int gettimeofday(struct abi_timeval *tv, int32_t *tz);
long time(long *t);
int clock_getres(int clock, struct abi_timespec *ts);
long getcpu(unsigned *cpu, unsigned *node, void *unused);

EXPORT int __vdso_clock_gettime(int clock, struct abi_timespec *ts) { return vdso_clock_gettime(clock, ts); }
EXPORT int __vdso_gettimeofday(struct abi_timeval *tv, int32_t *tz) { return vdso_gettimeofday(tv, tz); }
EXPORT int __vdso_clock_getres(int clock, struct abi_timespec *ts) { return vdso_clock_getres(clock, ts); }

EXPORT long __vdso_time(long *t)
{
	long ns = vdso_now(CLOCK_REALTIME);

	if (ns < 0)
		return vdso_call2(NR_time, (unsigned long)t, 0);
	if (t)
		*t = ns / NS;
	return ns / NS;
}

/* Which CPU this is, only the kernel knows on every port. */
EXPORT long __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused)
{
	return vdso_call3(NR_getcpu, (unsigned long)cpu, (unsigned long)node, (unsigned long)unused);
}

ALIAS(__vdso_clock_gettime) int clock_gettime(int clock, struct abi_timespec *ts);
ALIAS(__vdso_gettimeofday) int gettimeofday(struct abi_timeval *tv, int32_t *tz);
ALIAS(__vdso_time) long time(long *t);
ALIAS(__vdso_clock_getres) int clock_getres(int clock, struct abi_timespec *ts);
ALIAS(__vdso_getcpu) long getcpu(unsigned *cpu, unsigned *node, void *unused);
