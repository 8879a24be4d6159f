/* SPDX-License-Identifier: MIT */
/*
 * Reclaim: taking pages of files back when memory runs short.
 *
 * One list, newest first, with a second chance: a page that was used since it
 * was last looked at (PG_REFERENCED) goes to the front once more.  Otherwise it
 * is unmapped, written if it is dirty, and dropped if nobody uses it.  There is
 * no swap: anonymous memory and tmpfs stay.
 *
 * Callers of page_alloc() reclaim for themselves when memory is short; a
 * thread starts earlier, so that they rarely have to.  It waits for nothing
 * that could wait for memory: page locks and areas are only tried.
 *
 * Locks: LRU (the list).  A page is isolated from the list, with a reference,
 * before it is looked at.
 */
#include <kernel/pagecache.h>
#include <kernel/print.h>
#include <kernel/task.h>
#include <kernel/timer.h>
#include <kernel/vfs.h>
#include <kernel/wait.h>
#include "mm/mm.h"

static struct spinlock lru_lock = SPINLOCK_INIT(LRU);
static struct list_head lru = LIST_INIT(lru);	/* [lru_lock] newest first */
static uint64_t lru_count;			/* [lru_lock] */
static struct waitq reclaim_wait = WAITQ_INIT(reclaim_wait);
static unsigned reclaim_wanted;			/* [a] */
static struct task *reclaim_task;		/* [I] after boot */

void lru_add(struct page *p)
{
	spin_lock(&lru_lock);
	if (!page_test_set_flag(p, PG_LRU)) {
		list_add(&p->link, &lru);
		WRITE_ONCE(lru_count, lru_count + 1);
	}
	spin_unlock(&lru_lock);
}

void lru_remove(struct page *p)
{
	spin_lock(&lru_lock);
	if (page_test_clear_flag(p, PG_LRU)) {
		list_del_init(&p->link);
		WRITE_ONCE(lru_count, lru_count - 1);
	}
	spin_unlock(&lru_lock);
}

/* The oldest page, taken off the list, with a reference.  NULL: none. */
static struct page *lru_isolate(void)
{
	struct page *p = NULL;

	spin_lock(&lru_lock);
	while (!list_empty(&lru)) {
		int32_t n;

		p = list_last(&lru, struct page, link);
		page_clear_flag(p, PG_LRU);
		list_del_init(&p->link);
		WRITE_ONCE(lru_count, lru_count - 1);
		n = READ_ONCE(p->refs);
		while (n > 0 && !__atomic_compare_exchange_n(&p->refs, &n, n + 1, true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			;
		if (n > 0)
			break;
		p = NULL;	/* being evicted by somebody else, who sees PG_LRU gone */
	}
	spin_unlock(&lru_lock);
	return p;
}

static void lru_back(struct page *p)
{
	/* Truncated meanwhile?  Then it does not belong here; the page lock decides. */
	if (p->mapping)
		lru_add(p);
}

/* p is locked and isolated.  True: it is free (but for our reference). */
static bool reclaim_page(struct page *p)
{
	struct mapping *m = p->mapping;

	if (!m)
		return false;
	if (page_flag(p, PG_WRITEBACK) || page_test_clear_flag(p, PG_REFERENCED))
		return false;
	if (READ_ONCE(p->mapcount) && !page_try_unmap(p))
		return false;
	if (page_flag(p, PG_DIRTY))
		return false;
	return mapping_evict(p, false);
}

/* A dirty old page: have its mapping write some.  Others than our thread may hold locks that this needs. */
static void reclaim_write(struct page *p)
{
	struct mapping *m = READ_ONCE(p->mapping);
	struct inode *i;

	if (!m || !page_flag(p, PG_DIRTY))
		return;
	if (current != reclaim_task) {
		writeback_kick();
		return;
	}
	/* Nothing but this keeps a truncated page's mapping, and its inode, there. */
	rcu_read_lock();
	m = READ_ONCE(p->mapping);
	i = m ? m->inode : NULL;
	if (i && !inode_get_cached(i))
		i = NULL;
	rcu_read_unlock();
	if (i) {
		mapping_write_async(m, 32);
		inode_put(i);
	}
}

static unsigned scan(unsigned want, uint64_t look, bool may_write)
{
	unsigned freed = 0;

	while (freed < want && look--) {
		struct page *p = lru_isolate();
		bool gone = false, write = false;

		if (!p)
			break;
		if (page_trylock(p)) {
			gone = reclaim_page(p);
			if (!gone) {
				lru_back(p);
				write = may_write && p->mapping && page_flag(p, PG_DIRTY);
			}
			page_unlock(p);
		} else {
			/* Whoever truncates it takes it off again, under the page lock that we cannot have. */
			lru_add(p);
			if (!READ_ONCE(p->mapping))
				lru_remove(p);
		}
		if (write)
			reclaim_write(p);
		page_put(p);
		freed += gone;
	}
	return freed;
}

unsigned reclaim_pages(unsigned n, unsigned flags)
{
	struct task *t = current;
	unsigned freed = 0, saved;

	if (!t || t->flags & TASKF_MEMALLOC || in_interrupt())
		return 0;
	saved = t->flags;
	WRITE_ONCE(t->flags, t->flags | TASKF_MEMALLOC);	/* /proc looks */
	for (unsigned round = 0; round < 3 && freed < n; round++) {
		freed += scan(n - freed, READ_ONCE(lru_count) + 1, round > 0);
		if (round && freed < n && counter_sum(COUNT_WRITEBACK) + counter_sum(COUNT_DIRTY) > 0)
			sleep_ns(5 * NSEC_PER_MSEC);
	}
	WRITE_ONCE(t->flags, (t->flags & ~(unsigned)TASKF_MEMALLOC) | (saved & TASKF_MEMALLOC));
	return freed;
}

void reclaim_wake(void)
{
	if (READ_ONCE(reclaim_task) && !READ_ONCE(reclaim_wanted) && READ_ONCE(lru_count)) {
		__atomic_store_n(&reclaim_wanted, 1, __ATOMIC_RELEASE);
		waitq_wake_all(&reclaim_wait);
	}
}

static void reclaimer(void *arg)
{
	for (;;) {
		unsigned idle = 0;

		wait_event(&reclaim_wait, READ_ONCE(reclaim_wanted));
		while (buddy_free_pages() < buddy_low_mark() + buddy_min_mark() && idle < 3)
			idle = reclaim_pages(64, 0) ? 0 : idle + 1;
		/* No page of a file is left to take: names and inodes are next. */
		if (idle) {
			vfs_shrink_async();
			sleep_ns(20 * NSEC_PER_MSEC);
		}
		__atomic_store_n(&reclaim_wanted, 0, __ATOMIC_RELEASE);
	}
}

void reclaim_init(void)
{
	struct task *t = kthread_create(reclaimer, NULL, "reclaim");

	if (!t)
		panic("no memory for the reclaim thread");
	WRITE_ONCE(reclaim_task, t);
}
