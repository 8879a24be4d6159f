/* SPDX-License-Identifier: MIT */
#include "x86_64/regs_macros.h"
	.text
	.balign 16
	.global	ktest_regs_spin
	.hidden	ktest_regs_spin
ktest_regs_spin:
	SAVE_CALLEE
	pushq	%rsi			/* 8: out */
	pushq	%rdx			/* 0: loops */
	LOAD_ALL
	/* Flags are the loop's business until it is over: lahf and the like would need a register. */
	pushfq
1:	decq	8(%rsp)
	jnz	1b
	popfq
	STORE_ALL 8
	addq	$16, %rsp
	RESTORE_CALLEE
	ret

	.balign 16
	.global	ktest_regs_call
	.hidden	ktest_regs_call
ktest_regs_call:
	SAVE_CALLEE
	pushq	%rsi
	movq	RBX(%rdi), %rbx
	movq	RBP(%rdi), %rbp
	movq	R8+32(%rdi), %r12
	movq	R8+40(%rdi), %r13
	movq	R8+48(%rdi), %r14
	movq	R15(%rdi), %r15
	movq	%rcx, %rdi
	call	*%rdx
	popq	%rsi
	movq	%rbx, RBX(%rsi)
	movq	%rbp, RBP(%rsi)
	movq	%r12, R8+32(%rsi)
	movq	%r13, R8+40(%rsi)
	movq	%r14, R8+48(%rsi)
	movq	%r15, R15(%rsi)
	RESTORE_CALLEE
	ret

	.section .rodata
	.global	ktest_regs_count, ktest_regs_flags
	.hidden	ktest_regs_count, ktest_regs_flags
	.balign 8
ktest_regs_flags:
	.quad	0x8d5			/* CF PF AF ZF SF OF */
ktest_regs_count:
	.long	16
	.section .note.GNU-stack, "", @progbits
