/* SPDX-License-Identifier: MIT */
/*
 * The first instructions.
 *
 * QEMU's -kernel (and Xen) find the PVH note and enter pvh_start in 32-bit
 * protected mode without paging, %ebx = struct hvm_start_info.  We map the
 * first 4 GiB three times (identity, direct map, kernel image), go to long
 * mode and to the kernel's own addresses.  Other CPUs come from real mode by
 * way of ap_start, which is copied to a page below 1 MiB, and share the tables:
 * they are only used until C code loads the real ones.
 */
#include "layout.h"
#define PHYS(sym) ((sym) - KERNEL_VMA)

	.section .note.pvh, "a", @note
	.balign 4
	.long	4, 8, 18		/* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz	"Xen"
	.quad	PHYS(pvh_start)

	.section .text.boot, "ax"
	.code32
	.global pvh_start
pvh_start:
	cld
	movl	%ebx, %ebp
	/* The image's bss is zero: the loader has cleared it. */
	xorl	%ecx, %ecx
1:	movl	%ecx, %eax
	shll	$21, %eax
	orl	$0x83, %eax
	movl	%eax, PHYS(boot_pd)(,%ecx,8)
	incl	%ecx
	cmpl	$2048, %ecx
	jne	1b
	movl	$PHYS(boot_pd) + 3, %eax
	movl	%eax, PHYS(boot_pdpt)
	movl	%eax, PHYS(boot_pdpt_high) + 510 * 8
	addl	$4096, %eax
	movl	%eax, PHYS(boot_pdpt) + 8
	movl	%eax, PHYS(boot_pdpt_high) + 511 * 8
	addl	$4096, %eax
	movl	%eax, PHYS(boot_pdpt) + 16
	addl	$4096, %eax
	movl	%eax, PHYS(boot_pdpt) + 24
	movl	$PHYS(boot_pdpt) + 3, PHYS(boot_pml4)
	movl	$PHYS(boot_pdpt) + 3, PHYS(boot_pml4) + 256 * 8
	movl	$PHYS(boot_pdpt_high) + 3, PHYS(boot_pml4) + 511 * 8
	lgdtl	PHYS(boot_gdtr)
	movl	$PHYS(boot_high), %esi
	jmp	go_long

/* Paging on, long mode on, then to the 64-bit code at physical address %esi. */
go_long:
	movl	$SEL_KDATA, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	xorl	%eax, %eax
	movl	%eax, %fs
	movl	%eax, %gs
	movl	$PHYS(boot_pml4), %eax
	movl	%eax, %cr3
	movl	%cr4, %eax
	orl	$0x20, %eax		/* PAE */
	movl	%eax, %cr4
	movl	$MSR_EFER, %ecx
	rdmsr
	orl	$EFER_LME, %eax
	wrmsr
	movl	%cr0, %eax
	andl	$0x9fffffff, %eax	/* caches on: a CPU out of INIT has CD and NW set */
	orl	$0x80010001, %eax	/* PG WP PE */
	movl	%eax, %cr0
	ljmp	$SEL_KCODE, $PHYS(1f)
	.code64
1:	movl	%esi, %esi
	jmp	*%rsi

boot_high:
	movabsq	$1f, %rax
	jmp	*%rax
1:	leaq	boot_stack_top(%rip), %rsp
	movl	%ebp, %edi
	xorl	%ebp, %ebp
	pushq	%rbp			/* ends the chain of frames */
	pushq	%rbp
	call	boot_main
	ud2

ap_high:
	movabsq	$1f, %rax
	jmp	*%rax
1:	movl	$MSR_EFER, %ecx
	rdmsr
	orl	ap_boot_efer(%rip), %eax
	wrmsr
	movq	ap_boot_cr3(%rip), %rax
	movq	%rax, %cr3		/* the stack may be in the window that the boot tables lack */
	movq	ap_boot_stack(%rip), %rsp
	movq	ap_boot_cpu(%rip), %rdi
	xorl	%ebp, %ebp
	pushq	%rbp
	pushq	%rbp
	call	ap_main
	ud2

	.code32
ap_protected:
	movl	$PHYS(ap_high), %esi
	jmp	go_long

	.section .rodata
	.code16
	.global ap_start, ap_start_end
ap_start:
	cli
	cld
	movw	%cs, %ax
	movw	%ax, %ds
	lgdtl	ap_gdtr - ap_start
	movl	%cr0, %eax
	orl	$1, %eax
	movl	%eax, %cr0
	ljmpl	$SEL_KCODE32, $PHYS(ap_protected)
	.balign 4
ap_gdtr:
	.word	31
	.long	PHYS(boot_gdt)
ap_start_end:
	.code64

	.balign 8
boot_gdt:
	.quad	0, 0x00cf9a000000ffff, 0x00af9a000000ffff, 0x00cf92000000ffff
boot_gdtr:
	.word	31
	.long	PHYS(boot_gdt)

	.section .bss
	.balign 4096
boot_pml4:	.skip 4096
boot_pdpt:	.skip 4096
boot_pdpt_high:	.skip 4096
boot_pd:	.skip 4 * 4096
	.global boot_stack_guard, boot_stack_top
boot_stack_guard: .skip 4096	/* unmapped by paging.c */
	.skip BOOT_STACK
boot_stack_top:
	.section .note.GNU-stack, "", @progbits
