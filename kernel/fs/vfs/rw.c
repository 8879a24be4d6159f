/* SPDX-License-Identifier: MIT */
/*
 * read, write and their vector and positioned forms; lseek.
 *
 * Files with an offset that several threads may use (regular files and
 * directories) serialize on pos_lock; streams do not, so that a blocked read
 * of a terminal stops nobody.
 */
#include <kernel/errno.h>
#include <kernel/slab.h>
#include <kernel/uaccess.h>
#include <kernel/uio.h>
#include "syscall/syscall_impl.h"
#include "vfs_internal.h"

#define MAX_RW ((uint64_t)0x7ffff000)
enum {
	RWF_HIPRI = 1, RWF_DSYNC = 2, RWF_SYNC = 4, RWF_NOWAIT = 8, RWF_APPEND = 16, RWF_NOAPPEND = 32, RWF_ATOMIC = 64,
	RWF_DONTCACHE = 128, RWF_NOSIGNAL = 256,
};

/* Each segment is a read or a write of its own, an empty one too, as long as each is filled. */
static int64_t by_segment(int64_t (*move)(struct file *, struct uio *, uint64_t *), struct file *f, struct uio *u, uint64_t *pos)
{
	int64_t done = 0, n;

	do {
		struct uio_seg seg = { u->seg->base + u->seg_off, MIN(u->seg->len - u->seg_off, u->left) };
		struct uio one;

		uio_init_segs(&one, &seg, 1, seg.len);
		n = move(f, &one, pos);
		if (n < 0)
			return done ? done : n;
		done += n;
		if ((uint64_t)n < seg.len)
			break;
		u->seg++;
		u->nsegs--;
		u->seg_off = 0;
		u->left -= (size_t)n;
	} while (u->left);
	return done;
}

int64_t vfs_read(struct file *f, struct uio *u, uint64_t *pos)
{
	int64_t n;

	if (!(f->mode & (FMODE_READ | FMODE_EXEC)))
		return -EBADF;
	if (!f->ops->read)
		return S_ISDIR(inode_mode(f->inode)) ? -EISDIR : -EINVAL;
	if (u->left > MAX_RW)
		u->left = MAX_RW;
	n = u->nsegs > 1 && f->ops->plain_read ? by_segment(f->ops->read, f, u, pos) : f->ops->read(f, u, pos);
	if (current->process) {
		if (n > 0)
			__atomic_add_fetch(&current->process->read_chars, (uint64_t)n, __ATOMIC_RELAXED);
		__atomic_add_fetch(&current->process->read_calls, 1, __ATOMIC_RELAXED);
	}
	if (n > 0 && f->path.dentry)
		notify_file(f->path.dentry, IN_ACCESS);
	return n;
}

int64_t vfs_write(struct file *f, struct uio *u, uint64_t *pos)
{
	int64_t n;

	if (!(f->mode & FMODE_WRITE))
		return -EBADF;
	if (!f->ops->write)
		return -EINVAL;
	if (u->left > MAX_RW)
		u->left = MAX_RW;
	n = u->nsegs > 1 && f->ops->plain_write ? by_segment(f->ops->write, f, u, pos) : f->ops->write(f, u, pos);
	if (current->process) {
		if (n > 0)
			__atomic_add_fetch(&current->process->write_chars, (uint64_t)n, __ATOMIC_RELAXED);
		__atomic_add_fetch(&current->process->write_calls, 1, __ATOMIC_RELAXED);
	}
	if (n > 0 && f->path.dentry)
		notify_file(f->path.dentry, IN_MODIFY);
	return n;
}

static bool pos_locked(const struct file *f)
{
	return S_ISREG(inode_mode(f->inode)) || S_ISDIR(inode_mode(f->inode));
}

static int64_t rw_at_offset(struct file *f, struct uio *u, bool write) NO_TSA
{
	bool lock = pos_locked(f);
	uint64_t pos;
	int64_t n;

	if (lock)
		mutex_lock(&f->pos_lock);
	pos = READ_ONCE(f->pos);
	n = write ? vfs_write(f, u, &pos) : vfs_read(f, u, &pos);
	if (lock || (n > 0 && (f->mode & FMODE_LSEEK)))	/* a pipe has no offset that its readers could share */
		WRITE_ONCE(f->pos, pos);	/* as on Linux, whoever shares a device's offset races for it */
	if (lock)
		mutex_unlock(&f->pos_lock);
	return n;
}

/* Has the file a method for that?  Comes before the memory.  (A directory's read says what is wrong with it itself.) */
static bool can_do(const struct file *f, bool write)
{
	return write ? f->ops->write != NULL : f->ops->read != NULL || S_ISDIR(inode_mode(f->inode));
}

