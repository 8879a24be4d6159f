/* SPDX-License-Identifier: MIT */
/* Physical memory and the kernel's own mappings.  All RAM is in the direct map. */
#ifndef HAL_MEM_H
#define HAL_MEM_H
#include <hal/types.h>

void *hal_phys_to_virt(paddr_t pa);
paddr_t hal_virt_to_phys(const void *va);	/* of a direct-map address */
void hal_page_clear(void *page);
void hal_page_copy(void *dst, const void *src);

/*
 * A kernel stack of `size` bytes (a multiple of the page size) with a guard
 * page below it where the machine can have one.  NULL: no memory.  May sleep.
 */
void *hal_kstack_alloc(size_t size);
void hal_kstack_free(void *base, size_t size);

/* After writing code through the direct map, before user code runs it. */
void hal_icache_sync(const void *p, size_t n);
#endif
