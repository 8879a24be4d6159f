/* SPDX-License-Identifier: MIT */
/*
 * sendfile(2), copy_file_range(2), splice(2), tee(2), vmsplice(2).
 *
 * From a file into a pipe go references to the page cache's own pages; between
 * pipes, buffers.  Everything else passes through one page of the kernel.
 *
 * Out of a pipe into a file: a buffer is held, so that nobody else takes it,
 * written without the pipe's lock (a terminal or socket may block for long), and
 * taken out as far as it was written.
 */
#include <kernel/errno.h>
#include <kernel/pipe.h>
#include <kernel/slab.h>
#include <kernel/uaccess.h>
#include <kernel/uio.h>
#include "syscall/syscall_impl.h"
#include "vfs_internal.h"

enum { SPLICE_F_MOVE = 1, SPLICE_F_NONBLOCK = 2, SPLICE_F_MORE = 4, SPLICE_F_GIFT = 8 };
#define COPY_MAX ((size_t)0x7ffff000)

/* Descriptors that are only that (eventfd, timerfd, inotify ...) hand out values, not bytes: nothing can be spliced. */
static bool only_values(const struct file *f) { return !(inode_mode(f->inode) & S_IFMT); }

/* Write n bytes of a page; *pos moves.  Bytes, or -errno. */
static int64_t write_bytes(struct file *out, const void *p, size_t n, uint64_t *pos)
{
	struct uio u;

	if (only_values(out))
		return -EINVAL;
	uio_init_kernel(&u, (void *)p, n);
	return vfs_write(out, &u, pos);
}

/* File to anything but a pipe.  *in_pos is used if the file can seek. */
static int64_t copy_through(struct file *in, uint64_t *in_pos, struct file *out, uint64_t *out_pos, size_t count)
{
	int64_t done = 0, ret = 0;
	char *buf = kmalloc(PAGE_SIZE * 4, 0);

	if (!buf)
		return -ENOMEM;
	while (count) {
		uint64_t at = *in_pos;
		struct uio u;
		int64_t n, w = 0;

		uio_init_kernel(&u, buf, MIN(count, PAGE_SIZE * 4));
		ret = n = vfs_read(in, &u, &at);
		if (n <= 0)
			break;
		while (w < n) {
			ret = write_bytes(out, buf + w, (size_t)(n - w), out_pos);
			if (ret <= 0)
				break;
			w += ret;
		}
		/* What was read but not written was not read, for a file with a position. */
		*in_pos += (uint64_t)w;
		done += w;
		count -= (size_t)w;
		if (w < n)
			break;
		if (signal_pending(current)) {
			ret = -EINTR;
			break;
		}
	}
	kfree(buf);
	return done ? done : ret;
}

/* Is what a read gives in the page cache?  (Not in a file of procfs.) */
static bool page_cached(const struct file *f)
{
	const struct mapping_ops *ops = f->mapping ? f->mapping->ops : NULL;

	return S_ISREG(inode_mode(f->inode)) && f->mapping == f->inode->mapping && ops && (ops->read_pages || ops->memory_only);
}

/* One page (or less) of a file into a pipe. */
static int64_t file_to_pipe_once(struct file *in, uint64_t *pos, struct pipe *p, size_t n, bool nonblock)
{
	struct page *page;
	unsigned off = 0;
	int64_t got;
	int err;

	/* A slot first: what a stream has given cannot be put back. */
	mutex_lock(&p->lock);
	err = pipe_wait_slot(p, nonblock);
	mutex_unlock(&p->lock);
	if (err)
		return err;
	if (page_cached(in)) {
		uint64_t size = READ_ONCE(in->inode->size);

		if (*pos >= size)
			return 0;
		off = *pos & (PAGE_SIZE - 1);
		got = (int64_t)MIN(MIN((uint64_t)n, size - *pos), (uint64_t)(PAGE_SIZE - off));
		if (in->mapping->ops->memory_only && !mapping_uptodate(in->mapping, *pos >> PAGE_SHIFT)) {
			page = page_alloc(0, ALLOC_ZERO);	/* of a hole: it stays one */
			err = page ? 0 : -ENOMEM;
		} else {
			err = mapping_read(in->mapping, *pos >> PAGE_SHIFT, &page);
		}
		if (err)
			return err;
		file_accessed(in);
	} else {
		uint64_t at = *pos;
		struct uio u;

		page = page_alloc(0, 0);
		if (!page)
			return -ENOMEM;
		uio_init_kernel(&u, page_addr(page), MIN(n, PAGE_SIZE));
		got = vfs_read(in, &u, &at);
		if (got <= 0) {
			page_put(page);
			return got;
		}
	}
	got = pipe_append_page(p, page, off, (unsigned)got, false);
	page_put(page);
	if (got > 0)
		*pos += (uint64_t)got;
	return got;
}

