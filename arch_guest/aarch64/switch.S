/* SPDX-License-Identifier: MIT */
/*
 * Switching kernel threads, the FP and SIMD registers, and user copies.
 *
 * A user copy uses the unprivileged loads and stores (LDTR, STTR): the MMU
 * checks the user's own permissions, PAN stays on, and no window opens in which
 * a stray kernel pointer could reach user memory.  Each of them is in the
 * exception table; a fault continues at the fix-up, which returns what was done.
 */
#include "aarch64/layout.h"
	.text

/* void kctx_switch(struct hal_kctx *from, struct hal_kctx *to) */
	.global kctx_switch
	.type	kctx_switch, %function
kctx_switch:
	stp	x19, x20, [x0, #0]
	stp	x21, x22, [x0, #16]
	stp	x23, x24, [x0, #32]
	stp	x25, x26, [x0, #48]
	stp	x27, x28, [x0, #64]
	stp	x29, x30, [x0, #80]
	mov	x2, sp
	str	x2, [x0, #KC_SP]
	ldp	x19, x20, [x1, #0]
	ldp	x21, x22, [x1, #16]
	ldp	x23, x24, [x1, #32]
	ldp	x25, x26, [x1, #48]
	ldp	x27, x28, [x1, #64]
	ldp	x29, x30, [x1, #80]
	ldr	x2, [x1, #KC_SP]
	mov	sp, x2
	ret

/* The first code of a new context: x19 = fn, x20 = arg. */
	.global kctx_start
kctx_start:
	mov	x0, x20
	mov	x29, xzr
	mov	x30, xzr
	br	x19

	.arch_extension fp
	.arch_extension simd
/* void fp_save(struct user_fpsimd *) */
	.global fp_save
	.type	fp_save, %function
fp_save:
	stp	q0, q1, [x0]
	stp	q2, q3, [x0, #32]
	stp	q4, q5, [x0, #64]
	stp	q6, q7, [x0, #96]
	stp	q8, q9, [x0, #128]
	stp	q10, q11, [x0, #160]
	stp	q12, q13, [x0, #192]
	stp	q14, q15, [x0, #224]
	stp	q16, q17, [x0, #256]
	stp	q18, q19, [x0, #288]
	stp	q20, q21, [x0, #320]
	stp	q22, q23, [x0, #352]
	stp	q24, q25, [x0, #384]
	stp	q26, q27, [x0, #416]
	stp	q28, q29, [x0, #448]
	stp	q30, q31, [x0, #480]
	mrs	x1, fpsr
	mrs	x2, fpcr
	str	w1, [x0, #512]
	str	w2, [x0, #516]
	ret

	.global fp_load
	.type	fp_load, %function
fp_load:
	ldp	q0, q1, [x0]
	ldp	q2, q3, [x0, #32]
	ldp	q4, q5, [x0, #64]
	ldp	q6, q7, [x0, #96]
	ldp	q8, q9, [x0, #128]
	ldp	q10, q11, [x0, #160]
	ldp	q12, q13, [x0, #192]
	ldp	q14, q15, [x0, #224]
	ldp	q16, q17, [x0, #256]
	ldp	q18, q19, [x0, #288]
	ldp	q20, q21, [x0, #320]
	ldp	q22, q23, [x0, #352]
	ldp	q24, q25, [x0, #384]
	ldp	q26, q27, [x0, #416]
	ldp	q28, q29, [x0, #448]
	ldp	q30, q31, [x0, #480]
	ldr	w1, [x0, #512]
	ldr	w2, [x0, #516]
	msr	fpsr, x1
	msr	fpcr, x2
	ret

	.macro	user insn:vararg
9999:	\insn
	.pushsection .extable, "a"
	.long	9999b - ., copy_fault - .
	.popsection
	.endm

/*
 * size_t user_copy_in(void *dst, uaddr_t src, size_t n)
 * x3 = n at the start, x2 = bytes left: the fix-up returns x3 - x2.
 */
	.global user_copy_in
	.type	user_copy_in, %function
user_copy_in:
	mov	x3, x2
1:	subs	x4, x2, #32
	b.lo	2f
	user	ldtr x5, [x1]
	user	ldtr x6, [x1, #8]
	user	ldtr x7, [x1, #16]
	user	ldtr x8, [x1, #24]
	stp	x5, x6, [x0], #16
	stp	x7, x8, [x0], #16
	add	x1, x1, #32
	mov	x2, x4
	b	1b
2:	subs	x4, x2, #8
	b.lo	3f
	user	ldtr x5, [x1]
	str	x5, [x0], #8
	add	x1, x1, #8
	mov	x2, x4
	b	2b
3:	cbz	x2, copy_fault
	user	ldtrb w5, [x1]
	strb	w5, [x0], #1
	add	x1, x1, #1
	sub	x2, x2, #1
	b	3b
copy_fault:
	sub	x0, x3, x2
	ret

/* size_t user_copy_out(uaddr_t dst, const void *src, size_t n) */
	.global user_copy_out
	.type	user_copy_out, %function
user_copy_out:
	mov	x3, x2
1:	subs	x4, x2, #32
	b.lo	2f
	ldp	x5, x6, [x1], #16
	ldp	x7, x8, [x1], #16
	user	sttr x5, [x0]
	user	sttr x6, [x0, #8]
	user	sttr x7, [x0, #16]
	user	sttr x8, [x0, #24]
	add	x0, x0, #32
	mov	x2, x4
	b	1b
2:	subs	x4, x2, #8
	b.lo	3f
	ldr	x5, [x1], #8
	user	sttr x5, [x0]
	add	x0, x0, #8
	mov	x2, x4
	b	2b
3:	cbz	x2, copy_fault
	ldrb	w5, [x1], #1
	user	sttrb w5, [x0]
	add	x0, x0, #1
	sub	x2, x2, #1
	b	3b

/* bool user_read32(uaddr_t src, uint32_t *out): x3 - x2 = 0 when it faults */
	.global user_read32
	.type	user_read32, %function
user_read32:
	mov	x3, xzr
	mov	x2, xzr
	user	ldtr w4, [x0]
	str	w4, [x1]
	mov	x0, #1
	ret
