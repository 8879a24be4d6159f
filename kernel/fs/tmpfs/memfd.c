/* SPDX-License-Identifier: MIT */
/* memfd_create(2) and file seals (fcntl(2) F_ADD_SEALS): nameless files of an internal tmpfs. */
#include <kernel/errno.h>
#include <kernel/print.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/uaccess.h>
#include "syscall/syscall_impl.h"
#include "tmpfs.h"

enum { MFD_CLOEXEC = 1, MFD_ALLOW_SEALING = 2, MFD_HUGETLB = 4, MFD_NOEXEC_SEAL = 8, MFD_EXEC = 16, MEMFD_NAME_MAX = 249 };
static struct filesystem memfd_type = { .name = "memfd" };
static struct mount *memfd_mount;

void memfd_init(void)
{
	struct super *s = tmpfs_super_create(&memfd_type, 0700, 0, 0);

	memfd_mount = s ? mount_internal(s) : NULL;
	BUG_ON(!memfd_mount);
}

long sys_memfd_create(uaddr_t uname, unsigned flags)
{
	char name[sizeof("/memfd:") + MEMFD_NAME_MAX + sizeof(" (deleted)")];
	const size_t head = sizeof("/memfd:") - 1;
	struct qstr q = { .name = name };
	struct tmpfs_node *node;
	struct inode *i;
	struct file *f;
	int64_t n;
	int fd, err;

	if (flags & ~(unsigned)(MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL | MFD_EXEC))
		return -EINVAL;
	if ((flags & MFD_EXEC) && (flags & MFD_NOEXEC_SEAL))
		return -EINVAL;
	memcpy(name, "/memfd:", head);
	n = strncpy_from_user(name + head, uname, MEMFD_NAME_MAX + 1);
	if (n < 0)
		return n;
	if (n > MEMFD_NAME_MAX)
		return -EINVAL;
	strlcpy(name + head + n, " (deleted)", sizeof(name) - head - (size_t)n);
	q.len = (unsigned)strlen(name);
	i = tmpfs_inode(memfd_mount->super, NULL, S_IFREG | (flags & MFD_NOEXEC_SEAL ? 0666 : 0777), 0);
	if (!i)
		return -ENOMEM;
	WRITE_ONCE(i->nlink, 0);
	node = i->fs_private;
	node->seals = flags & MFD_NOEXEC_SEAL ? F_SEAL_EXEC : flags & MFD_ALLOW_SEALING ? 0 : F_SEAL_SEAL;
	f = file_alloc();
	if (!f) {
		inode_put(i);
		return -ENFILE;
	}
	f->path.dentry = d_alloc_nameless(i, &q);
	if (!f->path.dentry) {
		err = -ENOMEM;
		goto put;
	}
	mount_get(memfd_mount);
	f->path.mnt = memfd_mount;
	f->flags = O_RDWR | O_LARGEFILE;
	err = file_open_dentry(f);
	if (err)
		goto put;
	f->mode |= FMODE_NO_DIRECT;
	fd = fd_add(f, flags & MFD_CLOEXEC ? O_CLOEXEC : 0);
	if (fd >= 0)
		return fd;
	err = fd;
put:
	file_put(f);
	return err;
}

long memfd_fcntl(struct file *f, bool add, unsigned seals)
{
	struct inode *i = f->inode;
	struct tmpfs_node *node;
	bool deny = false;
	int64_t none = 0;
	long ret = 0;

	if (f->ops != &tmpfs_file_ops)
		return add && !(f->mode & FMODE_WRITE) ? -EPERM : -EINVAL;
	node = i->fs_private;
	/* Of a file with a name in a mounted tmpfs, Linux says "sealed against sealing". */
	if (!add)
		return i->super->fs == &memfd_type ? READ_ONCE(node->seals) : F_SEAL_SEAL;
	if (!(f->mode & FMODE_WRITE))
		return -EPERM;
	if (seals & ~63u)
		return -EINVAL;
	rwsem_write_lock(&i->lock);
	if (i->super->fs != &memfd_type || (node->seals & F_SEAL_SEAL)) {
		ret = -EPERM;
	} else if ((seals & F_SEAL_WRITE) && !(node->seals & F_SEAL_WRITE)) {
		/* Who maps it to write counts itself first and then asks for the seals. */
		deny = __atomic_compare_exchange_n(&i->mapping->writable_maps, &none, -1, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
		ret = deny ? 0 : -EBUSY;
	}
	if (!ret)
		WRITE_ONCE(node->seals, node->seals | seals | (seals & F_SEAL_EXEC && i->mode & 0111 ? F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE : 0));
	if (deny)
		__atomic_store_n(&i->mapping->writable_maps, 0, __ATOMIC_RELEASE);
	rwsem_write_unlock(&i->lock);
	return ret;
}
