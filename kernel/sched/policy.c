/* SPDX-License-Identifier: MIT */
/* Changing how a thread is scheduled while it may be queued or running: class, priority, weight, affinity. */
#include <kernel/errno.h>
#include "sched/sched_internal.h"
#include "sync/lock_debug.h"

/* Take it out, change it, put it back. */
static void change(struct task *t, void (*apply)(struct sched_entity *se, const int v[2]), const int v[2])
{
	unsigned long flags = hal_irq_save();
	struct runqueue *rq = task_rq_lock(t);
	bool on_rq = t->se.on_rq, curr = rq->curr == t;

	if (curr)
		rq_update_curr(rq);
	if (on_rq)
		rq_deactivate(rq, t, !curr);
	apply(&t->se, v);
	t->se.weight = fair_weight(t->se.nice, t->se.policy);
	t->se.slice_ns = t->se.policy == SCHED_RR ? RR_SLICE_NS : FAIR_SLICE_NS;
	if (on_rq) {
		rq_activate(rq, t);
		if (curr) {	/* it runs: not among those that wait */
			if (is_rt(&t->se))
				rt_dequeue(&rq->rt, &t->se);
			else
				fair_pick(&rq->fair, &t->se);
			rq_resched(rq);
		} else {
			rq_preempt_check(rq, t);
		}
	}
	rq_unlock(rq);
	hal_irq_restore(flags);
	/* Under a spinlock (PI futexes) the preempt_enable() of its unlock does it. */
	if (curr && t == current && !t->preempt_count)
		sched_user_return();
}

static void apply_policy(struct sched_entity *se, const int v[2]) { WRITE_ONCE(se->policy, (uint8_t)v[0]), WRITE_ONCE(se->rt_priority, (uint8_t)v[1]); }
static void apply_nice(struct sched_entity *se, const int v[2]) { WRITE_ONCE(se->nice, (int8_t)v[0]); }
static void apply_pi(struct sched_entity *se, const int v[2]) { WRITE_ONCE(se->pi_priority, (uint8_t)v[0]); }

int sched_set_policy(struct task *t, unsigned policy, unsigned prio)
{
	bool rt = policy == SCHED_FIFO || policy == SCHED_RR;

	if (policy != SCHED_OTHER && policy != SCHED_BATCH && policy != SCHED_IDLE && !rt)
		return -EINVAL;
	if (rt ? prio < 1 || prio >= RT_PRIORITIES : prio != 0)
		return -EINVAL;
	change(t, apply_policy, (int[2]){ (int)policy, (int)prio });
	return 0;
}

void sched_set_nice(struct task *t, int nice) { change(t, apply_nice, (int[2]){ nice < -20 ? -20 : nice > 19 ? 19 : nice }); }
void sched_set_pi(struct task *t, unsigned prio) { change(t, apply_pi, (int[2]){ (int)prio }); }

int sched_set_affinity(struct task *t, uint64_t mask)
{
	unsigned long flags;
	struct runqueue *rq;

	mask &= READ_ONCE(sched_online_mask);
	if (!mask)
		return -EINVAL;
	flags = hal_irq_save();
	rq = task_rq_lock(t);
	WRITE_ONCE(t->se.affinity, mask);
	if (t->se.on_rq && !(mask & cpu_bit(rq->cpu->id))) {
		if (rq->curr == t) {
			rq_resched(rq);	/* schedule() moves it */
		} else {
			struct runqueue *o = cpus[__builtin_ctzll(mask)]->rq;

			rq_deactivate(rq, t, true);
			WRITE_ONCE(t->se.cpu, o->cpu->id);
			rq_unlock(rq);
			spin_lock_raw(&o->lock);
			rq = o;
			rq_activate(o, t);
			rq_preempt_check(o, t);
			rq_slice_ensure(o);
		}
	}
	rq_unlock(rq);
	hal_irq_restore(flags);
	if (t == current)
		sched_user_return();
	return 0;
}
