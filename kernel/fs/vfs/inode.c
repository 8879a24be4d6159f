/* SPDX-License-Identifier: MIT */
/*
 * The inode cache.
 *
 * An inode lives while it is referenced (dentries, open files through their
 * dentry, kernel users) and, unused, on an LRU list until it is shrunk, its
 * super block is unmounted, or its last link went.  Inodes of file systems
 * that look them up by number are in a hash keyed by (super, number).
 *
 * The step from one reference to none is made with the hash bucket locked, so
 * that a look-up either gets the inode before, or sees ISTATE_FREEING and
 * waits until it is gone: a number is never in memory twice.
 *
 * ISTATE_NEW: in the hash, being read from disk; look-ups wait.
 *
 * Locks: bucket (ICACHE) > inode_lru_lock, super.inodes_lock (ICACHE_LRU)
 * > inode.state_lock.  Eviction sleeps and runs without any.
 */
#include <kernel/errno.h>
#include <kernel/print.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/timer.h>
#include <kernel/wait.h>
#include "vfs_internal.h"

enum { ICACHE_LOCKS = 64, ICACHE_WAITS = 32 };
struct inode_bucket { struct list_head head; };
static struct inode_bucket *icache;
static size_t icache_mask;
static struct spinlock icache_locks[ICACHE_LOCKS];
static struct waitq icache_waits[ICACHE_WAITS];
static struct kmem_cache *inode_slab;
static struct spinlock inode_lru_lock = SPINLOCK_INIT(ICACHE_LRU);
static struct list_head inode_lru = LIST_INIT(inode_lru);
size_t inode_count;		/* [a] */
size_t inode_lru_count;	/* [inode_lru_lock] */
static uint64_t next_anon_ino = 1;	/* [a] */

static size_t inode_hash(const struct super *s, uint64_t ino)
{
	uint64_t h = (ino + ((uintptr_t)s >> 6)) * 0x9e3779b97f4a7c15ull;

	return (h >> 32) & icache_mask;
}

static struct spinlock *inode_hash_lock(size_t bucket) { return &icache_locks[bucket % ICACHE_LOCKS]; }
static struct waitq *inode_waitq(const struct inode *i) { return &icache_waits[((uintptr_t)i >> 8) % ICACHE_WAITS]; }

void inode_cache_init(void)
{
	struct mem_info mi;
	size_t n = 256;
	unsigned order = 0;
	struct page *p;

	mem_info_get(&mi);
	while (n * 16 < mi.total_pages)
		n *= 2;
	while ((PAGE_SIZE << order) < n * sizeof(struct inode_bucket) && order < PAGE_ORDER_MAX)
		order++;
	while (!(p = page_alloc(order, ALLOC_ZERO)) && order > 0)
		order--;
	BUG_ON(!p);
	n = MIN(n, (PAGE_SIZE << order) / sizeof(struct inode_bucket));
	icache = page_addr(p);
	icache_mask = n - 1;
	for (size_t b = 0; b < n; b++)
		list_init(&icache[b].head);
	for (unsigned b = 0; b < ICACHE_LOCKS; b++)
		spin_init(&icache_locks[b], LOCK_ICACHE);
	for (unsigned b = 0; b < ICACHE_WAITS; b++)
		waitq_init(&icache_waits[b]);
	inode_slab = kmem_cache_create("inode", sizeof(struct inode), 64);
}

struct mapping_ops inode_no_mapping_ops;	/* no operation: nothing can be read or written through it */

static struct inode *inode_alloc(struct super *s, uint64_t ino)
{
	struct inode *i = kmem_cache_alloc(inode_slab, 0);

	if (!i)
		return NULL;
	memset(i, 0, sizeof(*i));
	ref_init(&i->refs);
	ref_get(&s->refs);
	__atomic_add_fetch(&inode_count, 1, __ATOMIC_RELAXED);
	i->super = s;
	i->ino = ino;
	i->nlink = 1;
	i->blksize = s->block_size ? s->block_size : PAGE_SIZE;
	rwsem_init(&i->lock, LOCK_INODE);
	spin_init(&i->state_lock, LOCK_INODE_STATE);
	mapping_init(&i->own_mapping, &inode_no_mapping_ops, i);
	i->mapping = &i->own_mapping;
	list_init(&i->hash_link);
	list_init(&i->super_link);
	list_init(&i->dirty_link);
	list_init(&i->lru_link);
	spin_lock(&s->inodes_lock);
	list_add(&i->super_link, &s->inodes);	/* a walk is past it: inode_next() */
	spin_unlock(&s->inodes_lock);
	return i;
}

