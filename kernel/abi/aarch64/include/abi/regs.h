/* SPDX-License-Identifier: MIT */
/*
 * A user thread's registers: Linux's struct user_pt_regs, then what ptrace
 * shows elsewhere.  After a system call syscallno is x8 and orig_x0 the first
 * argument (for restarts); after any other trap syscallno is -1.
 */
#ifndef ABI_REGS_H
#define ABI_REGS_H
#include <stdint.h>
struct abi_regs {
	uint64_t x[31], sp, pc, pstate;
	uint64_t orig_x0;
	int64_t syscallno;
	uint64_t tls;		/* TPIDR_EL0 */
};
#endif
