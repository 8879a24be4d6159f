/* SPDX-License-Identifier: MIT */
/*
 * The scheduler's core: run queues, switching, waking, balancing.
 *
 * A CPU's run queue is locked with interrupts off.  A switch keeps it locked
 * from the old thread's schedule() to the new one's finish_switch(), so
 * whoever holds the lock of se.cpu's queue and finds a thread off it knows
 * that its registers are saved.
 *
 * Classes: real time (FIFO, RR: a list per priority) before fair (fair.c).
 *
 * Placement: a woken thread runs where its waker runs if that CPU has nothing
 * else to do, since waking a sleeping CPU costs more than most hand-overs are
 * worth.  What then turns out to compete is spread when the slice timer, armed
 * only while somebody waits, finds an idle CPU and makes it pull.
 */
#include <kernel/errno.h>
#include <kernel/radix.h>
#include <kernel/print.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/vm.h>
#include "sched/sched_internal.h"
#include "sync/lock_debug.h"

struct cpu *cpus[HAL_CPUS];
unsigned cpu_count;
static struct cpu boot_cpu;
static struct runqueue boot_rq;
static struct task boot_task;
static uint64_t online_mask;		/* [a] */

static uint64_t cpu_bit(unsigned cpu) { return 1ull << cpu; }
static bool is_rt(const struct sched_entity *se) { return se->pi_priority || se->policy == SCHED_FIFO || se->policy == SCHED_RR; }
static unsigned rt_priority(const struct sched_entity *se)
{
	unsigned own = se->policy == SCHED_FIFO || se->policy == SCHED_RR ? se->rt_priority : 0;

	return MAX(own, (unsigned)se->pi_priority);
}
static bool cpu_idle(const struct runqueue *rq) { return READ_ONCE(rq->running) == 0; }

static void resched(struct runqueue *rq)
{
	struct cpu *c = rq->cpu;

	if (READ_ONCE(c->need_resched))
		return;
	WRITE_ONCE(c->need_resched, true);
	if (c != this_cpu())
		hal_cpu_ipi(c->id);
}

/* ---- the real-time class ---- */

static void rt_enqueue(struct rt_queue *q, struct sched_entity *se, bool head)
{
	unsigned p = rt_priority(se);

	if (head)
		list_add(&se->link, &q->queue[p]);
	else
		list_add_tail(&se->link, &q->queue[p]);
	bit_set(q->bitmap, p);
	q->count++;
}

static void rt_dequeue(struct rt_queue *q, struct sched_entity *se)
{
	struct list_head *next = se->link.next;

	list_del_init(&se->link);
	q->count--;
	if (next->next == next && next >= &q->queue[0] && next < &q->queue[RT_PRIORITIES])
		bit_clear(q->bitmap, (size_t)(next - q->queue));
}

static struct task *rt_first(struct rt_queue *q)
{
	uint64_t hi = q->bitmap[1], lo = q->bitmap[0];
	unsigned p;

	if (!q->count)
		return NULL;
	p = hi ? 64 + 63 - (unsigned)__builtin_clzll(hi) : 63 - (unsigned)__builtin_clzll(lo);
	return list_first(&q->queue[p], struct task, se.link);
}

/* ---- queue operations, both classes ---- */

static void update_curr(struct runqueue *rq)
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

static void preempt_check(struct runqueue *rq, struct task *t)
{
	struct task *curr = rq->curr;

	if (curr == rq->cpu->idle)
		resched(rq);
	else if (is_rt(&t->se) ? !is_rt(&curr->se) || rt_priority(&t->se) > rt_priority(&curr->se)
			       : !is_rt(&curr->se) && fair_preempts(&rq->fair, &t->se, &curr->se))
		resched(rq);
}

static void slice_arm(struct runqueue *rq)
{
	if (!ktimer_pending(&rq->slice))
		ktimer_arm(&rq->slice, rq->clock_ns + FAIR_SLICE_NS);
}

/*
 * Somebody has begun to wait here: the slice of the one that runs has to end.
 * Another CPU's timer cannot be armed from here; it is made to look instead,
 * and arms it in schedule().
 */
static void slice_ensure(struct runqueue *rq)
{
	if (rq->running <= 1 || ktimer_pending(&rq->slice))
		return;
	if (rq->cpu == this_cpu()) {
		rq->clock_ns = hal_time_mono_ns();
		slice_arm(rq);
	} else {
		resched(rq);
	}
}

