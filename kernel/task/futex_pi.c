/* SPDX-License-Identifier: MIT */
/*
 * Priority-inheriting futexes: the word holds the owner's thread number, and
 * FUTEX_WAITERS when the kernel has to be asked to unlock.  futex(2),
 * "Priority-inheritance futexes".
 *
 * Once FUTEX_WAITERS is set only the kernel changes the word, and it does so
 * with the bucket's pi_lock held, a mutex: the word may have to be faulted in.
 * Unlocking hands the lock to the waiter of the highest priority; meanwhile
 * the owner runs with that waiter's real-time priority.
 *
 * pi_owners_lock guards the lists of who waits for whom (short, and only in
 * contended cases).
 */
#include "futex.h"
#include "task_impl.h"

struct futex_pi_waiter {
	struct list_head link;		/* [bucket->pi_lock] */
	struct list_head owner_link;	/* [pi_owners_lock] on owner->pi->waiters */
	struct vm_key key;
	uaddr_t uaddr;
	struct task *task, *owner;	/* owner: reference */
	unsigned priority;
	bool acquired;			/* [a] */
};
struct futex_pi { struct list_head waiters; };	/* [pi_owners_lock] of a task that others wait for */

static struct spinlock pi_owners_lock = SPINLOCK_INIT(FUTEX);

void futex_pi_init(struct futex_bucket *b)
{
	mutex_init(&b->pi_lock, LOCK_FUTEX_PI);
	list_init(&b->pi_waiters);
}

static unsigned task_rt_priority(const struct task *t)
{
	return t->se.policy == SCHED_FIFO || t->se.policy == SCHED_RR ? t->se.rt_priority : 0;
}

/* [pi_owners_lock] The owner gets the highest priority that waits for it. */
static void pi_boost(struct task *owner)
{
	struct futex_pi_waiter *w;
	unsigned top = 0;

	if (owner->pi)
		list_for_each(w, &owner->pi->waiters, owner_link)
			top = MAX(top, w->priority);
	sched_set_pi(owner, top);
}

static void pi_link_owner(struct futex_pi_waiter *w, struct task *owner)
{
	struct futex_pi *fresh = NULL;

	if (!owner->pi) {
		fresh = kmalloc(sizeof(*fresh), 0);
		if (fresh)
			list_init(&fresh->waiters);
	}
	spin_lock(&pi_owners_lock);
	if (!owner->pi && fresh) {
		owner->pi = fresh;
		fresh = NULL;
	}
	w->owner = owner;
	task_get(owner);
	if (owner->pi && !(owner->flags & TASKF_EXITING)) {
		list_add_tail(&w->owner_link, &owner->pi->waiters);
		pi_boost(owner);
	} else {
		list_init(&w->owner_link);
	}
	spin_unlock(&pi_owners_lock);
	kfree(fresh);
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

/* [pi_lock] Take it if nobody owns it.  1: taken; 0: *owner has to be waited for (WAITERS is set); -errno. */
static int pi_try(struct futex_bucket *b, const struct vm_key *key, uaddr_t uaddr, struct task **owner)
{
	uint32_t tid = (uint32_t)task_tid(current), now, seen, new;
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
			}
			*owner = task_find((pid_t)(now & FUTEX_TID_MASK));
			if (!*owner)
				return -ESRCH;
			if ((*owner)->flags & TASKF_EXITING || !(*owner)->process) {
				err = (*owner)->process ? -EAGAIN : -EPERM;
				task_put(*owner);
				return err;
			}
			return 0;
		}
		new = tid | (now & FUTEX_OWNER_DIED) | (pi_top(b, key, &more) ? FUTEX_WAITERS : 0);
		err = user_cmpxchg32(uaddr, now, new, &seen);
		if (!err && seen == now)
			return 1;
	}
	return err;
}

