/* SPDX-License-Identifier: MIT */
/*
 * The last things that each CPU did, for a panic's report and for a debugger:
 * thread switches, why user code stopped, interrupts.  Nobody reads it while
 * the machine works.
 *
 * A ring per CPU, in struct cpu.  Only its CPU writes it, with interrupts off:
 * no lock, no atomic operation, a handful of stores.  A reader on another CPU
 * may see an event that is half overwritten; it is the oldest, and the reader
 * leaves it out.
 */
#ifndef KERNEL_TRACE_H
#define KERNEL_TRACE_H
#include <hal/types.h>
#include <kernel/compiler.h>

enum trace_kind {
	TRACE_NONE,
	TRACE_SWITCH,	/* a: the state the old thread leaves in, b: the new one's name (8 bytes); tid: the new one */
	TRACE_SYSCALL,	/* a: number, b: first argument */
	TRACE_FAULT,	/* a: address, b: HAL_READ, HAL_WRITE, HAL_EXEC */
	TRACE_TRAP,	/* a: pc, b: signal */
	TRACE_KICK,	/* user code was interrupted.  a: pc */
	TRACE_IRQ,	/* a: line */
	TRACE_TIMER,
	TRACE_IPI,
};
struct trace_event { uint64_t ns, a, b; uint32_t tid; uint16_t kind, pad; };	/* ns: 0 where nobody had read the clock */
enum { TRACE_EVENTS = 32 };
struct trace_ring { uint64_t next; struct trace_event event[TRACE_EVENTS]; };	/* [c] next: events so far */

/* Interrupts off. */
static inline void trace_add(struct trace_ring *r, enum trace_kind kind, uint32_t tid, uint64_t ns, uint64_t a, uint64_t b)
{
	uint64_t n = r->next;
	struct trace_event *e = &r->event[n % TRACE_EVENTS];

	WRITE_ONCE(e->ns, ns);
	WRITE_ONCE(e->a, a);
	WRITE_ONCE(e->b, b);
	WRITE_ONCE(e->tid, tid);
	WRITE_ONCE(e->kind, (uint16_t)kind);
	store_release(&r->next, n + 1);
}

/* The first 8 bytes of a name, as TRACE_SWITCH has it.  name: at least 8 bytes, aligned to that. */
static inline uint64_t trace_name(const char *name)
{
	typedef uint64_t __attribute__((may_alias)) word_t;

	return READ_ONCE(*(const word_t *)(const void *)name);	/* a thread's name may be changed meanwhile */
}

/*
 * The event that is `back` before the newest (0) as one line without its end.
 * False: there are not that many.  Any context.
 */
bool trace_format(const struct trace_ring *r, unsigned back, char *line, size_t max);
#endif
