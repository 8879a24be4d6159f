/* SPDX-License-Identifier: MIT */
/*
 * Inputs that are typed programs (tests/fuzz/program): run, changed, crossed
 * and printed.  The mutator works on types most of the time, and on bytes now
 * and then, which finds what the types do not say.
 */
#include <string.h>
#include "program/program.h"
#include "programs.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

static struct fuzz_program program, second;
static struct fuzz_state state;
static uint8_t bytes[FUZZ_ENCODED_MAX];
static const struct fuzz_choice *choice;
static uint64_t reseed;

static uint64_t hash(const uint8_t *p, size_t n)
{
	uint64_t h = 0xcbf29ce484222325ull;

	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * 0x100000001b3ull;
	return h;
}

void programs_source(const uint8_t *data, size_t size, struct fuzz_run *r)
{
	fuzz_decode(data, size, &program);
	fuzz_state_init(&state, &program, fuzz_user_write, fuzz_user_read);
	r->source = (struct fuzz_source){ fuzz_program_next, fuzz_program_result, &state };
	if (!r->seed)
		r->seed = hash(data, size) + reseed;
	if (r->seed % 4 == 0 || r->fail)	/* it takes a while */
		r->count = true;
}

void programs_run(const uint8_t *data, size_t size, struct fuzz_run *r)
{
	programs_source(data, size, r);
	engine_run(r);
}

void programs_reseed(uint64_t n) { reseed = n * UINT64_C(0x9e3779b97f4a7c15); }

uint8_t programs_flags(const uint8_t *data, size_t size) { return size ? data[0] : 0; }

static size_t give(uint8_t *data, size_t size, size_t max)
{
	size_t n = fuzz_encode(&program, bytes, sizeof(bytes));

	while ((!n || n > max) && program.ncalls) {
		fuzz_drop_call(&program, program.ncalls - 1u);
		n = fuzz_encode(&program, bytes, sizeof(bytes));
	}
	if (!n || n > max)
		return size;
	memcpy(data, bytes, n);
	return n;
}

size_t programs_mutate(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	if (seed % 16 == 0)
		return LLVMFuzzerMutate(data, size, max);
	if (size < 6 && seed % 4 == 1)
		fuzz_generate(&program, seed, choice);
	else
		fuzz_decode(data, size, &program);
	fuzz_mutate(&program, NULL, seed, choice);
	return give(data, size, max);
}

size_t programs_cross(const uint8_t *a, size_t na, const uint8_t *b, size_t nb, uint8_t *out, size_t max, unsigned seed)
{
	fuzz_decode(a, na, &program);
	fuzz_decode(b, nb, &second);
	fuzz_mutate(&program, &second, seed, choice);
	return give(out, 0, max);
}

void programs_choose(const struct fuzz_choice *c) { choice = c; }

size_t programs_make(uint8_t *out, size_t max, unsigned calls, uint64_t seed)
{
	struct fuzz_choice c = { .allowed = choice ? choice->allowed : NULL, .max_calls = calls, .streams = 3, .single = true };

	do
		fuzz_generate(&program, seed += UINT64_C(0x9e3779b97f4a7c15), &c);
	while (program.ncalls < calls);
	return give(out, 0, max);
}

void programs_print(const uint8_t *data, size_t size)
{
	fuzz_decode(data, size, &program);
	fuzz_print_strace(stdout, &program, NULL);
}

void programs_print_c(const uint8_t *data, size_t size)
{
	fuzz_decode(data, size, &program);
	fuzz_print_c(stdout, &program);
}
