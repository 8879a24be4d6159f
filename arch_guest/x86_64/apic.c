/* SPDX-License-Identifier: MIT */
/*
 * Interrupts (SDM 3A chapter 11; 82093AA data sheet for the I/O APIC).
 *
 * Interrupt numbers: a line of an I/O APIC has its global number (GSI);
 * message-signalled ones start at MSI_BASE.  A number gets a vector when it is
 * first used; a vector means the same on every CPU.  So where a line goes is
 * nothing but a destination, in the I/O APIC's entry or in the message.
 *
 * An interrupt is acknowledged before its upcall, which may switch threads.  A
 * level-triggered line that is still high then pends once more, behind the
 * handler that quiets it: its handler is called once too often, which costs
 * less than masking and unmasking at the I/O APIC.
 *
 * The two 8259s are masked for good.
 */
#include <kernel/errno.h>
#include <kernel/string.h>
#include "acpi.h"
#include "apic.h"
#include "cpu.h"
#include "machine.h"

enum { IOAPICS = 8, IOAPIC_ALIGN = 256, LINES = 240, MSI_BASE = 256, MSR_APIC_BASE = 0x1b, MSR_X2APIC = 0x800 };
enum { REDIR_LEVEL = 1 << 15, REDIR_LOW = 1 << 13, REDIR_MASKED = 1 << 16 };

static struct ioapic { volatile uint32_t *regs; unsigned base, lines; } ioapics[IOAPICS];
static unsigned ioapic_count;
static volatile uint32_t *lapic;
static bool x2apic;
static unsigned apic_ids[HAL_CPUS], cpu_count;
static struct { uint16_t gsi, flags; bool set; } isa[16];

static struct leaf_lock lock;
static uint16_t vector_irq[256];	/* [lock] 0: free (number 0 has irq_plus_one 1) */
static uint8_t line_vector[LINES];	/* [lock] 0: none yet */
static uint8_t line_flags[LINES];	/* [I] once unmasked */
static uint8_t line_cpu[LINES], vector_cpu[256];	/* [lock] where it goes; of MSIs by vector */
enum { LINE_LEVEL = 1, LINE_LOW = 2 };

uint32_t apic_read(unsigned reg)
{
	return x2apic ? (uint32_t)rdmsr(MSR_X2APIC + (reg >> 4)) : lapic[reg / 4];
}

void apic_write(unsigned reg, uint32_t v)
{
	if (x2apic)
		wrmsr(MSR_X2APIC + (reg >> 4), v);
	else
		lapic[reg / 4] = v;
}

void apic_send(unsigned apic_id, uint32_t command)
{
	unsigned long f;

	if (x2apic) {
		__asm__ volatile("mfence; lfence" : : : "memory");
		wrmsr(MSR_X2APIC + (APIC_ICR >> 4), (uint64_t)apic_id << 32 | command);
		return;
	}
	f = flags_save_cli();
	while (lapic[APIC_ICR / 4] & 1 << 12)	/* the last one is on its way */
		cpu_pause();
	lapic[APIC_ICR / 4 + 4] = apic_id << 24;
	lapic[APIC_ICR / 4] = command;
	flags_restore(f);
}

unsigned apic_id_of(unsigned cpu) { return apic_ids[cpu]; }
unsigned irq_of_isa(unsigned n) { return n < 16 && isa[n].set ? isa[n].gsi : n; }

static uint32_t ioapic_read(struct ioapic *io, unsigned reg)
{
	io->regs[0] = reg;
	return io->regs[4];
}

static void ioapic_write(struct ioapic *io, unsigned reg, uint32_t v)
{
	io->regs[0] = reg;
	io->regs[4] = v;
}

static struct ioapic *ioapic_of(unsigned irq)
{
	for (unsigned i = 0; i < ioapic_count; i++)
		if (irq >= ioapics[i].base && irq < ioapics[i].base + ioapics[i].lines && irq < LINES)
			return &ioapics[i];
	return NULL;
}

static void ioapic_add(paddr_t pa, unsigned base)
{
	struct ioapic *io = &ioapics[ioapic_count];

	if (ioapic_count == IOAPICS || pa & (IOAPIC_ALIGN - 1))	/* where none can be */
		return;
	io->regs = mmio_map(pa);
	if (!io->regs)
		return;
	io->base = base;
	io->lines = (ioapic_read(io, 1) >> 16 & 0xff) + 1;
	for (unsigned i = 0; i < io->lines; i++)
		ioapic_write(io, 0x10 + 2 * i, REDIR_MASKED);
	ioapic_count++;
}

