/* SPDX-License-Identifier: MIT */
/*
 * The kernel's own page tables: the image with each section's rights, the
 * direct map, the window of kernel stacks.  Top-level entries of the kernel's
 * half are all made here and never change, so that every address space can
 * copy them.
 *
 * The direct map also serves devices: what is not RAM is mapped uncached at
 * the same offset, below 4 GiB at boot, above when first asked for.
 */
#include <kernel/page.h>
#include <kernel/string.h>
#include "cpu.h"

uint64_t *kernel_pml4;
static struct leaf_lock map_lock;

extern const char image_start[], text_end[], rodata_end[], image_end[], boot_stack_guard[];

uint64_t pte_nx(void) { return cpu_features.nx ? PTE_NX : 0; }
static uint64_t pte_global(void) { return cpu_features.pge ? PTE_G : 0; }

static uint64_t *table_virt(uint64_t entry) { return hal_phys_to_virt(entry & PTE_ADDR); }

static uint64_t *table_next(uint64_t *slot)
{
	if (!(*slot & PTE_P))
		*slot = boot_page() | PTE_P | PTE_W;
	return table_virt(*slot);
}

/* While booting only. */
static void map_4k(uint64_t va, paddr_t pa, uint64_t bits)
{
	uint64_t *t = table_next(&kernel_pml4[va >> 39 & 511]);

	t = table_next(&t[va >> 30 & 511]);
	t = table_next(&t[va >> 21 & 511]);
	t[va >> 12 & 511] = pa | bits;
}

static void map_2m(uint64_t va, paddr_t pa, uint64_t bits)
{
	uint64_t *t = table_next(&kernel_pml4[va >> 39 & 511]);

	t = table_next(&t[va >> 30 & 511]);
	t[va >> 21 & 511] = pa | bits | PTE_LARGE;
}

enum { MIB2 = 2 << 20, GIB = 1 << 30 };

static void map_image(uint64_t from, uint64_t to, uint64_t bits)
{
	for (uint64_t va = from; va < to; va += PAGE_SIZE)
		if (va != (uint64_t)boot_stack_guard)
			map_4k(va, va - KERNEL_VMA, bits);
}

static void map_direct(paddr_t from, paddr_t to)
{
	uint64_t nx = pte_nx(), ram = PTE_P | PTE_W | PTE_G | nx, dev = PTE_P | PTE_W | PTE_PCD | PTE_PWT | PTE_G | nx;
	paddr_t image = (paddr_t)image_start - KERNEL_VMA, image_ro = (paddr_t)rodata_end - KERNEL_VMA;

	if (!pte_global()) {
		ram &= ~(uint64_t)PTE_G;
		dev &= ~(uint64_t)PTE_G;
	}
	for (paddr_t p = from; p < to; ) {
		bool mixed = false, is_ram;

		if (cpu_features.gib_pages && p % GIB == 0 && p + GIB <= to && p > 0) {
			is_ram = boot_is_ram(p, p + GIB, &mixed);
			if (!mixed) {
				uint64_t *t = table_next(&kernel_pml4[(DIRECT_BASE + p) >> 39 & 511]);

				t[p >> 30 & 511] = p | (is_ram ? ram : dev) | PTE_LARGE;
				p += GIB;
				continue;
			}
		}
		is_ram = boot_is_ram(p, p + MIB2, &mixed);
		if (!mixed && (p + MIB2 <= image || p >= image_ro)) {
			map_2m(DIRECT_BASE + p, p, is_ram ? ram : dev);
			p += MIB2;
			continue;
		}
		for (paddr_t end = p + MIB2; p < end; p += PAGE_SIZE) {
			bool ro = p >= image && p < image_ro, unused;

			map_4k(DIRECT_BASE + p, p, (boot_is_ram(p, p + PAGE_SIZE, &unused) ? ram : dev) & ~(uint64_t)(ro ? PTE_W : 0));
		}
	}
}

