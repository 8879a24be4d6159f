/* SPDX-License-Identifier: MIT */
/*
 * Metadata buffers: blocks of a device, seen through its page cache.
 *
 * A buffer is a reference on the page plus a place in it; it costs nothing and
 * is held as long as the data is used.  Who changes the same bytes is the file
 * system's to arrange.  A changed block is written by the page cache's
 * write-back, by buffer_write_sync() or by buffer_sync_all(), alone: its
 * neighbours in the page may be somebody's file data (see blkdev.c).
 */
#include <kernel/block.h>
#include <kernel/errno.h>
#include <kernel/string.h>

void blkdev_page_dirty_range(struct page *p, unsigned off, unsigned n);

static int buffer_place(struct blkdev *d, uint64_t block, unsigned size, uint64_t *index, unsigned *off)
{
	uint64_t bytes = d->sectors * BLK_SECTOR;

	if (block >= bytes / size)
		return -EIO;
	*index = block * size >> PAGE_SHIFT;
	*off = (unsigned)(block * size & (PAGE_SIZE - 1));
	return 0;
}

static void buffer_set(struct buffer *b, struct blkdev *d, struct page *p, unsigned off, uint64_t block, unsigned size)
{
	*b = (struct buffer){ .page = p, .data = (char *)page_addr(p) + off, .block = block, .size = size, .dev = d };
}

int buffer_read(struct blkdev *d, uint64_t block, unsigned size, struct buffer *out)
{
	struct page *p;
	uint64_t index;
	unsigned off;
	int e = buffer_place(d, block, size, &index, &off);

	if (e)
		return e;
	e = mapping_read(d->inode->mapping, index, &p);
	if (e)
		return e;
	buffer_set(out, d, p, off, block, size);
	return 0;
}

int buffer_get_zeroed(struct blkdev *d, uint64_t block, unsigned size, struct buffer *out)
{
	struct page *p;
	uint64_t index;
	unsigned off;
	int e = buffer_place(d, block, size, &index, &off);

	if (e)
		return e;
	if (size < PAGE_SIZE) {
		/* The rest of the page may be metadata that matters. */
		e = mapping_read(d->inode->mapping, index, &p);
		if (e)
			return e;
		memset((char *)page_addr(p) + off, 0, size);
	} else {
		e = mapping_get_locked(d->inode->mapping, index, &p);
		if (e)
			return e;
		memset(page_addr(p), 0, PAGE_SIZE);
		__atomic_or_fetch(&p->flags, PG_UPTODATE, __ATOMIC_RELEASE);
		page_unlock(p);
	}
	buffer_set(out, d, p, off, block, size);
	return 0;
}

static unsigned buffer_offset(const struct buffer *b)
{
	return (unsigned)((char *)b->data - (char *)page_addr(b->page));
}

void buffer_dirty(struct buffer *b)
{
	blkdev_page_dirty_range(b->page, buffer_offset(b), b->size);
	page_mark_dirty(b->page);
}

int buffer_write_sync(struct buffer *b)
{
	uint64_t at = b->block * b->size;

	return mapping_sync(b->dev->inode->mapping, ALIGN_DOWN(at, (uint64_t)PAGE_SIZE), ALIGN_DOWN(at, (uint64_t)PAGE_SIZE) + PAGE_SIZE);
}

void buffer_put(struct buffer *b)
{
	if (!b->page)
		return;
	page_put(b->page);
	b->page = NULL;
	b->data = NULL;
}

void buffer_forget(struct blkdev *d, uint64_t block, unsigned size)
{
	struct page *p;
	uint64_t index;
	unsigned off;
	uintptr_t mask;

	if (buffer_place(d, block, size, &index, &off))
		return;
	p = mapping_find(d->inode->mapping, index);
	if (!p)
		return;
	mask = (2u << (off + size - 1) / BLK_SECTOR) - (1u << off / BLK_SECTOR);
	__atomic_and_fetch((uintptr_t *)&p->priv, ~mask, __ATOMIC_ACQ_REL);
	page_wait_writeback(p);
	page_put(p);
}

void buffer_read_ahead(struct blkdev *d, uint64_t block, unsigned size)
{
	struct mapping *m = d->inode->mapping;
	struct page *p;
	uint64_t index;
	unsigned off;

	if (buffer_place(d, block, size, &index, &off))
		return;
	p = mapping_find(m, index);
	if (p) {
		page_put(p);
		return;
	}
	if (mapping_get_locked(m, index, &p))
		return;
	if (READ_ONCE(p->flags) & PG_UPTODATE)
		page_unlock(p);
	else
		m->ops->read_pages(m, &p, 1);
	page_put(p);
}

int buffer_sync_all(struct blkdev *d)
{
	int e = mapping_sync(d->inode->mapping, 0, UINT64_MAX), f = blkdev_flush(d);

	return e ? e : f;
}
