/* SPDX-License-Identifier: MIT */
/*
 * The way into an interrupt and out of it: the signal's handler as the host
 * calls it, on the stack that it interrupted.
 *
 * A processor takes an interrupt, and enables them and leaves, in one
 * instruction each; a handler needs several.  A signal that came between would
 * have its frame on top of this one, the next on top of that, and under a flood
 * of them no stack is large enough.  So what interrupts the way in or out does
 * nothing but leave its bit in `pending`, turn interrupts off and send the
 * handler that is there already to um_interrupt_taken, um_interrupt_again or
 * um_interrupt_unreturn (um_interrupt() sets its pc): that one runs what came.
 * On top of it there are at most frames of signals that found interrupts off.
 */
	.macro label name
	.globl	um_interrupt_\name
	.hidden	um_interrupt_\name
um_interrupt_\name:
	.endm

	.text
	/* rdi: signal, rsi: siginfo, rdx: context.  Interrupts go off before anything else, and were as %ecx says. */
	.type	um_interrupt_entry, @function
	label entry
	mov	$1, %ecx
	label entered
	xchg	%ecx, %gs:16
1:
	mov	%rsi, %rdi
	mov	%rdx, %rsi
	mov	%ecx, %edx
	sub	$8, %rsp
	call	um_interrupt
	add	$8, %rsp
	test	%eax, %eax
	jnz	um_interrupt_leave
	ret				/* to um_interrupt_return; interrupts stay as they are */

	/* Interrupts on, and out, unless one came before they were. */
	label leave
	movl	$0, %gs:16
	cmpl	$0, %gs:20
	jne	um_interrupt_again
	ret

	label again
	movl	$1, %gs:16
	sub	$8, %rsp
	call	um_irq_run
	add	$8, %rsp
	jmp	um_interrupt_leave

	/* What the handler returns to: rt_sigreturn takes the frame at rsp. */
	.type	um_interrupt_return, @function
	label return
	mov	$15, %eax
	syscall
	label end

	/* From the way in: interrupts were on, and are off already. */
	label taken
	xor	%ecx, %ecx
	jmp	1b

	/* From um_interrupt_return: the return address is there again. */
	label unreturn
	lea	um_interrupt_return(%rip), %rax
	push	%rax
	jmp	um_interrupt_again
	.section .note.GNU-stack,"",@progbits
