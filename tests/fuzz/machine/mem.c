/* SPDX-License-Identifier: MIT */
/* Physical memory is one mapping of the host's; kernel stacks are its pages. */
#include "fz.h"
#include <kernel/cpu.h>
#include <kernel/page.h>
#include <kernel/string.h>

#ifdef FZ_ASAN
void __asan_unpoison_memory_region(const volatile void *p, size_t n);
#endif

void *hal_phys_to_virt(paddr_t pa) { return fz_boot_args->ram + pa; }
paddr_t hal_virt_to_phys(const void *va) { return (paddr_t)((const char *)va - fz_boot_args->ram); }
void hal_page_clear(void *page) { memset(page, 0, PAGE_SIZE); }
void hal_page_copy(void *dst, const void *src) { memcpy(dst, src, PAGE_SIZE); }
void hal_icache_sync(const void *p, size_t n) { }
bool hal_kernel_mapping(uintptr_t va, struct hal_mapping *out) { return false; }	/* the mappings are the host's */

static unsigned order_of(size_t size)
{
	unsigned order = 0;

	while ((PAGE_SIZE << order) < size)
		order++;
	return order;
}

void *hal_kstack_alloc(size_t size)
{
	struct page *p = page_alloc(order_of(size), 0);

	return p ? page_addr(p) : NULL;
}

void hal_kstack_free(void *base, size_t size)
{
#ifdef FZ_ASAN
	__asan_unpoison_memory_region(base, size);
#endif
	page_put(virt_to_page(base));
}
