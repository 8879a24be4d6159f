/* SPDX-License-Identifier: MIT */
/*
 * Access control lists (acl(5)) as the extended attributes system.posix_acl_access
 * and system.posix_acl_default: a header and entries of eight bytes.
 *
 * There are none: permission is a file's mode.  So a list can be taken away
 * (if only from an image that has one), and not be set: EOPNOTSUPP, as on a
 * file system without them, after the errors that Linux finds first.
 */
#include <kernel/errno.h>
#include <kernel/string.h>
#include "vfs_internal.h"

enum { ACL_VERSION = 2, ACL_UNDEFINED_ID = -1 };
enum { ACL_USER_OBJ = 1, ACL_USER = 2, ACL_GROUP_OBJ = 4, ACL_GROUP = 8, ACL_MASK = 16, ACL_OTHER = 32 };
struct acl_header { uint32_t version; };
struct acl_entry { uint16_t tag, perm; uint32_t id; };

bool acl_name(const char *name) { return !strcmp(name, "system.posix_acl_access") || !strcmp(name, "system.posix_acl_default"); }

/* How many entries: -EINVAL, -EOPNOTSUPP if it is none. */
static int64_t acl_parse(const void *value, size_t size)
{
	const struct acl_entry *e = (const void *)((const char *)value + sizeof(struct acl_header));
	struct acl_header h;
	size_t n;

	if (!size)
		return 0;
	if (size < sizeof(h))
		return -EINVAL;
	memcpy(&h, value, sizeof(h));
	if (h.version != ACL_VERSION)
		return -EOPNOTSUPP;
	if ((size - sizeof(h)) % sizeof(*e))
		return -EINVAL;
	n = (size - sizeof(h)) / sizeof(*e);
	for (size_t i = 0; i < n; i++) {
		struct acl_entry one;

		memcpy(&one, e + i, sizeof(one));
		switch (one.tag) {
		case ACL_USER_OBJ: case ACL_GROUP_OBJ: case ACL_MASK: case ACL_OTHER: break;
		case ACL_USER: case ACL_GROUP:
			if (one.id == (uint32_t)ACL_UNDEFINED_ID)
				return -EINVAL;
			break;
		default: return -EINVAL;
		}
	}
	return (int64_t)n;
}

int acl_set(struct inode *i, const char *name, const void *value, size_t size)
{
	int64_t n = acl_parse(value, size);
	int err;

	if (n < 0)
		return (int)n;
	if (inode_flags(i) & (INODE_IMMUTABLE | INODE_APPEND))
		return -EPERM;
	if (!i->ops || !i->ops->setxattr || S_ISLNK(inode_mode(i)))
		return -EOPNOTSUPP;
	if (!strcmp(name, "system.posix_acl_default") && !S_ISDIR(inode_mode(i)))
		return n ? -EACCES : 0;
	if (!inode_owner_or_capable(i))
		return -EPERM;
	if (n)
		return -EOPNOTSUPP;
	err = i->ops->removexattr ? i->ops->removexattr(i, name) : -ENODATA;
	return err == -ENODATA ? 0 : err;
}
