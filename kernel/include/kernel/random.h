/* SPDX-License-Identifier: MIT */
/* Random numbers good enough for keys: getrandom(2), /dev/urandom, AT_RANDOM, address randomization. */
#ifndef KERNEL_RANDOM_H
#define KERNEL_RANDOM_H
#include <stddef.h>
#include <stdint.h>
void random_bytes(void *buf, size_t n);		/* any context */
static inline uint64_t random_u64(void) { uint64_t v; random_bytes(&v, sizeof(v)); return v; }
/* Mix in what a driver gathered (virtio-rng, interrupt times). */
void random_add_entropy(const void *buf, size_t n);
#endif
