/* SPDX-License-Identifier: MIT */
/* Between slab.c and kmalloc.c. */
#ifndef MM_SLAB_INTERNAL_H
#define MM_SLAB_INTERNAL_H
#include <kernel/slab.h>
/* An object of which the caller will use n bytes: the rest is out of bounds for ASan. */
void *slab_alloc(struct kmem_cache *c, size_t n, unsigned flags);
/* The size of the objects of the cache that obj belongs to. */
size_t slab_object_size(const void *obj, struct kmem_cache **cache);
void kmalloc_init(void);
#endif
