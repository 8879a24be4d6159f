/* SPDX-License-Identifier: MIT */
/*
 * Regular files: their pages and the disk.
 *
 * Reading maps runs of blocks and lets page I/O gather them into requests;
 * holes are zeros.  Writing allocates in write_begin (so a full disk is an
 * error of write(2), not of write-back) and a freshly allocated block's page is
 * dirty from that moment, so that what was on the disk before is never read.
 * Write-back writes the blocks that are mapped; a hole in a dirty page is
 * still zeros and stays a hole.
 */
#include "ext2.h"
#include <kernel/cpu.h>
#include <kernel/errno.h>
#include <kernel/file.h>
#include <kernel/print.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/task.h>
#include <kernel/uaccess.h>
#include <kernel/uio.h>

struct ext2_run { uint64_t lblk; uint32_t phys, count; };	/* the last mapping asked for */

static int ext2_run_map(struct inode *inode, uint64_t lblk, struct ext2_run *run, uint32_t *phys)
{
	if (run->count == 0 || lblk < run->lblk || lblk - run->lblk >= run->count) {
		int e = ext2_map(inode, lblk, 1024, &run->phys, &run->count);

		if (e) {
			run->count = 0;
			return e;
		}
		run->lblk = lblk;
	}
	*phys = run->phys ? run->phys + (uint32_t)(lblk - run->lblk) : 0;
	return 0;
}

static int ext2_read_pages(struct mapping *m, struct page **pages, unsigned n)
{
	struct inode *inode = m->inode;
	struct ext2_sb *sb = ext2_sb(inode->super);
	unsigned bs = sb->block_size, per_page = (unsigned)(PAGE_SIZE >> sb->block_bits);
	struct ext2_run run = { .count = 0 };
	struct page_io io;

	page_io_init(&io, sb->dev, BLK_READ);
	for (unsigned i = 0; i < n; i++) {
		struct page *p = pages[i];
		uint64_t lblk = p->index * per_page;
		char *data = page_addr(p);

		page_io_begin(&io, p);
		for (unsigned k = 0; k < per_page; k++) {
			uint32_t phys = 0;

			if (((lblk + k) << sb->block_bits) < READ_ONCE(inode->size) && ext2_run_map(inode, lblk + k, &run, &phys))
				page_io_fail(p);
			if (phys)
				page_io_add(&io, p, k * bs, bs, (uint64_t)phys << (sb->block_bits - 9));
			else
				memset(data + k * bs, 0, bs);
		}
		page_io_end(&io, p);
	}
	page_io_finish(&io);
	return 0;
}

static int ext2_write_pages(struct mapping *m, struct page **pages, unsigned n)
{
	struct inode *inode = m->inode;
	struct ext2_sb *sb = ext2_sb(inode->super);
	unsigned bs = sb->block_size, per_page = (unsigned)(PAGE_SIZE >> sb->block_bits);
	struct ext2_run run = { .count = 0 };
	struct page_io io;

	page_io_init(&io, sb->dev, BLK_WRITE);
	for (unsigned i = 0; i < n; i++) {
		struct page *p = pages[i];
		uint64_t lblk = p->index * per_page, size = READ_ONCE(inode->size), start = p->index << PAGE_SHIFT;

		page_io_begin(&io, p);
		/* A shared mapping may have written behind the end: that is nobody's to see. */
		if (start < size && size - start < PAGE_SIZE)
			memset((char *)page_addr(p) + (size - start), 0, PAGE_SIZE - (size_t)(size - start));
		for (unsigned k = 0; k < per_page; k++) {
			uint32_t phys;

			if (((lblk + k) << sb->block_bits) >= size)
				break;
			if (ext2_run_map(inode, lblk + k, &run, &phys))
				page_io_fail(p);
			else if (phys)
				page_io_add(&io, p, k * bs, bs, (uint64_t)phys << (sb->block_bits - 9));
		}
		page_io_end(&io, p);
	}
	page_io_finish(&io);
	return 0;
}

