/* SPDX-License-Identifier: MIT */
/* stat(2) and its family, statx(2), statfs(2), access(2), readlink(2). */
#include <kernel/errno.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/uaccess.h>
#include "syscall/syscall_impl.h"
#include "vfs_internal.h"

/* 12 bits of major, 20 of minor, the low 8 of the minor first. */
static uint64_t dev_encode(kdev_t d)
{
	return (KDEV_MINOR(d) & 0xff) | (uint64_t)KDEV_MAJOR(d) << 8 | (uint64_t)(KDEV_MINOR(d) & ~0xffu) << 12;
}

static int inode_refresh(struct inode *i)
{
	return i->ops && i->ops->getattr ? i->ops->getattr(i) : 0;
}

/* Attributes are read without the inode's lock, which a long write may hold: two of them may be of different moments. */
struct attributes {
	uint64_t ino, size, blocks;
	uint32_t mode, nlink, uid, gid, blksize;
	kdev_t dev, rdev;
	unsigned flags;
	struct inode_time atime, mtime, ctime, btime;
	int mount_id;			/* these two for statx() only */
	bool mount_root;
};

static RACY void attributes_get(const struct inode *i, struct attributes *a)
{
	a->ino = i->ino;
	a->size = i->size;
	a->blocks = i->blocks;
	a->mode = i->mode;
	a->nlink = i->nlink;
	a->uid = i->uid;
	a->gid = i->gid;
	a->blksize = i->blksize;
	a->dev = i->super->dev;
	a->rdev = i->rdev;
	a->flags = i->flags;
	a->atime = i->atime;
	a->mtime = i->mtime;
	a->ctime = i->ctime;
	a->btime = i->btime;
}

/* For path_ask(); a file system that has to be asked may sleep. */
static int ask_attributes(const struct path *p, bool held, void *attributes)
{
	struct inode *i = rcu_dereference(p->dentry->inode);
	struct attributes *a = attributes;
	int err = held ? inode_refresh(i) : i->ops && i->ops->getattr ? -EAGAIN : 0;

	if (err)
		return err;
	inode_seen(i);
	attributes_get(i, a);
	a->mount_id = p->mnt->id;
	a->mount_root = p->dentry == p->mnt->root;
	return 0;
}

static unsigned look_up_flags(unsigned at_flags)
{
	return (at_flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) | (at_flags & AT_EMPTY_PATH ? LOOKUP_EMPTY | LOOKUP_NULL : 0);
}

static int stat_put(const struct attributes *a, uaddr_t ubuf)
{
	struct abi_stat st;

	memset(&st, 0, sizeof(st));
	st.st_dev = dev_encode(a->dev);
	st.st_ino = a->ino;
	st.st_mode = a->mode;
	st.st_nlink = a->nlink;
	st.st_uid = a->uid;
	st.st_gid = a->gid;
	st.st_rdev = dev_encode(a->rdev);
	st.st_size = (int64_t)a->size;
	st.st_blksize = (__typeof__(st.st_blksize))a->blksize;
	st.st_blocks = (int64_t)a->blocks;
	st.st_atime_sec = a->atime.sec;
	st.st_atime_nsec = a->atime.nsec;
	st.st_mtime_sec = a->mtime.sec;
	st.st_mtime_nsec = a->mtime.nsec;
	st.st_ctime_sec = a->ctime.sec;
	st.st_ctime_nsec = a->ctime.nsec;
	return copy_to_user(ubuf, &st, sizeof(st));
}

/* AT_EMPTY_PATH, and no path, null or empty: is it the descriptor that is meant?  Linux then looks at few other flags. */
static bool means_fd(int dfd, uaddr_t name, unsigned flags)
{
	char first;

	return flags & AT_EMPTY_PATH && dfd >= 0 && (!name || (!get_user(first, name) && !first));
}

