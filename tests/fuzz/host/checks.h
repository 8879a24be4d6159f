/* SPDX-License-Identifier: MIT */
/* Checks and measurements of the engine: exit statuses, 0 when it is as it should be.  See checks.c. */
#ifndef FUZZ_CHECKS_H
#define FUZZ_CHECKS_H
#include "engine.h"

void checks_target(const struct fuzz_target *t);
/* Adds an input; without any, checks make their own from a fixed seed. */
void checks_input(const char *path);
/* n runs; prints the rate.  Fails below min_rate (a second) or when a reset with 64 dirty pages takes longer than that; 0: do not ask. */
int checks_bench(uint64_t n, uint64_t min_rate, uint64_t max_reset_ns);
/* After each of n runs and resets, every byte of the machine is as in the snapshot. */
int checks_reset(uint64_t n);
/* n inputs run twice give equal traces. */
int checks_trace(uint64_t n);
int checks_traces(void);	/* prints the trace hash of each input */
int checks_print(bool c);	/* prints each input as text, or as a C program */
int checks_make(uint64_t seed);	/* an input made of that seed, to stdout; fails when the target makes none */
#endif
