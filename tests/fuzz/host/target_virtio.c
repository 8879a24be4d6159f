/* SPDX-License-Identifier: MIT */
/*
 * Target `virtio`: the devices lie.  The input begins with a script of lies
 * (two bytes each: how many truths before it, and what is said instead), a
 * zero pair ends it; what follows is the program that uses the devices.
 */
#include "engine.h"
#include "programs.h"
#include "target_virtio.h"

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

uint64_t virtio_one(const uint8_t *data, size_t size)
{
	struct fuzz_run r = { .probe = size & 1, .devices_hang = true };
	size_t n = 0;

	while (n + 1 < size && n < SCRIPT_MAX && (data[n] | data[n + 1]))
		n += 2;
	engine_prepare();
	script = data;
	script_len = n;
	at = 0;
	skip = n ? data[0] : 0;
	fuzz_device_lie = device_lie;
	if (n + 2 < size)
		n += 2;
	programs_run(data + n, size - n, &r);
	fuzz_device_lie = NULL;
	return r.trace;
}
