/* SPDX-License-Identifier: MIT */
/*
 * Kernel threads, and running user code from one.
 *
 * Running user code is a call that returns why it stopped.  Natively the trap
 * entry restores the kernel stack and returns from the call; on um a stub
 * process is resumed and waited for; the fuzzer hands out the next call of a
 * generated program.  Nothing above knows which.
 */
#ifndef HAL_THREAD_H
#define HAL_THREAD_H
#include <hal/types.h>

/* ---- kernel threads ---- */

/*
 * A context that, when first switched to, calls fn(arg) on that stack with
 * interrupts off.  fn never returns.  NULL: no memory.
 */
struct hal_kctx *hal_kctx_create(void *stack_base, size_t size, void (*fn)(void *), void *arg);
/* A context to switch away from, for the code that is running (boot, idle). */
struct hal_kctx *hal_kctx_create_self(void *stack_base, size_t size);
/* Not running, and never will again. */
void hal_kctx_destroy(struct hal_kctx *k);
/* Save this thread in `from`, continue `to`.  Returns when somebody switches back, perhaps on another CPU. */
void hal_kctx_switch(struct hal_kctx *from, struct hal_kctx *to) REQUIRES(irqs_off);

/*
 * The running kernel thread: a word that the kernel sets (interrupts off, just
 * before hal_kctx_switch()) and that reading never gets wrong, even if the
 * thread is preempted and migrates in the middle: ONE instruction or register
 * (x86: %gs:offset, AArch64: SP_EL0 while in the kernel, um: %gs:offset).
 */
struct task;
struct task *hal_current(void);
void hal_current_set(struct task *t) REQUIRES(irqs_off);

/* ---- user threads ---- */

enum hal_trap {
	HAL_TRAP_SYSCALL,	/* number and arguments are in the registers; pc is behind the instruction */
	HAL_TRAP_FAULT,		/* a page fault: addr and access are set; pc is at the instruction */
	HAL_TRAP_EXCEPTION,	/* signal, si_code, addr are set */
	HAL_TRAP_KICK,		/* interrupted: nothing for the kernel but to look around */
};
struct hal_trap_info {
	uaddr_t addr;		/* FAULT, EXCEPTION */
	unsigned access;	/* FAULT: HAL_READ, HAL_WRITE or HAL_EXEC */
	int signal, si_code;	/* EXCEPTION: as Linux reports them (SIGILL, SIGFPE, SIGTRAP, SIGBUS, SIGSEGV) */
	uaddr_t hot_call;	/* SYSCALL, KICK: tell hal_as_hot_call() about this call instruction; 0: no */
	unsigned trap_nr, error_code;	/* raw, for signal frames and oopses; 0 where the CPU has none */
};

/* All registers 0, FP state initial.  NULL: no memory. */
struct hal_uctx *hal_user_create(void);
/* A copy: registers, FP and vector state.  The parent is the caller, in the kernel.  NULL: no memory. */
struct hal_uctx *hal_user_clone(struct hal_uctx *parent);
void hal_user_destroy(struct hal_uctx *u);
/*
 * Reserve what u, which has not run yet, needs to run in the address space as:
 * afterwards it can start there whatever the machine lacks.  May sleep.
 * 0; -EAGAIN: the machine has no more of it.
 */
int hal_user_prepare(struct hal_uctx *u, struct hal_as *as);
/*
 * u, the caller's, does not run in its address space again (execve), whose
 * reference is still held: what it has there is given back, and its FP state is
 * undefined until hal_user_fpu_reset().
 */
void hal_user_leave(struct hal_uctx *u);
/*
 * The integer registers, thread pointer included, while the thread is in the
 * kernel; changes hold from the next hal_user_run() on.  A port validates what
 * could hurt it (flags, segments, PSTATE, non-canonical pc) when it resumes.
 */
struct abi_regs *hal_user_regs(struct hal_uctx *u);
/*
 * The same struct, for who needs only what a system call passes and brings back
 * (number, arguments, result, pc, flags): what else is in it may be out of date,
 * because a port may leave it where it is until hal_user_regs() asks.
 */
struct abi_regs *hal_user_call_regs(struct hal_uctx *u);

/*
 * Run user code in the active address space until it needs the kernel.
 * Returns HAL_TRAP_KICK at once if an interrupt is pending; interrupts that
 * come while user code runs are delivered (upcalls) and then end the call.
 * Called and returns with interrupts off; holds no lock.
 */
enum hal_trap hal_user_run(struct hal_uctx *u, struct hal_trap_info *info) REQUIRES(irqs_off);

/*
 * Calls that need no kernel may be answered where user code is, without coming here: who the thread is, and what time, from the
 * page of hal_user_clock().  pid 0: all of them come, as at first; that holds at once, also for a thread that is in user code
 * on another CPU.  The owner, or who keeps u from being destroyed.  A port may ignore it.
 */
void hal_user_answers(struct hal_uctx *u, int pid, int tid);
/* The page of struct abi_vvar (<abi/vvar.h>): once, before any address space is made. */
void hal_user_clock(paddr_t page);

/* The running thread is being switched away from (its FP state may be live in this CPU). */
void hal_user_switch_out(struct hal_uctx *u) REQUIRES(irqs_off);

/*
 * FP and vector state in the format of the CPU's signal frame: x86-64 an XSAVE
 * area in standard format; AArch64 struct user_fpsimd_state.  `get` returns the
 * bytes written (at most max), `set` 0 or -EINVAL (not a state that can be loaded).
 */
size_t hal_user_fpu_size(void);
size_t hal_user_fpu_get(struct hal_uctx *u, void *buf, size_t max);
int hal_user_fpu_set(struct hal_uctx *u, const void *buf, size_t n);
void hal_user_fpu_reset(struct hal_uctx *u);

/* Trap after one user instruction (HAL_TRAP_EXCEPTION, SIGTRAP, TRAP_TRACE). */
void hal_user_single_step(struct hal_uctx *u, bool on);

/*
 * Direct user copies in the active address space: copy until done or until a
 * page faults, return the bytes copied.  A fast path only: it may return 0 at
 * any time (um always does), and the caller then goes through the areas.
 * The range has been checked against hal_as_limit().
 */
size_t hal_user_copy_from(void *dst, uaddr_t src, size_t n);
size_t hal_user_copy_to(uaddr_t dst, const void *src, size_t n);

/* AT_HWCAP, AT_HWCAP2, AT_PLATFORM of the auxiliary vector. */
struct hal_cpu_caps { uint64_t hwcap, hwcap2; const char *platform; size_t min_sigstack; };
const struct hal_cpu_caps *hal_cpu_caps(void);
#endif
