/* SPDX-License-Identifier: MIT */
/*
 * Clocks and the CPU's timer.  Arming is a host system call, so a deadline that
 * moves to later leaves the host's timer alone: it fires early and is armed again.
 */
#include "um.h"

uint64_t hal_time_mono_ns(void)
{
	/* libc's clock is re-entrant, but a kernel thread must not move to another CPU inside it. */
	unsigned long flags = hal_irq_save();
	uint64_t t = host_time_mono_ns();
	hal_irq_restore(flags);
	return t;
}

uint64_t hal_time_real_ns(void)
{
	unsigned long flags = hal_irq_save();
	uint64_t t = host_time_real_ns();
	hal_irq_restore(flags);
	return t;
}

void hal_timer_arm(uint64_t deadline)
{
	struct um_cpu *c = um_cpu();

	c->timer_want = deadline;
	if (deadline < c->timer_set) {
		c->timer_set = deadline;
		host_timer_arm(c->index, deadline);
	}
}

int hal_time_vclock(struct hal_vclock *out)
{
	unsigned long flags = hal_irq_save();
	int r = host_time_tsc(&out->base_counter, &out->base_ns, &out->mult, &out->shift);
	hal_irq_restore(flags);
	return r;
}
