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

static int name_permission(const struct path *p, const char *name, bool write)
{
	struct inode *i = p->dentry->inode;
	int err;

	if (write && (inode_flags(i) & (INODE_IMMUTABLE | INODE_APPEND)))
		return -EPERM;
	if (!strcmp(name, "system.sockprotoname") && !write && p->mnt == anonfs_mount)
		return 0;
	if (has_prefix(name, "system.") && !acl_name(name))
		return -EOPNOTSUPP;	/* nobody's */
	if (has_prefix(name, "security.") || has_prefix(name, "system."))
		/* The inode that nameless files share is nobody's: Linux asks no security module about it. */
		return write && has_prefix(name, "security.") && (i->mode & S_IFMT) && !capable(CAP_SYS_ADMIN) ? -EPERM : 0;
	if (has_prefix(name, "trusted."))
		return capable(CAP_SYS_ADMIN) ? 0 : write ? -EPERM : -ENODATA;
	if (!has_prefix(name, "user.")) {
		err = inode_permission(i, write ? MAY_WRITE : MAY_READ);
		return err ? err : -EOPNOTSUPP;
	}
	/* A file's owner says who may write it; for anything but files and directories that means nothing. */
	if (!S_ISREG(inode_mode(i)) && !S_ISDIR(inode_mode(i)))
		return write ? -EPERM : -ENODATA;
	if (write && S_ISDIR(inode_mode(i)) && (i->mode & S_ISVTX) && !inode_owner_or_capable(i))
		return -EPERM;
	return inode_permission(i, write ? MAY_WRITE : MAY_READ);
}

static int xattr_permission(const struct path *p, const char *name, bool write)
{
	static const char *const spaces[] = { "user.", "trusted.", "security." };
	const struct inode *i = p->dentry->inode;
	int err = name_permission(p, name, write);

	/* A name space without a name. */
	for (unsigned k = 0; !err && k < ARRAY_SIZE(spaces); k++)
		if (!strcmp(name, spaces[k]))
			err = i->ops && i->ops->getxattr ? -EINVAL : -EOPNOTSUPP;
	return err;
}

static int name_from_user(uaddr_t uname, char name[XATTR_NAME_MAX + 1])
{
	int64_t n = strncpy_from_user(name, uname, XATTR_NAME_MAX + 1);

	if (n < 0)
		return (int)n;
	return n == 0 || n > XATTR_NAME_MAX ? -ERANGE : 0;
}

/* What a call says, taken from user memory before the file is looked for: its errors come first. */
struct xattr_args { char name[XATTR_NAME_MAX + 1]; void *value; size_t size; unsigned flags; };

static long set_args(struct xattr_args *x, uaddr_t uname, uaddr_t uvalue, size_t size, int flags)
{
	long err;

	if (flags & ~3)
		return -EINVAL;
	err = name_from_user(uname, x->name);
	if (err)
		return err;
	if (size > XATTR_SIZE_MAX)
		return -E2BIG;
	x->value = kmalloc(size ? size : 1, 0);
	if (!x->value)
		return -ENOMEM;
	x->size = size;
	x->flags = (unsigned)flags;
	err = size ? copy_from_user(x->value, uvalue, size) : 0;
	if (err) {
		kfree(x->value);
		x->value = NULL;
	}
	return err;
}

static long xattr_set(const struct path *p, const struct xattr_args *x)
{
	struct inode *i = p->dentry->inode;
	long err = mount_want_write(p->mnt);

	if (err)
		return err;
	rwsem_write_lock(&i->lock);
	if (acl_name(x->name)) {
		err = acl_set(i, x->name, x->value, x->size);
		goto out;
	}
	err = xattr_permission(p, x->name, true);
	__atomic_fetch_and(&i->state, ~(unsigned)ISTATE_NO_CAPS, __ATOMIC_RELAXED);
	if (!err)
		err = i->ops && i->ops->setxattr ? i->ops->setxattr(i, x->name, x->value, x->size, x->flags) : -EOPNOTSUPP;
out:
	rwsem_write_unlock(&i->lock);
	mount_drop_write(p->mnt);
	if (!err)
		notify_entry(p->dentry, IN_ATTRIB);
	return err;
}

static long xattr_get(const struct path *p, const struct xattr_args *x, uaddr_t uvalue, size_t size)
{
	struct inode *i = p->dentry->inode;
	void *buf = NULL;
	long n = xattr_permission(p, x->name, false);

	size = MIN(size, (size_t)XATTR_SIZE_MAX);
	if (n)
		return n;
	if (!i->ops || !i->ops->getxattr || (S_ISLNK(inode_mode(i)) && acl_name(x->name)))
		return -EOPNOTSUPP;
	if (size && !(buf = kmalloc(size, 0)))
		return -ENOMEM;
	rwsem_read_lock(&i->lock);
	n = i->ops->getxattr(i, x->name, buf, size);
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

static long xattr_remove(const struct path *p, const struct xattr_args *x)
{
	struct inode *i = p->dentry->inode;
	long err = mount_want_write(p->mnt);

	if (err)
		return err;
	rwsem_write_lock(&i->lock);
	if (acl_name(x->name)) {
		err = acl_set(i, x->name, NULL, 0);
		goto out;
	}
	err = xattr_permission(p, x->name, true);
	if (!err)
		err = i->ops && i->ops->removexattr ? i->ops->removexattr(i, x->name) : -EOPNOTSUPP;
out:
	rwsem_write_unlock(&i->lock);
	mount_drop_write(p->mnt);
	if (!err)
		notify_entry(p->dentry, IN_ATTRIB);
	return err;
}

/* The three ways to name the file: path, path without following, descriptor.  `args` comes first and may fail. */
#define XATTR_PATH(call, PATH_ARGS, look, args, body) \
	long sys_##call PATH_ARGS { struct xattr_args x = { .value = NULL }; struct path p; long ret = args; \
		if (!ret) ret = path_lookup_user(AT_FDCWD, name_, look, &p); \
		if (!ret) { ret = body; path_put(&p); } \
		kfree(x.value); return ret; }
