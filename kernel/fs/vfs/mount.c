/* SPDX-License-Identifier: MIT */
/*
 * The mount tree; mount(2) and umount2(2) are in mount_calls.c.
 *
 * A path is (mount, dentry); a mount covers (parent mount, mountpoint dentry).
 * Path walks find it in a hash under RCU; the tree changes under mount_mutex.
 * parent and mountpoint are read by walks of "..", which take mount_tree_lock.
 *
 * There is one mount name space, and no mount has peers: MS_SHARED is refused,
 * and MS_SLAVE changes nothing, as on Linux for a mount without peers.
 *
 * A mount is busy when its count is above the tree's own reference or when it
 * has children.  mount_mutex is taken with no inode locked.
 */
#include <kernel/block.h>
#include <kernel/errno.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include "vfs_internal.h"

enum { MOUNT_HASH = 512 };
struct mutex mount_mutex;
struct spinlock mount_tree_lock = SPINLOCK_INIT(MOUNT_TREE);
struct list_head mount_list = LIST_INIT(mount_list);
struct mount *root_mount;
static struct mount *mount_hash[MOUNT_HASH];
static int next_mount_id = 20;		/* [mount_mutex] */

void mount_init(void)
{
	mutex_init(&mount_mutex, LOCK_MOUNT);
}

static size_t mount_bucket(const struct mount *parent, const struct dentry *d)
{
	uint64_t h = (((uintptr_t)parent >> 6) + ((uintptr_t)d >> 5)) * 0x9e3779b97f4a7c15ull;

	return (h >> 32) % MOUNT_HASH;
}

void mount_get(struct mount *m) { ref_get(&m->refs); }

static void mount_free_rcu(struct rcu_head *h)
{
	struct mount *m = container_of(h, struct mount, rcu);

	kfree(m->source);
	kfree(m);
}

void super_pin(struct super *s)
{
	mutex_lock(&mount_mutex);
	s->mounts++;
	mutex_unlock(&mount_mutex);
}

void super_unpin(struct super *s)
{
	bool last;

	mutex_lock(&mount_mutex);
	last = --s->mounts == 0;
	mutex_unlock(&mount_mutex);
	if (last)
		(void)super_unmount(s);
}

/* The last path through a mount that is not in the tree is gone. */
static void mount_destroy(struct mount *m)
{
	struct super *s = m->super;

	dentry_put(m->root);
	super_unpin(s);
	rcu_call(&m->rcu, mount_free_rcu);
}

static void mount_destroy_work(struct work *w)
{
	mount_destroy(container_of(w, struct mount, work));
}

void mount_put_quietly(struct mount *m)
{
	if (!ref_put(&m->refs))
		return;
	/* Callers may hold any lock, mount_mutex too. */
	work_init(&m->work, mount_destroy_work);
	work_queue(&m->work);
}

void mount_put(struct mount *m)
{
	if (READ_ONCE(m->expiring))	/* it was in use */
		WRITE_ONCE(m->expiring, false);
	mount_put_quietly(m);
}

void path_get(const struct path *p)
{
	mount_get(p->mnt);
	dentry_get(p->dentry);
}

void path_put(struct path *p)
{
	if (p->dentry)
		dentry_put(p->dentry);
	if (p->mnt)
		mount_put(p->mnt);
	p->dentry = NULL;
	p->mnt = NULL;
}

struct mount *mount_find(const struct path *p)
{
	struct mount *m;

	if (!READ_ONCE(p->dentry->mounts))
		return NULL;
	rcu_read_lock();
	for (m = rcu_dereference(mount_hash[mount_bucket(p->mnt, p->dentry)]); m; m = rcu_dereference(m->hash_next))
		if (READ_ONCE(m->parent) == p->mnt && READ_ONCE(m->mountpoint) == p->dentry && ref_get_unless_zero(&m->refs))
			break;
	rcu_read_unlock();
	return m;
}

void path_cross_down(struct path *p)
{
	struct mount *m;

	while ((m = mount_find(p))) {
		struct dentry *root = dentry_get(m->root);

		path_put(p);
		p->mnt = m;
		p->dentry = root;
	}
}