static long rw_one(int fd, uaddr_t buf, size_t count, bool write)
{
	struct file *f = fd_get(fd);
	struct uio_seg seg;
	struct uio u;
	long n;

	if (!f)
		return -EBADF;
	if (!(f->mode & (write ? FMODE_WRITE : FMODE_READ))) {
		n = -EBADF;
	} else if (!can_do(f, write)) {
		n = -EINVAL;
	} else if (!user_range_ok(buf, count)) {
		n = -EFAULT;
	} else if ((int64_t)count < 0) {
		n = -EINVAL;
	} else {
		uio_init_user(&u, &seg, buf, MIN(count, MAX_RW));
		n = rw_at_offset(f, &u, write);
	}
	file_put(f);
	return n;
}

long sys_read(int fd, uaddr_t buf, size_t count) { return rw_one(fd, buf, count, false); }
long sys_write(int fd, uaddr_t buf, size_t count) { return rw_one(fd, buf, count, true); }

static bool has_positions(const struct file *f) { return f->mode & FMODE_POS || (f->mode & (FMODE_LSEEK | FMODE_NO_POS)) == FMODE_LSEEK; }

static long prw(int fd, uaddr_t buf, size_t count, int64_t pos, bool write)
{
	struct file *f;
	struct uio_seg seg;
	struct uio u;
	uint64_t p = (uint64_t)pos;
	long n;

	if (pos < 0)
		return -EINVAL;
	f = fd_get(fd);
	if (!f)
		return -EBADF;
	if (!has_positions(f)) {
		n = -ESPIPE;
	} else if (!(f->mode & (write ? FMODE_WRITE : FMODE_READ))) {
		n = -EBADF;
	} else if (!can_do(f, write)) {
		n = -EINVAL;
	} else if (!user_range_ok(buf, count)) {
		n = -EFAULT;
	} else if ((int64_t)count < 0) {
		n = -EINVAL;
	} else {
		uio_init_user(&u, &seg, buf, MIN(count, MAX_RW));
		n = write ? vfs_write(f, &u, &p) : vfs_read(f, &u, &p);
	}
	file_put(f);
	return n;
}

long sys_pread64(int fd, uaddr_t buf, size_t count, int64_t pos) { return prw(fd, buf, count, pos, false); }
long sys_pwrite64(int fd, uaddr_t buf, size_t count, int64_t pos) { return prw(fd, buf, count, pos, true); }

/* The flags of one write or read: those that it cannot keep are refused, u is told the others.  In Linux's order. */
static int rwf_check(const struct file *f, unsigned flags, struct uio *u, bool write)
{
	const unsigned kept = RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_APPEND | RWF_NOAPPEND | RWF_NOSIGNAL;

	/* A file that knows none of them does not look which they are. */
	if (flags & ~(unsigned)RWF_HIPRI && (S_ISDIR(inode_mode(f->inode)) || (write ? f->ops->plain_write : f->ops->plain_read)))
		return -EOPNOTSUPP;
	if (flags & ~(kept | RWF_NOWAIT | RWF_ATOMIC | RWF_DONTCACHE))
		return -EOPNOTSUPP;
	if (flags & RWF_APPEND && flags & RWF_NOAPPEND)
		return -EINVAL;
	/* There is no way to promise not to block, to write all or nothing, or to leave nothing in the cache. */
	if (flags & ~kept)
		return -EOPNOTSUPP;
	if (flags & RWF_NOAPPEND && READ_ONCE(f->flags) & O_APPEND && inode_flags(f->inode) & INODE_APPEND)
		return -EPERM;
	u->how = (flags & RWF_APPEND ? UIO_APPEND : 0) | (flags & RWF_NOAPPEND ? UIO_NOAPPEND : 0) | (flags & RWF_NOSIGNAL ? UIO_NOSIGNAL : 0);
	return 0;
}

int64_t file_rw_user(struct file *f, uaddr_t addr, uint64_t n, int64_t pos, bool positioned, unsigned flags, bool write, bool vector)
{
	struct uio_seg fast[8], *segs = fast;
	uint64_t p = (uint64_t)pos;
	struct uio u;
	int64_t ret;

	if (vector) {
		segs = NULL;
		ret = uio_import(&u, addr, n, fast, &segs);
		if (ret < 0)
			return ret;
		if (ret == 0)
			goto out_segs;
	} else if (!user_range_ok(addr, n)) {
		return -EFAULT;
	} else {
		uio_init_user(&u, fast, addr, MIN(n, MAX_RW));
	}
	ret = rwf_check(f, flags, &u, write);
	if (ret)
		goto out_segs;
	if (!positioned) {
		ret = rw_at_offset(f, &u, write);
	} else {
		ret = write ? vfs_write(f, &u, &p) : vfs_read(f, &u, &p);
	}
	if (ret > 0 && write && (flags & (RWF_DSYNC | RWF_SYNC)) && f->ops->fsync) {
		int err = file_fsync(f, !(flags & RWF_SYNC));

		if (err)
			ret = err;
	}
out_segs:
	if (segs != fast)
		kfree(segs);
	return ret;
}

