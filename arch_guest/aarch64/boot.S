/* SPDX-License-Identifier: MIT */
/*
 * From the boot loader (or PSCI CPU_ON) to C.
 *
 * Protocol: Linux's Documentation/arch/arm64/booting.rst.  The image is loaded
 * at any 2 MiB boundary, MMU and caches off, x0 = device tree, EL2 or EL1.
 * Until `1f` below everything runs at the load address: only pc-relative
 * addresses.  The first page tables: the image and the rest of its last 2 MiB
 * at KERNEL_BASE (TTBR1), the device tree's 4 MiB at FDT_BASE, and this code's
 * own 2 MiB at its physical address (TTBR0) for the instant of the switch.
 * They are written with the caches off: stale lines are invalidated after.
 */
#include "aarch64/layout.h"

#define BLOCK_NORMAL 0x705	/* valid, AF, inner shareable, MAIR 1, block */
#define TABLE 3
#define PXN_UXN (3 << 53)

	.section .head.text, "ax"
	.global _start
_start:
	b	primary
	.long	0
	.quad	0			/* text_offset */
	.quad	_image_size
	.quad	0xa			/* little-endian, 4 KiB pages, anywhere in memory */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0

primary:
	mov	x20, x0			/* device tree */
	bl	to_el1
	/* The boot tables: cleared here, they are in .bss. */
	adrp	x0, boot_tables
	adrp	x1, boot_tables_end