/* Bring a locked page up to date, waiting. */
static int ext2_fill_page(struct inode *inode, struct page *p)
{
	struct ext2_sb *sb = ext2_sb(inode->super);
	unsigned bs = sb->block_size, per_page = (unsigned)(PAGE_SIZE >> sb->block_bits);
	uint64_t lblk = p->index * per_page;
	char *data = page_addr(p);

	for (unsigned k = 0; k < per_page; k++) {
		struct blk_request *r;
		uint32_t phys = 0, count;
		int e = 0;

		if (((lblk + k) << sb->block_bits) < inode->size)
			e = ext2_map(inode, lblk + k, 1, &phys, &count);
		if (e)
			return e;
		if (!phys) {
			memset(data + k * bs, 0, bs);
			continue;
		}
		r = blk_request_alloc(sb->dev, BLK_READ, ALLOC_NOFS);
		if (!r)
			return -ENOMEM;
		r->sector = (uint64_t)phys << (sb->block_bits - 9);
		r->seg[0] = (struct blk_seg){ .page = p, .offset = k * bs, .len = bs };
		r->nsegs = 1;
		e = blk_submit_wait(r);
		if (e)
			return e;
	}
	__atomic_or_fetch(&p->flags, PG_UPTODATE, __ATOMIC_RELEASE);
	return 0;
}

static int ext2_allocate_range(struct inode *inode, struct page *p, unsigned off, unsigned n)
{
	struct ext2_sb *sb = ext2_sb(inode->super);
	uint64_t first = ((p->index << PAGE_SHIFT) + off) >> sb->block_bits;
	uint64_t last = ((p->index << PAGE_SHIFT) + off + n - 1) >> sb->block_bits;
	bool any = false;
	int e = 0;

	for (uint64_t lblk = first; lblk <= last && !e; lblk++) {
		uint32_t phys;
		bool fresh;

		e = ext2_map_create(inode, lblk, &phys, &fresh);
		any |= !e && fresh;
	}
	if (any)
		page_mark_dirty(p);
	return e;
}

static int ext2_write_begin(struct mapping *m, struct page *p, unsigned off, unsigned n)
{
	struct inode *inode = m->inode;
	uint64_t end = (p->index << PAGE_SHIFT) + off + n;
	int e;

	if (n == 0)
		return 0;
	if (end > inode->super->max_bytes)
		return -EFBIG;
	if (end > INT32_MAX) {
		e = ext2_set_large_file(ext2_sb(inode->super));
		if (e)
			return e;
	}
	if (!(READ_ONCE(p->flags) & PG_UPTODATE)) {
		if (n < PAGE_SIZE) {
			e = ext2_fill_page(inode, p);
			if (e)
				return e;
		} else {
			memset(page_addr(p), 0, PAGE_SIZE);
			e = ext2_allocate_range(inode, p, off, n);
			if (!e)
				__atomic_or_fetch(&p->flags, PG_UPTODATE, __ATOMIC_RELEASE);
			return e;
		}
	}
	return ext2_allocate_range(inode, p, off, n);
}

static int ext2_page_mkwrite(struct mapping *m, struct page *p)
{
	struct inode *inode = m->inode;
	uint64_t start = p->index << PAGE_SHIFT, size = READ_ONCE(inode->size);

	if (start >= size)
		return -EIO;
	return ext2_allocate_range(inode, p, 0, (unsigned)MIN(size - start, (uint64_t)PAGE_SIZE));
}

const struct mapping_ops ext2_mapping_ops = {
	.read_pages = ext2_read_pages,
	.write_pages = ext2_write_pages,
	.write_begin = ext2_write_begin,
	.page_mkwrite = ext2_page_mkwrite,
};

/* ---- file operations ---- */

struct file_ops ext2_file_ops;

int ext2_fsync(struct file *f, bool datasync)
{
	struct inode *inode = f->inode;
	struct ext2_sb *sb = ext2_sb(inode->super);
	int e = 0, e2;

	if (S_ISREG(inode_mode(inode)))
		mapping_write_async(inode->mapping, UINT32_MAX);	/* under way while the inode is written; waited for below */
	if (READ_ONCE(inode->super->flags) & MS_RDONLY)
		return S_ISREG(inode_mode(inode)) ? mapping_sync(inode->mapping, 0, UINT64_MAX) : 0;
	/* A writer may be changing size and times. */
	rwsem_read_lock(&inode->lock);
	e2 = inode_write(inode);
	rwsem_read_unlock(&inode->lock);
	mapping_write_async(sb->dev->inode->mapping, UINT32_MAX);
	if (S_ISREG(inode_mode(inode)))
		e = mapping_sync(inode->mapping, 0, UINT64_MAX);
	if (!e)
		e = e2;
	e2 = buffer_sync_all(sb->dev);
	return e ? e : e2;
}