static long rwv(int fd, uaddr_t iov, uint64_t n, int64_t pos, bool positioned, unsigned flags, bool write)
{
	struct file *f = fd_get(fd);
	int64_t ret;

	if (!f)
		return -EBADF;
	if (positioned && !has_positions(f))
		ret = -ESPIPE;
	else if (!(f->mode & (write ? FMODE_WRITE : FMODE_READ)))
		ret = -EBADF;
	else if (!can_do(f, write))
		ret = -EINVAL;
	else
		ret = file_rw_user(f, iov, (uint32_t)n, pos, positioned, flags, write, true);	/* Linux looks at no more of n */
	file_put(f);
	return ret;
}

long sys_readv(int fd, uaddr_t iov, uint64_t n) { return rwv(fd, iov, n, 0, false, 0, false); }
long sys_writev(int fd, uaddr_t iov, uint64_t n) { return rwv(fd, iov, n, 0, false, 0, true); }

/* On 64-bit CPUs the low word is the whole position. */
long sys_preadv(int fd, uaddr_t iov, uint64_t n, uint64_t lo, uint64_t hi)
{
	return (int64_t)lo < 0 ? -EINVAL : rwv(fd, iov, n, (int64_t)lo, true, 0, false);
}

long sys_pwritev(int fd, uaddr_t iov, uint64_t n, uint64_t lo, uint64_t hi)
{
	return (int64_t)lo < 0 ? -EINVAL : rwv(fd, iov, n, (int64_t)lo, true, 0, true);
}

long sys_preadv2(int fd, uaddr_t iov, uint64_t n, uint64_t lo, uint64_t hi, unsigned flags)
{
	if ((int64_t)lo < -1)
		return -EINVAL;
	return rwv(fd, iov, n, (int64_t)lo, (int64_t)lo != -1, flags, false);
}

long sys_pwritev2(int fd, uaddr_t iov, uint64_t n, uint64_t lo, uint64_t hi, unsigned flags)
{
	if ((int64_t)lo < -1)
		return -EINVAL;
	return rwv(fd, iov, n, (int64_t)lo, (int64_t)lo != -1, flags, true);
}

/* The first byte at or after off that is data, or a hole: by the pages of a memory file, by the file system otherwise. */
static int64_t seek_data_hole(struct file *f, uint64_t off, bool data)
{
	struct inode *i = f->inode;
	uint64_t size = READ_ONCE(i->size), idx;

	if (off >= size)
		return -ENXIO;
	if (!i->mapping->ops || !i->mapping->ops->memory_only)
		return data ? (int64_t)off : (int64_t)size;	/* all data, then the hole behind the end */
	for (idx = off >> PAGE_SHIFT; idx << PAGE_SHIFT < size; idx++) {
		if (data) {	/* over a hole at once, however long it is */
			struct page *p = mapping_next(i->mapping, &idx);

			if (!p)
				break;
			page_put(p);
		}
		if (idx << PAGE_SHIFT < size && data == mapping_uptodate(i->mapping, idx))
			return (int64_t)MAX(off, idx << PAGE_SHIFT);
		if (fatal_signal_pending(current))
			return -EINTR;
	}
	return data ? -ENXIO : (int64_t)size;
}

int64_t vfs_llseek(struct file *f, int64_t off, int whence)
{
	struct inode *i = f->mapping && f->mapping->inode ? f->mapping->inode : f->inode;
	int64_t pos;

	switch (whence) {
	case SEEK_SET:
		pos = off;
		break;
	case SEEK_CUR:
		pos = (int64_t)READ_ONCE(f->pos);	/* a device's changes without pos_lock */
		if (off == 0)
			return pos;
		if (__builtin_add_overflow(pos, off, &pos))
			return -EINVAL;
		break;
	case SEEK_END:
		if (__builtin_add_overflow((int64_t)READ_ONCE(i->size), off, &pos))
			return -EINVAL;
		break;
	case SEEK_DATA:
	case SEEK_HOLE:
		if (off < 0)
			return -ENXIO;
		pos = seek_data_hole(f, (uint64_t)off, whence == SEEK_DATA);
		break;
	default:
		return -EINVAL;
	}
	if (pos < 0)
		return whence >= SEEK_DATA ? pos : -EINVAL;
	if (S_ISREG(inode_mode(i)) && (uint64_t)pos > i->super->max_bytes)
		return -EINVAL;
	WRITE_ONCE(f->pos, (uint64_t)pos);
	return pos;
}

long sys_lseek(int fd, int64_t off, int whence)
{
	struct file *f = fd_get(fd);
	int64_t pos;

	if (!f)
		return -EBADF;
	if (whence < SEEK_SET || whence > SEEK_HOLE) {
		pos = -EINVAL;
	} else if (!(f->mode & FMODE_LSEEK) || !f->ops->llseek) {
		pos = -ESPIPE;
	} else {
		mutex_lock(&f->pos_lock);
		pos = f->ops->llseek(f, off, whence);
		mutex_unlock(&f->pos_lock);
	}
	file_put(f);
	return pos;
}
