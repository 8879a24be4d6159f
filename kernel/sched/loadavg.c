/* SPDX-License-Identifier: MIT */
/* The load average, brought up to date lazily by whoever passes: no tick exists that could do it. */
#include "sched/sched_internal.h"

static uint64_t load_avg[3];		/* 11-bit fixed point; whoever moves load_next_ns on writes them */
static uint64_t load_next_ns;

void sched_load_update(uint64_t now)
{
	static const uint64_t decay[3] = { 1884, 2014, 2037 };	/* e^(-5s/1min), 5 min, 15 min, of 2048 */
	uint64_t due = READ_ONCE(load_next_ns), active = 0;

	if (likely(now < due) || !__atomic_compare_exchange_n(&load_next_ns, &due, now + 5 * NSEC_PER_SEC, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		return;
	for (unsigned i = 0; i < READ_ONCE(cpu_count); i++)
		if (cpus[i] && cpus[i]->rq)
			active += READ_ONCE(cpus[i]->rq->running);
	uint64_t missed = due ? MIN((now - due) / (5 * NSEC_PER_SEC), (uint64_t)720) : 0;

	for (unsigned k = 0; k < 3; k++) {
		uint64_t a = READ_ONCE(load_avg[k]);

		for (uint64_t i = 0; i < missed; i++)	/* nobody came by: the machine was idle */
			a = a * decay[k] / 2048;
		WRITE_ONCE(load_avg[k], (a * decay[k] + active * 2048 * (2048 - decay[k])) / 2048);
	}
}

void sched_loadavg(uint64_t avg[3], unsigned *running, unsigned *threads)
{
	unsigned n = 0;

	sched_load_update(hal_time_mono_ns());
	for (unsigned i = 0; i < READ_ONCE(cpu_count); i++)
		n += cpus[i] && cpus[i]->rq ? READ_ONCE(cpus[i]->rq->running) : 0;
	for (unsigned k = 0; k < 3; k++)
		avg[k] = READ_ONCE(load_avg[k]);
	*running = n;
	*threads = task_count();
}
