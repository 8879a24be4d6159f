/* SPDX-License-Identifier: MIT */
/* Inputs that are programs of system calls. */
#ifndef FUZZ_PROGRAMS_H
#define FUZZ_PROGRAMS_H
#include "engine.h"

/* Runs the program that these bytes are, with what else r says; sets r->source, and r->seed if it is 0. */
void programs_run(const uint8_t *data, size_t size, struct fuzz_run *r);
#endif