/* t becomes runnable here. */
static void activate(struct runqueue *rq, struct task *t)
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
static void deactivate(struct runqueue *rq, struct task *t, bool queued)
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
static void put_prev(struct runqueue *rq, struct task *t)
{
	if (is_rt(&t->se)) {	/* preempted: stays first of its priority; a fresh slice means it used one up, or yielded */
		rt_enqueue(&rq->rt, &t->se, t->se.slice_ns != RR_SLICE_NS);
		if (t->se.policy != SCHED_RR)
			t->se.slice_ns = FAIR_SLICE_NS;
	} else
		fair_put(&rq->fair, &t->se);
}

static struct task *pick(struct runqueue *rq)
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
static struct runqueue *task_rq_lock(struct task *t)
{
	for (;;) {
		unsigned cpu = READ_ONCE(t->se.cpu);
		struct runqueue *rq = cpus[cpu]->rq;

		spin_lock_raw(&rq->lock);
		if (likely(READ_ONCE(t->se.cpu) == cpu))
			return rq;
		spin_unlock_raw(&rq->lock);
	}
}

/* ---- balancing ---- */

/* A queued thread of `from` that may run on cpu; not one that runs. */
static struct task *pull_candidate(struct runqueue *from, unsigned cpu)
{
	for (struct rb_node *n = rb_last(&from->fair.tree); n; n = rb_prev(n)) {
		struct task *t = rb_entry(n, struct task, se.node);

		if (t->se.affinity & cpu_bit(cpu))
			return t;
	}
	if (from->rt.count)
		for (unsigned p = RT_PRIORITIES; p-- > 0;) {
			struct task *t;

			list_for_each(t, &from->rt.queue[p], se.link)
				if (t->se.affinity & cpu_bit(cpu))
					return t;
		}
	return NULL;
}

/* This CPU has nothing to do: take a waiting thread from the busiest.  rq is locked; the other by trying only. */
static bool pull(struct runqueue *rq)
{
	struct runqueue *busiest = NULL;
	struct task *t;

	for (unsigned i = 0; i < READ_ONCE(cpu_count); i++) {
		struct runqueue *o = cpus[i] && READ_ONCE(cpus[i]->online) ? cpus[i]->rq : NULL;

		if (o && o != rq && READ_ONCE(o->running) > 1 && (!busiest || READ_ONCE(o->running) > READ_ONCE(busiest->running)))
			busiest = o;
	}
	if (!busiest || !spin_trylock_raw(&busiest->lock))
		return false;
	t = pull_candidate(busiest, rq->cpu->id);
	if (t) {
		deactivate(busiest, t, true);
		activate(rq, t);
	}
	spin_unlock_raw(&busiest->lock);
	return t != NULL;
}

static void kick_idle_cpu(struct runqueue *rq)
{
	for (unsigned i = 0; i < READ_ONCE(cpu_count); i++) {
		struct cpu *c = cpus[i];

		if (c && c->online && c->rq != rq && cpu_idle(c->rq) && !READ_ONCE(c->need_resched) && pull_candidate(rq, i)) {
			resched(c->rq);
			return;
		}
	}
}

/* Nobody is idle, but this queue is much longer than the shortest: hand one over. */
static void push_excess(struct runqueue *rq)
{
	struct runqueue *least = NULL;
	struct task *t;

	for (unsigned i = 0; i < READ_ONCE(cpu_count); i++) {
		struct runqueue *o = cpus[i] && READ_ONCE(cpus[i]->online) ? cpus[i]->rq : NULL;

		if (o && o != rq && (!least || READ_ONCE(o->load) < READ_ONCE(least->load)))
			least = o;
	}
	if (!least || READ_ONCE(least->load) + 2 * 1024 > rq->load || !spin_trylock_raw(&least->lock))
		return;
	t = pull_candidate(rq, least->cpu->id);
	if (t) {
		deactivate(rq, t, true);
		activate(least, t);
		preempt_check(least, t);
		slice_ensure(least);
	}
	spin_unlock_raw(&least->lock);
}

