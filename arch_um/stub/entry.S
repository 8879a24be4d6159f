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
	UMCALL	yield, 24
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

	/*
	 * Where the trampolines of patched call sites jump to: a system call
	 * without a signal.  rax..r9 are the program's; rcx is free (the call would
	 * have changed it), r11 is where to go on.  There is no stack: the program's
	 * is not touched (red zone), and its flags must be kept until they are saved.
	 *
	 * If %gs is not what the kernel gives a thread (the program has a base of
	 * its own), the call traps after all, here; the kernel finds r11.
	 *
	 * A kick (SIGURG) anywhere in the stub's code is only noted, because the
	 * thread is about to stop; between fast_resume and fast_resume_end the handler
	 * makes it go to fast_kicked: `back` and `rest` are still whole.
	 */
#define GS(off) %gs:((off) - STUB_GS_TAG)
#define BACK(n) GS(STUB_OFF_BACK + 8 * (n))
#define AX	0	/* struct stub_passed */
#define DI	1
#define SI	2
#define DX	3
#define R10	4
#define IP	5
#define FLAGS	6
#define REST(n) GS(STUB_OFF_REST + 8 * (n))
#define SP	0	/* struct stub_rest */
#define BX	1
#define BP	2
#define R12	3
#define R13	4
#define R14	5
#define R15	6
#define REST_AX	7
#define REST_CX	8
#define REST_R11 9
	/* A line that is not written is not fetched by the kernel's CPU. */
	.macro	SAY reg off
	cmp	\reg, GS(\off)
	je	9f
	mov	\reg, GS(\off)
9:
	.endm
	.section .text.first, "ax", @progbits
	.globl	fast_entry, fast_resume, fast_resume_end, fast_kicked, fast_unanswered
	.type	fast_entry, @function
fast_entry:
	rdgsbase %rcx
	rorx	$STUB_THREADS_SHIFT, %rcx, %rcx
	lea	-(STUB_THREADS >> STUB_THREADS_SHIFT)(%rcx), %ecx
	jrcxz	1f
	ud2				/* not a call: that would change r11 */
1:	mov	%rsp, REST(SP)
	mov	%r11, BACK(IP)
	mov	%rax, BACK(AX)
	rdgsbase %rcx
	lea	STUB_THREAD_CTL - STUB_GS_TAG(%rcx), %rsp
	pushfq
	popq	BACK(FLAGS)
	cld
	mov	%rdi, BACK(DI)
	mov	%rsi, BACK(SI)
	mov	%rdx, BACK(DX)
	mov	%r10, BACK(R10)
	mov	%rbx, REST(BX)
	mov	%rbp, REST(BP)
	mov	%r12, REST(R12)
	mov	%r13, REST(R13)
	mov	%r14, REST(R14)
	mov	%r15, REST(R15)
	SAY	%r8, STUB_OFF_R8
	SAY	%r9, STUB_OFF_R9
	rdfsbase %rax
	SAY	%rax, STUB_OFF_FS
	mov	$1, %esi		/* STUB_KIND_CALL */
2:	lea	-STUB_GS_TAG(%rcx), %rdi
	call	fast_main
	test	%eax, %eax
	jnz	fast_frame
fast_resume:
	cmpl	$0, GS(STUB_OFF_KICKED)
	jne	fast_kicked
	pushq	BACK(FLAGS)
	popfq
	mov	REST(REST_AX), %rax
	mov	REST(REST_CX), %rcx
	mov	REST(REST_R11), %r11
	mov	BACK(DX), %rdx
	mov	BACK(SI), %rsi
	mov	BACK(DI), %rdi
	mov	BACK(R10), %r10
	mov	GS(STUB_OFF_R8), %r8
	mov	GS(STUB_OFF_R9), %r9
	mov	REST(BX), %rbx
	mov	REST(BP), %rbp
	mov	REST(R12), %r12
	mov	REST(R13), %r13
	mov	REST(R14), %r14
	mov	REST(R15), %r15
	mov	REST(SP), %rsp
	jmp	*BACK(IP)
fast_resume_end:
fast_kicked:
	mov	REST(REST_AX), %rax
	mov	%rax, BACK(AX)
	rdgsbase %rcx
	lea	STUB_THREAD_CTL - STUB_GS_TAG(%rcx), %rsp
	pushq	$0x202
	popfq
	movl	$0, GS(STUB_OFF_KICKED)
	mov	$2, %esi		/* STUB_KIND_KICK */
	jmp	2b
	/* answer() in stub.c faulted: the call is the kernel's after all. */
fast_unanswered:
	rdgsbase %rcx
	lea	STUB_THREAD_CTL - STUB_GS_TAG(%rcx), %rsp
	mov	$3, %esi		/* STUB_KIND_UNANSWERED */
	jmp	2b
	/* The kernel needs more than `regs` can say, or the FP state: signal_main() continues on a frame. */
fast_frame:
	int3
	ud2

	.section .note.GNU-stack,"",@progbits
