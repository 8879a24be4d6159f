/* SPDX-License-Identifier: MIT */
/* The vDSO image as data: built by abi/vdso.cmake, copied into pages by task/vdso.c. */
	.section .rodata
	.globl abi_vdso_image, abi_vdso_image_end
	.hidden abi_vdso_image, abi_vdso_image_end
	.balign 16
abi_vdso_image:
	.incbin VDSO_FILE
abi_vdso_image_end:
	.section .note.GNU-stack, "", %progbits
