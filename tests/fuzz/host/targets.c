/* SPDX-License-Identifier: MIT */
/* The table of targets, and those whose input is a program of system calls. */
#include <string.h>
#include "bytes.h"
#include "engine.h"

static uint64_t hash(const uint8_t *p, size_t n)
{
	uint64_t h = 0xcbf29ce484222325ull;

	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * 0x100000001b3ull;
	return h;
}

static uint64_t run_program(const uint8_t *data, size_t size, enum fuzz_schedule schedule)
{
	struct bytes b = { data, size, 0, 0 };
	struct fuzz_run r = { .source = { bytes_next, bytes_result, &b }, .seed = hash(data, size), .schedule = schedule };

	engine_run(&r);
	return r.trace;
}

static uint64_t syscalls_one(const uint8_t *data, size_t size) { return run_program(data, size, FUZZ_FAIR); }

static uint64_t syscalls_mt_one(const uint8_t *data, size_t size)
{
	return run_program(data, size, size && data[size - 1] & 1 ? FUZZ_RANDOM : FUZZ_PCT);
}

const struct fuzz_target fuzz_targets[] = {
	{ .name = "syscalls", .what = "programs of system calls", .cpus = 1, .one = syscalls_one },
	{ .name = "syscalls-mt", .what = "programs of several tasks on two CPUs, schedules from the input", .cpus = 2, .one = syscalls_mt_one },
	{ 0 }
};
