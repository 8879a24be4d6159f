/* SPDX-License-Identifier: MIT */
/*
 * Which CPU a thread runs on.
 *
 * A woken thread runs where its waker runs if that CPU has nothing else to do,
 * since waking a sleeping CPU costs more than most hand-overs are worth.  What
 * then turns out to compete is spread when the slice timer, armed only while
 * somebody waits, finds an idle CPU and makes it pull; who had to wait for that
 * is woken on a CPU of its own for a while.
 *
 * Of CPUs that share a physical one (hal_cpu_shares()) only one gets anywhere at
 * a time: two that run would only be switched by somebody who knows nothing of
 * their threads.  So an idle one beside a busy one does not count as idle.  Two
 * of them may run nevertheless, because of an affinity or because timers fired
 * on both: a CPU that goes idle on a free physical one makes one of them move.
 */
#include "sched/sched_internal.h"
#include "sync/lock_debug.h"

/* Another CPU on the same physical one is busy, and not with a real-time thread: it may have no end, and the host is fair to both. */
static bool share_busy(const struct runqueue *rq)
{
	for (uint64_t m = rq->shares & __atomic_load_n(&sched_online_mask, __ATOMIC_ACQUIRE); m; m &= m - 1) {
		const struct runqueue *o = cpus[__builtin_ctzll(m)]->rq;

		if (!cpu_idle(o) && !READ_ONCE(o->curr_rt))
			return true;
	}
	return false;
}

/* A thread here would run at once, and at nobody's cost. */
static bool cpu_free(const struct runqueue *rq) { return cpu_idle(rq) && !share_busy(rq); }

/* rq, locked, has nothing to do, and so have all on its physical CPU: where two run on one, one of them comes here. */
static void unshare(struct runqueue *rq)
{
	if (!rq->shares || rq->clock_ns < rq->next_balance_ns)
		return;
	rq->next_balance_ns = rq->clock_ns + NSEC_PER_MSEC;
	for (unsigned i = 0; i < READ_ONCE(cpu_count); i++) {
		struct runqueue *o = cpus[i] && load_acquire(&cpus[i]->online) ? cpus[i]->rq : NULL;

		if (o && o != rq && !cpu_idle(o) && share_busy(o)) {
			__atomic_store_n(&o->move, true, __ATOMIC_RELAXED);
			rq_resched_unlocked(o);
			return;
		}
	}
}

bool rq_shall_move(struct runqueue *rq, const struct task *t)
{
	uint64_t mask = t->se.affinity & READ_ONCE(sched_online_mask);

	if (!__atomic_exchange_n(&rq->move, false, __ATOMIC_RELAXED) || !share_busy(rq))
		return false;
	for (uint64_t m = mask; m; m &= m - 1)
		if (cpu_free(cpus[__builtin_ctzll(m)]->rq))
			return true;
	return false;
}

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
bool rq_pull(struct runqueue *rq)
{
	struct runqueue *busiest = NULL;
	struct task *t;

	if (share_busy(rq))
		return false;
	for (unsigned i = 0; i < READ_ONCE(cpu_count); i++) {
		struct runqueue *o = cpus[i] && load_acquire(&cpus[i]->online) ? cpus[i]->rq : NULL;

		if (o && o != rq && READ_ONCE(o->running) > 1 && (!busiest || READ_ONCE(o->running) > READ_ONCE(busiest->running)))
			busiest = o;
	}
	if (!busiest)
		unshare(rq);
	if (!busiest || !spin_trylock_raw(&busiest->lock))
		return false;
	t = pull_candidate(busiest, rq->cpu->id);
	if (t) {
		rq_deactivate(busiest, t, true);
		rq_activate(rq, t);
	}
	rq_unlock(busiest);
	return t != NULL;
}

