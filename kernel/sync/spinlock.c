/* SPDX-License-Identifier: MIT */
/*
 * Spinlocks: test, then test-and-set.  Not a ticket lock: on um a CPU is a
 * host thread that the host may stop anywhere, and first come, first served
 * would then make everybody wait for a waiter that does not run.
 */
#include <kernel/cpu.h>
#include <kernel/task.h>
#include "sync/lock_debug.h"

struct irq_state irqs_off;

void spin_init(struct spinlock *l, enum lock_class c)
{
	*l = (struct spinlock){ .class = (uint16_t)c };
}

static inline void spin_acquire(struct spinlock *l)
{
	while (__atomic_exchange_n(&l->held, 1, __ATOMIC_ACQUIRE))
		while (READ_ONCE(l->held))
			hal_cpu_relax();
}

void spin_lock(struct spinlock *l) NO_TSA
{
	preempt_disable();
	lock_debug_spin_acquire(l->class, LOCK_FIRST);
	spin_acquire(l);
}

void spin_lock_nested(struct spinlock *l) NO_TSA
{
	preempt_disable();
	lock_debug_spin_acquire(l->class, LOCK_NESTED);
	spin_acquire(l);
}

bool spin_trylock(struct spinlock *l) NO_TSA
{
	preempt_disable();
	if (__atomic_exchange_n(&l->held, 1, __ATOMIC_ACQUIRE)) {
		preempt_enable();
		return false;
	}
	lock_debug_spin_acquire(l->class, LOCK_TRIED);
	return true;
}

void spin_unlock(struct spinlock *l) NO_TSA
{
	lock_debug_spin_release(l->class);
	__atomic_store_n(&l->held, 0, __ATOMIC_RELEASE);
	preempt_enable();
}

unsigned long spin_lock_irqsave(struct spinlock *l) NO_TSA
{
	unsigned long flags = hal_irq_save();

	preempt_disable();
	lock_debug_spin_acquire(l->class, LOCK_FIRST);
	spin_acquire(l);
	return flags;
}

void spin_unlock_irqrestore(struct spinlock *l, unsigned long flags) NO_TSA
{
	lock_debug_spin_release(l->class);
	__atomic_store_n(&l->held, 0, __ATOMIC_RELEASE);
	hal_irq_restore(flags);
	preempt_enable();
}

bool spin_is_locked(const struct spinlock *l) { return READ_ONCE(l->held); }

void spin_lock_raw(struct spinlock *l)
{
	lock_debug_spin_acquire(l->class, LOCK_FIRST);
	spin_acquire(l);
}

bool spin_trylock_raw(struct spinlock *l)
{
	if (__atomic_exchange_n(&l->held, 1, __ATOMIC_ACQUIRE))
		return false;
	lock_debug_spin_acquire(l->class, LOCK_TRIED);
	return true;
}

void spin_unlock_raw(struct spinlock *l)
{
	lock_debug_spin_release(l->class);
	__atomic_store_n(&l->held, 0, __ATOMIC_RELEASE);
}
