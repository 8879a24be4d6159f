/* SPDX-License-Identifier: MIT */
/*
 * nsfs: name spaces as files.  /proc/PID/ns/mnt leads to one; it can be opened
 * and bound like any file, which keeps the name space, compared with another
 * by its number, asked by ioctl(2) and entered by setns(2), but not read.
 *
 * A name space has one inode while anybody has a file of it (mount_ns.file);
 * that has a reference on the name space, which has none on it.  Each path to
 * it has a dentry of its own, outside of any directory.
 *
 * There are mount name spaces only; of the other kinds Linux has, there are
 * neither files nor flags, as where they are not configured.
 *
 * Not handled: file handles of name spaces.
 *
 * Specification: namespaces(7), ioctl_nsfs(2); <linux/nsfs.h>.
 */
#include <kernel/errno.h>
#include <kernel/print.h>
#include <kernel/string.h>
#include <kernel/uaccess.h>
#include "vfs/vfs_internal.h"

enum { NSFS_MAGIC = 0x6e736673, TYPE_MNT = 0x20000 /* CLONE_NEWNS */, IOC_NS = 0xb7, IOC_NONE = 0, IOC_READ = 2 };
enum { USERNS = 1, PARENT, NSTYPE, OWNER_UID, MNTNS_ID, PID_FROM_PIDNS, TGID_FROM_PIDNS, PID_IN_PIDNS, TGID_IN_PIDNS,
	MNT_GET_INFO, MNT_GET_NEXT, MNT_GET_PREV, GET_ID };	/* requests */
struct abi_mnt_ns_info { uint32_t size, mounts; uint64_t id; };

static struct mount *nsfs_mount;
static const struct file_ops nsfs_file_ops;

struct mount_ns *nsfs_dentry_ns(const struct dentry *d)
{
	return d->super == nsfs_mount->super && d != nsfs_mount->root ? d->inode->fs_private : NULL;
}

struct mount_ns *nsfs_file_ns(const struct file *f)
{
	return f->ops == &nsfs_file_ops ? f->inode->fs_private : NULL;
}

/* [inodes_lock] With a reference, or NULL: it has none, or that is going. */
static struct inode *file_of(struct mount_ns *ns)
{
	return ns->file && ref_get_unless_zero(&ns->file->refs) ? ns->file : NULL;
}

static struct inode *file_get_or_make(struct mount_ns *ns)
{
	struct super *s = nsfs_mount->super;
	struct inode *i, *fresh;

	spin_lock(&s->inodes_lock);
	i = file_of(ns);
	spin_unlock(&s->inodes_lock);
	if (i)
		return i;
	fresh = inode_new(s, 0);
	if (!fresh)
		return NULL;
	fresh->ino = ns->ino;
	fresh->mode = S_IFREG | 0444;
	fresh->flags = INODE_IMMUTABLE;
	fresh->fops = &nsfs_file_ops;
	fresh->atime = fresh->mtime = fresh->ctime = inode_now();
	fresh->fs_private = ns;
	mount_ns_get(ns);
	spin_lock(&s->inodes_lock);
	i = file_of(ns);
	if (!i)
		ns->file = fresh;
	spin_unlock(&s->inodes_lock);
	if (!i)
		return fresh;
	inode_put(fresh);
	return i;
}

static void nsfs_evict(struct inode *i)
{
	struct mount_ns *ns = i->fs_private;

	if (!ns)	/* the root */
		return;
	spin_lock(&i->super->inodes_lock);
	if (ns->file == i)	/* not a newer one */
		ns->file = NULL;
	spin_unlock(&i->super->inodes_lock);
	mount_ns_put(ns);
}

int nsfs_path(struct mount_ns *ns, struct path *out)
{
	static const struct qstr mnt = { .name = "mnt", .len = 3 };
	struct inode *i = file_get_or_make(ns);

	out->dentry = i ? d_alloc_nameless(i, &mnt) : NULL;
	if (!out->dentry)
		return -ENOMEM;
	out->mnt = nsfs_mount;
	mount_get(nsfs_mount);
	return 0;
}

