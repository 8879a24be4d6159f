/* SPDX-License-Identifier: MIT */
/*
 * Locks.
 *
 * spinlock: never sleep while holding one; preemption is off.  One that is
 * also taken by an interrupt upcall is taken with _irqsave everywhere.
 * mutex, rwsem: sleep; process context only.
 * Every lock is initialised with its class out of sync/lock_order.def, where
 * classes stand outermost first; debug builds check at run time that locks are
 * taken in that order, that nothing sleeps under a spinlock, and that no lock
 * is held on the way to user code.
 */
#ifndef KERNEL_LOCK_H
#define KERNEL_LOCK_H
#include <hal/irq.h>
#include <kernel/compiler.h>
#include <kernel/list.h>

enum lock_class {
	LOCK_NONE,	/* unchecked: for early boot and unit tests only */
#define LOCK_CLASS(name, what) LOCK_##name,
#include <kernel/lock_order.def>
#undef LOCK_CLASS
	LOCK_CLASS_COUNT
};

struct CAPABILITY("spinlock") spinlock {
	uint32_t held;		/* [a] */
	uint16_t class;
	uint16_t cpu;		/* debug: holder + 1 */
};
#define SPINLOCK_INIT(c) { .class = LOCK_##c }
void spin_init(struct spinlock *l, enum lock_class c);
void spin_lock(struct spinlock *l) ACQUIRES(l);
bool spin_trylock(struct spinlock *l) TRY_ACQUIRES(true, l);
void spin_unlock(struct spinlock *l) RELEASES(l);
/* A second lock of the same class, in an order that the caller guarantees (say how: by address, parent before child). */
void spin_lock_nested(struct spinlock *l) ACQUIRES(l);
unsigned long spin_lock_irqsave(struct spinlock *l) ACQUIRES(l);
void spin_unlock_irqrestore(struct spinlock *l, unsigned long flags) RELEASES(l);
bool spin_is_locked(const struct spinlock *l);

struct waiter;
struct CAPABILITY("mutex") mutex {
	uintptr_t owner;		/* [a] task pointer, bit 0: somebody waits */
	struct spinlock lock;
	struct list_head waiters;	/* [lock] */
	uint16_t class;
};
#define MUTEX_INIT(name, c) { .lock = SPINLOCK_INIT(MUTEX_WAIT), .waiters = LIST_INIT((name).waiters), .class = LOCK_##c }
void mutex_init(struct mutex *m, enum lock_class c);
void mutex_lock(struct mutex *m) ACQUIRES(m);
void mutex_lock_nested(struct mutex *m) ACQUIRES(m);
bool mutex_trylock(struct mutex *m) TRY_ACQUIRES(true, m);
/* -EINTR when a signal is pending. */
int mutex_lock_interruptible(struct mutex *m) TRY_ACQUIRES(0, m) MUST_CHECK;
void mutex_unlock(struct mutex *m) RELEASES(m);
bool mutex_is_mine(const struct mutex *m);

/* Many readers or one writer; who has waited for a millisecond is next, writers as well. */
struct CAPABILITY("rwsem") rwsem {
	struct spinlock lock;
	uint32_t state;			/* [a] 1: a writer, 2: somebody waits, 4 per reader */
	const struct task *owner;	/* [a] the writer; for comparison only */
	bool handoff;			/* [lock] the next unlock gives it to the first that waits */
	struct list_head waiters;	/* [lock] */
	uint16_t class;
};
void rwsem_init(struct rwsem *s, enum lock_class c);
void rwsem_read_lock(struct rwsem *s) ACQUIRES_SHARED(s);
void rwsem_read_unlock(struct rwsem *s) RELEASES_SHARED(s);
void rwsem_write_lock(struct rwsem *s) ACQUIRES(s);
void rwsem_write_lock_nested(struct rwsem *s) ACQUIRES(s);
void rwsem_write_unlock(struct rwsem *s) RELEASES(s);
void rwsem_downgrade(struct rwsem *s) NO_TSA;	/* writer becomes reader */

/* Debug builds: panics if this thread holds any checked lock. */
void lock_assert_none_held(void);

/*
 * Read-copy-update: readers take no lock and do not sleep; what they may still
 * see is freed by rcu_call() after every CPU has passed a quiescent state
 * (thread switch, user code, idle).
 */
struct rcu_head { struct rcu_head *next; void (*fn)(struct rcu_head *); };
void rcu_read_lock(void);
void rcu_read_unlock(void);
void rcu_call(struct rcu_head *h, void (*fn)(struct rcu_head *));	/* any context; fn runs in a thread */
void rcu_synchronize(void);	/* may sleep */
#define rcu_dereference(p)	__atomic_load_n(&(p), __ATOMIC_CONSUME)
#define rcu_assign(p, v)	__atomic_store_n(&(p), (v), __ATOMIC_RELEASE)

/*
 * Reference counts.  One that goes wrong keeps its object for ever: a count
 * that is full, and in release builds one that is used after it was zero,
 * stays where it is; debug builds stop the machine there.
 */
struct refcount { int32_t n; };
static inline void ref_init(struct refcount *r) { r->n = 1; }
void ref_is_bad(struct refcount *r) COLD;	/* any context */
/* The caller has a reference, or something that has one cannot go away. */
static inline void ref_get(struct refcount *r)
{
	if (unlikely(__atomic_fetch_add(&r->n, 1, __ATOMIC_RELAXED) <= 0))
		ref_is_bad(r);
}
/* Of an object that its cache keeps without references, under the lock that its end takes, too. */
static inline void ref_get_cached(struct refcount *r)
{
	if (unlikely(__atomic_fetch_add(&r->n, 1, __ATOMIC_RELAXED) < 0))
		ref_is_bad(r);
}
/* True when that was the last one. */
static inline bool ref_put(struct refcount *r)
{
	int32_t n = __atomic_fetch_sub(&r->n, 1, __ATOMIC_ACQ_REL);

	if (unlikely(n <= 0))
		ref_is_bad(r);
	return n == 1;
}
/* False if the count was already 0: the object is being destroyed (look-ups under RCU). */
static inline bool ref_get_unless_zero(struct refcount *r)
{
	int32_t n = READ_ONCE(r->n);

	while (n > 0)
		if (__atomic_compare_exchange_n(&r->n, &n, n + 1, true, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return true;
	return false;
}
static inline int ref_read(const struct refcount *r) { return READ_ONCE(r->n); }
#endif
