/* SPDX-License-Identifier: MIT */
/* A user thread's machine state. */
#ifndef X86_USER_H
#define X86_USER_H
#include <abi/regs.h>
#include "cpu.h"

struct hal_uctx {
	uint64_t align_;	/* so that the end of the trap frame, &regs.ss + 1, is 16-byte aligned: see trap.S */
	struct abi_regs regs;	/* [o] */
	bool step;		/* [o] trap after each instruction */
	bool called;		/* [o] it made a system call while being stepped */
	bool fpu_in_regs;	/* [o] this CPU's registers are newer than fpu[] */
	int fpu_cpu;		/* [o] the CPU that last loaded fpu[], if nobody else has since; -1: none */
	int seg_cpu;		/* [o] the same for the segment registers */
	uint8_t fpu[] ALIGNED(64);	/* XSAVE (or FXSAVE) area */
};

extern int user_enter(struct abi_regs *regs, bool sysret);	/* trap.S */
void fpu_load(struct hal_uctx *u, struct pcpu *c);
void fpu_store(struct hal_uctx *u);	/* the newest state is in memory afterwards; interrupts off */
void fpu_initial(struct hal_uctx *u);
int fpu_error_code(bool simd);		/* why #MF or #XM came: FPE_FLT... */
#endif
