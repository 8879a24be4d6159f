/* SPDX-License-Identifier: MIT */
/* Devices of the device tree, their registers, the early console, backtraces. */
#include <kernel/errno.h>
#include <kernel/string.h>
#include "aarch64/port.h"

/* ---- early console: the PL011 that /chosen names, or the first ---- */

static uint64_t uart;	/* 0: none */
enum { UART_DR = 0x00, UART_FR = 0x18, FR_TXFF = 1 << 5 };

void console_init(void)
{
	const char *path = fdt_string(&boot_fdt, fdt_by_path(&boot_fdt, "/chosen"), "stdout-path");
	int node = path ? fdt_by_path(&boot_fdt, path) : FDT_NONE;
	uint64_t pa, size;
	if (node == FDT_NONE || !fdt_compatible(&boot_fdt, node, "arm,pl011"))
		node = fdt_find(&boot_fdt, FDT_NONE, "arm,pl011");
	if (node != FDT_NONE && fdt_reg(&boot_fdt, node, 0, &pa, &size) == 0)
		uart = (uintptr_t)mmu_device(pa, size);
}

static void uart_put(char c)
{
	while (mmio32(uart + UART_FR) & FR_TXFF)
		hal_cpu_relax();
	mmio_put32(uart + UART_DR, (uint8_t)c);
}

void hal_console_write(const char *s, size_t n)
{
	for (; uart && n; s++, n--) {
		if (*s == '\n')
			uart_put('\r');
		uart_put(*s);
	}
}

/* ---- the list of devices: the tree itself, in its order ---- */

int hal_dev_get(unsigned index, struct hal_dev *out)
{
	static const char *const known[] = { "virtio,mmio", "arm,pl011", "ns16550a", "pci-host-ecam-generic" };
	for (int node = FDT_ROOT; node != FDT_NONE; node = fdt_next(&boot_fdt, node)) {
		const char *name = NULL;
		struct fdt_irq spec;
		uint64_t v;
		if (!fdt_enabled(&boot_fdt, node))
			continue;
		for (unsigned i = 0; i < ARRAY_SIZE(known) && !name; i++)
			if (fdt_compatible(&boot_fdt, node, known[i]))
				name = known[i];
		if (!name || index--)
			continue;
		*out = (struct hal_dev){ 0 };
		strlcpy(out->compatible, name, sizeof(out->compatible));
		if (fdt_reg(&boot_fdt, node, 0, &out->base, &out->size) || !mmu_device(out->base, out->size))
			out->base = out->size = 0;
		if (fdt_interrupt(&boot_fdt, node, 0, &spec) == 0)
			(void)gic_from_dt(&spec, &out->irq);
		if (fdt_number(&boot_fdt, node, "reg-shift", &v))
			out->reg_shift = (unsigned)v;
		return 0;
	}
	return -ENODEV;
}

/* ---- registers: after a read nothing is early, before a write nothing is late ---- */

#define READ(name, type, insn) type name(uint64_t reg) { uint32_t v; \
	__asm__ volatile(insn " %w0, [%1]; dmb oshld" : "=r"(v) : "r"(DEVICE_BASE + reg) : "memory"); return (type)v; }
#define WRITE(name, type, insn) void name(uint64_t reg, type v) { \
	__asm__ volatile("dmb osh; " insn " %w0, [%1]" : : "r"((uint32_t)v), "r"(DEVICE_BASE + reg) : "memory"); }
READ(hal_io_read8, uint8_t, "ldrb")
READ(hal_io_read16, uint16_t, "ldrh")
READ(hal_io_read32, uint32_t, "ldr")
WRITE(hal_io_write8, uint8_t, "strb")
WRITE(hal_io_write16, uint16_t, "strh")
WRITE(hal_io_write32, uint32_t, "str")

/* ---- backtrace: frame records of the AAPCS64, read only where the MMU allows ---- */

unsigned hal_backtrace(uintptr_t fp, uintptr_t *pc, unsigned max)
{
	unsigned n = 0;
	if (!fp)
		fp = (uintptr_t)__builtin_frame_address(0);
	while (n < max && !(fp & 7) && fp >= DIRECT_BASE && mmu_readable(fp) && mmu_readable(fp + 8)) {
		const uintptr_t *record = (const uintptr_t *)fp;
		if (record[1] < KERNEL_BASE)
			break;
		pc[n++] = record[1];
		if (record[0] <= fp && record[0] - (fp & ~(uintptr_t)(KSTACK_SLOT - 1)) < KSTACK_SLOT)
			break;		/* going down on the same stack: a loop */
		fp = record[0];
	}
	return n;
}
