/* SPDX-License-Identifier: MIT */
/*
 * Interrupts: what GICv2 and GICv3 have in common, and message-signalled ones.
 *
 * An interrupt number is the GIC's INTID.  A shared line goes to one CPU's
 * interface at a time, so the order "acknowledge, end, deliver with interrupts
 * off" is right for level-triggered lines as well: the line is pending again
 * after the end, but nobody else takes it (unless it is being moved: handlers
 * stand that), and when the handler has quieted the device it is not pending any more.  Nothing is left to do after the upcall,
 * which may not return for a long time (it may switch threads).
 *
 * MSIs: a GICv2m frame (a register that turns a write into a shared
 * interrupt), which machines with either GIC may have, or GICv3's ITS.
 */
#include <kernel/errno.h>
#include "aarch64/port.h"

uint64_t gicd;
static const struct gic_ops *ops;

void gic_init(void)
{
	ops = gicv3_probe();
	if (!ops)
		ops = gicv2_probe();
	if (!ops)
		boot_fail("no interrupt controller");
	ops->cpu_init();
}

void gic_cpu_init(void) { ops->cpu_init(); }

void gic_handle(void) NO_TSA
{
	uint32_t raw = ops->ack();
	unsigned irq = raw & 0xffffff;
	if (!ops->lpis)
		irq &= 0x3ff;		/* GICv2: bits 12:10 say who sent it */
	if (irq >= 1020 && irq < 8192)
		return;
	if (irq == GIC_IPI) {
		ops->eoi(raw);
		kernel_ipi();
	} else if (timer_interrupt(irq)) {
		ops->eoi(raw);
		kernel_timer();
	} else {
		ops->eoi(raw);
		kernel_irq(irq);
	}
}

/* Interrupt specifiers: type (0 shared, 1 private), number, flags (1 and 2 edge, 4 and 8 level). */
int gic_from_dt(const struct fdt_irq *s, unsigned *irq)
{
	if (s->cells < 3 || s->spec[0] > 1)
		return -EINVAL;
	unsigned n = s->spec[1] + (s->spec[0] ? 16 : 32);
	if (n >= ops->irqs)
		return -EINVAL;
	if (n >= 32)
		ops->configure(n, s->spec[2] & 3);
	*irq = n;
	return 0;
}

void gic_configure(unsigned irq, bool edge) { ops->configure(irq, edge); }
void gic_unmask_ppi(unsigned irq) { ops->unmask(irq); }

int hal_irq_unmask(unsigned irq)
{
	if (irq >= 8192)
		return its_set_enabled(irq, true);
	if (irq < 32 || irq >= ops->irqs)
		return -EINVAL;
	ops->unmask(irq);
	return 0;
}

void hal_irq_mask(unsigned irq)
{
	if (irq >= 8192)
		(void)its_set_enabled(irq, false);
	else if (irq >= 32 && irq < ops->irqs)
		ops->mask(irq);
}

int hal_irq_route(unsigned irq, unsigned cpu)
{
	if (cpu >= HAL_CPUS || !load_acquire(&percpus[cpu].online))
		return -EINVAL;
	if (irq >= 8192)
		return its_route(irq, cpu);
	if (irq < 32 || irq >= ops->irqs)
		return -EINVAL;
	ops->route(irq, cpu);
	return 0;
}

void hal_cpu_ipi(unsigned cpu)
{
	dsb(ishst);	/* what the other side is to see */
	ops->send(cpu);
	isb();
}

/* ---- GICv2m ---- */

enum { V2M_TYPER = 0x008, V2M_SETSPI = 0x040, V2M_MAX = 1024 };
static struct port_lock msi_lock;
static unsigned msi_first, msi_count;		/* [I] */
static uint64_t msi_used[V2M_MAX / 64];		/* [msi_lock] */
static paddr_t msi_doorbell;			/* [I] */

void msi_init(void)
{
	uint64_t pa, size, v;
	int node = fdt_find(&boot_fdt, FDT_NONE, "arm,gic-v2m-frame");
	if (node == FDT_NONE || fdt_reg(&boot_fdt, node, 0, &pa, &size))
		return;
	void *frame = mmu_device(pa, size);
	if (!frame)
		return;
	uint32_t typer = mmio32((uintptr_t)frame + V2M_TYPER);
	msi_first = typer >> 16 & 0x3ff;
	msi_count = typer & 0x3ff;
	if (fdt_number(&boot_fdt, node, "arm,msi-base-spi", &v))
		msi_first = (unsigned)v;
	if (fdt_number(&boot_fdt, node, "arm,msi-num-spis", &v))
		msi_count = (unsigned)v;
	if (msi_first < 32 || msi_first + msi_count > ops->irqs)
		msi_count = 0;
	msi_doorbell = pa + V2M_SETSPI;
	for (unsigned i = 0; i < msi_count; i++)
		ops->configure(msi_first + i, true);
}

int hal_msi_alloc(unsigned bdf, unsigned *irq, uint64_t *addr, uint32_t *data)
{
	int err = -ENOSPC;
	if (!msi_count)
		return ops->lpis ? its_alloc(bdf, irq, addr, data) : -ENOTSUP;
	unsigned long flags = port_lock(&msi_lock);
	for (unsigned i = 0; i < msi_count; i++)
		if (!(msi_used[i / 64] >> (i % 64) & 1)) {
			msi_used[i / 64] |= (uint64_t)1 << (i % 64);
			*irq = msi_first + i;
			*addr = msi_doorbell;
			*data = *irq;
			err = 0;
			break;
		}
	port_unlock(&msi_lock, flags);
	return err;
}

int hal_msi_message(unsigned irq, uint64_t *addr, uint32_t *data)
{
	if (irq >= 8192)
		return its_message(irq, addr, data);
	if (irq - msi_first >= msi_count)
		return -EINVAL;
	*addr = msi_doorbell;
	*data = irq;
	return 0;
}

void hal_msi_free(unsigned irq)
{
	unsigned i = irq - msi_first;
	if (irq >= 8192)
		its_free(irq);
	if (i >= msi_count)
		return;
	hal_irq_mask(irq);
	unsigned long flags = port_lock(&msi_lock);
	msi_used[i / 64] &= ~((uint64_t)1 << (i % 64));
	port_unlock(&msi_lock, flags);
}
