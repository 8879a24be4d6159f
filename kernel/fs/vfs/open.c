/* SPDX-License-Identifier: MIT */
/*
 * open(2) and its family: the last component decides (create, follow, refuse),
 * then permission, then the file's own open operation, then O_TRUNC.
 */
#include <kernel/errno.h>
#include <kernel/print.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/uaccess.h>
#include <kernel/random.h>
#include "syscall/syscall_impl.h"
#include "vfs_internal.h"

enum { OPEN_FLAGS = O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC | O_DSYNC | O_ASYNC | O_DIRECT |
	O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_PATH | O_TMPFILE_BIT,
	OPEN_STATUS = OPEN_FLAGS & ~(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC) };

static unsigned acc_mode(unsigned flags)
{
	unsigned m;

	if (flags & FILE_OPEN_EXEC)
		return MAY_EXEC;
	switch (flags & O_ACCMODE) {
	case O_RDONLY: m = MAY_READ; break;
	case O_WRONLY: m = MAY_WRITE; break;
	default: m = MAY_READ | MAY_WRITE; break;
	}
	return m | (flags & O_TRUNC ? MAY_WRITE : 0);
}

static int may_open(const struct path *p, unsigned flags, bool created)
{
	struct inode *i = p->dentry->inode;
	unsigned acc = acc_mode(flags);
	int err;

	switch (inode_mode(i) & S_IFMT) {
	case S_IFLNK:
		return -ELOOP;
	case S_IFDIR:
		if (acc & MAY_WRITE)
			return -EISDIR;
		if (acc & MAY_EXEC)
			return -EACCES;
		break;
	case S_IFBLK:
	case S_IFCHR:
		if ((READ_ONCE(p->mnt->flags) & MS_NODEV) || (acc & MAY_EXEC))
			return -EACCES;
		break;
	case S_IFIFO:
	case S_IFSOCK:
		if (acc & MAY_EXEC)
			return -EACCES;
		break;
	case S_IFREG:
		if ((acc & MAY_EXEC) && path_noexec(p))
			return -EACCES;
		break;
	}
	err = created ? 0 : inode_permission(i, acc);
	if (err)
		return err;
	if (inode_flags(i) & INODE_APPEND)
		if (((flags & O_ACCMODE) != O_RDONLY && !(flags & O_APPEND)) || (flags & O_TRUNC))
			return -EPERM;
	if ((flags & O_NOATIME) && !inode_owner_or_capable(i))
		return -EPERM;
	return 0;
}

int inode_get_write(struct inode *i)
{
	int32_t n = READ_ONCE(i->write_count);

	do {
		if (n < 0)
			return -ETXTBSY;
	} while (!__atomic_compare_exchange_n(&i->write_count, &n, n + 1, true, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED));
	return 0;
}

/* f->path and f->flags are set: the rest of the file.  On error the caller puts f. */
int file_open_dentry(struct file *f)
{
	struct inode *i = f->path.dentry->inode;
	int err;

	f->inode = i;
	if (f->flags & O_PATH) {
		f->mode = FMODE_PATH;
		f->flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW;
		return 0;
	}
	switch (f->flags & O_ACCMODE) {
	case O_RDONLY: f->mode = FMODE_READ; break;
	case O_WRONLY: f->mode = FMODE_WRITE; break;
	case O_RDWR: f->mode = FMODE_READ | FMODE_WRITE; break;
	}
	if (f->flags & FILE_OPEN_EXEC)
		f->mode |= FMODE_EXEC;
	f->flags &= OPEN_STATUS | O_NOCTTY;	/* which terminals look at */
	if ((f->mode & FMODE_WRITE) && (S_ISREG(inode_mode(i)) || S_ISDIR(inode_mode(i)))) {
		err = mount_want_write(f->path.mnt);
		if (err)
			return err;
		err = S_ISREG(inode_mode(i)) ? inode_get_write(i) : 0;
		if (err) {
			mount_drop_write(f->path.mnt);
			return err;
		}
		f->mode |= FMODE_WROTE_MNT;
	}
	f->ops = i->fops;
	/* Only contents can be mapped: not a directory, nor a file that is made up as it is read. */
	f->mapping = S_ISREG(inode_mode(i)) && i->mapping->ops != &inode_no_mapping_ops ? i->mapping : NULL;
	if (!f->ops)
		return -ENXIO;
	if (f->ops->open) {
		err = f->ops->open(i, f);
		if (err) {
			f->ops = NULL;	/* was never open: no release */
			return err;
		}
	}
	if ((f->flags & O_DIRECT) && !S_ISREG(inode_mode(i)) && !S_ISBLK(inode_mode(i))) {
		if (f->ops->release)
			f->ops->release(f);
		f->ops = NULL;
		return -EINVAL;
	}
	f->flags &= OPEN_STATUS;
	file_errors_begin(f);
	if (f->ops->llseek)
		f->mode |= FMODE_LSEEK;
	notify_file(f->path.dentry, IN_OPEN);
	return 0;
}

