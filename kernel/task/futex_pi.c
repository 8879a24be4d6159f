/* SPDX-License-Identifier: MIT */
/*
 * Priority-inheriting futexes: the word holds the owner's thread number, and
 * FUTEX_WAITERS when the kernel has to be asked to unlock.  futex(2),
 * "Priority-inheritance futexes".
 *
 * Once FUTEX_WAITERS is set only the kernel changes the word, and it does so
 * with the bucket's pi_lock held, a mutex: the word may have to be faulted in.
 * Unlocking hands the lock to the waiter of the highest priority; meanwhile
 * the owner runs with that waiter's real-time priority, and so does whom the
 * owner waits for itself.  Who would wait for somebody that waits for it, in
 * however many steps, gets EDEADLK.
 *
 * An owner that ends tells the first in line, which takes the lock itself and
 * marks the word with FUTEX_OWNER_DIED.
 *
 * pi_owners_lock guards the lists of who waits for whom (short, and only in
 * contended cases).
 */
#include "futex.h"
#include "task_impl.h"

enum { PI_CHAIN_MAX = 1024 };	/* as Linux: a longer one counts as a circle */
static struct spinlock pi_owners_lock = SPINLOCK_INIT(FUTEX);

void futex_pi_init(struct futex_bucket *b)
{
	mutex_init(&b->pi_lock, LOCK_FUTEX_PI);
	list_init(&b->pi_waiters);
}

static unsigned task_rt_priority(const struct task *t)
{
	unsigned policy = READ_ONCE(t->se.policy);

	return policy == SCHED_FIFO || policy == SCHED_RR ? READ_ONCE(t->se.rt_priority) : 0;
}

/* [pi_owners_lock] */
static unsigned pi_inherited(const struct task *owner)
{
	struct futex_pi_waiter *w;
	unsigned top = 0;

	list_for_each(w, &owner->pi_waiters, owner_link)
		top = MAX(top, w->boost);
	return top;
}

/* [pi_owners_lock] The owner gets the highest priority that waits for it, and hands it on to whom it waits for. */
static void pi_boost(struct task *owner)
{
	for (unsigned steps = 0; owner && steps < PI_CHAIN_MAX; steps++) {
		struct futex_pi_waiter *w = owner->pi_waiting;
		unsigned top = pi_inherited(owner);

		sched_set_pi(owner, top);
		if (w)
			w->boost = MAX(w->priority, top);
		owner = w ? w->owner : NULL;
	}
}

/* [pi_owners_lock] */
static bool pi_would_deadlock(const struct task *t, const struct task *owner)
{
	for (unsigned steps = 0; owner && steps < PI_CHAIN_MAX; steps++) {
		if (owner == t)
			return true;
		owner = owner->pi_waiting ? owner->pi_waiting->owner : NULL;
	}
	return owner;
}

/* [pi_lock] -ESRCH: it will never tell anybody that it is gone; -EDEADLK. */
static int pi_link_owner(struct futex_pi_waiter *w, struct task *owner)
{
	int err = 0;

	spin_lock(&pi_owners_lock);
	if (owner->pi_gone) {
		err = -ESRCH;
	} else if (pi_would_deadlock(w->task, owner)) {
		err = -EDEADLK;
	} else {
		w->owner = owner;
		w->boost = MAX(w->priority, pi_inherited(w->task));
		w->task->pi_waiting = w;
		task_get(owner);
		list_add_tail(&w->owner_link, &owner->pi_waiters);
		pi_boost(owner);
	}
	spin_unlock(&pi_owners_lock);
	return err;
}

/* [pi_lock] */
static void pi_unlink_owner(struct futex_pi_waiter *w)
{
	struct task *owner = w->owner;

	if (!owner)
		return;
	spin_lock(&pi_owners_lock);
	if (!list_empty(&w->owner_link)) {
		list_del_init(&w->owner_link);
		pi_boost(owner);
	}
	w->owner = NULL;
	w->task->pi_waiting = NULL;
	spin_unlock(&pi_owners_lock);
	task_put(owner);
}

/* [pi_lock] Behind those of the same priority. */
static void pi_enqueue(struct futex_bucket *b, struct futex_pi_waiter *w)
{
	struct futex_pi_waiter *o;

	list_for_each(o, &b->pi_waiters, link)
		if (o->priority < w->priority)
			break;
	list_add_tail(&w->link, &o->link);
}

static struct futex_pi_waiter *pi_top(struct futex_bucket *b, const struct vm_key *key, bool *more)
{
	struct futex_pi_waiter *w, *top = NULL;

	*more = false;
	list_for_each(w, &b->pi_waiters, link)
		if (futex_key_equal(&w->key, key)) {
			if (top) {
				*more = true;
				break;
			}
			top = w;
		}
	return top;
}

