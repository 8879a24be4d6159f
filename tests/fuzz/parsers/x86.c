/* SPDX-License-Identifier: MIT */
/*
 * Around the x86-64 port's boot.c, acpi.c, apic.c, pci.c and dev.c: the parts
 * of the machine that they bring up and that need one.  A boot ends in
 * kernel_main() or in boot_fail(); both come back here.
 *
 * Mappings are as on the machine: the first 4 GiB from the start, RAM above
 * when paging_init() has run, the rest a page of 2 MiB when mmio_map() is
 * asked.  Anything else faults.
 */
#include <kernel/string.h>
#include "x86_64/acpi.h"
#include "x86_64/apic.h"
#include "x86_64/cpu.h"
#include "x86_64/machine.h"
#include "x86_64/pci.h"
#include "parsers.h"

_Noreturn void boot_main(paddr_t start);

char *parsers_memory __attribute__((visibility("default")));
/* Symbols whose addresses are physical, in the final link; see CMakeLists.txt. */
extern const char image_start[], image_end[];
struct pcpu *cpu_table[HAL_CPUS];
struct cpu_features cpu_features;
uint64_t *kernel_pml4;
static struct pcpu cpu0;
static bool paged;
static void *back[5];
static uint32_t data_is_there __attribute__((used)) = 1;	/* an empty section would have no bounds */

static _Noreturn void leave(void) { __builtin_longjmp(back, 1); }

void *hal_phys_to_virt(paddr_t pa) { return parsers_memory + pa; }
paddr_t hal_virt_to_phys(const void *va) { return (paddr_t)((const char *)va - parsers_memory); }
void hal_console_write(const char *s, size_t n) { (void)s, (void)n; }
_Noreturn void hal_poweroff(int status) { (void)status; leave(); }
_Noreturn void kernel_main(void)
{
	char word[80];
	struct hal_dev d;
	const struct hal_boot *b = hal_boot_info();

	/* What the kernel relies on: ranges do not overlap, and are whole pages. */
	for (unsigned i = 0; i < b->ranges; i++)
		for (unsigned k = 0; k < b->ranges; k++)
			if ((i != k && b->range[i].base < b->range[k].base + b->range[k].size && b->range[k].base < b->range[i].base + b->range[i].size) ||
			    (b->range[i].base | b->range[i].size) & 4095 || !b->range[i].size)
				__builtin_trap();
	for (unsigned i = 0; hal_dev_get(i, &d) == 0; i++)
		;
	(void)cmdline_word("console", 0, word, sizeof(word));
	leave();
}

void console_init(void) { }
void cpu_features_init(void) { }
void cpu_stac_init(void) { }
struct pcpu *cpu_prepare(void *block, unsigned id, unsigned apic_id) { return (void)block, (void)id, (void)apic_id, &cpu0; }
void cpu_load(struct pcpu *c) { (void)c; }
void time_init(void) { (void)acpi_find("HPET", 0); }

/* There are no interrupts. */
bool timer_due(void) { return false; }
void tlb_catch_up(struct pcpu *c) { (void)c; }
void kernel_timer(void) { }
void kernel_ipi(void) { }
void kernel_irq(unsigned irq) { (void)irq; }

void paging_init(void)
{
	const struct hal_boot *b = hal_boot_info();

	for (unsigned i = 0; i < 4; i++)
		(void)boot_page();
	for (unsigned i = 0; i < b->ranges; i++) {	/* its ends are enough to be wrong */
		if (b->range[i].base + b->range[i].size <= PARSERS_EARLY)
			continue;
		parsers_map(b->range[i].base);
		parsers_map(b->range[i].base + b->range[i].size - 1);
	}
	paged = true;
}

void *mmio_map(paddr_t pa)
{
	if (pa < PARSERS_EARLY)
		return parsers_memory + pa;
	if (pa >= PARSERS_WINDOW)
		return NULL;
	if (!paged)
		__builtin_trap();	/* there are no tables to map it in */
	parsers_map(pa);
	return parsers_memory + pa;
}

__attribute__((visibility("default"), noinline)) void parsers_boot(void)
{
	if (!__builtin_setjmp(back))
		boot_main(PARSERS_START);
}

__attribute__((visibility("default"), noinline)) void parsers_acpi(void)
{
	static const char *const signatures[] = { "FACP", "APIC", "MCFG", "HPET", "SPCR", "DSDT", "SRAT" };
	struct acpi_virtio v;

	cpu_table[0] = &cpu0;
	paged = true;
	if (__builtin_setjmp(back))
		return;
	acpi_init(PARSERS_RSDP);
	for (unsigned i = 0; i < sizeof(signatures) / sizeof(signatures[0]); i++)
		for (unsigned k = 0; k < 3; k++)
			(void)acpi_find(signatures[i], k);
	for (unsigned i = 0; i < 64 && acpi_virtio_get(i, &v); i++)
		;
	(void)apic_init();
	(void)irq_of_isa(4);
	pci_config_init();
	(void)pci_ecam_size();
	for (unsigned bdf = 0; bdf < 0x10000; bdf += 0xfff)
		(void)hal_pci_read32(bdf, 0);
}
