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
	 * makes it go to fast_kicked: `back`, `regs` and `ax` are still whole.
	 */
#define GS(off) %gs:((off) - STUB_GS_TAG)
#define REG(n) GS(STUB_OFF_REGS + 8 * (n))
#define BACK(n) GS(STUB_OFF_BACK + 8 * (n))
#define AX	0	/* struct stub_passed */
#define DI	1
#define SI	2
#define DX	3
#define R10	4
#define SP	5
#define IP	6
#define BX	7	/* struct stub_regs goes on */
#define BP	8
#define R12	9
#define R13	10
#define R14	11
#define R15	12
#define R8	13
#define R9	14
#define FLAGS	15
#define CX	16
#define R11	17
	/* %rax: |= what differs from what is there */
	.macro	DIFFERS reg n
	mov	REG(\n), %rdx
	xor	\reg, %rdx
	or	%rdx, %rax
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
1:	mov	%rsp, BACK(SP)
	mov	%r11, BACK(IP)
	mov	%rax, BACK(AX)
	rdgsbase %rcx
	lea	STUB_THREAD_CTL - STUB_GS_TAG(%rcx), %rsp
	pushfq
	popq	%rax
	cld
	mov	%rdi, BACK(DI)
	mov	%rsi, BACK(SI)
	mov	%rdx, BACK(DX)
	mov	%r10, BACK(R10)
	/* A line that is not written is not fetched by the kernel's CPU. */
	cmp	%rax, REG(FLAGS)
	je	3f
	mov	%rax, REG(FLAGS)
3:	rdfsbase %rax
	cmp	%rax, GS(STUB_OFF_FS)
	je	4f
	mov	%rax, GS(STUB_OFF_FS)
4:	xor	%eax, %eax
	DIFFERS	%rbx, BX
	DIFFERS	%rbp, BP
	DIFFERS	%r12, R12
	DIFFERS	%r13, R13
	DIFFERS	%r14, R14
	DIFFERS	%r15, R15
	DIFFERS	%r8, R8
	DIFFERS	%r9, R9
	test	%rax, %rax
	jz	5f
	mov	%rbx, REG(BX)
	mov	%rbp, REG(BP)
	mov	%r12, REG(R12)
	mov	%r13, REG(R13)
	mov	%r14, REG(R14)
	mov	%r15, REG(R15)
	mov	%r8, REG(R8)
	mov	%r9, REG(R9)
5:	mov	$1, %esi		/* STUB_KIND_CALL */
2:	lea	-STUB_GS_TAG(%rcx), %rdi
	call	fast_main
	test	%eax, %eax
	jnz	fast_frame
fast_resume:
	cmpl	$0, GS(STUB_OFF_KICKED)
	jne	fast_kicked
	pushq	REG(FLAGS)
	popfq
	mov	GS(STUB_OFF_AX), %rax
	mov	REG(BX), %rbx
	mov	REG(CX), %rcx
	mov	BACK(DX), %rdx
	mov	BACK(SI), %rsi
	mov	BACK(DI), %rdi
	mov	REG(BP), %rbp
	mov	REG(R8), %r8
	mov	REG(R9), %r9
	mov	BACK(R10), %r10
	mov	REG(R11), %r11
	mov	REG(R12), %r12
	mov	REG(R13), %r13
	mov	REG(R14), %r14
	mov	REG(R15), %r15
	mov	BACK(SP), %rsp
	jmp	*BACK(IP)
fast_resume_end:
fast_kicked:
	mov	GS(STUB_OFF_AX), %rax
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
