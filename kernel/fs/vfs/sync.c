/* SPDX-License-Identifier: MIT */
/* sync(2), fsync(2) and relatives; advice about read-ahead; the thread that writes attributes of inodes now and then. */
#include <kernel/block.h>
#include <kernel/errno.h>
#include <kernel/pagecache.h>
#include <kernel/timer.h>
#include "syscall/syscall_impl.h"
#include "vfs_internal.h"

/* The page cache that has the metadata of the file system of f; NULL: none. */
static struct mapping *metadata_of(const struct file *f)
{
	const struct blkdev *d = f->inode->super->bdev;

	return d ? d->inode->mapping : NULL;
}

void file_errors_begin(struct file *f)
{
	const struct mapping *meta = metadata_of(f);

	f->told.data = f->mapping ? errseq_sample(&f->mapping->error) : 0;
	f->told.device = meta ? errseq_sample(&meta->error) : 0;
	f->told.super = errseq_sample(&f->inode->super->error);
}

static int metadata_errors(struct file *f)
{
	struct mapping *meta = metadata_of(f);
	int err;

	if (!meta)
		return 0;
	spin_lock(&f->lock);
	err = errseq_advance(&meta->error, &f->told.device);
	spin_unlock(&f->lock);
	return err;
}

int file_errors(struct file *f)
{
	int err = 0, meta = metadata_errors(f);

	if (f->mapping) {
		spin_lock(&f->lock);
		err = errseq_advance(&f->mapping->error, &f->told.data);
		spin_unlock(&f->lock);
	}
	return err ? err : meta;
}

long sys_sync(void)
{
	vfs_sync();
	return 0;
}

long sys_syncfs(int fd)
{
	struct file *f = fd_get(fd);
	int err, told;

	if (!f)
		return -EBADF;
	err = super_sync(f->inode->super);
	spin_lock(&f->lock);
	told = errseq_advance(&f->inode->super->error, &f->told.super);
	spin_unlock(&f->lock);
	if (!err)
		err = told;
	told = metadata_errors(f);
	file_put(f);
	return err ? err : told;
}

int file_fsync(struct file *f, bool datasync)
{
	int err, told;

	if (!f->ops->fsync)
		return -EINVAL;
	err = f->ops->fsync(f, datasync);
	told = file_errors(f);
	return err ? err : told;
}

static long do_fsync(int fd, bool datasync)
{
	struct file *f = fd_get(fd);
	long err;

	if (!f)
		return -EBADF;
	err = file_fsync(f, datasync);
	writeback_asked();
	file_put(f);
	return err;
}

long sys_fsync(int fd) { return do_fsync(fd, false); }
long sys_fdatasync(int fd) { return do_fsync(fd, true); }

long sys_sync_file_range(int fd, int64_t off, int64_t n, unsigned flags)
{
	struct file *f;
	uint64_t end;
	long err;

	f = fd_get(fd);
	if (!f)
		return -EBADF;
	err = -EINVAL;
	if ((flags & ~7u) || off < 0 || n < 0 || off + n < off)
		goto out;
	end = n ? (uint64_t)off + (uint64_t)n : UINT64_MAX;
	err = -ESPIPE;
	if (!S_ISREG(inode_mode(f->inode)) && !S_ISBLK(inode_mode(f->inode)) && !S_ISDIR(inode_mode(f->inode)) && !S_ISLNK(inode_mode(f->inode)))
		goto out;
	err = 0;
	/* Waiting needs it to be started. */
	if (!f->mapping)
		goto out;
	if (flags & 5) {
		int told;

		err = mapping_sync(f->mapping, (uint64_t)off, end);
		told = file_errors(f);
		err = err ? err : told;
	} else if (flags & 2) {
		mapping_write_async(f->mapping, ~0u);
	}
out:
	file_put(f);
	return err;
}

long sys_readahead(int fd, int64_t off, size_t count)
{
	struct file *f = fd_get(fd);
	long err = 0;

	if (!f)
		return -EBADF;
	if (!(f->mode & FMODE_READ))
		err = -EBADF;
	else if ((!S_ISREG(inode_mode(f->inode)) && !S_ISBLK(inode_mode(f->inode))) || (int64_t)count < 0)
		err = -EINVAL;
	if (!err && f->mapping && f->mapping->ops && f->mapping->ops->read_pages && off >= 0) {
		uint64_t first = (uint64_t)off >> PAGE_SHIFT, n = MIN(count >> PAGE_SHIFT, (size_t)512);

		for (uint64_t i = first; i < first + n && i << PAGE_SHIFT < READ_ONCE(f->inode->size); i++) {
			struct page *p;

			if (mapping_read(f->mapping, i, &p))
				break;
			page_put(p);
		}
	}
	file_put(f);
	return err;
}

enum { FADV_NORMAL, FADV_RANDOM, FADV_SEQUENTIAL, FADV_WILLNEED, FADV_DONTNEED, FADV_NOREUSE };

long sys_fadvise64(int fd, int64_t off, size_t len, int advice)
{
	struct file *f = fd_get(fd);
	uint64_t end;
	long err = 0;

	if (!f)
		return -EBADF;
	if (S_ISFIFO(inode_mode(f->inode))) {
		err = -ESPIPE;
		goto out;
	}
	err = -EINVAL;
	if (advice < FADV_NORMAL || advice > FADV_NOREUSE || (int64_t)len < 0)
		goto out;
	err = 0;
	if (!f->mapping || off < 0)
		goto out;
	end = len ? (uint64_t)off + len : UINT64_MAX;
	spin_lock(&f->lock);
	switch (advice) {
	case FADV_NORMAL: f->ra_pages = 0; break;
	case FADV_RANDOM: f->ra_pages = 1; break;
	case FADV_SEQUENTIAL: f->ra_pages = 64; break;
	}
	spin_unlock(&f->lock);
	if (advice == FADV_DONTNEED && f->mapping->ops && !f->mapping->ops->memory_only) {
		mapping_write_async(f->mapping, ~0u);
		mapping_invalidate(f->mapping, (uint64_t)off, end);
	}
out:
	file_put(f);
	return err;
}
