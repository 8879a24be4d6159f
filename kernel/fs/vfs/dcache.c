/* SPDX-License-Identifier: MIT */
/*
 * The dentry cache: names in directories, the absent ones included.
 *
 * A dentry is found through a hash of (parent, name).  Its references are its
 * users and its cached children; with none it stays, on an LRU list, until
 * memory is short, the name changes, or the super block is unmounted.
 * refs < 0: dead, never found again; the memory goes after an RCU grace period.
 *
 * d->inode goes from NULL to an inode once (create) and never back: a name
 * that is removed leaves the hash with its dentry, so whoever has a referenced
 * dentry that is not negative may use d->inode without a lock.
 *
 * Look-up: the chain is read under RCU, without a lock.  What a rename or
 * removal changes of a candidate (name, parent, whether it is hashed) is read
 * between two looks at d->seq, which is odd while they do so under d->lock.
 * On any doubt the look-up misses, as it does when a rename carries it over to
 * another chain: a miss is only certain when the bucket is locked
 * (d_find_locked), and the caller holds the directory's inode lock then.
 * A walk goes through directories without references, too (d_peek), and takes
 * one where it stops, if that is still where it was found (d_peek_take).
 *
 * Locks: parent->lock > d->lock > bucket lock (DCACHE_HASH) > dcache_lru_lock.
 * d_move changes a name with both buckets and d->lock held.
 */
#include <kernel/errno.h>
#include <kernel/print.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include "vfs_internal.h"

enum { DCACHE_LOCKS = 256, DENTRY_DEAD = -128 };
static struct dentry **dhash;
static size_t dhash_mask;
static struct spinlock dhash_locks[DCACHE_LOCKS];
static struct kmem_cache *dentry_slab;
static struct spinlock dcache_lru_lock = SPINLOCK_INIT(DCACHE_LRU);
static struct list_head dcache_lru = LIST_INIT(dcache_lru);
size_t dcache_lru_count;		/* [dcache_lru_lock] */
size_t dentry_count;			/* [a] */
static size_t dentry_limit;	/* [a]; above the limit unused ones are given back */
static struct work shrink_work;

static void shrink_work_fn(struct work *w)
{
	size_t n = READ_ONCE(dcache_lru_count);

	dcache_shrink(n / 4 + 64);
	inode_shrink(n / 4 + 64);
}

void vfs_shrink_async(void)
{
	if (load_acquire(&dentry_limit))	/* the caches exist */
		work_queue(&shrink_work);
}

void dcache_init(void)
{
	struct mem_info mi;
	size_t n = 1024;
	unsigned order = 0;
	struct page *p;

	mem_info_get(&mi);
	while (n * 8 < mi.total_pages)
		n *= 2;
	while ((PAGE_SIZE << order) < n * sizeof(*dhash) && order < PAGE_ORDER_MAX)
		order++;
	while (!(p = page_alloc(order, ALLOC_ZERO)) && order > 0)
		order--;
	BUG_ON(!p);
	n = MIN(n, (PAGE_SIZE << order) / sizeof(*dhash));
	dhash = page_addr(p);
	dhash_mask = n - 1;
	for (unsigned i = 0; i < DCACHE_LOCKS; i++)
		spin_init(&dhash_locks[i], LOCK_DCACHE_HASH);
	dentry_slab = kmem_cache_create("dentry", sizeof(struct dentry), 64);
	work_init(&shrink_work, shrink_work_fn);
	store_release(&dentry_limit, MAX(mi.total_pages / 2, (uint64_t)4096));
}

uint32_t qstr_hash(const char *name, unsigned len)
{
	uint64_t h = 0xcbf29ce484222325ull;

	for (unsigned i = 0; i < len; i++)
		h = (h ^ (uint8_t)name[i]) * 0x100000001b3ull;
	return (uint32_t)(h ^ (h >> 32));
}

static size_t dentry_bucket(const struct dentry *parent, uint32_t hash)
{
	uint64_t h = (((uintptr_t)parent >> 6) ^ hash) * 0x9e3779b97f4a7c15ull;

	return (h >> 32) & dhash_mask;
}

static struct spinlock *bucket_lock(size_t b) { return &dhash_locks[b % DCACHE_LOCKS]; }

