/* SPDX-License-Identifier: MIT */
/* The table of targets, and those whose input is a program of system calls. */
#include <string.h>
#include "bytes.h"
#include "engine.h"
#include "programs.h"
#include "target_virtio.h"

static uint64_t hash(const uint8_t *p, size_t n)
{
	uint64_t h = 0xcbf29ce484222325ull;

	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * 0x100000001b3ull;
	return h;
}

void programs_run(const uint8_t *data, size_t size, struct fuzz_run *r)
{
	struct bytes b = { data, size, 0, 0 };

	r->source = (struct fuzz_source){ bytes_next, bytes_result, &b };
	if (!r->seed)
		r->seed = hash(data, size);
	engine_run(r);
}

static uint64_t syscalls_one(const uint8_t *data, size_t size)
{
	struct fuzz_run r = { .schedule = FUZZ_FAIR };

	programs_run(data, size, &r);
	return r.trace;
}

static uint64_t syscalls_mt_one(const uint8_t *data, size_t size)
{
	struct fuzz_run r = { .schedule = size && data[size - 1] & 1 ? FUZZ_RANDOM : FUZZ_PCT };

	programs_run(data, size, &r);
	return r.trace;
}

static uint64_t fail_one(const uint8_t *data, size_t size)
{
	struct fuzz_run r = { .fail = true };

	programs_run(data, size, &r);
	return r.trace;
}

const struct fuzz_target fuzz_targets[] = {
	{ .name = "syscalls", .what = "programs of system calls", .cpus = 1, .one = syscalls_one },
	{ .name = "syscalls-mt", .what = "programs of several tasks on two CPUs, schedules from the input", .cpus = 2, .one = syscalls_mt_one },
	{ .name = "fail", .what = "programs whose allocations fail here and there", .cpus = 1, .one = fail_one },
	{ .name = "virtio", .what = "programs on devices that lie", .cpus = 1, .one = virtio_one },
	{ 0 }
};
