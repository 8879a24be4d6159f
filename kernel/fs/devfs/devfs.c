/* SPDX-License-Identifier: MIT */
/*
 * devfs: the device nodes that drivers announce, mounted on /dev at boot.
 *
 * One tmpfs for the whole system, so that a program may make nodes, links and
 * directories of its own there.  Nodes announced before it exists wait in a list.
 */
#include <kernel/errno.h>
#include <kernel/print.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include "fs/devfs/devfs.h"
#include "fs/tmpfs/tmpfs.h"

struct early_node { struct early_node *next; uint32_t mode; kdev_t dev; char name[]; };
static struct spinlock early_lock = SPINLOCK_INIT(FILE);
static struct early_node *early;	/* [early_lock] */
static struct super *devfs;

static int add_name(struct dentry *dir, const char *name, unsigned len, uint32_t mode, kdev_t dev, const char *target)
{
	struct qstr q = { .name = name, .len = len, .hash = qstr_hash(name, len) };
	struct inode *i = dir->inode;
	struct dentry *d;
	int err;

	rwsem_write_lock(&i->lock);
	err = dir_lookup_locked(dir, &q, &d);
	if (!err) {
		if (!d_negative(d))
			err = -EEXIST;
		else if (target)
			err = i->ops->symlink(i, d, target);
		else if (S_ISDIR(mode))
			err = i->ops->mkdir(i, d, mode);
		else
			err = i->ops->mknod(i, d, mode, dev);
		if (!err && !target) {
			WRITE_ONCE(d->inode->mode, mode);	/* no file-creation mask here */
			WRITE_ONCE(d->inode->uid, 0);
			WRITE_ONCE(d->inode->gid, 0);
		}
		if (!err)
			notify_name(i, q.name, q.len, IN_CREATE, 0, S_ISDIR(mode));
		dentry_put(d);
	}
	rwsem_write_unlock(&i->lock);
	return err;
}

/* The directory of "input/event0", made if need be; *base: the last component.  Referenced. */
static int walk_dirs(const char *name, bool make, struct dentry **dir, const char **base)
{
	struct dentry *d = dentry_get(devfs->root);

	for (;;) {
		const char *slash = strchr(name, '/');
		struct qstr q;
		struct dentry *child;
		int err;

		if (!slash) {
			*dir = d;
			*base = name;
			return 0;
		}
		q = (struct qstr){ .name = name, .len = (unsigned)(slash - name), .hash = qstr_hash(name, (unsigned)(slash - name)) };
		if (make)
			(void)add_name(d, q.name, q.len, S_IFDIR | 0755, 0, NULL);
		rwsem_read_lock(&d->inode->lock);
		err = dir_lookup_locked(d, &q, &child);
		rwsem_read_unlock(&d->inode->lock);
		dentry_put(d);
		if (err)
			return err;
		d = child;
		if (d_negative(d) || !S_ISDIR(inode_mode(d->inode))) {
			dentry_put(d);
			return -ENOENT;
		}
		name = slash + 1;
	}
}

static int add_path(const char *name, uint32_t mode, kdev_t dev, const char *target)
{
	struct dentry *dir;
	const char *base;
	int err = walk_dirs(name, true, &dir, &base);

	if (err)
		return err;
	err = add_name(dir, base, (unsigned)strlen(base), mode, dev, target);
	dentry_put(dir);
	return err;
}

int devfs_add(const char *name, uint32_t mode, kdev_t dev)
{
	struct early_node *n;
	size_t len = strlen(name) + 1;

	if (!(mode & S_IFMT))
		mode |= S_IFCHR;
	if (load_acquire(&devfs))
		return add_path(name, mode, dev, NULL);
	n = kmalloc(sizeof(*n) + len, 0);
	if (!n)
		return -ENOMEM;
	n->mode = mode;
	n->dev = dev;
	memcpy(n->name, name, len);
	spin_lock(&early_lock);
	n->next = early;
	early = n;
	spin_unlock(&early_lock);
	return 0;
}

void devfs_remove(const char *name)
{
	struct dentry *dir, *d;
	struct qstr q;
	const char *base;
	struct inode *i;

	if (!devfs || walk_dirs(name, false, &dir, &base))
		return;
	q = (struct qstr){ .name = base, .len = (unsigned)strlen(base), .hash = qstr_hash(base, (unsigned)strlen(base)) };
	i = dir->inode;
	rwsem_write_lock(&i->lock);
	if (!dir_lookup_locked(dir, &q, &d)) {
		if (!d_negative(d) && !S_ISDIR(inode_mode(d->inode)) && !tmpfs_unlink(i, d)) {
			d_drop(d);
			notify_name(i, q.name, q.len, IN_DELETE, 0, false);
		}
		dentry_put(d);
	}
	rwsem_write_unlock(&i->lock);
	dentry_put(dir);
}

static int devfs_mount(const struct filesystem *fs, const char *source, unsigned flags, const char *data, struct super **out)
{
	*out = devfs;
	return 0;
}
static struct filesystem devfs_type = { .name = "devfs", .mount = devfs_mount };
static struct filesystem devtmpfs_type = { .name = "devtmpfs", .mount = devfs_mount };

void devfs_init(void)
{
	static const struct { const char *name, *target; } links[] = {
		{ "fd", "/proc/self/fd" }, { "stdin", "/proc/self/fd/0" }, { "stdout", "/proc/self/fd/1" }, { "stderr", "/proc/self/fd/2" },
	};
	struct super *s = tmpfs_super_create(&devtmpfs_type, 0755, 0, 0);
	struct early_node *n;

	BUG_ON(!s || !mount_internal(s));	/* never unmounted for good */
	store_release(&devfs, s);
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		(void)add_path(links[i].name, 0, 0, links[i].target);
	(void)add_name(s->root, "pts", 3, S_IFDIR | 0755, 0, NULL);
	(void)add_name(s->root, "shm", 3, S_IFDIR | 01777, 0, NULL);
	(void)add_name(s->root, "mqueue", 6, S_IFDIR | 01777, 0, NULL);
	mem_devices_init();
	spin_lock(&early_lock);
	n = early;
	early = NULL;
	spin_unlock(&early_lock);
	while (n) {
		struct early_node *next = n->next;

		(void)add_path(n->name, n->mode, n->dev, NULL);
		kfree(n);
		n = next;
	}
	filesystem_register(&devfs_type);
	filesystem_register(&devtmpfs_type);
}
