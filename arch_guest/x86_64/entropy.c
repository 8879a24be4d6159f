/* SPDX-License-Identifier: MIT */
/*
 * Entropy: RDSEED or RDRAND where the CPU has them, mixed with the jitter of
 * the time-stamp counter against port reads, which is all that others give.
 * The mixer spreads the bits; it is not what makes them unpredictable.
 */
#include <kernel/string.h>
#include "cpu.h"

static uint64_t mix(uint64_t x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9;
	x ^= x >> 27;
	x *= 0x94d049bb133111eb;
	return x ^ x >> 31;
}

static uint64_t hardware(void)
{
	uint64_t v = 0;
	uint8_t ok = 0;

	for (unsigned i = 0; i < 10 && !ok; i++)
		if (cpu_features.rdseed)
			__asm__ volatile("rdseed %0\n\tsetc %1" : "=r"(v), "=qm"(ok));
		else if (cpu_features.rdrand)
			__asm__ volatile("rdrand %0\n\tsetc %1" : "=r"(v), "=qm"(ok));
	return ok ? v : 0;
}

void hal_entropy(void *buf, size_t n)
{
	static uint64_t pool;
	uint64_t state = __atomic_load_n(&pool, __ATOMIC_RELAXED) ^ (uint64_t)buf;
	uint8_t *out = buf;

	while (n) {
		uint64_t v = hardware();
		size_t k = n < 8 ? n : 8;

		for (unsigned i = 0; i < (cpu_features.rdrand || cpu_features.rdseed ? 1 : 16); i++) {
			state = mix(state ^ rdtsc());
			inb(0x61);
		}
		v ^= mix(state + hal_time_real_ns());
		memcpy(out, &v, k);
		out += k;
		n -= k;
	}
	__atomic_store_n(&pool, mix(state ^ 0x9e3779b97f4a7c15), __ATOMIC_RELAXED);
}
