/* SPDX-License-Identifier: MIT */
/*
 * From the loader to kernel_main(): what the loader says about memory, the
 * command line and the initial ramdisk; then each part of the machine in turn.
 *
 * Loader: PVH (xen/include/public/arch-x86/hvm/start_info.h documents the
 * layout).  Everything it left in memory is copied before memory is given out.
 */
#include <kernel/string.h>
#include "acpi.h"
#include "apic.h"
#include "cpu.h"
#include "machine.h"

/* Packed: nothing says that a loader aligns them. */
struct PACKED start_info {
	uint32_t magic, version, flags, nr_modules;
	uint64_t modules, cmdline, rsdp, memmap;
	uint32_t memmap_entries, reserved;
};
struct PACKED start_module { uint64_t paddr, size, cmdline, reserved; };
struct PACKED start_mem { uint64_t addr, size; uint32_t type, reserved; };
enum { START_MAGIC = 0x336ec578, MEM_RAM = 1 };

static struct hal_boot info;
static char cmdline[4096];
static struct { paddr_t base, end; } ram[HAL_RANGES];	/* all of it, sorted */
static unsigned ram_count;
static paddr_t boot_next;	/* pages below, down to the end of the image, are boot tables */
paddr_t ap_page;

extern const char image_start[], image_end[];
_Noreturn void boot_main(paddr_t start);
static char cpu0_block[CPU_BLOCK] ALIGNED(CPU_BLOCK);

const struct hal_boot *hal_boot_info(void) { return &info; }

_Noreturn void boot_fail(const char *why)
{
	static const char head[] = "eft: cannot start: ";

	hal_console_write(head, sizeof(head) - 1);
	hal_console_write(why, strlen(why));
	hal_console_write("\n", 1);
	hal_poweroff(1);
}

static void ram_add(paddr_t base, uint64_t size)
{
	const paddr_t limit = (paddr_t)DIRECT_SLOTS << 39;
	paddr_t end;
	unsigned i;

	if (base >= limit)
		return;
	end = ALIGN_DOWN(size < limit - base ? base + size : limit, (uint64_t)PAGE_SIZE);
	base = ALIGN_UP(base, (uint64_t)PAGE_SIZE);
	if (base >= end)
		return;
	for (i = 0; i < ram_count;) {		/* overlapping or touching: one range, which may touch the next */
		if (base > ram[i].end || end < ram[i].base) {
			i++;
			continue;
		}
		base = MIN(ram[i].base, base);
		end = MAX(ram[i].end, end);
		ram_count--;
		memmove(&ram[i], &ram[i + 1], (ram_count - i) * sizeof(ram[0]));
	}
	if (ram_count == HAL_RANGES)
		return;
	for (i = ram_count++; i > 0 && ram[i - 1].base > base; i--)
		ram[i] = ram[i - 1];
	ram[i].base = base;
	ram[i].end = end;
}

bool boot_is_ram(paddr_t base, paddr_t end, bool *mixed)
{
	*mixed = false;
	for (unsigned i = 0; i < ram_count; i++)
		if (base < ram[i].end && end > ram[i].base) {
			*mixed = base < ram[i].base || end > ram[i].end;
			return true;
		}
	return false;
}

/* Upwards from the end of the image, around the initial ramdisk and over holes. */
paddr_t boot_page(void)
{
	bool mixed;
	paddr_t p;

	if (boot_next < info.initrd + info.initrd_size && boot_next + PAGE_SIZE > info.initrd && info.initrd)
		boot_next = ALIGN_UP(info.initrd + info.initrd_size, (uint64_t)PAGE_SIZE);
	for (unsigned i = 0; !boot_is_ram(boot_next, boot_next + PAGE_SIZE, &mixed) || mixed; i++) {
		if (i == ram_count)
			boot_fail("not enough memory for the page tables");
		if (ram[i].base > boot_next)
			boot_next = ram[i].base;
	}
	p = boot_next;
	boot_next += PAGE_SIZE;
	if (p >= (paddr_t)4 << 30)
		boot_fail("no memory below 4 GiB for the page tables");
	memset(hal_phys_to_virt(p), 0, PAGE_SIZE);
	return p;
}

