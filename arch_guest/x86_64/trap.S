/* SPDX-License-Identifier: MIT */
/*
 * Into and out of the kernel.
 *
 * User code runs inside a call: user_enter() leaves the kernel's callee-saved
 * registers on the kernel stack and its stack pointer in %gs:CPU_KSP, and
 * returns when user code traps, with the vector (or -1: system call).
 *
 * struct abi_regs is laid out so that the CPU itself fills it: tss.rsp0 points
 * behind regs->ss, hence a trap from user mode pushes ss, rsp, eflags, cs, rip
 * and the error code (into orig_rax) right where they belong, and the entry
 * pushes the rest.  The kernel stack is not touched before it is known to be
 * good.
 *
 * %gs: user code has its own base; swapgs exactly when a trap came from user
 * mode.  NMI, machine check and double fault can hit the few instructions
 * between the trap and the swapgs, and user code may choose a base that looks
 * like the kernel's: they run on stacks of their own (IST), which say in their
 * lowest word whose they are, and put back whatever base they found.
 */
#include "layout.h"

/* Patched to nops on a CPU without SMAP (cpu.c). */
	.macro STAC
771:	stac
	.pushsection .stac_table, "a"
	.quad	771b
	.popsection
	.endm
	.macro CLAC
771:	clac
	.pushsection .stac_table, "a"
	.quad	771b
	.popsection
	.endm
	.macro EX_TABLE insn, fixup
	.pushsection .ex_table, "a"
	.quad	\insn, \fixup
	.popsection
	.endm

	.macro PUSH_REST		/* below rdi, in the order of struct abi_regs */
	pushq	%rsi
	pushq	%rdx
	pushq	%rcx
	pushq	%rax
	pushq	%r8
	pushq	%r9
	pushq	%r10
	pushq	%r11
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	.endm
	.macro POP_ALL
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	popq	%r11
	popq	%r10
	popq	%r9
	popq	%r8
	popq	%rax
	popq	%rcx
	popq	%rdx
	popq	%rsi
	popq	%rdi
	.endm

	.text
/* 256 stubs of 16 bytes: an error code for those that have none, and the vector. */
	.balign 16
	.global trap_stubs
trap_stubs:
	vector = 0
	.rept 256
	.balign 16
	.if (vector == 8) || (vector >= 10 && vector <= 14) || (vector == 17) || (vector == 21) || (vector == 29) || (vector == 30)
	.else
	pushq	$0
	.endif
	pushq	$vector
	jmp	trap_common
	vector = vector + 1
	.endr

	.balign 16
trap_common:
	CLAC
	cld
	testb	$3, 24(%rsp)
	jz	trap_kernel
	swapgs
	xchgq	%rdi, (%rsp)
	PUSH_REST
	movl	%edi, %eax
	movq	%gs:CPU_KSP, %rsp
leave_user:
	/* Nothing of the user's may reach the kernel's code in a register. */
	xorl	%ecx, %ecx
	xorl	%edx, %edx
	xorl	%esi, %esi
	xorl	%edi, %edi
	xorl	%r8d, %r8d
	xorl	%r9d, %r9d
	xorl	%r10d, %r10d
	xorl	%r11d, %r11d
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
	ret

trap_kernel:
	xchgq	%rdi, (%rsp)
	PUSH_REST
	movq	%rsp, %rsi
	subq	$8, %rsp
	pushq	128(%rsi)		/* a frame for backtraces: it returns to what was interrupted */
	pushq	%rbp
	movq	%rsp, %rbp
	call	trap_in_kernel
	addq	$24, %rsp
	POP_ALL
	addq	$8, %rsp
	iretq

/* SYSCALL: rcx = the user's rip, r11 = its flags; interrupts are off (FMASK). */
	.balign 16
	.global syscall_entry
