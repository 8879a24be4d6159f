/* SPDX-License-Identifier: MIT */
/*
 * Message-signalled interrupts on GICv3: the interrupt translation service
 * (ARM IHI 0069, chapters 5 and 6).
 *
 * A device's write to GITS_TRANSLATER carries its DeviceID (the PCI requester,
 * through `msi-map`) and an event number; the ITS looks both up in tables that
 * it fills from our commands, and makes an LPI pending: an interrupt number from
 * 8192 up, whose priority and enable bit are a byte in memory.  A collection is a
 * CPU's redistributor: number n is CPU n.  Everything is set up when the first
 * driver asks, or when a CPU gets its first LPI: by then there is an allocator,
 * and a machine without MSIs pays nothing.
 */
#include <kernel/errno.h>
#include <kernel/page.h>
#include <kernel/print.h>
#include <kernel/slab.h>
#include "aarch64/port.h"

enum { GITS_CTLR = 0, GITS_TYPER = 8, GITS_CBASER = 0x80, GITS_CWRITER = 0x88, GITS_CREADR = 0x90, GITS_BASER = 0x100,
       GITS_TRANSLATER = 0x10040 };
enum { GICD_TYPER = 4, GICR_CTLR = 0, GICR_TYPER = 8, GICR_PROPBASER = 0x70, GICR_PENDBASER = 0x78 };
enum { CMD_MOVI = 1, CMD_SYNC = 5, CMD_MAPD = 8, CMD_MAPC = 9, CMD_MAPTI = 10, CMD_INV = 12, CMD_DISCARD = 15 };
enum { LPI_FIRST = 8192, LPI_ID_BITS = 14, LPIS = (1 << LPI_ID_BITS) - LPI_FIRST, EVENTS = 32, QUEUE_BYTES = 4096, LPI_PRIORITY = 0xa0 };
#define VALID		((uint64_t)1 << 63)
#define CACHED_59	((uint64_t)7 << 59)	/* inner write-back, in BASER and CBASER */
#define CACHED_7	((uint64_t)7 << 7)	/* the same, in PROPBASER and PENDBASER */
#define SHARED		((uint64_t)1 << 10)

struct device { struct device *next; uint32_t id, used; };
struct lpi { struct device *device; uint32_t event, cpu; };

static struct port_lock its_lock;
static enum { UNTRIED, READY, ABSENT } state;	/* [its_lock] */
static uint64_t its, its_phys;			/* [I] registers */
static uint64_t rdbase[HAL_CPUS];		/* [its_lock] redistributors as commands name them */
static bool mapped[HAL_CPUS];			/* [its_lock] its collection exists */
static uint64_t config_phys;			/* [I] */
static uint8_t *config;				/* [I] a byte for each LPI */
static uint8_t *queue;				/* [its_lock] commands */
static unsigned queue_at;			/* [its_lock] */
static struct device *devices;			/* [its_lock] */
static struct lpi *lpis;			/* [its_lock] by LPI - LPI_FIRST */
static unsigned lpi_next;			/* [its_lock] */

void invalidate(const void *from, const void *to);

static void *table_alloc(size_t bytes, uint64_t *pa)
{
	unsigned order = 0;
	while ((PAGE_SIZE << order) < bytes)
		order++;
	struct page *p = page_alloc(order, ALLOC_ZERO | ALLOC_ATOMIC);
	if (!p)
		return NULL;
	*pa = page_to_phys(p);
	invalidate(page_addr(p), (char *)page_addr(p) + (PAGE_SIZE << order));
	return page_addr(p);
}

static void command(uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t *slot = (uint64_t *)(queue + queue_at);
	slot[0] = a;
	slot[1] = b;
	slot[2] = c;
	slot[3] = 0;
	invalidate(slot, slot + 4);
	queue_at = (queue_at + 32) % QUEUE_BYTES;
	dsb(sy);
	mmio_put64(its + GITS_CWRITER, queue_at);
	/* A machine that does not take commands is told from one that is slow by the clock. */
	for (uint64_t until = hal_time_mono_ns() + 1000000000; (mmio64(its + GITS_CREADR) & 0xfffe0) != queue_at;) {
		if (hal_time_mono_ns() > until) {
			klog_err("its: command %#llx is stuck", (unsigned long long)a);
			break;
		}
		hal_cpu_relax();
	}
}

