/* SPDX-License-Identifier: MIT */
/*
 * Faults of mapped files: the page comes from the page cache, mapped with the cached pages around it.  Shared pages are mapped
 * read-only until written to, so that the file system hears of the first write (page_mkwrite) and write-back finds them dirty.
 *
 * A page is mapped with it locked and its mapping checked, so that truncation either sees the entry or keeps it from being made.
 */
#include <kernel/errno.h>
#include <kernel/file.h>
#include "mm/fault_impl.h"

enum {
	FILE_AROUND_PAGES = 64,	/* of a program's text: its start touches most of what it will ever use */
	COPY_AROUND_PAGES = 8,	/* of a program's data */
};

/* The same for a file's pages: aligned in the file, because read-ahead brings such pieces, as neighbours in memory. */
static void file_window(const struct fault *f, unsigned pages, uaddr_t *start, uaddr_t *end)
{
	uint64_t index = f->a->pgoff + ((f->addr - f->a->start) >> PAGE_SHIFT), before = (index & (pages - 1)) * PAGE_SIZE;

	*start = f->addr - MIN(before, f->addr - f->a->start);
	*end = MIN(f->addr - before + pages * PAGE_SIZE, f->a->end);
}

static bool beyond_end(const struct mapping *m, uint64_t index)
{
	return m->inode && index >= DIV_ROUND_UP(READ_ONCE(m->inode->size), PAGE_SIZE);
}

static unsigned cache_bits(const struct mapping *m)
{
	return VPE_R | (m->ops->memory_only ? VPE_SHMEM : VPE_FILE);
}

/* Pages of memory itself have no write-back to wait for: writable at once. */
static unsigned shared_bits(const struct fault *f, const struct mapping *m)
{
	unsigned bits = cache_bits(m);

	if (m->ops->memory_only && !m->ops->page_mkwrite && (f->a->flags & (VM_SHARED | VM_WRITE)) == (VM_SHARED | VM_WRITE))
		bits |= VPE_W;
	return bits;
}

/* Map the cached pages of the window around an address that nobody has locked. */
static void fault_around(const struct fault *f, struct mapping *m)
{
	struct page *pages[FILE_AROUND_PAGES];
	uaddr_t start, end;
	uint64_t mapped = 0;	/* a bit a page: its reference is the entry's now */
	unsigned n = 0, came = 0;

	file_window(f, FILE_AROUND_PAGES, &start, &end);
	for (uaddr_t va = start; va < end; va += PAGE_SIZE) {
		uint64_t index = f->a->pgoff + ((va - f->a->start) >> PAGE_SHIFT);
		struct page *p;

		pages[n] = NULL;
		p = mapping_find(m, index);
		if (p && page_flag(p, PG_UPTODATE) && page_trylock(p)) {
			if (p->mapping == m && !beyond_end(m, index) && page_flag(p, PG_UPTODATE))
				pages[n] = p;
			else
				page_unlock(p);
		}
		if (p && !pages[n])
			page_put(p);
		n++;
	}
	spin_lock(&f->vm->pages->lock);
	for (unsigned i = 0; i < n; i++) {
		uaddr_t va = start + i * PAGE_SIZE;
		vpe_t *slot = pages[i] ? vpe_find(f->vm, va) : NULL;

		if (!slot || *slot)
			continue;
		vpe_page_mapped(vpe_make(pages[i], cache_bits(m)));
		vpe_set(slot, vpe_make(pages[i], shared_bits(f, m)));
		mapped |= UINT64_C(1) << i;
		came++;
	}
	if (came)
		vpe_count(f->vm, cache_bits(m), (int)came);
	(void)fault_map_present(f, start, end);
	spin_unlock(&f->vm->pages->lock);
	for (unsigned i = 0; i < n; i++) {
		if (pages[i]) {
			page_unlock(pages[i]);
			if (!(mapped >> i & 1))
				page_put(pages[i]);
		}
	}
}

/*
 * Which windows of a program or library are used is much the same each time: a
 * mapping remembers those in which there was a fault, and the first fault in one of them brings
 * the others.  Worth it where a trap costs as much as looking at many pages (um).
 */
#define HOT_PAYS (hal_as_fault_pages() >= 8)
enum { HOT_WINDOWS = 64, HOT_MOST = 8 };

/* A fault in this window.  True: not the first one ever. */
static bool fault_hot_touch(const struct fault *f, struct mapping *m)
{
	uint64_t w = fault_index(f) / FILE_AROUND_PAGES, bit;

	if (w >= HOT_WINDOWS || f->a->flags & (VM_SHARED | VM_WRITE))
		return false;
	bit = UINT64_C(1) << w;
	if (READ_ONCE(m->hot_windows) & bit)
		return true;
	__atomic_fetch_or(&m->hot_windows, bit, __ATOMIC_RELAXED);
	return false;
}

static bool is_mapped(const struct fault *f)
{
	const vpe_t *slot;
	bool mapped;

	spin_lock(&f->vm->pages->lock);
	slot = vpe_find(f->vm, f->addr);
	mapped = slot && *slot;
	spin_unlock(&f->vm->pages->lock);
	return mapped;
}