long sys_newfstatat(int dfd, uaddr_t name, uaddr_t ubuf, unsigned flags)
{
	struct attributes a;
	long err;

	if (means_fd(dfd, name, flags))
		return sys_fstat(dfd, ubuf);
	if (flags & ~(unsigned)(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | 0x6000 /* AT_STATX_SYNC_TYPE */))
		return -EINVAL;
	err = path_ask(dfd, name, look_up_flags(flags), ask_attributes, &a);
	return err ? err : stat_put(&a, ubuf);
}

long sys_fstat(int fd, uaddr_t ubuf)
{
	struct file *f = fd_get_any(fd);
	struct attributes a;
	long err;

	if (!f)
		return -EBADF;
	err = inode_refresh(f->inode);
	if (!err) {
		inode_seen(f->inode);
		attributes_get(f->inode, &a);
	}
	file_put(f);
	return err ? err : stat_put(&a, ubuf);
}

struct abi_statx_timestamp { int64_t tv_sec; uint32_t tv_nsec; int32_t pad; };
struct abi_statx {
	uint32_t stx_mask, stx_blksize;
	uint64_t stx_attributes;
	uint32_t stx_nlink, stx_uid, stx_gid;
	uint16_t stx_mode, pad0;
	uint64_t stx_ino, stx_size, stx_blocks, stx_attributes_mask;
	struct abi_statx_timestamp stx_atime, stx_btime, stx_ctime, stx_mtime;
	uint32_t stx_rdev_major, stx_rdev_minor, stx_dev_major, stx_dev_minor;
	uint64_t stx_mnt_id;
	uint32_t stx_dio_mem_align, stx_dio_offset_align;
	uint64_t spare[12];
};
_Static_assert(sizeof(struct abi_statx) == 256, "struct statx");
enum { STATX_BASIC_STATS = 0x7ff, STATX_BTIME = 0x800, STATX_MNT_ID = 0x1000, STATX_RESERVED = (int)0x80000000,
	STATX_ATTR_IMMUTABLE = 0x10, STATX_ATTR_APPEND = 0x20, STATX_ATTR_MOUNT_ROOT = 0x2000, AT_STATX_SYNC = 0x6000 };

static struct abi_statx_timestamp statx_time(struct inode_time t)
{
	return (struct abi_statx_timestamp){ .tv_sec = t.sec, .tv_nsec = t.nsec };
}

static int statx_put(const struct attributes *a, uaddr_t ubuf)
{
	struct abi_statx st;

	memset(&st, 0, sizeof(st));
	st.stx_mask = STATX_BASIC_STATS | STATX_MNT_ID | (a->btime.sec ? STATX_BTIME : 0);
	st.stx_blksize = a->blksize;
	st.stx_attributes = (a->flags & INODE_IMMUTABLE ? STATX_ATTR_IMMUTABLE : 0) | (a->flags & INODE_APPEND ? STATX_ATTR_APPEND : 0) |
			    (a->mount_root ? STATX_ATTR_MOUNT_ROOT : 0);
	st.stx_attributes_mask = STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND | STATX_ATTR_MOUNT_ROOT;
	st.stx_nlink = a->nlink;
	st.stx_uid = a->uid;
	st.stx_gid = a->gid;
	st.stx_mode = (uint16_t)a->mode;
	st.stx_ino = a->ino;
	st.stx_size = a->size;
	st.stx_blocks = a->blocks;
	st.stx_atime = statx_time(a->atime);
	st.stx_btime = statx_time(a->btime);
	st.stx_ctime = statx_time(a->ctime);
	st.stx_mtime = statx_time(a->mtime);
	st.stx_rdev_major = KDEV_MAJOR(a->rdev);
	st.stx_rdev_minor = KDEV_MINOR(a->rdev);
	st.stx_dev_major = KDEV_MAJOR(a->dev);
	st.stx_dev_minor = KDEV_MINOR(a->dev);
	st.stx_mnt_id = (uint64_t)a->mount_id;
	return copy_to_user(ubuf, &st, sizeof(st));
}

