/* SPDX-License-Identifier: MIT */
/* Run queues and idle threads: the boot CPU's, then those of the others as they are started. */
#include <kernel/errno.h>
#include <kernel/print.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include "sched/sched_internal.h"

struct cpu *cpus[HAL_CPUS];
unsigned cpu_count;
uint64_t sched_online_mask;
static struct cpu boot_cpu;
static struct runqueue boot_rq;
static struct task boot_task;

static void rq_init(struct runqueue *rq, struct cpu *c, struct task *idle)
{
	spin_init(&rq->lock, LOCK_RUNQUEUE);
	rq->cpu = c;
	rq->curr = idle;
	for (unsigned i = 0; i < RT_PRIORITIES; i++)
		list_init(&rq->rt.queue[i]);
	ktimer_init(&rq->slice, rq_slice_expired);
	rq->shares = hal_cpu_shares(c->id);
	c->rq = rq;
	c->idle = c->curr = idle;
	idle->preempt_count = 1;
	idle->se.cpu = c->id;
	idle->se.weight = 1024;
	idle->se.affinity = cpu_bit(c->id);
	idle->se.exec_start_ns = hal_time_mono_ns();
	idle->flags = TASKF_KTHREAD;
	idle->syscall_nr = -1;
	ref_init(&idle->refs);
}

/* Before anything else in kernel_main(): what every lock and allocation relies on. */
void sched_early_init(void) NO_TSA	/* interrupts are off: nothing has enabled them */
{
	strlcpy(boot_task.comm, "idle/0", sizeof(boot_task.comm));
	boot_task.preempt_count = 1;
	hal_cpu_set_self(&boot_cpu);
	hal_current_set(&boot_task);
	cpus[0] = &boot_cpu;
	cpu_count = 1;
}

void sched_init(void)
{
	timer_init_cpu(&boot_cpu);
	rcu_init_cpu(&boot_cpu);
	rq_init(&boot_rq, &boot_cpu, &boot_task);
	boot_task.kctx = hal_kctx_create_self(NULL, 0);
	BUG_ON(!boot_task.kctx);
	boot_cpu.online = true;
	sched_online_mask = 1;
}

int sched_start_cpu(unsigned id)
{
	struct cpu *c = kzalloc(sizeof(*c), 0);
	struct runqueue *rq = kzalloc(sizeof(*rq), 0);
	struct task *idle = kzalloc(sizeof(*idle), 0);
	void *stack = hal_kstack_alloc(KSTACK_SIZE);
	int err = -ENOMEM;

	if (!c || !rq || !idle || !stack)
		goto fail;
	c->id = id;
	ksnprintf(idle->comm, sizeof(idle->comm), "idle/%u", id);
	idle->kstack = stack;
	timer_init_cpu(c);
	rcu_init_cpu(c);
	rq_init(rq, c, idle);
	cpus[id] = c;
	err = hal_cpu_start(id, stack, KSTACK_SIZE);
	if (err) {
		cpus[id] = NULL;
		goto fail;
	}
	WRITE_ONCE(cpu_count, MAX(cpu_count, id + 1));
	while (!load_acquire(&c->online))
		hal_cpu_relax();
	return 0;
fail:
	if (stack)
		hal_kstack_free(stack, KSTACK_SIZE);
	kfree(idle);
	kfree(rq);
	kfree(c);
	return err;
}

/* On the CPU itself. */
_Noreturn void sched_init_cpu(unsigned id) NO_TSA
{
	struct cpu *c = cpus[id];

	hal_cpu_set_self(c);
	hal_current_set(c->idle);
	c->idle->kctx = hal_kctx_create_self(c->idle->kstack, KSTACK_SIZE);
	BUG_ON(!c->idle->kctx);
	c->idle->se.exec_start_ns = hal_time_mono_ns();
	__atomic_or_fetch(&sched_online_mask, cpu_bit(id), __ATOMIC_RELEASE);
	store_release(&c->online, true);
	sched_idle();
}
