/* SPDX-License-Identifier: MIT */
/*
 * PCI: finds the functions of every bus, gives addresses to BARs that have
 * none, and starts drivers (PCI Local Bus 3.0, ch. 6; PCI-to-PCI bridges 1.2).
 *
 * Where firmware ran, its bus numbers and addresses are kept.  Where none did
 * (AArch64 -kernel), buses are numbered in depth-first order and memory BARs
 * are carved from hal_pci_window(), upwards, each aligned to its size; a
 * bridge's window is what its children took, rounded to 1 MiB.
 */
#include "pci.h"
#include "../driver.h"
#include <hal/dev.h>
#include <hal/irq.h>
#include <kernel/compiler.h>
#include <kernel/errno.h>
#include <kernel/print.h>
#include <kernel/slab.h>

enum { PCI_ID = 0x00, PCI_COMMAND = 0x04, PCI_CLASS = 0x08, PCI_HEADER = 0x0c, PCI_BAR0 = 0x10, PCI_BUSES = 0x18, PCI_MEM_WINDOW = 0x20,
	PCI_SUBSYSTEM = 0x2c, PCI_CAPS = 0x34, PCI_INTERRUPT = 0x3c };
enum { CMD_IO = 1, CMD_MEM = 2, CMD_MASTER = 4, CMD_INTX_OFF = 0x400, STATUS_CAPS = 0x10, CAP_MSIX = 0x11 };

static uint64_t pci_next[2], pci_end[2];	/* free in the windows; boot is single-threaded */
static unsigned pci_buses;

uint32_t pci_read32(const struct pci_func *f, unsigned off)
{
	return hal_pci_read32(f->bdf, off & ~3u);
}

uint16_t pci_read16(const struct pci_func *f, unsigned off)
{
	return (uint16_t)(pci_read32(f, off) >> (off & 2) * 8);
}

uint8_t pci_read8(const struct pci_func *f, unsigned off)
{
	return (uint8_t)(pci_read32(f, off) >> (off & 3) * 8);
}

void pci_write16(struct pci_func *f, unsigned off, uint16_t v)
{
	uint32_t old = hal_pci_read32(f->bdf, off & ~3u), shift = (off & 2) * 8;

	/* The upper half of the command register's word is status: ones clear bits there. */
	if ((off & ~3u) == PCI_COMMAND)
		old &= 0xffff;
	hal_pci_write32(f->bdf, off & ~3u, (old & ~(0xffffu << shift)) | (uint32_t)v << shift);
}

unsigned pci_find_cap(const struct pci_func *f, unsigned id, unsigned from)
{
	unsigned at, left = 48;		/* more do not fit: a list in a circle ends here */

	if (!((pci_read32(f, PCI_COMMAND) >> 16) & STATUS_CAPS))
		return 0;
	at = from ? pci_read8(f, from + 1) : pci_read8(f, PCI_CAPS);
	for (at &= ~3u; at >= 0x40 && left--; at = pci_read8(f, at + 1) & ~3u)
		if (pci_read8(f, at) == id)
			return at;
	return 0;
}

void pci_enable(struct pci_func *f)
{
	pci_write16(f, PCI_COMMAND, (uint16_t)(pci_read32(f, PCI_COMMAND) | CMD_IO | CMD_MEM | CMD_MASTER));
}

int pci_intx(const struct pci_func *f, unsigned *irq)
{
	unsigned pin = pci_read8(f, PCI_INTERRUPT + 1);

	if (pin == 0 || pin > 4)
		return -ENODEV;
	return hal_pci_intx(f->bdf, pin, irq);
}

static void pci_msix_find(struct pci_func *f)
{
	unsigned cap = pci_find_cap(f, CAP_MSIX, 0), bar;
	uint32_t table;

	if (!cap)
		return;
	table = pci_read32(f, cap + 4);
	bar = table & 7;
	f->msix_table_size = (pci_read16(f, cap + 2) & 0x7ff) + 1;
	if (bar > 5 || (f->bar[bar].base & HAL_IO_PORT) || f->bar[bar].size < (table & ~7u) + (uint64_t)f->msix_table_size * 16)
		return;
	f->msix_table = f->bar[bar].base + (table & ~7u);
	f->msix_cap = cap;
}

