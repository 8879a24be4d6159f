/* SPDX-License-Identifier: MIT */
/*
 * All that the machine may call by itself.
 *
 * kernel_irq, kernel_timer and kernel_ipi run with interrupts off, on the
 * stack of whatever was interrupted, and MAY SWITCH THREADS before they
 * return (preemption): the port has saved everything on that stack, has
 * acknowledged the interrupt (EOI; a level-triggered line is masked by the
 * port until the upcall has run the handler, or the device's handler quiets
 * it before EOI), and keeps nothing on a per-CPU stack.
 */
#ifndef HAL_UPCALL_H
#define HAL_UPCALL_H
#include <hal/types.h>

/* CPU 0, interrupts off, on a boot stack of at least 16 KiB. */
_Noreturn void kernel_main(void);
/* Another CPU, on the stack that hal_cpu_start() was given, interrupts off. */
_Noreturn void kernel_cpu_main(unsigned cpu);
void kernel_irq(unsigned irq) REQUIRES(irqs_off);
void kernel_timer(void) REQUIRES(irqs_off);
void kernel_ipi(void) REQUIRES(irqs_off);
/* The kernel itself trapped: prints and stops.  fp: frame pointer to unwind from. */
_Noreturn void kernel_oops(const char *what, uintptr_t pc, uintptr_t fp, uintptr_t addr);
#endif
