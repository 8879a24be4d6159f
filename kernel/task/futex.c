/* SPDX-License-Identifier: MIT */
/*
 * Futexes: sleeping until a word of user memory changes.  futex(2),
 * get_robust_list(2), futex_waitv(2); priority inheritance is in futex_pi.c and
 * futex_requeue_pi.c.
 *
 * A waiter reads the word with its bucket locked and queues itself under the
 * same lock; a waker changes the word first and takes the lock afterwards.  So
 * a waker either finds the waiter or the waiter sees the change.
 *
 * The word is read under a spinlock, so without faulting: if its page is not
 * at hand, the lock is dropped, the page faulted in, and all done again.
 *
 * A key names the word: (address space, address) for private futexes, (object,
 * offset) for those in shared memory.
 */
#include <abi/time.h>
#include "futex.h"
#include "syscall/syscall_impl.h"
#include "task_impl.h"

enum { FUTEX_WAIT, FUTEX_WAKE, FUTEX_FD, FUTEX_REQUEUE, FUTEX_CMP_REQUEUE, FUTEX_WAKE_OP, FUTEX_LOCK_PI, FUTEX_UNLOCK_PI,
	FUTEX_TRYLOCK_PI, FUTEX_WAIT_BITSET, FUTEX_WAKE_BITSET, FUTEX_WAIT_REQUEUE_PI, FUTEX_CMP_REQUEUE_PI, FUTEX_LOCK_PI2 };
enum { FUTEX_PRIVATE_FLAG = 128, FUTEX_CLOCK_REALTIME = 256, FUTEX_BUCKETS = 256 };


static struct futex_bucket buckets[FUTEX_BUCKETS];

void futex_init(void)
{
	for (unsigned i = 0; i < FUTEX_BUCKETS; i++) {
		spin_init(&buckets[i].lock, LOCK_FUTEX);
		list_init(&buckets[i].waiters);
		futex_pi_init(&buckets[i]);
	}
}

struct futex_bucket *futex_bucket(const struct vm_key *key)
{
	uint64_t h = (key->object * 0x2545f4914f6cdd1dull ^ key->offset * 0x9e3779b97f4a7c15ull) * 0xff51afd7ed558ccdull;

	return &buckets[h >> 56];
}
_Static_assert(FUTEX_BUCKETS == 256, "the hash's top byte");

struct futex_bucket *futex_lock_q(struct futex_q *q) NO_TSA
{
	for (;;) {
		struct futex_bucket *b = load_acquire(&q->bucket);

		spin_lock(&b->lock);
		if (b == load_acquire(&q->bucket))
			return b;
		spin_unlock(&b->lock);
	}
}

static void futex_queue(struct futex_q *q, struct futex_bucket *b)
{
	q->bucket = b;
	q->task = current;
	q->woken = false;
	list_add_tail(&q->link, &b->waiters);
}

/* Off its list.  False: a waker was faster. */
static bool futex_unqueue(struct futex_q *q) NO_TSA
{
	struct futex_bucket *b = futex_lock_q(q);
	bool was = !q->woken;

	if (was)
		list_del(&q->link);
	spin_unlock(&b->lock);
	return was;
}

/* [bucket locked] The waiter may return as soon as woken is set: its task is not touched after the lock is dropped. */
static void futex_wake_q(struct futex_q *q)
{
	struct task *t = q->task;

	list_del(&q->link);
	store_release(&q->woken, true);
	task_wake(t, TASK_INTERRUPTIBLE);
}

/* ---- wait ---- */

int futex_wait_setup(struct futex_q *q, uaddr_t uaddr, uint32_t val, bool private)
{
	struct futex_bucket *b;
	uint32_t now;
	int err;

	for (;;) {
		err = vm_futex_key(uaddr, private, false, &q->key);
		if (err)
			return err;
		b = futex_bucket(&q->key);
		spin_lock(&b->lock);
		err = user_load32_nofault(uaddr, &now);
		if (!err)
			break;
		spin_unlock(&b->lock);
		err = user_load32(uaddr, &now);
		if (err)
			return err;
		if (fatal_signal_pending(current))
			return -EINTR;
	}
	if (now == val)
		futex_queue(q, b);
	spin_unlock(&b->lock);
	return now == val ? 0 : -EAGAIN;
}

