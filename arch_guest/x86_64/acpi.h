/* SPDX-License-Identifier: MIT */
/* ACPI tables: the static ones, and the few facts of the DSDT that can be had without an interpreter. */
#ifndef X86_ACPI_H
#define X86_ACPI_H
#include <hal/types.h>

struct acpi_header {
	char signature[4];
	uint32_t length;
	uint8_t revision, checksum;
	char oem[6], oem_table[8];
	uint32_t oem_revision, creator, creator_revision;
} __attribute__((packed));

/* rsdp: where the loader says it is; 0: look where a BIOS puts it. */
void acpi_init(paddr_t rsdp);
/* The index-th table with that signature; NULL: none. */
const struct acpi_header *acpi_find(const char *signature, unsigned index);

enum { ACPI_IO_NONE, ACPI_IO_PORT, ACPI_IO_MEMORY };
struct acpi_reg { uint8_t space; uint64_t addr; };	/* space: ACPI_IO_* */
struct acpi_power {
	struct acpi_reg pm1a, pm1b;	/* fixed hardware: write slp_typ to both */
	struct acpi_reg sleep, reset;	/* sleep: reduced hardware, 8 bits */
	uint8_t reset_value;
	uint8_t slp_typa, slp_typb;	/* of S5 */
	struct acpi_reg pm_timer;	/* 3.579545 MHz */
	bool pm_timer_32;
	uint16_t boot_arch;		/* IAPC_BOOT_ARCH, 0xffff: not said */
};
extern struct acpi_power acpi_power;

/* A virtio-mmio transport of the DSDT ("LNRO0005"). */
struct acpi_virtio { uint64_t base, size; unsigned irq; bool level; };
bool acpi_virtio_get(unsigned index, struct acpi_virtio *out);
#endif
