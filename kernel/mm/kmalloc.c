/* SPDX-License-Identifier: MIT */
/*
 * kmalloc: memory of any size.  Up to half a page from caches of a few sizes
 * (two steps per power of two), beyond that whole page blocks.  kfree() tells
 * them apart by the page's flags.
 */
#include <kernel/cpu.h>
#include <kernel/print.h>
#include <kernel/string.h>
#include "mm/asan.h"
#include "mm/mm.h"
#include "mm/slab_internal.h"

static const struct { uint16_t size; const char *name; } sizes[] = {
	{ 16, "kmalloc-16" }, { 32, "kmalloc-32" }, { 64, "kmalloc-64" }, { 96, "kmalloc-96" }, { 128, "kmalloc-128" },
	{ 192, "kmalloc-192" }, { 256, "kmalloc-256" }, { 384, "kmalloc-384" }, { 512, "kmalloc-512" },
	{ 768, "kmalloc-768" }, { 1024, "kmalloc-1k" }, { 1536, "kmalloc-1.5k" }, { 2048, "kmalloc-2k" },
};
enum { KMALLOC_MAX_CACHED = 2048 };
static struct kmem_cache *caches[ARRAY_SIZE(sizes)];	/* [I] */
static uint8_t cache_of[KMALLOC_MAX_CACHED / 16 + 1];	/* [I] by size in 16-byte units */

void *kmalloc(size_t size, unsigned flags)
{
	unsigned order = 0;
	struct page *p;

	if (size == 0)
		size = 1;
	if (likely(size <= KMALLOC_MAX_CACHED))
		return slab_alloc(caches[cache_of[(size + 15) / 16]], size, flags);
	while (order <= PAGE_ORDER_MAX && (PAGE_SIZE << order) < size)
		order++;
	p = page_alloc(order, flags);
	if (!p)
		return NULL;
	page_set_flag(p, PG_KMALLOC);
	counter_add(COUNT_SLAB, 1ll << order);
	asan_poison((char *)page_addr(p) + ALIGN_UP(size, (size_t)8), (PAGE_SIZE << order) - ALIGN_UP(size, (size_t)8));
	return page_addr(p);
}

void *kzalloc(size_t size, unsigned flags)
{
	return kmalloc(size, flags | ALLOC_ZERO);
}

/* The page of a large block; NULL: an object of a cache. */
static struct page *large_block(const void *p)
{
	struct page *pg = virt_to_page(p);
	uint32_t flags;

	if (unlikely(!pg))
		panic("kfree: %p is not heap memory", p);
	flags = READ_ONCE(pg->flags);
	if (likely(flags & PG_SLAB))
		return NULL;
	if (unlikely(!(flags & PG_KMALLOC) || (uintptr_t)p & (PAGE_SIZE - 1)))
		panic("kfree: %p was not kmalloc'd", p);
	return pg;
}

void kfree(void *p)
{
	struct page *pg;
	struct kmem_cache *c;

	if (!p)
		return;
	pg = large_block(p);
	if (!pg) {
		slab_object_size(p, &c);
		kmem_cache_free(c, p);
		return;
	}
	page_clear_flag(pg, PG_KMALLOC);
	counter_add(COUNT_SLAB, -(1ll << pg->order));
	page_put(pg);
}

size_t kmalloc_usable(const void *p)
{
	struct kmem_cache *c;
	struct page *pg;

	if (!p)
		return 0;
	pg = large_block(p);
	return pg ? PAGE_SIZE << pg->order : slab_object_size(p, &c);
}

/* The old block may be longer than what its owner asked for: not for ASan's eyes. */
NO_ASAN static void raw_copy(void *dst, const void *src, size_t n)
{
	volatile uint64_t *d = dst;
	const volatile uint64_t *s = src;

	for (size_t i = 0; i < n / 8; i++)
		d[i] = s[i];
	for (size_t i = n & ~(size_t)7; i < n; i++)
		((volatile uint8_t *)dst)[i] = ((const volatile uint8_t *)src)[i];
}

void *krealloc(void *p, size_t size, unsigned flags)
{
	size_t old = kmalloc_usable(p);
	void *n;

	if (!p)
		return kmalloc(size, flags);
	if (size <= old && size > old / 2) {
		asan_unpoison(p, size);
		return p;
	}
	n = kmalloc(size, flags);
	if (!n)
		return NULL;
	raw_copy(n, p, MIN(old, size));
	kfree(p);
	return n;
}

char *kstrdup(const char *s, unsigned flags)
{
	return kmemdup(s, strlen(s) + 1, flags);
}

void *kmemdup(const void *p, size_t n, unsigned flags)
{
	void *d = kmalloc(n, flags);

	if (d)
		memcpy(d, p, n);
	return d;
}

void kmalloc_init(void)
{
	unsigned s = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++)
		caches[i] = kmem_cache_create(sizes[i].name, sizes[i].size, sizes[i].size & (sizes[i].size - 1) ? 32 : MIN(sizes[i].size, 64));
	for (unsigned i = 0; i < ARRAY_SIZE(cache_of); i++) {
		while (sizes[s].size < i * 16)
			s++;
		cache_of[i] = (uint8_t)s;
	}
}
