/* SPDX-License-Identifier: MIT */
/*
 * What the Linux ABI says per CPU; implemented by kernel/abi/{x86_64,aarch64}.
 * Unprivileged C: the same for um and native.
 */
#ifndef KERNEL_ABI_CPU_H
#define KERNEL_ABI_CPU_H
#include <abi/regs.h>
#include <hal/thread.h>
#include <kernel/signal.h>

unsigned abi_syscall_nr(const struct abi_regs *r);
void abi_syscall_args(const struct abi_regs *r, uint64_t args[6]);
uint64_t abi_syscall_arg0(const struct abi_regs *r);
void abi_syscall_result(struct abi_regs *r, long result);
long abi_syscall_get_result(const struct abi_regs *r);
/* Make the instruction run again with the number given (the original, or restart_syscall's). */
void abi_syscall_restart(struct abi_regs *r, bool with_restart_block);
void abi_syscall_done(struct abi_regs *r);	/* no restart from now on */
void abi_syscall_rollback(struct abi_regs *r);	/* as they were before the call, but for the program counter */
bool abi_in_syscall(const struct abi_regs *r);
void abi_regs_exec(struct abi_regs *r, uaddr_t pc, uaddr_t sp);
/* The child of clone: result 0; sp 0 keeps the parent's; tls is used if set_tls. */
void abi_regs_clone(struct abi_regs *r, uaddr_t sp, bool set_tls, uaddr_t tls);
uaddr_t abi_regs_pc(const struct abi_regs *r);
uaddr_t abi_regs_sp(const struct abi_regs *r);
/* Push a signal frame for current and enter the handler.  0 or -EFAULT (then SIGSEGV). */
int abi_signal_frame(struct hal_uctx *u, const struct ksigaction *sa, const struct abi_siginfo *info, uint64_t oldmask,
	const struct hal_trap_info *trap);
/* rt_sigreturn: restores registers, FP state, mask, alternate stack.  0 or -EFAULT. */
int abi_signal_return(struct hal_uctx *u);
extern const char abi_uts_machine[];	/* "x86_64", "aarch64" */
extern const uint16_t abi_elf_machine;	/* e_machine */
extern const uint32_t abi_audit_arch;	/* AUDIT_ARCH_*: linux/audit.h */
void abi_regs_set_pc(struct abi_regs *r, uaddr_t pc);
uint64_t abi_tls_get(const struct abi_regs *r);
/* NT_PRSTATUS: the registers as ptrace shows them. */
size_t abi_regset_get(const struct abi_regs *r, void *buf, size_t max);
int abi_regset_set(struct abi_regs *r, const void *buf, size_t n);
/* The vDSO image and its data page: see abi/vdso. */
extern const uint8_t abi_vdso_image[], abi_vdso_image_end[];
/* /proc/cpuinfo of one CPU after its "processor" line; returns the bytes (at most max - 1). */
size_t abi_cpuinfo(unsigned cpu, unsigned cpus, char *buf, size_t max);
#endif
