/* SPDX-License-Identifier: MIT */
	.text
	/* void fz_stack_switch(void **save, void *load): the callee-saved registers on the old stack. */
	.globl	fz_stack_switch
	.hidden	fz_stack_switch
	.type	fz_stack_switch, @function
fz_stack_switch:
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
	.globl	fz_context_entry
	.hidden	fz_context_entry
	.type	fz_context_entry, @function
fz_context_entry:
	xor	%ebp, %ebp
	mov	%r12, %rdi
	mov	%r13, %rsi
	call	fz_context_start
	ud2
	.section .note.GNU-stack,"",@progbits
