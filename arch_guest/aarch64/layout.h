/* SPDX-License-Identifier: MIT */
/*
 * Numbers that C, assembly and the linker script share: the kernel's address
 * space, and the offsets of the structures that assembly touches (checked
 * against the C structures in user.c and trap.c).
 *
 *   0000_0000_0000_0000  user, 48 bits (TTBR0)
 *   ffff_0000_0000_0000  direct map: physical address + this, RAM only
 *   ffff_8000_0000_0000  devices: physical address + this, mapped when found
 *   ffff_c000_0000_0000  kernel stacks: 64 KiB slots, the upper part mapped
 *   ffff_ff00_0000_0000  the device tree while booting
 *   ffff_ffff_8000_0000  the kernel image
 */
#ifndef AARCH64_LAYOUT_H
#define AARCH64_LAYOUT_H

#define DIRECT_BASE	0xffff000000000000
#define DIRECT_BITS	47
#define DEVICE_BASE	0xffff800000000000
#define DEVICE_BITS	46
#define KSTACK_BASE	0xffffc00000000000
#define KSTACK_SLOT	0x10000
#define FDT_BASE	0xffffff0000000000
#define KERNEL_BASE	0xffffffff80000000

#define BOOT_STACK	32768
#define EMERGENCY_STACK	8192

/* struct uctx begins with struct abi_regs. */
#define U_SP		248
#define U_PC		256
#define U_PSTATE	264
#define U_TLS		288

/* struct kframe: registers of an interrupted kernel. */
#define KF_SP		248
#define KF_PC		256
#define KF_PSTATE	264
#define KF_RECORD	272
#define KF_SIZE		288

/* struct percpu */
#define PC_SELF		0
#define PC_EMERGENCY	8

/* What user_enter() returns, what the vectors pass to C. */
#define VEC_SYNC	0
#define VEC_IRQ		1
#define VEC_FIQ		2
#define VEC_SERROR	3
#define VEC_OVERFLOW	4
#define VEC_BAD		5

/* struct hal_kctx */
#define KC_SP		96

#define MAIR_VALUE	0x44ff04	/* 0: device nGnRE, 1: write-back, 2: non-cacheable */

/* SCTLR_EL1: EIS TSCXT EOS LSMAOE nTLSMD SPAN=0 (res1 where they do not exist), then what we turn on. */
#define SCTLR_RES1	((1 << 11) | (1 << 20) | (1 << 22) | (1 << 28) | (1 << 29))
#define SCTLR_ON	(SCTLR_RES1 | (1 << 0) /* M */ | (1 << 2) /* C */ | (1 << 3) /* SA */ | (1 << 4) /* SA0 */ \
			| (1 << 12) /* I */ | (1 << 14) /* DZE */ | (1 << 15) /* UCT */ | (1 << 16) /* nTWI */ \
			| (1 << 18) /* nTWE */ | (1 << 26) /* UCI */)
#define SCTLR_OFF	(SCTLR_RES1 | (1 << 23))
#endif
