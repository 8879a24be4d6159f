/* SPDX-License-Identifier: MIT */
/* What is on the machine's disks. */
	.section .rodata
	.globl	fuzz_image, fuzz_image_end, fuzz_disk1, fuzz_disk1_end, fuzz_disk2, fuzz_disk2_end
fuzz_image:
	.incbin	FUZZ_IMAGE
fuzz_image_end:
fuzz_disk1:
	.incbin	FUZZ_DISK1
fuzz_disk1_end:
fuzz_disk2:
	.incbin	FUZZ_DISK2
fuzz_disk2_end:
	.section .note.GNU-stack,"",@progbits
