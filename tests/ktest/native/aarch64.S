/* SPDX-License-Identifier: MIT */
/* bool ktest_regs_fault(in, out): a load from address 16 with the pattern in the registers; x27 is the address. */
#include "aarch64/regs_macros.h"
	.text
	.balign 16
	.global	ktest_regs_fault
	.hidden	ktest_regs_fault
ktest_regs_fault:
	SAVE_CALLEE
	LOAD_ALL
	mov	x27, #16
1:	ldtr	x27, [x27]
2:	STORE_ALL
	RESTORE_CALLEE
	mov	w0, #1
	ret
	.pushsection .extable, "a"
	.long	1b - ., 2b - .
	.popsection
	.section .note.GNU-stack, "", %progbits