static long futex_wait_restart(struct restart_block *rb);

long futex_wait(uaddr_t uaddr, bool private, uint32_t val, uint64_t deadline, uint32_t bitset)
{
	struct futex_q q = { .bitset = bitset };
	bool expired = false;
	int err;

	if (!bitset)
		return -EINVAL;
	err = futex_wait_setup(&q, uaddr, val, private);
	if (err)
		return err;
	for (;;) {
		sched_set_state(TASK_INTERRUPTIBLE);
		if (load_acquire(&q.woken) || signal_pending(current) || expired)
			break;
		expired = schedule_until(deadline) == 0;
	}
	sched_set_state(TASK_RUNNING);
	if (!futex_unqueue(&q))
		return 0;
	if (expired)
		return -ETIMEDOUT;
	if (deadline == UINT64_MAX)
		return -ERESTARTSYS;
	current->restart.fn = futex_wait_restart;
	current->restart.futex.uaddr = uaddr;
	current->restart.futex.val = val;
	current->restart.futex.bitset = bitset;
	current->restart.futex.deadline_ns = deadline;
	current->restart.futex.flags = private;
	return -ERESTART_RESTARTBLOCK;
}

static long futex_wait_restart(struct restart_block *rb)
{
	rb->fn = NULL;
	return futex_wait(rb->futex.uaddr, rb->futex.flags, rb->futex.val, rb->futex.deadline_ns, rb->futex.bitset);
}

/* ---- wake, requeue ---- */

/* Those who wait for the word and one of the bits, up to n, at least one: how many; -EINVAL: one that only FUTEX_CMP_REQUEUE_PI may wake. */
static int wake_key(const struct vm_key *key, int n, uint32_t bitset)
{
	struct futex_bucket *b = futex_bucket(key);
	struct futex_q *q, *tmp;
	int woken = 0;

	spin_lock(&b->lock);
	list_for_each_safe(q, tmp, &b->waiters, link) {
		if (!(q->bitset & bitset) || !futex_key_equal(&q->key, key))
			continue;
		if (q->requeue_pi) {	/* only FUTEX_CMP_REQUEUE_PI may end its wait */
			woken = -EINVAL;
			break;
		}
		futex_wake_q(q);
		if (++woken >= n)
			break;
	}
	spin_unlock(&b->lock);
	return woken;
}

int futex_wake(uaddr_t uaddr, bool private, int n, uint32_t bitset)
{
	struct vm_key key;
	int err;

	if (!bitset)
		return -EINVAL;
	err = vm_futex_key(uaddr, private, false, &key);
	return err ? err : wake_key(&key, n, bitset);
}

void futex_wake_address(uaddr_t addr, int n)
{
	/* As Linux: for those who wait without FUTEX_PRIVATE_FLAG. */
	futex_wake(addr, false, n, FUTEX_BITSET_ALL);
}

static void lock_two(struct futex_bucket *a, struct futex_bucket *b) NO_TSA
{
	/* By address; the same bucket once. */
	if (a > b) {
		struct futex_bucket *t = a;

		a = b;
		b = t;
	}
	spin_lock(&a->lock);
	if (a != b)
		spin_lock_nested(&b->lock);
}

static void unlock_two(struct futex_bucket *a, struct futex_bucket *b) NO_TSA
{
	if (a != b)
		spin_unlock(&b->lock);
	spin_unlock(&a->lock);
}

