/* SPDX-License-Identifier: MIT */
/*
 * read(2) and write(2) through the page cache, and read-ahead.
 *
 * Read-ahead: a file remembers the window read last (ra_start, ra_pages) and
 * the page that a sequential reader wants next (ra_next).  A page of the window
 * carries PG_READAHEAD: who reaches it starts the next, larger window, so that
 * a stream never waits.  A jump starts with a small one.
 *
 * A write copies with the page locked; user memory is faulted in before and
 * copied without faults, because the fault might want the very page.
 */
#include <kernel/file.h>
#include <kernel/pagecache.h>
#include <kernel/string.h>
#include <kernel/task.h>
#include <kernel/uaccess.h>
#include "mm/mm.h"

enum { RA_MIN = 4, RA_MAX = 32, RA_FAULT = 32, RA_TEXT = 64, RA_ORDER = 6 };

static bool cached(struct mapping *m, uint64_t index)
{
	bool yes;

	rcu_read_lock();
	yes = radix_find(&m->pages, index) != NULL;
	rcu_read_unlock();
	return yes;
}

/*
 * Pages for a run of a file: neighbours in memory, if there are such, so that
 * the machine can map them as one piece and devices fill them with one request.
 */
struct run { struct page *next, *end; };

static struct page *run_page(struct run *r, unsigned wanted)
{
	if (r->next == r->end && wanted > 1) {
		unsigned order = 0;

		while ((2u << order) <= wanted && order < RA_ORDER)
			order++;
		r->next = page_alloc(order, ALLOC_NOFS | ALLOC_NOWAIT);
		r->end = r->next ? r->next + (1u << order) : NULL;
		if (r->next && order)
			page_split(r->next);
	}
	return r->next != r->end ? r->next++ : page_alloc(0, ALLOC_NOFS);
}

/* Start reading what is not cached of [index, index + n). */
static void read_window(struct mapping *m, uint64_t index, unsigned n, unsigned mark)
{
	struct page *batch[RA_TEXT];
	struct run run = { NULL, NULL };
	unsigned k = 0;

	for (unsigned i = 0; i <= n; i++) {
		struct page *p = NULL;

		if (i < n && !cached(m, index + i) && (p = run_page(&run, n - i))) {
			if (mapping_add_new(m, index + i, p)) {
				page_put(p);
				p = NULL;
			} else if (i == mark) {
				page_set_flag(p, PG_READAHEAD);
			}
		}
		if (p) {
			batch[k++] = p;
			continue;
		}
		/* A hole in the run: what has been collected is consecutive. */
		if (k) {
			(void)m->ops->read_pages(m, batch, k);
			for (unsigned j = 0; j < k; j++)
				page_put(batch[j]);
			k = 0;
		}
	}
	while (run.next != run.end)
		page_put(run.next++);
}

void readahead(struct mapping *m, struct file *f, uint64_t index, unsigned want, bool text)
{
	uint64_t end = m->inode ? DIV_ROUND_UP(READ_ONCE(m->inode->size), PAGE_SIZE) : 0;
	struct page *p;
	unsigned n, mark = 0;
	uint64_t start = index;

	if (m->ops->memory_only || !m->ops->read_pages || index >= end)
		return;
	p = mapping_find(m, index);
	if (p) {
		bool reached = page_flag(p, PG_READAHEAD) && page_test_clear_flag(p, PG_READAHEAD);

		page_put(p);
		if (!reached)
			return;
		spin_lock(&f->lock);
		start = f->ra_start + f->ra_pages;
		n = MIN(f->ra_pages * 2, (unsigned)RA_MAX);
		if (start <= index || start > index + 2 * RA_MAX)
			start = index + 1;
	} else {
		spin_lock(&f->lock);
		n = index == 0 || index == f->ra_next ? MAX(want, (unsigned)RA_MIN) : MAX(want, 1u);
		n = MIN(n, (unsigned)RA_MAX);
		/* A fault: the neighbours will be wanted too. */
		if (!want) {
			n = text ? RA_TEXT : RA_FAULT;
			start = ALIGN_DOWN(index, (uint64_t)n);
		}
	}
	if (start >= end)
		n = 0;
	else
		n = (unsigned)MIN((uint64_t)n, end - start);
	f->ra_start = start;
	f->ra_pages = n ? n : 1;
	f->ra_next = start + n;
	spin_unlock(&f->lock);
	if (n > 1)
		mark = n / 2;
	if (n)
		read_window(m, start, n, mark);
}

