/* SPDX-License-Identifier: MIT */
/*
 * The mount tree; mount(2) and umount2(2) are in mount_calls.c, name spaces in
 * mount_ns.c, and who hears of a change in mount_propagation.c.
 *
 * A path is (mount, dentry); a mount covers (parent mount, mountpoint dentry),
 * and there is at most one for each such place: another goes on top of it.
 * Path walks find it in a hash under RCU, and look again, with mount_tree_lock,
 * if mount_seq says that the hash changed meanwhile: a mount that is moved is
 * never nowhere.  The tree changes under mount_mutex.  parent and mountpoint
 * are read by walks of "..", which take mount_tree_lock.
 *
 * A mount is busy when its count is above the tree's own reference or when it
 * has children.  mount_mutex is taken with no inode locked.
 */
#include <kernel/block.h>
#include <kernel/errno.h>
#include <kernel/print.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include "vfs_internal.h"

enum { MOUNT_HASH = 512 };
struct mutex mount_mutex;
struct spinlock mount_tree_lock = SPINLOCK_INIT(MOUNT_TREE);
static struct mount *mount_hash[MOUNT_HASH];	/* [mount_tree_lock] by parent and mountpoint */
static struct mount *mount_at[MOUNT_HASH];	/* [mount_tree_lock] by mountpoint */
static uint32_t mount_seq;		/* [a] odd: the hash is being changed, under mount_tree_lock */
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
	mutex_lock(&mount_mutex);
	list_del(&m->super_link);
	mutex_unlock(&mount_mutex);
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
	mount_used(m);
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

static struct mount *find_in_hash(const struct path *p, bool take)
{
	struct mount *m;

	for (m = rcu_dereference(mount_hash[mount_bucket(p->mnt, p->dentry)]); m; m = rcu_dereference(m->hash_next))
		if (READ_ONCE(m->parent) == p->mnt && READ_ONCE(m->mountpoint) == p->dentry && (!take || ref_get_unless_zero(&m->refs)))
			return m;
	return NULL;
}

/* Was it the same tree from `seq` on? */
static bool tree_stood(uint32_t seq)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return likely(!(seq & 1) && __atomic_load_n(&mount_seq, __ATOMIC_RELAXED) == seq);
}

struct mount *mount_peek(const struct path *p, bool *sure)
{
	uint32_t seq = __atomic_load_n(&mount_seq, __ATOMIC_ACQUIRE);
	struct mount *m = READ_ONCE(p->dentry->mounts) ? find_in_hash(p, false) : NULL;

	*sure = tree_stood(seq);
	return *sure ? m : NULL;
}

struct mount *mount_find(const struct path *p)
{
	struct mount *m;
	uint32_t seq;

