/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_TARGET_EXT2_H
#define FUZZ_TARGET_EXT2_H
#include <stddef.h>
#include <stdint.h>
uint64_t ext2_one(const uint8_t *data, size_t size);
size_t ext2_mutate(uint8_t *data, size_t size, size_t max, unsigned seed);
void ext2_print(const uint8_t *data, size_t size);
void ext2_init(void);
#endif
