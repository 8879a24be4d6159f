/* SPDX-License-Identifier: MIT */
/* How regs.S and native/x86_64.S load and store the pattern.  The order is in regs.S. */
/*
 * Registers in the order rax rcx rdx rbx rbp rsi rdi r8-r15 flags: 16 words.
 * The stack pointer is checked by coming back.  While the pattern is loaded
 * everything else is on the stack; an interrupt uses the stack below.
 */
	.set	RAX, 0
	.set	RCX, 8
	.set	RDX, 16
	.set	RBX, 24
	.set	RBP, 32
	.set	RSI, 40
	.set	RDI, 48
	.set	R8, 56
	.set	R15, 112
	.set	FLAGS, 120

	.macro	SAVE_CALLEE
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	.endm
	.macro	RESTORE_CALLEE
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	.endm
	/* Everything but rsp and rdi, whose pattern comes last; the flags. */
	.macro	LOAD_ALL
	pushq	FLAGS(%rdi)
	popfq
	movq	RAX(%rdi), %rax
	movq	RCX(%rdi), %rcx
	movq	RDX(%rdi), %rdx
	movq	RBX(%rdi), %rbx
	movq	RBP(%rdi), %rbp
	movq	RSI(%rdi), %rsi
	movq	R8(%rdi), %r8
	movq	R8+8(%rdi), %r9
	movq	R8+16(%rdi), %r10
	movq	R8+24(%rdi), %r11
	movq	R8+32(%rdi), %r12
	movq	R8+40(%rdi), %r13
	movq	R8+48(%rdi), %r14
	movq	R15(%rdi), %r15
	movq	RDI(%rdi), %rdi
	.endm
	/* To the block whose address is at \at(%rsp). */
	.macro	STORE_ALL at
	pushfq
	pushq	%rdi
	movq	\at+16(%rsp), %rdi
	movq	%rax, RAX(%rdi)
	movq	%rcx, RCX(%rdi)
	movq	%rdx, RDX(%rdi)
	movq	%rbx, RBX(%rdi)
	movq	%rbp, RBP(%rdi)
	movq	%rsi, RSI(%rdi)
	movq	%r8, R8(%rdi)
	movq	%r9, R8+8(%rdi)
	movq	%r10, R8+16(%rdi)
	movq	%r11, R8+24(%rdi)
	movq	%r12, R8+32(%rdi)
	movq	%r13, R8+40(%rdi)
	movq	%r14, R8+48(%rdi)
	movq	%r15, R15(%rdi)
	popq	%rax
	movq	%rax, RDI(%rdi)
	popq	%rax
	movq	%rax, FLAGS(%rdi)
	cld
	.endm

