/* SPDX-License-Identifier: MIT */
/* What drivers offer to the table in drivers.c. */
#ifndef DRIVERS_DRIVER_H
#define DRIVERS_DRIVER_H
#include <hal/dev.h>

/* A device of the machine's description.  0, or -errno: not started (the reason was logged). */
struct dev_driver { const char *compatible; int (*probe)(const struct hal_dev *dev); };
/* A PCI function. */
struct pci_func;
struct pci_driver { uint16_t vendor, device_first, device_last; int (*probe)(struct pci_func *f); };

int virtio_mmio_probe(const struct hal_dev *dev);
int virtio_pci_probe(struct pci_func *f);
int serial_16550_probe(const struct hal_dev *dev);
int pl011_probe(const struct hal_dev *dev);
extern const struct pci_driver pci_drivers[];
extern const unsigned pci_driver_count;
void pci_init(void);
#endif
