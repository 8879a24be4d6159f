/* SPDX-License-Identifier: MIT */
/* Between engine.c and main.c. */
#ifndef FUZZ_ENGINE_INTERNAL_H
#define FUZZ_ENGINE_INTERNAL_H
#include <stddef.h>
void engine_boot(unsigned cpus, const char *cmdline);
void engine_sanitizer_regions(char *base, size_t n);
#endif
