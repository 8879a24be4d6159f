/* SPDX-License-Identifier: MIT */
/* The kernel's tests of itself (tests/ktest), started by the command line's `ktest` or `ktest=PATTERN`. */
#ifndef KERNEL_KTEST_H
#define KERNEL_KTEST_H
#include <kernel/compiler.h>
/* Runs the tests whose "suite.name" contains pattern, KTAP on the early console.  Number that failed, -1: none matched. */
int ktest_run(const char *pattern);
#endif
