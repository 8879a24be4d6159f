/* SPDX-License-Identifier: MIT */
/*
 * The stub's system calls.  Each has one `syscall` instruction of its own, and
 * the filter lets each of these instructions make that one call only; stub.c
 * names the address behind each as call_NAME_at.
 */
#include <host/stub_abi.h>

	.macro UMCALL name nr
	.globl	call_\name, call_\name\()_at
	.type	call_\name, @function
call_\name:
	mov	%rcx, %r10
	mov	$\nr, %eax
	syscall
call_\name\()_at:
	ret
	.endm

	.text
	.globl	_start
	.type	_start, @function
_start:
	xor	%ebp, %ebp
	and	$-16, %rsp
	call	zygote_map
	mov	$STUB_ZYGOTE + 0x1000 + STUB_ZYGOTE_STACK - 64, %rsp
	call	zygote_main
	ud2

	UMCALL	futex, 202
	UMCALL	mmap, 9
	UMCALL	munmap, 11
	UMCALL	mprotect, 10
	UMCALL	arch_prctl, 158
	UMCALL	sigaltstack, 131

	/* The same without a filter in the way: before it is installed. */
	.globl	call_any
	.type	call_any, @function
call_any:			/* (nr, a, b, c, d, e) + sixth on the stack */
	mov	%rdi, %rax
	mov	%rsi, %rdi
	mov	%rdx, %rsi
	mov	%rcx, %rdx
	mov	%r8, %r10
	mov	%r9, %r8
	mov	8(%rsp), %r9
	syscall
	ret

	/* long call_thread(flags, stack, parent_tid, first): the child runs thread_main(stack). */
	.globl	call_thread, call_thread_at
	.type	call_thread, @function
call_thread:
	mov	%rcx, %r9
	xor	%r10d, %r10d
	xor	%r8d, %r8d
	mov	$56, %eax
	syscall
call_thread_at:
	test	%rax, %rax
	jnz	1f
	xor	%ebp, %ebp
	mov	%rsp, %rdi
	and	$-16, %rsp
	call	thread_main
	/* On no stack at all, so that the host puts the frame at the top of the signal stack. */
	xor	%esp, %esp
	int3
	ud2
1:	ret

	/* A stub's first instruction after the fork, on its own stack. */
	.globl	svc_enter
	.type	svc_enter, @function
svc_enter:
	xor	%ebp, %ebp
	mov	%rdi, %rsp
	call	svc_main
	ud2

	.globl	call_sigreturn, call_sigreturn_at
	.type	call_sigreturn, @function
call_sigreturn:
	mov	$15, %eax
	syscall
call_sigreturn_at:
	ud2

	.globl	signal_entry
	.type	signal_entry, @function
signal_entry:
	cld
	mov	%rsp, %rdi		/* the frame: its first word is the return address */
	jmp	signal_main

	.section .note.GNU-stack,"",@progbits
