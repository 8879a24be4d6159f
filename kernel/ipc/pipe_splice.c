/* SPDX-License-Identifier: MIT */
/*
 * Pages in and out of pipes: what splice(2), tee(2) and vmsplice(2) are made
 * of.  Buffers hold references; tee shares pages, and only the pipe that had a
 * page first goes on appending to it (PIPE_MERGE), behind what the other one
 * has.  Two pipes are locked in the order of their addresses, and neither is
 * while waiting.
 */
#include <kernel/vm.h>
#include "ipc/pipe_internal.h"

static inline struct pipe_buf *slot(struct pipe *p, unsigned i) { return &p->ring[i & (p->slots - 1)]; }

static void told_readers(struct pipe *p)
{
	pipe_wake_readers(p);
	sigio_send(&p->read_sigio, POLLIN | POLLRDNORM);
}

static void told_writers(struct pipe *p)
{
	pipe_wake_writers(p);
	sigio_send(&p->write_sigio, POLLOUT | POLLWRNORM);
}

int64_t pipe_take(struct pipe *p, size_t max, bool nonblock, int64_t (*take)(void *arg, const void *data, size_t n), void *arg)
{
	struct pipe_buf first, *b;
	int64_t n;
	int err;

	if (max == 0)
		return 0;
	mutex_lock(&p->lock);
	err = pipe_wait_data(p, nonblock);
	if (err) {
		mutex_unlock(&p->lock);
		return err > 0 ? 0 : err;
	}
	/* More may be appended to it and the ring may be another afterwards, but it stays the first. */
	first = *slot(p, p->tail);
	page_get(first.page);
	WRITE_ONCE(p->held, true);
	mutex_unlock(&p->lock);
	n = take(arg, (char *)page_addr(first.page) + first.off, MIN((size_t)first.len, max));
	page_put(first.page);
	mutex_lock(&p->lock);
	if (n > 0) {
		b = slot(p, p->tail);
		b->off += (uint32_t)n;
		b->len -= (uint32_t)n;
		if (b->len == 0)
			pipe_pop(p);
	}
	WRITE_ONCE(p->held, false);
	mutex_unlock(&p->lock);
	if (waitq_active(&p->hold_wait))
		waitq_wake_all(&p->hold_wait);
	if (n > 0)
		told_writers(p);
	return n;
}

int64_t pipe_append_page(struct pipe *p, struct page *page, unsigned off, unsigned len, bool nonblock)
{
	int err;

	mutex_lock(&p->lock);
	err = pipe_wait_slot(p, nonblock);
	if (!err) {
		page_get(page);
		*slot(p, p->head) = (struct pipe_buf){ .page = page, .off = off, .len = len };
		WRITE_ONCE(p->head, p->head + 1);
	}
	mutex_unlock(&p->lock);
	if (err)
		return err;
	told_readers(p);
	return len;
}

static NO_TSA void lock_both(struct pipe *a, struct pipe *b)
{
	mutex_lock(a < b ? &a->lock : &b->lock);
	mutex_lock_nested(a < b ? &b->lock : &a->lock);
}

static NO_TSA void unlock_both(struct pipe *a, struct pipe *b)
{
	mutex_unlock(&a->lock);
	mutex_unlock(&b->lock);
}

/* Waits until `from` has data and `to` a slot, and returns with both locked; 1: end of file, -errno: then neither is. */
static NO_TSA int lock_ready(struct pipe *from, struct pipe *to, bool nonblock)
{
	int err;

	for (;;) {
		mutex_lock(&from->lock);
		err = pipe_wait_data(from, nonblock);
		mutex_unlock(&from->lock);
		if (err)
			return err;
		mutex_lock(&to->lock);
		err = pipe_wait_slot(to, nonblock);
		mutex_unlock(&to->lock);
		if (err)
			return err;
		lock_both(from, to);
		if (from->head != from->tail && !from->held && to->head - to->tail < to->slots)
			return 0;
		unlock_both(from, to);
	}
}

static NO_TSA int64_t transfer(struct pipe *from, struct pipe *to, size_t max, bool nonblock, bool keep)
{
	int64_t done = 0;
	unsigned i;
	int err;

	if (from == to)
		return -EINVAL;
	if (max == 0)
		return 0;
	err = lock_ready(from, to, nonblock);
	if (err)
		return err > 0 ? 0 : err;
	for (i = from->tail; max && i != from->head && to->head - to->tail < to->slots; i++) {
		struct pipe_buf *b = slot(from, i), *n = slot(to, to->head);
		uint32_t len = (uint32_t)MIN((size_t)b->len, max);

		*n = (struct pipe_buf){ .page = b->page, .off = b->off, .len = len, .flags = b->flags & PIPE_PACKET };
		WRITE_ONCE(to->head, to->head + 1);
		done += len;
		max -= len;
		if (keep || len < b->len) {
			page_get(b->page);
			if (!keep) {
				b->off += len;
				b->len -= len;
			}
		} else {
			n->flags |= b->flags & PIPE_MERGE;
			b->page = NULL;
			WRITE_ONCE(from->tail, from->tail + 1);
		}
	}
	unlock_both(from, to);
	if (!keep)
		told_writers(from);
	told_readers(to);
	return done;
}

int64_t pipe_tee(struct pipe *from, struct pipe *to, size_t max, bool nonblock)
{
	return transfer(from, to, max, nonblock, true);
}

int64_t pipe_move(struct pipe *from, struct pipe *to, size_t max, bool nonblock)
{
	return transfer(from, to, max, nonblock, false);
}


/* ---- vmsplice ---- */

/* A page of the program's, or the part of one, in a slot of its own: what is written there later is in the pipe, too.  [lock] */
static int give_part(struct pipe *p, uaddr_t addr, uint32_t len)
{
	struct page *page;
	int err;

	if (p->head - p->tail >= p->slots)
		return -EAGAIN;
	err = vm_get_page(current->vm, addr, HAL_READ, &page);
	if (err)
		return err == -EIO ? -EFAULT : err;	/* behind a file's end */
	*slot(p, p->head) = (struct pipe_buf){ .page = page, .off = (uint32_t)(addr & (PAGE_SIZE - 1)), .len = len };
	WRITE_ONCE(p->head, p->head + 1);
	return 0;
}

int64_t pipe_give(struct pipe *p, struct uio *u, bool nonblock)
{
	int64_t done = 0;
	int err;

	mutex_lock(&p->lock);
	err = pipe_wait_slot(p, nonblock);
	for (unsigned i = 0; i < u->nsegs && !err; i++)
		for (uint64_t at = 0; at < u->seg[i].len && u->left && !err;) {
			uaddr_t addr = u->seg[i].base + at;
			uint32_t n = (uint32_t)MIN(MIN(u->seg[i].len - at, u->left), PAGE_SIZE - (addr & (PAGE_SIZE - 1)));

			err = give_part(p, addr, n);
			if (err)
				break;
			at += n;
			u->left -= n;
			done += n;
		}
	mutex_unlock(&p->lock);
	return done ? done : err;
}