/* f was allocated before anything was created: a failure then leaves no file behind. */
static int open_finish(struct file *f, const struct path *p, unsigned flags, bool created)
{
	struct inode *i = p->dentry->inode;
	bool trunc = (flags & O_TRUNC) && S_ISREG(inode_mode(i)) && !created, wrote = false;
	int err = 0;

	if (!(flags & O_PATH)) {
		if (trunc) {
			err = mount_want_write(p->mnt);
			if (err)
				return err;
			wrote = true;
		}
		err = may_open(p, flags, created);
		if (err)
			goto out;
	}
	f->path = *p;
	path_get(&f->path);
	f->flags = flags | (flags & O_PATH ? 0 : O_LARGEFILE | (flags & O_SYNC ? O_DSYNC : 0));
	err = file_open_dentry(f);
	if (!err && trunc)	/* though it be opened for reading only */
		err = inode_get_write(i);
	if (!err && trunc) {
		err = do_truncate(i, 0, f);
		inode_put_write(i);
	}
out:
	if (wrote)
		mount_drop_write(p->mnt);
	return err;
}

int file_open_path(const struct path *p, unsigned flags, struct file **out)
{
	struct file *f = file_alloc();
	int err;

	if (!f)
		return -ENFILE;
	err = open_finish(f, p, flags, false);
	if (err)
		file_put(f);
	else
		*out = f;
	return err;
}

static int open_create(struct walk *w, unsigned flags, uint32_t mode, struct dentry **out, bool *created)
{
	struct dentry *dir = w->path.dentry, *d;
	struct inode *di = dir->inode;
	int err, ro;

	/* There already, as it mostly is: no need for the directory's lock. */
	d = d_find(dir, &w->last);
	if (d && !d_negative(d)) {
		*out = d;
		return 0;
	}
	if (d)
		dentry_put(d);
	ro = mount_want_write(w->path.mnt);
	rwsem_write_lock(&di->lock);
	err = dir_lookup_locked(dir, &w->last, &d);
	if (!err && d_negative(d)) {
		err = ro ? ro : may_create(di);
		if (!err && (!di->ops || !di->ops->create))
			err = -EACCES;
		if (!err)
			err = di->ops->create(di, d, S_IFREG | (mode & 07777 & ~current_umask()));
		if (!err) {
			*created = true;
			notify_name(di, d->name.name, d->name.len, IN_CREATE, 0, false);
		} else {
			dentry_put(d);
		}
	}
	rwsem_write_unlock(&di->lock);
	if (!ro)
		mount_drop_write(w->path.mnt);
	if (!err)
		*out = d;
	return err;
}

/* O_TMPFILE: a file that has never had a name that anybody could see: made and unlinked under the directory's lock. */
static int open_tmpfile(struct file *f, struct walk *w, unsigned flags, uint32_t mode)
{
	struct path p;
	struct inode *di = w->path.dentry->inode;
	uint64_t rnd;
	char name[24];
	struct qstr q = { .name = name };
	int err;

	if (!di->ops || !di->ops->create || !di->ops->unlink)
		return -EOPNOTSUPP;
	err = mount_want_write(w->path.mnt);
	if (err)
		return err;
	rwsem_write_lock(&di->lock);
	err = may_create(di);
	p.dentry = NULL;
	while (!err) {
		random_bytes(&rnd, sizeof(rnd));
		q.len = (unsigned)ksnprintf(name, sizeof(name), "#%016llx", (unsigned long long)rnd);
		q.hash = qstr_hash(name, q.len);
		err = dir_lookup_locked(w->path.dentry, &q, &p.dentry);
		if (err || d_negative(p.dentry))
			break;
		dentry_put(p.dentry);
		p.dentry = NULL;
	}
	if (!err)
		err = di->ops->create(di, p.dentry, S_IFREG | (mode & 07777 & ~current_umask()));
	if (!err) {
		err = di->ops->unlink(di, p.dentry);
		d_drop(p.dentry);
		if (!(flags & O_EXCL))
			WRITE_ONCE(p.dentry->inode->flags, p.dentry->inode->flags | INODE_LINKABLE);
	}
	rwsem_write_unlock(&di->lock);
	if (!err) {
		p.mnt = w->path.mnt;
		err = open_finish(f, &p, flags & ~(unsigned)(O_TMPFILE | O_CREAT | O_EXCL | O_TRUNC), true);
	}
	if (p.dentry)
		dentry_put(p.dentry);
	mount_drop_write(w->path.mnt);
	return err;
}

