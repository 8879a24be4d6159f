/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_TARGET_TTY_H
#define FUZZ_TARGET_TTY_H
#include <stddef.h>
#include <stdint.h>
uint64_t tty_one(const uint8_t *data, size_t size);
void tty_print(const uint8_t *data, size_t size);
#endif
