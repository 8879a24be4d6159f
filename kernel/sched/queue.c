/* SPDX-License-Identifier: MIT */
/*
 * What is done to one locked run queue, over both classes: account, queue,
 * take out, choose.
 */
#include "sched/sched_internal.h"
#include "sync/lock_debug.h"

/* The interrupt is sent when the lock is free (rq_unlock()): the first thing that CPU does is to take it. */
void rq_resched(struct runqueue *rq)
{
	struct cpu *c = rq->cpu;

	if (READ_ONCE(c->need_resched))
		return;
	WRITE_ONCE(c->need_resched, true);
	rq->interrupt = c != this_cpu();
}

void rq_unlock(struct runqueue *rq)
{
	bool interrupt = rq->interrupt;

	rq->interrupt = false;
	spin_unlock_raw(&rq->lock);
	if (interrupt)
		hal_cpu_ipi(rq->cpu->id);
}

void rq_resched_unlocked(struct runqueue *rq)
{
	struct cpu *c = rq->cpu;

	if (!READ_ONCE(c->need_resched)) {
		WRITE_ONCE(c->need_resched, true);
		hal_cpu_ipi(c->id);
	}
}

void rq_update_curr(struct runqueue *rq)
{
	struct task *t = rq->curr;
	uint64_t now = hal_time_mono_ns(), ran = now - t->se.exec_start_ns;

	rq->clock_ns = now;
	if ((int64_t)ran <= 0)
		return;
	t->se.exec_start_ns = now;
	t->se.sum_exec_ns += ran;
	if (t == rq->cpu->idle) {
		WRITE_ONCE(rq->cpu->idle_ns, rq->cpu->idle_ns + ran);
	} else if (!is_rt(&t->se)) {
		if (t->se.on_rq && fair_charge(&rq->fair, &t->se, ran) && rq->running > 1)
			WRITE_ONCE(rq->cpu->need_resched, true);
	} else if (t->se.policy == SCHED_RR) {
		if (ran < t->se.slice_ns) {
			t->se.slice_ns -= ran;
		} else {
			t->se.slice_ns = RR_SLICE_NS;
			WRITE_ONCE(rq->cpu->need_resched, true);
		}
	}
}

void rq_preempt_check(struct runqueue *rq, struct task *t)
{
	struct task *curr = rq->curr;

	if (curr == rq->cpu->idle)
		rq_resched(rq);
	else if (is_rt(&t->se) ? !is_rt(&curr->se) || rt_priority(&t->se) > rt_priority(&curr->se)
			       : !is_rt(&curr->se) && fair_preempts(&rq->fair, &t->se, &curr->se))
		rq_resched(rq);
}

void rq_slice_arm(struct runqueue *rq)
{
	if (!ktimer_pending(&rq->slice))
		ktimer_arm(&rq->slice, rq->clock_ns + FAIR_SLICE_NS);
}

/*
 * Somebody has begun to wait here: the slice of the one that runs has to end.
 * Another CPU's timer cannot be armed from here; it is made to look instead,
 * and arms it in schedule().
 */
void rq_slice_ensure(struct runqueue *rq)
{
	if (rq->running <= 1 || ktimer_pending(&rq->slice))
		return;
	if (rq->cpu == this_cpu()) {
		rq->clock_ns = hal_time_mono_ns();
		rq_slice_arm(rq);
	} else {
		rq_resched(rq);
	}
}

/* t becomes runnable here. */
void rq_activate(struct runqueue *rq, struct task *t)
{
	WRITE_ONCE(t->se.cpu, rq->cpu->id);
	t->se.on_rq = true;
	WRITE_ONCE(rq->running, rq->running + 1);	/* other CPUs look without the lock */
	WRITE_ONCE(rq->load, rq->load + t->se.weight);
	if (is_rt(&t->se))
		rt_enqueue(&rq->rt, &t->se, false);
	else
		fair_enqueue(&rq->fair, &t->se, true);
}

/* t, queued or current, is not runnable here any more. */
void rq_deactivate(struct runqueue *rq, struct task *t, bool queued)
{
	t->se.on_rq = false;
	WRITE_ONCE(rq->running, rq->running - 1);
	WRITE_ONCE(rq->load, rq->load - t->se.weight);
	if (!is_rt(&t->se))
		fair_dequeue(&rq->fair, &t->se, queued);
	else if (queued)
		rt_dequeue(&rq->rt, &t->se);
}

/* The current one goes back among those that wait. */
void rq_put_prev(struct runqueue *rq, struct task *t)
{
	if (is_rt(&t->se)) {	/* preempted: stays first of its priority; a fresh slice means it used one up, or yielded */
		rt_enqueue(&rq->rt, &t->se, t->se.slice_ns != RR_SLICE_NS);
		if (t->se.policy != SCHED_RR)
			t->se.slice_ns = FAIR_SLICE_NS;
	} else
		fair_put(&rq->fair, &t->se);
}

struct task *rq_pick(struct runqueue *rq)
{
	struct task *t = rt_first(&rq->rt);
	struct sched_entity *se;

	if (t) {
		rt_dequeue(&rq->rt, &t->se);
		return t;
	}
	se = fair_first(&rq->fair);
	if (!se)
		return NULL;
	fair_pick(&rq->fair, se);
	return container_of(se, struct task, se);
}

/* Locks the queue that t is on, or was on last.  Interrupts off. */
struct runqueue *task_rq_lock(struct task *t)
{
	for (;;) {
		unsigned cpu = READ_ONCE(t->se.cpu);
		struct runqueue *rq = cpus[cpu]->rq;

		spin_lock_raw(&rq->lock);
		if (likely(READ_ONCE(t->se.cpu) == cpu))
			return rq;
		rq_unlock(rq);
	}
}