int pci_msix_setup(struct pci_func *f, unsigned index, unsigned *irq)
{
	uint64_t addr, entry = f->msix_table + index * 16;
	uint32_t data;
	int e;

	if (!f->msix_cap || index >= f->msix_table_size)
		return -ENOTSUP;
	e = hal_msi_alloc(f->bdf, irq, &addr, &data);
	if (e)
		return e;
	hal_io_write32(entry, (uint32_t)addr);
	hal_io_write32(entry + 4, (uint32_t)(addr >> 32));
	hal_io_write32(entry + 8, data);
	hal_io_write32(entry + 12, 0);
	return 0;
}

void pci_msix_update(struct pci_func *f, unsigned index, unsigned irq)
{
	uint64_t addr, entry = f->msix_table + index * 16;
	uint32_t data;

	if (hal_msi_message(irq, &addr, &data))
		return;
	hal_io_write32(entry + 12, 1);	/* masked: the device must not see half of it; what comes meanwhile is pending */
	hal_io_write32(entry, (uint32_t)addr);
	hal_io_write32(entry + 4, (uint32_t)(addr >> 32));
	hal_io_write32(entry + 8, data);
	hal_io_write32(entry + 12, 0);
}

void pci_msix_enable(struct pci_func *f)
{
	pci_write16(f, PCI_COMMAND, (uint16_t)(pci_read32(f, PCI_COMMAND) | CMD_INTX_OFF));
	pci_write16(f, f->msix_cap + 2, 0x8000);
	f->irq_is_msix = true;
}

void pci_msix_disable(struct pci_func *f)
{
	if (f->msix_cap)
		pci_write16(f, f->msix_cap + 2, 0x4000);
	pci_write16(f, PCI_COMMAND, (uint16_t)(pci_read32(f, PCI_COMMAND) & ~(uint32_t)CMD_INTX_OFF));
	f->irq_is_msix = false;
}

static uint64_t pci_window_take(unsigned w, uint64_t size)
{
	uint64_t at = ALIGN_UP(pci_next[w], size);

	if (!pci_end[w] || at < pci_next[w] || at > pci_end[w] || size > pci_end[w] - at)
		return 0;
	pci_next[w] = at + size;
	return at;
}

static void pci_size_bars(struct pci_func *f, unsigned count)
{
	uint16_t cmd = (uint16_t)pci_read32(f, PCI_COMMAND);

	/* Not decoding while the probe pattern stands in the BARs. */
	pci_write16(f, PCI_COMMAND, (uint16_t)(cmd & ~(CMD_IO | CMD_MEM)));
	for (unsigned i = 0; i < count; i++) {
		unsigned off = PCI_BAR0 + i * 4;
		uint32_t lo = pci_read32(f, off), hi = 0, mask_lo, mask_hi = ~0u;
		bool io = lo & 1, wide = !io && (lo & 6) == 4 && i + 1 < count;
		uint64_t base, size;

		hal_pci_write32(f->bdf, off, ~0u);
		mask_lo = pci_read32(f, off);
		hal_pci_write32(f->bdf, off, lo);
		if (wide) {
			hi = pci_read32(f, off + 4);
			hal_pci_write32(f->bdf, off + 4, ~0u);
			mask_hi = pci_read32(f, off + 4);
			hal_pci_write32(f->bdf, off + 4, hi);
		}
		if (mask_lo == 0 || mask_lo == ~0u)
			continue;
		if (io) {
			size = (uint16_t)~(mask_lo & 0xfffc) + 1u;
			base = lo & 0xfffc;
			if (base)
				f->bar[i].base = base | HAL_IO_PORT;
		} else {
			size = ~((uint64_t)mask_hi << 32 | (mask_lo & ~15u)) + 1;
			base = (uint64_t)hi << 32 | (lo & ~15u);
			if (!base) {
				if (wide)
					base = pci_window_take(1, MAX(size, (uint64_t)PAGE_SIZE));
				if (!base)
					base = pci_window_take(0, MAX(size, (uint64_t)PAGE_SIZE));
				hal_pci_write32(f->bdf, off, (uint32_t)base);
				if (wide)
					hal_pci_write32(f->bdf, off + 4, (uint32_t)(base >> 32));
			}
			f->bar[i].base = base;
		}
		if (base)
			f->bar[i].size = size;
		i += wide;
	}
	pci_write16(f, PCI_COMMAND, cmd);
}

