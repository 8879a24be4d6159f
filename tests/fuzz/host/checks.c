/* SPDX-License-Identifier: MIT */
/*
 * What the engine promises, measured and checked: the rate, the cost of a
 * reset, that a reset leaves no byte changed, that a run can be repeated.
 * Figures are CPU time of this process: others may use the machine, too.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "checks.h"
#include "engine_internal.h"
#include "programs.h"
#include "snapshot.h"

enum { INPUT_MAX = 1 << 20, BENCH_PARTS = 20, BENCH_RESETS = 1001, BENCH_INPUTS = 256, BENCH_BYTES = 96, BENCH_CALLS = 10, DIRTY = 64, PAGE = 4096 };

static const struct fuzz_target *target;
void checks_target(const struct fuzz_target *t) { target = t; }

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

void checks_input(const char *path)
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

/* The next program of the seed that makes BENCH_CALLS calls when it runs (or a few more), not only has them. */
static size_t input_make(uint8_t *buf, size_t max, uint64_t *seed)
{
	for (;;) {
		size_t n = programs_make(buf, max, BENCH_CALLS, (*seed)++);

		engine_calls = 0;
		target->one(buf, n);
		if (engine_calls >= BENCH_CALLS || !target->cpus)
			return n;
	}
}

/* Without inputs: some made of a fixed seed. */
static void inputs_make(uint64_t n)
{
	uint64_t seed = 0;
	uint64_t s = 88172645463325252ull;
	static uint8_t buf[INPUT_MAX];

	for (uint64_t i = 0; i < n; i++) {
		if (target->cross) {	/* typed programs */
			input_add(buf, input_make(buf, sizeof(buf), &seed));
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

/* Median, ns.  The machine's last disk takes the dirt: of its pages, as many as said and all of them changed. */
static uint64_t reset_of_dirty(void)
{
	uint64_t took[BENCH_RESETS], start;
	size_t size;
	char *p = engine_disk(FUZZ_DISKS - 1, &size);

	if (size < (size_t)DIRTY * PAGE)
		abort();
	engine_prepare();
	for (unsigned i = 0; i < BENCH_RESETS; i++) {
		for (unsigned k = 0; k < DIRTY; k++)
			for (unsigned at = 0; at < PAGE; at += 512)
				p[k * PAGE + at] ^= 1;
		start = now_ns();
		snapshot_reset();
		took[i] = now_ns() - start;
	}
	qsort(took, BENCH_RESETS, sizeof(took[0]), by_size);
	return took[BENCH_RESETS / 2];
}

int checks_bench(uint64_t n, uint64_t min_rate, uint64_t max_reset_ns)
{
	bool good = true;
	uint64_t calls;
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
	calls = engine_calls;
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
	if (min_rate) {
		good = 1e9 / (double)best >= (double)min_rate;	/* the least disturbed part */
		printf("%s: %.0f programs of %.1f calls a second of CPU time, each after a reset; asked for: %llu\n", good ? "ok" : "not ok",
			1e9 / (double)best, (double)calls / (double)n, (unsigned long long)min_rate);
	}
	if (max_reset_ns) {
		uint64_t took = reset_of_dirty();

		printf("%s: a reset with %d dirty pages takes %.1f us; asked for: %.1f\n", took <= max_reset_ns ? "ok" : "not ok", DIRTY,
			(double)took / 1e3, (double)max_reset_ns / 1e3);
		good &= took <= max_reset_ns;
	}
	return !good;
}

int checks_print(bool c)
{
	void (*print)(const uint8_t *, size_t) = c ? target->print_c : target->print;

	if (!print)
		fprintf(stderr, "eft-fuzz: inputs of target %s cannot be printed%s\n", target->name, c ? " as C" : "");
	for (size_t i = 0; print && i < ninputs; i++)
		print(inputs[i].data, inputs[i].size);
	return !print;
}

int checks_traces(void)
{
	for (size_t i = 0; i < ninputs; i++)
		printf("%016llx\n", (unsigned long long)target->one(inputs[i].data, inputs[i].size));
	return 0;
}

int checks_reset(uint64_t n)
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

int checks_trace(uint64_t n)
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


int checks_make(uint64_t seed)
{
	static uint8_t buf[INPUT_MAX];
	enum { MAKE_MAX = 4096 };
	size_t n = 0;

	if (target->cross)
		n = programs_make(buf, sizeof(buf), BENCH_CALLS, seed);
	else if (target->mutate)
		n = target->mutate(buf, 0, MAKE_MAX, (unsigned)seed * 2);	/* odd ones may want libFuzzer's mutator, which is not there yet */
	return fwrite(buf, 1, n, stdout) == 0;
}
