/* SPDX-License-Identifier: MIT */
/*
 * GICv3: the distributor and one redistributor per CPU in memory, the CPU
 * interface in system registers (ARM IHI 0069).  Affinity routing is on;
 * everything is in non-secure group 1.
 */
#include <kernel/errno.h>
#include "aarch64/port.h"

enum { GICD_CTLR = 0, GICD_TYPER = 4, GICD_IGROUPR = 0x80, GICD_ISENABLER = 0x100, GICD_ICENABLER = 0x180,
       GICD_ICPENDR = 0x280, GICD_IPRIORITYR = 0x400, GICD_ICFGR = 0xc00, GICD_IROUTER = 0x6000 };
enum { CTLR_G1 = 1, CTLR_G1A = 2, CTLR_ARE = 16 };
#define CTLR_RWP (1u << 31)
enum { GICR_CTLR = 0, GICR_TYPER = 8, GICR_WAKER = 0x14, GICR_SGI = 0x10000 };

static struct gic_ops gicv3;
static struct port_lock cfg_lock;
static int node;
static uint64_t stride;

static void wait_rwp(uint64_t ctlr, uint32_t bit)
{
	while (mmio32(ctlr) & bit)
		hal_cpu_relax();
}

/* TYPER's affinity value as MPIDR has it. */
static uint64_t affinity(uint64_t typer)
{
	uint64_t a = typer >> 32;
	return (a & 0xffffff) | (a >> 24) << 32;
}

static uint64_t find_redistributor(uint64_t mpidr)
{
	uint64_t pa, size, typer;
	for (unsigned region = 1; fdt_reg(&boot_fdt, node, region, &pa, &size) == 0; region++) {
		uint64_t regions = 1;
		fdt_number(&boot_fdt, node, "#redistributor-regions", &regions);
		if (region > regions)
			break;
		uint64_t at = (uintptr_t)mmu_device(pa, size), end = at + size;
		for (; at && at < end; at += stride ? stride : typer & 2 ? 0x40000 : 0x20000) {
			typer = mmio64(at + GICR_TYPER);
			if (affinity(typer) == mpidr)
				return at;
			if (typer & 16)		/* Last */
				break;
		}
	}
	return 0;
}

static void v3_cpu_init(void)
{
	struct percpu *c = percpu();
	uint64_t r = c->gicr = find_redistributor(c->mpidr);
	if (!r)
		boot_fail("a CPU without a GIC redistributor");
	mmio_put32(r + GICR_WAKER, mmio32(r + GICR_WAKER) & ~2u);
	while (mmio32(r + GICR_WAKER) & 4)
		hal_cpu_relax();
	uint64_t s = r + GICR_SGI;
	mmio_put32(s + GICD_IGROUPR, 0xffffffff);
	mmio_put32(s + GICD_ICENABLER, 0xffffffff);
	wait_rwp(r + GICR_CTLR, 8);
	for (unsigned i = 0; i < 32; i += 4)
		mmio_put32(s + GICD_IPRIORITYR + i, 0xa0a0a0a0);
	mmio_put32(s + GICD_ISENABLER, 1u << GIC_IPI);
	sysreg_write(S3_0_C12_C12_5, sysreg_read(S3_0_C12_C12_5) | 1);	/* ICC_SRE_EL1.SRE */
	isb();
	sysreg_write(S3_0_C4_C6_0, 0xf0);	/* ICC_PMR_EL1 */
	sysreg_write(S3_0_C12_C12_3, 0);	/* ICC_BPR1_EL1 */
	sysreg_write(S3_0_C12_C12_4, 0);	/* ICC_CTLR_EL1: EOI also deactivates */
	sysreg_write(S3_0_C12_C12_7, 1);	/* ICC_IGRPEN1_EL1 */
	isb();
}

static uint32_t v3_ack(void)
{
	uint32_t v = (uint32_t)sysreg_read(S3_0_C12_C12_0);	/* ICC_IAR1_EL1 */
	dsb(sy);
	return v;
}

