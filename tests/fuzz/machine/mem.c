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

/* In place of page_alloc() to all who call it (ld --wrap). */
struct page *__real_page_alloc(unsigned order, unsigned flags);
struct page *__wrap_page_alloc(unsigned order, unsigned flags);
struct page *__wrap_page_alloc(unsigned order, unsigned flags)
{
	struct page *p = __real_page_alloc(order, flags);

	if (p)
		fuzz_host_taken(page_addr(p), PAGE_SIZE << order);
	return p;
}

/* Without the lists' locks: the machine stands still. */
__attribute__((visibility("default"))) void fuzz_free_memory(void (*range)(void *base, size_t size))
{
	for (paddr_t pa = FUZZ_RAM_BASE; pa < fz_boot_args->ram_end;) {
		struct page *p = phys_to_page(pa);
		/* Without a struct: the boot stack, and behind it what has never been wanted.  Of a block, only the first one is filled in. */
		bool boot_stack = pa < hal_boot_info()->range[0].base;
		bool is_free = p ? p->flags & PG_BUDDY || !p->refs : !boot_stack;
		size_t size = p && (p->refs || p->flags & PG_BUDDY) && !(p->flags & PG_RESERVED) ? PAGE_SIZE << p->order : PAGE_SIZE;

		if (is_free)
			range(hal_phys_to_virt(pa), size);
		pa += size;
	}
}

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
