/* SPDX-License-Identifier: MIT */
/*
 * Dirty pages and their way to the disk.
 *
 * Mappings with dirty pages are on one list, oldest first.  The flusher thread
 * sleeps while it is empty; otherwise it writes them every few seconds, or at
 * once when there are too many.  A writer that makes pages faster than the
 * disk takes them helps writing (writeback_throttle).
 *
 * A page on its way: locked, write-protected in every address space (a later
 * write faults and makes it dirty again), PG_DIRTY cleared, PG_WRITEBACK set,
 * then it is the file system's, which unlocks it and ends the write-back.
 *
 * The inode of a mapping is kept by a reference while its pages are written; a
 * mapping whose inode is being dropped is left to whoever drops it.
 *
 * Errors are kept as sequences (errseq.h): who asked for the write hears of them, and who syncs the file later.
 */
#include <kernel/file.h>
#include <kernel/pagecache.h>
#include <kernel/print.h>
#include <kernel/task.h>
#include <kernel/timer.h>
#include <kernel/vfs.h>
#include <kernel/wait.h>
#include "mm/mm.h"

enum { BATCH = 64 /* as many as a request takes */, INTERVAL_SECONDS = 5 };

static struct spinlock dirty_lock = SPINLOCK_INIT(LRU);
static struct list_head dirty_mappings = LIST_INIT(dirty_mappings);	/* [dirty_lock] */
static struct waitq flusher_wait = WAITQ_INIT(flusher_wait);
static unsigned flusher_urgent;		/* [a] too much is dirty: do not wait */

static uint64_t background_limit(void) { return buddy_total_pages() / 10; }
static uint64_t hard_limit(void) { return buddy_total_pages() / 5; }
static uint64_t dirty_now(void) { return counter_sum(COUNT_DIRTY); }

void pages_mark_dirty(struct page **p, unsigned n)
{
	struct mapping *m = READ_ONCE(p[0]->mapping);
	unsigned already = 0, fresh = 0;
	bool first = false;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);	/* the bytes before the look: a write-back clears the flag, then takes them */
	while (already < n && page_flag(p[already], PG_DIRTY))
		already++;
	if (already == n || !m || m->ops->memory_only)
		return;
	spin_lock(&m->lock);
	for (unsigned i = already; i < n; i++)
		fresh += READ_ONCE(p[i]->mapping) == m && !page_flag(p[i], PG_DIRTY) && !page_test_set_flag(p[i], PG_DIRTY);
	if (fresh) {
		first = m->dirty_pages == 0;
		WRITE_ONCE(m->dirty_pages, m->dirty_pages + fresh);
		counter_add(COUNT_DIRTY, fresh);
	}
	spin_unlock(&m->lock);
	/* Writers through mappings are not throttled; the flusher at least does not sleep. */
	if (unlikely(dirty_now() > background_limit()))
		writeback_kick();
	if (!first)
		return;
	spin_lock(&dirty_lock);
	if (list_empty(&m->dirty_link)) {
		bool wake = list_empty(&dirty_mappings);

		list_add_tail(&m->dirty_link, &dirty_mappings);
		spin_unlock(&dirty_lock);
		if (wake)
			waitq_wake_all(&flusher_wait);
		return;
	}
	spin_unlock(&dirty_lock);
}

void page_mark_dirty(struct page *p)
{
	pages_mark_dirty(&p, 1);
}

void writeback_forget(struct mapping *m)
{
	spin_lock(&dirty_lock);
	if (!list_empty(&m->dirty_link))
		list_del_init(&m->dirty_link);
	spin_unlock(&dirty_lock);
}

/* Next dirty page at or after *index, with a reference. */
static struct page *next_dirty(struct mapping *m, uint64_t *index, uint64_t last)
{
	while (*index <= last) {
		struct page *p;

		rcu_read_lock();
		do {
			p = radix_next(&m->pages, index);
		} while (p && *index <= last && !page_flag(p, PG_DIRTY | PG_WRITEBACK) && (*index)++ != UINT64_MAX);
		rcu_read_unlock();
		if (!p || *index > last)
			return NULL;
		p = mapping_find(m, *index);
		if (p)
			return p;
		(*index)++;
	}
	return NULL;
}

