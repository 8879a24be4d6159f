/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_TARGET_ELF_H
#define FUZZ_TARGET_ELF_H
#include <stddef.h>
#include <stdint.h>
uint64_t elf_one(const uint8_t *data, size_t size);
size_t elf_mutate(uint8_t *data, size_t size, size_t max, unsigned seed);
void elf_print(const uint8_t *data, size_t size);
#endif