static int64_t file_to_pipe(struct file *in, uint64_t *pos, struct pipe *p, size_t count, bool nonblock)
{
	int64_t done = 0, n = 0;

	while (count) {
		/* Once something has been moved, a full pipe ends the call. */
		n = file_to_pipe_once(in, pos, p, count, nonblock || done);
		if (n <= 0)
			break;
		done += n;
		count -= (size_t)n;
		/* A stream gives what it has: asking for more might wait. */
		if (!S_ISREG(inode_mode(in->inode)) && !S_ISBLK(inode_mode(in->inode)))
			break;
	}
	return done ? done : n;
}

struct sink { struct file *out; uint64_t *pos; };

static int64_t write_sink(void *arg, const void *data, size_t n)
{
	struct sink *s = arg;

	return write_bytes(s->out, data, n, s->pos);
}

static int64_t pipe_to_file(struct pipe *p, struct file *out, uint64_t *pos, size_t count, bool nonblock)
{
	struct sink sink = { .out = out, .pos = pos };
	int64_t done = 0, n = 0;

	while (count) {
		n = pipe_take(p, count, nonblock || done, write_sink, &sink);
		if (n <= 0)
			break;		/* end of file, or an error */
		done += n;
		count -= (size_t)n;
	}
	return done ? done : n;
}

static int64_t do_splice(struct file *in, uint64_t *in_pos, struct file *out, uint64_t *out_pos, size_t count, bool nonblock)
{
	struct pipe *from = pipe_of(in), *to = pipe_of(out);

	count = MIN(count, COPY_MAX);
	if (from && to)
		return pipe_move(from, to, count, nonblock || ((READ_ONCE(in->flags) | READ_ONCE(out->flags)) & O_NONBLOCK));
	if (from)
		return pipe_to_file(from, out, out_pos, count, nonblock || (READ_ONCE(in->flags) & O_NONBLOCK));
	if (to)
		return file_to_pipe(in, in_pos, to, count, nonblock || (READ_ONCE(out->flags) & O_NONBLOCK));
	return copy_through(in, in_pos, out, out_pos, count);
}

/* The offset of one side: the user's if given, else the file's own. */
static int offset_get(struct file *f, uaddr_t uoff, uint64_t *pos)
{
	int64_t off;

	if (!uoff) {
		*pos = READ_ONCE(f->pos);
		return 0;
	}
	if (pipe_of(f) || !(f->mode & FMODE_LSEEK) || only_values(f))
		return -ESPIPE;
	if (get_user(off, uoff))
		return -EFAULT;
	*pos = (uint64_t)off;
	return 0;
}

static int offset_in(struct file *f, uaddr_t uoff, uint64_t *pos)
{
	int err = offset_get(f, uoff, pos);

	return err ? err : uoff && (int64_t)*pos < 0 ? -EINVAL : 0;
}

static int64_t offset_out(struct file *f, uaddr_t uoff, uint64_t pos, int64_t ret)
{
	if (!uoff) {
		if (ret > 0 && !pipe_of(f))
			WRITE_ONCE(f->pos, pos);
		return ret;
	}
	return copy_to_user(uoff, &pos, sizeof(pos)) ? -EFAULT : ret;
}

/* rw_verify: positions and sizes that no file can have. */
static bool range_good(uint64_t pos, size_t count)
{
	return (int64_t)pos >= 0 && (int64_t)count >= 0 && (int64_t)(pos + count) >= 0;
}

static uint64_t largest(const struct file *f) { return f->inode->super && f->inode->super->max_bytes ? f->inode->super->max_bytes : INT64_MAX; }

/* Can it be read piecewise, as bytes?  It is asked when there is something to read. */
static bool gives_bytes(struct file *f)
{
	return f->ops->read && !S_ISDIR(inode_mode(f->inode)) && !only_values(f) && !pipe_of(f) && !f->ops->plain_read;
}

