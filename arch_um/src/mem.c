/* SPDX-License-Identifier: MIT */
/*
 * Physical memory as the kernel sees it, and kernel stacks.
 *
 * A stack is physical pages, mapped a second time in a window where unmapped
 * address space lies below each: running over the end is a fault, not silent
 * corruption.  When the host runs out of mappings a stack is used through the
 * direct map instead.  A few freed stacks are kept, mapped, for the next fork.
 */
#include "um.h"
#include <host/mem.h>
#include <kernel/cpu.h>
#include <kernel/page.h>
#include <kernel/string.h>

enum { SLOT_STACK = KSTACK_SIZE, SLOT = 2 * SLOT_STACK, SLOTS = 32768, KEEP = 16 };

static struct {
	struct um_lock lock;
	char *base;			/* [I] once set */
	bool tried;
	uint32_t hint;			/* [lock] */
	unsigned kept;			/* [lock] */
	void *keep[KEEP];		/* [lock] */
	uint32_t pfn[SLOTS];		/* [lock] to change; 0: free */
} win;

void *hal_phys_to_virt(paddr_t pa) { return um_ram + pa; }

static bool window_slot(const void *va, unsigned *slot)
{
	uintptr_t off = (uintptr_t)va - (uintptr_t)win.base;

	if (!win.base || off >= (uintptr_t)SLOTS * SLOT)
		return false;
	*slot = (unsigned)(off / SLOT);
	return true;
}

bool um_kstack_phys(const void *va, paddr_t *pa)
{
	unsigned slot;

	if (!window_slot(va, &slot) || !win.pfn[slot])
		return false;
	uintptr_t off = (uintptr_t)va % SLOT;
	if (off < SLOT - SLOT_STACK)
		return false;
	*pa = ((paddr_t)win.pfn[slot] << PAGE_SHIFT) + off - (SLOT - SLOT_STACK);
	return true;
}

paddr_t hal_virt_to_phys(const void *va)
{
	paddr_t pa;

	if (um_kstack_phys(va, &pa))
		return pa;
	return (paddr_t)((const char *)va - um_ram);
}

/* Could this be (part of) a frame on a kernel stack?  For backtraces. */
bool um_stack_ok(uintptr_t fp)
{
	paddr_t pa;

	if (um_kstack_phys((void *)fp, &pa))
		return true;
	return fp >= (uintptr_t)um_ram + HOST_RAM_BASE && fp < (uintptr_t)um_ram + um_boot->ram_end - 16;
}

void hal_page_clear(void *page)
{
	size_t n = PAGE_SIZE / 8;
	__asm__ volatile("rep stosq" : "+D"(page), "+c"(n) : "a"(0) : "memory");
}

void hal_page_copy(void *dst, const void *src)
{
	size_t n = PAGE_SIZE / 8;
	__asm__ volatile("rep movsq" : "+D"(dst), "+S"(src), "+c"(n) : : "memory");
}

void hal_icache_sync(const void *p, size_t n) { }

/* Returns the stack in the window, or NULL. */
static void *window_map(paddr_t pa)
{
	void *va = NULL;
	unsigned long flags = hal_irq_save();

	um_lock(&win.lock);
	if (!win.tried) {
		win.tried = true;
		char *w = host_window_reserve((size_t)SLOTS * SLOT + SLOT);
		if (w)
			win.base = (char *)ALIGN_UP((uintptr_t)w, SLOT);
	}
	for (unsigned i = 0; win.base && i < SLOTS; i++) {
		unsigned slot = (win.hint + i) % SLOTS;
		if (win.pfn[slot])
			continue;
		char *p = win.base + (size_t)slot * SLOT + (SLOT - SLOT_STACK);
		if (host_window_map(p, pa, SLOT_STACK) == 0) {
			win.pfn[slot] = (uint32_t)(pa >> PAGE_SHIFT);
			win.hint = slot + 1;
			va = p;
		}
		break;
	}
	um_unlock(&win.lock);
	hal_irq_restore(flags);
	return va;
}

static unsigned order_of(size_t size)
{
	unsigned order = 0;
	while ((PAGE_SIZE << order) < size)
		order++;
	return order;
}

static void *keep_take(void)
{
	void *va = NULL;
	unsigned long flags = hal_irq_save();

	um_lock(&win.lock);
	if (win.kept)
		va = win.keep[--win.kept];
	um_unlock(&win.lock);
	hal_irq_restore(flags);
	return va;
}

void *hal_kstack_alloc(size_t size)
{
	void *va = size == SLOT_STACK ? keep_take() : NULL;
	if (va)
		return va;
	struct page *p = page_alloc(order_of(size), 0);
	if (!p)
		return NULL;
	if (size == SLOT_STACK)
		va = window_map(page_to_phys(p));
	return va ? va : page_addr(p);
}

void hal_kstack_free(void *base, size_t size)
{
	unsigned slot;

#ifdef UM_ASAN
	__asan_unpoison_memory_region(base, size);
#endif
	if (!window_slot(base, &slot)) {
		page_put(virt_to_page(base));
		return;
	}
	paddr_t pa = (paddr_t)win.pfn[slot] << PAGE_SHIFT;
	bool keep = false;
	unsigned long flags = hal_irq_save();
	um_lock(&win.lock);
	if (win.kept < KEEP) {
		win.keep[win.kept++] = base;
		keep = true;
	} else {
		host_window_unmap(base, size);
		win.pfn[slot] = 0;
	}
	um_unlock(&win.lock);
	hal_irq_restore(flags);
	if (!keep)
		page_put(phys_to_page(pa));
}

bool hal_kernel_mapping(uintptr_t va, struct hal_mapping *out)
{
	(void)va;
	(void)out;
	return false;
}
