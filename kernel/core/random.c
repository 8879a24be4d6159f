/* SPDX-License-Identifier: MIT */
/*
 * Random numbers: ChaCha20 (RFC 8439) keyed by what the machine and the
 * entropy device gave; the key is replaced after every request (fast key
 * erasure), so that earlier output cannot be computed from a later state.
 */
#include <hal/dev.h>
#include <hal/time.h>
#include <kernel/compiler.h>
#include <kernel/random.h>
#include <kernel/lock.h>
#include <kernel/string.h>

static struct spinlock random_lock = SPINLOCK_INIT(LOG);
static uint32_t key[8];			/* [random_lock] */
static bool seeded;			/* [random_lock] */

static uint32_t rotl(uint32_t x, unsigned n) { return x << n | x >> (32 - n); }

#define QUARTER(a, b, c, d) do { \
	a += b; d = rotl(d ^ a, 16); c += d; b = rotl(b ^ c, 12); \
	a += b; d = rotl(d ^ a, 8);  c += d; b = rotl(b ^ c, 7); } while (0)

static void chacha_block(const uint32_t k[8], uint64_t counter, uint32_t out[16])
{
	uint32_t s[16] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574, k[0], k[1], k[2], k[3], k[4], k[5], k[6], k[7],
		(uint32_t)counter, (uint32_t)(counter >> 32), 0, 0 }, x[16];

	memcpy(x, s, sizeof(x));
	for (unsigned i = 0; i < 10; i++) {
		QUARTER(x[0], x[4], x[8], x[12]);
		QUARTER(x[1], x[5], x[9], x[13]);
		QUARTER(x[2], x[6], x[10], x[14]);
		QUARTER(x[3], x[7], x[11], x[15]);
		QUARTER(x[0], x[5], x[10], x[15]);
		QUARTER(x[1], x[6], x[11], x[12]);
		QUARTER(x[2], x[7], x[8], x[13]);
		QUARTER(x[3], x[4], x[9], x[14]);
	}
	for (unsigned i = 0; i < 16; i++)
		out[i] = x[i] + s[i];
}

/* The new key depends on the old one and on every bit added. [random_lock] */
static void mix(const void *buf, size_t n)
{
	const uint8_t *p = buf;
	uint32_t block[16];

	while (n) {
		size_t m = n < sizeof(key) ? n : sizeof(key);

		for (size_t i = 0; i < m; i++)
			((uint8_t *)key)[i] ^= p[i];
		chacha_block(key, n, block);
		memcpy(key, block, sizeof(key));
		p += m;
		n -= m;
	}
}

void random_add_entropy(const void *buf, size_t n)
{
	unsigned long flags = spin_lock_irqsave(&random_lock);

	mix(buf, n);
	spin_unlock_irqrestore(&random_lock, flags);
}

void random_bytes(void *buf, size_t n)
{
	unsigned long flags = spin_lock_irqsave(&random_lock);
	uint32_t k[8], block[16];
	uint64_t counter = 0;
	uint8_t *p = buf;

	if (!seeded) {
		uint64_t seed[5] = { hal_time_real_ns() };

		hal_entropy(seed + 1, sizeof(seed) - sizeof(seed[0]));
		mix(seed, sizeof(seed));
		seeded = true;
	}
	chacha_block(key, counter++, block);
	memcpy(key, block, sizeof(key));	/* the next state */
	memcpy(k, block + 8, sizeof(k));	/* this request's */
	spin_unlock_irqrestore(&random_lock, flags);
	while (n) {
		size_t m = MIN(n, sizeof(block));

		chacha_block(k, counter++, block);
		memcpy(p, block, m);
		p += m;
		n -= m;
	}
	memset(k, 0, sizeof(k));
	memset(block, 0, sizeof(block));
	__asm__ volatile("" : : "r"(k), "r"(block) : "memory");
}