static void range_add(paddr_t base, paddr_t end)
{
	paddr_t hole[2][2] = {
		{ 0, MAX(boot_next, (paddr_t)image_end - KERNEL_VMA) },	/* low memory, the image, the boot tables */
		{ ALIGN_DOWN(info.initrd, (uint64_t)PAGE_SIZE), ALIGN_UP(info.initrd + info.initrd_size, (uint64_t)PAGE_SIZE) },
	};

	for (unsigned i = 0; i < 2; i++) {
		if (hole[i][0] >= end || hole[i][1] <= base || hole[i][0] == hole[i][1])
			continue;
		if (base < hole[i][0])
			range_add(base, hole[i][0]);
		base = hole[i][1];
		if (base >= end)
			return;
	}
	if (info.ranges < HAL_RANGES) {
		info.range[info.ranges].base = base;
		info.range[info.ranges++].size = end - base;
	}
}

/* What the loader left: n bytes, at least one.  NULL: outside the first 4 GiB, which is what is mapped now. */
static const void *left_behind(paddr_t pa, uint64_t n)
{
	const paddr_t limit = (paddr_t)4 << 30;

	return pa && pa < limit && n <= limit - pa ? hal_phys_to_virt(pa) : NULL;
}

/* Returns where the RSDP is said to be. */
static paddr_t read_start_info(paddr_t pa)
{
	const struct start_info *s = left_behind(pa, sizeof(*s));
	const struct start_module *m;
	const struct start_mem *mem;
	const char *words;

	if (!s || s->magic != START_MAGIC)
		boot_fail("the loader is not a PVH loader");
	words = left_behind(s->cmdline, sizeof(cmdline));
	if (words)
		memcpy(cmdline, words, strnlen(words, sizeof(cmdline) - 1));	/* the rest is zero */
	info.cmdline = cmdline;
	mem = s->version >= 1 ? left_behind(s->memmap, (uint64_t)s->memmap_entries * sizeof(*mem)) : NULL;
	for (unsigned i = 0; mem && i < s->memmap_entries; i++)
		if (mem[i].type == MEM_RAM)
			ram_add(mem[i].addr, mem[i].size);
	if (!ram_count)
		boot_fail("the loader gave no memory map");
	m = s->nr_modules ? left_behind(s->modules, sizeof(*m)) : NULL;
	if (m && m->size && m->paddr < (paddr_t)DIRECT_SLOTS << 39 && m->size < (uint64_t)DIRECT_SLOTS << 39) {
		info.initrd = m->paddr;
		info.initrd_size = m->size;
	}
	return s->rsdp;
}

/* A page below 1 MiB for the code that other CPUs start in. */
static void find_ap_page(void)
{
	for (unsigned i = 0; i < ram_count; i++) {
		paddr_t p = MAX(ram[i].base, 0x8000);

		if (p + PAGE_SIZE <= MIN(ram[i].end, (paddr_t)0xa0000)) {
			ap_page = p;
			return;
		}
	}
}

_Noreturn void boot_main(paddr_t start)
{
	paddr_t end = (paddr_t)image_end - KERNEL_VMA, rsdp;
	bool mixed;

	console_init();
	cpu_features_init();
	cpu_stac_init();
	boot_next = end;
	rsdp = read_start_info(start);
	if (!boot_is_ram(KERNEL_PHYS, end, &mixed) || mixed)
		boot_fail("not enough memory for the kernel");
	find_ap_page();
	for (unsigned i = 0; i < ram_count; i++) {	/* for paging_init(), which adds boot tables */
		info.range[i].base = ram[i].base;
		info.range[i].size = ram[i].end - ram[i].base;
	}
	info.ranges = ram_count;
	paging_init();
	acpi_init(rsdp);	/* tables may be where only mmio_map() reaches, which needs the page tables */
	cpu_table[0] = cpu_prepare(cpu0_block, 0, 0);
	cpu_load(cpu_table[0]);
	cpu_table[0]->online = true;
	info.cpus = apic_init();
	time_init();
	dev_init();
	info.ranges = 0;
	for (unsigned i = 0; i < ram_count; i++)
		range_add(ram[i].base, ram[i].end);
	if (!info.ranges)
		boot_fail("no memory is left for the kernel");
	kernel_main();
}
