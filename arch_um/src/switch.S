/* SPDX-License-Identifier: MIT */
	.text
	/* void um_switch(void **save, void *load): the callee-saved registers on the old stack. */
	.globl	um_switch
	.hidden	um_switch
	.type	um_switch, @function
um_switch:
	push	%rbp
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, (%rdi)
	mov	%rsi, %rsp
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%rbp
	ret

	/* Where a new context begins; r12 = fn, r13 = arg. */
	.globl	um_kctx_entry
	.hidden	um_kctx_entry
	.type	um_kctx_entry, @function
um_kctx_entry:
	xor	%ebp, %ebp
	mov	%r12, %rdi
	mov	%r13, %rsi
	call	um_kctx_start
	ud2

	/* void um_stack_call(void *top, void (*fn)(void *), void *arg) */
	.globl	um_stack_call
	.hidden	um_stack_call
	.type	um_stack_call, @function
um_stack_call:
	mov	%rdi, %rsp
	xor	%ebp, %ebp
	mov	%rsi, %rax
	mov	%rdx, %rdi
	call	*%rax
	ud2
	.section .note.GNU-stack,"",@progbits