static int64_t sendfile_to_pipe(struct file *in, uint64_t *pos, struct file *out, size_t count)
{
	struct pipe *to = pipe_of(out);
	bool nonblock = READ_ONCE(out->flags) & O_NONBLOCK;
	int err;

	mutex_lock(&to->lock);
	err = pipe_wait_slot(to, nonblock);
	mutex_unlock(&to->lock);
	if (err || !count)
		return err;
	return gives_bytes(in) ? file_to_pipe(in, pos, to, count, nonblock) : -EINVAL;
}

/* in's position is *pos, out's its own.  Bytes or -errno. */
static int64_t do_sendfile(struct file *in, uint64_t *pos, bool positioned, int out_fd, size_t count)
{
	struct file *out;
	uint64_t opos, max;
	int64_t ret;

	if (!in || !(in->mode & FMODE_READ))
		return -EBADF;
	if (!positioned)
		*pos = in->pos;
	else if ((in->mode & (FMODE_LSEEK | FMODE_NO_POS)) != FMODE_LSEEK)
		return -ESPIPE;
	if (!range_good(*pos, count))
		return -EINVAL;
	count = MIN(count, COPY_MAX);
	out = fd_get(out_fd);
	ret = -EBADF;
	if (!out || !(out->mode & FMODE_WRITE))
		goto out;
	max = MIN(largest(in), largest(out));
	ret = -EOVERFLOW;
	if (*pos + count > max && *pos >= max)
		goto out;
	count = MIN(count, max - *pos);
	if (pipe_of(out)) {
		ret = sendfile_to_pipe(in, pos, out, count);
		goto out;
	}
	opos = out->pos;
	/* As on Linux: what cannot be read again (a terminal, a pipe) must not be lost when writing fails. */
	ret = -EINVAL;
	if (!range_good(opos, count) || READ_ONCE(out->flags) & O_APPEND || !(in->mode & FMODE_LSEEK))
		goto out;
	ret = 0;
	if (count)	/* that the other side takes no bytes is found when there is one to write */
		ret = gives_bytes(in) ? copy_through(in, pos, out, &opos, count) : -EINVAL;
	if (ret > 0)
		out->pos = opos;
out:
	if (out)
		file_put(out);
	return ret;
}

long sys_sendfile(int out_fd, int in_fd, uaddr_t off, size_t count)
{
	struct file *in;
	uint64_t pos;
	int64_t ret;

	if (off && get_user(pos, off))
		return -EFAULT;
	in = fd_get(in_fd);
	ret = do_sendfile(in, &pos, off, out_fd, count);
	if (off && put_user(pos, off))
		ret = -EFAULT;
	else if (!off && ret > 0 && !pipe_of(in))
		WRITE_ONCE(in->pos, pos);
	if (in)
		file_put(in);
	return ret;
}

long sys_copy_file_range(int fd_in, uaddr_t off_in, int fd_out, uaddr_t off_out, size_t len, unsigned flags)
{
	struct file *in = fd_get(fd_in), *out = fd_get(fd_out);
	uint64_t ipos, opos, size;
	int64_t ret = -EBADF;

	if (!in || !out)
		goto out;
	ret = -EFAULT;
	ipos = READ_ONCE(in->pos);
	opos = READ_ONCE(out->pos);
	if ((off_in && get_user(ipos, off_in)) || (off_out && get_user(opos, off_out)))
		goto out;
	ret = -EINVAL;
	if (flags)
		goto out;
	ret = -EISDIR;
	if (S_ISDIR(inode_mode(in->inode)) || S_ISDIR(inode_mode(out->inode)))
		goto out;
	ret = -EINVAL;
	if (!S_ISREG(inode_mode(in->inode)) || !S_ISREG(inode_mode(out->inode)))
		goto out;
	ret = -EBADF;
	if (!(in->mode & FMODE_READ) || !(out->mode & FMODE_WRITE) || (READ_ONCE(out->flags) & O_APPEND))
		goto out;
	ret = -EXDEV;
	if (in->inode->super != out->inode->super)
		goto out;
	ret = -EOVERFLOW;
	if (ipos + len < ipos || opos + len < opos)
		goto out;
	size = READ_ONCE(in->inode->size);
	if ((int64_t)ipos < (int64_t)size)
		len = MIN(len, size - ipos);
	else
		len = 0;
	ret = file_size_limit(opos, &len);	/* also when there is nothing to write */
	if (ret)
		goto out;
	ret = -EINVAL;
	if ((int64_t)ipos < 0 || (int64_t)opos < 0)
		goto out;
	if (in->inode == out->inode && ipos < opos + len && opos < ipos + len)
		goto out;
	ret = len ? copy_through(in, &ipos, out, &opos, MIN(len, COPY_MAX)) : 0;
	ret = offset_out(in, off_in, ipos, ret);
	if (ret >= 0)
		ret = offset_out(out, off_out, opos, ret);
out:
	if (in)
		file_put(in);
	if (out)
		file_put(out);
	return ret;
}