1:	stp	xzr, xzr, [x0], #16
	cmp	x0, x1
	b.lo	1b

	/* TTBR1: boot_pgd[511] -> boot_l1; boot_l1[510] -> boot_l2 (KERNEL_BASE) */
	adrp	x0, boot_pgd
	adrp	x1, boot_l1
	orr	x2, x1, #TABLE
	str	x2, [x0, #511 * 8]
	adrp	x3, boot_l2
	orr	x2, x3, #TABLE
	str	x2, [x1, #510 * 8]
	adrp	x4, _start		/* load address, 2 MiB aligned */
	mov	x19, x4
	adrp	x5, _end
	mov	x6, #BLOCK_NORMAL
	mov	x7, #0x200000
	mov	x8, x3
2:	orr	x2, x4, x6
	str	x2, [x8], #8
	add	x4, x4, x7
	cmp	x4, x5
	b.lo	2b
	/* FDT_BASE: pgd[510] -> fdt_l1[0] -> fdt_l2[0..1] */
	adrp	x1, fdt_l1
	orr	x2, x1, #TABLE
	str	x2, [x0, #510 * 8]
	adrp	x3, fdt_l2
	orr	x2, x3, #TABLE
	str	x2, [x1]
	and	x4, x20, #~0x1fffff
	orr	x2, x4, x6
	str	x2, [x3]
	add	x2, x2, x7
	str	x2, [x3, #8]
	/* TTBR0: this code's block */
	adrp	x0, idmap_pgd
	adrp	x1, idmap_l1
	adrp	x3, idmap_l2
	ubfx	x8, x19, #39, #9
	orr	x2, x1, #TABLE
	str	x2, [x0, x8, lsl #3]
	ubfx	x8, x19, #30, #9
	orr	x2, x3, #TABLE
	str	x2, [x1, x8, lsl #3]
	ubfx	x8, x19, #21, #9
	orr	x2, x19, x6
	str	x2, [x3, x8, lsl #3]
	dmb	sy
	adrp	x0, boot_tables
	adrp	x1, boot_tables_end
	bl	invalidate

	adrp	x22, boot_pgd
	bl	mmu_on
	ldr	x0, =1f
	br	x0
1:	/* At KERNEL_BASE. */
	adrp	x0, _bss
	adrp	x1, _end
	adrp	x2, boot_tables
	adrp	x3, boot_tables_end
2:	cmp	x0, x2			/* everything but the live tables */
	csel	x0, x3, x0, eq
	cmp	x0, x1
	b.hs	3f
	stp	xzr, xzr, [x0], #16
	b	2b
3:	adrp	x0, boot_stack_top
	mov	sp, x0
	mov	x29, xzr
	mov	x30, xzr
	mov	x0, x20
	mov	x1, x19
	bl	boot_main
	b	.

/* PSCI CPU_ON: x0 = virtual address of struct percpu; its stack is in secondary_stack. */
	.global secondary_entry
secondary_entry:
	mov	x20, x0
	bl	to_el1
	adrp	x22, swapper_pgd
	bl	mmu_on
	ldr	x0, =1f
	br	x0
1:	ldr	x0, =secondary_stack
	ldr	x0, [x0]
	mov	sp, x0
	mov	x29, xzr
	mov	x30, xzr
	mov	x0, x20
	bl	secondary_main
	b	.

/* Returns at EL1 with the MMU off and everything masked.  Clobbers x0-x2, x21. */
to_el1:
	mov	x21, x30
	mrs	x0, CurrentEL
	cmp	x0, #(2 << 2)
	b.eq	1f
	ldr	x0, =SCTLR_OFF
	msr	sctlr_el1, x0
	isb
	msr	daifset, #15
	ret	x21
1:	ldr	x0, =0x30c50830		/* SCTLR_EL2: res1, MMU off */
	msr	sctlr_el2, x0
	ldr	x0, =SCTLR_OFF
	msr	sctlr_el1, x0
	mov	x0, #(1 << 31)		/* HCR_EL2.RW: EL1 is AArch64; nothing is trapped */
	msr	hcr_el2, x0
	isb
	mov	x0, #3			/* EL1 may use the physical counter and timer */
	msr	cnthctl_el2, x0
	msr	cntvoff_el2, xzr
	mov	x0, #0x32ff		/* CPTR_EL2: res1; FP not trapped, SVE is */
	msr	cptr_el2, x0
	msr	hstr_el2, xzr
	msr	vttbr_el2, xzr
	mrs	x0, midr_el1
	msr	vpidr_el2, x0
	mrs	x0, mpidr_el1
	msr	vmpidr_el2, x0
	mrs	x0, id_aa64dfr0_el1	/* MDCR_EL2: all PMU counters to EL1, no debug trap */
	ubfx	x1, x0, #8, #4
	cbz	x1, 2f
	cmp	x1, #15
	b.eq	2f
	mrs	x1, pmcr_el0
	ubfx	x1, x1, #11, #5
	msr	mdcr_el2, x1
	b	3f
2:	msr	mdcr_el2, xzr
3:	mrs	x0, id_aa64pfr0_el1	/* GICv3 system registers for EL1 */
	ubfx	x0, x0, #24, #4
	cbz	x0, 4f
	mrs	x0, S3_4_C12_C9_5	/* ICC_SRE_EL2: Enable, SRE */
	mov	x1, #9
	orr	x0, x0, x1
	msr	S3_4_C12_C9_5, x0
	isb
	msr	S3_4_C12_C11_0, xzr	/* ICH_HCR_EL2 */
4:	mrs	x0, id_aa64mmfr0_el1	/* FEAT_FGT: no fine-grained trap */
	lsr	x0, x0, #56
	and	x0, x0, #15
	cbz	x0, 5f
	msr	S3_4_C3_C1_4, xzr	/* HDFGRTR_EL2 */
	msr	S3_4_C3_C1_5, xzr	/* HDFGWTR_EL2 */
	msr	S3_4_C1_C1_4, xzr	/* HFGRTR_EL2 */
	msr	S3_4_C1_C1_5, xzr	/* HFGWTR_EL2 */
	msr	S3_4_C1_C1_6, xzr	/* HFGITR_EL2 */
5:	mov	x0, #0x3c5		/* EL1h, DAIF masked */
	msr	spsr_el2, x0
	msr	elr_el2, x21
	eret

/*
 * Translation on, x22 = TTBR1.  TCR_EL1 gets the size of physical addresses
 * here; cpufeat.c adds the rest later.
 */
mmu_on:
	ldr	x0, =MAIR_VALUE
	msr	mair_el1, x0
	ldr	x0, =0xb5103510		/* T0SZ 16, T1SZ 16, write-back, inner shareable, TG0 4K, TG1 4K */
	orr	x0, x0, #(1 << 37)	/* TBI0: Linux lets programs tag pointers */
	mrs	x1, id_aa64mmfr0_el1
	and	x1, x1, #7
	cmp	x1, #5
	b.ls	1f
	mov	x1, #5
1:	bfi	x0, x1, #32, #3
	msr	tcr_el1, x0
	adrp	x0, idmap_pgd
	msr	ttbr0_el1, x0
	msr	ttbr1_el1, x22
	mov	x0, #(3 << 20)		/* CPACR_EL1: FP and SIMD for all, SVE and SME for nobody */
	msr	cpacr_el1, x0
	ldr	x0, =vectors
	msr	vbar_el1, x0
	tlbi	vmalle1
	ic	iallu
	dsb	nsh
	isb
	ldr	x0, =SCTLR_ON
	msr	sctlr_el1, x0
	isb
	ret

/*
 * void boot_replace_ttbr1(uint64_t ttbr1), called at its physical address: break
 * before make for the whole kernel half.  x30 is a kernel address.
 */
	.global boot_replace_ttbr1
boot_replace_ttbr1:
	msr	ttbr1_el1, x1		/* an empty table */
	isb
	tlbi	vmalle1
	dsb	nsh
	isb
	msr	ttbr1_el1, x0
	isb
	ret

/* Clean and invalidate [x0, x1) to the point of coherency.  Clobbers x2, x3. */
	.global invalidate
invalidate:
	mrs	x2, ctr_el0
	ubfx	x2, x2, #16, #4
	mov	x3, #4
	lsl	x2, x3, x2
	sub	x3, x2, #1
	bic	x0, x0, x3
1:	dc	civac, x0
	add	x0, x0, x2
	cmp	x0, x1
	b.lo	1b
	dsb	sy
	ret
	.ltorg

	.section .bss.tables, "aw", %nobits
	.balign 4096
boot_tables:
	.global idmap_pgd
boot_pgd: .skip 4096
idmap_pgd: .skip 4096
idmap_l1: .skip 4096
idmap_l2: .skip 4096
boot_l1: .skip 4096
boot_l2: .skip 4096
fdt_l1:	.skip 4096
fdt_l2:	.skip 4096
boot_tables_end:
	.global boot_stack, boot_stack_top
boot_stack: .skip BOOT_STACK
boot_stack_top:
