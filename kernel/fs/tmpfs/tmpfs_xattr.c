/* SPDX-License-Identifier: MIT */
/* Extended attributes of tmpfs inodes: a list per inode.  The caller holds the inode's lock. */
#include <kernel/errno.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include "tmpfs.h"

enum { XATTR_CREATE = 1, XATTR_REPLACE = 2 };

static struct tmpfs_xattr **xattr_find(struct inode *i, const char *name)
{
	struct tmpfs_xattr **x = &((struct tmpfs_node *)i->fs_private)->xattrs;

	while (*x && strcmp((*x)->name, name))
		x = &(*x)->next;
	return x;
}

int64_t tmpfs_getxattr(struct inode *i, const char *name, void *buf, size_t max)
{
	struct tmpfs_xattr *x = *xattr_find(i, name);

	if (!x)
		return -ENODATA;
	if (max == 0)
		return (int64_t)x->size;
	if (x->size > max)
		return -ERANGE;
	memcpy(buf, x->value, x->size);
	return (int64_t)x->size;
}

static void xattr_free(struct tmpfs_xattr *x)
{
	kfree(x->name);
	kfree(x->value);
	kfree(x);
}

int tmpfs_setxattr(struct inode *i, const char *name, const void *buf, size_t n, unsigned flags)
{
	struct tmpfs_xattr **at = xattr_find(i, name), *x;
	void *value;

	if (*at && (flags & XATTR_CREATE))
		return -EEXIST;
	if (!*at && (flags & XATTR_REPLACE))
		return -ENODATA;
	value = kmalloc(n ? n : 1, 0);
	if (!value)
		return -ENOMEM;
	memcpy(value, buf, n);
	if (*at) {
		x = *at;
		kfree(x->value);
	} else {
		x = kzalloc(sizeof(*x), 0);
		if (x)
			x->name = kstrdup(name, 0);
		if (!x || !x->name) {
			kfree(x);
			kfree(value);
			return -ENOMEM;
		}
		*at = x;
	}
	x->value = value;
	x->size = n;
	inode_touch(i, ATTR_CTIME);
	return 0;
}

int64_t tmpfs_listxattr(struct inode *i, char *buf, size_t max)
{
	size_t total = 0;

	for (struct tmpfs_xattr *x = ((struct tmpfs_node *)i->fs_private)->xattrs; x; x = x->next) {
		size_t n = strlen(x->name) + 1;

		if (!strncmp(x->name, "trusted.", 8) && !capable(CAP_SYS_ADMIN))
			continue;
		if (max) {
			if (total + n > max)
				return -ERANGE;
			memcpy(buf + total, x->name, n);
		}
		total += n;
	}
	return (int64_t)total;
}

int tmpfs_removexattr(struct inode *i, const char *name)
{
	struct tmpfs_xattr **at = xattr_find(i, name), *x = *at;

	if (!x)
		return -ENODATA;
	*at = x->next;
	xattr_free(x);
	inode_touch(i, ATTR_CTIME);
	return 0;
}

void tmpfs_free_xattrs(struct tmpfs_node *n)
{
	while (n->xattrs) {
		struct tmpfs_xattr *x = n->xattrs;

		n->xattrs = x->next;
		xattr_free(x);
	}
}
