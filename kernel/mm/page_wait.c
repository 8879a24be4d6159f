/* SPDX-License-Identifier: MIT */
/*
 * Sleeping for a page: its lock, the end of its write-back.
 *
 * Wait queues are hashed by page.  PG_WAITERS is set before sleeping, so that
 * unlocking a page that nobody waits for costs one atomic operation; it may
 * stay set for a while after the last waiter has gone.
 */
#include <kernel/cpu.h>
#include <kernel/pagecache.h>
#include <kernel/print.h>
#include <kernel/vfs.h>
#include <kernel/wait.h>
#include "mm/mm.h"

enum { QUEUES = 64 };
static struct waitq queues[QUEUES];

static struct waitq *queue_of(const struct page *p)
{
	return &queues[((uintptr_t)p / sizeof(*p) * 0x9e3779b97f4a7c15ull) >> 58];
}

void page_wait_init(void)
{
	_Static_assert(QUEUES == 1 << (64 - 58), "the hash's top bits");
	for (unsigned i = 0; i < QUEUES; i++)
		waitq_init(&queues[i]);
}

bool page_trylock(struct page *p)
{
	return !page_test_set_flag(p, PG_LOCKED);
}

/* Says that somebody waits; then looks at the flag again. */
static bool still_set(struct page *p, uint32_t flag)
{
	page_set_flag(p, PG_WAITERS);
	return page_flag(p, flag);
}

static bool still_locked(struct page *p)
{
	page_set_flag(p, PG_WAITERS);
	return !page_trylock(p);
}

void page_lock(struct page *p)
{
	might_sleep();
	if (!page_trylock(p))
		wait_event(queue_of(p), !still_locked(p));
}

static void clear_and_wake(struct page *p, uint32_t flag)
{
	uint32_t old = __atomic_fetch_and(&p->flags, ~(flag | PG_WAITERS), __ATOMIC_SEQ_CST);

	if (old & PG_WAITERS)
		waitq_wake_all(queue_of(p));
}

void page_unlock(struct page *p)
{
	ASSERT(page_flag(p, PG_LOCKED));
	clear_and_wake(p, PG_LOCKED);
}

void page_wait_locked(struct page *p)
{
	if (page_flag(p, PG_LOCKED))
		wait_event(queue_of(p), !still_set(p, PG_LOCKED));
}

void page_wait_writeback(struct page *p)
{
	if (page_flag(p, PG_WRITEBACK))
		wait_event(queue_of(p), !still_set(p, PG_WRITEBACK));
}

void page_end_writeback(struct page *p, int error)
{
	struct mapping *m = READ_ONCE(p->mapping);

	if (error) {
		page_set_flag(p, PG_ERROR);
		if (m) {
			errseq_set(&m->error, error);
			if (m->inode)
				errseq_set(&m->inode->super->error, error);
		}
	}
	if (m)
		__atomic_sub_fetch(&m->writeback_pages, 1, __ATOMIC_RELEASE);	/* before m may go */
	counter_add(COUNT_WRITEBACK, -1);
	clear_and_wake(p, PG_WRITEBACK);
}