static int open_walk(struct file *f, struct walk *w, unsigned flags, uint32_t mode)
{
	uint32_t dir_mode = 0, dir_uid = 0;
	bool created = false;
	int err;

	while (!w->done) {
		struct dentry *d;

		err = walk_parent(w);
		if (err)
			return err;
		if (w->last_type != LAST_NORM) {
			if (w->last_type == LAST_DOTDOT) {
				err = walk_dotdot(w);
				if (err)
					return err;
			}
			break;
		}
		if (flags & O_CREAT) {
			if (w->trailing)
				return -EISDIR;
			err = entry_name_check(w->path.dentry, &w->last);
			if (err)
				return err;
			err = open_create(w, flags, mode, &d, &created);
		} else {
			err = walk_lookup(w, &w->last, &d);
			if (!err && d_negative(d)) {
				dentry_put(d);
				err = -ENOENT;
			}
		}
		if (err)
			return err;
		if (!created && (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL)) {
			dentry_put(d);
			return -EEXIST;
		}
		if (S_ISLNK(inode_mode(d->inode)) && (!(flags & O_NOFOLLOW) || w->trailing)) {
			err = may_follow(w->path.dentry->inode, d->inode);
			if (!err)
				err = walk_push_link(w, d);
			dentry_put(d);
			if (err)
				return err;
			continue;
		}
		dir_mode = inode_mode(w->path.dentry->inode);
		dir_uid = READ_ONCE(w->path.dentry->inode->uid);
		err = walk_enter(w, d);
		if (err)
			return err;
		break;
	}
	if (flags & O_TMPFILE_BIT) {
		if (!S_ISDIR(inode_mode(w->path.dentry->inode)))
			return -ENOTDIR;
		return open_tmpfile(f, w, flags, mode);
	}
	if ((flags & O_CREAT) && S_ISDIR(inode_mode(w->path.dentry->inode)))
		return flags & O_EXCL ? -EEXIST : -EISDIR;
	if (flags & O_CREAT && !created) {
		err = may_create_over(dir_mode, dir_uid, w->path.dentry->inode);
		if (err)
			return err;
	}
	if (((flags & O_DIRECTORY) || w->trailing) && !S_ISDIR(inode_mode(w->path.dentry->inode)))
		return -ENOTDIR;
	err = open_finish(f, &w->path, flags, created);
	if (created)
		f->mode |= FMODE_CREATED;
	return err;
}

static int do_open(int dfd, const char *name, unsigned flags, uint32_t mode, unsigned look, struct file **out)
{
	struct walk *w = kmalloc(sizeof(*w), 0);
	struct file *f = file_alloc();
	int err;

	if (flags & O_PATH)
		flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	if (!(flags & (O_CREAT | O_TMPFILE_BIT)))
		look |= LOOKUP_WHOLE;
	err = !w ? -ENOMEM : !f ? -ENFILE : walk_init(w, dfd, name, look);
	if (!err) {
		err = open_walk(f, w, flags, mode);
		walk_end(w);
	}
	kfree(w);
	if (!err)
		*out = f;
	else if (f)
		file_put(f);
	return err;
}

int file_open(int dfd, const char *name, unsigned flags, uint32_t mode, struct file **out)
{
	return do_open(dfd, name, flags, mode, 0, out);
}

static long open_fd(int dfd, uaddr_t uname, unsigned flags, uint32_t mode, unsigned look)
{
	struct file *f;
	char *name;
	int fd, err;

	err = path_name_from_user(uname, look, &name);
	if (err)
		return err;
	fd = fd_reserve(0, flags);
	if (fd >= 0) {
		err = do_open(dfd, name, flags, mode, look, &f);
		if (err) {
			fd_unreserve(fd);
			fd = err;
		} else {
			fd_install(fd, f);
		}
	}
	kfree(name);
	return fd;
}

static int open_flags_check(unsigned flags)
{
	if (flags & O_TMPFILE_BIT) {
		if (!(flags & O_DIRECTORY) || (flags & O_CREAT) || (flags & O_ACCMODE) == O_RDONLY)
			return -EINVAL;
	} else if ((flags & (O_DIRECTORY | O_CREAT)) == (O_DIRECTORY | O_CREAT) && !(flags & O_PATH)) {
		return -EINVAL;
	}
	return 0;
}

