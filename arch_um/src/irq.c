/* SPDX-License-Identifier: MIT */
/*
 * Interrupts with a soft mask.
 *
 * A sender sets a bit in the CPU's `pending` and signals its host thread.  The
 * handler looks at the soft mask: off, and it leaves the bit for whoever
 * enables; on, and it runs the upcalls right there, on the stack of the kernel
 * thread it interrupted: one such handler on a stack, never more (interrupt.S).
 * An upcall may switch threads; the rest of the handler then runs later,
 * perhaps on another CPU.  So exactly one bit is taken at a time, from the CPU
 * we are on now, and nothing is remembered across an upcall.
 *
 * Under TSan the handler only leaves the bit: its run-time cannot be
 * re-entered from a signal.  Enabling interrupts, idle and relax find it.
 */
#include "um.h"
#include <kernel/errno.h>

static uint64_t lines_enabled;		/* [a] */
static uint64_t lines_waiting;		/* [a] raised while masked */

unsigned long hal_irq_save(void) NO_TSA
{
	unsigned long off = um_irq_off();
	um_irq_set_off();
	return off;
}

static void irq_enable(void)
{
	um_irq_set_on();
	while (unlikely(um_irq_pending())) {
		um_irq_set_off();
		um_irq_run();
		um_irq_set_on();
	}
}

void hal_irq_restore(unsigned long flags) NO_TSA
{
	if (!flags)
		irq_enable();
}
void hal_irq_disable(void) NO_TSA { um_irq_set_off(); }
void hal_irq_enable(void) NO_TSA { irq_enable(); }
bool hal_irq_enabled(void) { return !um_irq_off(); }

static void timer_fired(struct um_cpu *c) NO_TSA
{
	c->timer_set = UINT64_MAX;
	if (c->timer_want == UINT64_MAX)
		return;
	if (host_time_mono_ns() < c->timer_want) {	/* it was moved to later meanwhile */
		uint64_t want = c->timer_want;
		c->timer_want = UINT64_MAX;
		hal_timer_arm(want);
		return;
	}
	c->timer_want = UINT64_MAX;
	kernel_timer();
}

static bool take(struct um_cpu *c, uint32_t bit)
{
	if (!(__atomic_load_n(&c->pending, __ATOMIC_RELAXED) & bit))
		return false;
	return __atomic_fetch_and(&c->pending, ~bit, __ATOMIC_ACQ_REL) & bit;
}

/* It came while masked: whoever unmasks raises it again. */
static void line_postpone(unsigned line)
{
	uint64_t bit = UINT64_C(1) << line;

	__atomic_fetch_or(&lines_waiting, bit, __ATOMIC_SEQ_CST);
	if ((__atomic_load_n(&lines_enabled, __ATOMIC_SEQ_CST) & bit) &&
	    (__atomic_fetch_and(&lines_waiting, ~bit, __ATOMIC_SEQ_CST) & bit))
		um_irq_line(line, um_cpu()->index, 1);
}

void um_irq_run(void) NO_TSA
{
	for (;;) {
		struct um_cpu *c = um_cpu();

		if (take(c, UM_PEND_TIMER)) {
			timer_fired(c);
		} else if (take(c, UM_PEND_IPI)) {
			kernel_ipi();
		} else if (take(c, UM_PEND_IRQ)) {
			uint64_t lines = __atomic_load_n(&c->lines, __ATOMIC_ACQUIRE);
			if (!lines)
				continue;
			unsigned line = (unsigned)__builtin_ctzll(lines);
			__atomic_fetch_and(&c->lines, ~(UINT64_C(1) << line), __ATOMIC_ACQ_REL);
			if (lines & (lines - 1))	/* more of them */
				__atomic_fetch_or(&c->pending, UM_PEND_IRQ, __ATOMIC_RELEASE);
			if (__atomic_load_n(&lines_enabled, __ATOMIC_ACQUIRE) >> line & 1)
				kernel_irq(line);
			else
				line_postpone(line);
		} else {
			return;
		}
	}
}

static void um_irq_wake(struct um_cpu *c)
{
	if (__atomic_load_n(&c->idle, __ATOMIC_SEQ_CST))
		host_futex_wake(&c->pending);
	else
		host_cpu_interrupt(c->index);
}

