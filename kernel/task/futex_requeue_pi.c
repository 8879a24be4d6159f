/* SPDX-License-Identifier: MIT */
/*
 * FUTEX_WAIT_REQUEUE_PI and FUTEX_CMP_REQUEUE_PI: a condition variable whose
 * waiters go on to a priority-inheriting mutex without waking in between.
 * futex(2).
 *
 * The waiter queues an ordinary futex_q on the first word that carries a
 * futex_pi_waiter for the second.  The requeuer holds the second word's
 * pi_lock all the time and takes the waiters off one by one: each gets the
 * lock, or waits for its owner, as if it had called FUTEX_LOCK_PI itself.  A
 * waiter that wakes for another reason takes pi_lock before it looks where it
 * is, so it never sees a move half done.
 */
#include "futex.h"
#include "task_impl.h"

long futex_wait_requeue_pi(uaddr_t uaddr, bool private, uint32_t val, uint64_t deadline, uint32_t bitset, uaddr_t uaddr2) NO_TSA
{
	struct futex_pi_waiter w;
	struct futex_q q = { .bitset = bitset, .requeue_pi = &w };
	struct futex_bucket *b, *b2;
	bool expired, requeued;
	int err;

	if (uaddr == uaddr2)
		return -EINVAL;
	futex_pi_waiter_init(&w);
	err = vm_futex_key(uaddr2, private, true, &w.key);
	if (!err)
		err = futex_wait_setup(&q, uaddr, val, private);
	if (err)
		return err;
	b2 = futex_bucket(&w.key);
	expired = futex_pi_sleep(&w, deadline);
	mutex_lock(&b2->pi_lock);
	b = futex_lock_q(&q);
	requeued = q.requeued;
	if (!requeued)
		list_del(&q.link);
	spin_unlock(&b->lock);
	if (!requeued) {
		mutex_unlock(&b2->pi_lock);
		return expired ? -ETIMEDOUT : -ERESTARTNOINTR;
	}
	err = futex_pi_finish(b2, &w, uaddr2);
	mutex_unlock(&b2->pi_lock);
	if (err == -EAGAIN)		/* the owner ended, and somebody was faster */
		return futex_lock_pi(uaddr2, private, deadline, false);
	if (err == -EINTR)
		/* The wait for the first word is over: it cannot be restarted. */
		return expired ? -ETIMEDOUT : -EWOULDBLOCK;
	return err;
}

/* [b2->pi_lock] The next waiter of key, off its list: 0; -ENOENT: none; -EINVAL: one that waits for something else. */
static int take_next(struct futex_bucket *b, const struct vm_key *key, const struct vm_key *key2, struct futex_q **out)
{
	struct futex_q *q;
	int err = -ENOENT;

	spin_lock(&b->lock);
	list_for_each(q, &b->waiters, link) {
		if (!futex_key_equal(&q->key, key))
			continue;
		if (!q->requeue_pi || !futex_key_equal(&q->requeue_pi->key, key2)) {
			err = -EINVAL;
			break;
		}
		list_del(&q->link);
		q->requeued = true;
		*out = q;
		err = 0;
		break;
	}
	spin_unlock(&b->lock);
	return err;
}

static void put_back(struct futex_bucket *b, struct futex_q *q)
{
	spin_lock(&b->lock);
	q->requeued = false;
	list_add(&q->link, &b->waiters);
	spin_unlock(&b->lock);
}

long futex_cmp_requeue_pi(uaddr_t uaddr, uaddr_t uaddr2, bool private, int wake, int requeue, uint32_t cmp)
{
	struct futex_bucket *b, *b2;
	struct vm_key key, key2;
	struct futex_q *q;
	uint32_t now;
	int err, n = 0;

	if (uaddr == uaddr2 || wake != 1 || requeue < 0)
		return -EINVAL;
	err = vm_futex_key(uaddr, private, false, &key);
	if (!err)
		err = vm_futex_key(uaddr2, private, true, &key2);
	if (err)
		return err;
	b = futex_bucket(&key);
	b2 = futex_bucket(&key2);
	mutex_lock(&b2->pi_lock);
	/* Signallers of one condition come one after the other here; a waiter that queues itself later has read the word later. */
	err = user_load32(uaddr, &now);
	if (!err && now != cmp)
		err = -EAGAIN;
	while (!err && n - wake < requeue) {
		struct task *t;

		err = take_next(b, &key, &key2, &q);
		if (err) {
			err = err == -ENOENT || n ? 0 : err;
			break;
		}
		t = q->task;
		task_get(t);
		err = futex_pi_start(b2, q->requeue_pi, uaddr2);
		if (err == 1) {
			store_release(&q->requeue_pi->acquired, true);
			task_wake(t, TASK_INTERRUPTIBLE);
			err = 0;
		} else if (err) {
			put_back(b, q);
		}
		task_put(t);
		n += !err;
	}
	mutex_unlock(&b2->pi_lock);
	return err && !n ? err : n;
}
