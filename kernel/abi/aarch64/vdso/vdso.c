/* SPDX-License-Identifier: MIT */
/* The AArch64 vDSO: user code.  vdso(7). */
enum { NR_clock_gettime = 113, NR_gettimeofday = 169, NR_clock_getres = 114 };

static inline unsigned long vdso_counter(void)
{
	unsigned long v;

	/* The barrier keeps the counter from being read before the sequence number. */
	__asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(v) : : "memory");
	return v;
}

static inline long vdso_call2(long nr, unsigned long a, unsigned long b)
{
	register long x8 __asm__("x8") = nr;
	register unsigned long x0 __asm__("x0") = a, x1 __asm__("x1") = b;

	__asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1) : "memory");
	return (long)x0;
}

#include "../../vdso/clock.h"

#define EXPORT __attribute__((visibility("default")))
int __kernel_clock_gettime(int clock, struct abi_timespec *ts);
int __kernel_gettimeofday(struct abi_timeval *tv, int32_t *tz);
int __kernel_clock_getres(int clock, struct abi_timespec *ts);

EXPORT int __kernel_clock_gettime(int clock, struct abi_timespec *ts) { return vdso_clock_gettime(clock, ts); }
EXPORT int __kernel_gettimeofday(struct abi_timeval *tv, int32_t *tz) { return vdso_gettimeofday(tv, tz); }
EXPORT int __kernel_clock_getres(int clock, struct abi_timespec *ts) { return vdso_clock_getres(clock, ts); }

/*
 * Where handlers return to.  Unwinders know a signal frame by these two
 * instructions; the nop before keeps a look-up of the return address minus one
 * inside the function.
 */
__asm__(
	".pushsection .text\n"
	".balign 16\n"
	"nop\n"
	".globl __kernel_rt_sigreturn\n"
	".type __kernel_rt_sigreturn, @function\n"
	"__kernel_rt_sigreturn:\n"
	"	mov x8, #139\n"
	"	svc #0\n"
	".size __kernel_rt_sigreturn, . - __kernel_rt_sigreturn\n"
	".popsection\n");
