/* SPDX-License-Identifier: MIT */
/* Every question that the AArch64 port asks a device tree, asked of each node. */
#include <kernel/string.h>
#include "common/fdt.h"
#include "parsers.h"

__attribute__((visibility("default"))) void parsers_fdt(const void *blob, size_t size)
{
	static const char *const paths[] = { "/chosen", "/cpus", "/memory@40000000", "/reserved-memory", "/aliases", "serial0", "/soc/uart@1:115200", "/psci" };
	static const char *const compatible[] = { "arm,pl011", "arm,gic-v3", "arm,cortex-a15-gic", "pci-host-ecam-generic", "virtio,mmio", "arm,psci-1.0" };
	static const char *const names[] = { "reg", "device_type", "bootargs", "linux,initrd-start", "ranges", "msi-map", "bus-range", "interrupt-map", "method" };
	struct fdt f;
	struct fdt_irq irq;
	uint64_t a, n;
	uint32_t len;
	int child;

	if (fdt_open(&f, blob, size))
		return;
	for (unsigned i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		int node = fdt_by_path(&f, paths[i]);
		const char *s = fdt_string(&f, node, "stdout-path");

		if (s)
			(void)fdt_by_path(&f, s);
		if (node != FDT_NONE)
			fdt_for_each_child(&f, child, node)
				(void)fdt_reg(&f, child, 0, &a, &n);
	}
	for (unsigned i = 0; i < sizeof(compatible) / sizeof(compatible[0]); i++)
		for (int node = fdt_find(&f, FDT_NONE, compatible[i]); node != FDT_NONE; node = fdt_find(&f, node, compatible[i]))
			;
	for (unsigned i = 0; fdt_reserved(&f, i, &a, &n); i++)
		;
	for (int node = FDT_ROOT; node != FDT_NONE; node = fdt_next(&f, node)) {
		unsigned cells = fdt_cell_count(&f, node, "#address-cells", 2);

		(void)fdt_enabled(&f, node);
		(void)fdt_first_child(&f, node);
		(void)fdt_next_sibling(&f, node);
		(void)strlen(fdt_name(&f, node));
		for (unsigned i = 0; i < 4 && fdt_reg(&f, node, i, &a, &n) == 0; i++)
			;
		for (unsigned i = 0; i < 4 && fdt_interrupt(&f, node, i, &irq) == 0; i++)
			;
		for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
			const uint8_t *p = fdt_prop(&f, node, names[i], &len);

			if (p && len >= 4 * cells)
				(void)fdt_cells(p, cells);
			(void)fdt_number(&f, node, names[i], &a);
		}
	}
}
