/* SPDX-License-Identifier: MIT */
/* Inside the futex code: keys to buckets, queued waiters. */
#ifndef TASK_FUTEX_H
#define TASK_FUTEX_H
#include <kernel/lock.h>
#include <kernel/vm.h>

struct task;
struct futex_bucket {
	struct spinlock lock;		/* [FUTEX] */
	struct list_head waiters;	/* [lock] struct futex_q */
	struct mutex pi_lock;		/* [FUTEX_PI] */
	struct list_head pi_waiters;	/* [pi_lock] struct futex_pi_waiter, highest priority first */
};
struct futex_q {
	struct list_head link;		/* [bucket->lock] */
	struct vm_key key;		/* [bucket->lock] requeueing changes it */
	struct futex_bucket *bucket;	/* [a] changed with both buckets locked */
	struct task *task;
	uint32_t bitset;
	bool woken;			/* [a] off the list, and by a waker */
};
struct futex_bucket *futex_bucket(const struct vm_key *key);
static inline bool futex_key_equal(const struct vm_key *a, const struct vm_key *b)
{
	return a->object == b->object && a->offset == b->offset && a->shared == b->shared;
}
int futex_wake(uaddr_t uaddr, bool private, int n, uint32_t bitset);

enum { FUTEX_WAITERS_BIT = 31 };
#define FUTEX_WAITERS 0x80000000u
#define FUTEX_OWNER_DIED 0x40000000u
#define FUTEX_TID_MASK 0x3fffffffu

/* futex_pi.c */
long futex_lock_pi(uaddr_t uaddr, bool private, uint64_t deadline_ns, bool try_only);
long futex_unlock_pi(uaddr_t uaddr, bool private);
void futex_pi_exit(struct task *t);
void futex_pi_init(struct futex_bucket *b);
#endif
