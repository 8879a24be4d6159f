/* SPDX-License-Identifier: MIT */
/* bool ktest_regs_fault(in, out): a load from address 16 with the pattern in the registers; rbx is the address. */
#include "x86_64/regs_macros.h"
	.text
	.balign 16
	.global	ktest_regs_fault
	.hidden	ktest_regs_fault
ktest_regs_fault:
	SAVE_CALLEE
	pushq	%rsi
	LOAD_ALL
	movl	$16, %ebx
1:	movq	(%rbx), %rbx
2:	STORE_ALL 0
	addq	$8, %rsp
	movl	$1, %eax
	RESTORE_CALLEE
	ret
	.pushsection .ex_table, "a"
	.quad	1b, 2b
	.popsection
	.section .note.GNU-stack, "", @progbits
