/* SPDX-License-Identifier: MIT */
/*
 * Shared anonymous memory: a mapping without an inode, whose pages are the
 * only copy.  The areas that map it hold the references.
 */
#include <kernel/pagecache.h>
#include <kernel/slab.h>
#include "mm/mm.h"

struct shmem {
	struct mapping mapping;
	struct refcount refs;
	uint64_t pages;
};
const struct mapping_ops shmem_anon_ops = { .memory_only = true };

struct mapping *shmem_create(uint64_t pages)
{
	struct shmem *s = kmalloc(sizeof(*s), 0);

	if (!s)
		return NULL;
	mapping_init(&s->mapping, &shmem_anon_ops, NULL);
	ref_init(&s->refs);
	s->pages = pages;
	return &s->mapping;
}

void shmem_get(struct mapping *m)
{
	ref_get(&container_of(m, struct shmem, mapping)->refs);
}

void shmem_put(struct mapping *m)
{
	struct shmem *s = container_of(m, struct shmem, mapping);

	if (!ref_put(&s->refs))
		return;
	mapping_destroy(m);
	kfree(s);
}