long futex_lock_pi(uaddr_t uaddr, bool private, uint64_t deadline, bool try_only)
{
	struct futex_pi_waiter w = { .task = current, .uaddr = uaddr };
	struct task *owner = NULL;
	struct futex_bucket *b;
	bool expired = false;
	long err;

	list_init(&w.owner_link);
	for (;;) {
		err = vm_futex_key(uaddr, private, &w.key);
		if (err)
			return err;
		b = futex_bucket(&w.key);
		mutex_lock(&b->pi_lock);
		err = pi_try(b, &w.key, uaddr, &owner);
		if (err != -EAGAIN)
			break;
		/* The owner is on its way out and will release it. */
		mutex_unlock(&b->pi_lock);
		if (try_only)
			return -EAGAIN;
		if (signal_pending(current))
			return -ERESTARTNOINTR;
		sched_yield();
	}
	if (err) {
		mutex_unlock(&b->pi_lock);
		return err == 1 ? 0 : err;
	}
	if (try_only) {
		mutex_unlock(&b->pi_lock);
		task_put(owner);
		return -EAGAIN;
	}
	w.priority = task_rt_priority(current);
	pi_enqueue(b, &w);
	pi_link_owner(&w, owner);
	task_put(owner);
	mutex_unlock(&b->pi_lock);

	for (;;) {
		sched_set_state(TASK_INTERRUPTIBLE);
		if (load_acquire(&w.acquired) || signal_pending(current) || expired)
			break;
		expired = schedule_until(deadline) == 0;
	}
	sched_set_state(TASK_RUNNING);

	mutex_lock(&b->pi_lock);
	if (!w.acquired)
		list_del(&w.link);
	pi_unlink_owner(&w);
	mutex_unlock(&b->pi_lock);
	if (w.acquired)
		return 0;
	return expired ? -ETIMEDOUT : -ERESTARTNOINTR;
}

/* [pi_lock] The lock goes to the first waiter, or becomes free; flag: FUTEX_OWNER_DIED or 0. */
static int pi_hand_over(struct futex_bucket *b, const struct vm_key *key, uaddr_t uaddr, uint32_t flag)
{
	struct futex_pi_waiter *top, *w;
	uint32_t now, seen, new;
	bool more;
	int err;

	top = pi_top(b, key, &more);
	new = top ? (uint32_t)task_tid(top->task) | (more ? FUTEX_WAITERS : 0) | flag : flag;
	err = user_load32(uaddr, &now);
	for (; !err; now = seen) {
		err = user_cmpxchg32(uaddr, now, new, &seen);
		if (!err && seen == now)
			break;
	}
	if (err || !top)
		return err;
	list_del(&top->link);
	pi_unlink_owner(top);		/* it waits for nobody any more */
	/* The others now wait for the new owner. */
	list_for_each(w, &b->pi_waiters, link)
		if (futex_key_equal(&w->key, key)) {
			pi_unlink_owner(w);
			pi_link_owner(w, top->task);
		}
	struct task *t = top->task;

	task_get(t);
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
	int err = vm_futex_key(uaddr, private, &key);

	if (err)
		return err;
	err = user_load32(uaddr, &now);
	if (err)
		return err;
	if ((now & FUTEX_TID_MASK) != (uint32_t)task_tid(current))
		return -EPERM;
	b = futex_bucket(&key);
	mutex_lock(&b->pi_lock);
	err = pi_hand_over(b, &key, uaddr, 0);
	mutex_unlock(&b->pi_lock);
	return err;
}

/* A thread that others wait for goes: each of its locks to the first who waits for it. */
void futex_pi_exit(struct task *t)
{
	struct futex_pi_waiter *w;

	for (;;) {
		struct futex_bucket *b;
		struct vm_key key;
		uaddr_t uaddr;
		uint32_t now;

		spin_lock(&pi_owners_lock);
		if (!t->pi || list_empty(&t->pi->waiters)) {
			struct futex_pi *pi = t->pi;

			t->pi = NULL;
			spin_unlock(&pi_owners_lock);
			kfree(pi);
			return;
		}
		w = list_first(&t->pi->waiters, struct futex_pi_waiter, owner_link);
		key = w->key;
		uaddr = w->uaddr;
		list_del_init(&w->owner_link);
		spin_unlock(&pi_owners_lock);
		/* w may be gone by now; the key says which lock it was, the word whether it is still ours. */
		b = futex_bucket(&key);
		mutex_lock(&b->pi_lock);
		if (t->vm && !user_load32(uaddr, &now) && (now & FUTEX_TID_MASK) == (uint32_t)task_tid(t))
			(void)pi_hand_over(b, &key, uaddr, FUTEX_OWNER_DIED);
		mutex_unlock(&b->pi_lock);
	}
}