/* A file of it; *fd is reserved, and the caller's to install or to give back. */
static int open_reserved(struct mount_ns *ns, int *fd, struct file **out)
{
	struct path p;
	int err = nsfs_path(ns, &p);

	if (err)
		return err;
	*fd = fd_reserve(0, O_CLOEXEC);
	err = *fd < 0 ? *fd : file_open_path(&p, O_RDONLY, out);
	if (err && *fd >= 0)
		fd_unreserve(*fd);
	path_put(&p);
	return err;
}

int nsfs_open(struct mount_ns *ns)
{
	struct file *f;
	int fd, err = open_reserved(ns, &fd, &f);

	if (err)
		return err;
	fd_install(fd, f);
	return fd;
}

/* Tells it to who knows at least as much of the structure as its first version. */
static int put_info(struct mount_ns *ns, uaddr_t to)
{
	struct abi_mnt_ns_info info = { .size = sizeof(info), .mounts = mount_ns_count(ns), .id = ns->id };

	return copy_to_user(to, &info, sizeof(info));
}

static long open_beside(struct mount_ns *ns, bool before, uaddr_t info)
{
	struct file *f;
	int fd, err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	ns = mount_ns_beside(ns, before);
	if (!ns)
		return -ENOENT;
	err = open_reserved(ns, &fd, &f);
	if (!err && info && put_info(ns, info)) {
		fd_unreserve(fd);
		file_put(f);
		err = -EFAULT;
	}
	if (!err)
		fd_install(fd, f);
	mount_ns_put(ns);
	return err ? err : fd;
}

static long nsfs_ioctl(struct file *f, unsigned cmd, uint64_t arg)
{
	struct mount_ns *ns = nsfs_file_ns(f);
	unsigned nr = cmd & 0xff, size = cmd >> 16 & 0x3fff, dir = cmd >> 30;
	bool plain = dir == IOC_NONE && size == 0, info = dir == IOC_READ && size >= sizeof(struct abi_mnt_ns_info);

	if ((cmd >> 8 & 0xff) != IOC_NS)
		return -ENOTTY;
	if (plain && nr == NSTYPE)
		return TYPE_MNT;
	if (plain && nr == USERNS)
		return -EPERM;		/* there is none to show */
	if ((plain && (nr == PARENT || nr == OWNER_UID)) || (dir == IOC_READ && size == sizeof(int32_t) && nr >= PID_FROM_PIDNS && nr <= TGID_IN_PIDNS))
		return -EINVAL;		/* other kinds' */
	if (dir == IOC_READ && size == sizeof(ns->id) && (nr == MNTNS_ID || nr == GET_ID))
		return put_user(ns->id, arg);
	if (info && nr == MNT_GET_INFO)
		return arg ? put_info(ns, arg) : -EINVAL;
	if (info && (nr == MNT_GET_NEXT || nr == MNT_GET_PREV))
		return open_beside(ns, nr == MNT_GET_PREV, arg);
	return -ENOTTY;
}

static int nsfs_file_open(struct inode *i, struct file *f)
{
	f->mode |= FMODE_POS;	/* there are positions, and nothing there */
	return 0;
}

static const struct file_ops nsfs_file_ops = { .open = nsfs_file_open, .ioctl = nsfs_ioctl };

static int nsfs_statfs(struct super *s, struct abi_statfs *out)
{
	out->f_type = NSFS_MAGIC;
	return 0;
}

static const struct super_ops nsfs_super_ops = { .evict_inode = nsfs_evict, .statfs = nsfs_statfs };
static const struct filesystem nsfs_type = { .name = "nsfs" };

void nsfs_init(void)
{
	nsfs_mount = mount_pseudo(&nsfs_type, &nsfs_super_ops);
}
