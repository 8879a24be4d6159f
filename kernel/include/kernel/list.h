/* SPDX-License-Identifier: MIT */
/* Doubly linked circular lists, embedded in their elements. */
#ifndef KERNEL_LIST_H
#define KERNEL_LIST_H
#include <kernel/compiler.h>

struct list_head { struct list_head *next, *prev; };
#define LIST_INIT(name) { &(name), &(name) }

static inline void list_init(struct list_head *h) { h->next = h->prev = h; }
static inline bool list_empty(const struct list_head *h) { return READ_ONCE(h->next) == h; }
static inline void list_insert_(struct list_head *n, struct list_head *prev, struct list_head *next)
{
	next->prev = n;
	WRITE_ONCE(n->next, next);
	n->prev = prev;
	WRITE_ONCE(prev->next, n);
}
static inline void list_add(struct list_head *n, struct list_head *h) { list_insert_(n, h, h->next); }
static inline void list_add_tail(struct list_head *n, struct list_head *h) { list_insert_(n, h->prev, h); }
static inline void list_del(struct list_head *n)
{
	n->next->prev = n->prev;
	WRITE_ONCE(n->prev->next, n->next);
	n->next = n->prev = NULL;
}
/* Leaves n an empty list, so that list_empty(n) says "not on a list". */
static inline void list_del_init(struct list_head *n)
{
	n->next->prev = n->prev;
	WRITE_ONCE(n->prev->next, n->next);
	WRITE_ONCE(n->next, n);		/* list_empty() may be asked without the lock */
	n->prev = n;
}
static inline void list_move_tail(struct list_head *n, struct list_head *h)
{
	list_del(n);
	list_add_tail(n, h);
}
/* All of `from` to the end of `to`; from is empty afterwards. */
static inline void list_splice_tail(struct list_head *from, struct list_head *to)
{
	if (list_empty(from))
		return;
	from->next->prev = to->prev;
	WRITE_ONCE(to->prev->next, from->next);
	WRITE_ONCE(from->prev->next, to);
	to->prev = from->prev;
	WRITE_ONCE(from->next, from);
	from->prev = from;
}
#define list_entry(ptr, type, member) container_of(ptr, type, member)
#define list_first(h, type, member) list_entry((h)->next, type, member)
#define list_last(h, type, member) list_entry((h)->prev, type, member)
#define list_for_each(pos, h, member) \
	for (pos = list_entry((h)->next, __typeof__(*pos), member); &pos->member != (h); \
	     pos = list_entry(pos->member.next, __typeof__(*pos), member))
/* pos may be deleted in the body. */
#define list_for_each_safe(pos, tmp, h, member) \
	for (pos = list_entry((h)->next, __typeof__(*pos), member), \
	     tmp = list_entry(pos->member.next, __typeof__(*pos), member); &pos->member != (h); \
	     pos = tmp, tmp = list_entry(tmp->member.next, __typeof__(*tmp), member))
#endif