long futex_requeue(uaddr_t uaddr, bool private, uaddr_t uaddr2, bool private2, int wake, int requeue, const uint32_t *cmp) NO_TSA
{
	struct futex_bucket *a, *b;
	struct vm_key key, key2;
	struct futex_q *q, *tmp;
	int woken = 0, moved = 0, err;
	uint32_t now;

	if (wake < 0 || requeue < 0)
		return -EINVAL;
	for (;;) {
		err = vm_futex_key(uaddr, private, false, &key);
		if (!err)
			err = vm_futex_key(uaddr2, private2, false, &key2);
		if (err)
			return err;
		a = futex_bucket(&key);
		b = futex_bucket(&key2);
		lock_two(a, b);
		if (!cmp)
			break;
		if (!user_load32_nofault(uaddr, &now)) {
			if (now == *cmp)
				break;
			unlock_two(a, b);
			return -EAGAIN;
		}
		unlock_two(a, b);
		err = user_load32(uaddr, &now);
		if (err)
			return err;
	}
	list_for_each_safe(q, tmp, &a->waiters, link) {
		if (!futex_key_equal(&q->key, &key))
			continue;
		if (q->requeue_pi) {
			err = -EINVAL;
			break;
		}
		if (woken < wake) {
			futex_wake_q(q);
			woken++;
		} else if (moved < requeue) {
			q->key = key2;
			if (a != b) {
				list_move_tail(&q->link, &b->waiters);
				store_release(&q->bucket, b);
			}
			moved++;
		} else {
			break;
		}
	}
	unlock_two(a, b);
	return err ? err : woken + moved;
}

/* FUTEX_WAKE_OP: change the second word atomically, wake by what it was. */
static long futex_wake_op(uaddr_t uaddr, uaddr_t uaddr2, bool private, int n, int n2, uint32_t code)
{
	unsigned op = code >> 28 & 7, cmp = code >> 24 & 15;
	int32_t oparg = (int32_t)(code << 8) >> 20, cmparg = (int32_t)(code << 20) >> 20, was;
	uint32_t old, new, seen;
	long woken, woken2 = 0;
	bool yes;
	struct vm_key key, key2;
	int err;

	if (code >> 31) {		/* FUTEX_OP_OPARG_SHIFT */
		if (oparg < 0 || oparg > 31)
			oparg &= 31;
		oparg = (int32_t)(1u << oparg);
	}
	err = vm_futex_key(uaddr, private, false, &key);
	if (!err)
		err = vm_futex_key(uaddr2, private, true, &key2);
	if (err)
		return err;
	if (op > 4)
		return -ENOSYS;
	err = user_load32(uaddr2, &old);
	for (; !err; old = seen) {
		switch (op) {
		case 0: new = (uint32_t)oparg; break;
		case 1: new = old + (uint32_t)oparg; break;
		case 2: new = old | (uint32_t)oparg; break;
		case 3: new = old & ~(uint32_t)oparg; break;
		default: new = old ^ (uint32_t)oparg; break;
		}
		err = user_cmpxchg32(uaddr2, old, new, &seen);
		if (!err && seen == old)
			break;
	}
	if (err)
		return err;
	if (cmp > 5)		/* the operation is done by then */
		return -ENOSYS;
	was = (int32_t)old;
	switch (cmp) {
	case 0: yes = was == cmparg; break;
	case 1: yes = was != cmparg; break;
	case 2: yes = was < cmparg; break;
	case 3: yes = was <= cmparg; break;
	case 4: yes = was > cmparg; break;
	default: yes = was >= cmparg; break;
	}
	woken = wake_key(&key, n, FUTEX_BITSET_ALL);
	if (woken >= 0 && yes)
		woken2 = wake_key(&key2, n2, FUTEX_BITSET_ALL);
	return woken < 0 ? woken : woken2 < 0 ? woken2 : woken + woken2;
}

/* ---- the call ---- */

int futex_deadline(uaddr_t utimeout, bool absolute, bool realtime, uint64_t *out)
{
	struct abi_timespec ts;

	*out = UINT64_MAX;
	if (!utimeout)
		return 0;
	if (get_user(ts, utimeout))
		return -EFAULT;
	if (ts.tv_sec < 0 || (uint64_t)ts.tv_nsec >= NSEC_PER_SEC)
		return -EINVAL;
	if (!absolute)
		*out = time_deadline_ns(&ts);
	else
		*out = realtime ? time_real_to_mono(time_to_ns(&ts)) : time_to_ns(&ts);
	return 0;
}

