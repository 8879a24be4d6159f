/* SPDX-License-Identifier: MIT */
/* How regs.S and native/aarch64.S load and store the pattern: x0-x30, then NZCV. */
	.set	FLAGS, 248
	.macro	SAVE_CALLEE		/* 128 bytes: out at [sp], x0 at [sp, #8], loops at [sp, #16] */
	sub	sp, sp, #128
	stp	x19, x20, [sp, #32]
	stp	x21, x22, [sp, #48]
	stp	x23, x24, [sp, #64]
	stp	x25, x26, [sp, #80]
	stp	x27, x28, [sp, #96]
	stp	x29, x30, [sp, #112]
	str	x1, [sp]
	str	x2, [sp, #16]
	.endm
	.macro	RESTORE_CALLEE
	ldp	x19, x20, [sp, #32]
	ldp	x21, x22, [sp, #48]
	ldp	x23, x24, [sp, #64]
	ldp	x25, x26, [sp, #80]
	ldp	x27, x28, [sp, #96]
	ldp	x29, x30, [sp, #112]
	add	sp, sp, #128
	.endm
	.macro	LOAD_ALL
	ldr	x1, [x0, #FLAGS]
	msr	nzcv, x1
	ldp	x2, x3, [x0, #16]
	ldp	x4, x5, [x0, #32]
	ldp	x6, x7, [x0, #48]
	ldp	x8, x9, [x0, #64]
	ldp	x10, x11, [x0, #80]
	ldp	x12, x13, [x0, #96]
	ldp	x14, x15, [x0, #112]
	ldp	x16, x17, [x0, #128]
	ldp	x18, x19, [x0, #144]
	ldp	x20, x21, [x0, #160]
	ldp	x22, x23, [x0, #176]
	ldp	x24, x25, [x0, #192]
	ldp	x26, x27, [x0, #208]
	ldp	x28, x29, [x0, #224]
	ldr	x30, [x0, #240]
	ldp	x0, x1, [x0]
	.endm
	.macro	STORE_ALL
	str	x0, [sp, #8]
	ldr	x0, [sp]
	stp	x1, x2, [x0, #8]
	stp	x3, x4, [x0, #24]
	stp	x5, x6, [x0, #40]
	stp	x7, x8, [x0, #56]
	stp	x9, x10, [x0, #72]
	stp	x11, x12, [x0, #88]
	stp	x13, x14, [x0, #104]
	stp	x15, x16, [x0, #120]
	stp	x17, x18, [x0, #136]
	stp	x19, x20, [x0, #152]
	stp	x21, x22, [x0, #168]
	stp	x23, x24, [x0, #184]
	stp	x25, x26, [x0, #200]
	stp	x27, x28, [x0, #216]
	stp	x29, x30, [x0, #232]
	mrs	x1, nzcv
	str	x1, [x0, #FLAGS]
	ldr	x1, [sp, #8]
	str	x1, [x0]
	.endm
