/* SPDX-License-Identifier: MIT */
/*
 * A user thread's registers: the layout of Linux's struct user_regs_struct
 * (what PTRACE_GETREGS and NT_PRSTATUS show), so that ptrace copies it.
 * After a system call orig_rax holds the number and rax -ENOSYS until the
 * result is set; after any other trap orig_rax is -1.
 */
#ifndef ABI_REGS_H
#define ABI_REGS_H
#include <stdint.h>
struct abi_regs {
	uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8;
	uint64_t rax, rcx, rdx, rsi, rdi, orig_rax;
	uint64_t rip, cs, eflags, rsp, ss;
	uint64_t fs_base, gs_base;
	uint64_t ds, es, fs, gs;
};
#endif
