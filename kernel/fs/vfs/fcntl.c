/* SPDX-License-Identifier: MIT */
/* dup(2) and fcntl(2). */
#include <kernel/errno.h>
#include <kernel/pipe.h>
#include <kernel/uaccess.h>
#include "syscall/syscall_impl.h"
#include "vfs_internal.h"

enum { F_DUPFD = 0, F_GETFD = 1, F_SETFD = 2, F_GETFL = 3, F_SETFL = 4, F_GETLK = 5, F_SETLK = 6, F_SETLKW = 7, F_SETOWN = 8,
	F_GETOWN = 9, F_SETSIG = 10, F_GETSIG = 11, F_SETOWN_EX = 15, F_GETOWN_EX = 16, F_GETOWNER_UIDS = 17, F_OFD_GETLK = 36,
	F_OFD_SETLK = 37, F_OFD_SETLKW = 38, F_SETLEASE = 1024, F_GETLEASE = 1025, F_NOTIFY = 1026, F_DUPFD_QUERY = 1027, F_CREATED_QUERY = 1028, F_DUPFD_CLOEXEC = 1030,
	F_SETPIPE_SZ = 1031, F_GETPIPE_SZ = 1032, F_ADD_SEALS = 1033, F_GET_SEALS = 1034, F_GET_RW_HINT = 1035, F_SET_RW_HINT = 1036, F_UNLCK = 2, FD_CLOEXEC = 1 };
struct f_owner_ex { int type; int pid; };

static long setfl(int fd, struct file *f, unsigned arg)
{
	unsigned may = O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME;
	int err;

	if ((inode_flags(f->inode) & INODE_APPEND) && !(arg & O_APPEND) && (READ_ONCE(f->flags) & O_APPEND))
		return -EPERM;
	if ((arg & O_NOATIME) && !(READ_ONCE(f->flags) & O_NOATIME) && !inode_owner_or_capable(f->inode))
		return -EPERM;
	/* Files and devices that were opened can, and pipes; nameless files cannot. */
	if (arg & O_DIRECT && !(S_ISREG(inode_mode(f->inode)) && !(f->mode & FMODE_NO_DIRECT)) && !S_ISBLK(inode_mode(f->inode)) && !pipe_of(f))
		return -EINVAL;
	if (fasync_can(f)) {	/* of other files it is not looked at */
		may |= O_ASYNC;
		err = (arg ^ READ_ONCE(f->flags)) & O_ASYNC ? fasync_set(f, fd, arg & O_ASYNC) : 0;
		if (err)
			return err;
	}
	spin_lock(&f->lock);
	WRITE_ONCE(f->flags, (f->flags & ~may) | (arg & may));
	spin_unlock(&f->lock);
	return 0;
}

static int setown(struct file *f, int type, pid_t nr)
{
	struct pid *pid = NULL;

	if (nr) {
		pid = pid_find(nr);
		if (!pid)
			return -ESRCH;
	}
	file_set_owner(f, pid, type, true);
	pid_put(pid);
	return 0;
}

static pid_t getown(struct file *f, int *type)
{
	pid_t nr;

	spin_lock(&f->lock);
	nr = f->owner.pid ? f->owner.pid->nr : 0;
	*type = f->owner.pid_type;
	spin_unlock(&f->lock);
	return nr;
}

int file_setown(struct file *f, int who)
{
	if (who == INT32_MIN)
		return -EINVAL;
	return setown(f, who < 0 ? PID_PGRP : PID_PROCESS, who < 0 ? -who : who);
}

int file_getown(struct file *f)
{
	int type;
	pid_t nr = getown(f, &type);

	return type == PID_PGRP ? -nr : nr;
}

static long setown_ex(struct file *f, uaddr_t arg)
{
	static const int types[] = { PID_THREAD, PID_PROCESS, PID_PGRP };
	struct f_owner_ex o;

	if (copy_from_user(&o, arg, sizeof(o)))
		return -EFAULT;
	if (o.type < 0 || o.type > 2)
		return -EINVAL;
	return setown(f, types[o.type], o.pid);
}

static long getown_ex(struct file *f, uaddr_t arg)
{
	struct f_owner_ex o;
	int type;

	o.pid = getown(f, &type);
	o.type = type == PID_THREAD ? 0 : type == PID_PGRP ? 2 : 1;
	return copy_to_user(arg, &o, sizeof(o));
}

static long owner_uids(struct file *f, uaddr_t arg)
{
	uint32_t uids[2];

	spin_lock(&f->lock);
	uids[0] = f->owner.uid;
	uids[1] = f->owner.euid;
	spin_unlock(&f->lock);
	return copy_to_user(arg, uids, sizeof(uids));
}

/* How long what is written to a file will stay, RWH_WRITE_LIFE_*: kept for whoever asks. */
static long write_hint(struct inode *i, bool set, uaddr_t arg)
{
	enum { NOT_SET, NONE, SHORT, MEDIUM, LONG, EXTREME };
	uint64_t hint = READ_ONCE(i->write_hint);

	if (!set)
		return copy_to_user(arg, &hint, sizeof(hint));
	if (!inode_owner_or_capable(i))
		return -EPERM;
	if (copy_from_user(&hint, arg, sizeof(hint)))
		return -EFAULT;
	if (hint > EXTREME)
		return -EINVAL;
	WRITE_ONCE(i->write_hint, (uint8_t)hint);
	return 0;
}

