/* SPDX-License-Identifier: MIT */
/* sync(2), fsync(2) and relatives; advice about read-ahead; the thread that writes attributes of inodes now and then. */
#include <kernel/errno.h>
#include <kernel/pagecache.h>
#include <kernel/timer.h>
#include "syscall/syscall_impl.h"
#include "vfs_internal.h"

long sys_sync(void)
{
	vfs_sync(true);
	return 0;
}

long sys_syncfs(int fd)
{
	struct file *f = fd_get(fd);
	long err;

	if (!f)
		return -EBADF;
	err = super_sync(f->path.dentry->super, true);
	file_put(f);
	return err;
}

static long do_fsync(int fd, bool datasync)
{
	struct file *f = fd_get(fd);
	long err = -EINVAL;

	if (!f)
		return -EBADF;
	if (f->ops->fsync)
		err = f->ops->fsync(f, datasync);
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
	if (flags & 5)
		err = mapping_sync(f->mapping, (uint64_t)off, end);
	else if (flags & 2)
		mapping_write_async(f->mapping, ~0u);
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
