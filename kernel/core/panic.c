/* SPDX-License-Identifier: MIT */
/*
 * The end of the machine by a fault of ours: what happened, where, in whose
 * context, the last events of every CPU, then power off with status 101.
 */
#include <hal/dev.h>
#include <hal/upcall.h>
#include <kernel/cpu.h>
#include <kernel/print.h>
#include <kernel/task.h>

enum { PANIC_STATUS = 101, BACKTRACE_MAX = 24, TRACE_OTHERS = 8 };
static bool panicking;

/* No locks here: whoever holds them may be what broke. */
static void PRINTF_LIKE(1, 2) say(const char *fmt, ...)
{
	char line[256];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = kvsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	hal_console_write(line, MIN((size_t)n, sizeof(line) - 1));
}

static void say_address(unsigned n, uintptr_t pc)
{
	size_t off;
	const char *name = hal_symbol(pc - !!n, &off);	/* a return address may be behind its function's end */

	if (name)
		say("  #%u %#lx %s+%#lx\n", n, (unsigned long)pc, name, (unsigned long)off + !!n);
	else
		say("  #%u %#lx\n", n, (unsigned long)pc);
}

/* What the CPUs did last, oldest first: this one's ring, then the others', which may still be running. */
static void say_trace(void)
{
	unsigned self = this_cpu()->id, count = MIN(cpu_count, (unsigned)HAL_CPUS);
	char line[160];

	for (unsigned k = 0; k < count; k++) {
		struct cpu *c = cpus[(self + k) % count];

		if (!c || !load_acquire(&c->trace.next))
			continue;
		say("last events of cpu %u:\n", c->id);
		for (unsigned back = k ? TRACE_OTHERS : TRACE_EVENTS; back-- > 0;)
			if (trace_format(&c->trace, back, line, sizeof(line)))
				say("%s\n", line);
	}
}

/* first: the number of the first frame of the backtrace. */
static _Noreturn void end(uintptr_t fp, unsigned first)
{
	uintptr_t pc[BACKTRACE_MAX];
	struct task *t = current;
	unsigned n;

	if (t)
		say("cpu %u, thread %d \"%s\"%s\n", this_cpu()->id, task_tid(t), t->comm, t->preempt_count ? ", preemption off" : "");
	n = hal_backtrace(fp, pc, BACKTRACE_MAX);
	for (unsigned i = 0; i < n; i++)
		say_address(i + first, pc[i]);
	say_trace();
	hal_poweroff(PANIC_STATUS);
}

static void only_one(void)
{
	if (__atomic_exchange_n(&panicking, true, __ATOMIC_ACQ_REL))
		hal_cpu_stop();	/* another CPU, or the panic itself, is at it */
}

_Noreturn void panic(const char *fmt, ...)
{
	char line[224];
	va_list ap;

	(void)hal_irq_save();
	only_one();
	va_start(ap, fmt);
	kvsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	say("\nkernel panic: %s\n", line);
	end(0, 0);
}

_Noreturn void kernel_oops(const char *what, uintptr_t pc, uintptr_t fp, uintptr_t addr)
{
	(void)hal_irq_save();
	only_one();
	say("\nkernel oops: %s at %#lx, address %#lx\n", what, (unsigned long)pc, (unsigned long)addr);
	say_address(0, pc);
	end(fp, 1);
}
