/* SPDX-License-Identifier: MIT */
/* Target `diff`. */
#ifndef FUZZ_TARGET_DIFF_H
#define FUZZ_TARGET_DIFF_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
/* Starts the Linux side. */
void diff_init(void);
uint64_t diff_one(const uint8_t *data, size_t size);
/* n generated programs; every kind of difference is shown once.  Returns the exit status. */
int diff_loop(uint64_t n, uint64_t seed, bool first /* stops at the first */);
/* The kinds of difference in that output of an earlier run are not shown. */
void diff_known(const char *path);
void diff_save(const char *dir);		/* each difference that is shown, as an input there */
void diff_explain(void);			/* diff_loop() also says which differences each row of the table allowed */
#endif