bool path_up(struct path *p)
{
	struct path up;

	spin_lock(&mount_tree_lock);
	if (p->mnt->parent == p->mnt) {
		spin_unlock(&mount_tree_lock);
		return false;
	}
	up = (struct path){ .mnt = p->mnt->parent, .dentry = p->mnt->mountpoint };
	path_get(&up);
	spin_unlock(&mount_tree_lock);
	path_put(p);
	*p = up;
	return true;
}

bool mount_readonly(const struct mount *m)
{
	/* Not before the count of mount_want_write(): who makes it read-only writes the flag and then reads the count. */
	return (__atomic_load_n(&m->flags, __ATOMIC_SEQ_CST) | __atomic_load_n(&m->super->flags, __ATOMIC_SEQ_CST)) & MS_RDONLY;
}

int mount_want_write(struct mount *m)
{
	__atomic_add_fetch(&m->writers, 1, __ATOMIC_SEQ_CST);
	if (mount_readonly(m)) {
		mount_drop_write(m);
		return -EROFS;
	}
	return 0;
}

void mount_drop_write(struct mount *m)
{
	__atomic_sub_fetch(&m->writers, 1, __ATOMIC_SEQ_CST);
}

bool super_has_writers(struct super *s)
{
	struct mount *m;

	list_for_each(m, &mount_list, all_link)
		if (m->super == s && __atomic_load_n(&m->writers, __ATOMIC_SEQ_CST))
			return true;
	return false;
}

bool path_noexec(const struct path *p) { return READ_ONCE(p->mnt->flags) & MS_NOEXEC; }
bool path_nosuid(const struct path *p) { return READ_ONCE(p->mnt->flags) & MS_NOSUID; }

/* Takes the references on s (as one of its mounts) and root. */
struct mount *mount_alloc(struct super *s, struct dentry *root, const char *source, unsigned flags)
{
	struct mount *m = kzalloc(sizeof(*m), 0);

	if (!m)
		return NULL;
	m->source = kstrdup(source ? source : "none", 0);
	if (!m->source) {
		kfree(m);
		return NULL;
	}
	ref_init(&m->refs);
	m->super = s;
	m->root = dentry_get(root);
	m->parent = m;
	m->mountpoint = root;
	m->flags = flags & MOUNT_FLAGS;
	list_init(&m->children);
	list_init(&m->child_link);
	list_init(&m->all_link);
	s->mounts++;
	m->id = next_mount_id++;
	return m;
}

struct mount *mount_internal(struct super *s)
{
	struct mount *m;

	mutex_lock(&mount_mutex);
	m = mount_alloc(s, s->root, s->fs->name, 0);
	mutex_unlock(&mount_mutex);
	return m;
}

/* [mount_mutex] Into the tree at (parent, at); takes m's first reference as the tree's. */
void mount_attach(struct mount *m, struct mount *parent, struct dentry *at)
{
	size_t b = mount_bucket(parent, at);

	mount_get(parent);
	dentry_get(at);
	spin_lock(&mount_tree_lock);
	m->parent = parent;
	m->mountpoint = at;
	m->detached = false;
	at->mounts++;
	m->hash_next = mount_hash[b];
	rcu_assign(mount_hash[b], m);
	spin_unlock(&mount_tree_lock);
	list_add_tail(&m->child_link, &parent->children);
	if (list_empty(&m->all_link))
		list_add_tail(&m->all_link, &mount_list);
}

/* [mount_mutex] Out of the tree; the tree's reference on m is the caller's then. */
void mount_detach(struct mount *m)
{
	struct mount *parent = m->parent;
	struct dentry *at = m->mountpoint;
	struct mount **link = &mount_hash[mount_bucket(parent, at)];

	if (parent == m)
		return;
	spin_lock(&mount_tree_lock);
	while (*link && *link != m)
		link = &(*link)->hash_next;
	if (*link)
		rcu_assign(*link, m->hash_next);
	at->mounts--;
	m->parent = m;
	m->mountpoint = m->root;
	spin_unlock(&mount_tree_lock);
	list_del_init(&m->child_link);
	dentry_put(at);
	mount_put(parent);
}

