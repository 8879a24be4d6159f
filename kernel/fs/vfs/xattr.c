/* SPDX-License-Identifier: MIT */
/*
 * Extended attributes (xattr(7)): name spaces and who may use them; the file
 * system stores them.
 */
#include <kernel/errno.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/uaccess.h>
#include "syscall/syscall_impl.h"
#include "vfs_internal.h"

enum { XATTR_NAME_MAX = 255, XATTR_SIZE_MAX = 65536, XATTR_LIST_MAX = 65536 };

static bool has_prefix(const char *name, const char *prefix) { return !strncmp(name, prefix, strlen(prefix)); }

static int xattr_permission(const struct path *p, const char *name, bool write)
{
	struct inode *i = p->dentry->inode;

	if (write && (i->flags & (INODE_IMMUTABLE | INODE_APPEND)))
		return -EPERM;
	if (has_prefix(name, "security.") || has_prefix(name, "system."))
		return write && has_prefix(name, "security.") && !capable(CAP_SYS_ADMIN) ? -EPERM : 0;
	if (has_prefix(name, "trusted."))
		return capable(CAP_SYS_ADMIN) ? 0 : write ? -EPERM : -ENODATA;
	if (!has_prefix(name, "user."))
		return -EOPNOTSUPP;
	if (!name[5])
		return -EINVAL;
	/* A file's owner says who may write it; for anything but files and directories that means nothing. */
	if (!S_ISREG(i->mode) && !S_ISDIR(i->mode))
		return write ? -EPERM : -ENODATA;
	if (write && S_ISDIR(i->mode) && (i->mode & S_ISVTX) && !inode_owner_or_capable(i))
		return -EPERM;
	return inode_permission(i, write ? MAY_WRITE : MAY_READ);
}

static int name_from_user(uaddr_t uname, char name[XATTR_NAME_MAX + 1])
{
	int64_t n = strncpy_from_user(name, uname, XATTR_NAME_MAX + 1);

	if (n < 0)
		return (int)n;
	return n == 0 || n > XATTR_NAME_MAX ? -ERANGE : 0;
}

static long xattr_set(const struct path *p, uaddr_t uname, uaddr_t uvalue, size_t size, int flags)
{
	struct inode *i = p->dentry->inode;
	char name[XATTR_NAME_MAX + 1];
	void *buf;
	long err;

	if (flags & ~3)
		return -EINVAL;
	err = name_from_user(uname, name);
	if (err)
		return err;
	if (size > XATTR_SIZE_MAX)
		return -E2BIG;
	buf = kmalloc(size ? size : 1, 0);
	if (!buf)
		return -ENOMEM;
	err = copy_from_user(buf, uvalue, size);
	if (!err)
		err = mount_want_write(p->mnt);
	if (!err) {
		rwsem_write_lock(&i->lock);
		err = xattr_permission(p, name, true);
		if (!err)
			err = i->ops && i->ops->setxattr ? i->ops->setxattr(i, name, buf, size, (unsigned)flags) : -EOPNOTSUPP;
		rwsem_write_unlock(&i->lock);
		mount_drop_write(p->mnt);
	}
	if (!err)
		notify_entry(p->dentry, IN_ATTRIB);
	kfree(buf);
	return err;
}

static long xattr_get(const struct path *p, uaddr_t uname, uaddr_t uvalue, size_t size)
{
	struct inode *i = p->dentry->inode;
	char name[XATTR_NAME_MAX + 1];
	void *buf = NULL;
	long n = name_from_user(uname, name);

	if (n)
		return n;
	size = MIN(size, (size_t)XATTR_SIZE_MAX);
	n = xattr_permission(p, name, false);
	if (n)
		return n;
	if (!i->ops || !i->ops->getxattr)
		return -EOPNOTSUPP;
	if (size && !(buf = kmalloc(size, 0)))
		return -ENOMEM;
	rwsem_read_lock(&i->lock);
	n = i->ops->getxattr(i, name, buf, size);
	rwsem_read_unlock(&i->lock);
	if (n > 0 && size && copy_to_user(uvalue, buf, (size_t)n))
		n = -EFAULT;
	kfree(buf);
	return n;
}

static long xattr_list(const struct path *p, uaddr_t ulist, size_t size)
{
	struct inode *i = p->dentry->inode;
	char *buf = NULL;
	long n;

	if (!i->ops || !i->ops->listxattr)
		return 0;
	size = MIN(size, (size_t)XATTR_LIST_MAX);
	if (size && !(buf = kmalloc(size, 0)))
		return -ENOMEM;
	rwsem_read_lock(&i->lock);
	n = i->ops->listxattr(i, buf, size);
	rwsem_read_unlock(&i->lock);
	if (n > 0 && size && copy_to_user(ulist, buf, (size_t)n))
		n = -EFAULT;
	kfree(buf);
	return n;
}

static long xattr_remove(const struct path *p, uaddr_t uname)
{
	struct inode *i = p->dentry->inode;
	char name[XATTR_NAME_MAX + 1];
	long err = name_from_user(uname, name);

	if (!err)
		err = mount_want_write(p->mnt);
	if (err)
		return err;
	rwsem_write_lock(&i->lock);
	err = xattr_permission(p, name, true);
	if (!err)
		err = i->ops && i->ops->removexattr ? i->ops->removexattr(i, name) : -EOPNOTSUPP;
	rwsem_write_unlock(&i->lock);
	mount_drop_write(p->mnt);
	if (!err)
		notify_entry(p->dentry, IN_ATTRIB);
	return err;
}

/* The three ways to name the file: path, path without following, descriptor. */
#define XATTR_CALL(suffix, PATH_ARGS, FD_ARGS, body) \
	long sys_##suffix PATH_ARGS { struct path p; long ret = path_lookup_user(AT_FDCWD, name_, LOOKUP_FOLLOW, &p); \
		if (ret) return ret; \
		ret = body; path_put(&p); return ret; } \
	long sys_l##suffix PATH_ARGS { struct path p; long ret = path_lookup_user(AT_FDCWD, name_, 0, &p); \
		if (ret) return ret; \
		ret = body; path_put(&p); return ret; } \
	long sys_f##suffix FD_ARGS { struct path p; long ret; struct file *f = fd_get(fd_); \
		if (!f) return -EBADF; \
		p = f->path; ret = body; file_put(f); return ret; }

XATTR_CALL(setxattr, (uaddr_t name_, uaddr_t n, uaddr_t v, size_t size, int flags), (int fd_, uaddr_t n, uaddr_t v, size_t size, int flags),
	xattr_set(&p, n, v, size, flags))
XATTR_CALL(getxattr, (uaddr_t name_, uaddr_t n, uaddr_t v, size_t size), (int fd_, uaddr_t n, uaddr_t v, size_t size),
	xattr_get(&p, n, v, size))
XATTR_CALL(listxattr, (uaddr_t name_, uaddr_t list, size_t size), (int fd_, uaddr_t list, size_t size), xattr_list(&p, list, size))
XATTR_CALL(removexattr, (uaddr_t name_, uaddr_t n), (int fd_, uaddr_t n), xattr_remove(&p, n))
