/* SPDX-License-Identifier: MIT */
	.section .rodata
	.globl	stub_image, stub_image_end
stub_image:
	.incbin	STUB_IMAGE
stub_image_end:
	.section .note.GNU-stack,"",@progbits
