/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer's entry points, and what else the executable can do.
 *
 * The target is the part of the executable's name behind "eft-fuzz-", or
 * --target=NAME.  libFuzzer leaves options that begin with "--" to us:
 *   --target=NAME   --cpus=N   --verbose
 *   --bench=N       N runs of the inputs given (or generated ones); prints the rate
 *   --check-reset=N memory is the snapshot's after each of N runs
 *   --check-trace=N N inputs run twice give equal trace hashes
 *   --programs=N --seed=S   target diff: N generated programs; --first: up to the first difference;
 *                   --known=OUTPUT: those that an earlier run showed are no news
 *   --print FILE    the inputs as text
 *   --list          the targets
 *   --traces FILE   the trace hash of each input
 *   --break=reset, --break=trace   the machine is not put back, runs are not repeatable: what the checks must notice
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "engine.h"
#include "engine_internal.h"
#include "programs.h"
#include "target_diff.h"
#include "snapshot.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t na, const uint8_t *b, size_t nb, uint8_t *out, size_t max, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

static const struct fuzz_target *target;
enum { INPUT_MAX = 1 << 20, BENCH_PARTS = 20, BENCH_RESETS = 1001, BENCH_INPUTS = 256, BENCH_BYTES = 96, BENCH_CALLS = 10 };

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

/* ---- checks and measurements ---- */

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);	/* of this CPU's: others may use the machine, too */
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

struct input { uint8_t *data; size_t size; };
static struct input *inputs;
static size_t ninputs;

static void input_add(const uint8_t *p, size_t n)
{
	inputs = realloc(inputs, (ninputs + 1) * sizeof(*inputs));
	inputs[ninputs].data = malloc(n + 1);
	memcpy(inputs[ninputs].data, p, n);
	inputs[ninputs++].size = n;
}

static void input_read(const char *path)
{
	static uint8_t buf[INPUT_MAX];
	FILE *f = fopen(path, "rb");
	size_t n;

	if (!f) {
		fprintf(stderr, "eft-fuzz: cannot read %s\n", path);
		exit(2);
	}
	n = fread(buf, 1, sizeof(buf), f);
	fclose(f);
	input_add(buf, n);
}

/* Without inputs: some made of a fixed seed. */
static void inputs_make(uint64_t n)
{
	uint64_t s = 88172645463325252ull;
	static uint8_t buf[INPUT_MAX];

	for (uint64_t i = 0; i < n; i++) {
		if (target->mutate) {
			input_add(buf, programs_make(buf, sizeof(buf), BENCH_CALLS, i));
			continue;
		}
		for (size_t k = 0; k < BENCH_BYTES; k++) {
			s ^= s << 13;
			s ^= s >> 7;
			s ^= s << 17;
			buf[k] = (uint8_t)(s >> 11);
		}
		input_add(buf, BENCH_BYTES);
	}
}

