/* SPDX-License-Identifier: MIT */
/* The table of targets, and those whose input is a program of system calls. */
#include <string.h>
#include "engine.h"
#include "programs.h"
#include "target_diff.h"
#include "target_virtio.h"

static uint64_t syscalls_one(const uint8_t *data, size_t size)
{
	struct fuzz_run r = { .schedule = FUZZ_FAIR };

	programs_run(data, size, &r);
	return r.trace;
}

static uint64_t syscalls_mt_one(const uint8_t *data, size_t size)
{
	struct fuzz_run r = { .schedule = programs_flags(data, size) & 1 ? FUZZ_RANDOM : FUZZ_PCT };

	programs_run(data, size, &r);
	return r.trace;
}

static uint64_t fail_one(const uint8_t *data, size_t size)
{
	struct fuzz_run r = { .fail = true };

	programs_run(data, size, &r);
	return r.trace;
}

#define PROGRAM .mutate = programs_mutate, .print = programs_print
const struct fuzz_target fuzz_targets[] = {
	{ .name = "syscalls", .what = "programs of system calls", .cpus = 1, .one = syscalls_one, PROGRAM },
	{ .name = "syscalls-mt", .what = "programs of several tasks on two CPUs, schedules from the input", .cpus = 2, .one = syscalls_mt_one, PROGRAM },
	{ .name = "fail", .what = "programs whose allocations fail here and there", .cpus = 1, .one = fail_one, PROGRAM },
	{ .name = "virtio", .what = "programs on devices that lie", .cpus = 1, .one = virtio_one },
	{ .name = "diff", .what = "programs on the host's Linux and on Eft", .cpus = 1, .one = diff_one, .init = diff_init, PROGRAM },
	{ 0 }
};