enum { RUN = 32 };

static size_t copy_to(struct uio *u, void *page, size_t n) { return uio_copy_to(u, page, n); }

/* Between n bytes from `off` in k pages and u; neighbours in memory as one piece.  Bytes. */
static size_t copy_run(struct uio *u, struct page **p, unsigned k, unsigned off, size_t n,
		       size_t (*copy)(struct uio *, void *, size_t))
{
	size_t done = 0;

	for (unsigned i = 0, j; done < n; i = j, off = 0) {
		char *at = (char *)page_addr(p[i]) + off;
		size_t part, got;

		for (j = i + 1; j < k && p[j] == p[j - 1] + 1 && p[j]->zone == p[j - 1]->zone; j++)
			;
		part = MIN(n - done, (size_t)(j - i) * PAGE_SIZE - off);
		got = copy(u, at, part);
		done += got;
		if (got < part)
			break;
	}
	return done;
}

/* The usual case: pages that are there, several at a time.  Bytes; 0: the page at pos is not such a one. */
static size_t read_cached(struct mapping *m, struct uio *u, uint64_t pos, size_t n)
{
	unsigned off = pos & (PAGE_SIZE - 1), k;
	struct page *p[RUN];
	size_t done;

	k = mapping_find_run(m, pos >> PAGE_SHIFT, PG_UPTODATE, PG_READAHEAD, p, (unsigned)MIN(DIV_ROUND_UP(off + n, PAGE_SIZE), (size_t)RUN));
	done = copy_run(u, p, k, off, MIN(n, (size_t)k * PAGE_SIZE - (k ? off : 0)), copy_to);
	for (unsigned i = 0; i < k; i++) {
		if (!page_flag(p[i], PG_REFERENCED))
			page_set_flag(p[i], PG_REFERENCED);
		page_put(p[i]);
	}
	return done;
}

/*
 * The same without references, for user memory that is at hand: in a section,
 * in which neither the pages nor that memory can become somebody else's.
 *
 * A write does so to pages that are dirty: those are not evicted.  If one is not
 * dirty any more behind the copy, a write-back may have begun before it, and the
 * page might be forgotten with the bytes in it: they do not count as written,
 * and the caller writes them again.
 */
static size_t copy_section(struct mapping *m, struct uio *u, uint64_t pos, size_t n, bool out)
{
	unsigned off = pos & (PAGE_SIZE - 1), max, k;
	uint32_t kept = m->ops->memory_only ? 0 : PG_DIRTY, flags = out ? PG_UPTODATE : PG_UPTODATE | PG_BACKED | kept;
	size_t done = 0;
	struct page *p[RUN];
	uaddr_t at;

	uio_advance(u, 0);	/* past empty segments */
	n = MIN(n, u->seg->len - u->seg_off);
	at = u->seg->base + u->seg_off;
	if (!user_range_ok(at, n))
		return 0;
	max = (unsigned)MIN(DIV_ROUND_UP(off + n, PAGE_SIZE), (size_t)RUN);
	for (bool again = false;; again = true) {
		uint64_t *section = uaccess_enter();

		k = mapping_peek_run(m, pos >> PAGE_SHIFT, flags, out ? PG_READAHEAD : 0, p, max);
		for (unsigned i = 0, j; i < k && done < n; i = j) {
			unsigned skip = i ? 0 : off;
			char *in_page = (char *)page_addr(p[i]) + skip;
			size_t part, got;

			for (j = i + 1; j < k && p[j] == p[j - 1] + 1 && p[j]->zone == p[j - 1]->zone; j++)
				;
			part = MIN(n - done, (size_t)(j - i) * PAGE_SIZE - skip);
			got = out ? uaccess_copy_out(at + done, in_page, part) : uaccess_copy_in(in_page, at + done, part);
			done += got;
			if (got < part)
				break;
		}
		if (!out && kept)
			__atomic_thread_fence(__ATOMIC_SEQ_CST);	/* the bytes before the look at the flags */
		for (unsigned i = 0; done && i < k && (size_t)i * PAGE_SIZE < off + done; i++) {
			if (out && !page_flag(p[i], PG_REFERENCED))
				page_set_flag(p[i], PG_REFERENCED);
			else if (!out && kept && !page_flag(p[i], PG_DIRTY))
				done = i ? (size_t)i * PAGE_SIZE - off : 0;
		}
		uaccess_leave(section);
		if (done || !k || again || !uaccess_prepare(at, n, out))
			break;
	}
	uio_advance(u, done);
	return done;
}

