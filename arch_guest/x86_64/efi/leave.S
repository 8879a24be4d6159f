/* SPDX-License-Identifier: MIT */
/*
 * From long mode to 32-bit protected mode without paging, as PVH prescribes.
 * Copied to a page below 4 GiB: position-independent.
 * edi = entry, esi = struct start_info, rdx = GDT register image.
 */
	.section .rdata, "dr"
	.global leave_long_mode, leave_long_mode_end
	.code64
leave_long_mode:
	cli
	lgdt	(%rdx)
	leaq	1f(%rip), %rax
	pushq	$8
	pushq	%rax
	lretq
	.code32
1:	movl	$16, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movl	%cr0, %eax
	andl	$0x7fffffff, %eax
	movl	%eax, %cr0
	movl	$0xc0000080, %ecx
	rdmsr
	andl	$~0x100, %eax
	wrmsr
	xorl	%eax, %eax
	movl	%eax, %cr4
	movl	%esi, %ebx
	jmp	*%edi
leave_long_mode_end:

	.balign 16
	.global kernel_image
kernel_image:
	.incbin KERNEL_ELF
