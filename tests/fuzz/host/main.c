/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer's entry points, and what else the executable can do.
 *
 * The target is the part of the executable's name behind "eft-fuzz-", or
 * --target=NAME.  libFuzzer leaves options that begin with "--" to us:
 *   --target=NAME   --cpus=N   --verbose
 *   --bench=N       N runs of the inputs given (or generated ones); prints the rate; fails below --min-rate=PER_SECOND,
 *                   or when a reset with 64 dirty pages takes longer than --max-reset=NANOSECONDS
 *   --check-reset=N memory is the snapshot's after each of N runs
 *   --check-trace=N N inputs run twice give equal trace hashes
 *   --programs=N --seed=S   target diff: N generated programs; --first: up to the first difference;
 *                   --known=OUTPUT: those that an earlier run showed are no news; --save=DIR: each kind's program as an input
 *   --print FILE    the inputs as text; --print-c FILE: as a C program for Linux
 *   --make=SEED     an input made of that seed, to stdout
 *   --list          the targets
 *   --traces FILE   the trace hash of each input
 *   --reseed=N      each input that is a program runs N times, under other schedules and with other allocations failing
 *   --break=reset, --break=trace   the machine is not put back, runs are not repeatable: what the checks must notice;
 *                   --break=race: tasks race with each other, which TSan must notice; --break=spin: a run never ends
 *   --cpu-limit=S   a run that uses more than S seconds of CPU time is a find
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "engine.h"
#include "checks.h"
#include "cpu_limit.h"
#include "engine_internal.h"
#include "isolate.h"
#include "programs.h"
#include "target_diff.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t na, const uint8_t *b, size_t nb, uint8_t *out, size_t max, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

static const struct fuzz_target *target;
static uint64_t runs = 1;	/* of each input */

static void targets_list(FILE *f)
{
	for (const struct fuzz_target *t = fuzz_targets; t->name; t++)
		fprintf(f, "  %-12s %s\n", t->name, t->what);
}

static const struct fuzz_target *target_find(const char *name)
{
	for (const struct fuzz_target *t = fuzz_targets; t->name; t++)
		if (!strcmp(t->name, name))
			return t;
	fprintf(stderr, "eft-fuzz: no target '%s'; there are:\n", name);
	targets_list(stderr);
	exit(2);
}

/* ---- libFuzzer ---- */

static uint64_t number_of(const char *option)
{
	const char *p = strchr(option, '=');

	return p ? strtoull(p + 1, NULL, 0) : 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *name = strrchr((*argv)[0], '/'), *cmdline = "loglevel=3 rootfstype=ext2 boot_timeout=0";
	uint64_t benchmark = 0, differential = 0, seed = 1, reset = 0, trace = 0, min_rate = 0, max_reset = 0, make = 0;
	bool print = false, print_c = false, traces = false, first = false;
	unsigned cpus = 0, cpu_seconds = 0;

	name = name ? name + 1 : (*argv)[0];
	name = !strncmp(name, "eft-fuzz-", 9) ? name + 9 : "syscalls";
	for (int i = 1; i < *argc; i++) {
		const char *a = (*argv)[i];

		if (!strncmp(a, "--target=", 9))
			name = a + 9;
		else if (!strncmp(a, "--cpus=", 7))
			cpus = (unsigned)number_of(a);
		else if (!strcmp(a, "--verbose"))
			engine_verbose = true;
		else if (!strncmp(a, "--reseed=", 9))
			runs = number_of(a);
		else if (!strncmp(a, "--programs=", 11))
			differential = number_of(a);
		else if (!strncmp(a, "--known=", 8))
			diff_known(a + 8);
		else if (!strncmp(a, "--save=", 7))
			diff_save(a + 7);
		else if (!strcmp(a, "--explain"))
			diff_explain();
		else if (!strcmp(a, "--first"))
			first = true;
		else if (!strncmp(a, "--seed=", 7))
			seed = number_of(a);
		else if (!strncmp(a, "--bench=", 8))
			benchmark = number_of(a);
		else if (!strncmp(a, "--min-rate=", 11))
			min_rate = number_of(a);
		else if (!strncmp(a, "--max-reset=", 12))
			max_reset = number_of(a);
		else if (!strncmp(a, "--check-reset=", 14))
			reset = number_of(a);
		else if (!strncmp(a, "--check-trace=", 14))
			trace = number_of(a);
		else if (!strcmp(a, "--print") || !strcmp(a, "--print-c"))
			print = true, print_c = a[7];
		else if (!strncmp(a, "--make=", 7))
			make = number_of(a) + 1;
		else if (!strcmp(a, "--traces"))
			traces = true;
		else if (!strcmp(a, "--break=reset"))
			engine_break = ENGINE_BREAK_RESET;
		else if (!strcmp(a, "--break=trace"))
			engine_break = ENGINE_BREAK_TRACE;
		else if (!strcmp(a, "--break=race"))
			engine_break = ENGINE_BREAK_RACE;
		else if (!strcmp(a, "--break=spin"))
			engine_break = ENGINE_BREAK_SPIN;
		else if (!strncmp(a, "--cpu-limit=", 12))
			cpu_seconds = (unsigned)number_of(a);
		else if (!strcmp(a, "--list")) {
			targets_list(stdout);
			exit(0);
		}
	}
	target = target_find(name);
	checks_target(target);
	if (benchmark || reset || trace || print || traces)
		for (int i = 1; i < *argc; i++)
			if ((*argv)[i][0] != '-')
				checks_input((*argv)[i]);
	if (print)
		exit(checks_print(print_c));
	if (target->init)
		target->init();
	if (engine_verbose)
		cmdline = "loglevel=7 rootfstype=ext2 boot_timeout=0 strace";
	if (target->cpus)
		engine_boot(cpus ? cpus : target->cpus, cmdline);
	if (make)
		exit(checks_make(make - 1));
#ifdef ENGINE_TSAN
	if (differential || benchmark || reset || trace || traces) {
		fprintf(stderr, "eft-fuzz: this build puts nothing back: it only runs inputs\n");
		exit(2);
	}
#endif
	if (differential)
		exit(diff_loop(differential, seed, first));
	if (benchmark || reset || trace || traces)
		exit(traces ? checks_traces() : benchmark ? checks_bench(benchmark, min_rate, max_reset) : reset ? checks_reset(reset) : checks_trace(trace));
	cpu_limit_init(cpu_seconds);
	return 0;
}

static uint64_t run_one(const uint8_t *data, size_t size)
{
	while (engine_break == ENGINE_BREAK_SPIN)
		__asm__ volatile("");
	return target->one(data, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (uint64_t i = 0; i < runs; i++) {
		programs_reseed(i);
		cpu_limit_run();
#ifdef ENGINE_TSAN
		isolate_run(run_one, data, size);
#else
		run_one(data, size);
#endif
	}
	return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	return target->mutate ? target->mutate(data, size, max, seed) : LLVMFuzzerMutate(data, size, max);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t na, const uint8_t *b, size_t nb, uint8_t *out, size_t max, unsigned seed)
{
	size_t n = na / 2 < max ? na / 2 : max, m = nb - nb / 2;

	if (target->cross)
		return target->cross(a, na, b, nb, out, max, seed);
	m = m < max - n ? m : max - n;
	memcpy(out, a, n);
	memcpy(out + n, b + nb / 2, m);
	return n + m;
}
