/* SPDX-License-Identifier: MIT */
/* The machine's state, captured once and put back after each run: see snapshot.c. */
#ifndef FUZZ_SNAPSHOT_H
#define FUZZ_SNAPSHOT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Before snapshot_take(): [base, base + size) is part of the machine. */
void snapshot_add(const char *name, void *base, size_t size);
void snapshot_take(void);
/* Behind it: whole pages of the first region that nobody has, and that are zero.  fuzz_host_taken() says when they are somebody's. */
void snapshot_free(void *base, size_t size);
/* All regions as they were.  No code of the machine's runs meanwhile. */
void snapshot_reset(void);
/* Is every byte as it was?  false: the first that is not. */
bool snapshot_same(const char **region, size_t *offset);
struct snapshot_stat { uint64_t resets, restored, hot, faults; };	/* pages */
extern struct snapshot_stat snapshot_stat;
/* Is a fault at this address a first write to a page?  Then it may be tried again. */
bool snapshot_fault(void *addr);
#endif
