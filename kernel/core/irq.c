/* SPDX-License-Identifier: MIT */
/* Device interrupts: handlers by line; a line may be shared. */
#include <hal/upcall.h>
#include <kernel/cpu.h>
#include <kernel/errno.h>
#include <kernel/lock.h>
#include <kernel/print.h>
#include <kernel/radix.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include "sched/sched_internal.h"

struct irq_action {
	struct irq_action *next;
	bool (*handler)(void *arg);
	void *arg;
	char name[16];
};
struct irq_line { struct irq_action *actions; uint64_t count, spurious; };	/* [a] counts */

static struct spinlock irq_lock = SPINLOCK_INIT(IRQ);
static struct radix_tree lines;		/* [irq_lock]; looked up under RCU (interrupts are off) */

int irq_request(unsigned irq, bool (*handler)(void *), void *arg, const char *name)
{
	struct irq_action *a = kzalloc(sizeof(*a), 0);
	struct irq_line *l, *new_line = kzalloc(sizeof(*new_line), 0);
	unsigned long flags;
	int err = -ENOMEM;

	if (!a || !new_line)
		goto out;
	a->handler = handler;
	a->arg = arg;
	strlcpy(a->name, name, sizeof(a->name));
	flags = spin_lock_irqsave(&irq_lock);
	l = radix_find(&lines, irq);
	err = 0;
	if (!l) {
		err = radix_insert(&lines, irq, new_line);
		if (!err) {
			l = new_line;
			new_line = NULL;
		}
	}
	if (!err) {
		a->next = l->actions;
		rcu_assign(l->actions, a);
		a = NULL;
	}
	spin_unlock_irqrestore(&irq_lock, flags);
	if (!err)
		err = hal_irq_unmask(irq);
out:
	kfree(a);
	kfree(new_line);
	return err;
}

void irq_release(unsigned irq, void *arg)
{
	struct irq_action *a = NULL, **link;
	unsigned long flags = spin_lock_irqsave(&irq_lock);
	struct irq_line *l = radix_find(&lines, irq);

	for (link = l ? &l->actions : NULL; link && *link; link = &(*link)->next)
		if ((*link)->arg == arg) {
			a = *link;
			rcu_assign(*link, a->next);
			break;
		}
	if (l && !l->actions)
		hal_irq_mask(irq);
	spin_unlock_irqrestore(&irq_lock, flags);
	if (a) {
		rcu_synchronize();
		kfree(a);
	}
}

void kernel_irq(unsigned irq)
{
	struct irq_line *l;
	bool handled = false;

	irq_enter();
	cpu_count_event(this_cpu()->irqs);
	trace_add(&this_cpu()->trace, TRACE_IRQ, 0, 0, irq, 0);
	l = radix_find(&lines, irq);
	if (l) {
		for (struct irq_action *a = rcu_dereference(l->actions); a; a = rcu_dereference(a->next))
			handled |= a->handler(a->arg);
		__atomic_add_fetch(&l->count, 1, __ATOMIC_RELAXED);	/* a line may be taken on two CPUs at once */
		__atomic_add_fetch(&l->spurious, !handled, __ATOMIC_RELAXED);
	}
	irq_exit();
}

bool irq_info_get(unsigned *irq, uint64_t *count, const char **name)
{
	uint64_t i = *irq;
	struct irq_line *l = radix_next(&lines, &i);

	if (!l)
		return false;
	*irq = (unsigned)i;
	*count = READ_ONCE(l->count);
	*name = l->actions ? l->actions->name : "";
	return true;
}