/* [pi_lock] The first in line is to take the lock itself: only it can reach the word for sure. */
static void pi_tell(struct futex_bucket *b, const struct vm_key *key)
{
	bool more;
	struct futex_pi_waiter *top = pi_top(b, key, &more);
	struct task *t;

	if (!top)
		return;
	t = top->task;
	task_get(t);
	store_release(&top->owner_died, true);
	task_wake(t, TASK_INTERRUPTIBLE);
	task_put(t);
}

/* [pi_lock] Those who wait for the lock now wait for its new owner. */
static void pi_follow(struct futex_bucket *b, const struct vm_key *key, struct task *owner)
{
	struct futex_pi_waiter *w;
	bool told = false;

	list_for_each(w, &b->pi_waiters, link)
		if (futex_key_equal(&w->key, key)) {
			pi_unlink_owner(w);
			told |= pi_link_owner(w, owner) != 0;
		}
	if (told)
		pi_tell(b, key);
}

/*
 * [pi_lock] Take it for `taker' if nobody owns it.  1: taken; 0: *owner, with
 * a reference, has to be waited for (WAITERS is set); -errno.
 */
static int pi_try(struct futex_bucket *b, const struct vm_key *key, uaddr_t uaddr, struct task *taker, struct task **owner)
{
	uint32_t tid = (uint32_t)task_tid(taker), now, seen, new;
	bool more;
	int err;

	err = user_load32(uaddr, &now);
	for (; !err; now = seen) {
		if ((now & FUTEX_TID_MASK) == tid)
			return -EDEADLK;
		if (now & FUTEX_TID_MASK) {
			if (!(now & FUTEX_WAITERS)) {
				err = user_cmpxchg32(uaddr, now, now | FUTEX_WAITERS, &seen);
				if (err || seen != now)
					continue;
				now |= FUTEX_WAITERS;
			}
			*owner = task_find((pid_t)(now & FUTEX_TID_MASK));
			if (*owner && !(*owner)->process) {
				task_put(*owner);
				return -EPERM;
			}
			if (*owner)
				return 0;
			/* Gone; if the word says so as well by now, it is free. */
			err = user_load32(uaddr, &seen);
			if (!err && seen == now)
				return -ESRCH;
			continue;
		}
		new = tid | (now & FUTEX_OWNER_DIED) | (pi_top(b, key, &more) ? FUTEX_WAITERS : 0);
		err = user_cmpxchg32(uaddr, now, new, &seen);
		if (!err && seen == now)
			return 1;
	}
	return err;
}

void futex_pi_waiter_init(struct futex_pi_waiter *w)
{
	*w = (struct futex_pi_waiter){ .task = current };
	spin_lock(&pi_owners_lock);
	w->priority = MAX(task_rt_priority(current), pi_inherited(current));
	spin_unlock(&pi_owners_lock);
	list_init(&w->owner_link);
}

int futex_pi_start(struct futex_bucket *b, struct futex_pi_waiter *w, uaddr_t uaddr)
{
	struct task *owner;
	uint32_t before, now;
	int err;

	do {
		err = user_load32(uaddr, &before);
		if (!err)
			err = pi_try(b, &w->key, uaddr, w->task, &owner);
		if (err == 1)
			pi_follow(b, &w->key, w->task);
		if (err)
			return err;
		err = pi_link_owner(w, owner);
		task_put(owner);
		if (err != -ESRCH)
			break;
		/* It has ended, and had its say about the word. */
		err = user_load32(uaddr, &now);
		if (!err && (now & FUTEX_TID_MASK) == (before & FUTEX_TID_MASK))
			err = -ESRCH;
	} while (!err);
	if (err)
		return err;
	pi_enqueue(b, w);
	w->queued = true;
	return 0;
}

bool futex_pi_sleep(struct futex_pi_waiter *w, uint64_t deadline)
{
	bool expired = false;

	for (;;) {
		sched_set_state(TASK_INTERRUPTIBLE);
		if (load_acquire(&w->acquired) || load_acquire(&w->owner_died) || signal_pending(current) || expired)
			break;
		expired = schedule_until(deadline) == 0;
	}
	sched_set_state(TASK_RUNNING);
	return expired;
}

/* [pi_lock] w, first in line, takes the lock of an owner that has ended. */
static int pi_claim(struct futex_bucket *b, struct futex_pi_waiter *w, uaddr_t uaddr)
{
	uint32_t dead = w->owner ? (uint32_t)task_tid(w->owner) : 0, now, seen, new;
	struct futex_pi_waiter *top;
	bool more;
	int err;

	top = pi_top(b, &w->key, &more);
	if (top != w)		/* somebody of a higher priority has come since */
		return -EAGAIN;
	err = user_load32(uaddr, &now);
	for (; !err; now = seen) {
		if ((now & FUTEX_TID_MASK) && (now & FUTEX_TID_MASK) != dead)
			return -EAGAIN;
		new = (uint32_t)task_tid(current) | FUTEX_OWNER_DIED | (more ? FUTEX_WAITERS : 0);
		err = user_cmpxchg32(uaddr, now, new, &seen);
		if (!err && seen == now)
			break;
	}
	if (err)
		return err;
	list_del(&w->link);
	w->queued = false;
	pi_unlink_owner(w);
	store_release(&w->acquired, true);
	pi_follow(b, &w->key, current);
	return 0;
}

