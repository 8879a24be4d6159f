/* SPDX-License-Identifier: MIT */
/*
 * Lock order, checked at run time in debug builds.
 *
 * A CPU remembers the classes of the spinlocks it holds, a thread those of its
 * sleeping locks.  A class may be taken only if it stands behind every held
 * one in lock_order.def (or equals it, by a _nested call).  An interrupt
 * starts with an empty view of the spinlocks: what it interrupted holds only
 * locks that interrupts never take, or interrupts would be off.
 */
#include <kernel/cpu.h>
#include <kernel/print.h>
#include <kernel/task.h>
#include "sync/lock_debug.h"

static const char *const class_names[] = {
	"none",
#define LOCK_CLASS(name, what) #name,
#include <kernel/lock_order.def>
#undef LOCK_CLASS
};

#ifdef EFT_DEBUG
static void check(uint16_t held, uint16_t class, enum lock_how how)
{
	if (how != LOCK_TRIED && (held > class || (held == class && how != LOCK_NESTED)))
		panic("lock order: %s taken while holding %s", class_names[class], class_names[held]);
}

void lock_debug_spin_acquire(uint16_t class, enum lock_how how)
{
	struct cpu *c = this_cpu();
	struct task *t = current;

	if (class == LOCK_NONE || !c)
		return;
	for (unsigned i = c->held_base; i < c->held_count; i++)
		check(c->held[i], class, how);
	if (!c->irq_depth && t)
		for (unsigned i = 0; i < t->held_count; i++)
			check(t->held[i], class, how);
	BUG_ON(c->held_count == ARRAY_SIZE(c->held));
	c->held[c->held_count++] = class;
}

void lock_debug_spin_release(uint16_t class)
{
	struct cpu *c = this_cpu();

	if (class == LOCK_NONE || !c)
		return;
	for (unsigned i = c->held_count; i-- > 0;)
		if (c->held[i] == class) {
			for (; i + 1 < c->held_count; i++)
				c->held[i] = c->held[i + 1];
			c->held_count--;
			return;
		}
	panic("lock order: %s released but not held", class_names[class]);
}

void lock_debug_sleep_acquire(uint16_t class, enum lock_how how)
{
	struct task *t = current;

	if (class == LOCK_NONE || !t)
		return;
	for (unsigned i = 0; i < t->held_count; i++)
		check(t->held[i], class, how);
	BUG_ON(t->held_count == ARRAY_SIZE(t->held));
	t->held[t->held_count++] = class;
}

void lock_debug_sleep_release(uint16_t class)
{
	struct task *t = current;

	if (class == LOCK_NONE || !t)
		return;
	for (unsigned i = t->held_count; i-- > 0;)
		if (t->held[i] == class) {
			for (; i + 1 < t->held_count; i++)
				t->held[i] = t->held[i + 1];
			t->held_count--;
			return;
		}
	panic("lock order: %s released but not held", class_names[class]);
}

void lock_assert_none_held(void)
{
	struct task *t = current;

	if (t->held_count)
		panic("on the way to user code holding %s", class_names[t->held[t->held_count - 1]]);
	if (t->preempt_count)
		panic("on the way to user code with preemption off (%d)", t->preempt_count);
}

void might_sleep(void)
{
	struct task *t = current;

	/* Before the first switch there is nobody else to run: nothing that might sleep has to. */
	if (this_cpu()->switches == 0 && this_cpu()->id == 0 && t == this_cpu()->idle)
		return;
	if (t && t->preempt_count)
		panic("may sleep, but preemption is off (%d)%s%s", t->preempt_count, this_cpu()->held_count ? ", holding " : "",
			this_cpu()->held_count ? class_names[this_cpu()->held[this_cpu()->held_count - 1]] : "");
	if (in_interrupt())
		panic("may sleep in interrupt context");
}
#else
void lock_assert_none_held(void) { (void)class_names; }
void might_sleep(void) {}
#endif
