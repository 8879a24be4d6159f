/* SPDX-License-Identifier: MIT */
/*
 * Preemption.  A thread counts its reasons not to be switched away; when the
 * last goes, a switch that was asked for meanwhile happens.  Interrupt upcalls
 * end in irq_exit(), which switches if the interrupted thread allows it.
 */
#include <hal/upcall.h>
#include <kernel/cpu.h>
#include <kernel/klog.h>
#include <kernel/task.h>
#include "sched/sched_internal.h"

void preempt_disable(void)
{
	current->preempt_count++;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

void preempt_enable(void)
{
	struct task *t = current;

	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	ASSERT(t->preempt_count > 0);
	if (--t->preempt_count == 0 && unlikely(READ_ONCE(this_cpu()->need_resched)) && hal_irq_enabled() && !in_interrupt())
		sched_preempt();
}

bool in_interrupt(void)
{
	/* irq_depth is only ever non-zero while interrupts are off on this CPU, so no migration can fool this. */
	return !hal_irq_enabled() && this_cpu()->irq_depth;
}

void irq_enter(void)
{
	struct cpu *c = this_cpu();

	c->irq_depth++;
#ifdef EFT_DEBUG
	BUG_ON(c->irq_depth > 1);
	c->held_base = c->held_count;
#endif
	current->preempt_count++;
}

void irq_exit(void)
{
	struct cpu *c = this_cpu();
	struct task *t = current;

	rcu_irq_exit();
	c->irq_depth--;
#ifdef EFT_DEBUG
	BUG_ON(c->held_count != c->held_base);
	c->held_base = 0;
#endif
	if (--t->preempt_count == 0 && READ_ONCE(c->need_resched) && t != c->idle)
		sched_preempt_irqoff();
}

void kernel_timer(void)
{
	cpu_count_event(this_cpu()->timer_irqs);
	trace_add(&this_cpu()->trace, TRACE_TIMER, 0, 0, 0, 0);
	irq_enter();
	timer_run();
	irq_exit();
}

void kernel_ipi(void)
{
	cpu_count_event(this_cpu()->ipis);
	trace_add(&this_cpu()->trace, TRACE_IPI, 0, 0, 0, 0);
	irq_enter();	/* an IPI means: look at your flags; irq_exit() does */
	klog_wake();
	timer_program();	/* somebody may have armed a timer of this CPU's */
	irq_exit();
}