void fault_file_hot(const struct fault *f)
{
	struct mapping *m = f->a->mapping;
	uint64_t first = f->a->pgoff / FILE_AROUND_PAGES, last, hot = READ_ONCE(m->hot_windows);
	unsigned brought = 0;

	if (!HOT_PAYS || f->a->flags & (VM_SHARED | VM_WRITE | VM_RAND_READ))
		return;
	last = (f->a->pgoff + ((f->a->end - f->a->start) >> PAGE_SHIFT) - 1) / FILE_AROUND_PAGES;
	for (uint64_t w = first; w <= last && w < HOT_WINDOWS && brought < HOT_MOST; w++) {
		uint64_t index = MAX(w * FILE_AROUND_PAGES, f->a->pgoff);
		struct fault window = *f;

		window.addr = f->a->start + ((index - f->a->pgoff) << PAGE_SHIFT);
		if (!(hot >> w & 1) || !mapping_uptodate(m, index) || is_mapped(&window) || vpe_prepare(f->vm, window.addr))
			continue;
		fault_around(&window, m);
		brought++;
	}
}

int fault_mkwrite(struct mapping *m, struct page *p)
{
	int err = m->ops->page_mkwrite ? m->ops->page_mkwrite(m, p) : 0;

	if (!err)
		page_mark_dirty(p);
	return err == -ENOMEM ? err : err ? -EIO : 0;
}

/*
 * A program writes to its data, p here: the cached pages around are copied, too,
 * where nothing is yet, because most of a small data area is written to at the
 * start.  The copies are neighbours in memory, so that they are mapped as one
 * piece.  False: nothing was done.
 */
static bool copy_around(const struct fault *f, struct mapping *m, struct page *p)
{
	const struct vm_area *before = vm_prev(f->a);
	struct page *block;
	unsigned order = 0, n;
	uaddr_t start, end;
	bool done = false;

	/* As programs and libraries are mapped: behind their text.  Of others, what is not written to goes on showing the file. */
	if (!before || before->file != f->a->file || before->flags & VM_WRITE)
		return false;
	if (f->force || f->a->end - f->a->start > FILE_AROUND_PAGES * PAGE_SIZE || buddy_free_pages() < 2 * buddy_low_mark())
		return false;
	start = f->a->start;
	end = f->a->end;
	if (end - start > COPY_AROUND_PAGES * PAGE_SIZE)
		fault_window(f, COPY_AROUND_PAGES, &start, &end);
	n = (unsigned)((end - start) >> PAGE_SHIFT);
	while ((1u << order) < n)
		order++;
	if (!order || vpe_prepare(f->vm, f->addr))
		return false;
	block = page_alloc(order, ALLOC_NOWAIT);
	if (!block)
		return false;
	page_split(block);
	for (unsigned i = 0; i < n; i++) {
		uaddr_t va = start + i * PAGE_SIZE;
		uint64_t index = f->a->pgoff + ((va - f->a->start) >> PAGE_SHIFT);
		struct page *from = va == f->addr ? p : mapping_find(m, index), *copy = block + i;
		vpe_t *slot, e;

		if (!from)
			continue;
		if (page_flag(from, PG_UPTODATE) && !beyond_end(m, index)) {
			page_set_flag(copy, PG_ANON);
			counter_add(COUNT_ANON, 1);
			hal_page_copy(page_addr(copy), page_addr(from));
			if (f->a->flags & VM_EXEC)
				hal_icache_sync(page_addr(copy), PAGE_SIZE);
			e = vpe_make(copy, fault_anon_bits(f));
			spin_lock(&f->vm->pages->lock);
			slot = vpe_find(f->vm, va);
			if (slot && !*slot) {
				page_get(copy);
				vpe_account(f->vm, e, 1);
				vpe_set(slot, e);
				done |= va == f->addr;
			}
			spin_unlock(&f->vm->pages->lock);
		}
		if (from != p)
			page_put(from);
	}
	for (unsigned i = 0; i < 1u << order; i++)
		page_put(block + i);
	spin_lock(&f->vm->pages->lock);
	(void)fault_map_present(f, start, end);
	spin_unlock(&f->vm->pages->lock);
	fault_max_rss(f->vm);
	return done;
}

int fault_file(const struct fault *f)
{
	struct mapping *m = f->a->mapping;
	uint64_t index = fault_index(f);
	bool shared_write = f->write && f->a->flags & VM_SHARED, around;
	struct page *p;
	bool fresh = false;
	vpe_t e;
	int err;

	if (beyond_end(m, index))
		return -EIO;
	if (m->ops->account) {	/* a file system of memory that is full: SIGBUS */
		p = mapping_find(m, index);
		fresh = p == NULL;
		if (p)
			page_put(p);
		else if (m->ops->account(m, 1))
			return -EIO;
	}
	if (f->a->file && !(f->a->flags & VM_RAND_READ))
		readahead(m, f->a->file, index, 0, f->a->flags & VM_EXEC);
	err = mapping_read(m, index, &p);
	if (err)
		return err;
	if (fresh)
		(void)m->ops->account(m, 0);
	if (f->write && !shared_write) {
		err = copy_around(f, m, p) ? 0 : fault_copy(f, p, 0);
		page_put(p);
		return err;
	}
	page_lock(p);
	if (p->mapping != m || beyond_end(m, index)) {
		/* Truncated meanwhile: try again, and see. */
		page_unlock(p);
		page_put(p);
		return 0;
	}
	e = vpe_make(p, shared_bits(f, m));
	if (shared_write) {
		err = fault_mkwrite(m, p);
		e |= VPE_W;
	}
	around = !shared_write && !(f->a->flags & VM_RAND_READ);
	if (!err)
		err = fault_install_tell(f, 0, e, !around);
	page_unlock(p);
	if (err)
		page_put(p);
	if (!err && around) {
		fault_around(f, m);
		if (HOT_PAYS && fault_hot_touch(f, m))
			fault_file_hot(f);
	}
	fault_max_rss(f->vm);
	return MIN(err, 0);
}
