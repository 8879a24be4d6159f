/* SPDX-License-Identifier: MIT */
/* A source of calls that reads them from plain bytes. */
#ifndef FUZZ_BYTES_H
#define FUZZ_BYTES_H
#include <fuzz/machine.h>

enum { BYTES_CALLS = 64 };
struct bytes { const uint8_t *data; size_t size, pos; unsigned calls; };
bool bytes_next(void *arg, unsigned stream, struct fuzz_step *out);
void bytes_result(void *arg, unsigned stream, int64_t result);
#endif
