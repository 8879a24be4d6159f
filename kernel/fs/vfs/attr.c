/* SPDX-License-Identifier: MIT */
/*
 * Attributes: chmod, chown, times, truncate, and what a write or an access
 * does to them (set-user-id bits and file capabilities go, atime moves).
 */
#include <abi/time.h>
#include <kernel/errno.h>
#include <kernel/signal.h>
#include <kernel/slab.h>
#include <kernel/uaccess.h>
#include "syscall/syscall_impl.h"
#include "vfs_internal.h"

enum { UTIME_NOW = 0x3fffffff, UTIME_OMIT = 0x3ffffffe };

/* May current make this change?  [inode lock] */
static int attr_permitted(struct inode *i, struct inode_attr *a)
{
	const struct cred *c = current->cred;

	if (inode_flags(i) & (INODE_IMMUTABLE | INODE_APPEND))
		if (a->valid & (ATTR_MODE | ATTR_UID | ATTR_GID | ATTR_ATIME_SET | ATTR_MTIME_SET))
			return -EPERM;
	if (!c)
		return 0;
	if ((a->valid & ATTR_UID) && (c->fsuid != i->uid || a->uid != i->uid) && !capable(CAP_CHOWN))
		return -EPERM;
	if ((a->valid & ATTR_GID) && (c->fsuid != i->uid || (a->gid != i->gid && !cred_in_group_fs(a->gid))) && !capable(CAP_CHOWN))
		return -EPERM;
	if (a->valid & ATTR_MODE) {
		uint32_t gid = a->valid & ATTR_GID ? a->gid : i->gid;

		if (!inode_owner_or_capable(i))
			return -EPERM;
		if (!cred_in_group_fs(gid) && !capable(CAP_FSETID))
			a->mode &= ~(uint32_t)S_ISGID;
	}
	if ((a->valid & (ATTR_ATIME_SET | ATTR_MTIME_SET)) && !inode_owner_or_capable(i))
		return -EPERM;
	return 0;
}

int notify_change_locked(struct inode *i, struct inode_attr *a)
{
	int err = attr_permitted(i, a);

	if (err)
		return err;
	if (a->valid & (ATTR_MODE | ATTR_UID | ATTR_GID | ATTR_ATIME | ATTR_MTIME))
		a->valid |= ATTR_CTIME;
	return i->ops && i->ops->setattr ? i->ops->setattr(i, a) : vfs_setattr_simple(i, a);
}

int vfs_setattr(const struct path *p, struct inode_attr *a)
{
	struct inode *i = p->dentry->inode;
	int err = mount_want_write(p->mnt);

	if (err)
		return err;
	rwsem_write_lock(&i->lock);
	/* eventfd, epoll and the like have no attributes of their own. */
	err = i->mode & S_IFMT ? notify_change_locked(i, a) : -EOPNOTSUPP;
	rwsem_write_unlock(&i->lock);
	mount_drop_write(p->mnt);
	if (!err)
		notify_entry(p->dentry, IN_ATTRIB);
	return err;
}

/* ---- side effects ---- */

static RACY bool atime_needs_update(const struct mount *m, const struct inode *i, struct inode_time *now)
{
	unsigned mf = READ_ONCE(m->flags);

	if ((mf & MS_NOATIME) || (i->flags & INODE_NOATIME) || ((mf & MS_NODIRATIME) && S_ISDIR(inode_mode(i))) || mount_readonly(m))
		return false;
	*now = inode_now();
	if (!(mf & MS_RELATIME))
		return true;
	/* relatime: once after each change, and once a day. */
	return i->atime.sec < i->mtime.sec || (i->atime.sec == i->mtime.sec && i->atime.nsec <= i->mtime.nsec) ||
	       i->atime.sec < i->ctime.sec || (i->atime.sec == i->ctime.sec && i->atime.nsec <= i->ctime.nsec) ||
	       now->sec - i->atime.sec >= 24 * 60 * 60;
}

/* Racing updates write times that are close enough: no lock for a read. */
static RACY bool set_atime(struct inode *i, struct inode_time t)
{
	bool other = !inode_time_same(&i->atime, &t);

	i->atime = t;
	return other;
}