static void v3_eoi(uint32_t irq)
{
	sysreg_write(S3_0_C12_C12_1, irq);	/* ICC_EOIR1_EL1 */
	isb();
}

static void v3_send(unsigned cpu)
{
	uint64_t a = percpus[cpu].mpidr;
	/* ICC_SGI1R_EL1: Aff3, RS, Aff2, INTID, Aff1, one bit of the 16 targets */
	sysreg_write(S3_0_C12_C11_5, (a >> 32 & 0xff) << 48 | (a >> 4 & 15) << 44 | (a >> 16 & 0xff) << 32 |
		(uint64_t)GIC_IPI << 24 | (a >> 8 & 0xff) << 16 | (uint64_t)1 << (a & 15));
}

static uint64_t frame_of(unsigned irq) { return irq < 32 ? percpu()->gicr + GICR_SGI : gicd; }

static void v3_mask(unsigned irq)
{
	mmio_put32(frame_of(irq) + GICD_ICENABLER + irq / 32 * 4, 1u << (irq % 32));
	if (irq >= 32)
		wait_rwp(gicd + GICD_CTLR, CTLR_RWP);
}

static void v3_unmask(unsigned irq)
{
	mmio_put32(frame_of(irq) + GICD_ISENABLER + irq / 32 * 4, 1u << (irq % 32));
}

static void v3_configure(unsigned irq, bool edge)
{
	uint64_t reg = gicd + GICD_ICFGR + irq / 16 * 4;
	uint32_t bit = 2u << (irq % 16 * 2);
	unsigned long flags = port_lock(&cfg_lock);
	mmio_put32(reg, edge ? mmio32(reg) | bit : mmio32(reg) & ~bit);
	port_unlock(&cfg_lock, flags);
}

static void v3_route(unsigned irq, unsigned cpu) { mmio_put64(gicd + GICD_IROUTER + 8 * irq, percpus[cpu].mpidr); }

const struct gic_ops *gicv3_probe(void)
{
	uint64_t pa, size;
	node = fdt_find(&boot_fdt, FDT_NONE, "arm,gic-v3");
	if (node == FDT_NONE || fdt_reg(&boot_fdt, node, 0, &pa, &size) || !(gicd = (uintptr_t)mmu_device(pa, size)))
		return NULL;
	fdt_number(&boot_fdt, node, "redistributor-stride", &stride);
	gicv3.irqs = MIN(((mmio32(gicd + GICD_TYPER) & 31) + 1) * 32, 1020u);
	mmio_put32(gicd + GICD_CTLR, 0);
	wait_rwp(gicd + GICD_CTLR, CTLR_RWP);
	for (unsigned i = 32; i < gicv3.irqs; i += 32) {
		mmio_put32(gicd + GICD_IGROUPR + i / 8, 0xffffffff);
		mmio_put32(gicd + GICD_ICENABLER + i / 8, 0xffffffff);
		mmio_put32(gicd + GICD_ICPENDR + i / 8, 0xffffffff);
	}
	for (unsigned i = 32; i < gicv3.irqs; i += 4)
		mmio_put32(gicd + GICD_IPRIORITYR + i, 0xa0a0a0a0);
	wait_rwp(gicd + GICD_CTLR, CTLR_RWP);
	mmio_put32(gicd + GICD_CTLR, CTLR_ARE | CTLR_G1A | CTLR_G1);
	wait_rwp(gicd + GICD_CTLR, CTLR_RWP);
	for (unsigned i = 32; i < gicv3.irqs; i++)
		mmio_put64(gicd + GICD_IROUTER + 8 * i, percpus[0].mpidr);
	return &gicv3;
}

static struct gic_ops gicv3 = { .cpu_init = v3_cpu_init, .ack = v3_ack, .eoi = v3_eoi, .send = v3_send,
	.mask = v3_mask, .unmask = v3_unmask, .configure = v3_configure, .route = v3_route, .lpis = true };
