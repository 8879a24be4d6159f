/* SPDX-License-Identifier: MIT */
/* The assembly of test_regs.c: one per CPU, and the trap on native ports only (a hosted kernel must not fault). */
#ifndef KTEST_REGS_H
#define KTEST_REGS_H
#include <stdbool.h>
#include <stdint.h>

/*
 * Loads the general registers from in, spins `loops` times without touching
 * one of them (the counter is in memory), stores them to out.  The order is the
 * CPU's own; words [0, ktest_regs_count) are compared, the last of them the flags.
 */
void ktest_regs_spin(const uint64_t *in, uint64_t *out, uint64_t loops);
/* The same around a call of fn(arg): only what the ABI preserves is loaded, stored, and compared (others are 0). */
void ktest_regs_call(const uint64_t *in, uint64_t *out, void (*fn)(void *), void *arg);
enum { REGS_MAX = 40 };
extern const unsigned ktest_regs_count;
extern const uint64_t ktest_regs_flags;		/* which flags may be set and are compared */
/* The same around a load from address 16, which faults and is skipped by the exception table.  False: not on this port. */
bool ktest_regs_fault(const uint64_t *in, uint64_t *out);
#endif
