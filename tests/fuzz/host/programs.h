/* SPDX-License-Identifier: MIT */
/* Inputs that are programs of system calls. */
#ifndef FUZZ_PROGRAMS_H
#define FUZZ_PROGRAMS_H
#include "engine.h"

/* Runs the program that these bytes are, with what else r says; sets r->source, and r->seed if it is 0. */
void programs_run(const uint8_t *data, size_t size, struct fuzz_run *r);
/* The same without running it. */
void programs_source(const uint8_t *data, size_t size, struct fuzz_run *r);
/* From now on the seeds that come from inputs are others than with another n; 0 at first. */
void programs_reseed(uint64_t n);
/* The byte of the input that is free for the target. */
uint8_t programs_flags(const uint8_t *data, size_t size);
/* For struct fuzz_target: changes by type, strace-like text. */
size_t programs_mutate(uint8_t *data, size_t size, size_t max, unsigned seed);
size_t programs_cross(const uint8_t *a, size_t na, const uint8_t *b, size_t nb, uint8_t *out, size_t max, unsigned seed);
/* From now on the calls that the mutator puts in are these; NULL: all. */
struct fuzz_choice;			/* program/program.h */
void programs_choose(const struct fuzz_choice *c);
/* A new program of that many calls or a few more, as bytes. */
size_t programs_make(uint8_t *out, size_t max, unsigned calls, uint64_t seed);
void programs_print(const uint8_t *data, size_t size);
void programs_print_c(const uint8_t *data, size_t size);	/* a C program for Linux */
#endif
