/* SPDX-License-Identifier: MIT */
/* PCI functions, as their drivers see them. */
#ifndef DRIVERS_PCI_H
#define DRIVERS_PCI_H
#include <hal/types.h>

struct pci_func {
	unsigned bdf;
	uint16_t vendor, device, subsystem;
	uint32_t class;				/* class << 16 | subclass << 8 | interface */
	struct { uint64_t base, size; } bar[6];	/* base as for hal_io_*; size 0: none */
	bool irq_is_msix;
	unsigned msix_cap, msix_table_size;	/* 0: none */
	uint64_t msix_table;			/* for hal_io_* */
};
uint8_t pci_read8(const struct pci_func *f, unsigned off);
uint16_t pci_read16(const struct pci_func *f, unsigned off);
uint32_t pci_read32(const struct pci_func *f, unsigned off);
void pci_write16(struct pci_func *f, unsigned off, uint16_t v);
/* The first capability with this id behind `from` (0: from the start); 0: none. */
unsigned pci_find_cap(const struct pci_func *f, unsigned id, unsigned from);
/* Decode memory and ports, master the bus. */
void pci_enable(struct pci_func *f);
/* Route MSI-X entry `index` to a fresh line.  0 or -ENOTSUP, -ENOSPC. */
int pci_msix_setup(struct pci_func *f, unsigned index, unsigned *irq);
/* The line of entry `index` may have a new message: into the table. */
void pci_msix_update(struct pci_func *f, unsigned index, unsigned irq);
void pci_msix_enable(struct pci_func *f);
void pci_msix_disable(struct pci_func *f);
int pci_intx(const struct pci_func *f, unsigned *irq);
#endif