static void sync(unsigned cpu) { command(CMD_SYNC, 0, rdbase[cpu]); }

static bool its_tables(void)
{
	for (unsigned i = 0; i < 8; i++) {
		uint64_t reg = its + GITS_BASER + 8 * i, v = mmio64(reg), type = v >> 56 & 7, entry = (v >> 48 & 31) + 1, pa;
		if (type != 1 && type != 4)	/* devices, collections */
			continue;
		uint64_t ids = type == 1 ? (uint64_t)1 << MIN((mmio64(its + GITS_TYPER) >> 13 & 31) + 1, 16ull) : 16;
		uint64_t pages = MIN(DIV_ROUND_UP(ids * entry, PAGE_SIZE), 256ull);
		if (!table_alloc(pages * PAGE_SIZE, &pa))
			return false;
		mmio_put64(reg, VALID | CACHED_59 | (v & (uint64_t)7 << 56) | (v & (uint64_t)31 << 48) | pa | SHARED | (pages - 1));
	}
	return true;
}

/* The CPU's redistributor gets the tables of LPIs; they cannot be changed once it is enabled. */
static bool lpis_enable(unsigned cpu)
{
	uint64_t gicr = percpus[cpu].gicr, pend;
	if (!gicr || mmio32(gicr + GICR_CTLR) & 1 || !table_alloc(65536, &pend))
		return false;
	mmio_put64(gicr + GICR_PROPBASER, config_phys | CACHED_7 | SHARED | (LPI_ID_BITS - 1));
	mmio_put64(gicr + GICR_PENDBASER, pend | CACHED_7 | SHARED | (uint64_t)1 << 62);
	mmio_put32(gicr + GICR_CTLR, mmio32(gicr + GICR_CTLR) | 1);
	dsb(sy);
	return true;
}

/* A collection for the CPU. */
static bool map_cpu(unsigned cpu)
{
	uint64_t typer = mmio64(its + GITS_TYPER), gicr = percpus[cpu].gicr;
	if (mapped[cpu])
		return true;
	if (!lpis_enable(cpu))
		return false;
	rdbase[cpu] = typer >> 19 & 1 ? (uint64_t)hal_virt_to_phys((void *)gicr) & 0x0007ffffffff0000 :
		(mmio64(gicr + GICR_TYPER) >> 8 & 0xffff) << 16;
	command(CMD_MAPC, 0, VALID | rdbase[cpu] | cpu);
	sync(cpu);
	return mapped[cpu] = true;
}

static bool its_start(void)
{
	uint64_t size, cmd;
	int node = fdt_find(&boot_fdt, FDT_NONE, "arm,gic-v3-its");
	if (node == FDT_NONE || !percpus[0].gicr || !(mmio32(gicd + GICD_TYPER) >> 17 & 1) ||
	    fdt_reg(&boot_fdt, node, 0, &its_phys, &size) || !(its = (uintptr_t)mmu_device(its_phys, size)))
		return false;
	lpis = table_alloc(LPIS * sizeof(*lpis), &cmd);
	queue = table_alloc(QUEUE_BYTES, &cmd);
	mmio_put32(its + GITS_CTLR, 0);
	config = table_alloc(LPIS, &config_phys);
	if (!lpis || !queue || !config || !its_tables())
		return false;
	for (unsigned i = 0; i < LPIS; i++)
		config[i] = LPI_PRIORITY;
	invalidate(config, config + LPIS);
	mmio_put64(its + GITS_CBASER, VALID | CACHED_59 | SHARED | cmd);
	mmio_put64(its + GITS_CWRITER, 0);
	mmio_put32(its + GITS_CTLR, 1);
	return map_cpu(0);
}

/* The requester ID as the ITS sees it. */
static uint32_t device_id(unsigned bdf)
{
	uint32_t len, mask = 0xffff;
	uint64_t v;
	int host = fdt_find(&boot_fdt, FDT_NONE, "pci-host-ecam-generic");
	const uint8_t *p = fdt_prop(&boot_fdt, host, "msi-map", &len);
	if (fdt_number(&boot_fdt, host, "msi-map-mask", &v))
		mask = (uint32_t)v;
	for (bdf &= mask; p && len >= 16; p += 16, len -= 16) {
		uint32_t from = fdt_be32(p), base = fdt_be32(p + 8), n = fdt_be32(p + 12);
		if (bdf >= from && bdf - from < n)
			return base + (bdf - from);
	}
	return bdf;
}

