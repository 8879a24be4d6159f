/* SPDX-License-Identifier: MIT */
/*
 * Timers.  Each CPU has a tree by expiry; the machine's timer is programmed
 * for the earliest, and only when that comes earlier than what is programmed.
 * A timer goes onto the tree of the CPU that arms it.
 */
#include <hal/upcall.h>
#include <kernel/cpu.h>
#include <kernel/print.h>
#include <kernel/slab.h>
#include "sched/sched_internal.h"

enum timer_state { TIMER_IDLE, TIMER_PENDING };
struct timer_base {
	struct spinlock lock;		/* [TIMER] */
	struct rb_root tree;
	struct rb_node *first;
	struct ktimer *running;		/* whose fn runs now */
	uint64_t armed_ns;		/* what the machine's timer is set to */
} ALIGNED(64);				/* a CPU's own */
static struct timer_base bases[HAL_CPUS];

static bool earlier(const struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct ktimer, node)->expires_ns < rb_entry(b, struct ktimer, node)->expires_ns;
}

void timer_init_cpu(struct cpu *c)
{
	struct timer_base *b = &bases[c->id];

	spin_init(&b->lock, LOCK_TIMER);
	b->armed_ns = UINT64_MAX;
	c->timers = b;
}

void ktimer_init(struct ktimer *t, void (*fn)(struct ktimer *))
{
	*t = (struct ktimer){ .fn = fn };
}

/* The base is this CPU's. */
static void program(struct timer_base *b) NO_TSA
{
	uint64_t next = b->first ? rb_entry(b->first, struct ktimer, node)->expires_ns : UINT64_MAX;

	if (next < b->armed_ns) {
		b->armed_ns = next;
		hal_timer_arm(next);
	}
}

static struct timer_base *lock_base(struct ktimer *t, unsigned long *flags) NO_TSA
{
	for (;;) {
		unsigned cpu = READ_ONCE(t->cpu);
		struct timer_base *b = &bases[cpu];

		*flags = spin_lock_irqsave(&b->lock);
		if (likely(READ_ONCE(t->cpu) == cpu))
			return b;
		spin_unlock_irqrestore(&b->lock, *flags);
	}
}

static void detach(struct timer_base *b, struct ktimer *t)
{
	if (b->first == &t->node)
		b->first = rb_next(&t->node);
	rb_erase(&b->tree, &t->node);
	__atomic_store_n(&t->state, TIMER_IDLE, __ATOMIC_RELAXED);
}

void ktimer_arm(struct ktimer *t, uint64_t expires) NO_TSA
{
	unsigned long flags;
	struct timer_base *b, *here;

	preempt_disable();
	b = lock_base(t, &flags);
	if (t->state == TIMER_PENDING)
		detach(b, t);
	here = this_cpu()->timers;
	if (b != here && b->running != t) {	/* moves to this CPU; while fn runs it stays, so that cancel_sync finds it */
		WRITE_ONCE(t->cpu, this_cpu()->id);
		spin_unlock_irqrestore(&b->lock, flags);
		/* Whoever arms it meanwhile wins by the usual rule: callers serialize arm against arm. */
		b = here;
		flags = spin_lock_irqsave(&b->lock);
		if (t->state == TIMER_PENDING)
			detach(b, t);
	}
	WRITE_ONCE(t->expires_ns, expires);
	__atomic_store_n(&t->state, TIMER_PENDING, __ATOMIC_RELAXED);
	rb_insert(&b->tree, &t->node, earlier);
	if (!b->first || earlier(&t->node, b->first))
		b->first = &t->node;
	if (b == here)
		program(b);
	else
		hal_cpu_ipi(t->cpu);	/* kernel_ipi there programs it */
	spin_unlock_irqrestore(&b->lock, flags);
	preempt_enable();
}

bool ktimer_cancel(struct ktimer *t) NO_TSA
{
	unsigned long flags;
	struct timer_base *b;
	bool pending;

	b = lock_base(t, &flags);
	pending = t->state == TIMER_PENDING;
	if (pending)
		detach(b, t);
	spin_unlock_irqrestore(&b->lock, flags);
	return pending;
}

bool ktimer_cancel_sync(struct ktimer *t) NO_TSA
{
	bool was = false;

	for (;;) {
		unsigned long flags;
		struct timer_base *b = lock_base(t, &flags);
		bool running = b->running == t;

		if (t->state == TIMER_PENDING) {
			detach(b, t);
			was = true;
		}
		spin_unlock_irqrestore(&b->lock, flags);
		if (!running)
			return was;
		hal_cpu_relax();
	}
}

bool ktimer_pending(const struct ktimer *t) { return READ_ONCE(t->state) == TIMER_PENDING; }

/* From kernel_timer(): what is due, earliest first. */
void timer_run(void) NO_TSA
{
	struct timer_base *b = this_cpu()->timers;
	unsigned long flags = spin_lock_irqsave(&b->lock);

	b->armed_ns = UINT64_MAX;
	while (b->first) {
		struct ktimer *t = rb_entry(b->first, struct ktimer, node);

		if (t->expires_ns > hal_time_mono_ns())
			break;
		detach(b, t);
		b->running = t;
		spin_unlock_irqrestore(&b->lock, flags);
		t->fn(t);
		flags = spin_lock_irqsave(&b->lock);
		b->running = NULL;
	}
	program(b);
	spin_unlock_irqrestore(&b->lock, flags);
}

void timer_program(void)
{
	struct timer_base *b = this_cpu()->timers;
	unsigned long flags = spin_lock_irqsave(&b->lock);

	program(b);
	spin_unlock_irqrestore(&b->lock, flags);
}

void sleep_ns(uint64_t ns)
{
	uint64_t deadline = hal_time_mono_ns() + ns;

	do
		sched_set_state(TASK_UNINTERRUPTIBLE);
	while (schedule_until(deadline));
}

/*
 * Real time minus monotonic time: read from the machine once, then changed only
 * by setting the clock.  The vDSO adds the same number, so that its answers and
 * those of system calls are in order.
 */
static int64_t wall_ns;		/* [a] 0: not read yet */

int64_t time_wall_offset(void)
{
	int64_t w = READ_ONCE(wall_ns), none = 0;

	if (likely(w))
		return w;
	w = (int64_t)(hal_time_real_ns() - hal_time_mono_ns());
	return __atomic_compare_exchange_n(&wall_ns, &none, w, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED) ? w : none;
}

uint64_t time_real_ns(void) { return hal_time_mono_ns() + (uint64_t)time_wall_offset(); }
void time_set_real_ns(uint64_t ns) { WRITE_ONCE(wall_ns, (int64_t)(ns - hal_time_mono_ns())); }