void irq_set_level(unsigned irq, bool level)
{
	if (irq < LINES)
		line_flags[irq] = level ? LINE_LEVEL : 0;
}

static void cpu_add(unsigned id, unsigned boot_id)
{
	if (id == boot_id || cpu_count >= HAL_CPUS)
		return;		/* the boot CPU is number 0 already */
	apic_ids[cpu_count++] = id;
}

static void read_madt(const uint8_t *m, uint32_t len, unsigned boot_id)
{
	for (uint32_t off = 44; off + 2 <= len && m[off + 1] >= 2 && off + m[off + 1] <= len; off += m[off + 1]) {
		static const uint8_t needs[] = { [0] = 8, [1] = 12, [2] = 10, [9] = 16 };
		const uint8_t *e = m + off;
		uint32_t w4, w8, gsi;

		if (e[0] >= sizeof(needs) || !needs[e[0]] || e[1] < needs[e[0]])
			continue;
		memcpy(&w4, e + 4, 4);
		switch (e[0]) {
		case 0:		/* local APIC */
			if (w4 & 1)
				cpu_add(e[3], boot_id);
			break;
		case 1:		/* I/O APIC */
			memcpy(&gsi, e + 8, 4);
			ioapic_add(w4, gsi);
			break;
		case 2:		/* interrupt source override */
			if (e[3] < 16 && w4 < LINES) {
				uint16_t flags = (uint16_t)(e[8] | e[9] << 8);

				isa[e[3]].set = true;
				isa[e[3]].gsi = (uint16_t)w4;
				line_flags[w4] = (uint8_t)(((flags >> 2 & 3) == 3 ? LINE_LEVEL : 0) | ((flags & 3) == 3 ? LINE_LOW : 0));
			}
			break;
		case 9:		/* local x2APIC */
			memcpy(&w8, e + 8, 4);
			if (w8 & 1 && (x2apic || w4 < 255))
				cpu_add(w4, boot_id);
			break;
		default:
			break;
		}
	}
}

void apic_cpu_init(void)
{
	uint64_t base = rdmsr(MSR_APIC_BASE);

	wrmsr(MSR_APIC_BASE, base | 1 << 11 | (x2apic ? 1 << 10 : 0));
	apic_write(APIC_LVT_LINT0, APIC_MASKED);
	apic_write(APIC_LVT_LINT1, 4 << 8);	/* NMI */
	apic_write(APIC_LVT_ERROR, APIC_MASKED);
	apic_write(APIC_LVT_TIMER, APIC_MASKED);
	apic_write(APIC_SVR, 1 << 8 | VEC_SPURIOUS);
}

unsigned apic_init(void)
{
	const struct acpi_header *madt = acpi_find("APIC", 0);
	unsigned boot_id;

	/* The 8259s: initialized to harmless vectors, and masked. */
	outb(0x20, 0x11);
	outb(0xa0, 0x11);
	outb(0x21, 0x20);
	outb(0xa1, 0x28);
	outb(0x21, 4);
	outb(0xa1, 2);
	outb(0x21, 1);
	outb(0xa1, 1);
	outb(0x21, 0xff);
	outb(0xa1, 0xff);

	x2apic = cpu_features.x2apic;
	lapic = mmio_map(rdmsr(MSR_APIC_BASE) & PTE_ADDR);
	apic_cpu_init();
	boot_id = x2apic ? apic_read(APIC_ID) : apic_read(APIC_ID) >> 24;
	apic_ids[0] = boot_id;
	cpu_table[0]->apic_id = boot_id;
	cpu_count = 1;
	for (unsigned i = 16; i < LINES; i++)
		line_flags[i] = LINE_LEVEL | LINE_LOW;	/* PCI */
	if (madt)
		read_madt((const uint8_t *)madt, madt->length, boot_id);
	else
		ioapic_add(0xfec00000, 0);
	return cpu_count;
}

/* ---- vectors ---- */

static unsigned vector_alloc(unsigned irq)
{
	for (unsigned v = VEC_DEVICE; v < VEC_DEVICE_END; v++)
		if (!vector_irq[v]) {
			vector_irq[v] = (uint16_t)(irq + 1);
			return v;
		}
	return 0;
}

