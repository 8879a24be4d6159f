/* SPDX-License-Identifier: MIT */
/*
 * anonfs: the inodes of files that have no name in any directory (pipes,
 * sockets, eventfd, epoll ...).  Each has a dentry of its own, outside of any
 * directory, whose name /proc/PID/fd shows: "pipe:[123]", "anon_inode:[eventfd]".
 */
#include <kernel/errno.h>
#include <kernel/print.h>
#include <kernel/string.h>
#include "fs/vfs/vfs_internal.h"

struct mount *anonfs_mount;

static int anonfs_statfs(struct super *s, struct abi_statfs *out)
{
	out->f_type = 0x09041934;
	return 0;
}
static const struct super_ops anonfs_super_ops = { .statfs = anonfs_statfs };
static struct filesystem anonfs_type = { .name = "anonfs" };

void anonfs_init(void)
{
	anonfs_mount = mount_pseudo(&anonfs_type, &anonfs_super_ops);
}

static int anon_open(struct inode *i, const char *name, const struct file_ops *ops, void *private, unsigned o_flags, struct file **out)
{
	struct qstr q = { .name = name, .len = (unsigned)strlen(name) };
	struct file *f = file_alloc();

	if (!f) {
		inode_put(i);
		return -ENFILE;
	}
	f->path.dentry = d_alloc_nameless(i, &q);
	if (!f->path.dentry) {
		file_put(f);
		return -ENOMEM;
	}
	mount_get(anonfs_mount);
	f->path.mnt = anonfs_mount;
	f->inode = i;
	f->ops = ops;
	f->private = private;
	f->flags = o_flags & ~(unsigned)O_CLOEXEC;
	switch (o_flags & O_ACCMODE) {
	case O_RDONLY: f->mode = FMODE_READ; break;
	case O_WRONLY: f->mode = FMODE_WRITE; break;
	default: f->mode = FMODE_READ | FMODE_WRITE; break;
	}
	f->mode |= FMODE_NO_POS | FMODE_NO_DIRECT;
	if (ops->llseek)
		f->mode |= FMODE_LSEEK;
	*out = f;
	return 0;
}

int file_create_anon(const char *name, uint32_t inode_mode, const struct file_ops *ops, void *private, unsigned o_flags, struct file **out)
{
	struct inode *i = inode_new(anonfs_mount->super, 0);

	if (!i)
		return -ENOMEM;
	inode_init_owner(i, NULL, inode_mode);
	if (!(inode_mode & S_IFMT))	/* on Linux one inode, root's, that all such files share */
		i->uid = i->gid = 0;
	/* Opened again through /proc/PID/fd: a pipe is a FIFO then, nothing else can be. */
	i->fops = S_ISFIFO(inode_mode) ? &fifo_file_ops : &noopen_file_ops;
	return anon_open(i, name, ops, private, o_flags, out);
}

int file_clone_anon(struct file *f, const struct file_ops *ops, void *private, unsigned o_flags, struct file **out)
{
	inode_get(f->inode);
	return anon_open(f->inode, f->path.dentry->name.name, ops, private, o_flags, out);
}