int futex_pi_finish(struct futex_bucket *b, struct futex_pi_waiter *w, uaddr_t uaddr)
{
	bool told = w->owner_died;
	int err = 0;

	if (!w->acquired && told && w->queued)
		err = pi_claim(b, w, uaddr);
	if (w->queued) {
		list_del(&w->link);
		w->queued = false;
	}
	pi_unlink_owner(w);
	if (w->acquired)
		return 0;
	if (told)
		pi_tell(b, &w->key);	/* the next one's turn */
	return err ? err : -EINTR;
}

long futex_lock_pi(uaddr_t uaddr, bool private, uint64_t deadline, bool try_only)
{
	struct futex_pi_waiter w;
	struct task *owner;
	struct futex_bucket *b;
	bool expired;
	long err;

	do {
		futex_pi_waiter_init(&w);
		err = vm_futex_key(uaddr, private, true, &w.key);
		if (err)
			return err;
		b = futex_bucket(&w.key);
		mutex_lock(&b->pi_lock);
		if (try_only) {
			err = pi_try(b, &w.key, uaddr, current, &owner);
			if (err == 1)
				pi_follow(b, &w.key, current);
			if (!err) {	/* somebody's: of one that has ended, nobody will ever let go */
				err = pi_link_owner(&w, owner);
				pi_unlink_owner(&w);
				task_put(owner);
				if (err != -ESRCH)
					err = -EAGAIN;
			}
			mutex_unlock(&b->pi_lock);
			return err == 1 ? 0 : err;
		}
		err = futex_pi_start(b, &w, uaddr);
		mutex_unlock(&b->pi_lock);
		if (err)
			return err == 1 ? 0 : err;
		expired = futex_pi_sleep(&w, deadline);
		mutex_lock(&b->pi_lock);
		err = futex_pi_finish(b, &w, uaddr);
		mutex_unlock(&b->pi_lock);
	} while (err == -EAGAIN && !signal_pending(current));
	if (err == -EINTR || err == -EAGAIN)
		return expired ? -ETIMEDOUT : -ERESTARTNOINTR;
	return err;
}

/* [pi_lock] The lock of current's goes to the first waiter, or becomes free. */
static int pi_hand_over(struct futex_bucket *b, const struct vm_key *key, uaddr_t uaddr)
{
	struct futex_pi_waiter *top;
	uint32_t now, seen, new;
	struct task *t;
	bool more;
	int err;

	top = pi_top(b, key, &more);
	new = top ? (uint32_t)task_tid(top->task) | (more ? FUTEX_WAITERS : 0) : 0;
	err = user_load32(uaddr, &now);
	for (; !err; now = seen) {
		err = user_cmpxchg32(uaddr, now, new, &seen);
		if (!err && seen == now)
			break;
	}
	if (err || !top)
		return err;
	t = top->task;
	task_get(t);
	list_del(&top->link);
	top->queued = false;
	pi_unlink_owner(top);		/* it waits for nobody any more */
	pi_follow(b, key, t);
	store_release(&top->acquired, true);
	task_wake(t, TASK_INTERRUPTIBLE);
	task_put(t);
	return 0;
}

long futex_unlock_pi(uaddr_t uaddr, bool private)
{
	struct futex_bucket *b;
	struct vm_key key;
	uint32_t now;
	int err;

	if (get_user(now, uaddr))
		return -EFAULT;
	if ((now & FUTEX_TID_MASK) != (uint32_t)task_tid(current))
		return -EPERM;
	err = vm_futex_key(uaddr, private, true, &key);
	if (err)
		return err;
	b = futex_bucket(&key);
	mutex_lock(&b->pi_lock);
	err = pi_hand_over(b, &key, uaddr);
	mutex_unlock(&b->pi_lock);
	return err;
}

/*
 * A thread that others wait for goes.  The word may be in memory that the
 * thread no longer has, or has elsewhere: the first waiter of each lock takes
 * it, in its own address space.
 */
void futex_pi_exit(struct task *t, bool gone)
{
	struct futex_pi_waiter *w, *top;

	for (;;) {
		struct futex_bucket *b;
		struct vm_key key;
		bool more;

		spin_lock(&pi_owners_lock);
		if (list_empty(&t->pi_waiters)) {
			t->pi_gone = gone;
			spin_unlock(&pi_owners_lock);
			return;
		}
		w = list_first(&t->pi_waiters, struct futex_pi_waiter, owner_link);
		key = w->key;
		list_del_init(&w->owner_link);
		spin_unlock(&pi_owners_lock);
		/* w may be gone by now; the key says which lock it was, its first waiter whether it is still ours. */
		b = futex_bucket(&key);
		mutex_lock(&b->pi_lock);
		top = pi_top(b, &key, &more);
		if (top && top->owner == t)
			pi_tell(b, &key);
		mutex_unlock(&b->pi_lock);
	}
}
