/* SPDX-License-Identifier: MIT */
/*
 * PCI Express as the device tree describes it ("pci-host-ecam-generic"):
 * configuration space in memory, windows from `ranges`, INTx from `interrupt-map`.
 */
#include <kernel/errno.h>
#include "aarch64/port.h"

static int host = FDT_NONE;
static uint64_t ecam;		/* virtual; 0: no PCI */
static uint64_t ecam_size;
static unsigned first_bus;
static struct { uint64_t base, size; } window[2];

static void add_window(uint32_t hi, uint64_t pci, uint64_t cpu, uint64_t size)
{
	unsigned space = hi >> 24 & 3;
	bool high = pci >> 32;
	/* Memory only; a window that the bus sees elsewhere than we do cannot be told to drivers. */
	if (space < 2 || pci != cpu || !size || window[high].size || !mmu_device(cpu, size))
		return;
	window[high].base = cpu;
	window[high].size = size;
}

void pci_host_init(void)
{
	const struct fdt *f = &boot_fdt;
	uint64_t pa, size, cpu;
	uint32_t len;
	host = fdt_find(f, FDT_NONE, "pci-host-ecam-generic");
	if (host == FDT_NONE || fdt_reg(f, host, 0, &pa, &size))
		return;
	const uint8_t *p = fdt_prop(f, host, "bus-range", &len);
	if (p && len == 8)
		first_bus = fdt_be32(p);
	ecam = (uintptr_t)mmu_device(pa, size);
	ecam_size = size;
	int up = fdt_parent(f, host);
	unsigned pac = fdt_cell_count(f, up, "#address-cells", 2), cs = fdt_cell_count(f, host, "#size-cells", 2);
	uint32_t entry = 4 * (3 + pac + cs);
	p = fdt_prop(f, host, "ranges", &len);
	for (; p && len >= entry; p += entry, len -= entry)
		if (fdt_translate(f, up, fdt_cells(p + 12, pac), &cpu) == 0)
			add_window(fdt_be32(p), fdt_cells(p + 4, 2), cpu, fdt_cells(p + 12 + 4 * pac, cs));
}

static uint64_t config(unsigned bdf, unsigned offset)
{
	uint64_t at = ((uint64_t)bdf << 12 | (offset & 0xffc));
	if (!ecam || bdf >> 8 < first_bus)
		return 0;
	at -= (uint64_t)first_bus << 20;
	return at < ecam_size ? ecam + at : 0;
}

uint32_t hal_pci_read32(unsigned bdf, unsigned offset)
{
	uint64_t at = config(bdf, offset);
	return at ? hal_io_read32(at - DEVICE_BASE) : 0xffffffff;
}

void hal_pci_write32(unsigned bdf, unsigned offset, uint32_t v)
{
	uint64_t at = config(bdf, offset);
	if (at)
		hal_io_write32(at - DEVICE_BASE, v);
}

int hal_pci_window(unsigned index, uint64_t *base, uint64_t *size)
{
	if (index > 1 || !window[index].size)
		return -ENODEV;
	*base = window[index].base;
	*size = window[index].size;
	return 0;
}

int hal_pci_intx(unsigned bdf, unsigned pin, unsigned *irq)
{
	const struct fdt *f = &boot_fdt;
	uint32_t len, mlen;
	const uint8_t *p = fdt_prop(f, host, "interrupt-map", &len), *m = fdt_prop(f, host, "interrupt-map-mask", &mlen);
	uint32_t want_hi = bdf << 8, want_pin = pin;
	if (!p || pin < 1 || pin > 4)
		return -ENODEV;
	uint32_t mask_hi = m && mlen == 16 ? fdt_be32(m) : 0xffffffff, mask_pin = m && mlen == 16 ? fdt_be32(m + 12) : 0xffffffff;
	while (len >= 20) {
		/* Child address (3), pin, controller, controller's address, its specifier. */
		int ctl = fdt_by_phandle(f, fdt_be32(p + 16));
		unsigned ac = fdt_cell_count(f, ctl, "#address-cells", 0), ic = fdt_cell_count(f, ctl, "#interrupt-cells", 1);
		uint32_t entry = 20 + 4 * (ac + ic);
		if (ctl == FDT_NONE || len < entry)
			return -ENODEV;
		if ((fdt_be32(p) & mask_hi) == (want_hi & mask_hi) && (fdt_be32(p + 12) & mask_pin) == (want_pin & mask_pin)) {
			struct fdt_irq spec = { .controller = ctl, .cells = ic };
			for (unsigned i = 0; i < ic && i < FDT_SPEC_MAX; i++)
				spec.spec[i] = fdt_be32(p + 20 + 4 * (ac + i));
			return gic_from_dt(&spec, irq) ? -ENODEV : 0;
		}
		p += entry;
		len -= entry;
	}
	return -ENODEV;
}
