/* SPDX-License-Identifier: MIT */
/*
 * The page cache: the tree of pages of each mapping.
 *
 * A page in the tree has page.mapping and page.index set and holds one
 * reference of the cache's.  mapping and index change only with the page
 * locked; the tree changes under mapping.lock.  Look-ups take neither: they
 * read the tree under RCU, take a reference unless the count is zero, and then
 * check that the page is still the one looked for (page structs are never
 * freed, so a stale pointer is harmless).
 *
 * A page leaves the tree by truncation (whoever still uses it keeps it alive)
 * or by reclaim (only if nobody does: the count is frozen at zero first).
 *
 * Locks: page lock, then MAPPING (and MAPPING_AREAS for unmapping); LRU.
 */
#include <kernel/file.h>
#include <kernel/pagecache.h>
#include <kernel/print.h>
#include <kernel/string.h>
#include <kernel/wait.h>
#include "mm/mm.h"
#include "mm/vm_internal.h"

void mapping_init(struct mapping *m, const struct mapping_ops *ops, struct inode *inode)
{
	memset(m, 0, sizeof(*m));
	spin_init(&m->lock, LOCK_MAPPING);
	mutex_init(&m->areas_lock, LOCK_MAPPING_AREAS);
	list_init(&m->areas);
	list_init(&m->dirty_link);
	m->ops = ops;
	m->inode = inode;
}

