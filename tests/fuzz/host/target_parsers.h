/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_TARGET_PARSERS_H
#define FUZZ_TARGET_PARSERS_H
#include <stddef.h>
#include <stdint.h>
uint64_t fdt_one(const uint8_t *data, size_t size);
uint64_t acpi_one(const uint8_t *data, size_t size);
uint64_t boot_one(const uint8_t *data, size_t size);
size_t fdt_mutate(uint8_t *data, size_t size, size_t max, unsigned seed);
size_t acpi_mutate(uint8_t *data, size_t size, size_t max, unsigned seed);
size_t boot_mutate(uint8_t *data, size_t size, size_t max, unsigned seed);
void parsers_init(void);
#endif