static void inode_free_rcu(struct rcu_head *h)
{
	kmem_cache_free(inode_slab, container_of(h, struct inode, rcu));
}

static void inode_free(struct inode *i)
{
	struct super *s = i->super;
	bool last;

	spin_lock(&s->inodes_lock);
	list_del_init(&i->super_link);
	if (!list_empty(&i->dirty_link))
		list_del_init(&i->dirty_link);
	last = list_empty(&s->inodes) && READ_ONCE(s->flags) & SUPER_DYING;
	spin_unlock(&s->inodes_lock);
	if (last)
		waitq_wake_all(&s->left);
	__atomic_sub_fetch(&inode_count, 1, __ATOMIC_RELAXED);
	rcu_call(&i->rcu, inode_free_rcu);
	super_put(s);
}

static struct inode *inode_find_bucket(size_t b, struct super *s, uint64_t ino)
{
	struct inode *i;

	list_for_each(i, &icache[b].head, hash_link)
		if (i->ino == ino && i->super == s)
			return i;
	return NULL;
}

struct inode *inode_get_locked(struct super *s, uint64_t ino)
{
	size_t b = inode_hash(s, ino);
	struct spinlock *l = inode_hash_lock(b);
	struct inode *i, *fresh = NULL;

	for (;;) {
		struct waitq *q;
		struct waiter w;

		spin_lock(l);
		i = inode_find_bucket(b, s, ino);
		if (!i) {
			if (fresh) {
				WRITE_ONCE(fresh->state, ISTATE_NEW);	/* a sync may look at it already */
				list_add(&fresh->hash_link, &icache[b].head);
				spin_unlock(l);
				return fresh;
			}
			spin_unlock(l);
			fresh = inode_alloc(s, ino);
			if (!fresh)
				return NULL;
			continue;
		}
		/* Freeing and new ones change under this lock, the rest of the word without it. */
		if (!(READ_ONCE(i->state) & ISTATE_FREEING))
			ref_get_cached(&i->refs);
		if (!(READ_ONCE(i->state) & (ISTATE_FREEING | ISTATE_NEW))) {
			spin_unlock(l);
			break;
		}
		/* Somebody reads it in or throws it out: wait for the end of that, then look again. */
		q = inode_waitq(i);
		waiter_init(&w);
		waitq_prepare(q, &w, TASK_UNINTERRUPTIBLE);
		if (READ_ONCE(i->state) & ISTATE_FREEING) {
			spin_unlock(l);
			schedule();
			waitq_finish(q, &w);
			continue;
		}
		spin_unlock(l);
		if (load_acquire(&i->state) & ISTATE_NEW)
			schedule();
		waitq_finish(q, &w);
		while (load_acquire(&i->state) & ISTATE_NEW)
			wait_event(q, !(load_acquire(&i->state) & ISTATE_NEW));
		if (list_empty(&i->hash_link)) {	/* filling it failed */
			inode_put(i);
			continue;
		}
		break;
	}
	if (fresh)
		inode_free(fresh);
	return i;
}

void inode_unlock_new(struct inode *i)
{
	struct spinlock *l = inode_hash_lock(inode_hash(i->super, i->ino));

	spin_lock(l);
	__atomic_fetch_and(&i->state, ~(unsigned)ISTATE_NEW, __ATOMIC_RELEASE);
	spin_unlock(l);
	waitq_wake_all(inode_waitq(i));
}

void inode_fail_new(struct inode *i)
{
	struct spinlock *l = inode_hash_lock(inode_hash(i->super, i->ino));

	spin_lock(l);
	list_del_init(&i->hash_link);
	i->fs_private = NULL;
	i->ops = NULL;
	__atomic_fetch_and(&i->state, ~(unsigned)ISTATE_NEW, __ATOMIC_RELEASE);
	spin_unlock(l);
	waitq_wake_all(inode_waitq(i));
	inode_put(i);
}

