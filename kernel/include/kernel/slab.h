/* SPDX-License-Identifier: MIT */
/*
 * Kernel objects: caches of equal objects, and kmalloc on top of them.
 * Debug builds add redzones and poison; with ASan freed objects stay in quarantine.
 * Flags: enum alloc_flags of <kernel/page.h>.
 */
#ifndef KERNEL_SLAB_H
#define KERNEL_SLAB_H
#include <kernel/compiler.h>
#include <kernel/page.h>

struct kmem_cache;
/* align: 0 for the default (8).  Boot time and later; panics if it cannot (there is no kernel without it). */
struct kmem_cache *kmem_cache_create(const char *name, size_t size, size_t align);
void *kmem_cache_alloc(struct kmem_cache *c, unsigned flags);
void kmem_cache_free(struct kmem_cache *c, void *obj);

/* Any size; beyond a few pages physically contiguous blocks: use kvmalloc-like arrays of pages for large tables. */
void *kmalloc(size_t size, unsigned flags);
void *kzalloc(size_t size, unsigned flags);
void *krealloc(void *p, size_t size, unsigned flags);	/* NULL: no memory, p unchanged */
void kfree(void *p);	/* NULL is fine */
size_t kmalloc_usable(const void *p);
char *kstrdup(const char *s, unsigned flags);
void *kmemdup(const void *p, size_t n, unsigned flags);

/* One line per cache for /proc/slabinfo: index 0, 1, ...; false past the last. */
struct slab_info {
	const char *name;
	size_t object_size, objects, used, pages;	/* used: handed out, or in a CPU's magazine */
	size_t live;			/* handed out; 0 unless EFT_DEBUG */
};
bool slab_info_get(unsigned index, struct slab_info *out);
void slab_init(void);
#endif
