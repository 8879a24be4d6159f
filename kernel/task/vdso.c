/* SPDX-License-Identifier: MIT */
/*
 * The vDSO in user address spaces: one data page, shared by all processes and
 * never writable for them, and the image right above it.  vdso(7).
 *
 * The data page is rewritten when the wall clock is set; how the counter maps
 * to nanoseconds is constant, because the vDSO multiplies with 128 bits.
 */
#include <abi/vvar.h>
#include <kernel/file.h>
#include <kernel/page.h>
#include <kernel/vm.h>
#include "task_impl.h"

enum { VDSO_PAGES_MAX = 8 };
static struct page *vdso_pages[VDSO_PAGES_MAX + 1];	/* [I] data, then the image */
static unsigned vdso_npages;				/* [I] of the image */
static struct abi_vvar *vvar;				/* [vvar_lock] */
static struct spinlock vvar_lock = SPINLOCK_INIT(PORT);

void vdso_update(void)
{
	struct hal_vclock c;
	unsigned long flags = spin_lock_irqsave(&vvar_lock);

	__atomic_store_n(&vvar->seq, vvar->seq + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	if (hal_time_vclock(&c) == 0) {
		vvar->base_counter = c.base_counter;
		vvar->base_ns = c.base_ns;
		vvar->mult = c.mult;
		vvar->shift = c.shift;
		vvar->usable = 1;
	} else {
		vvar->usable = 0;
	}
	vvar->wall_ns = time_wall_offset();
	store_release(&vvar->seq, vvar->seq + 1);
	spin_unlock_irqrestore(&vvar_lock, flags);
}

void vdso_init(void)
{
	size_t size = (size_t)(abi_vdso_image_end - abi_vdso_image);

	vdso_npages = (unsigned)DIV_ROUND_UP(size, PAGE_SIZE);
	if (vdso_npages > VDSO_PAGES_MAX)
		panic("the vDSO has %zu bytes", size);
	for (unsigned i = 0; i <= vdso_npages; i++) {
		vdso_pages[i] = page_alloc(0, ALLOC_ZERO | ALLOC_ATOMIC);
		if (!vdso_pages[i])
			panic("no memory for the vDSO");
		if (i)
			memcpy(page_addr(vdso_pages[i]), abi_vdso_image + (i - 1) * PAGE_SIZE,
				MIN(PAGE_SIZE, size - (i - 1) * PAGE_SIZE));
	}
	vvar = page_addr(vdso_pages[0]);
	hal_user_clock(page_to_phys(vdso_pages[0]));
	vdso_update();
}

/* Somewhere among the mappings; the address space finds the place by a mapping that is then replaced. */
int vdso_map(struct vm_space *vm, const struct inode *program)
{
	enum { PROT_NONE = 0, MAP_PRIVATE = 2, MAP_ANONYMOUS = 0x20 };
	size_t own = hal_as_own_pages() * PAGE_SIZE, size = own + (vdso_npages + 1) * PAGE_SIZE;
	int64_t at = vm_mmap(vm, 0, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0);
	int err;

	if (at < 0)
		return (int)at;
	err = vm_munmap(vm, (uaddr_t)at, size);
	if (!err && own) {
		/* The machine's, below the others. */
		err = vm_map_special(vm, (uaddr_t)at, own, NULL, 0, VM_READ | VM_EXEC | VM_MAYREAD | VM_MAYEXEC, "[vvar_machine]");
		if (!err)
			hal_as_own(vm->as, (uaddr_t)at, program);
		at += (int64_t)own;
	}
	if (!err)
		err = vm_map_special(vm, (uaddr_t)at, PAGE_SIZE, vdso_pages, 1, VM_READ | VM_MAYREAD, "[vvar]");
	if (!err)
		err = vm_map_special(vm, (uaddr_t)at + PAGE_SIZE, vdso_npages * PAGE_SIZE, vdso_pages + 1, vdso_npages,
			VM_READ | VM_EXEC | VM_MAYREAD | VM_MAYEXEC, "[vdso]");
	if (err)
		return err;
	vm->vdso = (uaddr_t)at + PAGE_SIZE;
	return 0;
}

/* ---- symbols (ELF dynamic symbol table of the image) ---- */

struct elf_dyn { int64_t tag; uint64_t value; };
struct elf_sym { uint32_t name; uint8_t info, other; uint16_t shndx; uint64_t value, size; };

uaddr_t vdso_symbol(const char *name)
{
	const uint8_t *image = abi_vdso_image;
	size_t size = (size_t)(abi_vdso_image_end - abi_vdso_image);
	uint64_t phoff, strtab = 0, symtab = 0, hash = 0;
	uint16_t phnum;
	uint32_t count;

	memcpy(&phoff, image + 32, sizeof(phoff));
	memcpy(&phnum, image + 56, sizeof(phnum));
	for (unsigned i = 0; i < phnum; i++) {
		struct { uint32_t type, flags; uint64_t offset, vaddr, paddr, filesz, memsz, align; } ph;

		memcpy(&ph, image + phoff + i * sizeof(ph), sizeof(ph));
		if (ph.type != 2)	/* PT_DYNAMIC */
			continue;
		for (uint64_t o = ph.offset; o + sizeof(struct elf_dyn) <= size; o += sizeof(struct elf_dyn)) {
			struct elf_dyn d;

			memcpy(&d, image + o, sizeof(d));
			if (!d.tag)
				break;
			if (d.tag == 5)
				strtab = d.value;
			if (d.tag == 6)
				symtab = d.value;
			if (d.tag == 4)
				hash = d.value;
		}
	}
	if (!strtab || !symtab || !hash)
		return 0;
	memcpy(&count, image + hash + 4, sizeof(count));
	for (uint32_t i = 0; i < count; i++) {
		struct elf_sym s;

		memcpy(&s, image + symtab + i * sizeof(s), sizeof(s));
		if (s.value && !strcmp((const char *)image + strtab + s.name, name))
			return s.value;
	}
	return 0;
}