static int64_t ext2_write(struct file *f, struct uio *u, uint64_t *pos)
{
	struct inode *inode = f->inode;
	struct ext2_sb *sb = ext2_sb(inode->super);
	size_t want = u->left;
	int64_t n;

	if (want && inode_flags(inode) & INODE_IMMUTABLE)	/* it was opened before */
		return -EPERM;
	n = generic_file_ops.write(f, u, pos);
	if (n < 0 || (size_t)n < want) {
		/* Blocks that were allocated for what did not come: none may stay behind the end. */
		rwsem_write_lock(&inode->lock);
		ext2_free_range(inode, (inode->size + sb->block_size - 1) >> sb->block_bits, UINT64_MAX);
		rwsem_write_unlock(&inode->lock);
	}
	return n;
}

static int64_t ext2_llseek(struct file *f, int64_t off, int whence)
{
	struct inode *inode = f->inode;
	struct ext2_sb *sb = ext2_sb(inode->super);
	uint64_t at, size;
	int e = 0;

	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return vfs_llseek(f, off, whence);
	rwsem_read_lock(&inode->lock);
	size = inode->size;
	at = (uint64_t)off;
	if (off < 0 || at >= size) {
		e = -ENXIO;
		goto out;
	}
	for (;;) {
		uint32_t phys, count;

		e = ext2_map(inode, at >> sb->block_bits, UINT32_MAX, &phys, &count);
		if (e)
			goto out;
		if ((phys != 0) == (whence == SEEK_DATA))
			break;
		at = ((at >> sb->block_bits) + count) << sb->block_bits;
		if (at >= size) {
			if (whence == SEEK_DATA)
				e = -ENXIO;
			at = size;
			break;
		}
	}
out:
	rwsem_read_unlock(&inode->lock);
	if (e)
		return e;
	WRITE_ONCE(f->pos, at);
	return (int64_t)at;
}

enum { FALLOC_KEEP_SIZE = 1, FALLOC_PUNCH_HOLE = 2, FALLOC_ZERO_RANGE = 16 };

/* Zero bytes of the file through the page cache; blocks that are holes stay holes unless `allocate`. */
int ext2_zero_bytes(struct inode *inode, uint64_t from, uint64_t to, bool allocate)
{
	struct ext2_sb *sb = ext2_sb(inode->super);
	int e = 0;

	while (from < to && !e) {
		unsigned off = (unsigned)(from & (PAGE_SIZE - 1)), n = (unsigned)MIN(to - from, (uint64_t)(PAGE_SIZE - off));
		struct page *p;

		if (!allocate) {
			/* Nothing cached, nothing on the disk: nothing to zero. */
			uint32_t phys, count;

			e = ext2_map(inode, from >> sb->block_bits, UINT32_MAX, &phys, &count);
			if (e)
				break;
			if (!phys) {
				uint64_t next = ((from >> sb->block_bits) + count) << sb->block_bits;

				from = MIN(next, to);
				continue;
			}
		}
		if (fatal_signal_pending(current))
			return -EINTR;
		e = mapping_get_locked(inode->mapping, from >> PAGE_SHIFT, &p);
		if (e)
			break;
		page_wait_writeback(p);
		if (!allocate)
			page_clear_flag(p, PG_BACKED);	/* its blocks may be given back next */
		if (!(READ_ONCE(p->flags) & PG_UPTODATE))
			e = ext2_fill_page(inode, p);
		if (!e && allocate)
			e = ext2_allocate_range(inode, p, off, n);
		if (!e && !allocate) {
			memset((char *)page_addr(p) + off, 0, n);
			page_mark_dirty(p);
		}
		page_unlock(p);
		page_put(p);
		from += n;
	}
	return e;
}

static int ext2_punch(struct inode *inode, uint64_t from, uint64_t to)
{
	struct ext2_sb *sb = ext2_sb(inode->super);
	uint64_t bs = sb->block_size, first = ALIGN_UP(from, bs), last = ALIGN_DOWN(to, bs);
	int e;

	if (to > inode->size) {
		to = inode->size;
		last = ALIGN_UP(to, bs);
	}
	if (from >= to)
		return 0;
	if (first >= last || first >= to)
		return ext2_zero_bytes(inode, from, to, false);
	e = ext2_zero_bytes(inode, from, first, false);
	if (!e && last < to)
		e = ext2_zero_bytes(inode, last, to, false);
	/*
	 * Whole blocks: zero what is cached (user mappings see it too), let write-back end, and only
	 * then give the blocks back.  The pages stay, as the contents of the hole.
	 */
	if (!e)
		e = ext2_zero_bytes(inode, first, MIN(last, to), false);
	if (!e)
		e = mapping_sync(inode->mapping, first, last);
	if (!e)
		e = ext2_free_range(inode, first >> sb->block_bits, last >> sb->block_bits);
	return e;
}

