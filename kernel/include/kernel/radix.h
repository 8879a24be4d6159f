/* SPDX-License-Identifier: MIT */
/*
 * Radix tree from 64-bit indices to pointers (64-way).  Callers lock; look-ups may run under RCU beside a writer.
 */
#ifndef KERNEL_RADIX_H
#define KERNEL_RADIX_H
#include <kernel/compiler.h>
struct radix_node;
struct radix_tree { struct radix_node *root; unsigned height; };
void *radix_find(const struct radix_tree *t, uint64_t index);
/* Entries at index, index + 1, ... up to the first that is absent, and no further than one node: how many (at most max). */
unsigned radix_find_run(const struct radix_tree *t, uint64_t index, void **out, unsigned max);
int radix_insert(struct radix_tree *t, uint64_t index, void *p);	/* -EEXIST, -ENOMEM (atomic allocation) */
void *radix_erase(struct radix_tree *t, uint64_t index);		/* what was there */
void *radix_replace(struct radix_tree *t, uint64_t index, void *p);	/* must exist */
/* First entry with index >= *index; sets *index.  NULL: none. */
void *radix_next(const struct radix_tree *t, uint64_t *index);
void radix_destroy(struct radix_tree *t);	/* frees nodes, not entries */

/* Bitmaps. */
#define BITMAP_WORDS(n) (((n) + 63) / 64)
static inline bool bit_test(const uint64_t *map, size_t i) { return map[i / 64] >> (i % 64) & 1; }
static inline void bit_set(uint64_t *map, size_t i) { map[i / 64] |= 1ull << (i % 64); }
static inline void bit_clear(uint64_t *map, size_t i) { map[i / 64] &= ~(1ull << (i % 64)); }
/* First clear/set bit at or after `from`, or n. */
size_t bitmap_find_clear(const uint64_t *map, size_t n, size_t from);
size_t bitmap_find_set(const uint64_t *map, size_t n, size_t from);
#endif