void path_accessed(const struct path *p)
{
	struct inode *i = p->dentry->inode;
	struct inode_time now;

	if (!p->mnt || !atime_needs_update(p->mnt, i, &now))
		return;
	if (set_atime(i, now))
		inode_mark_dirty(i);
}

void file_accessed(struct file *f)
{
	if (!(READ_ONCE(f->flags) & O_NOATIME) && f->path.dentry)
		path_accessed(&f->path);
}

/*
 * The set-id bits that a change of contents or owner takes away.  Set-group-id
 * without group execute once meant locking and stays, if who makes the change
 * could have set it.
 */
static uint32_t set_id_dropped(const struct inode *i)
{
	uint32_t mode = inode_mode(i), drop = mode & S_ISUID;

	if ((mode & S_ISGID) && ((mode & 010) || (!cred_in_group_fs(READ_ONCE(i->gid)) && !capable(CAP_FSETID))))
		drop |= S_ISGID;
	return drop;
}

/* File capabilities go with the contents or the owner they were given for. */
static int kill_capabilities(struct inode *i)
{
	static const char name[] = "security.capability";
	int64_t n;
	int err = 0;

	if ((READ_ONCE(i->state) & ISTATE_NO_CAPS) || !i->ops || !i->ops->getxattr || !i->ops->removexattr)
		return 0;
	n = i->ops->getxattr(i, name, NULL, 0);
	if (n >= 0)
		err = i->ops->removexattr(i, name);
	if (!err && (n >= 0 || n == -ENODATA))
		__atomic_fetch_or(&i->state, ISTATE_NO_CAPS, __ATOMIC_RELAXED);
	return err;
}

/* A write takes them away, and the set-id bits if it is by somebody without CAP_FSETID. */
int file_remove_privs(struct file *f)
{
	struct inode *i = f->inode;
	struct inode_attr a = { .valid = ATTR_MODE };
	uint32_t drop;
	int err;

	if (!S_ISREG(inode_mode(i)) || !current->cred)
		return 0;
	err = kill_capabilities(i);
	drop = set_id_dropped(i);
	if (err || !drop || capable(CAP_FSETID))
		return err;
	a.mode = i->mode & 07777 & ~drop;
	err = i->ops && i->ops->setattr ? i->ops->setattr(i, &a) : vfs_setattr_simple(i, &a);
	if (!err && f->path.dentry)
		notify_entry(f->path.dentry, IN_ATTRIB);
	return err;
}

/* ---- truncate ---- */

int do_truncate(struct inode *i, uint64_t size, struct file *f)
{
	struct inode_attr a = { .valid = ATTR_SIZE | ATTR_MTIME | ATTR_CTIME, .size = size };
	int err;

	if (size > i->super->max_bytes)
		return -EFBIG;
	if (!i->ops || !i->ops->setattr)
		return -EINVAL;
	rwsem_write_lock(&i->lock);
	a.mtime = inode_change_time(i);
	if ((i->mode & (S_ISUID | S_ISGID)) && current->cred && !capable(CAP_FSETID)) {
		a.valid |= ATTR_MODE;
		a.mode = i->mode & 07777 & ~set_id_dropped(i);
	}
	err = kill_capabilities(i);
	if (!err)
		err = i->ops->setattr(i, &a);
	rwsem_write_unlock(&i->lock);
	return err;
}

int vfs_size_limit(uint64_t size)
{
	uint64_t limit = rlimit_get(RLIMIT_FSIZE);

	if (limit == RLIM_INFINITY || size <= limit)
		return 0;
	signal_send_current(SIGXFSZ);
	return -EFBIG;
}

