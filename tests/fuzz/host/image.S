/* SPDX-License-Identifier: MIT */
/* The root file system of the machine. */
	.section .rodata
	.globl	fuzz_image, fuzz_image_end
fuzz_image:
	.incbin	FUZZ_IMAGE
fuzz_image_end:
	.section .note.GNU-stack,"",@progbits
