/* SPDX-License-Identifier: MIT */
/*
 * The mount tree.
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
#include <kernel/print.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/uaccess.h>
#include "syscall/syscall_impl.h"
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

/* Without a trace in `expiring'. */
static void mount_put_quietly(struct mount *m)
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

static int mount_new(const char *source, struct path *at, const char *type, unsigned flags, const char *data)
{
	struct mount *m;
	int err = mount_make(source, type, mount_atime(flags), data, &m);

	if (err)
		return err;
	mutex_lock(&mount_mutex);
	err = mount_target_check(at, S_ISDIR(inode_mode(m->root->inode)));
	/* The same file system twice at one place. */
	if (!err && at->mnt->super == m->super && at->mnt->root == at->dentry)
		err = -EBUSY;
	if (!err)
		mount_attach(m, at->mnt, at->dentry);
	mutex_unlock(&mount_mutex);
	if (err)
		mount_put(m);
	return err;
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

static int mount_bind(const char *source, struct path *at, unsigned flags)
{
	struct path from;
	struct mount *m;
	int err;

	if (!source || !*source)
		return -EINVAL;
	err = path_lookup(AT_FDCWD, source, LOOKUP_FOLLOW, &from);
	if (err)
		return err;
	mutex_lock(&mount_mutex);
	err = mount_target_check(at, S_ISDIR(inode_mode(from.dentry->inode)));
	/* The copy is complete before it is hung in: it may be below what is copied. */
	if (!err)
		err = mount_clone(&from, flags & MS_REC, &m);
	if (!err)
		mount_attach(m, at->mnt, at->dentry);
	mutex_unlock(&mount_mutex);
	path_put(&from);
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

static int mount_move(const char *source, struct path *at)
{
	struct path from;
	int err;

	if (!source || !*source)
		return -EINVAL;
	err = path_lookup(AT_FDCWD, source, LOOKUP_FOLLOW, &from);
	if (err)
		return err;
	mutex_lock(&mount_mutex);
	err = from.mnt->parent == from.mnt ? -EINVAL : mount_move_path(&from, at);
	mutex_unlock(&mount_mutex);
	path_put(&from);
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

static int mount_remount(struct path *at, unsigned flags, const char *data)
{
	struct mount *m = at->mnt;
	int err = 0;

	if (at->dentry != m->root)
		return -EINVAL;
	mutex_lock(&mount_mutex);
	if (m->detached)
		err = -EINVAL;
	if (!(flags & (MS_NOATIME | MS_NODIRATIME | MS_RELATIME | MS_STRICTATIME)))
		flags |= m->flags & (MS_NOATIME | MS_NODIRATIME | MS_RELATIME);
	else
		flags = mount_atime(flags);
	if (!err && !(flags & MS_BIND))	/* which MS_DIRSYNC is not for */
		err = super_remount(m->super, (flags & ~(unsigned)MS_DIRSYNC) | (m->super->flags & MS_DIRSYNC), data);
	if (!err && (flags & MS_BIND) && (flags & MS_RDONLY) && !(m->flags & MS_RDONLY)) {
		__atomic_fetch_or(&m->flags, MS_RDONLY, __ATOMIC_SEQ_CST);
		if (__atomic_load_n(&m->writers, __ATOMIC_SEQ_CST)) {
			__atomic_fetch_and(&m->flags, ~(unsigned)MS_RDONLY, __ATOMIC_SEQ_CST);
			err = -EBUSY;
		}
	}
	if (!err)
		__atomic_store_n(&m->flags, flags & MOUNT_FLAGS, __ATOMIC_SEQ_CST);
	mutex_unlock(&mount_mutex);
	return err;
}

static int mount_change_type(const struct path *at, unsigned flags)
{
	int err;

	if (at->dentry != at->mnt->root || (flags & ~(MS_PROPAGATION | MS_REC | MS_SILENT)))
		return -EINVAL;
	mutex_lock(&mount_mutex);
	err = mount_set_propagation(at->mnt, flags & MS_REC, flags & MS_PROPAGATION);
	mutex_unlock(&mount_mutex);
	return err;
}

/* mount(2) with everything in kernel memory; `at` is consumed. */
static int do_mount(const char *source, struct path *at, const char *type, unsigned flags, const char *data)
{
	int err;

	/* Discard magic. */
	if ((flags & 0xffff0000u) == 0xc0ed0000u)
		flags &= 0xffff;
	if (flags & MS_NOUSER)
		err = -EINVAL;
	else if (flags & MS_REMOUNT)
		err = mount_remount(at, flags, data);
	else if (flags & MS_BIND)
		err = mount_bind(source, at, flags);
	else if (flags & MS_PROPAGATION)
		err = mount_change_type(at, flags);
	else if (flags & MS_MOVE)
		err = mount_move(source, at);
	else
		err = mount_new(source, at, type, flags, data);
	path_put(at);
	return err;
}

int vfs_mount(const char *source, const char *target, const char *fstype, unsigned flags, const char *data)
{
	struct path at;
	int err = path_lookup(AT_FDCWD, target, LOOKUP_FOLLOW, &at);

	return err ? err : do_mount(source, &at, fstype, flags, data);
}

int vfs_mount_root(const char *source, const char *fstype, unsigned flags)
{
	struct fs_context *c = &init_fs_context;
	struct mount *m;
	int err = mount_make(source, fstype, mount_atime(flags), NULL, &m);

	if (err)
		return err;
	mutex_lock(&mount_mutex);
	root_mount = m;
	list_add(&m->all_link, &mount_list);
	mutex_unlock(&mount_mutex);
	c->root = (struct path){ .mnt = m, .dentry = m->root };
	c->cwd = c->root;
	path_get(&c->root);
	path_get(&c->cwd);
	return 0;
}

/* [mount_mutex] MNT_EXPIRE: 0 when it was asked before and nobody has used the mount since; -EBUSY, -EAGAIN. */
static int umount_expired(struct mount *m, unsigned flags)
{
	if (m == current->fs->root.mnt || (flags & (MNT_FORCE | MNT_DETACH)))
		return -EINVAL;
	if (ref_read(&m->refs) > 2)
		return -EBUSY;
	return __atomic_exchange_n(&m->expiring, true, __ATOMIC_RELAXED) ? 0 : -EAGAIN;
}

static int do_umount(struct path *p, unsigned flags)
{
	struct mount *m = p->mnt;
	int err = 0;

	mutex_lock(&mount_mutex);
	if (m->detached || (m->parent == m && m != root_mount)) {
		err = -EINVAL;
	} else if (flags & MNT_EXPIRE && (err = umount_expired(m, flags))) {
		;
	} else if (m == current->fs->root.mnt && !(flags & MNT_DETACH)) {
		/* The root cannot go; asked to, it becomes read-only. */
		err = super_remount(m->super, m->super->flags | MS_RDONLY, NULL);
	} else if (m == root_mount) {
		err = -EINVAL;
	} else if (flags & MNT_DETACH) {
		mount_detach_tree(m);
	} else if (!list_empty(&m->children) || ref_read(&m->refs) > 2) {	/* the tree's and p's */
		err = -EBUSY;
	} else {
		struct super *s = m->super;

		/* A walk may have found it since: then it is a lazy unmount of something that nobody had open. */
		mount_detach_tree(m);
		if (s->mounts == 1) {
			mutex_unlock(&mount_mutex);
			(void)super_sync(s, true);
			path_put(p);
			work_flush();	/* the super is gone when umount returns */
			return 0;
		}
	}
	mutex_unlock(&mount_mutex);
	dentry_put(p->dentry);
	mount_put_quietly(m);
	return err;
}

long sys_umount2(uaddr_t name, unsigned flags)
{
	unsigned look = flags & UMOUNT_NOFOLLOW ? 0 : LOOKUP_FOLLOW;
	struct path p;
	int err;

	if (flags & ~(unsigned)(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW))
		return -EINVAL;
	err = path_lookup_user(AT_FDCWD, name, look, &p);
	if (err)
		return err;
	if (!capable(CAP_SYS_ADMIN))
		err = -EPERM;
	else if (p.dentry != p.mnt->root)
		err = -EINVAL;
	else
		return do_umount(&p, flags);
	path_put(&p);
	return err;
}

/* A string argument that may be absent. */
static int optional_string(uaddr_t u, size_t max, char **out)
{
	int64_t n;

	*out = NULL;
	if (!u)
		return 0;
	*out = kmalloc(max, 0);
	if (!*out)
		return -ENOMEM;
	n = strncpy_from_user(*out, u, max);
	if (n >= 0 && (size_t)n < max)
		return 0;
	kfree(*out);
	*out = NULL;
	return n < 0 ? (int)n : -EINVAL;
}

long sys_mount(uaddr_t source, uaddr_t target, uaddr_t type, uint64_t flags, uaddr_t data)
{
	char *ksource = NULL, *ktype = NULL, *kdata = NULL;
	struct path at;
	int err = optional_string(type, PAGE_SIZE, &ktype);

	if (!err)
		err = optional_string(source, PATH_MAX, &ksource);
	if (!err && data) {
		kdata = kzalloc(PAGE_SIZE, 0);
		if (!kdata)
			err = -ENOMEM;
		else if (!copy_from_user_partial(kdata, data, PAGE_SIZE - 1))
			err = -EFAULT;
	}
	if (!err)
		err = path_lookup_user(AT_FDCWD, target, LOOKUP_FOLLOW, &at);
	if (!err && !capable(CAP_SYS_ADMIN)) {
		path_put(&at);
		err = -EPERM;
	}
	if (!err)
		err = do_mount(ksource, &at, ktype, (unsigned)flags, kdata);
	kfree(ksource);
	kfree(ktype);
	kfree(kdata);
	return err;
}