long sys_truncate(uaddr_t name, int64_t len)
{
	struct path p;
	struct inode *i;
	int err;

	if (len < 0)
		return -EINVAL;
	err = path_lookup_user(AT_FDCWD, name, LOOKUP_FOLLOW, &p);
	if (err)
		return err;
	i = p.dentry->inode;
	if (S_ISDIR(inode_mode(i)))
		err = -EISDIR;
	else if (!S_ISREG(inode_mode(i)))
		err = -EINVAL;
	if (err)
		goto out;
	err = mount_want_write(p.mnt);
	if (err)
		goto out;
	err = inode_permission(i, MAY_WRITE);
	if (!err && (inode_flags(i) & INODE_APPEND))
		err = -EPERM;
	if (!err)
		err = inode_get_write(i);	/* nobody begins to execute it meanwhile */
	if (!err) {
		if ((uint64_t)len > READ_ONCE(i->size))
			err = vfs_size_limit((uint64_t)len);
		if (!err)
			err = do_truncate(i, (uint64_t)len, NULL);
		inode_put_write(i);
	}
	if (!err)
		notify_entry(p.dentry, IN_MODIFY);
	mount_drop_write(p.mnt);
out:
	path_put(&p);
	return err;
}

long sys_ftruncate(int fd, int64_t len)
{
	struct file *f;
	struct inode *i;
	int err = 0;

	if (len < 0)
		return -EINVAL;
	f = fd_get(fd);
	if (!f)
		return -EBADF;
	i = f->inode;
	if (!S_ISREG(inode_mode(i)) || !(f->mode & FMODE_WRITE))
		err = -EINVAL;
	else if (inode_flags(i) & INODE_APPEND)
		err = -EPERM;
	else if ((uint64_t)len > READ_ONCE(i->size))
		err = vfs_size_limit((uint64_t)len);
	if (!err)
		err = do_truncate(i, (uint64_t)len, f);
	if (!err)
		notify_entry(f->path.dentry, IN_MODIFY);
	file_put(f);
	return err;
}

enum { FALLOC_KEEP_SIZE = 1, FALLOC_PUNCH_HOLE = 2, FALLOC_NO_HIDE_STALE = 4, FALLOC_COLLAPSE_RANGE = 8, FALLOC_ZERO_RANGE = 16,
	FALLOC_INSERT_RANGE = 32, FALLOC_UNSHARE_RANGE = 64 };

long sys_fallocate(int fd, unsigned mode, int64_t off, int64_t len)
{
	struct file *f;
	long err;

	f = fd_get(fd);
	if (!f)
		return -EBADF;
	err = -EINVAL;
	if (off < 0 || len <= 0)
		goto out;
	err = -EOPNOTSUPP;
	if (mode & ~(unsigned)(FALLOC_KEEP_SIZE | FALLOC_PUNCH_HOLE | FALLOC_ZERO_RANGE))
		goto out;
	if ((mode & FALLOC_PUNCH_HOLE) && (mode & FALLOC_ZERO_RANGE))
		goto out;
	if ((mode & FALLOC_PUNCH_HOLE) && !(mode & FALLOC_KEEP_SIZE))
		goto out;
	err = -EBADF;
	if (!(f->mode & FMODE_WRITE))
		goto out;
	err = -EPERM;
	if ((inode_flags(f->inode) & INODE_IMMUTABLE) || ((mode & ~(unsigned)FALLOC_KEEP_SIZE) && (inode_flags(f->inode) & INODE_APPEND)))
		goto out;
	err = -ESPIPE;
	if (S_ISFIFO(inode_mode(f->inode)))
		goto out;
	err = -EISDIR;
	if (S_ISDIR(inode_mode(f->inode)))
		goto out;
	err = -ENODEV;
	if (!S_ISREG(inode_mode(f->inode)) && !S_ISBLK(inode_mode(f->inode)))
		goto out;
	err = -EFBIG;
	if ((uint64_t)off + (uint64_t)len > f->inode->super->max_bytes)
		goto out;

	err = -EOPNOTSUPP;
	if (f->ops->fallocate)
		err = f->ops->fallocate(f, mode, (uint64_t)off, (uint64_t)len);
	if (!err) {
		rwsem_write_lock(&f->inode->lock);
		(void)file_remove_privs(f);
		rwsem_write_unlock(&f->inode->lock);
		notify_file(f->path.dentry, IN_MODIFY);
	}
out:
	file_put(f);
	return err;
}

/* ---- mode and owner ---- */

static long chmod_path(const struct path *p, unsigned mode)
{
	struct inode_attr a = { .valid = ATTR_MODE, .mode = mode & 07777 };

	if (S_ISLNK(inode_mode(p->dentry->inode)))
		return -EOPNOTSUPP;
	return vfs_setattr(p, &a);
}

