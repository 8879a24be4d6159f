/* SPDX-License-Identifier: MIT */
/*
 * The kernel's own mappings (TTBR1): the image by section, all RAM, devices,
 * kernel stacks; see layout.h for the map.
 *
 * Write xor execute: only the text is executable, and it and the read-only data
 * are not writable through any mapping: the direct map has them read-only too.
 * Entries go from invalid to valid only, so no break-before-make is needed and
 * no TLB flush, except for stacks that are freed (mmu_unmap).  Tables are never
 * freed.  Device memory is mapped where the device tree says a device is, once,
 * at its physical address plus a constant: hal_io_*() is then an addition.
 */
#include <kernel/errno.h>
#include <kernel/page.h>
#include <kernel/string.h>
#include "aarch64/port.h"
#include "aarch64/pte.h"

uint64_t swapper_pgd[512] ALIGNED(4096);
uint64_t empty_pgd[512] ALIGNED(4096);
static struct port_lock mmu_lock;

static uint64_t image_phys(const void *p) { return kernel_phys + ((uintptr_t)p - KERNEL_BASE); }

static uint64_t *table_at(paddr_t pa)
{
	if (pa - kernel_phys < (uint64_t)(_end - _text))
		return (uint64_t *)(KERNEL_BASE + (pa - kernel_phys));
	return hal_phys_to_virt(pa);
}

static uint64_t kind_bits(int kind)
{
	uint64_t normal = PTE_AF | PTE_SH_INNER | PTE_ATTR(1) | PTE_UXN;
	switch (kind) {
	case MAP_RX: return normal | PTE_RO;
	case MAP_RO: return normal | PTE_RO | PTE_PXN;
	case MAP_RW: return normal | PTE_PXN;
	case MAP_NC: return PTE_AF | PTE_SH_INNER | PTE_ATTR(2) | PTE_UXN | PTE_PXN;
	default: return PTE_AF | PTE_ATTR(0) | PTE_UXN | PTE_PXN;
	}
}

static int map_level(uint64_t *table, unsigned shift, uint64_t va, paddr_t pa, uint64_t size, uint64_t bits)
{
	uint64_t span = (uint64_t)1 << shift;
	while (size) {
		uint64_t *e = &table[va >> shift & 511];
		uint64_t part = MIN(size, span - (va & (span - 1)));
		bool leaf = shift == 12 || (shift <= 30 && part == span && !(pa & (span - 1)) && !(*e & PTE_VALID));
		if (leaf) {
			if (!(*e & PTE_VALID))
				WRITE_ONCE(*e, pa | bits | (shift == 12 ? PTE_VALID | PTE_TABLE : PTE_VALID));
		} else if (!(*e & PTE_VALID) || (*e & PTE_TABLE)) {
			if (!(*e & PTE_VALID)) {
				void *t = boot_page();
				if (!t)
					return -ENOMEM;
				dsb(ishst);
				WRITE_ONCE(*e, hal_virt_to_phys(t) | PTE_VALID | PTE_TABLE);
			}
			int err = map_level(table_at(*e & PTE_ADDR), shift - 9, va, pa, part, bits);
			if (err)
				return err;
		}
		va += part;
		pa += part;
		size -= part;
	}
	return 0;
}

int mmu_map(uint64_t va, paddr_t pa, uint64_t size, int kind)
{
	unsigned long flags = port_lock(&mmu_lock);
	int err = map_level(swapper_pgd, 39, va, pa, size, kind_bits(kind));
	port_unlock(&mmu_lock, flags);
	dsb(ishst);
	isb();
	return err;
}

/* The entry of a page, NULL if there is none; level 3 only. */
static uint64_t *page_entry(uint64_t va)
{
	uint64_t *t = swapper_pgd;
	for (unsigned shift = 39; shift > 12; shift -= 9) {
		uint64_t e = READ_ONCE(t[va >> shift & 511]);
		if ((e & 3) != 3)
			return NULL;
		t = table_at(e & PTE_ADDR);
	}
	return &t[va >> 12 & 511];
}

void mmu_unmap(uint64_t va, uint64_t size)
{
	for (uint64_t end = va + size; va < end; va += PAGE_SIZE) {
		uint64_t *e = page_entry(va);
		if (!e)
			continue;
		WRITE_ONCE(*e, 0);
		dsb(ishst);
		__asm__ volatile("tlbi vaale1is, %0" : : "r"(va >> 12 & 0xfffffffffff) : "memory");
	}
	dsb(ish);
	isb();
}

void *mmu_device(paddr_t pa, uint64_t size)
{
	if (!size || pa >> DEVICE_BITS || (pa + size) >> DEVICE_BITS)
		return NULL;
	paddr_t from = pa & PAGE_MASK, to = ALIGN_UP(pa + size, PAGE_SIZE);
	return mmu_map(DEVICE_BASE + from, from, to - from, MAP_DEVICE) ? NULL : (void *)(DEVICE_BASE + pa);
}

void mmu_direct_map(paddr_t pa, uint64_t size)
{
	/* The image's pages have their own permissions. */
	paddr_t ro = image_phys(_text), rw = image_phys(_data), stop = pa + size;
	struct { paddr_t from, to; int kind; } part[] = {
		{ pa, MIN(stop, ro), MAP_RW }, { MAX(pa, ro), MIN(stop, rw), MAP_RO }, { MAX(pa, rw), stop, MAP_RW },
	};
	for (unsigned i = 0; i < ARRAY_SIZE(part); i++)
		if (part[i].from < part[i].to &&
		    mmu_map(DIRECT_BASE + part[i].from, part[i].from, part[i].to - part[i].from, part[i].kind))
			boot_fail("no memory for page tables");
}

