/* SPDX-License-Identifier: MIT */
/* This CPU's machine-level data (%gs points to it in the kernel), and what the CPUs can do. */
#ifndef X86_CPU_H
#define X86_CPU_H
#include <hal/hal.h>
#include <kernel/compiler.h>
#include "insn.h"
#include "layout.h"

struct PACKED tss {
	uint32_t reserved0;
	uint64_t rsp[3];
	uint64_t reserved1;
	uint64_t ist[7];
	uint64_t reserved2;
	uint16_t reserved3, iomap;
};

enum { CPU_SPACES = 8 };	/* address spaces that a CPU keeps translations of */
struct pcpu {
	struct pcpu *self;	/* [I] */
	struct cpu *kernel;	/* [I] the kernel's per-CPU data */
	uint64_t ksp;		/* [o] kernel stack pointer while user code runs */
	uint64_t scratch;	/* [o] the user's rsp, for some instructions of the system-call entry */
	struct task *current;	/* [o] hal_current() */
	struct PACKED {
		uint32_t align_;
		struct tss tss;	/* rsp[0] is the end of the running thread's register frame, see trap.S */
	};
	unsigned id, apic_id;	/* [I] */
	uint64_t gdt[10];	/* [I] */
	bool online;		/* [a] */

	struct hal_as *as;	/* [o] address space whose tables are loaded, or NULL */
	struct hal_as *user_as;	/* [a] whose user code runs */
	bool as_lazy;		/* [o] but a kernel thread runs, which does not use it */
	uint64_t as_seen;	/* [a] its changes up to this generation are in our TLB */
	struct { uint64_t id, seen; } as_slots[CPU_SPACES];	/* [o] what this CPU's TLB has of spaces that it left: aspace.c */
	unsigned as_slot, as_next;	/* [o] whose the loaded tables are; the one to be reused next */

	struct hal_uctx *fpu_owner;	/* [o] whose FP state the registers hold */
	struct hal_uctx *seg_owner;	/* [o] whose segment bases are loaded */
	uint64_t live_fs_base, live_gs_base;	/* [o] what was loaded for seg_owner */
};

static inline struct pcpu *pcpu(void)
{
	struct pcpu *c;

	__asm__ volatile("movq %%gs:0, %0" : "=r"(c));
	return c;
}
extern struct pcpu *cpu_table[HAL_CPUS];	/* NULL: not started */

extern struct cpu_features {
	bool nx, gib_pages, pge, smep, smap, umip, fsgsbase, pcid, xsave, x2apic, tsc_deadline, rdrand, rdseed;
	bool invariant_tsc, hypervisor, erms;
	unsigned phys_bits;
	uint32_t max_leaf, leaf1_edx;
	uint64_t xcr0;
	unsigned fpu_size;
} cpu_features;

void cpu_features_init(void);
void cpu_stac_init(void);		/* stac and clac become nops where there is no SMAP */
/* In a block of CPU_BLOCK bytes, aligned to its size. */
struct pcpu *cpu_prepare(void *block, unsigned id, unsigned apic_id);
void cpu_load(struct pcpu *c);		/* on that CPU: segments, control registers, MSRs */
void trap_init(void);

/* ---- kernel page tables (paging.c) ---- */
extern uint64_t *kernel_pml4;
enum {
	PTE_P = 1, PTE_W = 2, PTE_U = 4, PTE_PWT = 8, PTE_PCD = 16, PTE_A = 32, PTE_D = 64, PTE_LARGE = 128, PTE_G = 256,
};
#define PTE_NX		((uint64_t)1 << 63)
#define PTE_ADDR	0x000ffffffffff000
void paging_init(void);
uint64_t pte_nx(void);			/* PTE_NX, or 0 on a CPU without */
void *mmio_map(paddr_t pa);		/* NULL: outside the direct map's window */

/* ---- boot ---- */
_Noreturn void boot_fail(const char *why);	/* before the kernel runs: message, power off with status 1 */
paddr_t boot_page(void);		/* a zeroed page, while booting */
bool boot_is_ram(paddr_t base, paddr_t end, bool *mixed);

/* ---- traps and interrupts ---- */
enum {
	VEC_DEVICE = 0x30, VEC_DEVICE_END = 0xf0,
	VEC_TIMER = 0xf0, VEC_IPI = 0xf1, VEC_TLB = 0xf2, VEC_SPURIOUS = 0xff,
};
/* Registers as pushed by trap.S on the kernel's stack. */
struct kframe {
	uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi, error;
	uint64_t rip, cs, rflags, rsp, ss;
};
void irq_dispatch(unsigned vector) REQUIRES(irqs_off);
void tlb_catch_up(struct pcpu *c);	/* interrupts off */
void fpu_cpu_init(void);
void fpu_init(void);
#endif
