/* SPDX-License-Identifier: MIT */
/*
 * The real-time class, FIFO and RR: a list a priority and a bitmap of those
 * that are not empty.  It goes before the fair class, always.
 */
#include <kernel/radix.h>
#include "sched/sched_internal.h"

void rt_enqueue(struct rt_queue *q, struct sched_entity *se, bool head)
{
	unsigned p = rt_priority(se);

	if (head)
		list_add(&se->link, &q->queue[p]);
	else
		list_add_tail(&se->link, &q->queue[p]);
	bit_set(q->bitmap, p);
	q->count++;
}

void rt_dequeue(struct rt_queue *q, struct sched_entity *se)
{
	struct list_head *next = se->link.next;

	list_del_init(&se->link);
	q->count--;
	if (next->next == next && next >= &q->queue[0] && next < &q->queue[RT_PRIORITIES])
		bit_clear(q->bitmap, (size_t)(next - q->queue));
}

struct task *rt_first(struct rt_queue *q)
{
	uint64_t hi = q->bitmap[1], lo = q->bitmap[0];
	unsigned p;

	if (!q->count)
		return NULL;
	p = hi ? 64 + 63 - (unsigned)__builtin_clzll(hi) : 63 - (unsigned)__builtin_clzll(lo);
	return list_first(&q->queue[p], struct task, se.link);
}