static void kick_idle_cpu(struct runqueue *rq)
{
	for (unsigned i = 0; i < READ_ONCE(cpu_count); i++) {
		struct cpu *c = cpus[i];

		if (c && load_acquire(&c->online) && c->rq != rq && cpu_free(c->rq) && !READ_ONCE(c->need_resched) && pull_candidate(rq, i)) {
			rq_resched_unlocked(c->rq);
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
		struct runqueue *o = cpus[i] && load_acquire(&cpus[i]->online) ? cpus[i]->rq : NULL;

		if (o && o != rq && !(cpu_idle(o) && share_busy(o)) && (!least || READ_ONCE(o->load) < READ_ONCE(least->load)))
			least = o;
	}
	if (!least || READ_ONCE(least->load) + 2 * 1024 > rq->load || !spin_trylock_raw(&least->lock))
		return;
	t = pull_candidate(rq, least->cpu->id);
	if (t) {
		rq_deactivate(rq, t, true);
		rq_activate(least, t);
		rq_preempt_check(least, t);
		rq_slice_ensure(least);
	}
	rq_unlock(least);
}

void rq_slice_expired(struct ktimer *timer)
{
	struct runqueue *rq = container_of(timer, struct runqueue, slice);

	spin_lock_raw(&rq->lock);
	if (rq->running > 1) {
		rq_update_curr(rq);
		kick_idle_cpu(rq);
		if (rq->clock_ns >= rq->next_balance_ns) {
			rq->next_balance_ns = rq->clock_ns + 16 * NSEC_PER_MSEC;
			push_excess(rq);
		}
		ktimer_arm(&rq->slice, rq->clock_ns + FAIR_SLICE_NS);
	}
	rq_unlock(rq);
}

unsigned sched_select_cpu(struct task *t, bool apart)
{
	uint64_t mask = t->se.affinity & READ_ONCE(sched_online_mask);
	unsigned prev = t->se.cpu, self = this_cpu()->id;

	if (unlikely(!mask))
		mask = READ_ONCE(sched_online_mask);
	bool here = (mask & cpu_bit(self)) && READ_ONCE(cpus[self]->rq->running) <= 1 && !share_busy(cpus[self]->rq);

	if (here && !apart)
		return self;
	if ((mask & cpu_bit(prev)) && cpu_free(cpus[prev]->rq))
		return prev;
	for (uint64_t m = mask; m; m &= m - 1) {
		unsigned i = (unsigned)__builtin_ctzll(m);

		if (cpu_free(cpus[i]->rq))
			return i;
	}
	if (here)
		return self;
	if (!(mask & cpu_bit(prev)))
		prev = (unsigned)__builtin_ctzll(mask);
	if (cpu_idle(cpus[prev]->rq))	/* not free: with the one that is busy there */
		for (uint64_t m = mask & cpus[prev]->rq->shares; m; m &= m - 1)
			if (!cpu_idle(cpus[__builtin_ctzll(m)]->rq))
				return (unsigned)__builtin_ctzll(m);
	return prev;
}

/*
 * Does the waker go on, or sleep soon?  A thread that waited long beside its waker is placed on a CPU of its own the next times, more
 * often each time that the lesson is repeated; then it is tried again.  So it is with who starts threads: what one of them waited is
 * a lesson for the next.
 */
enum { LATE_NS = 100000 /* more than it takes to wake a CPU */, APART_LEAST = 16, APART_MOST = 4096, VFORKS_VAIN = 256 };

static void learn(struct sched_apart *a, uint64_t waited_ns)
{
	uint16_t last = READ_ONCE(a->last);
	bool late = (int64_t)waited_ns > LATE_NS;

	last = late ? MIN(MAX(2 * last, APART_LEAST), APART_MOST) : last / 2;
	WRITE_ONCE(a->last, last);
	WRITE_ONCE(a->left, late ? last : 0);
}

/*
 * A child that ends wakes its parent as nearly its last deed: beside it, whatever was learnt.  The parent of a vfork() is woken by the
 * exec, while the child's work only begins: that has its own lessons, since many such parents do nothing then but wait for its end.
 */
unsigned sched_place_woken(struct task *t, bool apart)
{
	struct sched_entity *se = &t->se;
	struct sched_apart *a = se->sleeps == SLEEP_VFORK ? &se->vforks : &se->woken;
	bool taught = !apart && se->sleeps != SLEEP_CHILD && a->left;
	unsigned cpu = sched_select_cpu(t, apart || taught);

	se->beside_ns = 0;
	if (READ_ONCE(cpu_count) == 1 || current == this_cpu()->idle)
		return cpu;
	if (cpu == this_cpu()->id) {
		if (se->sleeps != SLEEP_CHILD)
			se->beside_ns = hal_time_mono_ns();
	} else if (taught) {
		a->left--;
		se->vforks_try = se->sleeps == SLEEP_VFORK;
		se->try_exec_ns = se->sum_exec_ns;
	}
	return cpu;
}

void rq_learn_wait(struct runqueue *rq, struct task *t)
{
	struct sched_entity *se = &t->se;

	if (!se->beside_ns)
		return;
	if (se->sleeps != SLEEP_VFORK)
		learn(&se->woken, rq->clock_ns - se->beside_ns);
	else if (se->vforks_vain)
		se->vforks_vain--;
	else
		learn(&se->vforks, rq->clock_ns - se->beside_ns);
	se->beside_ns = 0;
}

void rq_learn_sleep(struct task *t)
{
	struct sched_entity *se = &t->se;

	if (likely(!se->vforks_try))
		return;
	se->vforks_try = false;
	if (se->sleeps == SLEEP_CHILD && se->sum_exec_ns - se->try_exec_ns < LATE_NS) {
		se->vforks.left = 0;
		se->vforks_vain = VFORKS_VAIN;
	}
}

unsigned sched_place_started(struct task *t)
{
	struct sched_apart *a = &current->se.starts;
	uint64_t mask = t->se.affinity & READ_ONCE(sched_online_mask);
	unsigned self = this_cpu()->id, left = READ_ONCE(a->left), cpu;

	if (READ_ONCE(cpu_count) == 1 || current == this_cpu()->idle)
		return self;
	if (left)
		cpu = sched_select_cpu(t, true);
	else
		cpu = mask & cpu_bit(self) || !mask ? self : (unsigned)__builtin_ctzll(mask);
	if (cpu == self) {
		task_get(current);
		t->se.starter = current;
		t->se.started_ns = hal_time_mono_ns();
	} else if (left) {
		WRITE_ONCE(a->left, (uint16_t)(left - 1));
	}
	return cpu;
}

void sched_learn_start(uint64_t began_ns)
{
	struct sched_entity *se = &current->se;

	if (!se->starter)
		return;
	learn(&se->starter->se.starts, began_ns - se->started_ns);
	task_put(se->starter);
	se->starter = NULL;
}
