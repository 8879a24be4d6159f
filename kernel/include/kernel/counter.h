/* SPDX-License-Identifier: MIT */
/* Counts of the whole machine that all CPUs change: each changes a part of its own, and who wants to know adds them up. */
#ifndef KERNEL_COUNTER_H
#define KERNEL_COUNTER_H
#include <hal/dev.h>
#include <kernel/cpu.h>

enum counter {
	COUNT_FILES,		/* struct file */
	/* pages: */
	COUNT_CACHE,		/* of mappings, COUNT_SHMEM included */
	COUNT_SHMEM,		/* which have no other place */
	COUNT_DIRTY, COUNT_WRITEBACK,
	COUNT_ANON, COUNT_MAPPED /* of mappings, by some process */, COUNT_TABLES, COUNT_SLAB,
	COUNTERS
};
struct counter_part { _Alignas(64) int64_t n[COUNTERS]; };
extern struct counter_part counter_parts[HAL_CPUS];	/* [a] by CPU; one may be negative */

/* Any context.  On whichever CPU it then is, no count is lost. */
static inline void counter_add(enum counter c, int64_t n)
{
	(void)__atomic_fetch_add(&counter_parts[this_cpu()->id].n[c], n, __ATOMIC_RELAXED);
}
/* What was added meanwhile may be missing, or its opposite; never below 0. */
uint64_t counter_sum(enum counter c);
#endif
