/* SPDX-License-Identifier: MIT */
/* What the files of sched/ share. */
#ifndef SCHED_INTERNAL_H
#define SCHED_INTERNAL_H
#include <kernel/task.h>

enum { RT_PRIORITIES = 100 };
/* Fair class: who is eligible runs by virtual deadline.  fair.c has the theory. */
struct fair_queue {
	struct rb_root tree;		/* queued entities by deadline, min_vruntime as summary */
	uint64_t base;			/* reference for vruntimes */
	int64_t sum_weighted;		/* sum of weight * (vruntime - base), the running one included */
	uint64_t sum_weight;
	unsigned count;			/* queued, without the running one */
};
struct rt_queue {
	struct list_head queue[RT_PRIORITIES];
	uint64_t bitmap[2];
	unsigned count;
};
struct runqueue {
	struct spinlock lock;		/* [RUNQUEUE]; with interrupts off */
	struct cpu *cpu;
	struct fair_queue fair;
	struct rt_queue rt;
	struct task *curr;
	unsigned running;		/* runnable threads, the current one included */
	uint64_t load;			/* sum of their weights */
	struct ktimer slice;		/* ends the current slice; armed only if somebody waits */
	uint64_t clock_ns;
	uint64_t next_balance_ns;
};

void sched_preempt(void);
void sched_preempt_irqoff(void);	/* interrupts off */
void irq_enter(void);
void irq_exit(void);
void timer_run(void);
void timer_program(void);
void timer_init_cpu(struct cpu *c);
void rcu_init_cpu(struct cpu *c);
void rcu_note_quiescent(void);		/* interrupts or preemption off */
void rcu_start(void);
void work_start(void);

/* fair.c; all with the queue locked */
void fair_enqueue(struct fair_queue *q, struct sched_entity *se, bool wakeup);
void fair_dequeue(struct fair_queue *q, struct sched_entity *se, bool queued);
void fair_pick(struct fair_queue *q, struct sched_entity *se);		/* out of the tree, still in the sums */
void fair_put(struct fair_queue *q, struct sched_entity *se);		/* back into the tree */
struct sched_entity *fair_first(struct fair_queue *q);
/* se ran; true: its slice is used up. */
bool fair_charge(struct fair_queue *q, struct sched_entity *se, uint64_t ns);
bool fair_preempts(struct fair_queue *q, const struct sched_entity *woken, const struct sched_entity *curr);
uint32_t fair_weight(int nice, unsigned policy);
enum { FAIR_SLICE_NS = 3000000, RR_SLICE_NS = 100000000 };
#endif