syscall_entry:
	swapgs
	movq	%rsp, %gs:CPU_SCRATCH
	movq	%gs:CPU_RSP0, %rsp
	pushq	$SEL_UDATA
	pushq	%gs:CPU_SCRATCH
	pushq	%r11
	pushq	$SEL_UCODE
	pushq	%rcx
	pushq	%rax			/* orig_rax */
	pushq	%rdi
	pushq	%rsi
	pushq	%rdx
	pushq	%rcx
	pushq	$-38			/* rax: -ENOSYS until there is a result */
	pushq	%r8
	pushq	%r9
	pushq	%r10
	pushq	%r11
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movl	$-1, %eax
	movq	%gs:CPU_KSP, %rsp
	jmp	leave_user

/* 32-bit SYSCALL: no code segment leads there. */
	.global syscall32_entry
syscall32_entry:
	ud2

/* int user_enter(struct abi_regs *regs, bool sysret): see above.  The caller has validated regs. */
	.balign 16
	.global user_enter
user_enter:
	pushq	%rbp
	pushq	%rbx
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, %gs:CPU_KSP
	movq	%rdi, %rsp
	testb	%sil, %sil
	jnz	1f
	POP_ALL
	addq	$8, %rsp
	swapgs
	iretq
1:	POP_ALL				/* rcx is rip, and r11 eflags: checked by the caller */
	movq	32(%rsp), %rsp
	swapgs
	sysretq

/* NMI, #DF, #MC: on a stack of the CPU's, whatever %gs is. */
	.macro IST_ENTRY name, vector, size, error
	.balign 16
	.global \name
\name:
	.if !\error
	pushq	$0
	.endif
	CLAC
	cld
	pushq	%rdi
	movl	$\vector, %edi
	PUSH_REST
	movq	%rsp, %rbx
	andq	$-\size, %rbx
	jmp	ist_common
	.endm
	IST_ENTRY trap_nmi, 2, NMI_STACK, 0
	IST_ENTRY trap_df, 8, DF_STACK, 1
	IST_ENTRY trap_mc, 18, MC_STACK, 0

ist_common:
	movl	$MSR_GS_BASE, %ecx
	rdmsr
	movl	%eax, %r12d
	movl	%edx, %r13d
	movq	(%rbx), %rax
	movq	%rax, %rdx
	shrq	$32, %rdx
	wrmsr
	movq	%rsp, %rsi
	subq	$8, %rsp
	call	trap_ist
	addq	$8, %rsp
	movl	$MSR_GS_BASE, %ecx
	movl	%r12d, %eax
	movl	%r13d, %edx
	wrmsr
	POP_ALL
	addq	$8, %rsp
	iretq

/* ---- threads ---- */

/* void kctx_switch(uint64_t *save_rsp, uint64_t load_rsp) */
	.balign 16
	.global kctx_switch
kctx_switch:
	pushq	%rbp
	pushq	%rbx
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, (%rdi)
	movq	%rsi, %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
	ret

/* First switch to a new context: r12 = fn, r13 = arg. */
	.global kctx_start
kctx_start:
	xorl	%ebp, %ebp
	movq	%r13, %rdi
	call	*%r12
	ud2

/* ---- user copies: size_t user_copy(void *dst, const void *src, size_t n), bytes copied ---- */
	.balign 16
	.global user_copy
user_copy:
	movq	%rdx, %rax
	movq	%rdx, %rcx
	shrq	$3, %rcx
	andl	$7, %edx
	STAC
1:	rep movsq
	movl	%edx, %ecx
2:	rep movsb
	CLAC
	ret
	EX_TABLE 1b, 3f
	EX_TABLE 2b, 4f
3:	CLAC				/* rcx words and edx bytes were left */
	leaq	(%rdx,%rcx,8), %rcx
	subq	%rcx, %rax
	ret
4:	CLAC
	subq	%rcx, %rax
	ret

/* bool load_safe(uint64_t *out, uint64_t addr): a load that may fault, for backtraces. */
	.balign 16
	.global load_safe
load_safe:
1:	movq	(%rsi), %rax
	movq	%rax, (%rdi)
	movl	$1, %eax
	ret
	EX_TABLE 1b, 2f
2:	xorl	%eax, %eax
	ret

	.section .note.GNU-stack, "", @progbits