	if (!READ_ONCE(p->dentry->mounts))
		return NULL;
	seq = __atomic_load_n(&mount_seq, __ATOMIC_ACQUIRE);
	rcu_read_lock();
	m = find_in_hash(p, true);
	if (!tree_stood(seq)) {
		struct mount *first = m;

		spin_lock(&mount_tree_lock);
		m = find_in_hash(p, true);
		spin_unlock(&mount_tree_lock);
		if (first)
			mount_put_quietly(first);
	}
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

static bool has_flag(const struct mount *m, unsigned flags)
{
	/* Not before the count of mount_want_write(): who makes it read-only writes the flag and then reads the count. */
	return (__atomic_load_n(&m->flags, __ATOMIC_SEQ_CST) | __atomic_load_n(&m->super->flags, __ATOMIC_SEQ_CST)) & flags;
}

bool mount_readonly(const struct mount *m) { return has_flag(m, MS_RDONLY); }

int mount_want_write(struct mount *m)
{
	__atomic_add_fetch(&m->writers, 1, __ATOMIC_SEQ_CST);
	if (has_flag(m, MS_RDONLY | SUPER_TURNING_RO)) {
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

	list_for_each(m, &s->mount_links, super_link)
		if (__atomic_load_n(&m->writers, __ATOMIC_SEQ_CST))
			return true;
	return false;
}

bool path_noexec(const struct path *p) { return READ_ONCE(p->mnt->flags) & MS_NOEXEC || READ_ONCE(p->mnt->super->flags) & SUPER_NOEXEC; }
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
	list_init(&m->ns_link);
	list_init(&m->peers);
	list_init(&m->slaves);
	list_init(&m->slave_link);
	list_add_tail(&m->super_link, &s->mount_links);
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

struct mount *mount_pseudo(const struct filesystem *fs, const struct super_ops *ops)
{
	struct super *s = super_alloc(fs);
	struct inode *i = s ? inode_new(s, 0) : NULL;
	struct mount *m;

	BUG_ON(!i);
	s->ops = ops;
	s->flags = SUPER_NOEXEC;
	i->mode = S_IFDIR | 0700;
	s->root = d_make_root(i);
	BUG_ON(!s->root);
	m = mount_internal(s);
	BUG_ON(!m);
	return m;
}

static void hash_change_begin(void) ACQUIRES(&mount_tree_lock)
{
	spin_lock(&mount_tree_lock);
	__atomic_store_n(&mount_seq, mount_seq + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

static void hash_change_end(void) RELEASES(&mount_tree_lock)
{
	__atomic_store_n(&mount_seq, mount_seq + 1, __ATOMIC_RELEASE);
	spin_unlock(&mount_tree_lock);
}

static void hash_add(struct mount *m, struct mount *parent, struct dentry *at) REQUIRES(&mount_tree_lock)
{
	struct mount **head = &mount_hash[mount_bucket(parent, at)];

	WRITE_ONCE(m->parent, parent);	/* look-ups may have found it where it was */
	WRITE_ONCE(m->mountpoint, at);
	WRITE_ONCE(at->mounts, at->mounts + 1);
	WRITE_ONCE(m->hash_next, *head);
	rcu_assign(*head, m);
	head = &mount_at[mount_bucket(NULL, at)];
	m->at_next = *head;
	*head = m;
}

static void hash_del(struct mount *m) REQUIRES(&mount_tree_lock)
{
	struct mount **link = &mount_hash[mount_bucket(m->parent, m->mountpoint)];

	while (*link != m)
		link = &(*link)->hash_next;
	rcu_assign(*link, m->hash_next);
	for (link = &mount_at[mount_bucket(NULL, m->mountpoint)]; *link != m;)
		link = &(*link)->at_next;
	*link = m->at_next;
	WRITE_ONCE(m->mountpoint->mounts, m->mountpoint->mounts - 1);
}

static struct mount *first_at(const struct dentry *d) REQUIRES(&mount_tree_lock)
{
	struct mount *m;

	for (m = mount_at[mount_bucket(NULL, d)]; m && m->mountpoint != d;)
		m = m->at_next;
	return m;
}

bool mount_point_here(const struct dentry *d)
{
	const struct mount_ns *ns = mount_ns_current();
	struct mount *m;

	if (!READ_ONCE(d->mounts))
		return false;
	spin_lock(&mount_tree_lock);
	for (m = first_at(d); m; m = m->at_next)
		if (m->mountpoint == d && READ_ONCE(m->ns) == ns)
			break;
	spin_unlock(&mount_tree_lock);
	return m;
}

bool mount_point_pin(struct dentry *at)
{
	spin_lock(&mount_tree_lock);
	WRITE_ONCE(at->mounts, at->mounts + 1);	/* walks look without the lock */
	spin_unlock(&mount_tree_lock);
	/* Who removes the name drops it from the cache and then looks whether something is mounted there. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!d_unlinked(at))
		return true;
	mount_point_unpin(at);
	return false;
}

void mount_point_unpin(struct dentry *at)
{
	spin_lock(&mount_tree_lock);
	WRITE_ONCE(at->mounts, at->mounts - 1);
	spin_unlock(&mount_tree_lock);
}

void mount_point_gone(struct dentry *d)
{
	struct mount *m;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!READ_ONCE(d->mounts))
		return;
	mutex_lock(&mount_mutex);
	for (;;) {
		spin_lock(&mount_tree_lock);
		m = first_at(d);
		spin_unlock(&mount_tree_lock);
		if (!m)
			break;
		mount_take_out(m, false);
	}
	mutex_unlock(&mount_mutex);
}

struct mount *mount_child(const struct mount *parent, const struct dentry *at)
{
	struct mount *m;

	for (m = mount_hash[mount_bucket(parent, at)]; m; m = m->hash_next)
		if (m->parent == parent && m->mountpoint == at)
			break;
	return m;
}

bool mount_shows(const struct dentry *root, struct dentry *d)
{
	bool yes;

	mutex_lock(&d->super->rename_lock);
	yes = d_is_ancestor(root, d);
	mutex_unlock(&d->super->rename_lock);
	return yes;
}

struct mount *mount_next_beside(struct mount *m, const struct mount *top)
{
	while (m != top) {
		if (m->child_link.next != &m->parent->children)
			return list_entry(m->child_link.next, struct mount, child_link);
		m = m->parent;
	}
	return NULL;
}

struct mount *mount_next(struct mount *m, const struct mount *top)
{
	return list_empty(&m->children) ? mount_next_beside(m, top) : list_first(&m->children, struct mount, child_link);
}

/* The references and the list that go with m's being at (parent, at) instead of where it was, if it was anywhere. */
static void settle(struct mount *m, struct mount *parent, struct mount *old_parent, struct dentry *old_at)
{
	if (old_parent != m) {
		list_del(&m->child_link);
		dentry_put(old_at);
		mount_put_quietly(old_parent);
	}
	list_add_tail(&m->child_link, &parent->children);
}

void mount_attach(struct mount *m, struct mount *parent, struct dentry *at)
{
	struct mount *over = mount_child(parent, at), *top = m, *up;

	mount_get(parent);
	dentry_get(at);
	if (over) {
		while ((up = mount_child(top, top->root)))
			top = up;
		mount_get(top);
		dentry_get(top->root);
	}
	hash_change_begin();
	if (over)
		hash_del(over);
	hash_add(m, parent, at);
	if (over)
		hash_add(over, top, top->root);
	hash_change_end();
	settle(m, parent, m, NULL);
	if (over)
		settle(over, top, parent, at);
}

void mount_change_parent(struct mount *m, struct mount *parent, struct dentry *at)
{
	struct mount *old = m->parent;
	struct dentry *old_at = m->mountpoint;

	mount_get(parent);
	dentry_get(at);
	hash_change_begin();
	if (old != m)
		hash_del(m);
	hash_add(m, parent, at);
	hash_change_end();
	settle(m, parent, old, old_at);
}

void mount_detach(struct mount *m)
{
	struct mount *parent = m->parent;
	struct dentry *at = m->mountpoint;

	if (parent == m)
		return;
	hash_change_begin();
	hash_del(m);
	WRITE_ONCE(m->parent, m);	/* a look-up may stand on it */
	WRITE_ONCE(m->mountpoint, m->root);
	hash_change_end();
	list_del_init(&m->child_link);
	dentry_put(at);
	mount_put(parent);
}

/* Where a new mount goes: on top of what is mounted there already.  [mount_mutex] */
int mount_target_check(struct path *at, bool dir)
{
	path_cross_down(at);
	if (!at->mnt->ns || d_unlinked(at->dentry))
		return -ENOENT;
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
	if (!mount_ns_current()) {
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
	bool unused;
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
		if (s->fs != fs || ((READ_ONCE(s->flags) ^ flags) & MS_RDONLY)) {
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
			__atomic_fetch_or(&s->flags, flags & (MS_RDONLY | MS_SYNCHRONOUS | MS_DIRSYNC | MS_MANDLOCK | MS_LAZYTIME), __ATOMIC_RELAXED);
			strlcpy(s->id, source ? source : "none", sizeof(s->id));
		}
	}
	m = mount_alloc(s, s->root, source, flags);
	unused = !s->mounts;
	mutex_unlock(&mount_mutex);
	if (!m) {
		if (unused)
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

int mount_clone(const struct path *from, bool recursive, struct mount **out)
{
	struct mount *m = from->mnt;

	if ((!mount_is_ours_or_loose(m) && !nsfs_dentry_ns(from->dentry)) || m->unbindable)
		return -EINVAL;
	if (recursive)
		return mount_copy_tree(m, from->dentry, COPY_NS_FILES, out);
	*out = mount_copy(m, from->dentry, COPY_AS_IT_IS);
	return *out ? 0 : -ENOMEM;
}

int mount_move_path(const struct path *from, struct path *at)
{
	struct mount *m = from->mnt, *up;
	int err = mount_target_check(at, S_ISDIR(inode_mode(from->dentry->inode)));

	if (err == -ENOTDIR)
		err = -EINVAL;
	if (!err && (from->dentry != m->root || !m->ns))
		err = -EINVAL;
	if (!err && mount_is_ours(m)) {
		/* Out of a shared mount nothing is moved: its peers would have to know. */
		if (m->parent == m || m->parent->shared || !mount_is_ours(at->mnt))
			err = -EINVAL;
	} else if (!err && (!m->ns->anonymous || m->parent != m || m->ns == at->mnt->ns || !mount_is_ours_or_loose(at->mnt))) {
		err = -EINVAL;
	}
	if (!err && at->mnt->shared && mount_tree_unbindable(m))
		err = -EINVAL;
	if (!err && mount_tree_loops(m))
		err = -ELOOP;
	for (up = at->mnt; !err; up = up->parent) {
		if (up == m)
			err = -ELOOP;
		if (up->parent == up)
			break;
	}
	return err ? err : mount_graft(m, at->mnt, at->dentry);
}

/* [mount_mutex] Is there a file that is to be freed when it is closed?  Freeing it would be writing. */
static bool super_has_nameless(struct super *s)
{
	struct inode *i;
	bool found = false;

	spin_lock(&s->inodes_lock);
	list_for_each(i, &s->inodes, super_link)
		found |= !(load_acquire(&i->state) & ISTATE_NEW) && READ_ONCE(i->nlink) == 0;
	spin_unlock(&s->inodes_lock);
	return found;
}

/*
 * [mount_mutex] Make the whole super read-only or writable, and what else flags say of it.  On the way to read-only there are no new
 * writers, but what there is goes to the disk as ever: the super is not read-only before all is there.
 */
int super_remount(struct super *s, unsigned flags, const char *data)
{
	const unsigned settable = MS_RDONLY | MS_SYNCHRONOUS | MS_DIRSYNC | MS_MANDLOCK | MS_LAZYTIME;
	bool turn = flags & MS_RDONLY && !(READ_ONCE(s->flags) & MS_RDONLY);
	int err = 0;

	if (s->bdev && s->bdev->read_only && !(flags & MS_RDONLY))
		return -EACCES;
	if (turn) {
		__atomic_fetch_or(&s->flags, SUPER_TURNING_RO, __ATOMIC_SEQ_CST);
		err = super_has_writers(s) || super_has_nameless(s) ? -EBUSY : super_sync(s);
	}
	if (!err && s->ops && s->ops->remount)
		err = s->ops->remount(s, flags, data);
	if (!err) {
		__atomic_fetch_or(&s->flags, flags & settable, __ATOMIC_SEQ_CST);
		__atomic_fetch_and(&s->flags, flags | ~settable, __ATOMIC_SEQ_CST);
	}
	if (turn)
		__atomic_fetch_and(&s->flags, ~(unsigned)SUPER_TURNING_RO, __ATOMIC_SEQ_CST);
	return err;
}