void um_irq_post(struct um_cpu *c, uint32_t bits)
{
	uint32_t old = __atomic_fetch_or(&c->pending, bits, __ATOMIC_SEQ_CST);

	if ((old & bits) == bits)
		return;		/* who set it first has signalled, or is about to */
	um_irq_wake(c);
}

/* Places in the handler's way in and out: interrupt.S. */
void um_interrupt_entered(void);
void um_interrupt_taken(void);
void um_interrupt_leave(void);
void um_interrupt_again(void);
void um_interrupt_end(void);
void um_interrupt_unreturn(void);

#ifndef UM_TSAN
static bool between(uintptr_t pc, void (*first)(void), void (*last)(void))
{
	return pc >= (uintptr_t)first && pc <= (uintptr_t)last;
}

/* Was it the way in or out of a handler that was interrupted?  That one goes back to work then. */
static bool send_back(uintptr_t *pc)
{
	if (between(*pc, um_interrupt_entry, um_interrupt_entered))
		*pc = (uintptr_t)um_interrupt_taken;
	else if (between(*pc, um_interrupt_leave, um_interrupt_again))
		*pc = (uintptr_t)um_interrupt_again;
	else if (between(*pc, um_interrupt_return, um_interrupt_end))
		*pc = (uintptr_t)um_interrupt_unreturn;
	else
		return false;
	return true;
}
#endif

/*
 * The signal handler; interrupts are off, and were_off says what they had been.
 * False: leave, with interrupts as they are now.  No atomics of the compiler's:
 * TSan's run-time stands behind those, whatever the attribute.
 */
UM_SIGNAL_CODE bool um_interrupt(const void *siginfo, void *context, bool were_off)
{
	if (host_interrupt_is_timer(siginfo))
		__asm__ volatile("lock orl %1, %0" : "+m"(um_cpu()->pending) : "i"(UM_PEND_TIMER) : "memory");
	if (were_off) {
		uint32_t *w = um_cpu()->wait_word;
		if (w)
			__asm__ volatile("lock orl $4, %0" : "+m"(*w) : : "memory");	/* STUB_INTR */
		return false;
	}
#ifdef UM_TSAN
	um_irq_set_on();
	return false;
#else
	if (send_back(host_interrupt_pc(context)))
		return false;
	um_irq_run();
	return true;
#endif
}

/* From a CPU's own thread (interrupts off: whoever enables them finds it), or from another of the host's. */
void um_irq_line(unsigned line, unsigned cpu, int self)
{
	struct um_cpu *c = &um_cpus[cpu];

	__atomic_fetch_or(&c->lines, UINT64_C(1) << line, __ATOMIC_ACQ_REL);
	if (self)
		__atomic_fetch_or(&c->pending, UM_PEND_IRQ, __ATOMIC_RELEASE);
	else
		um_irq_post(c, UM_PEND_IRQ);
}

int hal_irq_unmask(unsigned irq)
{
	uint64_t bit;

	if (irq >= 64)
		return -EINVAL;
	bit = UINT64_C(1) << irq;
	__atomic_fetch_or(&lines_enabled, bit, __ATOMIC_SEQ_CST);
	if (__atomic_fetch_and(&lines_waiting, ~bit, __ATOMIC_SEQ_CST) & bit) {
		unsigned long flags = hal_irq_save();
		um_irq_line(irq, um_cpu()->index, 1);
		hal_irq_restore(flags);
	}
	return 0;
}

void hal_irq_mask(unsigned irq)
{
	if (irq < 64)
		__atomic_fetch_and(&lines_enabled, ~(UINT64_C(1) << irq), __ATOMIC_ACQ_REL);
}

int hal_msi_alloc(unsigned bdf, unsigned *irq, uint64_t *addr, uint32_t *data) { return -ENOTSUP; }
void hal_msi_free(unsigned irq) { }
int hal_msi_message(unsigned irq, uint64_t *addr, uint32_t *data) { return -EINVAL; }
/* A device's thread interrupts the CPU that asked, or whichever the host picks. */
int hal_irq_route(unsigned irq, unsigned cpu) { return -ENOTSUP; }
