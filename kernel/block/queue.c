/* SPDX-License-Identifier: MIT */
/*
 * Request queues: an elevator in front of each device.
 *
 * A request waits on the device's queue, sorted by sector, until the driver
 * takes it.  One that continues its neighbour on the queue is merged: its
 * segments go to the end of the neighbour's, and it is completed with it.
 * Requests start in one direction, from the place of the last one upwards and
 * then again from the lowest (C-SCAN), so none waits for more than a sweep.
 * A flush stands at the end of the queue and is never passed by the sorting of
 * others; who needs its order to writes waits for the writes first.
 *
 * Locking: blkdev.lock, taken with interrupts off: drivers complete from their
 * interrupt handlers.  done() is called without it.
 */
#include <kernel/block.h>
#include <kernel/errno.h>
#include <kernel/print.h>
#include <kernel/slab.h>
#include <kernel/string.h>

static struct kmem_cache *request_cache;

void block_queue_init(void);

void block_queue_init(void)
{
	request_cache = kmem_cache_create("blk_request", sizeof(struct blk_request), 0);
}

struct blk_request *blk_request_alloc(struct blkdev *d, enum blk_op op, unsigned alloc_flags)
{
	struct blk_request *r = kmem_cache_alloc(request_cache, alloc_flags & ~(unsigned)ALLOC_ZERO);

	if (!r)
		return NULL;
	memset(r, 0, offsetof(struct blk_request, seg));
	memset((char *)r + offsetof(struct blk_request, done), 0, sizeof(*r) - offsetof(struct blk_request, done));
	r->dev = d;
	r->op = op;
	list_init(&r->link);
	list_init(&r->merged);
	return r;
}

void blk_request_free(struct blk_request *r)
{
	kmem_cache_free(request_cache, r);
}

static uint64_t blk_request_sectors(const struct blk_request *r)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < r->nsegs; i++)
		n += r->seg[i].len;
	return n / BLK_SECTOR;
}

static int blk_request_check(struct blkdev *d, const struct blk_request *r)
{
	unsigned mask = d->block_size - 1;
	uint64_t n;

	if (r->op == BLK_FLUSH)
		return 0;
	if (r->op != BLK_READ && d->read_only)
		return -EROFS;
	if (r->nsegs == 0 || r->nsegs > BLK_MAX_SEGS)
		return -EINVAL;
	for (unsigned i = 0; i < r->nsegs; i++)
		if (r->seg[i].len == 0 || ((r->seg[i].len | r->seg[i].offset) & mask))
			return -EINVAL;
	n = blk_request_sectors(r);
	if ((r->sector << 9 & mask) || r->sector > d->sectors || n > d->sectors - r->sector)
		return -EIO;
	return 0;
}

/* Does b follow a on the device, so that one request can do both? */
static bool blk_can_merge(const struct blk_request *a, const struct blk_request *b)
{
	return a->op == b->op && (a->op == BLK_READ || a->op == BLK_WRITE) &&
	       a->nsegs + b->nsegs <= BLK_MAX_SEGS && a->sector + blk_request_sectors(a) == b->sector;
}

/* b, which is on no queue, becomes a part of a. */
static void blk_merge(struct blk_request *a, struct blk_request *b)
{
	memcpy(&a->seg[a->nsegs], b->seg, b->nsegs * sizeof(b->seg[0]));
	a->nsegs += b->nsegs;
	list_add_tail(&b->link, &a->merged);
	list_splice_tail(&b->merged, &a->merged);
}

static void blk_insert(struct blkdev *d, struct blk_request *r)
{
	struct list_head *at = d->queue.prev;

	if (r->op == BLK_FLUSH || r->op == BLK_DISCARD) {
		list_add_tail(&r->link, &d->queue);
		return;
	}
	/* Backwards to the first that is not behind r, but not past a flush. */
	while (at != &d->queue) {
		struct blk_request *q = list_entry(at, struct blk_request, link);

		if ((q->op != BLK_READ && q->op != BLK_WRITE) || q->sector <= r->sector)
			break;
		at = at->prev;
	}
	if (at != &d->queue) {
		struct blk_request *prev = list_entry(at, struct blk_request, link);

		if (blk_can_merge(prev, r)) {
			blk_merge(prev, r);
			return;
		}
	}
	if (at->next != &d->queue) {
		struct blk_request *next = list_entry(at->next, struct blk_request, link);

		if (blk_can_merge(r, next)) {
			list_insert_(&r->link, at, at->next);
			list_del_init(&next->link);
			blk_merge(r, next);
			return;
		}
	}
	list_insert_(&r->link, at, at->next);
}

static struct blk_request *blk_next(struct blkdev *d)
{
	struct blk_request *r;

