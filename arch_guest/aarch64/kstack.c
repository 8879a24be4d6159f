/* SPDX-License-Identifier: MIT */
/*
 * Kernel stacks: each in a slot of KSTACK_SLOT bytes of a window of the kernel's
 * address space, its top at the slot's end, what lies below never mapped.  An
 * overflow faults at once, and the vectors notice (see vectors.S).
 *
 * Slots that are free keep their pages while there are few of them: most
 * stacks are allocated right after one was freed, and unmapping costs a
 * broadcast TLB invalidation.
 */
#include <kernel/page.h>
#include <kernel/slab.h>
#include "aarch64/port.h"

enum { CACHED_MAX = 16, SLOTS_MAX = 1 << 22 };

struct slot {
	struct slot *next;
	uint64_t base;		/* [I] of the slot */
	size_t mapped;		/* bytes at its end; 0: none */
};
static struct port_lock kstack_lock;
static struct slot *free_mapped, *free_empty;	/* [kstack_lock] */
static unsigned slots, cached;			/* [kstack_lock] */

static void slot_release_pages(struct slot *s)
{
	uint64_t va = s->base + KSTACK_SLOT - s->mapped;
	for (size_t done = 0; done < s->mapped; done += PAGE_SIZE) {
		struct page *p = phys_to_page(hal_virt_to_phys((void *)(va + done)));
		mmu_unmap(va + done, PAGE_SIZE);
		page_put(p);
	}
	s->mapped = 0;
}

static struct slot *slot_take(size_t size)
{
	struct slot *s;
	unsigned long flags = port_lock(&kstack_lock);
	if ((s = free_mapped) && s->mapped == size) {
		free_mapped = s->next;
		cached--;
	} else if ((s = free_empty)) {
		free_empty = s->next;
	}
	port_unlock(&kstack_lock, flags);
	if (s)
		return s;
	s = kmalloc(sizeof(*s), 0);
	if (!s)
		return NULL;
	unsigned n = __atomic_fetch_add(&slots, 1, __ATOMIC_RELAXED);
	if (n >= SLOTS_MAX) {
		__atomic_fetch_sub(&slots, 1, __ATOMIC_RELAXED);
		kfree(s);
		return NULL;
	}
	*s = (struct slot){ .base = KSTACK_BASE + (uint64_t)n * KSTACK_SLOT };
	return s;
}

static void slot_give(struct slot *s)
{
	unsigned long flags = port_lock(&kstack_lock);
	bool keep = s->mapped && cached < CACHED_MAX;
	if (keep) {
		s->next = free_mapped;
		free_mapped = s;
		cached++;
	}
	port_unlock(&kstack_lock, flags);
	if (keep)
		return;
	slot_release_pages(s);
	flags = port_lock(&kstack_lock);
	s->next = free_empty;
	free_empty = s;
	port_unlock(&kstack_lock, flags);
}

/* The lowest page of a stack remembers its slot: the page is ours while it is mapped. */
static struct page *slot_page(uint64_t base) { return phys_to_page(hal_virt_to_phys((void *)base)); }

void *hal_kstack_alloc(size_t size)
{
	if (!size || size > KSTACK_SLOT - PAGE_SIZE || size % PAGE_SIZE)
		return NULL;
	struct slot *s = slot_take(size);
	if (!s)
		return NULL;
	uint64_t va = s->base + KSTACK_SLOT - size;
	while (s->mapped < size) {
		struct page *p = page_alloc(0, 0);
		uint64_t at = s->base + KSTACK_SLOT - s->mapped - PAGE_SIZE;
		if (!p || mmu_map(at, page_to_phys(p), PAGE_SIZE, MAP_RW)) {
			if (p)
				page_put(p);
			slot_release_pages(s);
			slot_give(s);
			return NULL;
		}
		s->mapped += PAGE_SIZE;
	}
	slot_page(va)->priv = s;
	return (void *)va;
}

void hal_kstack_free(void *base, size_t size)
{
	(void)size;
	if (base)
		slot_give(slot_page((uintptr_t)base)->priv);
}
