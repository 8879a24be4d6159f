/* SPDX-License-Identifier: MIT */
/* Access to PCI configuration space. */
#ifndef X86_PCI_H
#define X86_PCI_H
#include <hal/types.h>
void pci_config_init(void);
bool pci_config_present(void);
uint64_t pci_ecam_base(void);	/* 0: configuration ports only */
uint64_t pci_ecam_size(void);
#endif