uint64_t mapping_number(struct mapping *m)
{
	static uint64_t last;
	uint64_t n = __atomic_load_n(&m->number, __ATOMIC_RELAXED), fresh;

	if (!n) {
		fresh = __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
		if (__atomic_compare_exchange_n(&m->number, &n, fresh, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			n = fresh;
	}
	return n;
}

struct page *mapping_find(struct mapping *m, uint64_t index)
{
	struct page *p;

	rcu_read_lock();
	for (;;) {
		int32_t n;

		p = radix_find(&m->pages, index);
		if (!p)
			break;
		n = READ_ONCE(p->refs);
		while (n > 0 && !__atomic_compare_exchange_n(&p->refs, &n, n + 1, true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			;
		if (n <= 0)
			continue;	/* on its way out: the tree says so soon */
		if (load_acquire(&p->mapping) == m && READ_ONCE(p->index) == index)	/* acquire: its index is the caller's to read */
			break;
		page_put(p);
	}
	rcu_read_unlock();
	return p;
}

bool mapping_uptodate(struct mapping *m, uint64_t index)
{
	struct page *p = mapping_find(m, index);
	bool yes = p && page_flag(p, PG_UPTODATE);

	if (p)
		page_put(p);
	return yes;
}

unsigned mapping_find_run(struct mapping *m, uint64_t index, unsigned flags, unsigned not_flags, struct page **out, unsigned max)
{
	unsigned n, k = 0;

	rcu_read_lock();
	n = radix_find_run(&m->pages, index, (void **)out, max);
	for (; k < n; k++) {
		struct page *p = out[k];
		int32_t refs = READ_ONCE(p->refs);
		uint32_t f;

		/* Once: who is in the way is left to the caller's other path. */
		if (refs <= 0 || !__atomic_compare_exchange_n(&p->refs, &refs, refs + 1, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			break;
		f = __atomic_load_n(&p->flags, __ATOMIC_ACQUIRE);
		if (load_acquire(&p->mapping) != m || READ_ONCE(p->index) != index + k || (f & flags) != flags || f & not_flags) {
			page_put(p);
			break;
		}
	}
	rcu_read_unlock();
	return k;
}

unsigned mapping_peek_run(struct mapping *m, uint64_t index, unsigned flags, unsigned not_flags, struct page **out, unsigned max)
{
	unsigned n, k = 0;

	rcu_read_lock();
	n = radix_find_run(&m->pages, index, (void **)out, max);
	for (; k < n; k++) {
		const struct page *p = out[k];
		uint32_t f;

		/* The section was announced before this look; mapping_evict() looks for sections after its store. */
		if (__atomic_load_n(&p->mapping, __ATOMIC_SEQ_CST) != m || READ_ONCE(p->index) != index + k)
			break;
		f = __atomic_load_n(&p->flags, __ATOMIC_ACQUIRE);
		if ((f & flags) != flags || f & not_flags)
			break;
	}
	rcu_read_unlock();
	return k;
}

/* A new locked page into the tree.  The cache takes a reference of its own.  -EEXIST, -ENOMEM. */
int mapping_add_new(struct mapping *m, uint64_t index, struct page *p)
{
	int err;

	page_set_flag(p, PG_LOCKED);
	WRITE_ONCE(p->index, index);
	store_release(&p->mapping, m);	/* mapping_peek_run() has no reference: where it is, and that it is locked, first */
	page_get(p);
	spin_lock(&m->lock);
	err = radix_insert(&m->pages, index, p);
	if (!err)
		WRITE_ONCE(m->page_count, m->page_count + 1);
	spin_unlock(&m->lock);
	if (err) {
		WRITE_ONCE(p->mapping, NULL);
		page_clear_flag(p, PG_LOCKED);
		page_put(p);
		return err;
	}
	counter_add(COUNT_CACHE, 1);
	if (m->ops->memory_only)
		counter_add(COUNT_SHMEM, 1);
	else
		lru_add(p);
	return 0;
}

int mapping_get_locked(struct mapping *m, uint64_t index, struct page **out)
{
	for (;;) {
		struct page *p = mapping_find(m, index);
		int err;

		if (p) {
			page_lock(p);
			if (p->mapping == m) {
				*out = p;
				return 0;
			}
			page_unlock(p);
			page_put(p);
			continue;
		}
		p = page_alloc_user(ALLOC_NOFS);
		if (!p)
			return -ENOMEM;
		err = mapping_add_new(m, index, p);
		if (!err) {
			*out = p;
			return 0;
		}
		page_put(p);
		if (err != -EEXIST)
			return err;
	}
}

/* Memory of its own has nothing to read from: absent means zero. */
static void fill_zero(struct page *p)
{
	hal_page_clear(page_addr(p));
	page_set_flag(p, PG_UPTODATE);
	page_unlock(p);
}

int mapping_read(struct mapping *m, uint64_t index, struct page **out)
{
	bool failed = false;

	for (;;) {
		struct page *p = mapping_find(m, index);
		int err;

		if (p && page_flag(p, PG_UPTODATE)) {
			*out = p;
			return 0;
		}
		if (p) {
			page_put(p);
			if (failed)
				return -EIO;
		}
		err = mapping_get_locked(m, index, &p);
		if (err)
			return err;
		if (page_flag(p, PG_UPTODATE)) {
			page_unlock(p);
			*out = p;
			return 0;
		}
		page_clear_flag(p, PG_ERROR);
		if (!m->ops->read_pages) {
			fill_zero(p);
			*out = p;
			return 0;
		}
		err = m->ops->read_pages(m, &p, 1);
		if (err) {
			page_put(p);
			return err;
		}
		page_wait_locked(p);
		if (page_flag(p, PG_UPTODATE)) {
			*out = p;
			return 0;
		}
		failed = page_flag(p, PG_ERROR);
		page_put(p);
		if (failed)
			return -EIO;
		/* Truncated while it was read: look again. */
	}
}

/*
 * Out of the tree.  p is locked.  truncated: whoever holds a reference keeps
 * the page, it is nobody's then.  Otherwise only if nobody but the cache and
 * the caller has one.
 */
bool mapping_evict(struct page *p, bool truncated)
{
	struct mapping *m = p->mapping;
	int32_t two = 2;

	if (!m)
		return false;
	spin_lock(&m->lock);
	if (!truncated) {
		/* A look-up that comes now finds 0 and tries again until the tree has forgotten the page. */
		if (page_flag(p, PG_DIRTY | PG_WRITEBACK) ||
		    !__atomic_compare_exchange_n(&p->refs, &two, 0, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
			spin_unlock(&m->lock);
			return false;
		}
	}
	radix_erase(&m->pages, p->index);
	WRITE_ONCE(m->page_count, m->page_count - 1);
	if (page_test_clear_flag(p, PG_DIRTY)) {
		WRITE_ONCE(m->dirty_pages, m->dirty_pages - 1);
		counter_add(COUNT_DIRTY, -1);
	}
	/* With the lock: who has a reference must not make it dirty any more, in the name of a mapping that it is not in. */
	__atomic_store_n(&p->mapping, NULL, __ATOMIC_SEQ_CST);
	spin_unlock(&m->lock);
	uaccess_quiesce();	/* who found it without a reference is done with it now */
	counter_add(COUNT_CACHE, -1);
	if (m->ops->memory_only)
		counter_add(COUNT_SHMEM, -1);
	else
		lru_remove(p);
	if (truncated)
		page_put(p);
	else
		store_release(&p->refs, 1);	/* the caller's */
	return true;
}

/* ---- what the address spaces have mapped of it ---- */

void mapping_unmap_range(struct mapping *m, uint64_t first, uint64_t last, bool cows)
{
	struct vm_area *a;

	mutex_lock(&m->areas_lock);
	list_for_each(a, &m->areas, mapping_link) {
		uint64_t a_first = a->pgoff, a_last = a->pgoff + ((a->end - a->start) >> PAGE_SHIFT) - 1;
		uaddr_t start, end;

		if (a_last < first || a_first > last)
			continue;
		start = a->start + (first > a_first ? (first - a_first) << PAGE_SHIFT : 0);
		end = last < a_last ? a->start + ((last - a_first + 1) << PAGE_SHIFT) : a->end;
		vm_zap(a->vm, start, end, cows ? ZAP_ALL : ZAP_CACHE, false);
	}
	mutex_unlock(&m->areas_lock);
}

bool mapping_write_protect(struct mapping *m, struct page *p)
{
	struct vm_area *a;
	bool was = false;

	if (!READ_ONCE(p->mapcount) || !READ_ONCE(m->writable_maps))
		return false;
	mutex_lock(&m->areas_lock);
	list_for_each(a, &m->areas, mapping_link) {
		uaddr_t va = a->start + ((p->index - a->pgoff) << PAGE_SHIFT);
		bool here = false;
		vpe_t *slot;

		if (!(READ_ONCE(a->flags) & VM_SHARED) || p->index < a->pgoff || va >= a->end)
			continue;
		spin_lock(&a->vm->pages->lock);
		slot = vpe_find(a->vm, va);
		if (slot && *slot && vpe_page(*slot) == p && *slot & VPE_W) {
			*slot &= ~(vpe_t)VPE_W;
			hal_as_protect(a->vm->as, va, 1, vm_hal_prot(a, *slot));
			here = was = true;
		}
		spin_unlock(&a->vm->pages->lock);
		if (here)
			vm_shootdown(a->vm);
	}
	mutex_unlock(&m->areas_lock);
	return was;
}

bool page_try_unmap(struct page *p)
{
	struct mapping *m = p->mapping;
	struct vm_area *a;

	if (!READ_ONCE(p->mapcount))
		return true;
	if (!m || !mutex_trylock(&m->areas_lock))
		return false;
	list_for_each(a, &m->areas, mapping_link) {
		uaddr_t va = a->start + ((p->index - a->pgoff) << PAGE_SHIFT);

		if (p->index < a->pgoff || va >= a->end)
			continue;
		if (READ_ONCE(a->flags) & VM_LOCKED)
			break;
		vm_zap(a->vm, va, va + PAGE_SIZE, ZAP_CACHE, false);
	}
	mutex_unlock(&m->areas_lock);
	return READ_ONCE(p->mapcount) == 0;
}

/* ---- truncation ---- */

/* Lock the page, unmap it (cows: private copies of it, too) and take it out.  The caller has a reference. */
static void truncate_page(struct mapping *m, struct page *p, bool cows)
{
	page_lock(p);
	if (p->mapping == m) {
		page_wait_writeback(p);
		if (READ_ONCE(p->mapcount))
			mapping_unmap_range(m, p->index, p->index, cows);
		mapping_evict(p, true);
	}
	page_unlock(p);
}

struct page *mapping_next(struct mapping *m, uint64_t *index)
{
	for (;;) {
		struct page *p;

		rcu_read_lock();
		p = radix_next(&m->pages, index);
		rcu_read_unlock();
		if (!p)
			return NULL;
		p = mapping_find(m, *index);
		if (p)
			return p;
		(*index)++;
	}
}

static void drop_range(struct mapping *m, uint64_t first, uint64_t last, bool cows)
{
	uint64_t index = first;
	struct page *p;

	while (index <= last && (p = mapping_next(m, &index))) {
		if (index <= last)
			truncate_page(m, p, cows);
		page_put(p);
		if (index++ == UINT64_MAX)
			break;
	}
}

static void zero_tail(struct mapping *m, uint64_t index, unsigned from, unsigned to)
{
	struct page *p = mapping_find(m, index);

	if (!p)
		return;
	page_lock(p);
	page_clear_flag(p, PG_BACKED);	/* blocks of it may be given back */
	if (p->mapping == m && page_flag(p, PG_UPTODATE))
		memset((char *)page_addr(p) + from, 0, to - from);
	page_unlock(p);
	page_put(p);
}

void mapping_truncate(struct mapping *m, uint64_t size)
{
	uint64_t first = DIV_ROUND_UP(size, PAGE_SIZE);

	mapping_unmap_range(m, first, UINT64_MAX, true);
	if (size & (PAGE_SIZE - 1))
		zero_tail(m, size >> PAGE_SHIFT, size & (PAGE_SIZE - 1), PAGE_SIZE);
	drop_range(m, first, UINT64_MAX, true);
}

void mapping_grown(struct mapping *m, uint64_t old)
{
	struct page *p;

	if (!(old & (PAGE_SIZE - 1)) || !m->ops->page_mkwrite || READ_ONCE(m->writable_maps) <= 0)
		return;
	p = mapping_find(m, old >> PAGE_SHIFT);
	if (!p)
		return;
	/* With the page locked: who is being let write now has seen the old size, and is met here. */
	page_lock(p);
	if (p->mapping == m)
		mapping_write_protect(m, p);
	page_unlock(p);
	page_put(p);
}

void mapping_punch(struct mapping *m, uint64_t start, uint64_t end)
{
	uint64_t first = DIV_ROUND_UP(start, PAGE_SIZE), last = end >> PAGE_SHIFT;
	unsigned from = start & (PAGE_SIZE - 1), to = end & (PAGE_SIZE - 1);

	if (end <= start)
		return;
	if (start >> PAGE_SHIFT == end >> PAGE_SHIFT) {
		zero_tail(m, start >> PAGE_SHIFT, from, to);
		return;
	}
	if (from)
		zero_tail(m, start >> PAGE_SHIFT, from, PAGE_SIZE);
	if (to)
		zero_tail(m, last, 0, to);
	if (last > first) {
		mapping_unmap_range(m, first, last - 1, false);
		drop_range(m, first, last - 1, false);
	}
}

void mapping_destroy(struct mapping *m)
{
	drop_range(m, 0, UINT64_MAX, true);
	writeback_forget(m);
	radix_destroy(&m->pages);
}

void mapping_invalidate(struct mapping *m, uint64_t start, uint64_t end)
{
	uint64_t index = start >> PAGE_SHIFT, last = (end >> PAGE_SHIFT) + ((end & (PAGE_SIZE - 1)) != 0);
	struct page *p;

	while (index < last && (p = mapping_next(m, &index))) {
		if (index < last && !READ_ONCE(p->mapcount) && page_trylock(p)) {
			if (p->mapping == m)
				mapping_evict(p, false);
			page_unlock(p);
		}
		page_put(p);
		index++;
	}
}

void pagecache_init(void)
{
	page_wait_init();
	reclaim_init();
	writeback_init();
}
