/* SPDX-License-Identifier: MIT */
/*
 * Operations of files whose contents are their page cache: generic_file_ops.
 *
 * A write holds the inode's lock: writes are atomic against each other, and
 * O_APPEND finds the end that it writes at.  Reads do not take it.
 */
#include <kernel/errno.h>
#include <kernel/signal.h>
#include <kernel/uio.h>
#include "vfs_internal.h"

static int64_t generic_read(struct file *f, struct uio *u, uint64_t *pos)
{
	int64_t n = pagecache_read(f, u, *pos);

	if (n > 0)
		*pos += (uint64_t)n;
	file_accessed(f);
	return n;
}

int file_size_limit(uint64_t pos, size_t *n)
{
	uint64_t limit = current->process ? rlimit_get(RLIMIT_FSIZE) : RLIM_INFINITY;

	if (limit == RLIM_INFINITY || (int64_t)pos < 0)
		return 0;
	if ((int64_t)pos >= (int64_t)limit) {
		signal_send_current(SIGXFSZ);
		return -EFBIG;
	}
	*n = MIN(*n, limit - pos);
	return 0;
}

/* Cuts the write to what limits allow.  0 or -EFBIG. */
static int write_limit(struct inode *i, struct uio *u, uint64_t pos)
{
	int err = S_ISREG(inode_mode(i)) ? file_size_limit(pos, &u->left) : 0;

	if (err)
		return err;
	if (pos >= i->super->max_bytes)
		return -EFBIG;
	u->left = MIN(u->left, i->super->max_bytes - pos);
	return 0;
}

int generic_write_begin(struct file *f, struct uio *u, uint64_t *pos)
{
	struct inode *i = f->inode;
	int err;

	if (file_appends(f, u))
		*pos = i->size;
	err = write_limit(i, u, *pos);
	if (!err)
		err = file_remove_privs(f);
	if (!err)
		inode_touch(i, ATTR_MTIME | ATTR_CTIME);
	return err;
}

static int64_t generic_write(struct file *f, struct uio *u, uint64_t *pos)
{
	struct inode *i = f->inode;
	int64_t n;
	int err;

	if (!u->left)
		return 0;
	rwsem_write_lock(&i->lock);
	n = generic_write_begin(f, u, pos);
	if (!n) {
		uint64_t size = i->size;

		n = pagecache_write(f, u, *pos);
		if (i->size != size)
			inode_mark_dirty(i);
	}
	rwsem_write_unlock(&i->lock);
	if (n <= 0)
		return n;
	if (((READ_ONCE(f->flags) & O_DSYNC) || (READ_ONCE(i->super->flags) & MS_SYNCHRONOUS)) && f->ops->fsync) {
		err = file_fsync(f, (READ_ONCE(f->flags) & O_SYNC) != O_SYNC);
		if (err)
			return err;
	}
	*pos += (uint64_t)n;
	return n;
}

static int generic_fsync(struct file *f, bool datasync)
{
	struct inode *i = f->inode;
	int err = mapping_sync(i->mapping, 0, UINT64_MAX);	/* f's own is NULL for a directory */
	int err2;

	err2 = inode_write(i);
	if (!err2 && i->super->ops && i->super->ops->sync)
		err2 = i->super->ops->sync(i->super);
	return err ? err : err2;
}

const struct file_ops generic_file_ops = {
	.read = generic_read,
	.write = generic_write,
	.llseek = vfs_llseek,
	.fsync = generic_fsync,
};