long sys_statx(int dfd, uaddr_t name, unsigned flags, unsigned mask, uaddr_t ubuf)
{
	struct attributes a;
	long err;

	if (mask & (unsigned)STATX_RESERVED)
		return -EINVAL;
	if ((flags & AT_STATX_SYNC) == AT_STATX_SYNC)
		return -EINVAL;
	if (!means_fd(dfd, name, flags) && flags & ~(unsigned)(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC))
		return -EINVAL;
	err = path_ask(dfd, name, look_up_flags(flags), ask_attributes, &a);
	return err ? err : statx_put(&a, ubuf);
}

/* ---- access ---- */

/* For path_ask(): may current do with it what the mode says? */
static int ask_access(const struct path *p, bool held, void *mode)
{
	struct inode *i = rcu_dereference(p->dentry->inode);
	unsigned may = *(const unsigned *)mode;
	int err;

	if (!held && i->ops && i->ops->permission)
		return -EAGAIN;
	if ((may & MAY_EXEC) && S_ISREG(inode_mode(i)) && path_noexec(p))
		return -EACCES;
	err = inode_permission(i, may);
	if (!err && (may & MAY_WRITE) && (S_ISREG(inode_mode(i)) || S_ISDIR(inode_mode(i)) || S_ISLNK(inode_mode(i))) && mount_readonly(p->mnt))
		err = -EROFS;
	return err;
}

/* With current's own rights. */
static long faccess(int dfd, uaddr_t name, unsigned mode, unsigned flags)
{
	return path_ask(dfd, name, look_up_flags(flags) & ~(unsigned)LOOKUP_NULL, ask_access, &mode);
}