	if (list_empty(&d->queue))
		return NULL;
	list_for_each(r, &d->queue, link) {
		if (r->op == BLK_FLUSH || r->op == BLK_DISCARD)
			break;	/* what stands behind it waits for the next sweep */
		if (r->sector >= d->position)
			return r;
	}
	return list_first(&d->queue, struct blk_request, link);
}

/* Tell the owners of a request, and of those merged into it. */
static void blk_finish(struct blk_request *r, int error)
{
	struct blk_request *m, *tmp;
	struct list_head merged;

	list_init(&merged);
	list_splice_tail(&r->merged, &merged);
	r->nsegs = r->own_nsegs;
	r->error = error;
	r->done(r);
	list_for_each_safe(m, tmp, &merged, link) {
		list_del_init(&m->link);
		m->nsegs = m->own_nsegs;
		m->error = error;
		m->done(m);
	}
}

void blk_queue_run(struct blkdev *d)
{
	struct list_head failed;
	unsigned long flags = spin_lock_irqsave(&d->lock);
	struct blk_request *r, *tmp;
	bool any = false;

	list_init(&failed);
	while ((r = blk_next(d))) {
		uint64_t next = r->sector + blk_request_sectors(r);
		int e;

		list_del_init(&r->link);
		WRITE_ONCE(d->inflight, d->inflight + 1);
		e = d->gone ? -EIO : d->ops->submit(d, r);
		if (e == -EBUSY && d->inflight > 1) {
			/* A completion will come and call again. */
			WRITE_ONCE(d->inflight, d->inflight - 1);
			blk_insert(d, r);
			break;
		}
		if (e) {
			WRITE_ONCE(d->inflight, d->inflight - 1);
			r->error = e == -EBUSY ? -EIO : e;
			list_add_tail(&r->link, &failed);
			continue;
		}
		any = true;
		if (r->op == BLK_READ || r->op == BLK_WRITE)
			d->position = next;
	}
	if (any && d->ops->kick)
		d->ops->kick(d);
	spin_unlock_irqrestore(&d->lock, flags);
	list_for_each_safe(r, tmp, &failed, link) {
		list_del_init(&r->link);
		blk_finish(r, r->error);
	}
}

/* Queue without starting, for batches. */
static bool blk_enqueue(struct blk_request *r)
{
	struct blkdev *d = r->dev;
	unsigned long flags;
	int e = blk_request_check(d, r);

	r->own_nsegs = r->nsegs;
	list_init(&r->merged);
	if (!e && READ_ONCE(d->gone))
		e = -EIO;
	if (e) {
		r->error = e;
		r->done(r);
		return false;
	}
	flags = spin_lock_irqsave(&d->lock);
	if (r->op == BLK_READ) {
		WRITE_ONCE(d->reads, d->reads + 1);	/* /proc/diskstats looks */
		WRITE_ONCE(d->read_sectors, d->read_sectors + blk_request_sectors(r));
	} else if (r->op == BLK_WRITE) {
		WRITE_ONCE(d->writes, d->writes + 1);
		WRITE_ONCE(d->write_sectors, d->write_sectors + blk_request_sectors(r));
	}
	blk_insert(d, r);
	spin_unlock_irqrestore(&d->lock, flags);
	return true;
}

void blk_submit(struct blk_request *r)
{
	struct blkdev *d = r->dev;

	if (blk_enqueue(r))
		blk_queue_run(d);
}

void blk_submit_batch(struct blk_request *r)
{
	struct blkdev *d = r ? r->dev : NULL;
	struct blk_request *next;
	bool any = false;

	for (; r; r = next) {
		next = r->private;
		r->private = NULL;
		any |= blk_enqueue(r);
	}
	if (any)
		blk_queue_run(d);
}

void blk_complete(struct blk_request *r, int error)
{
	struct blkdev *d = r->dev;
	unsigned long flags = spin_lock_irqsave(&d->lock);

	WRITE_ONCE(d->inflight, d->inflight - 1);
	spin_unlock_irqrestore(&d->lock, flags);
	blk_finish(r, error);
}

static void blk_wait_done(struct blk_request *r)
{
	complete(r->private);
}

int blk_submit_wait(struct blk_request *r)
{
	struct completion c;
	int e;

	completion_init(&c);
	r->private = &c;
	r->done = blk_wait_done;
	blk_submit(r);
	completion_wait(&c);
	e = r->error;
	blk_request_free(r);
	return e;
}

int blkdev_flush(struct blkdev *d)
{
	struct blk_request *r;

	if (!d->write_cache)
		return 0;
	r = blk_request_alloc(d, BLK_FLUSH, ALLOC_NOFS);
	return r ? blk_submit_wait(r) : -ENOMEM;
}
