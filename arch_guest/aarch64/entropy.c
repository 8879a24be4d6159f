/* SPDX-License-Identifier: MIT */
/*
 * Entropy for the kernel's generator: the processor's RNDR where there is one,
 * the boot loader's /chosen/rng-seed (used once and wiped), and the counter.
 * They key a ChaCha20 block function (RFC 8439); after each request the key is
 * replaced by output that nobody saw.
 */
#include <kernel/string.h>
#include "aarch64/port.h"

static struct port_lock entropy_lock;
static uint32_t key[8];		/* [entropy_lock] */
static uint64_t counter;	/* [entropy_lock] */
static bool seeded;		/* [entropy_lock] */

static uint32_t rotl(uint32_t v, unsigned n) { return v << n | v >> (32 - n); }

static void quarter(uint32_t *s, unsigned a, unsigned b, unsigned c, unsigned d)
{
	s[a] += s[b]; s[d] = rotl(s[d] ^ s[a], 16);
	s[c] += s[d]; s[b] = rotl(s[b] ^ s[c], 12);
	s[a] += s[b]; s[d] = rotl(s[d] ^ s[a], 8);
	s[c] += s[d]; s[b] = rotl(s[b] ^ s[c], 7);
}

static void block(uint32_t out[16])
{
	uint32_t in[16] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 };
	uint64_t t = timer_ticks();
	memcpy(in + 4, key, sizeof(key));
	counter++;
	in[12] = (uint32_t)counter;
	in[13] = (uint32_t)(counter >> 32);
	in[14] = (uint32_t)t;
	in[15] = (uint32_t)(t >> 32);
	memcpy(out, in, sizeof(in));
	for (unsigned round = 0; round < 10; round++) {
		quarter(out, 0, 4, 8, 12);
		quarter(out, 1, 5, 9, 13);
		quarter(out, 2, 6, 10, 14);
		quarter(out, 3, 7, 11, 15);
		quarter(out, 0, 5, 10, 15);
		quarter(out, 1, 6, 11, 12);
		quarter(out, 2, 7, 8, 13);
		quarter(out, 3, 4, 9, 14);
	}
	for (unsigned i = 0; i < 16; i++)
		out[i] += in[i];
}

static void stir(void)
{
	uint32_t out[16];
	if (!seeded) {
		uint32_t len;
		uint8_t *seed = (uint8_t *)(uintptr_t)fdt_prop(&boot_fdt, fdt_by_path(&boot_fdt, "/chosen"), "rng-seed", &len);
		for (uint32_t i = 0; seed && i < len; i++) {
			((uint8_t *)key)[i % sizeof(key)] ^= seed[i];
			seed[i] = 0;
			if (i % sizeof(key) == sizeof(key) - 1) {
				block(out);
				memcpy(key, out, sizeof(key));
			}
		}
		seeded = true;
	}
	for (unsigned i = 0; cpu_features.rng && i < 8; i += 2) {
		uint64_t v, ok;
		__asm__ volatile("mrs %0, s3_3_c2_c4_0; cset %1, ne" : "=r"(v), "=r"(ok) : : "cc");	/* RNDR */
		if (ok) {
			key[i] ^= (uint32_t)v;
			key[i + 1] ^= (uint32_t)(v >> 32);
		}
	}
}

void hal_entropy(void *buf, size_t n)
{
	uint8_t *p = buf;
	uint32_t out[16];
	unsigned long flags = port_lock(&entropy_lock);
	stir();
	while (n) {
		size_t part = MIN(n, sizeof(out));
		block(out);
		memcpy(p, out, part);
		p += part;
		n -= part;
	}
	block(out);
	memcpy(key, out, sizeof(key));
	port_unlock(&entropy_lock, flags);
}
