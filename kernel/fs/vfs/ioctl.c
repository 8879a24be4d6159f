/* SPDX-License-Identifier: MIT */
/* ioctl(2): what every file answers here, the rest by the file's own operation. */
#include <kernel/errno.h>
#include <kernel/uaccess.h>
#include "syscall/syscall_impl.h"
#include "vfs_internal.h"

enum { FIONCLEX = 0x5450, FIOCLEX = 0x5451, FIONBIO = 0x5421, FIOASYNC = 0x5452, FIOQSIZE = 0x5460, FIONREAD = 0x541b, FIGETBSZ = 2 };

static long set_status(int fd, struct file *f, uaddr_t arg, unsigned flag)
{
	int on;
	int err;

	if (get_user(on, arg))
		return -EFAULT;
	if (flag == O_ASYNC && !on == !!(READ_ONCE(f->flags) & O_ASYNC)) {
		if (!f->ops->fasync)
			return -ENOTTY;
		err = fasync_set(f, fd, on);
		if (err)
			return err;
	}
	spin_lock(&f->lock);
	if (on)
		WRITE_ONCE(f->flags, f->flags | flag);
	else
		WRITE_ONCE(f->flags, f->flags & ~flag);
	spin_unlock(&f->lock);
	return 0;
}

long sys_ioctl(int fd, unsigned cmd, uint64_t arg)
{
	struct file *f = fd_get(fd);
	struct inode *i;
	long ret;

	if (!f)
		return -EBADF;
	i = f->inode;
	switch (cmd) {
	case FIOCLEX:
	case FIONCLEX:
		ret = fd_set_cloexec(fd, cmd == FIOCLEX);
		break;
	case FIONBIO:
		ret = set_status(fd, f, arg, O_NONBLOCK);
		break;
	case FIOASYNC:
		ret = set_status(fd, f, arg, O_ASYNC);
		break;
	case FIOQSIZE:
		if (S_ISDIR(inode_mode(i)) || S_ISREG(inode_mode(i)) || S_ISLNK(inode_mode(i))) {
			int64_t size;

			ret = i->ops && i->ops->getattr ? i->ops->getattr(i) : 0;
			size = (int64_t)(READ_ONCE(i->blocks) << 9);	/* what it occupies */
			ret = ret ? ret : put_user(size, arg);
		} else {
			ret = -ENOTTY;
		}
		break;
	case FIGETBSZ: {
		int bs = (int)i->super->block_size;

		ret = put_user(bs, arg);
		break;
	}
	case FIONREAD:
		if (S_ISREG(inode_mode(i))) {
			int n = (int)(READ_ONCE(i->size) - READ_ONCE(f->pos));

			ret = put_user(n, arg);
			break;
		}
		ret = f->ops->ioctl ? f->ops->ioctl(f, cmd, arg) : -ENOTTY;
		break;
	default:
		ret = f->ops->ioctl ? f->ops->ioctl(f, cmd, arg) : -ENOTTY;
		break;
	}
	file_put(f);
	return ret;
}
