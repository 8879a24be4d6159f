/* SPDX-License-Identifier: MIT */
/*
 * Memory that is touched page after page: where the next fault of the run is
 * expected, and how many pages it then brings at once.
 *
 * An area remembers the last run in it, so that a thread may copy from one to
 * the other; a task its own last one, because areas merge and several threads
 * then run through one of them.
 */
#ifndef KERNEL_FAULT_RUN_H
#define KERNEL_FAULT_RUN_H
#include <stdint.h>

struct fault_run {
	uint64_t next;			/* [a] address; torn or stale costs a fault more, no more */
	unsigned pages;			/* [a] that the fault before brought */
};
#endif
