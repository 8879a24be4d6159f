/* SPDX-License-Identifier: MIT */
/* Per-CPU data, preemption, interrupts of devices. */
#ifndef KERNEL_CPU_H
#define KERNEL_CPU_H
#include <hal/cpu.h>
#include <hal/irq.h>
#include <hal/thread.h>
#include <kernel/compiler.h>
#include <kernel/trace.h>

struct task;
struct runqueue;
struct timer_base;
struct rcu_cpu;

enum { KSTACK_SIZE = 32768 * STACK_FACTOR };	/* bytes of every kernel stack */

struct cpu {
	struct task *curr;		/* [rq] the thread that runs: for other CPUs; self: current_task() */
	unsigned id;			/* [I] */
	bool need_resched;		/* [a] set by any CPU */
	bool online;			/* [a] */
	unsigned irq_depth;		/* [c] in an upcall */
	struct task *idle;		/* [I] */
	struct runqueue *rq;		/* [I] */
	struct task *switched_from;	/* [c] between a switch and its end */
	struct timer_base *timers;	/* [I] */
	struct rcu_cpu *rcu;		/* [I] */
	void *page_cache;		/* mm: per-CPU free pages [c] */
	void *slab_cache;		/* mm: per-CPU slab magazines [c] */
	uint64_t irqs, ipis, timer_irqs, switches, syscalls, faults;	/* [c] statistics */
	uint64_t user_ns, system_ns, idle_ns;	/* [c] */
	struct trace_ring trace;	/* [c] the last events */
#ifdef EFT_DEBUG
	uint16_t held[24];		/* [o] classes of the spinlocks held */
	unsigned held_count, held_base;	/* base: of this interrupt */
#endif
};
/* Statistics: written by their CPU alone, read by anybody. */
#define cpu_count_event(field) WRITE_ONCE((field), (field) + 1)
extern struct cpu *cpus[];		/* [I] by id, NULL: absent */
extern unsigned cpu_count;		/* [I] that exist */

/* Only while preemption or interrupts are off, or where staleness does not matter. */
static inline struct cpu *this_cpu(void) { return hal_cpu_self(); }
static inline struct task *current_task(void) { return hal_current(); }	/* always right, wherever it runs */
#define current current_task()

void preempt_disable(void);
void preempt_enable(void);		/* may switch threads */
bool in_interrupt(void);
/* May this code sleep?  Debug builds panic if not. */
void might_sleep(void);

/*
 * Device interrupts.  The handler runs with interrupts off, returns true if it
 * was its device's; lines may be shared.  0, -ENOMEM, -EINVAL.
 */
int irq_request(unsigned irq, bool (*handler)(void *arg), void *arg, const char *name);
void irq_release(unsigned irq, void *arg);
/* This line is busy: it gets a CPU of its own as far as there are enough of them. */
void irq_spread(unsigned irq);
/* The line's interrupts go to that CPU.  0, -EINVAL (no such line, or the CPU is not online), -ENOTSUP. */
int irq_set_cpu(unsigned irq, unsigned cpu);
/* A message-signalled line, which has a handler: fn(arg) gives the device its message anew when that has changed. */
void irq_on_message(unsigned irq, void (*fn)(void *arg), void *arg);
/* For /proc: the first line >= *irq that has or had a handler; false: none. */
struct irq_info { unsigned irq, cpu; char name[16]; const uint64_t *count; /* by CPU */ };
bool irq_info_get(unsigned irq, struct irq_info *out);
#endif
