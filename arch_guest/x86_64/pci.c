/* SPDX-License-Identifier: MIT */
/*
 * PCI configuration space: memory-mapped (ECAM) where the MCFG table says so,
 * the ports 0xCF8/0xCFC otherwise.  Interrupt pins go where firmware routed
 * them: the interrupt-line register, which both I/O APIC and 8259 see.
 */
#include <kernel/errno.h>
#include <kernel/string.h>
#include "acpi.h"
#include "apic.h"
#include "cpu.h"
#include "pci.h"

static struct { uint64_t base; unsigned first_bus, last_bus; } ecam;
static bool ports;
static struct leaf_lock lock;

void pci_config_init(void)
{
	const uint8_t *m = (const uint8_t *)acpi_find("MCFG", 0);
	uint32_t len;

	if (m) {
		memcpy(&len, m + 4, 4);
		if (len >= 60 && !m[52] && !m[53]) {
			memcpy(&ecam.base, m + 44, 8);
			ecam.first_bus = m[54];
			ecam.last_bus = m[55];
			/* A bus has a MiB: a base that is none was written by nobody who knew (PCI Express 5.0, 7.2.2). */
			if (ecam.last_bus < ecam.first_bus || ecam.base & ((1u << 20) - 1) || ecam.base + pci_ecam_size() < ecam.base || !mmio_map(ecam.base))
				ecam.base = 0;
		}
	}
	outl(0xcf8, 0x80000000);
	ports = inl(0xcf8) == 0x80000000 && inl(0xcfc) != 0xffffffff;
}

bool pci_config_present(void) { return ecam.base || ports; }
uint64_t pci_ecam_base(void) { return ecam.base; }
uint64_t pci_ecam_size(void) { return ecam.base ? (uint64_t)(ecam.last_bus - ecam.first_bus + 1) << 20 : 0; }

static volatile uint32_t *ecam_reg(unsigned bdf, unsigned offset)
{
	unsigned bus = bdf >> 8;

	if (!ecam.base || bus < ecam.first_bus || bus > ecam.last_bus || offset >= 4096)
		return NULL;
	return mmio_map(ecam.base + ((uint64_t)(bus - ecam.first_bus) << 20) + ((uint64_t)(bdf & 0xff) << 12) + (offset & ~3u));
}

uint32_t hal_pci_read32(unsigned bdf, unsigned offset)
{
	volatile uint32_t *p = ecam_reg(bdf, offset);
	unsigned long f;
	uint32_t v;

	if (p)
		return *p;
	if (!ports || offset >= 256 || bdf > 0xffff)
		return 0xffffffff;
	f = leaf_lock(&lock);
	outl(0xcf8, 0x80000000 | bdf << 8 | (offset & 0xfc));
	v = inl(0xcfc);
	leaf_unlock(&lock, f);
	return v;
}

void hal_pci_write32(unsigned bdf, unsigned offset, uint32_t v)
{
	volatile uint32_t *p = ecam_reg(bdf, offset);
	unsigned long f;

	if (p) {
		*p = v;
		return;
	}
	if (!ports || offset >= 256 || bdf > 0xffff)
		return;
	f = leaf_lock(&lock);
	outl(0xcf8, 0x80000000 | bdf << 8 | (offset & 0xfc));
	outl(0xcfc, v);
	leaf_unlock(&lock, f);
}

int hal_pci_window(unsigned index, uint64_t *base, uint64_t *size)
{
	bool mixed;

	/* Firmware assigns downwards from the I/O APIC; we take what it is least likely to have used. */
	if (index == 0) {
		*base = 0xc0000000;
		*size = 0x10000000;
		if (ecam.base >= *base && ecam.base < *base + *size)
			*base += 0x10000000;
		return boot_is_ram(*base, *base + *size, &mixed) ? -ENODEV : 0;
	}
	if (index == 1) {
		*base = (uint64_t)1 << 39;
		*size = (uint64_t)1 << 34;
		if (cpu_features.phys_bits <= 39)
			*base = ((uint64_t)1 << cpu_features.phys_bits) - *size;
		return boot_is_ram(*base, *base + *size, &mixed) ? -ENODEV : 0;
	}
	return -ENODEV;
}

int hal_pci_intx(unsigned bdf, unsigned pin, unsigned *irq)
{
	uint32_t v = hal_pci_read32(bdf, 0x3c);
	unsigned line = v & 0xff;

	if (pin < 1 || pin > 4 || v == 0xffffffff || line == 0 || line >= 16)
		return -ENODEV;
	*irq = irq_of_isa(line);
	return 0;
}
