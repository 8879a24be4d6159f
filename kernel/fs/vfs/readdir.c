/* SPDX-License-Identifier: MIT */
/* getdents(2), getdents64(2): a directory's iterate operation fills a kernel page that is copied out. */
#include <kernel/errno.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/uaccess.h>
#include "syscall/syscall_impl.h"
#include "vfs_internal.h"

enum { DENTS_BUF = 32768 };
struct dents {
	struct dir_context ctx;
	char *buf;
	unsigned used, max;
	unsigned last;			/* offset of the last record: its d_off is set by the next entry */
	bool old;			/* struct linux_dirent: type in the last byte */
	bool any, too_small;
};
struct abi_dirent { uint64_t d_ino; int64_t d_off; uint16_t d_reclen; char d_name[]; };

/* 1 to 255 bytes, most of them few: a call and its loop would cost more than the rest of an entry. */
static inline void name_copy(char *d, const char *s, unsigned len)
{
	if (len >= 8) {
		for (unsigned at = 0; at + 8 < len; at += 8)
			__builtin_memcpy(d + at, s + at, 8);
		__builtin_memcpy(d + len - 8, s + len - 8, 8);
	} else if (len >= 4) {
		__builtin_memcpy(d, s, 4);
		__builtin_memcpy(d + len - 4, s + len - 4, 4);
	} else {
		for (unsigned at = 0; at < len; at++)
			d[at] = s[at];
	}
}

static bool dents_emit(struct dir_context *ctx, const char *name, unsigned len, uint64_t ino, unsigned type)
{
	struct dents *d = container_of(ctx, struct dents, ctx);
	unsigned head = d->old ? offsetof(struct abi_dirent, d_name) : offsetof(struct abi_dirent64, d_name);
	unsigned n = ALIGN_UP(head + len + 1 + (d->old ? 1 : 0), 8u);
	char *p = d->buf + d->used;

	if (n > d->max - d->used) {
		d->too_small = !d->any;
		return false;
	}
	/* What neither the head nor the name covers is less than nine bytes. */
	__builtin_memset(p + n - 8, 0, 8);
	p[head + len] = 0;
	((struct abi_dirent *)p)->d_ino = ino;
	((struct abi_dirent *)p)->d_off = (int64_t)ctx->pos;
	((struct abi_dirent *)p)->d_reclen = (uint16_t)n;
	name_copy(p + head, name, len);
	if (d->old)
		p[n - 1] = (char)type;
	else
		((struct abi_dirent64 *)p)->d_type = (uint8_t)type;
	/* Where to go on after an entry is known when the next one comes: ctx->pos is that entry's own. */
	if (d->any)
		((struct abi_dirent *)(d->buf + d->last))->d_off = (int64_t)ctx->pos;
	d->last = d->used;
	d->used += n;
	d->any = true;
	return true;
}

/* Hands over what there is: the bytes of the entries that went whole, and where the next one is.  None: -EFAULT. */
static long dents_copy(struct dents *d, uaddr_t ubuf, uint64_t *next)
{
	size_t copied = copy_to_user_partial(ubuf, d->buf, d->used);
	unsigned at = 0;

	while (at < d->used) {
		const struct abi_dirent *e = (const struct abi_dirent *)(d->buf + at);

		if (at + e->d_reclen > copied)
			return at ? (long)at : -EFAULT;
		*next = (uint64_t)e->d_off;
		at += e->d_reclen;
	}
	return (long)at;
}

static long do_getdents(int fd, uaddr_t ubuf, unsigned count, bool old)
{
	struct file *f = fd_get(fd);
	struct dents d = { .ctx.emit = dents_emit, .old = old };
	struct inode *i;
	bool there;
	long err;

	if (!f)
		return -EBADF;
	i = f->inode;
	err = -ENOTDIR;
	if (!S_ISDIR(inode_mode(i)) || !f->ops->iterate)
		goto out;
	d.max = count > INT32_MAX ? 0 : MIN(count, (unsigned)DENTS_BUF);	/* Linux counts in an int */
	err = -ENOMEM;
	d.buf = kmalloc(MAX(d.max, 1u), 0);
	if (!d.buf)
		goto out;
	mutex_lock(&f->pos_lock);
	rwsem_read_lock(&i->lock);
	d.ctx.pos = READ_ONCE(f->pos);
	err = -ENOENT;
	there = i->nlink != 0;
	if (there)
		err = f->ops->iterate(f, &d.ctx);
	rwsem_read_unlock(&i->lock);
	if (d.any)
		((struct abi_dirent *)(d.buf + d.last))->d_off = (int64_t)d.ctx.pos;
	/* Entries that could not be handed over are read again by the next call. */
	if (err >= 0 || d.any) {
		uint64_t next = d.ctx.pos;

		err = d.too_small ? -EINVAL : dents_copy(&d, ubuf, &next);
		if (err >= 0)
			WRITE_ONCE(f->pos, next);
	}
	mutex_unlock(&f->pos_lock);
	if (there) {
		notify_file(f->path.dentry, IN_ACCESS);
		file_accessed(f);
	}
	kfree(d.buf);
out:
	file_put(f);
	return err;
}

long sys_getdents64(int fd, uaddr_t ubuf, unsigned count) { return do_getdents(fd, ubuf, count, false); }
#ifdef EFT_CPU_x86_64
long sys_getdents(int fd, uaddr_t ubuf, unsigned count) { return do_getdents(fd, ubuf, count, true); }
#endif
