/* SPDX-License-Identifier: MIT */
/* The table of drivers, and the walk over the machine's devices that starts them. */
#include "driver.h"
#include <kernel/compiler.h>
#include <kernel/device.h>
#include <kernel/errno.h>
#include <kernel/print.h>
#include <kernel/string.h>

static const struct dev_driver dev_drivers[] = {
	{ "virtio,mmio", virtio_mmio_probe },
	{ "ns16550a", serial_16550_probe },
	{ "ns16550", serial_16550_probe },
	{ "arm,pl011", pl011_probe },
};

const struct pci_driver pci_drivers[] = {
	{ 0x1af4, 0x1000, 0x107f, virtio_pci_probe },
};
const unsigned pci_driver_count = ARRAY_SIZE(pci_drivers);

void drivers_init(void)
{
	struct hal_dev dev;

	for (unsigned i = 0; hal_dev_get(i, &dev) == 0; i++)
		for (unsigned k = 0; k < ARRAY_SIZE(dev_drivers); k++)
			if (strcmp(dev.compatible, dev_drivers[k].compatible) == 0) {
				int e = dev_drivers[k].probe(&dev);

				/* -ENODEV: an empty slot, as QEMU's machines have many of. */
				if (e && e != -ENODEV)
					klog_err("%s at 0x%llx: not started, error %d", dev.compatible,
						(unsigned long long)(dev.base & ~HAL_IO_PORT), -e);
				break;
			}
	pci_init();
}