static int ext2_fallocate(struct file *f, unsigned mode, uint64_t off, uint64_t len)
{
	struct inode *inode = f->inode;
	uint64_t end = off + len;
	int e;

	if (!S_ISREG(inode_mode(inode)))
		return -ENODEV;
	if (end < off || end > inode->super->max_bytes)
		return -EFBIG;
	rwsem_write_lock(&inode->lock);
	e = mode & FALLOC_PUNCH_HOLE || end <= inode->size ? 0 : vfs_size_limit(end);
	if (e) {
		rwsem_write_unlock(&inode->lock);
		return e;
	}
	switch (mode) {
	case FALLOC_PUNCH_HOLE | FALLOC_KEEP_SIZE:
		e = ext2_punch(inode, off, end);
		break;
	case FALLOC_ZERO_RANGE | FALLOC_KEEP_SIZE:
		/* Blocks behind the end cannot be kept in this format. */
		e = end > inode->size ? -EOPNOTSUPP : ext2_zero_bytes(inode, off, end, false);
		break;
	case FALLOC_ZERO_RANGE:
	case 0: {
		uint64_t old = inode->size;

		e = mode && off < old ? ext2_zero_bytes(inode, off, MIN(end, old), false) : 0;
		if (!e && end > INT32_MAX)
			e = ext2_set_large_file(ext2_sb(inode->super));
		if (!e) {
			WRITE_ONCE(inode->size, MAX(old, end));
			if (end > old)
				mapping_grown(inode->mapping, old);
			e = ext2_zero_bytes(inode, off, end, true);
			if (e && inode->size > old) {
				WRITE_ONCE(inode->size, old);
				mapping_truncate(inode->mapping, old);
				ext2_free_range(inode, (old + inode->blksize - 1) / inode->blksize, UINT64_MAX);
			}
		}
		break;
	}
	default:
		e = -EOPNOTSUPP;
	}
	if (!e) {
		inode_touch(inode, ATTR_MTIME | ATTR_CTIME);
		inode_mark_dirty(inode);
	}
	rwsem_write_unlock(&inode->lock);
	return e;
}

enum { FS_IOC_GETFLAGS = (int)0x80086601, FS_IOC_SETFLAGS = 0x40086602, FS_IOC_GETVERSION = (int)0x80087601 };

long ext2_ioctl(struct file *f, unsigned cmd, uint64_t arg)
{
	struct inode *inode = f->inode;
	struct ext2_inode *ei = ext2_i(inode);
	uint32_t flags;
	long e;

	switch ((int)cmd) {
	case FS_IOC_GETFLAGS:
		return put_user((uint32_t)(READ_ONCE(ei->flags) & EXT2_FL_USER_VISIBLE), arg);
	case FS_IOC_GETVERSION:
		return put_user((uint32_t)ei->generation, arg);
	case FS_IOC_SETFLAGS:
		e = get_user(flags, arg);
		if (!e)
			e = mount_want_write(f->path.mnt);
		if (e)
			return e;
		rwsem_write_lock(&inode->lock);
		if (current->cred->fsuid != inode->uid && !capable(CAP_FOWNER)) {
			e = -EPERM;
		} else if ((flags ^ ei->flags) & (EXT2_APPEND_FL | EXT2_IMMUTABLE_FL) && !capable(CAP_LINUX_IMMUTABLE)) {
			e = -EPERM;
		} else {
			WRITE_ONCE(ei->flags, (ei->flags & ~(uint32_t)EXT2_FL_USER_MODIFIABLE) | (flags & EXT2_FL_USER_MODIFIABLE));
			ext2_flags_to_inode(inode);
			inode_touch(inode, ATTR_CTIME);
			inode_mark_dirty(inode);
		}
		rwsem_write_unlock(&inode->lock);
		mount_drop_write(f->path.mnt);
		return e;
	default:
		return -ENOTTY;
	}
}

void ext2_file_init(void)
{
	ext2_file_ops = generic_file_ops;
	ext2_file_ops.write = ext2_write;
	ext2_file_ops.llseek = ext2_llseek;
	ext2_file_ops.fsync = ext2_fsync;
	ext2_file_ops.fallocate = ext2_fallocate;
	ext2_file_ops.ioctl = ext2_ioctl;
}
