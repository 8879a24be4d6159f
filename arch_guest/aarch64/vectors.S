/* SPDX-License-Identifier: MIT */
/*
 * Exception vectors, and user_enter(): running user code as a call.
 *
 * user_enter(u) saves the callee-saved registers on the kernel stack with u
 * below them, loads u's registers and goes to EL0.  An exception from EL0 finds
 * SP_EL1 exactly as user_enter left it: the vector stores every register into
 * u and returns from user_enter with the reason.  So there is no trap frame for
 * user code, and no state but the stack pointer says "in user mode".  SP_EL0,
 * which is hal_current() while the kernel runs, waits in the same frame.
 *
 * An exception from EL1 pushes a struct kframe on the running stack.  The
 * synchronous one first asks the MMU whether that stack is writable: if not,
 * the guard page was hit and the CPU's emergency stack takes over to say so.
 */
#include "aarch64/layout.h"

	.macro	vector target, arg
	.balign 128
	.ifnb	\arg
	stp	x0, x1, [sp, #-16]!
	mov	w1, #\arg
	.endif
	b	\target
	.endm

	.macro	vector_el1 target, arg
	.balign 128
	sub	sp, sp, #KF_SIZE
	stp	x0, x1, [sp]
	mov	w1, #\arg
	b	\target
	.endm

	.text
	.balign 2048
	.global vectors
vectors:
	/* EL1 with SP_EL0: never used. */
	vector_el1 el1_bad, VEC_BAD
	vector_el1 el1_bad, VEC_BAD
	vector_el1 el1_bad, VEC_BAD
	vector_el1 el1_bad, VEC_BAD
	/* EL1. */
	vector	el1_sync
	vector_el1 el1_irq, VEC_IRQ
	vector_el1 el1_bad, VEC_FIQ
	vector_el1 el1_bad, VEC_SERROR
	/* EL0, AArch64. */
	vector	el0, VEC_SYNC
	vector	el0, VEC_IRQ
	vector	el0, VEC_FIQ
	vector	el0, VEC_SERROR
	/* EL0, AArch32: user_run() never enters it. */
	vector_el1 el1_bad, VEC_BAD
	vector_el1 el1_bad, VEC_BAD
	vector_el1 el1_bad, VEC_BAD
	vector_el1 el1_bad, VEC_BAD

	/* The rest of the frame; x0 and x1 are in it.  Leaves x0 = the frame. */
	.macro	save_rest
	stp	x2, x3, [sp, #16]
	stp	x4, x5, [sp, #32]
	stp	x6, x7, [sp, #48]
	stp	x8, x9, [sp, #64]
	stp	x10, x11, [sp, #80]
	stp	x12, x13, [sp, #96]
	stp	x14, x15, [sp, #112]
	stp	x16, x17, [sp, #128]
	stp	x18, x19, [sp, #144]
	stp	x20, x21, [sp, #160]
	stp	x22, x23, [sp, #176]
	stp	x24, x25, [sp, #192]
	stp	x26, x27, [sp, #208]
	stp	x28, x29, [sp, #224]
	add	x2, sp, #KF_SIZE
	stp	x30, x2, [sp, #240]
	mrs	x2, elr_el1
	mrs	x3, spsr_el1
	stp	x2, x3, [sp, #KF_PC]
	stp	x29, x2, [sp, #KF_RECORD]
	add	x29, sp, #KF_RECORD
	mov	x0, sp
	.endm

	.macro	restore_eret
	ldp	x2, x3, [sp, #KF_PC]
	msr	elr_el1, x2
	msr	spsr_el1, x3
	ldp	x2, x3, [sp, #16]
	ldp	x4, x5, [sp, #32]
	ldp	x6, x7, [sp, #48]
	ldp	x8, x9, [sp, #64]
	ldp	x10, x11, [sp, #80]
	ldp	x12, x13, [sp, #96]
	ldp	x14, x15, [sp, #112]
	ldp	x16, x17, [sp, #128]
	ldp	x18, x19, [sp, #144]
	ldp	x20, x21, [sp, #160]
	ldp	x22, x23, [sp, #176]
	ldp	x24, x25, [sp, #192]
	ldp	x26, x27, [sp, #208]
	ldp	x28, x29, [sp, #224]
	ldr	x30, [sp, #240]
	ldp	x0, x1, [sp]
	add	sp, sp, #KF_SIZE
	eret
	.endm

el1_irq:
	save_rest
	bl	trap_el1_irq
	restore_eret

el1_sync:
	sub	sp, sp, #KF_SIZE
	msr	tpidrro_el0, x0		/* scratch: the stack may be gone; EL0 reads 0 again below */
	mov	x0, sp
	at	s1e1w, x0
	isb
	mrs	x0, par_el1
	tbnz	x0, #0, el1_overflow
	mrs	x0, tpidrro_el0
	msr	tpidrro_el0, xzr
	stp	x0, x1, [sp]
	save_rest
	bl	trap_el1_sync
	restore_eret

el1_overflow:
	mrs	x0, tpidr_el1
	ldr	x0, [x0, #PC_EMERGENCY]
	sub	x0, x0, #KF_SIZE
	str	x1, [x0, #8]
	mov	x1, sp
	mov	sp, x0
	mrs	x0, tpidrro_el0
	str	x0, [sp]
	save_rest
	add	x1, x1, #KF_SIZE
	str	x1, [sp, #KF_SP]
	mov	w1, #VEC_OVERFLOW
	bl	trap_el1_bad
	b	.

el1_bad:
	str	x1, [sp, #KF_SP]
	save_rest
	bl	trap_el1_bad
	b	.

#define UE_SIZE 112		/* u, hal_current(), x19-x30 */

	.global user_enter
	.type	user_enter, %function
user_enter:
	sub	sp, sp, #UE_SIZE
	mrs	x1, sp_el0
	stp	x0, x1, [sp]
	stp	x19, x20, [sp, #16]
	stp	x21, x22, [sp, #32]
	stp	x23, x24, [sp, #48]
	stp	x25, x26, [sp, #64]
	stp	x27, x28, [sp, #80]
	stp	x29, x30, [sp, #96]
	ldp	x1, x2, [x0, #U_SP]
	ldr	x3, [x0, #U_PSTATE]
	ldr	x4, [x0, #U_TLS]
	msr	sp_el0, x1
	msr	elr_el1, x2
	msr	spsr_el1, x3
	msr	tpidr_el0, x4
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
	eret
	/* Nothing is speculated past the return. */
	dsb	nsh
	isb

	/* x0, x1 are pushed, w1 = reason. */
el0:
	ldr	x0, [sp, #16]
	stp	x2, x3, [x0, #16]
	stp	x4, x5, [x0, #32]
	stp	x6, x7, [x0, #48]
	stp	x8, x9, [x0, #64]
	stp	x10, x11, [x0, #80]
	stp	x12, x13, [x0, #96]
	stp	x14, x15, [x0, #112]
	stp	x16, x17, [x0, #128]
	stp	x18, x19, [x0, #144]
	stp	x20, x21, [x0, #160]
	stp	x22, x23, [x0, #176]
	stp	x24, x25, [x0, #192]
	stp	x26, x27, [x0, #208]
	stp	x28, x29, [x0, #224]
	str	x30, [x0, #240]
	ldp	x2, x3, [sp], #16
	stp	x2, x3, [x0]
	mrs	x2, sp_el0
	mrs	x3, elr_el1
	mrs	x4, spsr_el1
	mrs	x5, tpidr_el0
	stp	x2, x3, [x0, #U_SP]
	str	x4, [x0, #U_PSTATE]
	str	x5, [x0, #U_TLS]
	ldr	x6, [sp, #8]
	msr	sp_el0, x6
	mov	w0, w1
	ldp	x19, x20, [sp, #16]
	ldp	x21, x22, [sp, #32]
	ldp	x23, x24, [sp, #48]
	ldp	x25, x26, [sp, #64]
	ldp	x27, x28, [sp, #80]
	ldp	x29, x30, [sp, #96]
	add	sp, sp, #UE_SIZE
	ret
