/* SPDX-License-Identifier: MIT */
/*
 * The program that every process of the fuzzer "runs": /sbin/init and /bin/prog.
 * It is mapped, and never executed; see FUZZ_PC and FUZZ_ARENA in <fuzz/machine.h>.
 */
	.section .fuzz_text, "ax", @progbits
	.skip	0xfe
	syscall
	.globl	_start
_start:
	jmp	_start
	.skip	14
	ret			/* FUZZ_HANDLER */
	.section .fuzz_arena, "aw", @nobits
	.skip	0x80000
	.section .note.GNU-stack,"",@progbits