void paging_init(void)
{
	const struct hal_boot *b = hal_boot_info();
	paddr_t top = (paddr_t)4 << 30;
	uint64_t g = pte_global();

	if (cpu_features.nx)
		wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_NXE);
	kernel_pml4 = hal_phys_to_virt(boot_page());
	for (unsigned i = 0; i < DIRECT_SLOTS; i++)
		table_next(&kernel_pml4[(DIRECT_BASE >> 39 & 511) + i]);
	table_next(&kernel_pml4[KSTACK_BASE >> 39 & 511]);
	map_image((uint64_t)image_start, (uint64_t)text_end, PTE_P | g);
	map_image((uint64_t)text_end, (uint64_t)rodata_end, PTE_P | g | pte_nx());
	map_image((uint64_t)rodata_end, (uint64_t)image_end, PTE_P | PTE_W | g | pte_nx());
	map_direct(0, top);
	for (unsigned i = 0; i < b->ranges; i++) {
		paddr_t from = MAX(ALIGN_DOWN(b->range[i].base, (uint64_t)MIB2), top);
		paddr_t end = ALIGN_UP(b->range[i].base + b->range[i].size, (uint64_t)MIB2);

		if (end > from) {
			map_direct(from, end);
			top = end;
		}
	}
	write_cr3((uint64_t)kernel_pml4 - DIRECT_BASE);
}

void *hal_phys_to_virt(paddr_t pa) { return (void *)(DIRECT_BASE + pa); }
paddr_t hal_virt_to_phys(const void *va)
{
	uint64_t v = (uint64_t)va;

	return v >= KERNEL_VMA ? v - KERNEL_VMA : v - DIRECT_BASE;
}

/* A table for a mapping made while the kernel runs; any context. */
static uint64_t *table_late(uint64_t *slot)
{
	struct page *p;

	if (*slot & PTE_P)
		return *slot & PTE_LARGE ? NULL : table_virt(*slot);
	p = page_alloc(0, ALLOC_ZERO | ALLOC_ATOMIC);
	if (!p)
		return NULL;
	*slot = page_to_phys(p) | PTE_P | PTE_W;
	return table_virt(*slot);
}

void *mmio_map(paddr_t pa)
{
	uint64_t va = DIRECT_BASE + pa, *t;
	unsigned long flags;
	void *ret = NULL;

	if (pa < (paddr_t)4 << 30)
		return (void *)va;
	if (pa >> 39 >= DIRECT_SLOTS)
		return NULL;
	t = table_virt(kernel_pml4[va >> 39 & 511]);
	flags = leaf_lock(&map_lock);
	if (t[va >> 30 & 511] & PTE_LARGE) {
		ret = (void *)va;
	} else {
		t = table_late(&t[va >> 30 & 511]);
		if (t) {
			if (!(t[va >> 21 & 511] & PTE_P))
				t[va >> 21 & 511] = ALIGN_DOWN(pa, (uint64_t)MIB2) | PTE_P | PTE_W | PTE_PCD | PTE_PWT |
					PTE_LARGE | pte_nx();
			ret = (void *)va;
		}
	}
	leaf_unlock(&map_lock, flags);
	return ret;
}

void hal_page_clear(void *page)
{
	uint64_t n = PAGE_SIZE / 8;

	__asm__ volatile("rep stosq" : "+D"(page), "+c"(n) : "a"(0L) : "memory");
}

void hal_page_copy(void *dst, const void *src)
{
	uint64_t n = PAGE_SIZE / 8;

	__asm__ volatile("rep movsq" : "+D"(dst), "+S"(src), "+c"(n) : : "memory");
}

void hal_icache_sync(const void *p, size_t n) { (void)p; (void)n; }	/* coherent */

/*
 * Kernel stacks.  A stack takes a slot of the window; the page below it is
 * never mapped.  Freed stacks are kept for the next thread and never unmapped,
 * which would need every CPU's attention: the memory stays at its peak.
 */
enum { KSTACK_SLOT = 64 << 10 };	/* up to 60 KiB of stack above the guard */
static struct leaf_lock stack_lock;
static struct stack_node { struct stack_node *next; size_t size; } *free_stacks;	/* [stack_lock] in the free stack itself */
static uint64_t stack_next = KSTACK_BASE;	/* [stack_lock] the first slot never used */