long sys_futex(uaddr_t uaddr, int op, uint32_t val, uaddr_t utimeout, uaddr_t uaddr2, uint32_t val3)
{
	bool private = op & FUTEX_PRIVATE_FLAG, realtime = op & FUTEX_CLOCK_REALTIME;
	int cmd = op & ~(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME);
	uint64_t deadline = UINT64_MAX;
	int err;

	if (realtime && cmd != FUTEX_WAIT_BITSET && cmd != FUTEX_WAIT_REQUEUE_PI && cmd != FUTEX_LOCK_PI2)
		return -ENOSYS;
	if (cmd == FUTEX_WAIT || cmd == FUTEX_WAIT_BITSET || cmd == FUTEX_LOCK_PI || cmd == FUTEX_LOCK_PI2 ||
	    cmd == FUTEX_WAIT_REQUEUE_PI) {
		err = futex_deadline(utimeout, cmd != FUTEX_WAIT, realtime || cmd == FUTEX_LOCK_PI, &deadline);
		if (err)
			return err;
	}
	switch (cmd) {
	case FUTEX_WAIT:
		return futex_wait(uaddr, private, val, deadline, FUTEX_BITSET_ALL);
	case FUTEX_WAIT_BITSET:
		return futex_wait(uaddr, private, val, deadline, val3);
	case FUTEX_WAKE:
		return futex_wake(uaddr, private, (int)val, FUTEX_BITSET_ALL);
	case FUTEX_WAKE_BITSET:
		return futex_wake(uaddr, private, (int)val, val3);
	case FUTEX_REQUEUE:
	case FUTEX_CMP_REQUEUE:
		return futex_requeue(uaddr, private, uaddr2, private, (int)val, (int)utimeout, cmd == FUTEX_CMP_REQUEUE ? &val3 : NULL);
	case FUTEX_WAKE_OP:
		return futex_wake_op(uaddr, uaddr2, private, (int)val, (int)utimeout, val3);
	case FUTEX_LOCK_PI:
	case FUTEX_LOCK_PI2:
		return futex_lock_pi(uaddr, private, deadline, false);
	case FUTEX_TRYLOCK_PI:
		return futex_lock_pi(uaddr, private, 0, true);
	case FUTEX_UNLOCK_PI:
		return futex_unlock_pi(uaddr, private);
	case FUTEX_WAIT_REQUEUE_PI:
		return futex_wait_requeue_pi(uaddr, private, val, deadline, FUTEX_BITSET_ALL, uaddr2);
	case FUTEX_CMP_REQUEUE_PI:
		return futex_cmp_requeue_pi(uaddr, uaddr2, private, (int)val, (int)utimeout, val3);
	default:
		return -ENOSYS;
	}
}

/* ---- futex_waitv ---- */

enum { FUTEX_WAITV_MAX = 128 };

static int waitv_unqueue(struct futex_q *q, unsigned n)
{
	int woken = -1;

	for (unsigned i = 0; i < n; i++)
		if (!futex_unqueue(&q[i]))
			woken = (int)i;
	return woken;
}

long sys_futex_waitv(uaddr_t uwaiters, unsigned n, unsigned flags, uaddr_t utimeout, int clock)
{
	struct abi_futex_waitv *v = NULL;
	struct futex_q *q = NULL;
	uint64_t deadline;
	bool expired = false;
	unsigned i;
	long err;

	if (flags || !n || n > FUTEX_WAITV_MAX || !uwaiters)
		return -EINVAL;
	if (utimeout && clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC)
		return -EINVAL;
	err = futex_deadline(utimeout, true, clock == CLOCK_REALTIME, &deadline);
	if (err)
		return err;
	v = kmalloc(n * sizeof(*v), 0);
	q = kzalloc(n * sizeof(*q), 0);
	err = -ENOMEM;
	if (!v || !q)
		goto out;
	for (i = 0; i < n; i++) {	/* one after the other: a bad one comes before memory that ends */
		err = copy_from_user(&v[i], uwaiters + i * sizeof(*v), sizeof(*v));
		if (err)
			goto out;
		err = -EINVAL;
		if (!futex2_flags_good(v[i].flags) || v[i].reserved || v[i].val >> 32)
			goto out;
	}
	for (i = 0; i < n; i++) {	/* all addresses are looked at before the first word */
		err = futex2_node(v[i].uaddr, v[i].flags);
		if (!err)
			err = vm_futex_key(v[i].uaddr, v[i].flags & FUTEX2_PRIVATE, false, &q[i].key);
		if (err)
			goto out;
	}
	sched_set_state(TASK_RUNNING);
	for (i = 0; i < n; i++) {
		q[i].bitset = FUTEX_BITSET_ALL;
		err = futex_wait_setup(&q[i], v[i].uaddr, (uint32_t)v[i].val, v[i].flags & FUTEX2_PRIVATE);
		if (err) {
			int woken = waitv_unqueue(q, i);

			if (woken >= 0)
				err = woken;
			goto out;
		}
	}
	for (;;) {
		bool woken = false;

		sched_set_state(TASK_INTERRUPTIBLE);
		for (i = 0; i < n; i++)
			woken |= load_acquire(&q[i].woken);
		if (woken || signal_pending(current) || expired)
			break;
		expired = schedule_until(deadline) == 0;
	}
	sched_set_state(TASK_RUNNING);
	err = waitv_unqueue(q, n);
	if (err < 0)
		err = expired ? -ETIMEDOUT : -ERESTARTSYS;
out:
	kfree(q);
	kfree(v);
	return err;
}

