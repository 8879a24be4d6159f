/* SPDX-License-Identifier: MIT */
/* Between engine.c and main.c. */
#ifndef FUZZ_ENGINE_INTERNAL_H
#define FUZZ_ENGINE_INTERNAL_H
#include <stddef.h>
enum engine_break { ENGINE_BREAK_NOTHING, ENGINE_BREAK_RESET, ENGINE_BREAK_TRACE, ENGINE_BREAK_RACE, ENGINE_BREAK_SPIN };
extern enum engine_break engine_break;	/* on purpose: the checks must notice */
void engine_boot(unsigned cpus, const char *cmdline);
void engine_sanitizer_regions(char *base, size_t n);
#endif