struct inode *inode_new(struct super *s, uint64_t ino)
{
	struct inode *i;
	size_t b;

	if (ino == 0)
		return inode_alloc(s, __atomic_fetch_add(&next_anon_ino, 1, __ATOMIC_RELAXED));
	i = inode_alloc(s, ino);
	if (!i)
		return NULL;
	b = inode_hash(s, ino);
	spin_lock(inode_hash_lock(b));
	list_add(&i->hash_link, &icache[b].head);
	spin_unlock(inode_hash_lock(b));
	return i;
}

void inode_get(struct inode *i)
{
	ref_get(&i->refs);
}

/* Nobody can find it any more (ISTATE_FREEING or not hashed).  Sleeps. */
static void inode_evict(struct inode *i)
{
	const struct super_ops *ops = i->super->ops;
	bool failed = i->ops == NULL && i->fs_private == NULL && i->mode == 0;

	if (i->nlink && !failed) {
		if (READ_ONCE(i->own_mapping.dirty_pages))
			(void)mapping_sync(&i->own_mapping, 0, UINT64_MAX);
		if ((READ_ONCE(i->state) & ISTATE_DIRTY) && ops && ops->write_inode) {
			__atomic_fetch_and(&i->state, ~(unsigned)ISTATE_DIRTY, __ATOMIC_RELAXED);
			(void)ops->write_inode(i);
		}
	}
	inode_free_marks(i);
	inode_free_locks(i);
	mapping_destroy(&i->own_mapping);
	if (ops && ops->evict_inode && !failed)
		ops->evict_inode(i);
	if (!list_empty(&i->hash_link)) {
		struct spinlock *l = inode_hash_lock(inode_hash(i->super, i->ino));

		spin_lock(l);
		list_del_init(&i->hash_link);
		spin_unlock(l);
		waitq_wake_all(inode_waitq(i));
	}
	inode_free(i);
}

