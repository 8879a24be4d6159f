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
	uint64_t shares;		/* [I] hal_cpu_shares() */
	bool move;			/* [a] the current thread shall go where a physical CPU is free */
	bool interrupt;			/* [lock] its CPU is to be told when the lock is free */
	bool curr_rt;			/* [a] the current thread is of the real-time class */
};

extern uint64_t sched_online_mask;	/* a bit a CPU that runs threads; [a] */

static inline uint64_t cpu_bit(unsigned cpu) { return 1ull << cpu; }
static inline bool is_rt(const struct sched_entity *se) { return se->pi_priority || se->policy == SCHED_FIFO || se->policy == SCHED_RR; }
static inline unsigned rt_priority(const struct sched_entity *se)
{
	unsigned own = se->policy == SCHED_FIFO || se->policy == SCHED_RR ? se->rt_priority : 0;

	return MAX(own, (unsigned)se->pi_priority);
}
static inline bool cpu_idle(const struct runqueue *rq) { return READ_ONCE(rq->running) == 0; }

/* queue.c; all with the queue locked, interrupts off */
void rq_resched(struct runqueue *rq);			/* its CPU shall choose anew */
void rq_unlock(struct runqueue *rq);			/* every unlocking; tells that CPU */
void rq_resched_unlocked(struct runqueue *rq);		/* another CPU's, not locked */
void rq_update_curr(struct runqueue *rq);		/* charges the current thread up to now */
void rq_preempt_check(struct runqueue *rq, struct task *t);	/* t was just activated: does it go first? */
void rq_slice_arm(struct runqueue *rq);			/* this CPU's queue only */
void rq_slice_ensure(struct runqueue *rq);
void rq_activate(struct runqueue *rq, struct task *t);
void rq_deactivate(struct runqueue *rq, struct task *t, bool queued);
void rq_put_prev(struct runqueue *rq, struct task *t);
struct task *rq_pick(struct runqueue *rq);		/* NULL: nobody; the thread is out of the queue, still counted */
struct runqueue *task_rq_lock(struct task *t);		/* interrupts off; returns the locked queue that t is on, or was on last */

/* balance.c */
bool rq_pull(struct runqueue *rq);			/* locked and empty; takes a thread from the busiest queue */
unsigned sched_select_cpu(struct task *t, bool apart);	/* for a thread that becomes runnable; apart: not beside current if it can be */
unsigned sched_place_woken(struct task *t, bool apart);	/* the same when it is woken; its queue is locked */
void rq_learn_sleep(struct task *t);	/* the running one sleeps: was it worth its CPU? */
unsigned sched_place_started(struct task *t);	/* of current, which starts it */
void sched_learn_start(uint64_t began_ns);	/* current has begun to run; any context that may free memory */
void rq_learn_wait(struct runqueue *rq, struct task *t);	/* locked, clock_ns is now: t begins to run */
bool rq_shall_move(struct runqueue *rq, const struct task *t);	/* locked; move was set for t, the current one, and there is a better place */
void rq_slice_expired(struct ktimer *timer);

void sched_load_update(uint64_t now);			/* loadavg.c; any context */

/* rt.c; all with the queue locked */
void rt_enqueue(struct rt_queue *q, struct sched_entity *se, bool head);
void rt_dequeue(struct rt_queue *q, struct sched_entity *se);
struct task *rt_first(struct rt_queue *q);

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
void rcu_irq_exit(void);		/* an interrupt is over, its handler holds no lock: wake who it may have queued callbacks for */
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