long sys_fcntl(int fd, unsigned cmd, uint64_t arg)
{
	struct file *f = fd_get_any(fd), *other;
	long ret = -EINVAL;
	bool cloexec;

	if (!f)
		return -EBADF;
	/* An O_PATH descriptor knows these only. */
	if ((f->mode & FMODE_PATH) && cmd != F_DUPFD && cmd != F_DUPFD_CLOEXEC && cmd != F_DUPFD_QUERY && cmd != F_CREATED_QUERY && cmd != F_GETFD && cmd != F_SETFD && cmd != F_GETFL) {
		file_put(f);
		return -EBADF;
	}
	switch (cmd) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		if ((unsigned)arg >= rlimit_get(RLIMIT_NOFILE))	/* an int, as Linux takes it */
			break;
		ret = fd_dup_at(f, (unsigned)arg, cmd == F_DUPFD_CLOEXEC ? O_CLOEXEC : 0);
		if (ret >= 0)
			return ret;
		break;
	case F_DUPFD_QUERY:		/* the same open file? */
		other = fd_get_any((int)arg);
		ret = !other ? -EBADF : other == f;
		if (other)
			file_put(other);
		break;
	case F_CREATED_QUERY:
		ret = (f->mode & FMODE_CREATED) != 0;
		break;
	case F_GETFD:
		ret = fd_cloexec(fd, &cloexec) ? (cloexec ? FD_CLOEXEC : 0) : -EBADF;
		break;
	case F_SETFD:
		ret = fd_set_cloexec(fd, arg & FD_CLOEXEC);
		break;
	case F_GETFL:
		ret = (long)(READ_ONCE(f->flags) & ~(unsigned)FILE_OPEN_EXEC);
		break;
	case F_SETFL:
		ret = setfl(fd, f, (unsigned)arg);
		break;
	case F_GETLK:
	case F_OFD_GETLK:
		ret = lock_fcntl_get(f, arg, cmd == F_OFD_GETLK);
		break;
	case F_SETLK:
	case F_SETLKW:
		ret = lock_fcntl_set(f, fd, arg, false, cmd == F_SETLKW);
		break;
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		ret = lock_fcntl_set(f, fd, arg, true, cmd == F_OFD_SETLKW);
		break;
	case F_SETOWN:
		ret = file_setown(f, (int)arg);
		break;
	case F_GETOWN:
		ret = file_getown(f);
		break;
	case F_SETOWN_EX:
		ret = setown_ex(f, arg);
		break;
	case F_GETOWN_EX:
		ret = getown_ex(f, arg);
		break;
	case F_GETOWNER_UIDS:
		ret = owner_uids(f, arg);
		break;
	case F_SETSIG:
		if ((unsigned)arg > 64)
			break;
		WRITE_ONCE(f->owner.sig, (int)arg);
		ret = 0;
		break;
	case F_GETSIG:
		ret = READ_ONCE(f->owner.sig);
		break;
	case F_GETLEASE:
		ret = F_UNLCK;
		break;
	case F_SETLEASE:
		ret = -EAGAIN;	/* no leases: as if somebody else had it open */
		break;
	case F_SETPIPE_SZ:
	case F_GETPIPE_SZ:
		ret = cmd == F_SETPIPE_SZ ? pipe_set_size(f, (uint32_t)arg) : pipe_get_size(f);
		break;
	case F_GET_RW_HINT:
	case F_SET_RW_HINT:
		ret = write_hint(f->inode, cmd == F_SET_RW_HINT, arg);
		break;
	case F_ADD_SEALS:
	case F_GET_SEALS:
		ret = memfd_fcntl(f, cmd == F_ADD_SEALS, (unsigned)arg);
		break;
	}
	file_put(f);
	return ret;
}

long sys_dup(int fd)
{
	struct file *f = fd_get_any(fd);
	int new;

	if (!f)
		return -EBADF;
	new = fd_add(f, 0);
	if (new < 0)
		file_put(f);
	return new;
}

static long dup_to(int fd, int newfd, unsigned flags)
{
	struct file *f;
	long ret;

	if (newfd < 0 || (uint64_t)newfd >= rlimit_get(RLIMIT_NOFILE))
		return -EBADF;
	f = fd_get_any(fd);
	if (!f)
		return -EBADF;
	ret = fd_replace(newfd, f, flags);
	file_put(f);
	return ret;
}

long sys_dup3(int fd, int newfd, unsigned flags)
{
	if ((flags & ~(unsigned)O_CLOEXEC) || fd == newfd)
		return -EINVAL;
	return dup_to(fd, newfd, flags);
}

#ifdef EFT_CPU_x86_64
long sys_dup2(int fd, int newfd)
{
	struct file *f;

	if (fd != newfd)
		return dup_to(fd, newfd, 0);
	f = fd_get_any(fd);
	if (!f)
		return -EBADF;
	file_put(f);
	return newfd;
}
#endif