/* Of a locked page: is it m's, and are there bytes to write that are not being written? */
static bool to_be_written(const struct mapping *m, const struct page *p)
{
	return p->mapping == m && page_flag(p, PG_DIRTY) && !page_flag(p, PG_WRITEBACK);
}

/*
 * The next run of dirty pages from *index to last, at most max: locked, with
 * references, their write-back begun.  wait: for one under way too, of a page
 * that is dirty again.  How many; *index is behind them then.
 */
static unsigned take_run(struct mapping *m, uint64_t *index, uint64_t last, struct page **run, unsigned max, bool wait)
{
	unsigned n = 1, found;
	struct page *p;

	while ((p = next_dirty(m, index, last))) {
		bool again;

		page_lock(p);
		if (to_be_written(m, p))
			break;
		again = wait && p->mapping == m && page_flag(p, PG_WRITEBACK) && page_flag(p, PG_DIRTY);
		page_unlock(p);
		if (again)
			page_wait_writeback(p);
		else
			++*index;
		page_put(p);
	}
	if (!p)
		return 0;
	/* With a page of the run locked, waiting for another might wait for ourselves: only try. */
	run[0] = p;
	max = (unsigned)MIN(last - *index, (uint64_t)max - 1);
	found = max ? mapping_find_run(m, *index + 1, PG_DIRTY, PG_WRITEBACK | PG_LOCKED, run + 1, max) + 1 : 1;
	for (; n < found && page_trylock(run[n]); n++) {
		if (!to_be_written(m, run[n])) {
			page_unlock(run[n]);
			break;
		}
	}
	for (unsigned i = n; i < found; i++)
		page_put(run[i]);
	*index += n;
	for (unsigned i = 0; i < n; i++)
		mapping_write_protect(m, run[i]);
	spin_lock(&m->lock);
	__atomic_add_fetch(&m->writeback_pages, n, __ATOMIC_RELAXED);
	/* Only who holds a page's lock clears the one and sets the other. */
	for (unsigned i = 0; i < n; i++)
		page_swap_flags(run[i], PG_DIRTY, PG_WRITEBACK);
	store_release(&m->dirty_pages, m->dirty_pages - n);	/* mapping_unsynced() */
	counter_add(COUNT_DIRTY, -(int64_t)n);
	counter_add(COUNT_WRITEBACK, n);
	spin_unlock(&m->lock);
	return n;
}

/*
 * Write dirty pages of [first, last], at most max.  wait: for write-back that
 * is under way too, so that afterwards what was dirty is on the disk.  Pages started.
 */
static unsigned write_range(struct mapping *m, uint64_t first, uint64_t last, unsigned max, bool wait, int *error)
{
	struct page *run[BATCH];
	unsigned started = 0, n;
	uint64_t index = first;

	*error = 0;
	while (started < max && (n = take_run(m, &index, last, run, MIN(max - started, (unsigned)BATCH), wait))) {
		int err = m->ops->write_pages(m, run, n);

		if (err)
			*error = err;
		for (unsigned i = 0; i < n; i++)
			page_put(run[i]);
		started += n;
	}
	current->writeback.cleaned += started;
	return started;
}

/* Until nothing of [first, last] is being written. */
static void wait_range(struct mapping *m, uint64_t first, uint64_t last)
{
	uint64_t index = first;
	struct page *p;

	while ((p = next_dirty(m, &index, last))) {
		page_wait_writeback(p);
		page_put(p);
		if (index++ == UINT64_MAX)
			break;
	}
}

int mapping_sync(struct mapping *m, uint64_t start, uint64_t end)
{
	uint64_t first = start >> PAGE_SHIFT, last = end ? (end - 1) >> PAGE_SHIFT : 0;
	errseq_t before = errseq_now(&m->error);
	int err, seen;

	if (end <= start || m->ops->memory_only || !m->ops->write_pages)
		return 0;
	write_range(m, first, last, UINT32_MAX, true, &err);
	wait_range(m, first, last);
	seen = errseq_check(&m->error, before);
	return seen ? seen : err;
}

int mapping_write_async(struct mapping *m, unsigned max_pages)
{
	int err;

	if (m->ops->memory_only || !m->ops->write_pages)
		return 0;
	return (int)write_range(m, 0, UINT64_MAX, max_pages, false, &err);
}

