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

/*
 * The kernel's own mappings, for whoever checks them: the first at or above `va`, in its page tables' terms (neighbours of one kind
 * may be told apart).  prot: HAL_READ, HAL_WRITE, HAL_EXEC as kernel code has them, | HAL_USER_REACH if user code reaches it too.
 * False: none above, or the machine does not tell (um: mappings are the host's).  Any context; what changes meanwhile may be missed.
 */
struct hal_mapping { uintptr_t start; uint64_t size; unsigned prot; };
enum { HAL_USER_REACH = 1 << 8 };
bool hal_kernel_mapping(uintptr_t va, struct hal_mapping *out);
#endif
