/* SPDX-License-Identifier: MIT */
/*
 * Page I/O: pages of a page cache to and from a device.
 *
 * The pieces of a page (its file-system blocks) may lie anywhere on the
 * device and so belong to several requests.  page->priv counts them while they
 * are under way: bits 16.. are the count, bit 8 says that one has failed; bits
 * 0-7 are not ours (the device's page cache has its dirty sectors there).
 * Pieces that follow each other on the device share a request.
 */
#include <kernel/block.h>
#include <kernel/errno.h>
#include <kernel/slab.h>

enum { PAGE_IO_FAILED = 1u << 8, PAGE_IO_ONE = 1u << 16 };

static uintptr_t *page_io_state(struct page *p)
{
	return (uintptr_t *)&p->priv;
}

void page_io_init(struct page_io *io, struct blkdev *d, enum blk_op op)
{
	*io = (struct page_io){ .dev = d, .op = op };
}

void page_io_begin(struct page_io *io, struct page *p)
{
	page_get(p);
	io->pieces = 0;
	if (__atomic_load_n(page_io_state(p), __ATOMIC_RELAXED) & PAGE_IO_FAILED)
		__atomic_and_fetch(page_io_state(p), ~(uintptr_t)PAGE_IO_FAILED, __ATOMIC_RELAXED);
}

void page_io_fail(struct page *p)
{
	__atomic_or_fetch(page_io_state(p), PAGE_IO_FAILED, __ATOMIC_RELAXED);
}

/* Nothing of the page is under way any more. */
static void page_io_done(struct page *p, enum blk_op op, bool failed)
{
	if (op == BLK_READ) {
		if (failed) {
			__atomic_or_fetch(&p->flags, PG_ERROR, __ATOMIC_RELAXED);
		} else {
			__atomic_and_fetch(&p->flags, ~(uint32_t)PG_ERROR, __ATOMIC_RELAXED);
			__atomic_or_fetch(&p->flags, PG_UPTODATE, __ATOMIC_RELEASE);
		}
		page_unlock(p);
	} else {
		page_end_writeback(p, failed ? -EIO : 0);
	}
	page_put(p);
}

static void page_io_done_one(struct page *p, enum blk_op op)
{
	uintptr_t s = __atomic_sub_fetch(page_io_state(p), PAGE_IO_ONE, __ATOMIC_ACQ_REL);

	if (s < PAGE_IO_ONE)
		page_io_done(p, op, s & PAGE_IO_FAILED);
}

static void page_io_request_done(struct blk_request *r)
{
	for (unsigned i = 0; i < r->nsegs; i++) {
		if (r->error)
			page_io_fail(r->seg[i].page);
		page_io_done_one(r->seg[i].page, r->op);
	}
	blk_request_free(r);
}

static void page_io_close_request(struct page_io *io)
{
	if (!io->r)
		return;
	io->r->private = io->batch;
	io->batch = io->r;
	io->r = NULL;
}

void page_io_add(struct page_io *io, struct page *p, unsigned offset, unsigned len, uint64_t sector)
{
	struct blk_request *r = io->r;

	if (r) {
		struct blk_seg *last = &r->seg[r->nsegs - 1];
		uint64_t end = (uint64_t)(uintptr_t)r->driver;	/* until it is sent: the sector behind it */

		if (end != sector || (r->nsegs == BLK_MAX_SEGS && (last->page != p || last->offset + last->len != offset))) {
			page_io_close_request(io);
		} else if (last->page == p && last->offset + last->len == offset) {
			last->len += len;
			r->driver = (void *)(uintptr_t)(end + len / BLK_SECTOR);
			return;
		}
	}
	if (!io->r) {
		/* What is gathered goes first if there is no memory: its completion frees some. */
		r = blk_request_alloc(io->dev, io->op, ALLOC_NOFS);
		if (!r) {
			page_io_fail(p);
			return;
		}
		r->sector = sector;
		r->done = page_io_request_done;
		io->r = r;
	}
	r = io->r;
	io->pieces++;
	r->seg[r->nsegs++] = (struct blk_seg){ .page = p, .offset = offset, .len = len };
	r->driver = (void *)(uintptr_t)(sector + len / BLK_SECTOR);
}

/* Requests are sent by page_io_finish(): until then no piece is done, and their count is one addition. */
void page_io_end(struct page_io *io, struct page *p)
{
	if (io->pieces)
		__atomic_add_fetch(page_io_state(p), io->pieces * PAGE_IO_ONE, __ATOMIC_RELAXED);
	if (io->op == BLK_WRITE)
		page_unlock(p);
	if (!io->pieces)
		page_io_done(p, io->op, __atomic_load_n(page_io_state(p), __ATOMIC_RELAXED) & PAGE_IO_FAILED);
}

void page_io_finish(struct page_io *io)
{
	struct blk_request *batch;

	page_io_close_request(io);
	batch = io->batch;
	io->batch = NULL;
	blk_submit_batch(batch);
}