static void slice_expired(struct ktimer *timer)
{
	struct runqueue *rq = container_of(timer, struct runqueue, slice);

	spin_lock_raw(&rq->lock);
	if (rq->running > 1) {
		update_curr(rq);
		kick_idle_cpu(rq);
		if (rq->clock_ns >= rq->next_balance_ns) {
			rq->next_balance_ns = rq->clock_ns + 16 * NSEC_PER_MSEC;
			push_excess(rq);
		}
		ktimer_arm(&rq->slice, rq->clock_ns + FAIR_SLICE_NS);
	}
	spin_unlock_raw(&rq->lock);
}

static unsigned select_cpu(struct task *t)
{
	uint64_t mask = t->se.affinity & online_mask;
	unsigned prev = t->se.cpu, self = this_cpu()->id;

	if (unlikely(!mask))
		mask = online_mask;
	if ((mask & cpu_bit(self)) && READ_ONCE(cpus[self]->rq->running) <= 1)
		return self;
	if ((mask & cpu_bit(prev)) && cpu_idle(cpus[prev]->rq))
		return prev;
	for (uint64_t m = mask; m; m &= m - 1) {
		unsigned i = (unsigned)__builtin_ctzll(m);

		if (cpu_idle(cpus[i]->rq))
			return i;
	}
	return mask & cpu_bit(prev) ? prev : (unsigned)__builtin_ctzll(mask);
}

/* ---- load average: lazily, by whoever passes ---- */

static uint64_t load_avg[3];		/* 11-bit fixed point */
static uint64_t load_next_ns;