int64_t pagecache_read(struct file *f, struct uio *u, uint64_t pos)
{
	struct mapping *m = f->mapping;
	int64_t done = 0;
	int err = 0;

	while (u->left) {
		uint64_t size = READ_ONCE(m->inode->size), index = pos >> PAGE_SHIFT;
		unsigned off = pos & (PAGE_SIZE - 1);
		size_t n, got;
		struct page *p;

		if (pos >= size)
			break;
		n = MIN((uint64_t)u->left, size - pos);
		got = u->nsegs ? copy_section(m, u, pos, n, true) : 0;
		if (!got)
			got = read_cached(m, u, pos, n);
		if (got) {
			pos += got;
			done += (int64_t)got;
			if (u->left && fatal_signal_pending(current)) {
				err = -EINTR;
				break;
			}
			continue;
		}
		n = MIN(n, PAGE_SIZE - off);
		if (m->ops->memory_only && !mapping_uptodate(m, index)) {	/* a hole, or kept for later: zeros, and it stays so */
			got = uio_zero(u, n);
			pos += got;
			done += (int64_t)got;
			if (got < n || (u->left && fatal_signal_pending(current))) {
				err = got < n ? -EFAULT : -EINTR;
				break;
			}
			continue;
		}
		readahead(m, f, index, (unsigned)MIN(DIV_ROUND_UP(off + u->left, PAGE_SIZE), (size_t)RA_MAX), false);
		err = mapping_read(m, index, &p);
		if (err)
			break;
		if (!page_flag(p, PG_REFERENCED))
			page_set_flag(p, PG_REFERENCED);
		got = uio_copy_to(u, (char *)page_addr(p) + off, n);
		page_put(p);
		pos += got;
		done += (int64_t)got;
		if (got < n) {
			err = -EFAULT;
			break;
		}
		if (u->left && fatal_signal_pending(current)) {
			err = -EINTR;
			break;
		}
	}
	if (!done)
		return err;
	spin_lock(&f->lock);
	f->ra_next = (pos + PAGE_SIZE - 1) >> PAGE_SHIFT;
	spin_unlock(&f->lock);
	return done;
}

/* Without a write_begin of its own: read what is kept of the page. */
static int default_write_begin(struct mapping *m, struct page *p, unsigned off, unsigned n)
{
	if (page_flag(p, PG_UPTODATE) || (off == 0 && n == PAGE_SIZE))
		return 0;
	hal_page_clear(page_addr(p));
	page_set_flag(p, PG_UPTODATE);
	return 0;
}

/* The caller has the inode locked; readers and write-back look without. */
static void file_grows(struct inode *i, uint64_t end)
{
	if (end > READ_ONCE(i->size))
		WRITE_ONCE(i->size, end);
}

