/* SPDX-License-Identifier: MIT */
/*
 * The fair class: earliest eligible virtual deadline first (Stoica and
 * Abdel-Wahab, 1995).
 *
 * A thread's virtual runtime advances by its real runtime divided by its
 * weight.  The weighted average of all virtual runtimes is what each would
 * have had under ideal sharing: whoever is not ahead of it is eligible.  Among
 * the eligible the one with the earliest deadline (vruntime when its slice
 * began, plus the slice divided by the weight) runs.
 *
 * The average is kept as a sum relative to `base`, so that nothing overflows;
 * the tree is sorted by deadline and knows each subtree's smallest vruntime,
 * so that picking is O(log n).  A thread that sleeps keeps its lag (how far it
 * is from the average, bounded) and comes back with it.
 */
#include <kernel/print.h>
#include "sched/sched_internal.h"

static const uint32_t nice_weight[40] = {	/* each step about 1.25, nice 0 is 1024 (sched(7)) */
	88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916, 9548, 7620, 6100, 4904, 3906, 3121, 2501, 1991, 1586, 1277,
	1024, 820, 655, 526, 423, 335, 272, 215, 172, 137, 110, 87, 70, 56, 45, 36, 29, 23, 18, 15
};

uint32_t fair_weight(int nice, unsigned policy) { return policy == SCHED_IDLE ? 3 : nice_weight[nice + 20]; }

static uint64_t scale(uint64_t ns, uint32_t weight) { return weight == 1024 ? ns : ns * 1024 / weight; }

static int64_t key(const struct fair_queue *q, const struct sched_entity *se) { return (int64_t)(se->vruntime - q->base); }

static void sums_add(struct fair_queue *q, const struct sched_entity *se)
{
	q->sum_weighted += key(q, se) * (int64_t)se->weight;
	q->sum_weight += se->weight;
}

static void sums_sub(struct fair_queue *q, const struct sched_entity *se)
{
	q->sum_weighted -= key(q, se) * (int64_t)se->weight;
	q->sum_weight -= se->weight;
}

static uint64_t average(const struct fair_queue *q)
{
	return q->sum_weight ? q->base + (uint64_t)(q->sum_weighted / (int64_t)q->sum_weight) : q->base;
}

/* Keep keys small: move base to the average when it has drifted. */
static void rebase(struct fair_queue *q)
{
	uint64_t avg = average(q);
	int64_t delta = (int64_t)(avg - q->base);

	if (delta > -(int64_t)NSEC_PER_SEC && delta < (int64_t)NSEC_PER_SEC)
		return;
	q->sum_weighted -= delta * (int64_t)q->sum_weight;
	q->base = avg;
}

static bool eligible(const struct fair_queue *q, uint64_t vruntime)
{
	return (int64_t)(vruntime - q->base) * (int64_t)q->sum_weight <= q->sum_weighted;
}

static struct sched_entity *entity(struct rb_node *n) { return n ? rb_entry(n, struct sched_entity, node) : NULL; }

static void update_min(struct rb_node *n)
{
	struct sched_entity *se = entity(n), *l = entity(n->left), *r = entity(n->right);

	se->min_vruntime = se->vruntime;
	if (l && (int64_t)(l->min_vruntime - se->min_vruntime) < 0)
		se->min_vruntime = l->min_vruntime;
	if (r && (int64_t)(r->min_vruntime - se->min_vruntime) < 0)
		se->min_vruntime = r->min_vruntime;
}

static void tree_insert(struct fair_queue *q, struct sched_entity *se)
{
	struct rb_node **link = &q->tree.node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = (int64_t)(se->deadline - entity(parent)->deadline) < 0 ? &parent->left : &parent->right;
	}
	rb_insert_at_augmented(&q->tree, &se->node, parent, link, update_min);
	q->count++;
}

static void tree_erase(struct fair_queue *q, struct sched_entity *se)
{
	rb_erase_augmented(&q->tree, &se->node, update_min);
	q->count--;
}

static void new_slice(struct sched_entity *se)
{
	se->slice_ns = FAIR_SLICE_NS;
	se->deadline = se->vruntime + scale(FAIR_SLICE_NS, se->weight);
}

/* While off the queue, vruntime holds the lag: vruntime - average. */
void fair_enqueue(struct fair_queue *q, struct sched_entity *se, bool wakeup)
{
	int64_t limit = (int64_t)scale(2 * FAIR_SLICE_NS, se->weight), lag = (int64_t)se->vruntime;

	lag = lag > limit ? limit : lag < -limit ? -limit : lag;
	se->vruntime = average(q) + (uint64_t)lag;
	new_slice(se);
	sums_add(q, se);
	rebase(q);
	tree_insert(q, se);
	(void)wakeup;
}

void fair_dequeue(struct fair_queue *q, struct sched_entity *se, bool queued)
{
	int64_t lag = (int64_t)(se->vruntime - average(q));

	if (queued)
		tree_erase(q, se);
	sums_sub(q, se);
	se->vruntime = (uint64_t)lag;
}

void fair_pick(struct fair_queue *q, struct sched_entity *se) { tree_erase(q, se); }

void fair_put(struct fair_queue *q, struct sched_entity *se) { tree_insert(q, se); }

struct sched_entity *fair_first(struct fair_queue *q)
{
	struct rb_node *n = q->tree.node;

	while (n) {
		if (n->left && eligible(q, entity(n->left)->min_vruntime))
			n = n->left;
		else if (eligible(q, entity(n)->vruntime))
			return entity(n);
		else
			n = n->right;
	}
	/* Rounding, or only the running one is eligible: the earliest deadline will do. */
	return entity(rb_first(&q->tree));
}

bool fair_charge(struct fair_queue *q, struct sched_entity *se, uint64_t ns)
{
	uint64_t v = scale(ns, se->weight);

	se->vruntime += v;
	q->sum_weighted += (int64_t)v * (int64_t)se->weight;
	rebase(q);
	if (ns < se->slice_ns) {
		se->slice_ns -= ns;
		return false;
	}
	new_slice(se);
	return true;
}

bool fair_preempts(struct fair_queue *q, const struct sched_entity *woken, const struct sched_entity *curr)
{
	return eligible(q, woken->vruntime) && (int64_t)(woken->deadline - curr->deadline) < 0;
}
