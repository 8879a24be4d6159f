/* SPDX-License-Identifier: MIT */
/*
 * The engine as targets see it: a machine that is the same at the start of
 * every run.  A target is a row of the table in targets.c.
 */
#ifndef FUZZ_ENGINE_H
#define FUZZ_ENGINE_H
#include <fuzz/machine.h>

struct fuzz_target {
	const char *name;
	const char *what;		/* for --help */
	unsigned cpus;			/* 0: needs no machine */
	/* One input.  Returns its trace hash (0: the target has none). */
	uint64_t (*one)(const uint8_t *data, size_t size);
	/* Optional: libFuzzer's custom mutator. */
	size_t (*mutate)(uint8_t *data, size_t size, size_t max, unsigned seed);
	/* Optional: two inputs made one; else bytes of both. */
	size_t (*cross)(const uint8_t *a, size_t na, const uint8_t *b, size_t nb, uint8_t *out, size_t max, unsigned seed);
	void (*init)(void);		/* optional, before the machine starts */
	/* The input as text (strace-like, or what suits it), to stdout; optional. */
	void (*print)(const uint8_t *data, size_t size);
	void (*print_c)(const uint8_t *data, size_t size);	/* optional: as a C program */
};
extern const struct fuzz_target fuzz_targets[];

/* The machine as at the snapshot, then this run. */
void engine_run(struct fuzz_run *r);
/* The memory of disk n, to be changed between engine_prepare() and engine_run(). */
char *engine_disk(unsigned n, size_t *size);
/* The machine as at the snapshot, now: what a target changes afterwards is part of the run.  engine_run() does it otherwise. */
void engine_prepare(void);
extern unsigned engine_cpus;		/* of the machine that runs */
extern bool engine_verbose;
extern uint64_t engine_calls;		/* made so far */
extern uint64_t engine_ends[FUZZ_END_INIT + 1];	/* runs, by how they ended */
#endif