void inode_put(struct inode *i)
{
	int32_t n = ref_read(&i->refs);
	struct spinlock *l;
	bool keep;

	while (n > 1)
		if (__atomic_compare_exchange_n(&i->refs.n, &n, n - 1, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
			return;
	l = inode_hash_lock(inode_hash(i->super, i->ino));
	spin_lock(l);
	if (!ref_put(&i->refs)) {
		spin_unlock(l);
		return;
	}
	spin_lock(&inode_lru_lock);	/* inode_evict_super() looks at the list once, when the super block is dying */
	keep = i->nlink && !list_empty(&i->hash_link) && !(READ_ONCE(i->super->flags) & SUPER_DYING);
	if (!keep)
		__atomic_fetch_or(&i->state, ISTATE_FREEING, __ATOMIC_RELEASE);
	if (keep && list_empty(&i->lru_link)) {
		list_add_tail(&i->lru_link, &inode_lru);
		WRITE_ONCE(inode_lru_count, inode_lru_count + 1);
	} else if (!keep && !list_empty(&i->lru_link)) {
		list_del_init(&i->lru_link);
		WRITE_ONCE(inode_lru_count, inode_lru_count - 1);
	}
	spin_unlock(&inode_lru_lock);
	spin_unlock(l);
	if (!keep)
		inode_evict(i);
}

bool inode_get_cached(struct inode *i)
{
	struct spinlock *l = inode_hash_lock(inode_hash(i->super, i->ino));
	bool ok;

	spin_lock(l);
	ok = !(READ_ONCE(i->state) & (ISTATE_FREEING | ISTATE_NEW));
	if (ok)
		ref_get_cached(&i->refs);
	spin_unlock(l);
	return ok;
}

/* The same; while it is on its way out: wait until it is gone.  Leaves the RCU section. */
static bool inode_get_or_wait(struct inode *i)
{
	struct spinlock *l = inode_hash_lock(inode_hash(i->super, i->ino));
	struct waitq *q = inode_waitq(i);
	struct waiter w;
	bool ok, wait;

	waiter_init(&w);
	spin_lock(l);
	ok = !(READ_ONCE(i->state) & (ISTATE_FREEING | ISTATE_NEW));
	if (ok)
		ref_get_cached(&i->refs);
	wait = !ok && READ_ONCE(i->state) & ISTATE_FREEING && !list_empty(&i->hash_link);
	if (wait)
		waitq_prepare(q, &w, TASK_UNINTERRUPTIBLE);
	spin_unlock(l);
	rcu_read_unlock();
	if (wait) {
		schedule();
		waitq_finish(q, &w);
	}
	return ok;
}

struct inode *inode_next(struct super *s, struct inode *prev, bool (*want)(const struct inode *i))
{
	struct inode *i;
	bool got;

	do {
		struct list_head *at;

		i = NULL;
		spin_lock(&s->inodes_lock);
		for (at = prev ? prev->super_link.next : s->inodes.next; at != &s->inodes && !i; at = at->next) {
			i = list_entry(at, struct inode, super_link);
			if (!want(i))
				i = NULL;
		}
		rcu_read_lock();
		spin_unlock(&s->inodes_lock);
		got = true;
		if (i)
			got = inode_get_or_wait(i);
		else
			rcu_read_unlock();
	} while (!got);
	if (prev)
		inode_put(prev);
	return i;
}

/* Takes an unused inode out of the cache; false: it is in use. */
static bool inode_try_free(struct inode *i, size_t bucket)
{
	struct spinlock *l = inode_hash_lock(bucket);
	bool ok;

	spin_lock(l);
	ok = ref_read(&i->refs) == 0 && !(READ_ONCE(i->state) & (ISTATE_FREEING | ISTATE_NEW));
	if (ok) {
		__atomic_fetch_or(&i->state, ISTATE_FREEING, __ATOMIC_RELEASE);
		/* The caller took it off the list; who had it for a moment since then has put it back. */
		spin_lock(&inode_lru_lock);
		if (!list_empty(&i->lru_link)) {
			list_del_init(&i->lru_link);
			WRITE_ONCE(inode_lru_count, inode_lru_count - 1);
		}
		spin_unlock(&inode_lru_lock);
	}
	spin_unlock(l);
	return ok;
}

size_t inode_shrink(size_t max)
{
	size_t freed = 0;

	while (freed < max) {
		struct inode *i = NULL;
		size_t b;

		rcu_read_lock();
		spin_lock(&inode_lru_lock);
		if (!list_empty(&inode_lru)) {
			i = list_first(&inode_lru, struct inode, lru_link);
			list_del_init(&i->lru_link);
			WRITE_ONCE(inode_lru_count, inode_lru_count - 1);
			b = inode_hash(i->super, i->ino);
		}
		spin_unlock(&inode_lru_lock);
		if (!i) {
			rcu_read_unlock();
			break;
		}
		/* In use again: it comes back onto the list when that ends. */
		if (!inode_try_free(i, b))
			i = NULL;
		rcu_read_unlock();
		if (i)
			inode_evict(i);
		freed++;
	}
	return freed;
}

void inode_evict_super(struct super *s)
{
	bool found;

	do {
		struct inode *i, *victim = NULL;

		found = false;
		rcu_read_lock();
		spin_lock(&inode_lru_lock);
		list_for_each(i, &inode_lru, lru_link)
			if (i->super == s) {
				victim = i;
				found = true;
				list_del_init(&i->lru_link);
				WRITE_ONCE(inode_lru_count, inode_lru_count - 1);
				break;
			}
		spin_unlock(&inode_lru_lock);
		if (victim && !inode_try_free(victim, inode_hash(s, victim->ino)))
			victim = NULL;
		rcu_read_unlock();
		if (victim)
			inode_evict(victim);
	} while (found);
}

bool inode_super_busy(struct super *s)
{
	bool busy;

	spin_lock(&s->inodes_lock);
	busy = !list_empty(&s->inodes);
	spin_unlock(&s->inodes_lock);
	return busy;
}

void inode_mark_dirty(struct inode *i)
{
	struct super *s = i->super;

	if (!s->ops || !s->ops->write_inode)
		return;
	spin_lock(&s->inodes_lock);
	if (!(__atomic_fetch_or(&i->state, ISTATE_DIRTY, __ATOMIC_RELAXED) & ISTATE_DIRTY) || list_empty(&i->dirty_link))
		if (list_empty(&i->dirty_link))
			list_add_tail(&i->dirty_link, &s->dirty);
	spin_unlock(&s->inodes_lock);
}

int inode_write_dirty(struct super *s)
{
	struct list_head todo;
	int ret = 0;

	list_init(&todo);
	if (!s->ops || !s->ops->write_inode)
		return 0;
	spin_lock(&s->inodes_lock);
	list_splice_tail(&s->dirty, &todo);
	while (!list_empty(&todo)) {
		struct inode *i = list_first(&todo, struct inode, dirty_link);
		bool ok;
		int err;

		list_del_init(&i->dirty_link);
		rcu_read_lock();
		spin_unlock(&s->inodes_lock);
		ok = inode_get_cached(i);
		rcu_read_unlock();
		if (ok) {
			err = inode_write(i);
			if (err && !ret)
				ret = err;
			inode_put(i);
		}
		spin_lock(&s->inodes_lock);
	}
	spin_unlock(&s->inodes_lock);
	return ret;
}

int inode_write(struct inode *i)
{
	struct super *s = i->super;
	bool dirty;
	int err;

	if (!s->ops || !s->ops->write_inode)
		return 0;
	/* Who clears the one has counted himself before. */
	dirty = __atomic_load_n(&i->state, __ATOMIC_ACQUIRE) & ISTATE_DIRTY;
	if (!dirty && !load_acquire(&i->writing))
		return 0;
	spin_lock(&s->inodes_lock);
	__atomic_add_fetch(&i->writing, 1, __ATOMIC_RELAXED);
	__atomic_fetch_and(&i->state, ~(unsigned)ISTATE_DIRTY, __ATOMIC_RELEASE);
	if (!list_empty(&i->dirty_link))
		list_del_init(&i->dirty_link);
	spin_unlock(&s->inodes_lock);
	err = s->ops->write_inode(i);
	__atomic_sub_fetch(&i->writing, 1, __ATOMIC_RELEASE);
	if (err)
		inode_mark_dirty(i);
	return err;
}

void inode_init_owner(struct inode *i, const struct inode *dir, uint32_t mode)
{
	const struct cred *c = current->cred;

	i->uid = c ? c->fsuid : 0;
	i->gid = c ? c->fsgid : 0;
	if (dir && (dir->mode & S_ISGID)) {
		i->gid = dir->gid;
		if (S_ISDIR(mode))
			mode |= S_ISGID;
		else if ((mode & (S_ISGID | 010)) == (S_ISGID | 010) && c && !cred_in_group(c, dir->gid) &&
			 c->fsgid != dir->gid && !capable(CAP_FSETID))
			mode &= ~(uint32_t)S_ISGID;
	}
	i->mode = mode;
	i->atime = i->mtime = i->ctime = i->btime = inode_now();
}

static int noopen(struct inode *i, struct file *f)
{
	return -ENXIO;
}
struct file_ops noopen_file_ops = { .open = noopen };

static int chrdev_open(struct inode *i, struct file *f)
{
	const struct file_ops *ops = chrdev_find(i->rdev);

	if (!ops)
		return -ENXIO;
	f->ops = ops;
	return ops->open ? ops->open(i, f) : 0;
}
static const struct file_ops chrdev_file_ops = { .open = chrdev_open };

void inode_init_special(struct inode *i, uint32_t mode, kdev_t dev)
{
	i->mode = mode;
	switch (mode & S_IFMT) {
	case S_IFCHR:
		i->rdev = dev;
		i->fops = &chrdev_file_ops;
		break;
	case S_IFBLK:
		i->rdev = dev;
		i->fops = &blkdev_file_ops;
		break;
	case S_IFIFO:
		i->fops = &fifo_file_ops;
		break;
	default:
		i->fops = &noopen_file_ops;
		break;
	}
}

int vfs_setattr_simple(struct inode *i, const struct inode_attr *a)
{
	if (a->valid & ATTR_MODE)
		WRITE_ONCE(i->mode, (i->mode & S_IFMT) | (a->mode & 07777));
	if (a->valid & ATTR_UID)
		WRITE_ONCE(i->uid, a->uid);
	if (a->valid & ATTR_GID)
		WRITE_ONCE(i->gid, a->gid);
	if (a->valid & ATTR_ATIME)
		i->atime = a->atime;
	if (a->valid & ATTR_MTIME)
		i->mtime = a->mtime;
	if (a->valid & ATTR_CTIME)
		i->ctime = inode_change_time(i);
	inode_mark_dirty(i);
	return 0;
}