#define XATTR_CALL(suffix, PATH_ARGS, FD_ARGS, args, body) \
	XATTR_PATH(suffix, PATH_ARGS, LOOKUP_FOLLOW, args, body) \
	XATTR_PATH(l##suffix, PATH_ARGS, 0, args, body) \
	long sys_f##suffix FD_ARGS { struct xattr_args x = { .value = NULL }; struct path p; long ret = args; struct file *f = NULL; \
		if (!ret && !(f = fd_get(fd_))) ret = -EBADF; \
		if (!ret) { p = f->path; ret = body; file_put(f); } \
		kfree(x.value); return ret; }

XATTR_CALL(setxattr, (uaddr_t name_, uaddr_t n, uaddr_t v, size_t size, int flags), (int fd_, uaddr_t n, uaddr_t v, size_t size, int flags),
	set_args(&x, n, v, size, flags), xattr_set(&p, &x))
XATTR_CALL(getxattr, (uaddr_t name_, uaddr_t n, uaddr_t v, size_t size), (int fd_, uaddr_t n, uaddr_t v, size_t size),
	name_from_user(n, x.name), xattr_get(&p, &x, v, size))
XATTR_CALL(listxattr, (uaddr_t name_, uaddr_t list, size_t size), (int fd_, uaddr_t list, size_t size), 0, xattr_list(&p, list, size))
XATTR_CALL(removexattr, (uaddr_t name_, uaddr_t n), (int fd_, uaddr_t n), name_from_user(n, x.name), xattr_remove(&p, &x))

/* ---- the same below a directory's descriptor ---- */

struct abi_xattr_args { uint64_t value; uint32_t size, flags; };

static int xattrat_look(unsigned at_flags, unsigned *look)
{
	if (at_flags & ~(unsigned)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	*look = (at_flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) | (at_flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);
	return 0;
}

/* AT_EMPTY_PATH, and no path, null or empty: the descriptor's file.  AT_FDCWD is a file to get and set attributes of, and not to list and remove. */
static int xattrat_lookup(int dfd, uaddr_t path, unsigned look, bool cwd, struct path *p)
{
	struct file *f;
	char first;

	if (!(look & LOOKUP_EMPTY) || (path && (get_user(first, path) || first)) || (cwd && dfd == AT_FDCWD))
		return path_lookup_user(dfd, path, look & LOOKUP_EMPTY ? look | LOOKUP_NULL : look, p);
	f = fd_get(dfd);
	if (!f)
		return -EBADF;
	*p = f->path;
	path_get(p);
	file_put(f);
	return 0;
}

static int xattrat_args(struct abi_xattr_args *a, uaddr_t uargs, size_t size)
{
	if (size < sizeof(*a))
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	return copy_struct_from_user(a, sizeof(*a), uargs, size);
}

long sys_setxattrat(int dfd, uaddr_t path, unsigned at_flags, uaddr_t name, uaddr_t uargs, size_t size)
{
	struct xattr_args x = { .value = NULL };
	struct abi_xattr_args a;
	struct path p;
	unsigned look;
	long ret = xattrat_args(&a, uargs, size);

	if (!ret)
		ret = xattrat_look(at_flags, &look);
	if (!ret)
		ret = set_args(&x, name, a.value, a.size, (int)a.flags);
	if (!ret)
		ret = xattrat_lookup(dfd, path, look, true, &p);
	if (!ret) {
		ret = xattr_set(&p, &x);
		path_put(&p);
	}
	kfree(x.value);
	return ret;
}

long sys_getxattrat(int dfd, uaddr_t path, unsigned at_flags, uaddr_t name, uaddr_t uargs, size_t size)
{
	struct xattr_args x = { .value = NULL };
	struct abi_xattr_args a;
	struct path p;
	unsigned look;
	long ret = xattrat_args(&a, uargs, size);

	if (!ret && a.flags)
		ret = -EINVAL;
	if (!ret)
		ret = xattrat_look(at_flags, &look);
	if (!ret)
		ret = name_from_user(name, x.name);
	if (!ret)
		ret = xattrat_lookup(dfd, path, look, true, &p);
	if (!ret) {
		ret = xattr_get(&p, &x, a.value, a.size);
		path_put(&p);
	}
	return ret;
}

long sys_listxattrat(int dfd, uaddr_t path, unsigned at_flags, uaddr_t list, size_t size)
{
	struct path p;
	unsigned look;
	long ret = xattrat_look(at_flags, &look);

	if (!ret)
		ret = xattrat_lookup(dfd, path, look, false, &p);
	if (!ret) {
		ret = xattr_list(&p, list, size);
		path_put(&p);
	}
	return ret;
}

long sys_removexattrat(int dfd, uaddr_t path, unsigned at_flags, uaddr_t name)
{
	struct xattr_args x = { .value = NULL };
	struct path p;
	unsigned look;
	long ret = xattrat_look(at_flags, &look);

	if (!ret)
		ret = name_from_user(name, x.name);
	if (!ret)
		ret = xattrat_lookup(dfd, path, look, false, &p);
	if (!ret) {
		ret = xattr_remove(&p, &x);
		path_put(&p);
	}
	return ret;
}