struct mount *mount_lookup_child(struct mount *parent, struct dentry *at)
{
	struct mount *m;

	list_for_each(m, &parent->children, child_link)
		if (m->mountpoint == at)
			return m;
	return NULL;
}

/* Where a new mount goes: on top of what is mounted there already.  [mount_mutex] */
int mount_target_check(struct path *at, bool dir)
{
	path_cross_down(at);
	if (at->mnt->detached || d_unlinked(at->dentry))
		return -ENOENT;
	if (at->mnt->parent == at->mnt && at->mnt != root_mount)
		return -EINVAL;
	if (S_ISDIR(inode_mode(at->dentry->inode)) != dir)
		return -ENOTDIR;
	return 0;
}

/* The block device that a mount source names. */
static int source_device(const char *source, struct blkdev **out)
{
	struct path p;
	int err;

	if (!source || !*source)
		return -EINVAL;
	if (!root_mount) {
		*out = blkdev_find(source);
		return *out ? 0 : -ENOENT;
	}
	err = path_lookup(AT_FDCWD, source, LOOKUP_FOLLOW, &p);
	if (err) {
		*out = source[0] != '/' ? blkdev_find(source) : NULL;
		return *out ? 0 : err;
	}
	if (!S_ISBLK(inode_mode(p.dentry->inode)))
		err = -ENOTBLK;
	else if (READ_ONCE(p.mnt->flags) & MS_NODEV)
		err = -EACCES;
	else if (!(*out = blkdev_find_dev(p.dentry->inode->rdev)))
		err = -ENXIO;
	path_put(&p);
	return err;
}

/* A mount of a new or shared super, in no tree yet. */
int mount_make(const char *source, const char *type, unsigned flags, const char *data, struct mount **out)
{
	const struct filesystem *fs = type ? filesystem_find(type) : NULL;
	struct blkdev *bdev = NULL;
	struct super *s = NULL;
	struct mount *m;
	int err;

	if (!type)
		return -EINVAL;
	if (!fs)
		return -ENODEV;
	if (fs->needs_device) {
		err = source_device(source, &bdev);
		if (err)
			return err;
	}
	mutex_lock(&mount_mutex);
	if (bdev)
		s = super_find_device(bdev);
	if (s) {
		/* A second mount of the same device sees the same file system; it cannot differ in being read-only. */
		if (s->fs != fs || ((s->flags ^ flags) & MS_RDONLY)) {
			mutex_unlock(&mount_mutex);
			return -EBUSY;
		}
	} else {
		mutex_unlock(&mount_mutex);
		err = fs->mount(fs, bdev ? bdev->name : source, flags & (MS_RDONLY | MS_SYNCHRONOUS | MS_DIRSYNC | MS_SILENT), data, &s);
		if (err)
			return err;
		mutex_lock(&mount_mutex);
		/* One that there is only once (devpts) is not changed by another mount of it. */
		if (!s->mounts) {
			s->flags |= flags & (MS_RDONLY | MS_SYNCHRONOUS | MS_DIRSYNC | MS_MANDLOCK | MS_LAZYTIME);
			strlcpy(s->id, source ? source : "none", sizeof(s->id));
		}
	}
	m = mount_alloc(s, s->root, source, flags);
	mutex_unlock(&mount_mutex);
	if (!m) {
		if (!s->mounts)
			(void)super_unmount(s);
		return -ENOMEM;
	}
	*out = m;
	return 0;
}

/* Default of mount(2): relatime unless told otherwise. */
unsigned mount_atime(unsigned flags)
{
	if (flags & MS_NOATIME)
		flags &= ~(unsigned)MS_RELATIME;
	else if (!(flags & MS_STRICTATIME))
		flags |= MS_RELATIME;
	return flags;
}