/* ---- robust lists ---- */

struct abi_robust_head { uint64_t next; int64_t futex_offset; uint64_t pending; };
enum { ROBUST_LIST_LIMIT = 2048 };

/* The owner of one lock is dead: say so, and wake one waiter. */
static int futex_owner_died(uaddr_t uaddr, bool pi, bool pending_op)
{
	uint32_t now, seen;

	if (uaddr & 3 || user_load32(uaddr, &now))
		return -EFAULT;
	for (;;) {
		/* Died between unlocking in user code and waking: there may be nobody else to wake the waiters. */
		if (pending_op && !pi && !now) {
			futex_wake_address(uaddr, 1);
			return 0;
		}
		if ((now & FUTEX_TID_MASK) != (uint32_t)task_tid(current))
			return 0;
		if (user_cmpxchg32(uaddr, now, (now & FUTEX_WAITERS) | FUTEX_OWNER_DIED, &seen))
			return -EFAULT;
		if (seen == now)
			break;
		now = seen;
	}
	if (!pi && (now & FUTEX_WAITERS))
		futex_wake_address(uaddr, 1);
	return 0;
}

void futex_exit(struct task *t, bool gone)
{
	uaddr_t head = t->robust_list, entry, next;
	struct abi_robust_head h;
	unsigned limit = ROBUST_LIST_LIMIT;
	int err = 0;

	if (head && t->vm) {
		WRITE_ONCE(t->robust_list, 0);
		if (!copy_from_user(&h, head, sizeof(h))) {
			for (entry = h.next; !err && (entry & ~1ull) != head && limit--; entry = next) {
				/* The entry may be gone once its lock is taken over: read on first. */
				err = get_user(next, entry & ~1ull);
				if ((entry & ~1ull) != (h.pending & ~1ull) && futex_owner_died((entry & ~1ull) + (uint64_t)h.futex_offset, entry & 1, false))
					err = -EFAULT;
			}
			/* Behind a list that leads nowhere nothing is believed. */
			if (!err && (h.pending & ~1ull))
				(void)futex_owner_died((h.pending & ~1ull) + (uint64_t)h.futex_offset, h.pending & 1, true);
		}
	}
	futex_pi_exit(t, gone);
}

long sys_set_robust_list(uaddr_t head, size_t len)
{
	if (len != sizeof(struct abi_robust_head))
		return -EINVAL;
	WRITE_ONCE(current->robust_list, head);	/* get_robust_list(2) of others */
	return 0;
}

long sys_get_robust_list(int pid, uaddr_t head, uaddr_t len)
{
	struct task *t = pid ? task_find(pid) : current;
	uaddr_t list;
	bool ok;

	if (!t)
		return -ESRCH;
	list = READ_ONCE(t->robust_list);
	ok = ptrace_may_access(t);	/* an address in its memory */
	if (pid)
		task_put(t);
	if (!ok)
		return -EPERM;
	if (put_user((uint64_t)sizeof(struct abi_robust_head), len))
		return -EFAULT;
	return put_user(list, head);
}
