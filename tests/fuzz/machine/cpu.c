/* SPDX-License-Identifier: MIT */
/*
 * CPUs, interrupts and virtual time.
 *
 * Exactly one CPU runs.  Interrupts are bits that the running CPU looks at
 * whenever it enables them; a device's line goes to the CPU that runs.  Time
 * advances a little with each look at the clock, and jumps to the next timer
 * when every CPU is idle, so sleeping costs nothing.
 */
#include "fz.h"
#include <kernel/cpu.h>
#include <kernel/errno.h>
#include <kernel/string.h>

enum { TICK_NS = 40, RELAX_NS = 200, RELAX_MAX = 2000000, IDLE_JUMPS_MAX = 400 };

struct fz_cpu fz_cpus[FUZZ_CPUS], *fz_self;
unsigned fz_ncpus;
uint64_t fz_now;
static uint64_t idle_jumps;	/* since somebody made a call */
static uint64_t relaxed;	/* in a row */
static uint64_t lines_enabled, lines_waiting;

struct cpu *hal_cpu_self(void) { return fz_self->kcpu; }
void hal_cpu_set_self(struct cpu *c) { fz_self->kcpu = c; }

/* ---- interrupts ---- */

bool fz_due(const struct fz_cpu *c) { return c->pending || c->timer <= fz_now; }

void fz_deliver(void) NO_TSA
{
	for (;;) {
		struct fz_cpu *c = fz_self;	/* an upcall may come back on another */

		if (c->timer <= fz_now) {
			c->timer = UINT64_MAX;
			kernel_timer();
		} else if (c->pending & FZ_PEND_IPI) {
			c->pending &= ~(uint32_t)FZ_PEND_IPI;
			tsan_taken(&c->pending);
			kernel_ipi();
		} else if (c->pending & FZ_PEND_IRQ) {
			unsigned line;

			if (!c->lines) {
				c->pending &= ~(uint32_t)FZ_PEND_IRQ;
				continue;
			}
			line = (unsigned)__builtin_ctzll(c->lines);
			c->lines &= c->lines - 1;
			if (lines_enabled >> line & 1)
				kernel_irq(line);
			else
				lines_waiting |= UINT64_C(1) << line;
		} else {
			return;
		}
	}
}

static void enable(void) NO_TSA
{
	fz_self->irq_off = false;
	fz_point();
	while (fz_due(fz_self)) {
		fz_self->irq_off = true;
		fz_deliver();
		fz_self->irq_off = false;
	}
}

unsigned long hal_irq_save(void) NO_TSA
{
	unsigned long flags = fz_self->irq_off;

	fz_self->irq_off = true;
	if (!flags)
		fz_point();
	return flags;
}

void hal_irq_restore(unsigned long flags) NO_TSA
{
	if (!flags)
		enable();
}
void hal_irq_disable(void) NO_TSA { fz_self->irq_off = true; }
void hal_irq_enable(void) NO_TSA { enable(); }
bool hal_irq_enabled(void) { return !fz_self->irq_off; }

void fz_irq_line(unsigned line)
{
	fz_self->lines |= UINT64_C(1) << line;
	fz_self->pending |= FZ_PEND_IRQ;
}

int hal_irq_unmask(unsigned irq)
{
	if (irq >= 64)
		return -EINVAL;
	lines_enabled |= UINT64_C(1) << irq;
	if (lines_waiting >> irq & 1) {
		lines_waiting &= ~(UINT64_C(1) << irq);
		fz_irq_line(irq);
	}
	return 0;
}

void hal_irq_mask(unsigned irq)
{
	if (irq < 64)
		lines_enabled &= ~(UINT64_C(1) << irq);
}

int hal_msi_alloc(unsigned bdf, unsigned *irq, uint64_t *addr, uint32_t *data) { return -ENOTSUP; }
void hal_msi_free(unsigned irq) { }
int hal_msi_message(unsigned irq, uint64_t *addr, uint32_t *data) { return -EINVAL; }
int hal_irq_route(unsigned irq, unsigned cpu) { return -ENOTSUP; }

/* ---- time ---- */

static uint64_t tick(void)
{
	fz_tire();
	return fz_now += TICK_NS;
}

uint64_t hal_time_mono_ns(void) { return tick(); }
uint64_t hal_time_real_ns(void) { return UINT64_C(1700000000000000000) + tick(); }
void hal_timer_arm(uint64_t deadline) NO_TSA { fz_self->timer = deadline; }
int hal_time_vclock(struct hal_vclock *out) { return -ENOTSUP; }

/* ---- start, idle ---- */

static void cpu_entry(void *arg)
{
	struct fz_cpu *c = arg;

	kernel_cpu_main(c->index);
}

int hal_cpu_start(unsigned cpu, void *stack_base, size_t stack_size)
{
	struct fz_cpu *c;

	if (cpu == 0 || cpu >= fz_ncpus)
		return -ENODEV;
	c = &fz_cpus[cpu];
	fz_context_make(&c->first, stack_base, stack_size, cpu_entry, c);
	c->ctx = &c->first;
	c->started = true;
	return 0;
}

void hal_cpu_ipi(unsigned cpu)
{
	if (cpu < fz_ncpus) {
		tsan_sent(&fz_cpus[cpu].pending);
		fz_cpus[cpu].pending |= FZ_PEND_IPI;
	}
	fz_point();
}

void fz_cpu_switch(struct fz_cpu *to)
{
	struct fz_cpu *from = fz_self;

	if (to == from)
		return;
	fz_trace(FZ_TRACE_CPU, to->index);
	fz_self = to;
	tsan_cpu(to->ctx->fiber);
	fz_switch(from->ctx, to->ctx);
}

/* To the next timer of any CPU.  False: there is none. */
static bool time_jump(void)
{
	uint64_t next = UINT64_MAX;

	for (unsigned i = 0; i < fz_ncpus; i++)
		if (fz_cpus[i].started && fz_cpus[i].timer < next)
			next = fz_cpus[i].timer;
	if (next == UINT64_MAX)
		return false;
	if (next > fz_now)
		fz_now = next;
	return true;
}

void fz_progress(void)
{
	idle_jumps = 0;
	relaxed = 0;
}

void hal_cpu_idle(void) NO_TSA
{
	struct fz_cpu *c = fz_self;

	c->idle = true;
	while (!fz_due(c)) {
		struct fz_cpu *other = fz_choose(c);

		if (other) {
			fz_cpu_switch(other);
			continue;
		}
		if (!time_jump())
			fz_end(FUZZ_END_IDLE);
		if (++idle_jumps > IDLE_JUMPS_MAX)
			fz_end(FUZZ_END_LIMIT);
	}
	c->idle = false;
	fz_deliver();
}

/* Waits for another CPU: that one has to run. */
uint64_t hal_cpu_shares(unsigned cpu) { return 0; }

void hal_cpu_relax(void)
{
	struct fz_cpu *c = fz_self, *other;

	fz_now += RELAX_NS;
	if (++relaxed > RELAX_MAX)
		fuzz_host_crash("a CPU spins for ever");
	c->spinning = true;
	other = fz_choose(c);
	if (other)
		fz_cpu_switch(other);
	c->spinning = false;
}

_Noreturn void hal_cpu_stop(void)
{
	fuzz_host_crash("a CPU was stopped");
}
