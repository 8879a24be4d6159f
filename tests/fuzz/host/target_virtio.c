/* SPDX-License-Identifier: MIT */
/*
 * Target `virtio`: the devices lie.  The input begins with a script of lies
 * (two bytes each: how many truths before it, and what is said instead), a
 * zero pair ends it; what follows is the program that uses the devices.
 */
#include <stdio.h>
#include <string.h>
#include "engine.h"
#include "program/program.h"
#include "programs.h"
#include "target_virtio.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

enum { SCRIPT_MAX = 256 };
static const uint8_t *script;
static size_t script_len, at;
static unsigned skip;

static uint32_t device_lie(unsigned what, uint32_t truth)
{
	uint8_t how;

	if (at + 1 >= script_len)
		return truth;
	if (skip) {
		skip--;
		return truth;
	}
	how = script[at + 1];
	at += 2;
	skip = at < script_len ? script[at] : 0;
	if (what == FUZZ_LIE_EVENT)
		return how * 0x01010101u;
	switch (how & 7) {
	case 0: return 0;
	case 1: return UINT32_MAX;
	case 2: return truth + 1;
	case 3: return truth - 1;
	case 4: return truth ^ 1u << (how >> 3);
	case 5: return (uint32_t)(how >> 3) << 8;
	case 6: return truth * 2 + (how >> 3);
	default: return how >> 3;
	}
}

/* Length of the script, without the pair that ends it; *rest: where the program begins. */
static size_t split(const uint8_t *data, size_t size, size_t *rest)
{
	size_t n = 0;

	while (n + 1 < size && n < SCRIPT_MAX && (data[n] | data[n + 1]))
		n += 2;
	*rest = n + 2 <= size ? n + 2 : size;
	return n;
}

uint64_t virtio_one(const uint8_t *data, size_t size)
{
	struct fuzz_run r = { .probe = size && data[0] & 1, .devices_hang = true };
	size_t rest, n = split(data, size, &rest);

	engine_prepare();
	script = data;
	script_len = n;
	at = 0;
	skip = n ? data[0] : 0;
	fuzz_device_lie = device_lie;
	programs_run(data + rest, size - rest, &r);
	fuzz_device_lie = NULL;
	return r.trace;
}

size_t virtio_mutate(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	static uint8_t out[1 << 16];
	size_t rest, n = split(data, size, &rest), m;

	if (max > sizeof(out) || max < SCRIPT_MAX + 64)
		return LLVMFuzzerMutate(data, size, max);
	memcpy(out, data, n);
	if (seed & 1) {
		n = LLVMFuzzerMutate(out, n, SCRIPT_MAX) & ~(size_t)1;
		for (size_t i = 0; i < n; i += 2)
			if (!(out[i] | out[i + 1]))
				out[i + 1] = 1;
	}
	out[n] = out[n + 1] = 0;
	memcpy(out + n + 2, data + rest, size - rest < max - n - 2 ? size - rest : max - n - 2);
	m = size - rest < max - n - 2 ? size - rest : max - n - 2;
	if (!(seed & 1) || !m)
		m = programs_mutate(out + n + 2, m, max - n - 2, seed >> 1);
	memcpy(data, out, n + 2 + m);
	return n + 2 + m;
}

void virtio_print(const uint8_t *data, size_t size)
{
	size_t rest, n = split(data, size, &rest);

	printf("# lies:");
	for (size_t i = 0; i < n; i += 2)
		printf(" %u:%#x", data[i], data[i + 1]);
	printf("\n");
	programs_print(data + rest, size - rest);
}

/* What makes devices work. */
static bool allowed(const struct syscall_desc *d)
{
	static const char *const names[] = { "open", "openat", "read", "write", "pread64", "pwrite64", "lseek", "fsync", "fdatasync", "sync",
		"mount", "umount2", "close", "mkdir", "unlink", "rename", "truncate", "ftruncate", "getdents64", "stat", "mmap", "msync",
		"munmap", "ioctl", "fallocate", "fork", "getrandom", "poll", "sendfile", "syncfs", "madvise", "posix_fadvise" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(d->name, names[i]))
			return true;
	return false;
}

void virtio_init(void)
{
	static const struct fuzz_choice choice = { .allowed = allowed, .max_calls = 16, .streams = 2 };

	programs_choose(&choice);
}