void writeback_kick(void)
{
	if (!__atomic_exchange_n(&flusher_urgent, 1, __ATOMIC_ACQ_REL))
		waitq_wake_all(&flusher_wait);
}

void writeback_throttle(struct mapping *m)
{
	uint64_t dirty = dirty_now();

	if (likely(dirty < background_limit()) || m->ops->memory_only)
		return;
	writeback_kick();
	if (dirty + counter_sum(COUNT_WRITEBACK) > hard_limit())
		mapping_write_async(m, 2 * BATCH);
}

/*
 * Who asks for what he wrote to be on the disk, and had written nothing twice, will ask again: the disk then begins with the first
 * pages of a long write while the last ones are still being copied.
 */
void writeback_asked(void)
{
	struct task *t = current;

	t->writeback.soon = !t->writeback.again && t->writeback.wrote >= BATCH && t->writeback.cleaned >= t->writeback.wrote - t->writeback.wrote / 4;
	t->writeback.wrote = t->writeback.cleaned = 0;
	t->writeback.again = false;
	t->writeback.early = NULL;
}

uint64_t writeback_soon(struct mapping *m, uint64_t from, uint64_t to)
{
	uint64_t first = DIV_ROUND_UP(from, PAGE_SIZE), end = to >> PAGE_SHIFT;
	struct task *t = current;
	int err;

	if (!t->writeback.soon || m->ops->memory_only || !m->ops->write_pages || end < first + BATCH)
		return from;
	if (t->writeback.early == m && from < t->writeback.early_end) {
		t->writeback.soon = false;	/* the disk gets it twice as it is */
		t->writeback.again = true;
		return from;
	}
	(void)write_range(m, first, end - 1, UINT32_MAX, false, &err);
	t->writeback.early = m;
	return t->writeback.early_end = to & PAGE_MASK;
}

/* The first mapping of the list, moved to its end, with a reference on its inode.  NULL: none that can be written. */
static struct mapping *take_dirty(unsigned *budget)
{
	struct mapping *m;
	bool got;

	spin_lock(&dirty_lock);
	while (!list_empty(&dirty_mappings) && *budget) {
		m = list_first(&dirty_mappings, struct mapping, dirty_link);
		--*budget;
		if (!READ_ONCE(m->dirty_pages)) {
			list_del_init(&m->dirty_link);
			/* One that became dirty in between found itself on the list. */
			if (!READ_ONCE(m->dirty_pages))
				continue;
			list_add_tail(&m->dirty_link, &dirty_mappings);
		} else {
			list_move_tail(&m->dirty_link, &dirty_mappings);
		}
		if (!m->inode)
			continue;
		/* It is not freed before it has left the list. */
		rcu_read_lock();
		spin_unlock(&dirty_lock);
		got = inode_get_cached(m->inode);
		rcu_read_unlock();
		if (got)
			return m;
		spin_lock(&dirty_lock);
	}
	spin_unlock(&dirty_lock);
	return NULL;
}

static unsigned dirty_count(void)
{
	struct mapping *m;
	unsigned n = 0;

	spin_lock(&dirty_lock);
	list_for_each(m, &dirty_mappings, dirty_link)
		n++;
	spin_unlock(&dirty_lock);
	return n;
}

static void write_all(void)
{
	unsigned budget = dirty_count();
	struct mapping *m;

	while ((m = take_dirty(&budget))) {
		mapping_write_async(m, UINT32_MAX);
		inode_put(m->inode);
	}
}

static bool anything_dirty(void)
{
	bool yes;

	spin_lock(&dirty_lock);
	yes = !list_empty(&dirty_mappings);
	spin_unlock(&dirty_lock);
	return yes;
}

static void flusher(void *arg)
{
	WRITE_ONCE(current->flags, current->flags | TASKF_MEMALLOC);
	for (;;) {
		wait_event(&flusher_wait, anything_dirty());
		/* Let the writer go on for a while: what is written twice now is written once then. */
		(void)wait_event_until(&flusher_wait, READ_ONCE(flusher_urgent),
			hal_time_mono_ns() + INTERVAL_SECONDS * NSEC_PER_SEC);
		__atomic_store_n(&flusher_urgent, 0, __ATOMIC_RELEASE);
		write_all();
	}
}

void writeback_init(void)
{
	if (!kthread_create(flusher, NULL, "flush"))
		panic("no memory for the flusher thread");
}