/* One page's part of a write.  Bytes, or -errno; 0: the user page went away, fault it in again. */
static int64_t write_page(struct mapping *m, struct uio *u, uint64_t index, unsigned off, unsigned n)
{
	struct page *p;
	size_t got = 0;
	int err = mapping_get_locked(m, index, &p);

	if (err)
		return err;
	err = m->ops->write_begin ? m->ops->write_begin(m, p, off, n) : default_write_begin(m, p, off, n);
	if (!err) {
		u->nofault = true;
		got = uio_copy_from(u, (char *)page_addr(p) + off, n);
		u->nofault = false;
		if (got == n || page_flag(p, PG_UPTODATE)) {
			/* A page that is overwritten whole need not have been read. */
			page_set_flag(p, PG_UPTODATE);
			if (got) {
				page_mark_dirty(p);
				/* Before a write-back can take the page: it writes nothing behind the end, and would call it clean. */
				file_grows(m->inode, (index << PAGE_SHIFT) + off + got);
			}
			/* Here it has a place, or write_begin had failed. */
			if (n == PAGE_SIZE && got == n)
				page_set_flag(p, PG_BACKED);
		} else {
			uio_revert(u, got);
			got = 0;
		}
	} else if (m->ops->memory_only && !page_flag(p, PG_UPTODATE)) {
		mapping_evict(p, true);		/* there was no room for it: without bytes it would be there, and be counted by nobody */
	}
	page_unlock(p);
	page_put(p);
	return err ? err : (int64_t)got;
}

/*
 * Pages that were written whole before and have their place (PG_BACKED): nothing
 * to ask the file system, and no page lock, so that user memory may fault.  The
 * reference keeps reclaim away, the inode's lock truncation; a write-back that
 * begins meanwhile finds the page dirty again.  Bytes; 0: pos is not in such a page.
 */
static size_t write_cached(struct mapping *m, struct uio *u, uint64_t pos)
{
	unsigned off = pos & (PAGE_SIZE - 1), k;
	struct page *p[RUN];
	size_t n, done;

	k = mapping_find_run(m, pos >> PAGE_SHIFT, PG_UPTODATE | PG_BACKED, 0, p,
			     (unsigned)MIN(DIV_ROUND_UP(off + u->left, PAGE_SIZE), (size_t)RUN));
	n = MIN(u->left, (size_t)k * PAGE_SIZE - (k ? off : 0));
	done = copy_run(u, p, k, off, n, uio_copy_from);
	if (done)
		pages_mark_dirty(p, (unsigned)DIV_ROUND_UP(off + done, PAGE_SIZE));
	for (unsigned i = 0; i < k; i++)
		page_put(p[i]);
	return done;
}

int64_t pagecache_write(struct file *f, struct uio *u, uint64_t pos)
{
	struct mapping *m = f->mapping;
	struct inode *inode = m->inode;
	int64_t done = 0, ret = 0;
	uint64_t behind = pos, old;	/* up to here the disk has been told; the size */
	unsigned retries = 0;

	while (u->left) {
		unsigned off = pos & (PAGE_SIZE - 1);
		unsigned n = (unsigned)MIN((uint64_t)u->left, (uint64_t)(PAGE_SIZE - off));

		old = READ_ONCE(inode->size);
		ret = retries || !u->nsegs ? 0 : (int64_t)copy_section(m, u, pos, u->left, false);
		if (!ret)
			ret = retries ? 0 : (int64_t)write_cached(m, u, pos);
		if (ret)
			goto written;
		ret = uio_fault_in(u, n, false);
		if (ret)
			break;
		/* Half of it may not be there: the copy says how much is. */
		ret = write_page(m, u, pos >> PAGE_SHIFT, off, retries ? 1 : n);
		if (ret < 0)
			break;
		if (ret == 0 && ++retries > 16) {
			ret = -EFAULT;
			break;
		}
		if (ret)
			retries = 0;
written:
		pos += (uint64_t)ret;
		done += ret;
		if (pos > old) {
			file_grows(inode, pos);
			mapping_grown(m, old);
		}
		if (u->left && fatal_signal_pending(current)) {
			ret = -EINTR;
			break;
		}
		behind = writeback_soon(m, behind, pos);
		writeback_throttle(m);
	}
	current->writeback.wrote += (uint32_t)(done >> PAGE_SHIFT);
	return done ? done : MIN(ret, (int64_t)0);
}