static uint64_t *stack_pte(uint64_t va, bool create)
{
	uint64_t *t = table_virt(kernel_pml4[va >> 39 & 511]);

	for (unsigned shift = 30; shift >= 21; shift -= 9) {
		uint64_t *slot = &t[va >> shift & 511];

		if (!(*slot & PTE_P)) {
			struct page *p = create ? page_alloc(0, ALLOC_ZERO | ALLOC_ATOMIC) : NULL;
			uint64_t none = 0;

			if (!p)
				return NULL;
			/* Two CPUs may want it at once. */
			if (!__atomic_compare_exchange_n(slot, &none, page_to_phys(p) | PTE_P | PTE_W, false,
							 __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
				page_put(p);
		}
		t = table_virt(*slot);
	}
	return &t[va >> 12 & 511];
}

static void stack_unmap(uint64_t base, size_t size)
{
	for (uint64_t va = base; va < base + size; va += PAGE_SIZE) {
		uint64_t *pte = stack_pte(va, false);

		if (pte && *pte & PTE_P) {
			page_put(phys_to_page(*pte & PTE_ADDR));
			*pte = 0;
		}
	}
}

void *hal_kstack_alloc(size_t size)
{
	struct stack_node *s, **prev;
	uint64_t base = 0, va;
	unsigned long flags;

	if (size > KSTACK_SLOT - PAGE_SIZE)
		return NULL;
	flags = leaf_lock(&stack_lock);
	for (prev = &free_stacks; (s = *prev); prev = &s->next)
		if (s->size == size) {
			*prev = s->next;
			break;
		}
	if (!s && stack_next + KSTACK_SLOT <= KSTACK_END) {
		base = stack_next + KSTACK_SLOT - size;
		stack_next += KSTACK_SLOT;
	}
	leaf_unlock(&stack_lock, flags);
	if (s)
		return s;
	if (!base)
		return NULL;
	for (va = base; va < base + size; va += PAGE_SIZE) {
		struct page *p = page_alloc(0, ALLOC_ZERO);
		uint64_t *pte = p ? stack_pte(va, true) : NULL;

		if (!pte) {
			if (p)
				page_put(p);
			stack_unmap(base, va - base);	/* never used: in nobody's TLB */
			return NULL;
		}
		*pte = page_to_phys(p) | PTE_P | PTE_W | pte_nx() | pte_global();
	}
	return (void *)base;
}

void hal_kstack_free(void *base, size_t size)
{
	struct stack_node *s = base;
	unsigned long flags = leaf_lock(&stack_lock);

	s->size = size;
	s->next = free_stacks;
	free_stacks = s;
	leaf_unlock(&stack_lock, flags);
}

/* ---- for checks ---- */

static bool mapping_below(const uint64_t *t, unsigned shift, uintptr_t base, uint64_t rights, uintptr_t va, struct hal_mapping *out)
{
	unsigned first = shift == 39 ? 256 : 0;
	uint64_t span = (uint64_t)1 << shift;

	for (unsigned i = first; i < 512; i++) {
		uintptr_t at = shift == 39 ? (uintptr_t)0xffff << 48 | (uintptr_t)i << 39 : base + i * span;
		uint64_t e = READ_ONCE(t[i]), r;

		if (at + (span - 1) < va || !(e & PTE_P))
			continue;
		r = (rights & e & (PTE_W | PTE_U)) | ((rights | e) & PTE_NX);	/* every level can only take away */
		if (shift > 12 && !(e & PTE_LARGE)) {
			if (mapping_below(table_virt(e), shift - 9, at, r, va, out))
				return true;
			continue;
		}
		*out = (struct hal_mapping){ at, span, HAL_READ | (r & PTE_W ? HAL_WRITE : 0) | (r & PTE_NX ? 0 : HAL_EXEC) |
			(r & PTE_U ? HAL_USER_REACH : 0) };
		return true;
	}
	return false;
}

bool hal_kernel_mapping(uintptr_t va, struct hal_mapping *out)
{
	return mapping_below(kernel_pml4, 39, 0, PTE_W | PTE_U, va, out);
}
