/* SPDX-License-Identifier: MIT */
/* Runs in processes of their own: for a sanitizer whose state no snapshot can put back. */
#ifndef FUZZ_ISOLATE_H
#define FUZZ_ISOLATE_H
#include <stddef.h>
#include <stdint.h>

/* Once, before the machine starts: what children cover is seen here. */
void isolate_init(void);
/* one(data, size) in a copy of this process, which waits.  A find there ends this process, too. */
void isolate_run(uint64_t (*one)(const uint8_t *data, size_t size), const uint8_t *data, size_t size);
#endif
