/* SPDX-License-Identifier: MIT */
/*
 * Super blocks and file-system types.
 *
 * A super block lives while something is mounted of it or an inode of it is
 * in memory.  The last unmount writes everything, then drops dentries and
 * inodes (SUPER_DYING: nothing is cached any more) and calls put_super.
 */
#include <kernel/block.h>
#include <kernel/errno.h>
#include <kernel/print.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/timer.h>
#include "vfs_internal.h"

static struct mutex registry;		/* [MODULE] guards both lists and device numbers */
static struct list_head filesystems = LIST_INIT(filesystems);
static struct list_head supers = LIST_INIT(supers);
static unsigned next_anon_dev;		/* [registry] */
static bool registry_ready;

static void registry_init(void)
{
	if (!registry_ready) {
		mutex_init(&registry, LOCK_MODULE);
		registry_ready = true;
	}
}

void filesystem_register(struct filesystem *fs)
{
	registry_init();
	mutex_lock(&registry);
	list_add_tail(&fs->link, &filesystems);
	mutex_unlock(&registry);
}

const struct filesystem *filesystem_find(const char *name)
{
	struct filesystem *fs, *found = NULL;

	mutex_lock(&registry);
	list_for_each(fs, &filesystems, link)
		if (!strcmp(fs->name, name)) {
			found = fs;
			break;
		}
	mutex_unlock(&registry);
	return found;
}

/* Types are never unregistered: the list may be walked without the lock. */
const struct filesystem *filesystem_next(const struct filesystem *fs)
{
	struct list_head *n = fs ? fs->link.next : filesystems.next;

	return n == &filesystems ? NULL : list_entry(n, struct filesystem, link);
}

struct super *super_alloc(const struct filesystem *fs)
{
	struct super *s = kzalloc(sizeof(*s), 0);

	if (!s)
		return NULL;
	registry_init();
	ref_init(&s->refs);
	s->fs = fs;
	s->block_size = PAGE_SIZE;
	s->max_bytes = INT64_MAX;
	mutex_init(&s->rename_lock, LOCK_RENAME);
	spin_init(&s->inodes_lock, LOCK_ICACHE_LRU);
	list_init(&s->inodes);
	list_init(&s->dirty);
	waitq_init(&s->left);
	mutex_lock(&registry);
	s->dev = KDEV(0, ++next_anon_dev);
	list_init(&s->mount_links);
	list_add_tail(&s->link, &supers);
	mutex_unlock(&registry);
	return s;
}

static void super_free_rcu(struct rcu_head *h)
{
	kfree(container_of(h, struct super, rcu));
}

static void super_free_work(struct work *w)
{
	struct super *s = container_of(w, struct super, free_work);

	mutex_lock(&registry);
	list_del(&s->link);
	mutex_unlock(&registry);
	rcu_call(&s->rcu, super_free_rcu);	/* path_ask() */
}

void super_put(struct super *s)
{
	if (!ref_put(&s->refs))
		return;
	/* The caller may hold locks that come after the registry's. */
	work_init(&s->free_work, super_free_work);
	work_queue(&s->free_work);
}

static bool wants_writing(const struct inode *i)
{
	return mapping_unsynced(&i->own_mapping) && !READ_ONCE(i->own_mapping.ops)->memory_only;
}

int super_sync(struct super *s)
{
	struct inode *i;
	int ret = 0, err;

	if (!load_acquire(&s->ops) || READ_ONCE(s->flags) & (MS_RDONLY | SUPER_DYING))	/* one that is being mounted has none yet */
		return 0;
	/* File data first: writing it may allocate blocks, which changes attributes.  All is begun before any is waited for. */
	for (i = NULL; (i = inode_next(s, i, wants_writing)); )
		mapping_write_async(&i->own_mapping, ~0u);
	for (i = NULL; (i = inode_next(s, i, wants_writing)); ) {
		err = mapping_sync(&i->own_mapping, 0, UINT64_MAX);
		if (err && !ret)
			ret = err;
	}
	err = inode_write_dirty(s);
	if (err && !ret)
		ret = err;
	if (s->ops->sync) {
		err = s->ops->sync(s);
		if (err && !ret)
			ret = err;
	}
	return ret;
}

