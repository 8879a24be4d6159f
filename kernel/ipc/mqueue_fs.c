/* SPDX-License-Identifier: MIT */
/*
 * The names of POSIX message queues: a file system of one directory, in which
 * each file is a queue.  mq_open(3) and mq_unlink(3) work in a mount of it that
 * no program sees; who mounts it (type mqueue, mq_overview(7)) sees the same
 * files, and what open(2) makes of one is a descriptor as mq_open(3) gives.
 *
 * The directory is tmpfs's; the files are inodes that hold a queue.
 */
#include "fs/tmpfs/tmpfs.h"
#include "ipc/mqueue_internal.h"

enum { MQUEUE_MAGIC = 0x19800202, MQ_QUEUES_MAX = 256 };
static struct mount *mqueue_mount;	/* [I] */
static unsigned queues;			/* [a] that there are, named or open */

/* ---- files ---- */

static int mqueue_setattr(struct inode *i, const struct inode_attr *a)
{
	if (a->valid & ATTR_SIZE)	/* of its text, which stays as it is */
		WRITE_ONCE(i->size, a->size);
	return vfs_setattr_simple(i, a);
}
static const struct inode_ops queue_ops = { .setattr = mqueue_setattr };

static void mqueue_evict(struct inode *i)
{
	if (!S_ISREG(inode_mode(i))) {
		tmpfs_evict(i);
		return;
	}
	mqueue_free(i->fs_private);
	i->fs_private = NULL;
	__atomic_sub_fetch(&queues, 1, __ATOMIC_RELAXED);
}

/* [dir->lock] A queue in place of d, which is negative. */
static int make_queue(struct inode *dir, struct dentry *d, uint32_t mode, const struct abi_mq_attr *attr)
{
	struct mqueue *q;
	struct inode *i;
	int err;

	if (__atomic_add_fetch(&queues, 1, __ATOMIC_RELAXED) > MQ_QUEUES_MAX && !capable(CAP_SYS_RESOURCE)) {
		err = -ENOSPC;
		goto uncount;
	}
	err = mqueue_create(attr, &q);
	if (err)
		goto uncount;
	i = inode_new(dir->super, 0);
	if (!i) {
		mqueue_free(q);
		err = -ENOMEM;
		goto uncount;
	}
	inode_init_owner(i, NULL, S_IFREG | (mode & 07777));
	i->ops = &queue_ops;
	i->fops = &mqueue_file_ops;
	i->fs_private = q;
	i->size = MQ_TEXT;
	err = tmpfs_add(dir, &d->name, i);
	if (err) {
		i->nlink = 0;
		inode_put(i);
		return err;
	}
	inode_get(i);
	d_instantiate(d, i);
	return 0;
uncount:
	__atomic_sub_fetch(&queues, 1, __ATOMIC_RELAXED);
	return err;
}

static int mqueue_create_entry(struct inode *dir, struct dentry *d, uint32_t mode) { return make_queue(dir, d, mode, NULL); }
static const struct inode_ops root_ops = { .lookup = tmpfs_lookup, .create = mqueue_create_entry, .unlink = tmpfs_unlink };

/* ---- by name ---- */

/* One name in the directory: not a path.  Who looks for it must be let in. */
static int name_check(const char *name, struct qstr *q)
{
	q->name = name;
	q->len = (unsigned)strlen(name);
	q->hash = qstr_hash(name, q->len);
	if (strchr(name, '/') || name_is_dot(q) || name_is_dotdot(q))
		return -EACCES;
	return q->len > NAME_MAX ? -ENAMETOOLONG : inode_permission(mqueue_mount->root->inode, MAY_EXEC);
}

/* [dir->lock] Is what d names as asked for?  Made if that was asked. */
static int prepare(struct inode *dir, struct dentry *d, unsigned o_flags, int readonly, unsigned mode, const struct abi_mq_attr *attr)
{
	static const unsigned need[] = { MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE };
	int err;

	if (!d_negative(d)) {
		if ((o_flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
			return -EEXIST;
		if ((o_flags & O_ACCMODE) == O_ACCMODE)
			return -EINVAL;
		return inode_permission(d->inode, need[o_flags & O_ACCMODE]);
	}
	if (!(o_flags & O_CREAT))
		return -ENOENT;
	err = readonly ? readonly : may_create(dir);
	if (!err)
		err = make_queue(dir, d, mode & ~current_umask(), attr);
	if (!err)
		notify_name(dir, d->name.name, d->name.len, IN_CREATE, 0, false);
	return err;
}

int mqueue_fs_open(const char *name, unsigned o_flags, unsigned mode, const struct abi_mq_attr *attr, struct file **out)
{
	/* Told as they were given, but for what is only about making it. */
	unsigned told = o_flags & ~(unsigned)(FILE_OPEN_EXEC | (o_flags & O_PATH ? 0 : O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC));
	struct dentry *root = mqueue_mount->root, *d = NULL;
	struct inode *dir = root->inode;
	struct qstr q;
	struct file *f;
	int err = name_check(name, &q), readonly;

	if (err)
		return err;
	readonly = mount_want_write(mqueue_mount);
	rwsem_write_lock(&dir->lock);
	err = dir_lookup_locked(root, &q, &d);
	if (!err)
		err = prepare(dir, d, o_flags, readonly, mode, attr);
	rwsem_write_unlock(&dir->lock);
	if (!readonly)
		mount_drop_write(mqueue_mount);
	if (err)
		goto put;
	f = file_alloc();
	if (!f) {
		err = -ENFILE;
		goto put;
	}
	mount_get(mqueue_mount);
	f->path = (struct path){ mqueue_mount, dentry_get(d) };
	f->flags = told;
	err = file_open_dentry(f);
	if (err) {
		file_put(f);
	} else {
		f->flags = told;
		*out = f;
	}
put:
	if (d)
		dentry_put(d);
	return err;
}

int mqueue_fs_unlink(const char *name)
{
	const struct path parent = { mqueue_mount, mqueue_mount->root };
	struct qstr q;
	int err = name_check(name, &q);

	return err ? err : entry_remove(&parent, &q, false, false);
}

/* ---- the file system ---- */

static int mqueue_statfs(struct super *s, struct abi_statfs *out)
{
	out->f_type = MQUEUE_MAGIC;
	out->f_bsize = (int64_t)PAGE_SIZE;
	return 0;
}
static const struct super_ops mqueue_super_ops = { .evict_inode = mqueue_evict, .statfs = mqueue_statfs };

/* There is one: each mount shows it. */
static int mqueue_fs_mount(const struct filesystem *fs, const char *source, unsigned ms_flags, const char *data, struct super **out)
{
	(void)fs;
	(void)source;
	(void)ms_flags;
	if (data && *data)
		return -EINVAL;
	*out = mqueue_mount->super;
	return 0;
}
static struct filesystem mqueue_type = { .name = "mqueue", .mount = mqueue_fs_mount };

void mqueue_init(void)
{
	struct super *s = tmpfs_super_create(&mqueue_type, 01777, 0, 0);

	BUG_ON(!s);
	s->ops = &mqueue_super_ops;
	s->flags |= SUPER_NOEXEC;
	s->root->inode->ops = &root_ops;
	mqueue_mount = mount_internal(s);
	BUG_ON(!mqueue_mount);
	filesystem_register(&mqueue_type);
}
