/* SPDX-License-Identifier: MIT */
/*
 * Switching and waking.
 *
 * A CPU's run queue is locked with interrupts off.  A switch keeps it locked
 * from the old thread's schedule() to the new one's finish_switch(), so
 * whoever holds the lock of se.cpu's queue and finds a thread off it knows
 * that its registers are saved.
 *
 * queue.c has what is done to one queue, rt.c and fair.c the classes,
 * balance.c the choice of a CPU.
 */
#include <kernel/print.h>
#include <kernel/vm.h>
#include "sched/sched_internal.h"
#include "sync/lock_debug.h"

/* The rest of a switch, on the new thread's stack. */
static void finish_switch(struct task *prev)
{
	struct runqueue *rq = this_cpu()->rq;
	bool gone = prev->state == TASK_DEAD, move = !gone && prev->state == TASK_RUNNING && !prev->se.on_rq && prev != rq->cpu->idle;
	unsigned cpu = move ? sched_select_cpu(prev, false) : 0;

	if (move)	/* from here on the lock of that queue guards it: who changes its policy does not find it between two */
		WRITE_ONCE(prev->se.cpu, cpu);
	rq_unlock(rq);
	if (gone) {
		task_free_stack(prev);
		task_put(prev);
	} else if (move) {	/* its affinity changed, or rq_shall_move(): on another CPU's queue with it */
		struct runqueue *o = cpus[cpu]->rq;

		spin_lock_raw(&o->lock);
		rq_activate(o, prev);
		rq_preempt_check(o, prev);
		rq_slice_ensure(o);
		rq_unlock(o);
	}
}

/* preempted: stays runnable whatever its state says. */
static void schedule_irqoff(bool preempted) NO_TSA	/* callers say it by name: interrupts are off */
{
	struct cpu *c = this_cpu();
	struct runqueue *rq = c->rq;
	struct task *prev = current, *next;

	ASSERT(!hal_irq_enabled());
#ifdef EFT_DEBUG
	BUG_ON(c->held_count);
#endif
	rcu_note_quiescent();
	spin_lock_raw(&rq->lock);
	rq_update_curr(rq);
	WRITE_ONCE(c->need_resched, false);
	sched_load_update(rq->clock_ns);
	if (prev != c->idle) {
		if (!preempted && READ_ONCE(prev->state) != TASK_RUNNING)
			rq_deactivate(rq, prev, false), rq_learn_sleep(prev), WRITE_ONCE(prev->nvcsw, prev->nvcsw + 1);
		else if (unlikely(!(prev->se.affinity & cpu_bit(c->id))) && (prev->se.affinity & READ_ONCE(sched_online_mask)) && prev->state == TASK_RUNNING)
			rq_deactivate(rq, prev, false);
		else if (unlikely(READ_ONCE(rq->move)) && prev->state == TASK_RUNNING && rq_shall_move(rq, prev))
			rq_deactivate(rq, prev, false);
		else
			rq_put_prev(rq, prev), WRITE_ONCE(prev->nivcsw, prev->nivcsw + preempted);
	}
	next = rq_pick(rq);
	if (!next && READ_ONCE(cpu_count) > 1 && rq_pull(rq))
		next = rq_pick(rq);
	if (next)
		rq_learn_wait(rq, next);
	else
		next = c->idle;
	WRITE_ONCE(rq->curr_rt, is_rt(&next->se));
	next->se.exec_start_ns = rq->clock_ns;
	next->se.run_base_ns = next->se.sum_exec_ns - next->se.exec_start_ns;
	if (rq->running > 1)
		rq_slice_arm(rq);
	if (next == prev) {
		rq_unlock(rq);
		return;
	}
	cpu_count_event(c->switches);
	trace_add(&c->trace, TRACE_SWITCH, (uint32_t)task_tid(next), rq->clock_ns, prev->state, trace_name(next->comm));
	prev->switches++;
	rq->curr = next;
	store_release(&c->curr, next);	/* who waits for a lock looks at it */
	if (prev->uctx)
		hal_user_switch_out(prev->uctx);
	if (next->vm != prev->vm)
		hal_as_activate(next->vm ? next->vm->as : NULL);
	c->switched_from = prev;
	hal_current_set(next);
	hal_kctx_switch(prev->kctx, next->kctx);
	finish_switch(this_cpu()->switched_from);
}