int file_open_found(const struct path *p, unsigned flags, struct file **out)
{
	bool dir = S_ISDIR(inode_mode(p->dentry->inode));
	int err;

	flags &= OPEN_FLAGS;
	if (flags & O_PATH)
		flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	err = open_flags_check(flags);
	if (err)
		return err;
	if (flags & O_CREAT && (flags & O_EXCL || dir))
		return flags & O_EXCL ? -EEXIST : -EISDIR;
	if (flags & O_DIRECTORY && !dir)
		return -ENOTDIR;
	return file_open_path(p, flags & ~(unsigned)(O_CREAT | O_EXCL | O_CLOEXEC | O_TMPFILE_BIT), out);
}

/* open(2) and openat(2) ignore flags they do not know; openat2(2) does not. */
long sys_openat(int dfd, uaddr_t name, unsigned flags, unsigned mode)
{
	int err;

	flags &= OPEN_FLAGS;
	if (flags & O_PATH)
		flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	err = open_flags_check(flags);
	return err ? err : open_fd(dfd, name, flags, mode, 0);
}

#ifdef EFT_CPU_x86_64
long sys_open(uaddr_t name, unsigned flags, unsigned mode) { return sys_openat(AT_FDCWD, name, flags, mode); }
long sys_creat(uaddr_t name, unsigned mode) { return sys_openat(AT_FDCWD, name, O_CREAT | O_WRONLY | O_TRUNC, mode); }
#endif

struct abi_open_how { uint64_t flags, mode, resolve; };
enum { RESOLVE_NO_XDEV = 1, RESOLVE_NO_MAGICLINKS = 2, RESOLVE_NO_SYMLINKS = 4, RESOLVE_BENEATH = 8, RESOLVE_IN_ROOT = 16, RESOLVE_CACHED = 32 };

long sys_openat2(int dfd, uaddr_t name, uaddr_t uhow, size_t size)
{
	struct abi_open_how how;
	unsigned look = 0;
	int err;

	if (size < sizeof(how))
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	err = copy_struct_from_user(&how, sizeof(how), uhow, size);
	if (err)
		return err;
	if ((how.flags & ~(uint64_t)(unsigned)OPEN_FLAGS) || (how.resolve & ~63ull))
		return -EINVAL;
	if ((how.resolve & RESOLVE_BENEATH) && (how.resolve & RESOLVE_IN_ROOT))
		return -EINVAL;
	if (how.flags & (O_CREAT | O_TMPFILE_BIT) ? (how.mode & ~07777ull) != 0 : how.mode != 0)
		return -EINVAL;
	if ((how.flags & O_PATH) && (how.flags & ~(uint64_t)(O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)))
		return -EINVAL;
	err = open_flags_check((unsigned)how.flags);
	if (err)
		return err;
	/* Only what is cached: nothing can be promised, so the caller shall do without. */
	if (how.resolve & RESOLVE_CACHED) {
		char *text;

		if (how.flags & (O_TRUNC | O_CREAT | O_TMPFILE_BIT))
			return -EAGAIN;
		err = path_name_from_user(name, 0, &text);
		if (!err)
			kfree(text);
		return err ? err : -EAGAIN;
	}
	look |= how.resolve & RESOLVE_NO_XDEV ? LOOKUP_NO_XDEV : 0;
	look |= how.resolve & RESOLVE_NO_MAGICLINKS ? LOOKUP_NO_MAGICLINKS : 0;
	look |= how.resolve & RESOLVE_NO_SYMLINKS ? LOOKUP_NO_SYMLINKS : 0;
	look |= how.resolve & RESOLVE_BENEATH ? LOOKUP_BENEATH : 0;
	look |= how.resolve & RESOLVE_IN_ROOT ? LOOKUP_IN_ROOT : 0;
	return open_fd(dfd, name, (unsigned)how.flags, (uint32_t)how.mode, look);
}

long sys_close(int fd)
{
	long err = fd_close(fd);

	/* The descriptor is gone: a restarted call would close somebody else's. */
	return err == -ERESTARTSYS || err == -ERESTARTNOINTR || err == -ERESTARTNOHAND || err == -ERESTART_RESTARTBLOCK ? -EINTR : err;
}

enum { CLOSE_RANGE_UNSHARE = 2, CLOSE_RANGE_CLOEXEC = 4 };

long sys_close_range(unsigned first, unsigned last, unsigned flags)
{
	if ((flags & ~(unsigned)(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)) || first > last)
		return -EINVAL;
	return fd_close_range(first, last, flags & CLOSE_RANGE_CLOEXEC, flags & CLOSE_RANGE_UNSHARE);
}
