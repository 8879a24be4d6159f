/* SPDX-License-Identifier: MIT */
/* CPUs: start, idle, interrupts between them, and the locks that the port itself needs. */
#include "um.h"
#include <kernel/errno.h>

struct um_cpu um_cpus[HOST_CPUS];
unsigned um_busy = 1;

struct cpu *hal_cpu_self(void)
{
	struct cpu *c;
	__asm__ volatile("movq %%gs:8, %0" : "=r"(c) : : "memory");
	return c;
}

void hal_cpu_set_self(struct cpu *c) { um_cpu()->kcpu = c; }

static void cpu_enter(void *arg)
{
	struct um_cpu *c = arg;
	kernel_cpu_main(c->index);
}

static void cpu_thread(void *arg)
{
	struct um_cpu *c = arg;
	host_cpu_ready(c->index, c);
	um_enter_stack((char *)c->stack + c->stack_size, cpu_enter, c);
}

int hal_cpu_start(unsigned cpu, void *stack_base, size_t stack_size)
{
	if (cpu >= um_boot->cpus || cpu == 0)
		return -ENODEV;
	struct um_cpu *c = &um_cpus[cpu];
	c->stack = stack_base;
	c->stack_size = stack_size;
	c->host_cpu = host_cpu_pinned(cpu);
	c->spare_cpu = host_cpu_spare(cpu);
	__atomic_fetch_add(&um_busy, 1, __ATOMIC_RELAXED);
	unsigned long flags = hal_irq_save();
	int r = host_cpu_start(cpu, cpu_thread, c);
	hal_irq_restore(flags);
	return r ? -EIO : 0;
}

uint64_t hal_cpu_shares(unsigned cpu)
{
	int at = host_cpu_pinned(cpu);
	uint64_t bits = 0;

	for (unsigned i = 0; i < um_boot->cpus && at >= 0; i++)
		if (i != cpu && host_cpu_pinned(i) == at)
			bits |= UINT64_C(1) << i;
	return bits;
}

void hal_cpu_ipi(unsigned cpu)
{
	if (cpu < um_boot->cpus)
		um_irq_post(&um_cpus[cpu], UM_PEND_IPI);
}

/*
 * Sleeps on the word in which every sender sets a bit before it wakes or
 * signals this thread: whichever comes first, the host's futex sees it.
 */
void hal_cpu_idle(void) NO_TSA
{
	struct um_cpu *c = um_cpu();

	__atomic_fetch_sub(&um_busy, 1, __ATOMIC_RELAXED);
	while (!__atomic_load_n(&c->pending, __ATOMIC_ACQUIRE)) {
		__atomic_store_n(&c->idle, 1, __ATOMIC_SEQ_CST);
		host_futex_wait(&c->pending, 0, 0);
		__atomic_store_n(&c->idle, 0, __ATOMIC_RELAXED);
	}
	__atomic_fetch_add(&um_busy, 1, __ATOMIC_RELAXED);
	um_irq_run();
}

void hal_cpu_relax(void)
{
	/*
	 * How often this host thread's kernel code found nothing; a lost count does not matter.  Whoever it waits for may not run
	 * at all: then a yield finds nobody, and who does nothing but yield keeps others from this host CPU, on some hosts for
	 * ever (README.md).  So now and then it sleeps.
	 */
	enum { YIELD = 64, SLEEP = 4096, SLEEP_NS = 20000 };
	static uint32_t spins, never;
	uint32_t n = __atomic_add_fetch(&spins, 1, __ATOMIC_RELAXED);

	__builtin_ia32_pause();
	if (n % YIELD == 0) {
		unsigned long flags = hal_irq_save();
		if (n % SLEEP == 0)
			host_futex_wait(&never, 0, SLEEP_NS);
		else
			host_yield();
		hal_irq_restore(flags);
	}
#ifdef UM_TSAN
	else {
		unsigned long flags = hal_irq_save();
		hal_irq_restore(flags);
	}
#endif
}

_Noreturn void hal_cpu_stop(void)
{
	um_irq_set_off();
	host_cpu_park();
}

/* The i-th counter, of all CPUs; 0: there is none. */
unsigned um_stats(unsigned i, const char **name, uint64_t *value)
{
	static const char *const names[UM_STATS] = {
		[UM_STAT_FAST] = "system calls from patched sites",
		[UM_STAT_ANSWERED] = "system calls answered in the stub", [UM_STAT_TRAPPED] = "system calls by trap",
		[UM_STAT_FAULT] = "page faults", [UM_STAT_SPUN] = "hand-offs by spinning on both sides",
		[UM_STAT_YIELDED] = "hand-offs by yielding the host CPU",
		[UM_STAT_WOKEN_SPUN] = "hand-offs that woke the program's side only", [UM_STAT_SLEPT] = "hand-offs asleep",
		[UM_STAT_DIED] = "processes that died in a hand-off", [UM_STAT_BATCH] = "batches of mappings with a hand-off",
		[UM_STAT_OPS] = "mappings in batches", [UM_STAT_KEPT] = "mappings kept from the last program",
		[UM_STAT_SYNC] = "batches on their own", [UM_STAT_PATCHED] = "sites patched",
		[UM_STAT_CPUID] = "CPUID instructions learnt",
		[UM_STAT_CPUID_PATCHED] = "CPUID instructions patched",
		[UM_STAT_SETTLE] = "signal frames asked for", [UM_STAT_FP] = "FP states asked for", [UM_STAT_SPAWN] = "processes made",
	};

	if (i >= UM_STATS)
		return 0;
	*name = names[i];
	*value = 0;
	for (unsigned c = 0; c < um_boot->cpus; c++)
		*value += __atomic_load_n(&um_cpus[c].stat[i], __ATOMIC_RELAXED);
	return 1;
}

static bool try_lock(struct um_lock *l)
{
	uint32_t v = 0;

	return __atomic_compare_exchange_n(&l->v, &v, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

/*
 * 0 free, 1 taken, 2 taken and somebody sleeps (Drepper, "Futexes are tricky").  Who has it may be waiting for a stub's changes of
 * mappings, some 100 us; to be woken on an idle host CPU takes 50 more.
 */
void um_lock(struct um_lock *l) NO_TSA
{
	enum { PAUSES = 100, YIELDS = 100 };

	if (try_lock(l))
		return;
	for (int i = 0; i < PAUSES + YIELDS; i++) {
		if (i < PAUSES)
			__builtin_ia32_pause();
		else
			host_yield();
		if (try_lock(l))
			return;
	}
	while (__atomic_exchange_n(&l->v, 2, __ATOMIC_ACQUIRE))
		host_futex_wait(&l->v, 2, 0);
}

void um_unlock(struct um_lock *l) NO_TSA
{
	if (__atomic_exchange_n(&l->v, 0, __ATOMIC_RELEASE) == 2)
		host_futex_wake(&l->v);
}