void sched_thread_start(void) NO_TSA
{
	uint64_t began_ns = current->se.exec_start_ns;

	finish_switch(this_cpu()->switched_from);
	hal_irq_enable();
	sched_learn_start(began_ns);
}

void schedule(void)
{
	unsigned long flags;

	might_sleep();
	flags = hal_irq_save();
	schedule_irqoff(false);
	hal_irq_restore(flags);
}

void sched_preempt(void)
{
	unsigned long flags = hal_irq_save();

	if (READ_ONCE(this_cpu()->need_resched))
		schedule_irqoff(true);
	hal_irq_restore(flags);
}

void sched_preempt_irqoff(void) { schedule_irqoff(true); }
bool sched_need_resched(void) { return READ_ONCE(this_cpu()->need_resched); }

bool sched_runs_elsewhere(const struct task *t)
{
	for (unsigned i = 0; i < READ_ONCE(cpu_count); i++)
		if (cpus[i] && READ_ONCE(cpus[i]->curr) == t)
			return t != current;
	return false;
}

void sched_user_return(void)
{
	if (unlikely(READ_ONCE(this_cpu()->need_resched))) {
		sched_preempt();
	} else {
		preempt_disable();
		rcu_note_quiescent();
		preempt_enable();
	}
}

void sched_yield(void)
{
	unsigned long flags = hal_irq_save();
	struct runqueue *rq = this_cpu()->rq;

	spin_lock_raw(&rq->lock);
	rq_update_curr(rq);
	if (!is_rt(&current->se) && rq->running > 1) {	/* give up the rest of the slice */
		current->se.slice_ns = FAIR_SLICE_NS;
		current->se.deadline += FAIR_SLICE_NS * 1024ull / current->se.weight;
	} else if (is_rt(&current->se)) {
		current->se.slice_ns = RR_SLICE_NS;
	}
	rq_unlock(rq);
	schedule_irqoff(true);
	hal_irq_restore(flags);
}

struct sleeper { struct ktimer timer; struct task *task; };

static void sleeper_expired(struct ktimer *t)
{
	task_wake(container_of(t, struct sleeper, timer)->task, TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE | TASK_KILLABLE);
}

uint64_t schedule_until(uint64_t deadline)
{
	struct sleeper sleeper = { .task = current };

	if (deadline == UINT64_MAX) {
		schedule();
		return UINT64_MAX;
	}
	ktimer_init(&sleeper.timer, sleeper_expired);
	ktimer_arm(&sleeper.timer, deadline);
	schedule();
	ktimer_cancel_sync(&sleeper.timer);

	uint64_t now = hal_time_mono_ns();

	return now >= deadline ? 0 : deadline - now;
}

/*
 * The recheck comes after: a sequentially consistent store alone does not keep
 * a later plain read behind it (Arm ARM B2.3: STLR, then LDR).
 */
void sched_set_state(unsigned state)
{
	WRITE_ONCE(current->state, state);
	if (state != TASK_RUNNING)
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static bool wake(struct task *t, unsigned states, bool apart)
{
	unsigned long flags;
	struct runqueue *rq;
	bool woken = false;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);	/* the condition before the state */
	if (!(READ_ONCE(t->state) & states))
		return false;
	preempt_disable();
	flags = hal_irq_save();
	rq = task_rq_lock(t);
	if (READ_ONCE(t->state) & states) {
		woken = true;
		WRITE_ONCE(t->state, TASK_RUNNING);
		if (!t->se.on_rq) {
			unsigned cpu = sched_place_woken(t, apart);

			if (cpu != rq->cpu->id) {
				WRITE_ONCE(t->se.cpu, cpu);
				rq_unlock(rq);
				rq = cpus[cpu]->rq;
				spin_lock_raw(&rq->lock);
			}
			rq_activate(rq, t);
			rq_preempt_check(rq, t);
			rq_slice_ensure(rq);
		}
	}
	rq_unlock(rq);
	hal_irq_restore(flags);
	preempt_enable();
	return woken;
}