long sys_splice(int fd_in, uaddr_t off_in, int fd_out, uaddr_t off_out, size_t len, unsigned flags)
{
	struct file *in, *out;
	uint64_t ipos, opos;
	int64_t ret;

	if (!len)
		return 0;
	if (flags & ~15u)
		return -EINVAL;
	in = fd_get(fd_in);
	out = fd_get(fd_out);
	ret = -EBADF;
	if (!in || !out)
		goto out;
	ret = -ESPIPE;
	if ((pipe_of(in) && off_in) || (pipe_of(out) && off_out))
		goto out;
	ret = -EFAULT;
	if ((off_out && get_user(ipos, off_out)) || (off_in && get_user(ipos, off_in)))
		goto out;
	ret = -EBADF;
	if (!(in->mode & FMODE_READ) || !(out->mode & FMODE_WRITE))
		goto out;
	ret = -EINVAL;
	if (!pipe_of(in) && !pipe_of(out))
		goto out;
	if ((off_in && in->mode & FMODE_NO_POS) || (off_out && out->mode & FMODE_NO_POS))
		goto out;
	if (pipe_of(in) && pipe_of(in) == pipe_of(out))
		goto out;
	ret = offset_in(in, off_in, &ipos);
	if (!ret)
		ret = offset_in(out, off_out, &opos);
	if (ret)
		goto out;
	ret = -EINVAL;
	if (only_values(in) || only_values(out))
		goto out;
	if ((!pipe_of(out) && ((READ_ONCE(out->flags) & O_APPEND) || !out->ops->write)) || (!pipe_of(in) && !in->ops->read))
		goto out;
	if (!(pipe_of(in) && pipe_of(out)) && (int64_t)len < 0)
		goto out;
	ret = do_splice(in, &ipos, out, &opos, len, flags & SPLICE_F_NONBLOCK);
	ret = offset_out(in, off_in, ipos, ret);
	if (ret >= 0)
		ret = offset_out(out, off_out, opos, ret);
out:
	if (in)
		file_put(in);
	if (out)
		file_put(out);
	return ret;
}

long sys_tee(int fd_in, int fd_out, size_t len, unsigned flags)
{
	struct file *in, *out;
	int64_t ret;

	if (flags & ~15u)
		return -EINVAL;
	if (!len)
		return 0;
	in = fd_get(fd_in);
	out = fd_get(fd_out);
	ret = -EBADF;
	if (!in || !out || !(in->mode & FMODE_READ) || !(out->mode & FMODE_WRITE))
		goto out;
	ret = -EINVAL;
	if (pipe_of(in) && pipe_of(out) && pipe_of(in) != pipe_of(out))
		ret = pipe_tee(pipe_of(in), pipe_of(out), len, (flags & SPLICE_F_NONBLOCK) || ((READ_ONCE(in->flags) | READ_ONCE(out->flags)) & O_NONBLOCK));
out:
	if (in)
		file_put(in);
	if (out)
		file_put(out);
	return ret;
}

/* Into a pipe go the pages themselves; out of one comes what a read gives. */
long sys_vmsplice(int fd, uaddr_t iov, uint64_t n, unsigned flags)
{
	struct uio_seg fast[8], *segs = fast;
	struct file *f;
	struct uio u;
	int64_t ret;
	bool write;

	if (flags & ~15u)
		return -EINVAL;
	f = fd_get(fd);
	if (!f)
		return -EBADF;
	write = f->mode & FMODE_WRITE;
	ret = -EBADF;
	if (!(f->mode & (FMODE_READ | FMODE_WRITE)))
		goto out;
	ret = uio_import(&u, iov, (uint32_t)n, fast, &segs);
	if (ret > 0) {
		ret = pipe_of(f) ? pipe_vmsplice(f, &u, write, flags & SPLICE_F_NONBLOCK) : -EBADF;
	}
	if (segs != fast)
		kfree(segs);
out:
	file_put(f);
	return ret;
}