int hal_irq_unmask(unsigned irq)
{
	struct ioapic *io;
	unsigned long f;
	unsigned v;

	if (irq >= MSI_BASE)
		return irq < MSI_BASE + 256 ? 0 : -EINVAL;
	io = ioapic_of(irq);
	if (!io)
		return -EINVAL;
	f = leaf_lock(&lock);
	v = line_vector[irq];
	if (!v)
		v = line_vector[irq] = (uint8_t)vector_alloc(irq);
	if (v) {
		ioapic_write(io, 0x11 + 2 * (irq - io->base), apic_ids[line_cpu[irq]] << 24);
		ioapic_write(io, 0x10 + 2 * (irq - io->base), v | (line_flags[irq] & LINE_LEVEL ? REDIR_LEVEL : 0) |
			     (line_flags[irq] & LINE_LOW ? REDIR_LOW : 0));
	}
	leaf_unlock(&lock, f);
	return v ? 0 : -EINVAL;
}

void hal_irq_mask(unsigned irq)
{
	struct ioapic *io = ioapic_of(irq);
	unsigned long f;

	if (!io)
		return;
	f = leaf_lock(&lock);
	ioapic_write(io, 0x10 + 2 * (irq - io->base), ioapic_read(io, 0x10 + 2 * (irq - io->base)) | REDIR_MASKED);
	leaf_unlock(&lock, f);
}

int hal_msi_alloc(unsigned bdf, unsigned *irq, uint64_t *addr, uint32_t *data)
{
	unsigned long f;
	unsigned v;

	if (apic_ids[0] > 255)
		return -ENOTSUP;
	f = leaf_lock(&lock);
	v = vector_alloc(0);
	if (v) {
		vector_irq[v] = (uint16_t)(MSI_BASE + v + 1);
		vector_cpu[v] = 0;
	}
	leaf_unlock(&lock, f);
	if (!v)
		return -ENOSPC;
	*irq = MSI_BASE + v;
	return hal_msi_message(*irq, addr, data);
}

int hal_msi_message(unsigned irq, uint64_t *addr, uint32_t *data)
{
	unsigned v = irq - MSI_BASE;

	if (v >= 256 || READ_ONCE(vector_irq[v]) != irq + 1)
		return -EINVAL;
	*addr = 0xfee00000 | apic_ids[READ_ONCE(vector_cpu[v])] << 12;
	*data = v;
	return 0;
}

int hal_irq_route(unsigned irq, unsigned cpu)
{
	struct ioapic *io = ioapic_of(irq);
	unsigned long f;
	int err = 0;

	/* Eight bits for the destination, in both kinds. */
	if (cpu >= cpu_count || !cpu_table[cpu] || apic_ids[cpu] > 255)
		return -EINVAL;
	f = leaf_lock(&lock);
	if (irq - MSI_BASE < 256 && vector_irq[irq - MSI_BASE] == irq + 1) {
		WRITE_ONCE(vector_cpu[irq - MSI_BASE], (uint8_t)cpu);
	} else if (io) {
		line_cpu[irq] = (uint8_t)cpu;
		ioapic_write(io, 0x11 + 2 * (irq - io->base), apic_ids[cpu] << 24);
	} else {
		err = -EINVAL;
	}
	leaf_unlock(&lock, f);
	return err;
}

void hal_msi_free(unsigned irq)
{
	unsigned long f = leaf_lock(&lock);

	if (irq >= MSI_BASE && irq < MSI_BASE + 256)
		vector_irq[irq - MSI_BASE] = 0;
	leaf_unlock(&lock, f);
}

void irq_dispatch(unsigned vector)
{
	unsigned n;

	if (vector == VEC_SPURIOUS || vector < VEC_DEVICE)
		return;		/* from the LAPIC or an 8259: nothing to acknowledge */
	apic_write(APIC_EOI, 0);
	switch (vector) {
	case VEC_TIMER:
		if (timer_due())
			kernel_timer();
		break;
	case VEC_IPI:
		kernel_ipi();
		break;
	case VEC_TLB:
		tlb_catch_up(pcpu());
		break;
	default:
		n = __atomic_load_n(&vector_irq[vector], __ATOMIC_RELAXED);
		if (n)
			kernel_irq(n - 1);
		break;
	}
}

void hal_cpu_ipi(unsigned cpu) { apic_send(apic_ids[cpu], VEC_IPI | APIC_ASSERT); }