static struct device *device_get(uint32_t id)
{
	uint64_t itt;
	for (struct device *d = devices; d; d = d->next)
		if (d->id == id)
			return d;
	struct device *d = kzalloc(sizeof(*d), ALLOC_ATOMIC);
	if (!d || !table_alloc(PAGE_SIZE, &itt)) {	/* entries have at most 16 bytes */
		kfree(d);
		return NULL;
	}
	d->id = id;
	d->next = devices;
	devices = d;
	command(CMD_MAPD | (uint64_t)id << 32, 4 /* log2(EVENTS) - 1 */, VALID | itt);
	return d;
}

static int alloc_locked(unsigned bdf, unsigned *irq, uint64_t *addr, uint32_t *data)
{
	if (state == UNTRIED)
		state = its_start() ? READY : ABSENT;
	if (state == ABSENT)
		return -ENOTSUP;
	struct device *d = device_get(device_id(bdf));
	if (!d || d->used == 0xffffffff)
		return -ENOSPC;
	for (unsigned i = 0; i < LPIS; i++) {
		unsigned n = (lpi_next + i) % LPIS;
		if (lpis[n].device)
			continue;
		unsigned event = (unsigned)__builtin_ctz(~d->used);
		lpi_next = n + 1;
		d->used |= 1u << event;
		lpis[n] = (struct lpi){ d, event, 0 };
		command(CMD_MAPTI | (uint64_t)d->id << 32, event | (uint64_t)(LPI_FIRST + n) << 32, 0);
		sync(0);
		*irq = LPI_FIRST + n;
		*addr = its_phys + GITS_TRANSLATER;
		*data = event;
		return 0;
	}
	return -ENOSPC;
}

int its_alloc(unsigned bdf, unsigned *irq, uint64_t *addr, uint32_t *data)
{
	unsigned long flags = port_lock(&its_lock);
	int err = alloc_locked(bdf, irq, addr, data);
	port_unlock(&its_lock, flags);
	return err;
}

int its_set_enabled(unsigned irq, bool on)
{
	unsigned n = irq - LPI_FIRST;
	int err = -EINVAL;
	unsigned long flags = port_lock(&its_lock);
	if (state == READY && n < LPIS && lpis[n].device) {
		config[n] = on ? LPI_PRIORITY | 1 : LPI_PRIORITY;
		invalidate(&config[n], &config[n] + 1);
		command(CMD_INV | (uint64_t)lpis[n].device->id << 32, lpis[n].event, 0);
		sync(lpis[n].cpu);
		err = 0;
	}
	port_unlock(&its_lock, flags);
	return err;
}

void its_free(unsigned irq)
{
	unsigned n = irq - LPI_FIRST;
	(void)its_set_enabled(irq, false);
	unsigned long flags = port_lock(&its_lock);
	if (state == READY && n < LPIS && lpis[n].device) {
		command(CMD_DISCARD | (uint64_t)lpis[n].device->id << 32, lpis[n].event, 0);
		sync(lpis[n].cpu);
		lpis[n].device->used &= ~(1u << lpis[n].event);
		lpis[n].device = NULL;
	}
	port_unlock(&its_lock, flags);
}

int its_message(unsigned irq, uint64_t *addr, uint32_t *data)
{
	unsigned n = irq - LPI_FIRST;
	int err = -EINVAL;
	unsigned long flags = port_lock(&its_lock);
	if (state == READY && n < LPIS && lpis[n].device) {
		*addr = its_phys + GITS_TRANSLATER;
		*data = lpis[n].event;
		err = 0;
	}
	port_unlock(&its_lock, flags);
	return err;
}

int its_route(unsigned irq, unsigned cpu)
{
	unsigned n = irq - LPI_FIRST;
	int err = -EINVAL;
	unsigned long flags = port_lock(&its_lock);
	if (state == READY && n < LPIS && lpis[n].device && map_cpu(cpu)) {
		command(CMD_MOVI | (uint64_t)lpis[n].device->id << 32, lpis[n].event, cpu);
		sync(lpis[n].cpu);
		sync(cpu);
		lpis[n].cpu = cpu;
		err = 0;
	}
	port_unlock(&its_lock, flags);
	return err;
}
