/* SPDX-License-Identifier: MIT */
/* Boot information, devices, console, entropy, power. */
#ifndef HAL_DEV_H
#define HAL_DEV_H
#include <hal/types.h>

enum { HAL_RANGES = 32, HAL_CPUS = 64 };
struct hal_boot {
	const char *cmdline;
	paddr_t initrd;		/* 0: none */
	size_t initrd_size;
	unsigned cpus;		/* that exist, 1 .. HAL_CPUS */
	unsigned ranges;
	/* Usable RAM: page-aligned, sorted, disjoint, in the direct map; without the kernel image,
	 * the boot tables and the initrd. */
	struct { paddr_t base; uint64_t size; } range[HAL_RANGES];
};
const struct hal_boot *hal_boot_info(void);

/*
 * The devices that the machine's description lists (device tree, ACPI, the
 * built-in list of um): index 0, 1, ...; -ENODEV past the last.
 */
struct hal_dev {
	char compatible[40];	/* as in the device tree bindings: "virtio,mmio", "arm,pl011", "ns16550a", "pci-host-ecam-generic" */
	uint64_t base;		/* for hal_io_*; | HAL_IO_PORT: x86 ports */
	uint64_t size;
	unsigned irq;
	unsigned reg_shift;	/* of a UART's registers */
};
int hal_dev_get(unsigned index, struct hal_dev *out);

/* Device registers.  Ordered against each other and against memory as a driver expects. */
#define HAL_IO_PORT ((uint64_t)1 << 62)
uint8_t hal_io_read8(uint64_t reg);
uint16_t hal_io_read16(uint64_t reg);
uint32_t hal_io_read32(uint64_t reg);
void hal_io_write8(uint64_t reg, uint8_t v);
void hal_io_write16(uint64_t reg, uint16_t v);
void hal_io_write32(uint64_t reg, uint32_t v);

/*
 * PCI configuration space; bdf = bus << 8 | device << 3 | function.  All ones
 * where there is no such function, or no PCI at all.
 */
uint32_t hal_pci_read32(unsigned bdf, unsigned offset);
void hal_pci_write32(unsigned bdf, unsigned offset, uint32_t v);
/* Memory windows for BARs that firmware left unassigned (index 0 below 4 GiB, 1 above). -ENODEV. */
int hal_pci_window(unsigned index, uint64_t *base, uint64_t *size);
/* The line of a function's INTx pin (1..4).  -ENODEV: unknown. */
int hal_pci_intx(unsigned bdf, unsigned pin, unsigned *irq);

/* The early console: polled, any context, until a tty driver takes over; also what a panic prints on. */
void hal_console_write(const char *s, size_t n);

void hal_entropy(void *buf, size_t n);	/* from the machine: RDRAND, RNDR, the host; may be weak early */
/* Return addresses of the callers, innermost first; starts at frame pointer fp (0: here).  Any context. */
unsigned hal_backtrace(uintptr_t fp, uintptr_t *pc, unsigned max);
/* The function that pc is in, and how far; NULL: not known.  Any context. */
const char *hal_symbol(uintptr_t pc, size_t *offset);

/* The status reaches the shell that started the machine (low 8 bits). */
_Noreturn void hal_poweroff(int status);
_Noreturn void hal_reboot(void);
#endif
