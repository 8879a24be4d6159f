/* SPDX-License-Identifier: MIT */
/* What the files of this port share. */
#ifndef AARCH64_PORT_H
#define AARCH64_PORT_H
#include <hal/hal.h>
#include <abi/regs.h>
#include <kernel/compiler.h>
#include "common/fdt.h"
#include "aarch64/layout.h"

#define sysreg_read(r) ({ uint64_t v_; __asm__ volatile("mrs %0, " #r : "=r"(v_)); v_; })
#define sysreg_write(r, v) __asm__ volatile("msr " #r ", %0" : : "r"((uint64_t)(v)) : "memory")
#define isb() __asm__ volatile("isb" : : : "memory")
#define dsb(o) __asm__ volatile("dsb " #o : : : "memory")

/* A processor, found through TPIDR_EL1. */
struct percpu {
	struct cpu *self;		/* the kernel's, hal_cpu_set_self() */
	void *emergency_top;		/* stack for "the kernel stack overflowed" */
	unsigned index;
	uint64_t mpidr;			/* [I] affinity fields */
	struct hal_uctx *fp_owner;	/* whose V registers are in the CPU, if its fp_cpu agrees */
	struct hal_as *as;		/* active */
	struct hal_as *user_as;		/* [a] whose user code runs */
	uint64_t asid_active, asid_reserved;	/* see asid.c */
	bool asid_flush;
	uint8_t gic_target;		/* GICv2: this CPU's bit */
	uint64_t gicr;			/* GICv3: redistributor, virtual address */
	bool online;			/* [a] */
};
extern struct percpu percpus[HAL_CPUS];
static inline struct percpu *percpu(void) { return (struct percpu *)sysreg_read(tpidr_el1); }

/* A leaf lock of the port: held for a few instructions, interrupts off, no other lock inside. */
struct CAPABILITY("port lock") port_lock { unsigned next, owner; };
static inline unsigned long port_lock(struct port_lock *l) NO_TSA
{
	unsigned long flags = hal_irq_save();
	unsigned me = __atomic_fetch_add(&l->next, 1, __ATOMIC_RELAXED);
	while (load_acquire(&l->owner) != me)
		__asm__ volatile("yield");
	return flags;
}
static inline void port_unlock(struct port_lock *l, unsigned long flags) NO_TSA
{
	store_release(&l->owner, l->owner + 1);
	hal_irq_restore(flags);
}

/* ---- registers of an interrupted kernel, on its stack ---- */
struct kframe { uint64_t x[31], sp, pc, pstate, record[2]; };

/* ---- boot.c ---- */
extern struct fdt boot_fdt;
extern uint64_t kernel_phys;	/* where the image was loaded */
_Noreturn void boot_fail(const char *why);
/* Zeroed pages before there is an allocator, then page_alloc().  NULL: no memory. */
void *boot_page(void);
bool boot_word(const char *word);	/* is it on the command line, before " -- "? */

/* ---- mmu.c ---- */
enum { MAP_RW, MAP_RO, MAP_RX, MAP_DEVICE, MAP_NC };
void mmu_init(void);
int mmu_map(uint64_t va, paddr_t pa, uint64_t size, int kind);
void mmu_unmap(uint64_t va, uint64_t size);	/* pages; the caller owns the range */
void *mmu_device(paddr_t pa, uint64_t size);	/* NULL: cannot */
void mmu_direct_map(paddr_t pa, uint64_t size);
void mmu_final(void);				/* leave the boot tables */
bool mmu_readable(uint64_t va);			/* by the kernel, now */
extern uint64_t swapper_pgd[512], idmap_pgd[512], empty_pgd[512];

/* ---- cpufeat.c ---- */
struct cpu_features { bool pan, hafdbs, rng, dit, ssbs, idc, dic; unsigned asid_bits; unsigned pa_bits; };
extern struct cpu_features cpu_features;
void cpufeat_init(void);
void cpufeat_cpu_init(void);			/* control registers of this CPU */
bool cpufeat_emulate(uint32_t insn, struct abi_regs *r);
uint64_t cpufeat_tcr(void);

/* ---- gic.c ---- */
void gic_init(void);
void gic_cpu_init(void);
void gic_handle(void);				/* acknowledge and deliver what is pending */
int gic_from_dt(const struct fdt_irq *spec, unsigned *irq);	/* configures the trigger too */
void gic_configure(unsigned irq, bool edge);
void gic_unmask_ppi(unsigned irq);
struct gic_ops {
	void (*cpu_init)(void);
	uint32_t (*ack)(void);
	void (*eoi)(uint32_t irq);
	void (*send)(unsigned cpu);
	void (*mask)(unsigned irq);
	void (*unmask)(unsigned irq);
	void (*configure)(unsigned irq, bool edge);
	void (*route)(unsigned irq, unsigned cpu);
	unsigned irqs;				/* INTIDs below this exist */
	bool lpis;				/* and there may be some from 8192 up */
};
enum { GIC_SPURIOUS = 1020, GIC_IPI = 0 };
extern uint64_t gicd;				/* distributor, virtual address */
const struct gic_ops *gicv2_probe(void);
const struct gic_ops *gicv3_probe(void);
void msi_init(void);
/* gicv3_its.c: as hal_msi_*, hal_irq_*. */
int its_alloc(unsigned bdf, unsigned *irq, uint64_t *addr, uint32_t *data);
void its_free(unsigned irq);
int its_set_enabled(unsigned irq, bool on);
int its_message(unsigned irq, uint64_t *addr, uint32_t *data);
int its_route(unsigned irq, unsigned cpu);

/* ---- the rest ---- */
void timer_init(void);
void timer_cpu_init(void);
bool timer_interrupt(unsigned irq);		/* was it ours? */
uint64_t timer_ticks(void);
void psci_init(void);
int64_t psci_cpu_on(uint64_t mpidr, paddr_t entry, uint64_t context);
void smp_init(void);				/* count the CPUs of the device tree */
void console_init(void);
void rtc_init(void);
void pci_host_init(void);
void asid_init(void);
void asid_switch(struct hal_as *as) REQUIRES(irqs_off);
void kstack_init(void);
int user_fixup(struct kframe *f);		/* a fault in a user copy? */

/* ---- assembly ---- */
extern char _text[], _etext[], _rodata[], _erodata[], _data[], _end[];
extern char vectors[], secondary_entry[], boot_stack[], boot_stack_top[];
unsigned user_enter(struct hal_uctx *u);
void fp_save(void *state);
void fp_load(const void *state);
size_t user_copy_in(void *dst, uaddr_t src, size_t n);
size_t user_copy_out(uaddr_t dst, const void *src, size_t n);
bool user_read32(uaddr_t src, uint32_t *out);

/* Device registers, by virtual address. */
static inline uint32_t mmio32(uint64_t va)
{
	uint32_t v;
	__asm__ volatile("ldr %w0, [%1]" : "=r"(v) : "r"(va) : "memory");
	return v;
}
static inline uint64_t mmio64(uint64_t va)
{
	uint64_t v;
	__asm__ volatile("ldr %0, [%1]" : "=r"(v) : "r"(va) : "memory");
	return v;
}
static inline void mmio_put32(uint64_t va, uint32_t v)
{
	__asm__ volatile("str %w0, [%1]" : : "r"(v), "r"(va) : "memory");
}
static inline void mmio_put64(uint64_t va, uint64_t v)
{
	__asm__ volatile("str %0, [%1]" : : "r"(v), "r"(va) : "memory");
}
#endif