bool task_wake(struct task *t, unsigned states) { return wake(t, states, false); }
bool task_wake_apart(struct task *t, unsigned states) { return wake(t, states, true); }

void task_kick(struct task *t)
{
	unsigned long flags = hal_irq_save();
	struct runqueue *rq = task_rq_lock(t);
	bool elsewhere = rq->curr == t && rq->cpu != this_cpu();
	unsigned cpu = rq->cpu->id;

	rq_unlock(rq);
	if (elsewhere)
		hal_cpu_ipi(cpu);
	hal_irq_restore(flags);
}

bool task_is_off(struct task *t)
{
	unsigned long flags = hal_irq_save();
	struct runqueue *rq = task_rq_lock(t);	/* held from before it stops being the current one until it is switched away from */
	bool off = rq->curr != t;

	rq_unlock(rq);
	hal_irq_restore(flags);
	return off;
}

void sched_fork(struct task *child)
{
	struct sched_entity *se = &child->se, *parent = &current->se;

	*se = (struct sched_entity){
		.nice = READ_ONCE(parent->nice), .policy = READ_ONCE(parent->policy), .rt_priority = READ_ONCE(parent->rt_priority),
		.affinity = current == this_cpu()->idle ? UINT64_MAX : READ_ONCE(parent->affinity), .cpu = this_cpu()->id,
	};
	if (READ_ONCE(parent->reset_on_fork)) {
		if (se->policy == SCHED_FIFO || se->policy == SCHED_RR)
			se->policy = SCHED_OTHER, se->rt_priority = 0;
		if (se->nice < 0)
			se->nice = 0;
	}
	se->weight = fair_weight(se->nice, se->policy);
	se->slice_ns = se->policy == SCHED_RR ? RR_SLICE_NS : FAIR_SLICE_NS;
	list_init(&se->link);
}

void sched_start(struct task *t)
{
	unsigned long flags;

	preempt_disable();
	flags = hal_irq_save();

	struct runqueue *rq = task_rq_lock(t);	/* it can be found: its policy or affinity may be changed meanwhile */
	unsigned cpu = sched_place_started(t);

	if (cpu != rq->cpu->id) {
		WRITE_ONCE(t->se.cpu, cpu);
		rq_unlock(rq);
		rq = cpus[cpu]->rq;
		spin_lock_raw(&rq->lock);
	}
	WRITE_ONCE(t->state, TASK_RUNNING);
	if (rq->cpu == this_cpu())
		rq_update_curr(rq);
	rq_activate(rq, t);
	rq_preempt_check(rq, t);
	rq_slice_ensure(rq);
	rq_unlock(rq);
	hal_irq_restore(flags);
	preempt_enable();
}

_Noreturn void sched_exit(void) NO_TSA
{
	hal_irq_disable();
	WRITE_ONCE(current->state, TASK_DEAD);
	current->preempt_count = 0;
	schedule_irqoff(false);
	panic("a dead thread runs");
}

void sched_exec_account(void)
{
	unsigned long flags = hal_irq_save();
	struct runqueue *rq = this_cpu()->rq;

	spin_lock_raw(&rq->lock);
	rq_update_curr(rq);
	rq_unlock(rq);
	hal_irq_restore(flags);
}

uint64_t task_runtime_ns(struct task *t)
{
	unsigned long flags = hal_irq_save();
	struct runqueue *rq = task_rq_lock(t);
	uint64_t ns = t->se.sum_exec_ns;

	if (rq->curr == t)
		ns += hal_time_mono_ns() - t->se.exec_start_ns;
	rq_unlock(rq);
	hal_irq_restore(flags);
	return ns;
}

/* Charging moves both parts of the sum by the same amount: see rq_update_curr(). */
uint64_t sched_own_runtime_ns(void) { return current->se.run_base_ns + hal_time_mono_ns(); }

_Noreturn void sched_idle(void) NO_TSA
{
	struct cpu *c = this_cpu();

	for (;;) {
		hal_irq_disable();
		while (!READ_ONCE(c->need_resched)) {
			rcu_note_quiescent();
			hal_cpu_idle();
		}
		schedule_irqoff(false);
		hal_irq_enable();
	}
}