/* [mount_mutex] A copy of the mounts below `from` that are under `dir`, hung below `to`. */
int mount_copy_children(struct mount *from, struct dentry *dir, struct mount *to)
{
	struct mount *c;

	list_for_each(c, &from->children, child_link) {
		struct mount *n;
		int err;

		if (!d_is_ancestor(dir, c->mountpoint) || c->unbindable)
			continue;
		n = mount_alloc(c->super, c->root, c->source, c->flags);
		if (!n)
			return -ENOMEM;
		mount_attach(n, to, c->mountpoint);
		err = mount_copy_children(c, c->root, n);
		if (err)
			return err;
	}
	return 0;
}

/* [mount_mutex] Takes m and everything below out of the tree. */
void mount_detach_tree(struct mount *m)
{
	while (!list_empty(&m->children))
		mount_detach_tree(list_first(&m->children, struct mount, child_link));
	mount_detach(m);
	m->detached = true;
	if (!list_empty(&m->all_link))
		list_del_init(&m->all_link);
	mount_put(m);
}

int mount_clone(const struct path *from, bool recursive, struct mount **out)
{
	struct mount *m;
	int err = 0;

	if (from->mnt->detached || from->mnt->unbindable || (from->mnt->parent == from->mnt && from->mnt != root_mount))
		return -EINVAL;
	m = mount_alloc(from->mnt->super, from->dentry, from->mnt->source, from->mnt->flags);
	if (!m)
		return -ENOMEM;
	if (recursive)
		err = mount_copy_children(from->mnt, from->dentry, m);
	if (err)
		mount_detach_tree(m);
	else
		*out = m;
	return err;
}

int mount_move_path(const struct path *from, struct path *at)
{
	struct mount *m = from->mnt, *up;
	int err = mount_target_check(at, S_ISDIR(inode_mode(from->dentry->inode)));

	if (err == -ENOTDIR)
		err = -EINVAL;
	if (!err && (from->dentry != m->root || m->detached || m == root_mount))
		err = -EINVAL;
	for (up = at->mnt; !err; up = up->parent) {
		if (up == m)
			err = -ELOOP;
		if (up->parent == up)
			break;
	}
	if (!err) {
		mount_detach(m);
		/* A walk that has just left the old chain must not find m half way to the new one. */
		rcu_synchronize();
		mount_attach(m, at->mnt, at->dentry);
	}
	return err;
}

/* [mount_mutex] Make the whole super read-only or writable, and what else flags say of it. */
int super_remount(struct super *s, unsigned flags, const char *data)
{
	const unsigned settable = MS_RDONLY | MS_SYNCHRONOUS | MS_DIRSYNC | MS_MANDLOCK | MS_LAZYTIME;
	bool ro = flags & MS_RDONLY, was = s->flags & MS_RDONLY;
	int err = 0;

	if (s->bdev && s->bdev->read_only && !ro)
		return -EACCES;
	if (ro && !was) {
		__atomic_fetch_or(&s->flags, MS_RDONLY, __ATOMIC_SEQ_CST);
		if (super_has_writers(s)) {
			__atomic_fetch_and(&s->flags, ~(unsigned)MS_RDONLY, __ATOMIC_SEQ_CST);
			return -EBUSY;
		}
		__atomic_fetch_and(&s->flags, ~(unsigned)MS_RDONLY, __ATOMIC_SEQ_CST);
		err = super_sync(s, true);
		__atomic_fetch_or(&s->flags, MS_RDONLY, __ATOMIC_SEQ_CST);
	}
	if (!err && s->ops && s->ops->remount)
		err = s->ops->remount(s, flags, data);
	if (err) {
		if (ro && !was)
			__atomic_fetch_and(&s->flags, ~(unsigned)MS_RDONLY, __ATOMIC_SEQ_CST);
		return err;
	}
	__atomic_fetch_or(&s->flags, flags & settable, __ATOMIC_SEQ_CST);
	__atomic_fetch_and(&s->flags, flags | ~settable, __ATOMIC_SEQ_CST);
	return 0;
}