static void load_update(uint64_t now)
{
	static const uint64_t decay[3] = { 1884, 2014, 2037 };	/* e^(-5s/1min), 5 min, 15 min, of 2048 */
	uint64_t due = READ_ONCE(load_next_ns), active = 0;

	if (likely(now < due) || !__atomic_compare_exchange_n(&load_next_ns, &due, now + 5 * NSEC_PER_SEC, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		return;
	for (unsigned i = 0; i < READ_ONCE(cpu_count); i++)
		if (cpus[i] && cpus[i]->rq)
			active += READ_ONCE(cpus[i]->rq->running);
	uint64_t missed = due ? MIN((now - due) / (5 * NSEC_PER_SEC), (uint64_t)720) : 0;

	for (unsigned k = 0; k < 3; k++) {
		uint64_t a = load_avg[k];

		for (uint64_t i = 0; i < missed; i++)	/* nobody came by: the machine was idle */
			a = a * decay[k] / 2048;
		load_avg[k] = (a * decay[k] + active * 2048 * (2048 - decay[k])) / 2048;
	}
}

void sched_loadavg(uint64_t avg[3], unsigned *running, unsigned *threads)
{
	unsigned n = 0;

	load_update(hal_time_mono_ns());
	for (unsigned i = 0; i < READ_ONCE(cpu_count); i++)
		n += cpus[i] && cpus[i]->rq ? READ_ONCE(cpus[i]->rq->running) : 0;
	memcpy(avg, load_avg, sizeof(load_avg));
	*running = n;
	*threads = task_count();
}

/* ---- switching ---- */

static void reap(struct work *w);
static struct work reap_work;
static struct list_head dead = LIST_INIT(dead);
static struct spinlock dead_lock = SPINLOCK_INIT(WAITQ);

/* The rest of a switch, on the new thread's stack. */
static void finish_switch(struct task *prev)
{
	struct runqueue *rq = this_cpu()->rq;
	bool gone = prev->state == TASK_DEAD, move = !gone && prev->state == TASK_RUNNING && !prev->se.on_rq && prev != rq->cpu->idle;

	spin_unlock_raw(&rq->lock);
	if (gone) {
		unsigned long flags = spin_lock_irqsave(&dead_lock);

		list_add_tail(&prev->se.link, &dead);
		spin_unlock_irqrestore(&dead_lock, flags);
		work_queue(&reap_work);
	} else if (move) {	/* its affinity changed: on another CPU's queue with it */
		unsigned cpu = select_cpu(prev);
		struct runqueue *o = cpus[cpu]->rq;

		spin_lock_raw(&o->lock);
		activate(o, prev);
		preempt_check(o, prev);
		slice_ensure(o);
		spin_unlock_raw(&o->lock);
	}
}

static void reap(struct work *w)
{
	for (;;) {
		unsigned long flags = spin_lock_irqsave(&dead_lock);
		struct task *t = list_empty(&dead) ? NULL : list_first(&dead, struct task, se.link);

		if (t)
			list_del_init(&t->se.link);
		spin_unlock_irqrestore(&dead_lock, flags);
		if (!t)
			return;
		task_free_stack(t);
		task_put(t);
	}
}

static struct task *switched_from[HAL_CPUS];	/* [c] between switch and finish */

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
	update_curr(rq);
	WRITE_ONCE(c->need_resched, false);
	load_update(rq->clock_ns);
	if (prev != c->idle) {
		if (!preempted && READ_ONCE(prev->state) != TASK_RUNNING)
			deactivate(rq, prev, false), WRITE_ONCE(prev->nvcsw, prev->nvcsw + 1);
		else if (unlikely(!(prev->se.affinity & cpu_bit(c->id))) && (prev->se.affinity & online_mask) && prev->state == TASK_RUNNING)
			deactivate(rq, prev, false);
		else
			put_prev(rq, prev), WRITE_ONCE(prev->nivcsw, prev->nivcsw + preempted);
	}
	next = pick(rq);
	if (!next && READ_ONCE(cpu_count) > 1 && pull(rq))
		next = pick(rq);
	if (!next)
		next = c->idle;
	next->se.exec_start_ns = rq->clock_ns;
	if (rq->running > 1)
		slice_arm(rq);
	if (next == prev) {
		spin_unlock_raw(&rq->lock);
		return;
	}
	cpu_count_event(c->switches);
	prev->switches++;
	rq->curr = next;
	c->curr = next;
	if (prev->uctx)
		hal_user_switch_out(prev->uctx);
	if (next->vm != prev->vm)
		hal_as_activate(next->vm ? next->vm->as : NULL);
	switched_from[c->id] = prev;
	hal_current_set(next);
	hal_kctx_switch(prev->kctx, next->kctx);
	finish_switch(switched_from[this_cpu()->id]);
}

void sched_thread_start(void) NO_TSA
{
	finish_switch(switched_from[this_cpu()->id]);
	hal_irq_enable();
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
	update_curr(rq);
	if (!is_rt(&current->se) && rq->running > 1) {	/* give up the rest of the slice */
		current->se.slice_ns = FAIR_SLICE_NS;
		current->se.deadline += FAIR_SLICE_NS * 1024ull / current->se.weight;
	} else if (is_rt(&current->se)) {
		current->se.slice_ns = RR_SLICE_NS;
	}
	spin_unlock_raw(&rq->lock);
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

void sched_set_state(unsigned state) { __atomic_store_n(&current->state, state, __ATOMIC_SEQ_CST); }

bool task_wake(struct task *t, unsigned states)
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
			unsigned cpu = select_cpu(t);

			if (cpu != rq->cpu->id) {
				WRITE_ONCE(t->se.cpu, cpu);
				spin_unlock_raw(&rq->lock);
				rq = cpus[cpu]->rq;
				spin_lock_raw(&rq->lock);
			}
			activate(rq, t);
			preempt_check(rq, t);
			slice_ensure(rq);
		}
	}
	spin_unlock_raw(&rq->lock);
	hal_irq_restore(flags);
	preempt_enable();
	return woken;
}

void task_kick(struct task *t)
{
	unsigned long flags = hal_irq_save();
	struct runqueue *rq = task_rq_lock(t);
	bool elsewhere = rq->curr == t && rq->cpu != this_cpu();
	unsigned cpu = rq->cpu->id;

	spin_unlock_raw(&rq->lock);
	if (elsewhere)
		hal_cpu_ipi(cpu);
	hal_irq_restore(flags);
}