static unsigned at_lookup(unsigned flags, bool nofollow_default)
{
	unsigned look = flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0;

	if (flags & AT_SYMLINK_FOLLOW || (!nofollow_default && !(flags & AT_SYMLINK_NOFOLLOW)))
		look |= LOOKUP_FOLLOW;
	return look;
}

long sys_fchmodat2(int dfd, uaddr_t name, unsigned mode, unsigned flags)
{
	struct path p;
	long err;

	if (flags & ~(unsigned)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	err = path_lookup_user(dfd, name, at_lookup(flags, false), &p);
	if (err)
		return err;
	err = chmod_path(&p, mode);
	path_put(&p);
	return err;
}

long sys_fchmodat(int dfd, uaddr_t name, unsigned mode) { return sys_fchmodat2(dfd, name, mode, 0); }

long sys_fchmod(int fd, unsigned mode)
{
	struct file *f = fd_get(fd);
	long err;

	if (!f)
		return -EBADF;
	err = chmod_path(&f->path, mode);
	file_put(f);
	return err;
}

static long chown_path(const struct path *p, uint32_t uid, uint32_t gid)
{
	struct inode *i = p->dentry->inode;
	struct inode_attr a = { 0 };
	int err = mount_want_write(p->mnt);

	if (err)
		return err;
	if (uid != ~0u) {
		a.valid |= ATTR_UID;
		a.uid = uid;
	}
	if (gid != ~0u) {
		a.valid |= ATTR_GID;
		a.gid = gid;
	}
	rwsem_write_lock(&i->lock);
	a.valid |= ATTR_CTIME;
	err = i->mode & S_IFMT ? attr_permitted(i, &a) : -EOPNOTSUPP;
	/* A file that changes hands (also to those who have it) loses its set-id bits and its capabilities. */
	a.mode = i->mode & 07777 & ~set_id_dropped(i);
	if (!err && !S_ISDIR(inode_mode(i)) && a.mode != (i->mode & 07777)) {
		a.valid |= ATTR_MODE;
		/* To take bits away is to change the mode, also when neither owner nor group is said. */
		if (current->cred && !inode_owner_or_capable(i))
			err = -EPERM;
	}
	if (!err && !S_ISDIR(inode_mode(i)))
		err = kill_capabilities(i);
	if (!err)
		err = i->ops && i->ops->setattr ? i->ops->setattr(i, &a) : vfs_setattr_simple(i, &a);
	rwsem_write_unlock(&i->lock);
	mount_drop_write(p->mnt);
	if (!err && a.valid & (ATTR_UID | ATTR_GID | ATTR_MODE))	/* of the time of change alone nobody is told */
		notify_entry(p->dentry, IN_ATTRIB);
	return err;
}

long sys_fchownat(int dfd, uaddr_t name, uint32_t uid, uint32_t gid, unsigned flags)
{
	struct path p;
	long err;

	if (flags & ~(unsigned)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	err = path_lookup_user(dfd, name, at_lookup(flags, false), &p);
	if (err)
		return err;
	err = chown_path(&p, uid, gid);
	path_put(&p);
	return err;
}

long sys_fchown(int fd, uint32_t uid, uint32_t gid)
{
	struct file *f = fd_get(fd);
	long err;

	if (!f)
		return -EBADF;
	err = chown_path(&f->path, uid, gid);
	file_put(f);
	return err;
}

/* ---- times ---- */

static bool nsec_valid(int64_t n)
{
	return n == UTIME_NOW || n == UTIME_OMIT || (n >= 0 && n < 1000000000);
}

/* t NULL: now, which a writer may do too. */
static long utimes_path(const struct path *p, const struct abi_timespec *t)
{
	struct inode *i = p->dentry->inode;
	struct inode_attr a = { .valid = ATTR_ATIME | ATTR_MTIME };
	struct inode_time now = inode_now();
	int err;

	a.atime = a.mtime = now;
	if (t && (!nsec_valid(t[0].tv_nsec) || !nsec_valid(t[1].tv_nsec)))
		return -EINVAL;
	if (t && t[0].tv_nsec == UTIME_OMIT && t[1].tv_nsec == UTIME_OMIT)
		return 0;
	if (t && !(t[0].tv_nsec == UTIME_NOW && t[1].tv_nsec == UTIME_NOW)) {
		a.valid = 0;
		if (t[0].tv_nsec != UTIME_OMIT) {
			a.valid |= ATTR_ATIME;
			if (t[0].tv_nsec != UTIME_NOW)
				a.atime = (struct inode_time){ .sec = t[0].tv_sec, .nsec = (uint32_t)t[0].tv_nsec };
		}
		if (t[1].tv_nsec != UTIME_OMIT) {
			a.valid |= ATTR_MTIME;
			if (t[1].tv_nsec != UTIME_NOW)
				a.mtime = (struct inode_time){ .sec = t[1].tv_sec, .nsec = (uint32_t)t[1].tv_nsec };
		}
		/* One of them explicit, or only one of them: the owner's business. */
		a.valid |= ATTR_ATIME_SET;
		return vfs_setattr(p, &a);
	}
	if (inode_flags(i) & INODE_IMMUTABLE)
		return -EPERM;
	if (!inode_owner_or_capable(i)) {
		err = inode_permission(i, MAY_WRITE);
		if (err)
			return err;
	}
	return vfs_setattr(p, &a);
}

static long do_utimes(int dfd, uaddr_t name, const struct abi_timespec *t, unsigned flags)
{
	struct path p;
	long err;

	if (flags & ~(unsigned)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (!name && dfd != AT_FDCWD) {
		struct file *f;

		if (flags)
			return -EINVAL;
		f = fd_get(dfd);
		if (!f)
			return -EBADF;
		err = utimes_path(&f->path, t);
		file_put(f);
		return err;
	}
	err = path_lookup_user(dfd, name, at_lookup(flags, false), &p);
	if (err)
		return err;
	err = utimes_path(&p, t);
	path_put(&p);
	return err;
}

long sys_utimensat(int dfd, uaddr_t name, uaddr_t utimes, unsigned flags)
{
	struct abi_timespec t[2];

	if (utimes && copy_from_user(t, utimes, sizeof(t)))
		return -EFAULT;
	if (utimes && t[0].tv_nsec == UTIME_OMIT && t[1].tv_nsec == UTIME_OMIT)
		return 0;
	return do_utimes(dfd, name, utimes ? t : NULL, flags);
}

#ifdef EFT_CPU_x86_64
long sys_chmod(uaddr_t name, unsigned mode) { return sys_fchmodat2(AT_FDCWD, name, mode, 0); }
long sys_chown(uaddr_t name, uint32_t uid, uint32_t gid) { return sys_fchownat(AT_FDCWD, name, uid, gid, 0); }
long sys_lchown(uaddr_t name, uint32_t uid, uint32_t gid) { return sys_fchownat(AT_FDCWD, name, uid, gid, AT_SYMLINK_NOFOLLOW); }

long sys_futimesat(int dfd, uaddr_t name, uaddr_t utimes)
{
	struct abi_timeval tv[2];
	struct abi_timespec t[2];

	if (utimes) {
		if (copy_from_user(tv, utimes, sizeof(tv)))
			return -EFAULT;
		for (int k = 0; k < 2; k++) {
			if (tv[k].tv_usec < 0 || tv[k].tv_usec >= 1000000)
				return -EINVAL;
			t[k] = (struct abi_timespec){ .tv_sec = tv[k].tv_sec, .tv_nsec = tv[k].tv_usec * 1000 };
		}
	}
	return do_utimes(dfd, name, utimes ? t : NULL, 0);
}

long sys_utimes(uaddr_t name, uaddr_t utimes) { return sys_futimesat(AT_FDCWD, name, utimes); }

long sys_utime(uaddr_t name, uaddr_t utimes)
{
	int64_t sec[2];
	struct abi_timespec t[2];

	if (utimes) {
		if (copy_from_user(sec, utimes, sizeof(sec)))
			return -EFAULT;
		for (int k = 0; k < 2; k++)
			t[k] = (struct abi_timespec){ .tv_sec = sec[k] };
	}
	return do_utimes(AT_FDCWD, name, utimes ? t : NULL, 0);
}
#endif