static int by_size(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static int bench(uint64_t n)
{
	uint64_t start, t, best = UINT64_MAX, sum = 0;

	if (!ninputs)
		inputs_make(BENCH_INPUTS);
	for (uint64_t i = 0; i < n / 10; i++)
		target->one(inputs[i % ninputs].data, inputs[i % ninputs].size);
	memset(&snapshot_stat, 0, sizeof(snapshot_stat));
	engine_calls = 0;
	memset(engine_ends, 0, sizeof(engine_ends));
	for (uint64_t done = 0; done < n;) {	/* the best of some parts: the least disturbed */
		uint64_t part = n / BENCH_PARTS + 1;

		start = now_ns();
		for (uint64_t i = 0; i < part; i++, done++)
			target->one(inputs[done % ninputs].data, inputs[done % ninputs].size);
		t = (now_ns() - start) / part;
		best = t < best ? t : best;
		sum += t * part;
	}
	printf("%s: %llu runs, a second of CPU time %.0f (best part %.0f), %.1f calls each", target->name, (unsigned long long)n,
		(double)n * 1e9 / (double)sum, 1e9 / (double)best, (double)engine_calls / (double)n);
	printf("; ended: %llu done, %llu idle, %llu limit, %llu off, %llu init", (unsigned long long)engine_ends[FUZZ_END_DONE],
		(unsigned long long)engine_ends[FUZZ_END_IDLE], (unsigned long long)engine_ends[FUZZ_END_LIMIT],
		(unsigned long long)engine_ends[FUZZ_END_OFF], (unsigned long long)engine_ends[FUZZ_END_INIT]);
	if (snapshot_stat.resets) {
		double r = (double)snapshot_stat.resets;
		uint64_t took[BENCH_RESETS];

		for (unsigned i = 0; i < BENCH_RESETS; i++) {
			target->one(inputs[i % ninputs].data, inputs[i % ninputs].size);
			start = now_ns();
			engine_prepare();
			took[i] = now_ns() - start;
		}
		qsort(took, BENCH_RESETS, sizeof(took[0]), by_size);
		printf("; pages: %.1f restored, %.1f compared, %.3f faults a run; reset median %.1f us", (double)snapshot_stat.restored / r,
			(double)snapshot_stat.hot / r, (double)snapshot_stat.faults / r, (double)took[BENCH_RESETS / 2] / 1e3);
	}
	printf("\n");
	return 0;
}

static int traces_print(void)
{
	for (size_t i = 0; i < ninputs; i++)
		printf("%016llx\n", (unsigned long long)target->one(inputs[i].data, inputs[i].size));
	return 0;
}

static int check_reset(uint64_t n)
{
	const char *region;
	size_t offset;

	if (!ninputs)
		inputs_make(n);
	for (uint64_t i = 0; i < n; i++) {
		target->one(inputs[i % ninputs].data, inputs[i % ninputs].size);
		if (engine_break != ENGINE_BREAK_RESET)
			engine_prepare();
		if (!snapshot_same(&region, &offset)) {
			printf("not ok: after run %llu %s differs at offset %#zx\n", (unsigned long long)i, region, offset);
			return 1;
		}
	}
	printf("ok: %llu resets, every byte as it was\n", (unsigned long long)n);
	return 0;
}

static int check_trace(uint64_t n)
{
	uint64_t *trace = calloc(n, sizeof(*trace)), different = 0;

	if (!ninputs)
		inputs_make(n);
	for (uint64_t i = 0; i < n; i++)
		trace[i] = target->one(inputs[i % ninputs].data, inputs[i % ninputs].size);
	for (uint64_t i = n; i-- > 0;)	/* in another order */
		if (target->one(inputs[i % ninputs].data, inputs[i % ninputs].size) != trace[i] && different++ < 5)
			printf("# input %llu gave another trace\n", (unsigned long long)i);
	for (uint64_t i = 1; i < n && trace[i] == trace[0]; i++)
		if (i == n - 1 && ninputs > 1)
			different = n;	/* a hash that never differs says nothing */
	printf("%s: %llu inputs run twice, %llu traces differ\n", different ? "not ok" : "ok", (unsigned long long)n, (unsigned long long)different);
	return different != 0;
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
	uint64_t benchmark = 0, differential = 0, seed = 1, reset = 0, trace = 0;
	bool print = false, traces = false, first = false;
	unsigned cpus = 0;

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
		else if (!strncmp(a, "--programs=", 11))
			differential = number_of(a);
		else if (!strncmp(a, "--known=", 8))
			diff_known(a + 8);
		else if (!strcmp(a, "--first"))
			first = true;
		else if (!strncmp(a, "--seed=", 7))
			seed = number_of(a);
		else if (!strncmp(a, "--bench=", 8))
			benchmark = number_of(a);
		else if (!strncmp(a, "--check-reset=", 14))
			reset = number_of(a);
		else if (!strncmp(a, "--check-trace=", 14))
			trace = number_of(a);
		else if (!strcmp(a, "--print"))
			print = true;
		else if (!strcmp(a, "--traces"))
			traces = true;
		else if (!strcmp(a, "--break=reset"))
			engine_break = ENGINE_BREAK_RESET;
		else if (!strcmp(a, "--break=trace"))
			engine_break = ENGINE_BREAK_TRACE;
		else if (!strcmp(a, "--list")) {
			targets_list(stdout);
			exit(0);
		}
	}
	target = target_find(name);
	if (benchmark || reset || trace || print || traces)
		for (int i = 1; i < *argc; i++)
			if ((*argv)[i][0] != '-')
				input_read((*argv)[i]);
	if (print) {
		for (size_t i = 0; target->print && i < ninputs; i++)
			target->print(inputs[i].data, inputs[i].size);
		exit(0);
	}
	if (target->init)
		target->init();
	if (engine_verbose)
		cmdline = "loglevel=7 rootfstype=ext2 boot_timeout=0 strace";
	if (target->cpus)
		engine_boot(cpus ? cpus : target->cpus, cmdline);
	if (differential)
		exit(diff_loop(differential, seed, first));
	if (benchmark || reset || trace || traces)
		exit(traces ? traces_print() : benchmark ? bench(benchmark) : reset ? check_reset(reset) : check_trace(trace));
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	target->one(data, size);
	return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	return target->mutate ? target->mutate(data, size, max, seed) : LLVMFuzzerMutate(data, size, max);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t na, const uint8_t *b, size_t nb, uint8_t *out, size_t max, unsigned seed)
{
	size_t n = na / 2 < max ? na / 2 : max, m = nb - nb / 2;

	if (target->mutate)
		return programs_cross(a, na, b, nb, out, max, seed);
	m = m < max - n ? m : max - n;
	memcpy(out, a, n);
	memcpy(out + n, b + nb / 2, m);
	return n + m;
}