void sched_fork(struct task *child)
{
	struct sched_entity *se = &child->se, *parent = &current->se;

	*se = (struct sched_entity){
		.nice = parent->nice, .policy = parent->policy, .rt_priority = parent->rt_priority,
		.affinity = current == this_cpu()->idle ? UINT64_MAX : parent->affinity, .cpu = this_cpu()->id,
	};
	if (parent->reset_on_fork) {
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

	uint64_t mask = t->se.affinity & online_mask;
	unsigned cpu = mask & cpu_bit(this_cpu()->id) || !mask ? this_cpu()->id : (unsigned)__builtin_ctzll(mask);
	struct runqueue *rq = cpus[cpu]->rq;

	spin_lock_raw(&rq->lock);
	WRITE_ONCE(t->state, TASK_RUNNING);
	if (rq->cpu == this_cpu())
		update_curr(rq);
	activate(rq, t);
	preempt_check(rq, t);
	slice_ensure(rq);
	spin_unlock_raw(&rq->lock);
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
	update_curr(rq);
	spin_unlock_raw(&rq->lock);
	hal_irq_restore(flags);
}

uint64_t task_runtime_ns(struct task *t)
{
	unsigned long flags = hal_irq_save();
	struct runqueue *rq = task_rq_lock(t);
	uint64_t ns = t->se.sum_exec_ns;

	if (rq->curr == t)
		ns += hal_time_mono_ns() - t->se.exec_start_ns;
	spin_unlock_raw(&rq->lock);
	hal_irq_restore(flags);
	return ns;
}

/* ---- changing a thread's class ---- */

/* Take it out, change it, put it back. */
static void change(struct task *t, void (*apply)(struct sched_entity *se, const int v[2]), const int v[2])
{
	unsigned long flags = hal_irq_save();
	struct runqueue *rq = task_rq_lock(t);
	bool on_rq = t->se.on_rq, curr = rq->curr == t;

	if (curr)
		update_curr(rq);
	if (on_rq)
		deactivate(rq, t, !curr);
	apply(&t->se, v);
	t->se.weight = fair_weight(t->se.nice, t->se.policy);
	t->se.slice_ns = t->se.policy == SCHED_RR ? RR_SLICE_NS : FAIR_SLICE_NS;
	if (on_rq) {
		activate(rq, t);
		if (curr) {	/* it runs: not among those that wait */
			if (is_rt(&t->se))
				rt_dequeue(&rq->rt, &t->se);
			else
				fair_pick(&rq->fair, &t->se);
			resched(rq);
		} else {
			preempt_check(rq, t);
		}
	}
	spin_unlock_raw(&rq->lock);
	hal_irq_restore(flags);
	/* Under a spinlock (PI futexes) the preempt_enable() of its unlock does it. */
	if (curr && t == current && !t->preempt_count)
		sched_user_return();
}

static void apply_policy(struct sched_entity *se, const int v[2]) { se->policy = (uint8_t)v[0], se->rt_priority = (uint8_t)v[1]; }
static void apply_nice(struct sched_entity *se, const int v[2]) { se->nice = (int8_t)v[0]; }
static void apply_pi(struct sched_entity *se, const int v[2]) { se->pi_priority = (uint8_t)v[0]; }

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

	mask &= online_mask;
	if (!mask)
		return -EINVAL;
	flags = hal_irq_save();
	rq = task_rq_lock(t);
	t->se.affinity = mask;
	if (t->se.on_rq && !(mask & cpu_bit(rq->cpu->id))) {
		if (rq->curr == t) {
			resched(rq);	/* schedule() moves it */
		} else {
			struct runqueue *o = cpus[__builtin_ctzll(mask)]->rq;

			deactivate(rq, t, true);
			WRITE_ONCE(t->se.cpu, o->cpu->id);
			spin_unlock_raw(&rq->lock);
			spin_lock_raw(&o->lock);
			rq = o;
			activate(o, t);
			preempt_check(o, t);
			slice_ensure(o);
		}
	}
	spin_unlock_raw(&rq->lock);
	hal_irq_restore(flags);
	if (t == current)
		sched_user_return();
	return 0;
}

/* ---- start ---- */

static void rq_init(struct runqueue *rq, struct cpu *c, struct task *idle)
{
	spin_init(&rq->lock, LOCK_RUNQUEUE);
	rq->cpu = c;
	rq->curr = idle;
	for (unsigned i = 0; i < RT_PRIORITIES; i++)
		list_init(&rq->rt.queue[i]);
	ktimer_init(&rq->slice, slice_expired);
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
	work_init(&reap_work, reap);
	boot_cpu.online = true;
	online_mask = 1;
}

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
	__atomic_or_fetch(&online_mask, cpu_bit(id), __ATOMIC_RELEASE);
	store_release(&c->online, true);
	sched_idle();
}
