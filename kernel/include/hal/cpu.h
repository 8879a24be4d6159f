/* SPDX-License-Identifier: MIT */
/* Processors.  CPUs are numbered 0 .. hal_boot_info()->cpus - 1; CPU 0 boots. */
#ifndef HAL_CPU_H
#define HAL_CPU_H
#include <hal/types.h>

/*
 * This CPU's data.  May be called with interrupts on, but then the answer may
 * be stale by the time it is used: see this_cpu() in <kernel/cpu.h>.
 */
struct cpu *hal_cpu_self(void);
/* Once per CPU, before anything else is called there. */
void hal_cpu_set_self(struct cpu *c);

/*
 * Start a CPU that is off: it calls kernel_cpu_main(cpu) on the stack given,
 * interrupts off.  Returns 0, -ENODEV (no such CPU), -EIO (it did not come up).
 */
int hal_cpu_start(unsigned cpu, void *stack_base, size_t stack_size);

/* Make kernel_ipi() run on that CPU soon (also if it is this one).  Any context. */
void hal_cpu_ipi(unsigned cpu);

/*
 * Bits of the other CPUs that run on the same physical one: while one of them is busy this one adds nothing.
 * Constant; 0: it has its own, or nobody knows.  Any context.
 */
uint64_t hal_cpu_shares(unsigned cpu);

/*
 * Wait for an interrupt.  Called with interrupts off; enables them atomically
 * with going to sleep, takes what is pending, returns with them off.  No busy wait.
 */
void hal_cpu_idle(void) REQUIRES(irqs_off);

/* In a loop that waits for another CPU: pause, yield; on um gives up the host CPU after a while. */
void hal_cpu_relax(void);

/* This CPU will never run again (after a panic elsewhere). */
_Noreturn void hal_cpu_stop(void);
#endif
