/* SPDX-License-Identifier: MIT */
/*
 * name_to_handle_at(2), open_by_handle_at(2): a file named by its inode's
 * number and generation.  A file system that can find an inode by number has
 * super_ops.inode_by_number; of others there are no handles (EOPNOTSUPP).
 *
 * A file that is opened by handle gets a dentry of its own, in no directory:
 * enough for everything but a walk upwards, so handles of directories are
 * refused (ESTALE) unless they are the root of the file system.
 */
#include <kernel/errno.h>
#include <kernel/string.h>
#include <kernel/uaccess.h>
#include "syscall/syscall_impl.h"
#include "vfs_internal.h"

enum { HANDLE_MNT_ID_UNIQUE = 1, HANDLE_CONNECTABLE = 2, HANDLE_FID = 0x200, HANDLE_MAX = 128, TYPE_INO32_GEN = 1, TYPE_FLAGS = 0x30000 /* what may be said of the path */, TYPE_MAX = 0xffff };
struct abi_handle { uint32_t bytes; int32_t type; };
struct handle_body { uint32_t ino, generation; };

long sys_name_to_handle_at(int dfd, uaddr_t name, uaddr_t uhandle, uaddr_t umount_id, unsigned flags)
{
	struct abi_handle h;
	struct handle_body b;
	const struct super_ops *ops;
	struct path p;
	long err;
	int id;

	if (flags & ~(unsigned)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH | HANDLE_FID | HANDLE_MNT_ID_UNIQUE | HANDLE_CONNECTABLE))
		return -EINVAL;
	if (flags & HANDLE_CONNECTABLE && flags & (HANDLE_FID | AT_EMPTY_PATH))
		return -EINVAL;
	err = path_lookup_user(dfd, name, (flags & AT_SYMLINK_FOLLOW ? LOOKUP_FOLLOW : 0) | (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0), &p);
	if (err)
		return err;
	ops = p.dentry->super->ops;
	id = p.mnt->id;
	err = -EOPNOTSUPP;
	if (!ops || !ops->inode_by_number || flags & HANDLE_CONNECTABLE)	/* nor any that find a directory again */
		goto out;
	err = -EFAULT;
	if (copy_from_user(&h, uhandle, sizeof(h)))
		goto out;
	err = -EINVAL;
	if (h.bytes > HANDLE_MAX)
		goto out;
	b = (struct handle_body){ .ino = (uint32_t)p.dentry->inode->ino, .generation = ops->generation(p.dentry->inode) };
	err = h.bytes < sizeof(b) ? -EOVERFLOW : 0;
	h = (struct abi_handle){ .bytes = sizeof(b), .type = TYPE_INO32_GEN };
	if ((flags & HANDLE_MNT_ID_UNIQUE ? put_user((uint64_t)id, umount_id) : put_user(id, umount_id)) || copy_to_user(uhandle, &h, sizeof(h)) || (!err && copy_to_user(uhandle + sizeof(h), &b, sizeof(b))))
		err = -EFAULT;
out:
	path_put(&p);
	return err;
}

/* The inode of a handle, as a path through m. */
static int handle_path(struct mount *m, const struct handle_body *b, struct path *out)
{
	static const struct qstr nameless = { "", 0, 0 };
	struct super *s = m->super;
	struct inode *i;
	struct dentry *d;
	int err = s->ops && s->ops->inode_by_number ? s->ops->inode_by_number(s, b->ino, &i) : -ESTALE;

	if (err)
		return err == -ENOMEM ? err : -ESTALE;
	if (s->ops->generation(i) != b->generation || (S_ISDIR(inode_mode(i)) && i != s->root->inode)) {
		inode_put(i);
		return -ESTALE;
	}
	if (i == s->root->inode) {
		inode_put(i);
		d = dentry_get(s->root);
	} else {
		d = d_alloc_nameless(i, &nameless);	/* takes the reference on i */
		if (!d)
			return -ENOMEM;
	}
	mount_get(m);
	*out = (struct path){ .mnt = m, .dentry = d };
	return 0;
}

long sys_open_by_handle_at(int mount_fd, uaddr_t uhandle, unsigned flags)
{
	struct abi_handle h;
	struct handle_body b;
	struct path anchor, p;
	uint8_t raw[HANDLE_MAX];
	struct file *f;
	long err;

	if (copy_from_user(&h, uhandle, sizeof(h)))
		return -EFAULT;
	if (h.bytes > HANDLE_MAX || !h.bytes || (uint32_t)h.type & ~(uint32_t)(TYPE_FLAGS | TYPE_MAX))
		return -EINVAL;
	if (mount_fd == AT_FDCWD) {
		spin_lock(&current->fs->lock);
		anchor = current->fs->cwd;
		path_get(&anchor);
		spin_unlock(&current->fs->lock);
	} else {
		f = fd_get_any(mount_fd);
		if (!f)
			return -EBADF;
		anchor = f->path;
		path_get(&anchor);
		file_put(f);
	}
	err = -EPERM;
	if (!capable(CAP_DAC_READ_SEARCH))
		goto out;
	err = -EFAULT;
	if (copy_from_user(raw, uhandle + sizeof(h), h.bytes))
		goto out;
	err = -ESTALE;
	if (h.bytes != sizeof(b) || (h.type & TYPE_MAX) != TYPE_INO32_GEN)
		goto out;
	memcpy(&b, raw, sizeof(b));
	err = handle_path(anchor.mnt, &b, &p);
	if (err)
		goto out;
	err = file_open_found(&p, flags, &f);
	path_put(&p);
	if (!err) {
		err = fd_add(f, flags & O_CLOEXEC);
		if (err < 0)
			file_put(f);
	}
out:
	path_put(&anchor);
	return err;
}
