/* SPDX-License-Identifier: MIT */
/* GICv2: distributor and CPU interface in memory (ARM IHI 0048B). */
#include "aarch64/port.h"

enum { GICD_CTLR = 0, GICD_TYPER = 4, GICD_IGROUPR = 0x80, GICD_ISENABLER = 0x100, GICD_ICENABLER = 0x180,
       GICD_ICPENDR = 0x280, GICD_IPRIORITYR = 0x400, GICD_ITARGETSR = 0x800, GICD_ICFGR = 0xc00, GICD_SGIR = 0xf00 };
enum { GICC_CTLR = 0, GICC_PMR = 4, GICC_BPR = 8, GICC_IAR = 0xc, GICC_EOIR = 0x10 };

static uint64_t gicc;
static struct port_lock cfg_lock;
static struct gic_ops gicv2;

static void v2_cpu_init(void)
{
	/* The private part of the distributor is this CPU's own. */
	mmio_put32(gicd + GICD_ICENABLER, 0xffffffff);
	for (unsigned i = 0; i < 32; i += 4)
		mmio_put32(gicd + GICD_IPRIORITYR + i, 0xa0a0a0a0);
	mmio_put32(gicd + GICD_ISENABLER, 1u << GIC_IPI);
	for (unsigned i = 0; i < 32; i += 4) {
		uint32_t v = mmio32(gicd + GICD_ITARGETSR + i);
		v |= v >> 16;
		v |= v >> 8;
		if (v & 0xff) {
			percpu()->gic_target = (uint8_t)v;
			break;
		}
	}
	if (!percpu()->gic_target)
		percpu()->gic_target = 1;	/* one CPU: the registers read as 0 */
	mmio_put32(gicc + GICC_PMR, 0xf0);
	mmio_put32(gicc + GICC_BPR, 0);
	mmio_put32(gicc + GICC_CTLR, 1);
}

static uint32_t v2_ack(void)
{
	uint32_t v = mmio32(gicc + GICC_IAR);
	dsb(sy);
	return v;
}
static void v2_eoi(uint32_t raw)
{
	mmio_put32(gicc + GICC_EOIR, raw);
	isb();
}
static void v2_send(unsigned cpu)
{
	mmio_put32(gicd + GICD_SGIR, (uint32_t)percpus[cpu].gic_target << 16 | GIC_IPI);
}
static void v2_mask(unsigned irq) { mmio_put32(gicd + GICD_ICENABLER + irq / 32 * 4, 1u << (irq % 32)); dsb(sy); }
static void v2_unmask(unsigned irq) { mmio_put32(gicd + GICD_ISENABLER + irq / 32 * 4, 1u << (irq % 32)); }

static void v2_configure(unsigned irq, bool edge)
{
	uint64_t reg = gicd + GICD_ICFGR + irq / 16 * 4;
	uint32_t bit = 2u << (irq % 16 * 2);
	unsigned long flags = port_lock(&cfg_lock);
	mmio_put32(reg, edge ? mmio32(reg) | bit : mmio32(reg) & ~bit);
	port_unlock(&cfg_lock, flags);
}

static void v2_route(unsigned irq, unsigned cpu)
{
	hal_io_write8(gicd - DEVICE_BASE + GICD_ITARGETSR + irq, percpus[cpu].gic_target);
}

const struct gic_ops *gicv2_probe(void)
{
	static const char *const names[] = { "arm,cortex-a15-gic", "arm,gic-400", "arm,cortex-a9-gic", "arm,cortex-a7-gic" };
	int node = FDT_NONE;
	uint64_t pa, size;
	for (unsigned i = 0; i < ARRAY_SIZE(names) && node == FDT_NONE; i++)
		node = fdt_find(&boot_fdt, FDT_NONE, names[i]);
	if (node == FDT_NONE || fdt_reg(&boot_fdt, node, 0, &pa, &size) || !(gicd = (uintptr_t)mmu_device(pa, size)) ||
	    fdt_reg(&boot_fdt, node, 1, &pa, &size) || !(gicc = (uintptr_t)mmu_device(pa, size)))
		return NULL;
	gicv2.irqs = MIN(((mmio32(gicd + GICD_TYPER) & 31) + 1) * 32, 1020u);
	mmio_put32(gicd + GICD_CTLR, 0);
	/* Whatever CPU boots has bit n of its own registers; lines go there. */
	uint32_t me = mmio32(gicd + GICD_ITARGETSR) & 0xff;
	me = me ? me : 1;
	for (unsigned i = 32; i < gicv2.irqs; i += 4) {
		mmio_put32(gicd + GICD_ITARGETSR + i, me * 0x01010101u);
		mmio_put32(gicd + GICD_IPRIORITYR + i, 0xa0a0a0a0);
	}
	for (unsigned i = 32; i < gicv2.irqs; i += 32) {
		mmio_put32(gicd + GICD_ICENABLER + i / 8, 0xffffffff);
		mmio_put32(gicd + GICD_ICPENDR + i / 8, 0xffffffff);
	}
	mmio_put32(gicd + GICD_CTLR, 1);
	return &gicv2;
}

static struct gic_ops gicv2 = { .cpu_init = v2_cpu_init, .ack = v2_ack, .eoi = v2_eoi, .send = v2_send,
	.mask = v2_mask, .unmask = v2_unmask, .configure = v2_configure, .route = v2_route };
