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
	struct futex_pi_waiter *requeue_pi;	/* [I] FUTEX_WAIT_REQUEUE_PI: how it is to wait for the second word */
	bool requeued;			/* [bucket->lock] off this list, and handed to the second word */
	bool woken;			/* [a] off the list, and by a waker */
};
struct futex_bucket *futex_bucket(const struct vm_key *key);
static inline bool futex_key_equal(const struct vm_key *a, const struct vm_key *b)
{
	return a->object == b->object && a->offset == b->offset && a->shared == b->shared && a->mapped == b->mapped;
}
#define FUTEX_BITSET_ALL 0xffffffffu
enum { FUTEX2_SIZE_U32 = 2, FUTEX2_NUMA = 4, FUTEX2_MPOL = 8 /* nothing here: there is one node */, FUTEX2_PRIVATE = 128 };
/* The node behind a word that has one: 0; -EINVAL: not aligned, or no such node; -EFAULT. */
int futex2_node(uaddr_t uaddr, unsigned flags);
bool futex2_flags_good(unsigned flags);
struct abi_futex_waitv { uint64_t val, uaddr; uint32_t flags, reserved; };
int futex_wake(uaddr_t uaddr, bool private, int n, uint32_t bitset);
/* Until woken: 0; -EAGAIN: another value; -ETIMEDOUT; -ERESTARTSYS without a deadline (UINT64_MAX), else -ERESTART_RESTARTBLOCK. */
long futex_wait(uaddr_t uaddr, bool private, uint32_t val, uint64_t deadline, uint32_t bitset);
/* Of those who wait for the first word, wake some, and let some wait for the second; how many of both.  *cmp: if the first word holds that. */
long futex_requeue(uaddr_t uaddr, bool private, uaddr_t uaddr2, bool private2, int wake, int requeue, const uint32_t *cmp);
/* The time of the monotonic clock that a timespec means; UINT64_MAX: none.  -EFAULT, -EINVAL. */
int futex_deadline(uaddr_t utimeout, bool absolute, bool realtime, uint64_t *out);
/* Queue q if the word still holds val: 0; -EAGAIN if not; -EFAULT, -EINTR. */
int futex_wait_setup(struct futex_q *q, uaddr_t uaddr, uint32_t val, bool private);
/* The bucket that q is on, locked: requeueing may move it meanwhile. */
struct futex_bucket *futex_lock_q(struct futex_q *q);

enum { FUTEX_WAITERS_BIT = 31 };
#define FUTEX_WAITERS 0x80000000u
#define FUTEX_OWNER_DIED 0x40000000u
#define FUTEX_TID_MASK 0x3fffffffu

/* futex_pi.c */
struct futex_pi_waiter {
	struct list_head link;		/* [bucket->pi_lock] */
	struct list_head owner_link;	/* [pi_owners_lock] on owner->pi_waiters */
	struct vm_key key;		/* [I] while it is queued */
	struct task *task, *owner;	/* [pi_lock] owner: reference */
	unsigned priority;		/* [I] with what the waiter itself had inherited */
	unsigned boost;			/* [pi_owners_lock] what its owner gets through it: that, and what the waiter has inherited since */
	bool queued;			/* [pi_lock] on the bucket's list */
	bool acquired;			/* [a] it has been given the lock */
	bool owner_died;		/* [a] first in line, and nobody will give it: it is to take it itself */
};
long futex_lock_pi(uaddr_t uaddr, bool private, uint64_t deadline_ns, bool try_only);
long futex_unlock_pi(uaddr_t uaddr, bool private);
void futex_pi_exit(struct task *t, bool gone);
void futex_pi_waiter_init(struct futex_pi_waiter *w);
/* [pi_lock] Get the lock for w's task, or queue w behind its owner.  1: acquired; 0: queued; -EDEADLK, -ESRCH, -EFAULT, -EPERM. */
int futex_pi_start(struct futex_bucket *b, struct futex_pi_waiter *w, uaddr_t uaddr);
/* Sleep until w has the lock or may take it, a signal comes, or the time is over: true then. */
bool futex_pi_sleep(struct futex_pi_waiter *w, uint64_t deadline_ns);
/* [pi_lock] The end of the wait: 0: it has the lock; -EINTR: it has not; else -errno. */
int futex_pi_finish(struct futex_bucket *b, struct futex_pi_waiter *w, uaddr_t uaddr);

/* futex_requeue_pi.c */
long futex_wait_requeue_pi(uaddr_t uaddr, bool private, uint32_t val, uint64_t deadline_ns, uint32_t bitset, uaddr_t uaddr2);
long futex_cmp_requeue_pi(uaddr_t uaddr, uaddr_t uaddr2, bool private, int wake, int requeue, uint32_t cmp);
void futex_pi_init(struct futex_bucket *b);
#endif
