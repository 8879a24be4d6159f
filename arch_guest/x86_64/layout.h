/* SPDX-License-Identifier: MIT */
/*
 * Where things are: the kernel's half of the address space, the segments, and
 * the offsets that assembly needs (checked against the structs in cpu.c).
 *
 *	0000000000010000  user code, up to 00007ffffffff000
 *	ffff800000000000  direct map: physical address p is at DIRECT_BASE + p.  RAM is
 *	                  cached and never executable; everything else is uncached (devices)
 *	ffffd00000000000  kernel stacks, each above an unmapped guard page
 *	ffffffff80000000  the kernel image, 4 KiB pages: text r-x, rodata r--, data rw-
 */
#ifndef X86_LAYOUT_H
#define X86_LAYOUT_H

#define KERNEL_VMA	0xffffffff80000000
#define KERNEL_PHYS	0x200000
#define DIRECT_BASE	0xffff800000000000
#define DIRECT_SLOTS	4	/* top-level entries of 512 GiB each */
#define KSTACK_BASE	0xffffd00000000000
#define KSTACK_END	0xffffd08000000000
#define USER_LIMIT	0x00007ffffffff000
#define USER_MIN	0x10000

/* Selectors.  SYSCALL and SYSRET fix the order: kernel code, kernel data, 32-bit user code, user data, user code. */
#define SEL_KCODE32	0x08	/* boot and the start of other CPUs only */
#define SEL_KCODE	0x10
#define SEL_KDATA	0x18
#define SEL_UCODE32	0x23	/* not present: there is no 32-bit mode */
#define SEL_UDATA	0x2b
#define SEL_UCODE	0x33
#define SEL_TSS		0x40

/* struct pcpu, %gs-relative. */
#define CPU_SELF	0
#define CPU_KERNEL	8
#define CPU_KSP		16
#define CPU_SCRATCH	24
#define CPU_CURRENT	32
#define CPU_RSP0	48	/* tss.rsp[0] */

/* Sizes of the IST stacks; each is aligned to its size, with the struct pcpu's address in its lowest word. */
#define NMI_STACK	4096
#define MC_STACK	8192
#define DF_STACK	16384
#define CPU_BLOCK	32768	/* struct pcpu (4 KiB), NMI, MC and DF stacks */

#define BOOT_STACK	32768

#define MSR_EFER	0xc0000080
#define MSR_STAR	0xc0000081
#define MSR_LSTAR	0xc0000082
#define MSR_CSTAR	0xc0000083
#define MSR_FMASK	0xc0000084
#define MSR_FS_BASE	0xc0000100
#define MSR_GS_BASE	0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102
#define EFER_SCE	1
#define EFER_LME	0x100
#define EFER_NXE	0x800
#endif
