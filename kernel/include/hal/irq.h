/* SPDX-License-Identifier: MIT */
/*
 * Interrupts.  "Off" means that no kernel_irq/timer/ipi upcall starts on this
 * CPU.  On um it is a store to a flag (a soft mask); what came meanwhile is
 * run by the restore that enables again.
 */
#ifndef HAL_IRQ_H
#define HAL_IRQ_H
#include <hal/types.h>

unsigned long hal_irq_save(void) ACQUIRES(irqs_off);
void hal_irq_restore(unsigned long flags) RELEASES(irqs_off);
void hal_irq_disable(void) ACQUIRES(irqs_off);
void hal_irq_enable(void) RELEASES(irqs_off);
bool hal_irq_enabled(void);

/* A device's line.  Starts masked.  Returns 0 or -EINVAL (no such line). */
int hal_irq_unmask(unsigned irq);
void hal_irq_mask(unsigned irq);

/*
 * A message-signalled interrupt for a PCI function: allocates a line number,
 * and the address and data that the function must write (some machines tell
 * devices apart by who writes).  -ENOTSUP where the machine has none, -ENOSPC.
 */
int hal_msi_alloc(unsigned bdf, unsigned *irq, uint64_t *addr, uint32_t *data);
void hal_msi_free(unsigned irq);
/* What the function of that line must write now. -EINVAL: not such a line. */
int hal_msi_message(unsigned irq, uint64_t *addr, uint32_t *data);

/*
 * Let this line's interrupts go to that CPU, which is online.  A line goes to
 * one CPU at a time, at first to CPU 0.  An interrupt that is under way may
 * still arrive at the old one.  For a message-signalled line the message may
 * change: ask again.  0, -EINVAL (no such line or CPU), -ENOTSUP.
 */
int hal_irq_route(unsigned irq, unsigned cpu);
#endif
