/* SPDX-License-Identifier: MIT */
/* Between unit_main.c, which sees check and libc, and unit_boot.c, which sees the kernel. */
#ifndef TESTS_UNIT_INTERNAL_H
#define TESTS_UNIT_INTERNAL_H
#include "unit.h"
_Noreturn void unit_boot(void (*fn)(void));
_Noreturn void unit_passed(void);
#endif