/* A reference unless it is dead. */
static bool dentry_tryget(struct dentry *d)
{
	int32_t n = READ_ONCE(d->refs.n);

	while (n >= 0)
		if (__atomic_compare_exchange_n(&d->refs.n, &n, n + 1, true, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return true;
	return false;
}

struct dentry *dentry_get(struct dentry *d)
{
	ref_get(&d->refs);
	return d;
}

/* Around each change of name, parent or DENTRY_HASHED; d->lock is held. */
static void change_begin(struct dentry *d)
{
	WRITE_ONCE(d->seq, d->seq + 1);
	__atomic_thread_fence(__ATOMIC_RELEASE);	/* odd before anything changes */
}

static void change_end(struct dentry *d) { store_release(&d->seq, d->seq + 1); }

static struct dentry *dentry_alloc(struct super *s, const struct qstr *name)
{
	struct dentry *d = kmem_cache_alloc(dentry_slab, 0);
	char *p;

	if (!d)
		return NULL;
	memset(d, 0, sizeof(*d));
	p = d->inline_name;
	if (name->len >= sizeof(d->inline_name)) {
		p = kmalloc(name->len + 1, 0);
		if (!p) {
			kmem_cache_free(dentry_slab, d);
			return NULL;
		}
	}
	memcpy(p, name->name, name->len);
	p[name->len] = '\0';
	d->name = (struct qstr){ .name = p, .len = name->len, .hash = name->hash };
	ref_init(&d->refs);
	spin_init(&d->lock, LOCK_DENTRY);
	list_init(&d->children);
	list_init(&d->sibling);
	d->super = s;
	d->parent = d;
	if (__atomic_add_fetch(&dentry_count, 1, __ATOMIC_RELAXED) > dentry_limit && READ_ONCE(dcache_lru_count) > 256)
		vfs_shrink_async();
	return d;
}

static void dentry_free_rcu(struct rcu_head *h)
{
	struct dentry *d = container_of(h, struct dentry, rcu);

	if (d->name.name != d->inline_name)
		kfree((void *)d->name.name);
	kmem_cache_free(dentry_slab, d);
}

struct dentry *d_alloc(struct dentry *parent, const struct qstr *name)
{
	struct dentry *d = dentry_alloc(parent->super, name);

	if (!d)
		return NULL;
	d->parent = dentry_get(parent);
	spin_lock(&parent->lock);
	list_add(&d->sibling, &parent->children);
	spin_unlock(&parent->lock);
	return d;
}

/*
 * A directory is in one place.  A damaged disk may have it in two, or below
 * itself: who locks a path from the top would lock it twice, and wait for
 * itself.  So the first dentry that can be found under a name has it until it
 * cannot any more; false: another one has it.
 */
static bool place_take(struct dentry *d)
{
	struct inode *i = d->inode;
	struct dentry *was = NULL;

	return !i || !S_ISDIR(inode_mode(i)) ||
		__atomic_compare_exchange_n(&i->place, &was, d, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED) || was == d;
}

static void place_leave(struct dentry *d)
{
	struct dentry *was = d;

	if (d->inode)
		__atomic_compare_exchange_n(&d->inode->place, &was, NULL, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

struct dentry *d_make_root(struct inode *i)
{
	struct qstr slash = { .name = "/", .len = 1 };
	struct dentry *d = i ? dentry_alloc(i->super, &slash) : NULL;

	if (!d) {
		if (i)
			inode_put(i);
		return NULL;
	}
	d->inode = i;
	(void)place_take(d);
	return d;
}

struct dentry *d_alloc_nameless(struct inode *i, const struct qstr *name)
{
	struct dentry *d = dentry_alloc(i->super, name);

	if (d)
		d->inode = i;
	else
		inode_put(i);
	return d;
}

void d_instantiate(struct dentry *d, struct inode *i)
{
	ASSERT(!d->inode);
	spin_lock(&d->lock);
	rcu_assign(d->inode, i);
	if (d->flags & DENTRY_HASHED)	/* a new directory, or one that is nowhere else */
		(void)place_take(d);
	spin_unlock(&d->lock);
}

static void unhash_locked(struct dentry *d, size_t b)
{
	struct dentry **link = &dhash[b];

	while (*link && *link != d)
		link = &(*link)->hash_next;
	/* hash_next of d stays: a reader may stand on it. */
	if (*link)
		rcu_assign(*link, d->hash_next);
	__atomic_fetch_and(&d->flags, ~(unsigned)DENTRY_HASHED, __ATOMIC_RELAXED);
}

static void d_drop_locked(struct dentry *d)
{
	if (d->flags & DENTRY_HASHED) {
		size_t b = dentry_bucket(d->parent, d->name.hash);

		spin_lock(bucket_lock(b));
		change_begin(d);
		unhash_locked(d, b);
		change_end(d);
		spin_unlock(bucket_lock(b));
	}
	place_leave(d);
}

void d_drop(struct dentry *d)
{
	spin_lock(&d->lock);
	d_drop_locked(d);
	spin_unlock(&d->lock);
}

struct dentry *d_hash_unique(struct dentry *d)
{
	size_t b = dentry_bucket(d->parent, d->name.hash);
	struct dentry *o;

	if (d->flags & DENTRY_NOCACHE)
		return NULL;
	spin_lock(&d->lock);
	spin_lock(bucket_lock(b));
	for (o = dhash[b]; o; o = o->hash_next)
		if (o->name.hash == d->name.hash && o->parent == d->parent && o->name.len == d->name.len &&
		    !memcmp(o->name.name, d->name.name, d->name.len) && dentry_tryget(o))
			break;
	if (!o && place_take(d)) {
		d->hash_next = dhash[b];
		__atomic_fetch_or(&d->flags, DENTRY_HASHED, __ATOMIC_RELAXED);
		rcu_assign(dhash[b], d);
	}
	spin_unlock(bucket_lock(b));
	spin_unlock(&d->lock);
	return o;
}

static bool changed(const struct dentry *d, uint32_t seq)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return READ_ONCE(d->seq) != seq;
}

/* Compare without the lock.  False also when it may have changed: the caller looks at seq afterwards. */
static bool name_is(const struct dentry *d, uint32_t seq, const struct qstr *name)
{
	const char *p = READ_ONCE(d->name.name);
	const uint64_t *words = (const void *)d->inline_name;
	unsigned at = 0;

	if (READ_ONCE(d->name.len) != name->len || changed(d, seq))
		return false;		/* now pointer and length belong together */
	if (p != d->inline_name)
		return !memcmp(p, name->name, name->len);	/* such a name moves, but does not change */
	for (; at < name->len; at += 8) {
		uint64_t mine = READ_ONCE(words[at / 8]), other = 0;

		memcpy(&other, name->name + at, MIN(name->len - at, 8u));
		if (mine != other)	/* behind the name are zeros */
			return false;
	}
	return true;
}

struct dentry *d_peek(struct dentry *parent, const struct qstr *name, uint32_t *seq)
{
	struct dentry *d;

	for (d = rcu_dereference(dhash[dentry_bucket(parent, name->hash)]); d; d = rcu_dereference(d->hash_next)) {
		uint32_t s = load_acquire(&d->seq);

		if (READ_ONCE(d->name.hash) != name->hash || READ_ONCE(d->parent) != parent)
			continue;
		if (!(s & 1) && READ_ONCE(d->flags) & DENTRY_HASHED && name_is(d, s, name) && !changed(d, s)) {
			*seq = s;
			return d;
		}
	}
	return NULL;
}

bool d_peek_changed(const struct dentry *d, uint32_t seq) { return changed(d, seq); }

int d_peek_take(struct dentry *d, uint32_t seq)
{
	if (!dentry_tryget(d))
		return 0;
	return changed(d, seq) ? -1 : 1;
}

struct dentry *d_find(struct dentry *parent, const struct qstr *name)
{
	struct dentry *d;
	uint32_t seq;
	int got;

	rcu_read_lock();
	d = d_peek(parent, name, &seq);
	got = d ? d_peek_take(d, seq) : 0;
	rcu_read_unlock();
	if (got < 0)
		dentry_put(d);
	return got > 0 ? d : NULL;
}

struct dentry *d_find_locked(struct dentry *parent, const struct qstr *name)
{
	size_t b = dentry_bucket(parent, name->hash);
	struct dentry *d;

	spin_lock(bucket_lock(b));
	for (d = dhash[b]; d; d = d->hash_next)
		if (d->name.hash == name->hash && d->parent == parent && d->name.len == name->len &&
		    !memcmp(d->name.name, name->name, name->len) && dentry_tryget(d))
			break;
	spin_unlock(bucket_lock(b));
	return d;
}

static void lru_remove_locked(struct dentry *d)
{
	if (!d->on_lru)
		return;
	list_del(&d->lru_link);
	WRITE_ONCE(d->on_lru, false);
	WRITE_ONCE(dcache_lru_count, dcache_lru_count - 1);
}

static void lru_remove(struct dentry *d)
{
	spin_lock(&dcache_lru_lock);
	lru_remove_locked(d);
	spin_unlock(&dcache_lru_lock);
}

/* Of one whose last reference has gone, and who uses it again may have put it there. */
static void lru_add(struct dentry *d)
{
	if (READ_ONCE(d->on_lru))
		return;
	spin_lock(&dcache_lru_lock);
	if (!d->on_lru && READ_ONCE(d->refs.n) == 0) {
		list_add_tail(&d->lru_link, &dcache_lru);
		WRITE_ONCE(d->on_lru, true);
		WRITE_ONCE(dcache_lru_count, dcache_lru_count + 1);
	}
	spin_unlock(&dcache_lru_lock);
}

/* refs went 0 -> DENTRY_DEAD by us: take it apart.  Returns the parent, whose reference is the caller's. */
static struct dentry *dentry_kill(struct dentry *d)
{
	struct dentry *parent = d->parent == d ? NULL : d->parent;
	struct inode *i;

	if (parent) {
		spin_lock(&parent->lock);
		list_del_init(&d->sibling);
		spin_unlock(&parent->lock);
	}
	spin_lock(&d->lock);
	d_drop_locked(d);
	i = d->inode;
	spin_unlock(&d->lock);
	lru_remove(d);
	__atomic_sub_fetch(&dentry_count, 1, __ATOMIC_RELAXED);
	rcu_call(&d->rcu, dentry_free_rcu);
	if (i) {
		if (READ_ONCE(i->nlink) == 0)	/* nobody has it open by this name, and there is no name */
			notify_self(i, IN_DELETE_SELF);
		inode_put(i);
	}
	return parent;
}

static bool dentry_claim(struct dentry *d)
{
	int32_t zero = 0;

	return __atomic_compare_exchange_n(&d->refs.n, &zero, DENTRY_DEAD, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static bool parent_gone(const struct dentry *d)
{
	const struct dentry *p = READ_ONCE(d->parent);

	return p != d && !(READ_ONCE(p->flags) & (DENTRY_HASHED | DENTRY_NOCACHE)) && READ_ONCE(p->parent) != p;
}

void dentry_put(struct dentry *d)
{
	while (d) {
		bool kill = false;

		rcu_read_lock();
		if (!ref_put(&d->refs)) {
			rcu_read_unlock();
			return;
		}
		/* Unused now.  Another thread may use, kill and free it from here on: only RCU keeps the memory. */
		if ((READ_ONCE(d->flags) & DENTRY_HASHED) && !(READ_ONCE(d->super->flags) & SUPER_DYING)) {
			/* Who takes it off the list, the cache or the name away looks at its references then: one of us sees the other. */
			__atomic_thread_fence(__ATOMIC_SEQ_CST);
			lru_add(d);
			/* Unhashed meanwhile, or in a directory that is gone: nobody would ever look for it there. */
			if (!(READ_ONCE(d->flags) & DENTRY_HASHED) || parent_gone(d))
				kill = dentry_claim(d);
		} else {
			kill = dentry_claim(d);
		}
		rcu_read_unlock();
		if (!kill)
			return;
		d = dentry_kill(d);
	}
}

/* Frees up to max unused dentries, of s only if given. */
static size_t shrink_list(size_t max, struct super *s)
{
	size_t freed = 0, scan = READ_ONCE(dcache_lru_count);

	while (freed < max && scan-- > 0) {
		struct dentry *d = NULL, *o;
		bool kill;

		rcu_read_lock();
		spin_lock(&dcache_lru_lock);
		list_for_each(o, &dcache_lru, lru_link)
			if (!s || o->super == s) {
				d = o;
				lru_remove_locked(d);
				break;
			}
		spin_unlock(&dcache_lru_lock);
		if (!d) {
			rcu_read_unlock();
			break;
		}
		__atomic_thread_fence(__ATOMIC_SEQ_CST);	/* dentry_put() */
		kill = dentry_claim(d);
		rcu_read_unlock();
		if (kill) {
			dentry_put(dentry_kill(d));
			freed++;
		}
	}
	return freed;
}

size_t dcache_shrink(size_t max) { return shrink_list(max, NULL); }

void dcache_shrink_super(struct super *s)
{
	while (shrink_list(SIZE_MAX, s) > 0)
		;
}

void d_prune_children(struct dentry *d)
{
	/* d is off the cache: after this who puts one of them sees that, or it is unused now. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (;;) {
		struct dentry *c, *victim = NULL;

		rcu_read_lock();
		spin_lock(&d->lock);
		list_for_each(c, &d->children, sibling)
			if (dentry_claim(c)) {
				victim = c;
				break;
			}
		spin_unlock(&d->lock);
		rcu_read_unlock();
		if (!victim)
			return;
		dentry_put(dentry_kill(victim));
	}
}

struct dentry *dentry_get_parent(struct dentry *d)
{
	struct dentry *p;

	spin_lock(&d->lock);
	p = dentry_get(d->parent);
	spin_unlock(&d->lock);
	return p;
}

bool d_is_ancestor(const struct dentry *a, struct dentry *d)
{
	for (;; d = d->parent) {
		if (d == a)
			return true;
		if (d->parent == d)
			return false;
	}
}

/* Who looks up reads them without the lock. */
static void name_set(struct dentry *d, const char *name, unsigned len, uint32_t hash)
{
	WRITE_ONCE(d->name.name, name);
	WRITE_ONCE(d->name.len, len);
	WRITE_ONCE(d->name.hash, hash);
}

static void name_swap(struct dentry *a, struct dentry *b)
{
	struct qstr t = a->name;
	uint64_t *x = (void *)a->inline_name, *y = (void *)b->inline_name, tmp;
	bool a_in = a->name.name == a->inline_name, b_in = b->name.name == b->inline_name;

	for (unsigned i = 0; i < sizeof(a->inline_name) / 8; i++) {
		tmp = x[i];
		WRITE_ONCE(x[i], y[i]);
		WRITE_ONCE(y[i], tmp);
	}
	name_set(a, b_in ? a->inline_name : b->name.name, b->name.len, b->name.hash);
	name_set(b, a_in ? b->inline_name : t.name, t.len, t.hash);
}

static void parent_lock_two(struct dentry *a, struct dentry *b) NO_TSA
{
	if (a == b) {
		spin_lock(&a->lock);
	} else if (a < b) {
		spin_lock(&a->lock);
		spin_lock_nested(&b->lock);
	} else {
		spin_lock(&b->lock);
		spin_lock_nested(&a->lock);
	}
}

/*
 * d takes target's place (name and parent); target takes d's: hashed again for
 * an exchange, else it is an unhashed dentry that is going away.
 * Both directories' inodes are write-locked, RENAME held if they differ.
 */
void d_move(struct dentry *d, struct dentry *target, bool exchange) NO_TSA
{
	struct dentry *dp = d->parent, *tp = target->parent;
	size_t b0 = dentry_bucket(dp, d->name.hash), b1 = dentry_bucket(tp, target->name.hash);
	struct spinlock *l0 = bucket_lock(b0), *l1 = bucket_lock(b1);

	parent_lock_two(dp, tp);
	if (d < target) {
		spin_lock_nested(&d->lock);
		spin_lock_nested(&target->lock);
	} else {
		spin_lock_nested(&target->lock);
		spin_lock_nested(&d->lock);
	}
	spin_lock(l0 < l1 ? l0 : l1);
	if (l0 != l1)
		spin_lock_nested(l0 < l1 ? l1 : l0);
	change_begin(d);
	change_begin(target);
	if (d->flags & DENTRY_HASHED)
		unhash_locked(d, b0);
	if (target->flags & DENTRY_HASHED)
		unhash_locked(target, b1);
	name_swap(d, target);
	if (dp != tp) {
		WRITE_ONCE(d->parent, tp);	/* d_find looks before it locks */
		WRITE_ONCE(target->parent, dp);
		list_del(&d->sibling);
		list_del(&target->sibling);
		list_add(&d->sibling, &tp->children);
		list_add(&target->sibling, &dp->children);
	}
	WRITE_ONCE(d->hash_next, dhash[b1]);	/* one who looks may be on it, in the old chain */
	__atomic_fetch_or(&d->flags, DENTRY_HASHED, __ATOMIC_RELAXED);
	rcu_assign(dhash[b1], d);
	if (exchange) {
		WRITE_ONCE(target->hash_next, dhash[b0]);
		__atomic_fetch_or(&target->flags, DENTRY_HASHED, __ATOMIC_RELAXED);
		rcu_assign(dhash[b0], target);
	}
	change_end(target);
	change_end(d);
	if (l0 != l1)
		spin_unlock(l0 < l1 ? l1 : l0);
	spin_unlock(l0 < l1 ? l0 : l1);
	spin_unlock(&d->lock);
	spin_unlock(&target->lock);
	spin_unlock(&dp->lock);
	if (tp != dp)
		spin_unlock(&tp->lock);
}
