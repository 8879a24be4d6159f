/* SPDX-License-Identifier: MIT */
/*
 * Device interrupts: handlers by line; a line may be shared.
 *
 * A line goes to one CPU, at first the boot CPU.  Drivers say of a line that
 * carries work (irq_spread); these are dealt out to the CPUs in turn, and
 * /proc/irq/N/smp_affinity moves one.  Nothing follows the load around.
 */
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
struct irq_line {
	struct irq_action *actions;
	void (*message)(void *arg);	/* [route_lock] */
	void *message_arg;		/* [route_lock] */
	unsigned cpu;			/* [route_lock] */
	uint64_t spurious;		/* [a] */
	uint64_t count[];		/* [a] by CPU; a CPU writes its own */
};

static struct spinlock irq_lock = SPINLOCK_INIT(IRQ);
static struct radix_tree lines;		/* [irq_lock]; looked up under RCU (interrupts are off); lines are never freed */
static struct spinlock route_lock = SPINLOCK_INIT(DRIVER);
static unsigned spread_next;		/* [route_lock] */

int irq_request(unsigned irq, bool (*handler)(void *), void *arg, const char *name)
{
	struct irq_action *a = kzalloc(sizeof(*a), 0);
	struct irq_line *l, *new_line = kzalloc(sizeof(*new_line) + hal_boot_info()->cpus * sizeof(uint64_t), 0);
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
		cpu_count_event(l->count[this_cpu()->id]);
		if (!handled)	/* a line may be taken on two CPUs at once */
			__atomic_add_fetch(&l->spurious, 1, __ATOMIC_RELAXED);
	}
	irq_exit();
}

/* ---- where a line goes ---- */

static struct irq_line *line_of(unsigned irq)
{
	unsigned long flags = spin_lock_irqsave(&irq_lock);
	struct irq_line *l = radix_find(&lines, irq);

	spin_unlock_irqrestore(&irq_lock, flags);
	return l;
}

static int route(unsigned irq, struct irq_line *l, unsigned cpu) REQUIRES(route_lock)
{
	int err = hal_irq_route(irq, cpu);

	if (err)
		return err;
	WRITE_ONCE(l->cpu, cpu);
	if (l->message)
		l->message(l->message_arg);
	return 0;
}

int irq_set_cpu(unsigned irq, unsigned cpu)
{
	struct irq_line *l = line_of(irq);
	int err;

	if (!l || cpu >= cpu_count || !cpus[cpu] || !READ_ONCE(cpus[cpu]->online))
		return -EINVAL;
	spin_lock(&route_lock);
	err = route(irq, l, cpu);
	spin_unlock(&route_lock);
	return err;
}

void irq_spread(unsigned irq)
{
	struct irq_line *l = line_of(irq);

	if (!l)
		return;
	spin_lock(&route_lock);
	for (unsigned i = 0; i < cpu_count; i++) {
		unsigned cpu = spread_next++ % cpu_count;

		if (cpus[cpu] && READ_ONCE(cpus[cpu]->online)) {
			(void)route(irq, l, cpu);	/* where it cannot be chosen, it stays */
			break;
		}
	}
	spin_unlock(&route_lock);
}

void irq_on_message(unsigned irq, void (*fn)(void *), void *arg)
{
	struct irq_line *l = line_of(irq);

	if (!l)
		return;
	spin_lock(&route_lock);
	l->message = fn;
	l->message_arg = arg;
	spin_unlock(&route_lock);
}

bool irq_info_get(unsigned irq, struct irq_info *out)
{
	uint64_t i = irq;
	unsigned long flags = spin_lock_irqsave(&irq_lock);
	struct irq_line *l = radix_next(&lines, &i);

	if (l) {
		*out = (struct irq_info){ .irq = (unsigned)i, .cpu = READ_ONCE(l->cpu), .count = l->count };
		if (l->actions)
			strlcpy(out->name, l->actions->name, sizeof(out->name));
	}
	spin_unlock_irqrestore(&irq_lock, flags);
	return l;
}