void mmu_init(void)
{
	const struct { const char *from, *to; int kind; } section[] = {
		{ _text, _etext, MAP_RX }, { _rodata, _erodata, MAP_RO }, { _data, _end, MAP_RW },
	};
	for (unsigned i = 0; i < ARRAY_SIZE(section); i++)
		if (mmu_map((uintptr_t)section[i].from, image_phys(section[i].from),
			    (uint64_t)(section[i].to - section[i].from), section[i].kind))
			boot_fail("no memory for page tables");
}

void mmu_final(void)
{
	extern char boot_replace_ttbr1[];
	void (*replace)(uint64_t, uint64_t) = (void (*)(uint64_t, uint64_t))image_phys(boot_replace_ttbr1);
	replace(image_phys(swapper_pgd), image_phys(empty_pgd));
	/* User half: nothing, from here on (idmap_pgd is for the start of other CPUs). */
	sysreg_write(ttbr0_el1, image_phys(empty_pgd));
	isb();
	__asm__ volatile("tlbi vmalle1; dsb nsh; isb" : : : "memory");
}

bool mmu_readable(uint64_t va)
{
	unsigned long flags = hal_irq_save();
	__asm__ volatile("at s1e1r, %0; isb" : : "r"(va) : "memory");
	uint64_t par = sysreg_read(par_el1);
	hal_irq_restore(flags);
	return !(par & 1);
}

static bool mapping_below(const uint64_t *t, unsigned shift, uint64_t base, uint64_t va, struct hal_mapping *out)
{
	uint64_t span = (uint64_t)1 << shift;

	for (unsigned i = 0; i < 512; i++) {
		uint64_t at = base + i * span, e = READ_ONCE(t[i]);

		if (at + (span - 1) < va || !(e & PTE_VALID))
			continue;
		if (shift > 12 && e & PTE_TABLE) {	/* our tables restrict nothing themselves */
			if (mapping_below(table_at(e & PTE_ADDR), shift - 9, at, va, out))
				return true;
			continue;
		}
		*out = (struct hal_mapping){ at, span, HAL_READ | (e & PTE_RO ? 0 : HAL_WRITE) | (e & PTE_PXN ? 0 : HAL_EXEC) |
			(e & PTE_USER || !(e & PTE_UXN) ? HAL_USER_REACH : 0) };
		return true;
	}
	return false;
}

/* ---- the contract ---- */

void *hal_phys_to_virt(paddr_t pa)
{
	return (void *)(DIRECT_BASE + pa);
}

paddr_t hal_virt_to_phys(const void *va)
{
	uint64_t a = (uintptr_t)va;
	if (likely(a - DIRECT_BASE < (uint64_t)1 << DIRECT_BITS))
		return a - DIRECT_BASE;
	if (a - KERNEL_BASE < (uint64_t)(_end - _text))
		return kernel_phys + (a - KERNEL_BASE);
	/* A stack or a device: ask the MMU. */
	unsigned long flags = hal_irq_save();
	__asm__ volatile("at s1e1r, %0; isb" : : "r"(a) : "memory");
	uint64_t par = sysreg_read(par_el1);
	hal_irq_restore(flags);
	return (par & PTE_ADDR) | (a & (PAGE_SIZE - 1));
}

void hal_page_clear(void *page)
{
	uint64_t dczid = sysreg_read(dczid_el0), line = 4u << (dczid & 15);
	if (dczid & 16) {
		memset(page, 0, PAGE_SIZE);
		return;
	}
	for (char *p = page, *end = p + PAGE_SIZE; p < end; p += line)
		__asm__ volatile("dc zva, %0" : : "r"(p) : "memory");
}

void hal_page_copy(void *dst, const void *src)
{
	uint64_t *d = dst;
	const uint64_t *s = src;
	for (unsigned i = 0; i < PAGE_SIZE / 8; i += 4) {
		uint64_t a = s[i], b = s[i + 1], c = s[i + 2], e = s[i + 3];
		d[i] = a;
		d[i + 1] = b;
		d[i + 2] = c;
		d[i + 3] = e;
	}
}

void hal_icache_sync(const void *p, size_t n)
{
	uint64_t ctr = sysreg_read(ctr_el0), a = (uintptr_t)p, end = a + n;
	uint64_t dline = 4u << (ctr >> 16 & 15), iline = 4u << (ctr & 15);
	if (!cpu_features.idc)
		for (uint64_t x = a & ~(dline - 1); x < end; x += dline)
			__asm__ volatile("dc cvau, %0" : : "r"(x) : "memory");
	dsb(ish);
	if (!cpu_features.dic) {
		/* A virtually indexed I-cache knows other names of these lines. */
		if ((ctr >> 14 & 3) != 3 || n > 16 * PAGE_SIZE)
			__asm__ volatile("ic ialluis" : : : "memory");
		else
			for (uint64_t x = a & ~(iline - 1); x < end; x += iline)
				__asm__ volatile("ic ivau, %0" : : "r"(x) : "memory");
		dsb(ish);
	}
	isb();
}

bool hal_kernel_mapping(uintptr_t va, struct hal_mapping *out)
{
	return mapping_below(swapper_pgd, 39, (uint64_t)0xffff << 48, va, out);
}