long sys_faccessat2(int dfd, uaddr_t name, int mode, unsigned flags)
{
	const struct cred *c = current->cred;
	/* What the real user could do: root all that is permitted, others nothing more than they are; unless ids and rights are apart. */
	bool fixup = !(c->securebits & SECUREBIT_NO_SETUID_FIXUP);
	uint64_t caps = !fixup ? c->cap_effective : c->uid == 0 ? c->cap_permitted : 0;
	long err;

	if (mode & ~7)
		return -EINVAL;
	if (flags & ~(unsigned)(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (!(flags & AT_EACCESS) && (c->fsuid != c->uid || c->fsgid != c->gid || caps != c->cap_effective)) {	/* the way there is looked at with the real ids, too */
		struct cred *real = cred_prepare();

		if (!real)
			return -ENOMEM;
		real->fsuid = c->uid;
		real->fsgid = c->gid;
		real->cap_effective = caps;
		c = cred_override(real);
		err = faccess(dfd, name, (unsigned)mode, flags);
		cred_put(cred_override((struct cred *)c));
		return err;
	}
	return faccess(dfd, name, (unsigned)mode, flags);
}

long sys_faccessat(int dfd, uaddr_t name, int mode) { return sys_faccessat2(dfd, name, mode, 0); }

/* ---- readlink ---- */

long sys_readlinkat(int dfd, uaddr_t name, uaddr_t ubuf, int size)
{
	struct inode *i;
	struct path p, to;
	char *buf, *text = NULL;
	long n;

	if (size <= 0)
		return -EINVAL;
	n = path_lookup_user(dfd, name, LOOKUP_EMPTY, &p);
	if (n)
		return n;
	i = p.dentry->inode;
	buf = kmalloc(PATH_MAX, 0);
	if (!buf) {
		n = -ENOMEM;
	} else if (!S_ISLNK(inode_mode(i))) {
		/* An empty name that leads to something else: ENOENT, as "there is no link of that name". */
		char c = 1;

		n = get_user(c, name) || c ? -EINVAL : -ENOENT;
	} else if (i->ops->readlink) {
		n = i->ops->readlink(i, buf, PATH_MAX);
		text = buf;
	} else {
		n = i->ops->get_link ? i->ops->get_link(i, &to) : -EINVAL;
		if (!n) {
			text = path_name(&to, buf, PATH_MAX);
			n = text ? (long)strlen(text) : -ENAMETOOLONG;
			path_put(&to);
		}
	}
	if (n > 0) {
		n = MIN(n, (long)size);
		path_accessed(&p);
		if (copy_to_user(ubuf, text, (size_t)n))
			n = -EFAULT;
	}
	kfree(buf);
	path_put(&p);
	return n;
}

/* ---- statfs ---- */

enum { ST_RDONLY = 1, ST_NOSUID = 2, ST_NODEV = 4, ST_NOEXEC = 8, ST_SYNCHRONOUS = 16, ST_VALID = 32, ST_NOATIME = 1024,
	ST_NODIRATIME = 2048, ST_RELATIME = 4096, ST_NOSYMFOLLOW = 8192 };

static long statfs_path(const struct path *p, uaddr_t ubuf)
{
	struct super *s = p->dentry->super;
	unsigned mf = READ_ONCE(p->mnt->flags);
	struct abi_statfs st;
	int err = 0;

	memset(&st, 0, sizeof(st));
	st.f_bsize = s->block_size;
	st.f_namelen = NAME_MAX;
	st.f_fsid[0] = (int32_t)dev_encode(s->dev);
	if (s->ops && s->ops->statfs)
		err = s->ops->statfs(s, &st);
	if (err)
		return err;
	if (p->mnt == anonfs_mount)	/* Linux has a file system for each */
		st.f_type = S_ISFIFO(inode_mode(p->dentry->inode)) ? 0x50495045 : S_ISSOCK(inode_mode(p->dentry->inode)) ? 0x534f434b : 0x09041934;
	if (!st.f_frsize)
		st.f_frsize = st.f_bsize;
	st.f_flags = ST_VALID | (mount_readonly(p->mnt) ? ST_RDONLY : 0) | (mf & (MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME)) |
		     (READ_ONCE(s->flags) & MS_SYNCHRONOUS ? ST_SYNCHRONOUS : 0) | (mf & MS_RELATIME ? ST_RELATIME : 0) |
		     (mf & MS_NOSYMFOLLOW ? ST_NOSYMFOLLOW : 0);
	return copy_to_user(ubuf, &st, sizeof(st));
}

long sys_statfs(uaddr_t name, uaddr_t ubuf)
{
	struct path p;
	long err = path_lookup_user(AT_FDCWD, name, LOOKUP_FOLLOW, &p);

	if (err)
		return err;
	err = statfs_path(&p, ubuf);
	path_put(&p);
	return err;
}

long sys_fstatfs(int fd, uaddr_t ubuf)
{
	struct file *f = fd_get_any(fd);
	long err;

	if (!f)
		return -EBADF;
	err = statfs_path(&f->path, ubuf);
	file_put(f);
	return err;
}

#ifdef EFT_CPU_x86_64
struct abi_ustat { int32_t tfree; uint64_t tinode; char fname[6], fpack[6]; };

long sys_ustat(unsigned dev, uaddr_t ubuf)
{
	struct super *s = super_find_number(KDEV(dev >> 8 & 0xfff, (dev & 0xff) | (dev >> 12 & 0xfff00)));
	struct abi_statfs st;
	struct abi_ustat u;
	int err;

	if (!s)
		return -EINVAL;
	memset(&st, 0, sizeof(st));
	memset(&u, 0, sizeof(u));
	err = s->ops && s->ops->statfs ? s->ops->statfs(s, &st) : 0;
	super_leave(s);
	if (err)
		return err;
	u.tfree = (int32_t)st.f_bfree;
	u.tinode = st.f_ffree;
	return copy_to_user(ubuf, &u, sizeof(u));
}

long sys_stat(uaddr_t name, uaddr_t ubuf) { return sys_newfstatat(AT_FDCWD, name, ubuf, 0); }
long sys_lstat(uaddr_t name, uaddr_t ubuf) { return sys_newfstatat(AT_FDCWD, name, ubuf, AT_SYMLINK_NOFOLLOW); }
long sys_access(uaddr_t name, int mode) { return sys_faccessat2(AT_FDCWD, name, mode, 0); }
long sys_readlink(uaddr_t name, uaddr_t ubuf, int size) { return sys_readlinkat(AT_FDCWD, name, ubuf, size); }
#endif
