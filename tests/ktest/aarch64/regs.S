/* SPDX-License-Identifier: MIT */
/* Registers in the order x0-x30, NZCV: 32 words.  The stack pointer is checked by coming back. */
#include "aarch64/regs_macros.h"
	.text
	.balign 16
	.global	ktest_regs_spin
	.hidden	ktest_regs_spin
ktest_regs_spin:
	SAVE_CALLEE
	LOAD_ALL
	/* The counter needs a register: x30, whose pattern is put back each time round. */
1:	str	x30, [sp, #24]
	ldr	x30, [sp, #16]
	sub	x30, x30, #1
	str	x30, [sp, #16]
	cbz	x30, 2f
	ldr	x30, [sp, #24]
	nop
	nop
	nop
	nop
	b	1b
2:	ldr	x30, [sp, #24]
	STORE_ALL
	RESTORE_CALLEE
	ret

	.balign 16
	.global	ktest_regs_call
	.hidden	ktest_regs_call
ktest_regs_call:
	SAVE_CALLEE
	ldp	x19, x20, [x0, #152]
	ldp	x21, x22, [x0, #168]
	ldp	x23, x24, [x0, #184]
	ldp	x25, x26, [x0, #200]
	ldr	x27, [x0, #216]
	ldr	x28, [x0, #224]
	mov	x0, x3
	blr	x2
	ldr	x0, [sp]
	stp	x19, x20, [x0, #152]
	stp	x21, x22, [x0, #168]
	stp	x23, x24, [x0, #184]
	stp	x25, x26, [x0, #200]
	str	x27, [x0, #216]
	str	x28, [x0, #224]
	RESTORE_CALLEE
	ret

	.section .rodata
	.global	ktest_regs_count, ktest_regs_flags
	.hidden	ktest_regs_count, ktest_regs_flags
	.balign 8
ktest_regs_flags:
	.quad	0xf0000000
ktest_regs_count:
	.long	32
	.section .note.GNU-stack, "", %progbits
