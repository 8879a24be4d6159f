/* SPDX-License-Identifier: MIT */
/* Clocks, and this CPU's timer. */
#ifndef HAL_TIME_H
#define HAL_TIME_H
#include <hal/types.h>

/* Since boot; the same on every CPU, never goes back.  Any context. */
uint64_t hal_time_mono_ns(void);
/* Since 1970, as the machine's clock said at boot plus the monotonic time since. */
uint64_t hal_time_real_ns(void);

/*
 * kernel_timer() runs on this CPU once, at or soon after the deadline; a
 * deadline that has passed fires at once.  Replaces the earlier one.  UINT64_MAX: never.
 */
void hal_timer_arm(uint64_t deadline_mono_ns) REQUIRES(irqs_off);

/*
 * How user code can compute the monotonic clock without a call:
 * ns = base_ns + (((counter - base_counter) * mult) >> shift), with the counter
 * that the CPU offers to user code (x86: rdtsc, AArch64: cntvct_el0).
 * Returns -ENOTSUP where the counter cannot be relied on: the vDSO then makes the call.
 */
struct hal_vclock { uint64_t base_counter, base_ns; uint32_t mult, shift; };
int hal_time_vclock(struct hal_vclock *out);
#endif