static void pci_scan_bus(unsigned bus, unsigned depth);

static void pci_bridge(struct pci_func *f, unsigned depth)
{
	uint32_t buses = pci_read32(f, PCI_BUSES);
	unsigned secondary = buses >> 8 & 0xff;
	uint64_t start;

	if (depth > 8)
		return;
	if (secondary) {
		pci_enable(f);
		pci_scan_bus(secondary, depth + 1);
		return;
	}
	if (pci_buses >= 255)
		return;
	secondary = ++pci_buses;
	hal_pci_write32(f->bdf, PCI_BUSES, (buses & 0xff000000) | 0xff0000 | secondary << 8 | f->bdf >> 8);
	pci_next[0] = ALIGN_UP(pci_next[0], (uint64_t)1 << 20);
	start = pci_next[0];
	/* A 64-bit window would be the prefetchable one: children get low addresses only. */
	uint64_t high_end = pci_end[1];

	pci_end[1] = 0;
	pci_enable(f);
	pci_scan_bus(secondary, depth + 1);
	pci_end[1] = high_end;
	pci_next[0] = ALIGN_UP(pci_next[0], (uint64_t)1 << 20);
	hal_pci_write32(f->bdf, PCI_BUSES, (buses & 0xff000000) | pci_buses << 16 | secondary << 8 | f->bdf >> 8);
	if (pci_next[0] > start)
		hal_pci_write32(f->bdf, PCI_MEM_WINDOW, (uint32_t)(start >> 16 & 0xfff0) | ((uint32_t)(pci_next[0] - 1) & 0xfff00000));
	else
		hal_pci_write32(f->bdf, PCI_MEM_WINDOW, 0x0000fff0);
}

static bool pci_scan_function(unsigned bdf, bool *multi, unsigned depth)
{
	struct pci_func probe = { .bdf = bdf }, *f;
	uint32_t id = hal_pci_read32(bdf, PCI_ID);
	unsigned header;

	if (id == ~0u || id == 0)
		return false;
	header = pci_read8(&probe, PCI_HEADER + 2);
	*multi = header & 0x80;
	f = kzalloc(sizeof(*f), 0);
	if (!f)
		return true;
	f->bdf = bdf;
	f->vendor = (uint16_t)id;
	f->device = (uint16_t)(id >> 16);
	f->class = pci_read32(f, PCI_CLASS) >> 8;
	if ((header & 0x7f) == 1) {
		pci_size_bars(f, 2);
		pci_bridge(f, depth);
		kfree(f);
		return true;
	}
	f->subsystem = (uint16_t)(pci_read32(f, PCI_SUBSYSTEM) >> 16);
	for (unsigned i = 0; i < pci_driver_count; i++) {
		const struct pci_driver *d = &pci_drivers[i];
		int e;

		if (f->vendor != d->vendor || f->device < d->device_first || f->device > d->device_last)
			continue;
		pci_size_bars(f, 6);
		pci_msix_find(f);
		e = d->probe(f);
		if (!e)
			return true;	/* f is the driver's now */
		if (e != -ENODEV)
			klog_err("pci %02x:%02x.%u: not started, error %d", bdf >> 8, bdf >> 3 & 31, bdf & 7, -e);
		break;
	}
	kfree(f);
	return true;
}

static void pci_scan_bus(unsigned bus, unsigned depth)
{
	for (unsigned slot = 0; slot < 32; slot++) {
		bool multi = false, ignored;

		if (!pci_scan_function(bus << 8 | slot << 3, &multi, depth) || !multi)
			continue;
		for (unsigned fn = 1; fn < 8; fn++)
			pci_scan_function(bus << 8 | slot << 3 | fn, &ignored, depth);
	}
}

void pci_init(void)
{
	for (unsigned w = 0; w < 2; w++) {
		uint64_t base, size;

		if (hal_pci_window(w, &base, &size) == 0) {
			pci_next[w] = MAX(base, (uint64_t)PAGE_SIZE);
			pci_end[w] = base + size;
		}
	}
	pci_scan_bus(0, 0);
}