/* An unmount waits for who came in before it; who comes later is sent away.  The caller has a reference. */
static bool super_enter(struct super *s)
{
	__atomic_add_fetch(&s->stays, 1, __ATOMIC_SEQ_CST);
	return !(__atomic_load_n(&s->flags, __ATOMIC_SEQ_CST) & SUPER_DYING);
}

static void super_exit(struct super *s)
{
	if (!__atomic_sub_fetch(&s->stays, 1, __ATOMIC_SEQ_CST) && __atomic_load_n(&s->flags, __ATOMIC_SEQ_CST) & SUPER_DYING)
		waitq_wake_all(&s->left);
}

static void supers_each(void (*fn)(struct super *s))
{
	struct super *s, *prev = NULL;

	mutex_lock(&registry);
	list_for_each(s, &supers, link) {
		if (!ref_get_unless_zero(&s->refs))
			continue;
		mutex_unlock(&registry);
		if (super_enter(s))
			fn(s);
		super_exit(s);
		/* s keeps its place in the list until its reference goes: the walk can go on from it. */
		if (prev)
			super_put(prev);
		prev = s;
		mutex_lock(&registry);
	}
	mutex_unlock(&registry);
	if (prev)
		super_put(prev);
}

static void sync_one(struct super *s)
{
	(void)super_sync(s);	/* who syncs a file, or the file system, hears of errors */
}

void vfs_sync(void)
{
	supers_each(sync_one);
	supers_each(sync_one);	/* the first pass may have dirtied metadata */
}

static bool has_pages(const struct inode *i)
{
	return READ_ONCE(i->own_mapping.page_count) && !READ_ONCE(i->own_mapping.ops)->memory_only;
}

static void drop_pages(struct super *s)
{
	for (struct inode *i = NULL; (i = inode_next(s, i, has_pages)); )
		mapping_invalidate(&i->own_mapping, 0, UINT64_MAX);
}

/* Clean pages of every file, for /proc/sys/vm/drop_caches. */
void super_drop_pages(void)
{
	supers_each(drop_pages);
}

void super_retire(struct super *s)
{
	enum { PATIENCE_S = 5 };

	__atomic_fetch_or(&s->flags, SUPER_DYING, __ATOMIC_SEQ_CST);
	inode_evict_super(s);	/* whose users go from now on evict them */
	if (wait_event_until(&s->left, !__atomic_load_n(&s->stays, __ATOMIC_SEQ_CST) && !inode_super_busy(s),
			     hal_time_mono_ns() + PATIENCE_S * NSEC_PER_SEC))
		klog_warn("vfs: %s unmounted while inodes are in use", s->id);
}

int super_unmount(struct super *s)
{
	int ret = super_sync(s);
	struct dentry *root = s->root;

	notify_unmount(s);
	__atomic_fetch_or(&s->flags, SUPER_DYING, __ATOMIC_SEQ_CST);
	dcache_shrink_super(s);
	s->root = NULL;
	dentry_put(root);
	super_retire(s);
	if (s->ops && s->ops->put_super)
		s->ops->put_super(s);
	super_put(s);
	return ret;
}

struct super *super_find_device(struct blkdev *bdev)
{
	struct super *s, *found = NULL;

	mutex_lock(&registry);
	list_for_each(s, &supers, link)
		if (s->bdev == bdev && !(READ_ONCE(s->flags) & SUPER_DYING) && s->mounts > 0) {
			found = s;
			break;
		}
	mutex_unlock(&registry);
	return found;
}

struct super *super_find_number(kdev_t dev)
{
	struct super *s, *found = NULL;

	mutex_lock(&registry);
	list_for_each(s, &supers, link)
		if (s->dev == dev && !(READ_ONCE(s->flags) & SUPER_DYING) && ref_get_unless_zero(&s->refs)) {
			found = s;
			break;
		}
	mutex_unlock(&registry);
	if (found && !super_enter(found)) {
		super_leave(found);
		found = NULL;
	}
	return found;
}

void super_leave(struct super *s)
{
	super_exit(s);
	super_put(s);
}
