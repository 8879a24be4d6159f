/* SPDX-License-Identifier: MIT */
/*
 * Page faults.
 *
 * A fault finds the area, checks the access against it, and makes the entry of
 * vm->pages what the access needs; the machine is told under the same lock.
 * vm->lock is held for reading: faults of one address space run in parallel.
 * What happened meanwhile is noticed by comparing the entry before changing it;
 * the loser drops its page and user code tries again.
 *
 *  - present and sufficient: the machine forgot; it is told again, with what
 *    lies around (the address space of a fresh child is filled that way);
 *  - anonymous: the zero page for reads, a cleared page for writes;
 *  - a file's page: from the page cache, mapped with the cached pages around
 *    it.  Shared pages of files are mapped read-only until written to, so that
 *    the file system hears of the first write (page_mkwrite) and write-back
 *    finds them dirty;
 *  - copy on write: a private page with one mapping is just made writable (the
 *    sole owner), otherwise copied.
 *
 * A file's page is mapped with the page locked and its mapping checked, so that
 * truncation either sees the entry or keeps it from being made.
 */
#include <kernel/file.h>
#include <kernel/pagecache.h>
#include <kernel/string.h>
#include <kernel/task.h>
#include "mm/mm.h"
#include "mm/vm_internal.h"

enum {
	AROUND_PAGES = 16,
	AHEAD_PAGES = 64,	/* of anonymous memory that is touched page after page */
	FILE_AROUND_PAGES = 64,	/* of a program's text: its start touches most of what it will ever use */
	COPY_AROUND_PAGES = 8,	/* of a program's data */
};
struct fault {
	struct vm_space *vm;
	struct vm_area *a;
	uaddr_t addr;			/* page aligned */
	bool write, force;
};

struct page *vm_zero_pages;

/* The window of so many pages around the fault, inside the area. */
static void around_window(const struct fault *f, unsigned pages, uaddr_t *start, uaddr_t *end)
{
	uint64_t size = pages * PAGE_SIZE;

	*start = MAX(ALIGN_DOWN(f->addr, size), f->a->start);
	*end = MIN(ALIGN_DOWN(f->addr, size) + size, f->a->end);
}

/* The same for a file's pages: aligned in the file, because read-ahead brings such pieces, as neighbours in memory. */
static void file_window(const struct fault *f, unsigned pages, uaddr_t *start, uaddr_t *end)
{
	uint64_t index = f->a->pgoff + ((f->addr - f->a->start) >> PAGE_SHIFT), before = (index & (pages - 1)) * PAGE_SIZE;

	*start = f->addr - MIN(before, f->addr - f->a->start);
	*end = MIN(f->addr - before + pages * PAGE_SIZE, f->a->end);
}

/* Tell the machine all entries of [start, end), in runs.  Only the error of the faulting page counts. */
static int map_present(const struct fault *f, uaddr_t start, uaddr_t end)
{
	uaddr_t at = start, run_va = 0;
	paddr_t run_pa = 0;
	size_t run = 0;
	unsigned run_prot = 0;
	int err = 0;

	for (;;) {
		vpe_t *slot = vpe_next(f->vm, &at, end), e = slot ? *slot : 0;
		unsigned prot = slot ? vm_hal_prot(f->a, e) : 0;
		paddr_t pa = slot ? vpe_phys(e) : 0;

		if (slot && !(e & VPE_R)) {
			at += PAGE_SIZE;
			continue;
		}
		if (slot && run && at == run_va + run * PAGE_SIZE && pa == run_pa + run * PAGE_SIZE && prot == run_prot) {
			run++;
		} else {
			if (run) {
				int got = hal_as_map(f->vm->as, run_va, run_pa, run, run_prot);

				if (f->addr >= run_va && f->addr < run_va + run * PAGE_SIZE)
					err = got;
			}
			run_va = at;
			run_pa = pa;
			run_prot = prot;
			run = 1;
		}
		if (!slot)
			return err;
		at += PAGE_SIZE;
	}
}

/*
 * Make the entry new (with the caller's reference to its page) if it is still
 * `old`.  1: somebody was faster.  The reference of an old page is the caller's afterwards.
 * tell: the machine; or the caller does, with what lies around.
 */
static int install_tell(const struct fault *f, vpe_t old, vpe_t new, bool tell)
{
	for (;;) {
		vpe_t *slot;
		int err = vpe_prepare(f->vm, f->addr);

		if (err)
			return err;
		spin_lock(&f->vm->pages->lock);
		slot = vpe_find(f->vm, f->addr);
		if (!slot) {
			spin_unlock(&f->vm->pages->lock);
			continue;
		}
		if (*slot != old) {
			spin_unlock(&f->vm->pages->lock);
			return 1;
		}
		vpe_account(f->vm, new, 1);
		if (old)
			vpe_account(f->vm, old, -1);
		vpe_set(slot, new);
		/* Out of memory for the machine's tables: the entry stands, the next fault tries again. */
		if (tell)
			(void)hal_as_map(f->vm->as, f->addr, vpe_phys(new), 1, vm_hal_prot(f->a, new));
		spin_unlock(&f->vm->pages->lock);
		return 0;
	}
}

static int install(const struct fault *f, vpe_t old, vpe_t new)
{
	return install_tell(f, old, new, true);
}

static unsigned anon_bits(const struct fault *f)
{
	return VPE_R | (f->a->flags & VM_WRITE ? VPE_W : 0);
}

static struct page *anon_page(unsigned flags)
{
	struct page *p = page_alloc_user(flags);

	if (p) {
		page_set_flag(p, PG_ANON);
		mm_stat_add(anon, 1);
	}
	return p;
}

static void max_rss_update(struct vm_space *vm)
{
	int64_t rss = READ_ONCE(vm->rss_anon) + READ_ONCE(vm->rss_file) + READ_ONCE(vm->rss_shmem);

	if (rss > READ_ONCE(vm->max_rss))
		WRITE_ONCE(vm->max_rss, rss);
}

/*
 * How many pages this fault shall bring: one, and twice as many each time as
 * long as the program goes on where it left off.  A trap costs more than
 * clearing a page; on um, a hundred times more.
 */
static unsigned ahead(const struct fault *f, unsigned most)
{
	struct vm_area *a = f->a;
	const uint64_t leaf = PAGE_SIZE * (PAGE_SIZE / sizeof(vpe_t));
	unsigned n = 1;

	if (f->addr == READ_ONCE(a->fault_next)) {
		n = MIN(READ_ONCE(a->fault_pages) * 2, most);
		n = (unsigned)MIN((uint64_t)n, (MIN(a->end, ALIGN_DOWN(f->addr, leaf) + leaf) - f->addr) >> PAGE_SHIFT);
		n = MAX(n, 1u);
	}
	WRITE_ONCE(a->fault_pages, n);
	WRITE_ONCE(a->fault_next, f->addr + n * PAGE_SIZE);
	return n;
}

/* Fill the empty entries of n pages from the fault on, where the table exists: with the zero page, or pages of block. */
static unsigned install_ahead(const struct fault *f, unsigned n, struct page *block)
{
	unsigned done = 0;

	spin_lock(&f->vm->pages->lock);
	for (unsigned i = 0; i < n; i++) {
		vpe_t *slot = vpe_find(f->vm, f->addr + i * PAGE_SIZE);
		vpe_t e = vpe_make(block ? block + i : vm_zero_for(f->addr + i * PAGE_SIZE), block ? anon_bits(f) : VPE_R);

		if (!slot || *slot)
			continue;
		if (block)
			page_get(block + i);
		vpe_account(f->vm, e, 1);
		vpe_set(slot, e);
		done++;
	}
	if (done)
		(void)map_present(f, f->addr, f->addr + n * PAGE_SIZE);
	spin_unlock(&f->vm->pages->lock);
	return done;
}

/* n pages of memory, neighbours, for what is empty from the fault on. */
static unsigned fault_anon_block(const struct fault *f, unsigned n)
{
	unsigned order = 0, done;
	struct page *block;

	while ((1u << order) < n)
		order++;
	if (buddy_free_pages() < 2 * buddy_low_mark())
		return 0;
	while (!(block = page_alloc(order, ALLOC_NOWAIT | ALLOC_ZERO)) && order > 1)
		order--;	/* memory is in pieces */
	if (!block || vpe_prepare(f->vm, f->addr)) {
		if (block)
			page_put(block);
		return 0;
	}
	n = MIN(n, 1u << order);
	if (order)
		page_split(block);
	for (unsigned i = 0; i < n; i++)
		page_set_flag(block + i, PG_ANON);
	mm_stat_add(anon, n);
	done = install_ahead(f, n, block);
	for (unsigned i = 0; i < 1u << order; i++)
		page_put(block + i);
	max_rss_update(f->vm);
	return done ? n : 0;
}

/* True: the fault, and some that would have followed, are done. */
static bool fault_anon_ahead(const struct fault *f, unsigned n)
{
	if (f->write) {
		n = n > 1 ? fault_anon_block(f, 1u << (31 - __builtin_clz(n))) : 0;
		if (n)
			WRITE_ONCE(f->a->fault_next, f->addr + n * PAGE_SIZE);
		return n;
	}
	if (vpe_prepare(f->vm, f->addr))
		return false;
	n = install_ahead(f, n, NULL);
	max_rss_update(f->vm);
	return n;
}

/* The zeroed data of a program or library, right behind its data from the file, if it is small: it is touched here and there. */
static bool is_small_bss(const struct vm_area *a)
{
	const struct vm_area *before = vm_prev((struct vm_area *)a);

	return a->end - a->start <= AROUND_PAGES * PAGE_SIZE && !(a->flags & VM_GROWSDOWN) && before && before->end == a->start &&
		before->file && (before->flags & (VM_WRITE | VM_SHARED)) == VM_WRITE;
}

static int fault_anon(const struct fault *f)
{
	unsigned n = ahead(f, AHEAD_PAGES);
	struct page *p;
	int ret;

	if (f->write && is_small_bss(f->a)) {
		struct fault all = *f;

		all.addr = MAX(f->a->start, ALIGN_DOWN(f->addr, PAGE_SIZE * (PAGE_SIZE / sizeof(vpe_t))));
		if (fault_anon_block(&all, (unsigned)((f->a->end - all.addr) >> PAGE_SHIFT)))
			return 0;
	}

	if (n > 1 && fault_anon_ahead(f, n))
		return 0;

	if (!f->write) {
		ret = install(f, 0, vpe_make(vm_zero_for(f->addr), VPE_R));
		return MIN(ret, 0);
	}
	p = anon_page(ALLOC_ZERO);
	if (!p)
		return -ENOMEM;
	ret = install(f, 0, vpe_make(p, anon_bits(f)));
	if (ret)
		page_put(p);
	max_rss_update(f->vm);
	return MIN(ret, 0);
}

/* A private copy of `from` takes the place of entry old. */
static int fault_copy(const struct fault *f, struct page *from, vpe_t old)
{
	struct page *p = anon_page(vm_is_zero(from) ? ALLOC_ZERO : 0);
	int ret;

	if (!p)
		return -ENOMEM;
	if (!vm_is_zero(from)) {
		hal_page_copy(page_addr(p), page_addr(from));
		if (f->a->flags & VM_EXEC)
			hal_icache_sync(page_addr(p), PAGE_SIZE);
	}
	ret = install(f, old, vpe_make(p, anon_bits(f)));
	if (ret) {
		page_put(p);
		return MIN(ret, 0);
	}
	if (old) {
		vm_shootdown(f->vm);
		if (!vm_is_zero(vpe_page(old)))
			page_put(vpe_page(old));
	}
	max_rss_update(f->vm);
	return 0;
}

static uint64_t fault_index(const struct fault *f)
{
	return f->a->pgoff + ((f->addr - f->a->start) >> PAGE_SHIFT);
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

/* Map the cached pages around the fault that nobody has locked. */
static void fault_around(const struct fault *f, struct mapping *m)
{
	struct page *pages[FILE_AROUND_PAGES];
	uaddr_t start, end;
	unsigned n = 0;

	file_window(f, FILE_AROUND_PAGES, &start, &end);
	for (uaddr_t va = start; va < end; va += PAGE_SIZE) {
		uint64_t index = f->a->pgoff + ((va - f->a->start) >> PAGE_SHIFT);
		struct page *p;

		pages[n] = NULL;
		p = va == f->addr ? NULL : mapping_find(m, index);
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
		vpe_account(f->vm, vpe_make(pages[i], cache_bits(m)), 1);
		vpe_set(slot, vpe_make(pages[i], shared_bits(f, m)));
		page_get(pages[i]);
	}
	(void)map_present(f, start, end);
	spin_unlock(&f->vm->pages->lock);
	for (unsigned i = 0; i < n; i++) {
		if (pages[i]) {
			page_unlock(pages[i]);
			page_put(pages[i]);
		}
	}
}

/* The first write to a shared file page: p is locked and belongs to m. */
static int mkwrite(struct mapping *m, struct page *p)
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
	struct page *block;
	unsigned order = 0, n;
	uaddr_t start, end;
	bool done = false;

	if (f->force || f->a->end - f->a->start > FILE_AROUND_PAGES * PAGE_SIZE || buddy_free_pages() < 2 * buddy_low_mark())
		return false;
	start = f->a->start;
	end = f->a->end;
	if (end - start > COPY_AROUND_PAGES * PAGE_SIZE)
		around_window(f, COPY_AROUND_PAGES, &start, &end);
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
			mm_stat_add(anon, 1);
			hal_page_copy(page_addr(copy), page_addr(from));
			if (f->a->flags & VM_EXEC)
				hal_icache_sync(page_addr(copy), PAGE_SIZE);
			e = vpe_make(copy, anon_bits(f));
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
	(void)map_present(f, start, end);
	spin_unlock(&f->vm->pages->lock);
	max_rss_update(f->vm);
	return done;
}

static int fault_file(const struct fault *f)
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
		err = mkwrite(m, p);
		e |= VPE_W;
	}
	around = !shared_write && !(f->a->flags & VM_RAND_READ);
	if (!err)
		err = install_tell(f, 0, e, !around);
	page_unlock(p);
	if (err)
		page_put(p);
	if (!err && around)
		fault_around(f, m);
	max_rss_update(f->vm);
	return MIN(err, 0);
}

/* The sole owner may write: to this page, and to those around it that are his alone, too. */
static int own_around(const struct fault *f)
{
	uaddr_t start, end, at;
	vpe_t *slot;
	int err;

	around_window(f, AROUND_PAGES, &start, &end);
	at = start;
	spin_lock(&f->vm->pages->lock);
	while ((slot = vpe_next(f->vm, &at, end))) {
		vpe_t e = *slot;

		if (e & VPE_R && !(e & (VPE_W | VPE_FILE | VPE_SHMEM | VPE_DEV)) && !vm_is_zero(vpe_page(e)) &&
		    page_flag(vpe_page(e), PG_ANON) && READ_ONCE(vpe_page(e)->mapcount) == 1)
			*slot = e | anon_bits(f);
		at += PAGE_SIZE;
	}
	err = map_present(f, start, end);
	spin_unlock(&f->vm->pages->lock);
	return err;
}

static bool copy_wanted(vpe_t e)
{
	return e & VPE_R && !(e & (VPE_W | VPE_FILE | VPE_SHMEM | VPE_DEV)) && (vm_is_zero(vpe_page(e)) || page_flag(vpe_page(e), PG_ANON));
}

/* Copy the shared (or zero) anonymous pages of n from start on, with one flush for all.  False: not that of the fault. */
static bool fault_copy_ahead(const struct fault *f, uaddr_t start, unsigned n)
{
	struct { vpe_t old; struct page *copy; } c[AROUND_PAGES] = { 0 };
	bool first = false;
	vpe_t *slot;

	spin_lock(&f->vm->pages->lock);
	for (unsigned i = 0; i < n; i++) {
		slot = vpe_find(f->vm, start + i * PAGE_SIZE);
		if (!slot || !copy_wanted(*slot))
			continue;
		c[i].old = *slot;
		page_get(vpe_page(*slot));
	}
	spin_unlock(&f->vm->pages->lock);
	for (unsigned i = 0; i < n; i++) {
		if (!c[i].old || buddy_free_pages() < 2 * buddy_low_mark())
			continue;
		c[i].copy = page_alloc(0, ALLOC_NOWAIT | (vm_is_zero(vpe_page(c[i].old)) ? ALLOC_ZERO : 0));
		if (!c[i].copy)
			continue;
		page_set_flag(c[i].copy, PG_ANON);
		mm_stat_add(anon, 1);
		if (!vm_is_zero(vpe_page(c[i].old)))
			hal_page_copy(page_addr(c[i].copy), page_addr(vpe_page(c[i].old)));
		if (f->a->flags & VM_EXEC)
			hal_icache_sync(page_addr(c[i].copy), PAGE_SIZE);
	}
	spin_lock(&f->vm->pages->lock);
	for (unsigned i = 0; i < n; i++) {
		vpe_t e;

		if (!c[i].copy)
			continue;
		slot = vpe_find(f->vm, start + i * PAGE_SIZE);
		if (!slot || *slot != c[i].old)
			continue;
		e = vpe_make(c[i].copy, anon_bits(f));
		vpe_account(f->vm, e, 1);
		vpe_account(f->vm, c[i].old, -1);
		vpe_set(slot, e);
		/* The entry's reference to the old page, if it had one, is ours now, in place of the copy's. */
		c[i].copy = vm_is_zero(vpe_page(c[i].old)) ? NULL : vpe_page(c[i].old);
		first |= start + i * PAGE_SIZE == f->addr;
	}
	(void)map_present(f, start, start + n * PAGE_SIZE);
	spin_unlock(&f->vm->pages->lock);
	vm_shootdown(f->vm);
	for (unsigned i = 0; i < n; i++) {
		if (c[i].old)
			page_put(vpe_page(c[i].old));
		if (c[i].copy)
			page_put(c[i].copy);
	}
	return first;
}

/* A write to a present page that may not be written yet; we hold a reference to it. */
static int fault_write(const struct fault *f, vpe_t e)
{
	struct page *p = vpe_page(e);
	unsigned n;
	int ret;

	if (f->a->flags & VM_SHARED) {
		struct mapping *m = f->a->mapping;

		if (!m)
			return 0;
		page_lock(p);
		ret = p->mapping == m ? mkwrite(m, p) : 1;
		if (!ret)
			ret = install(f, e, e | VPE_W);
		page_unlock(p);
		return MIN(ret, 0);
	}
	/* Only fork raises mapcount, and fork excludes us: the only owner stays the only one. */
	if (page_flag(p, PG_ANON) && READ_ONCE(p->mapcount) == 1) {
		return own_around(f);
	}
	n = copy_wanted(e) && !f->force ? ahead(f, AROUND_PAGES) : 1;
	if (n > 1 && fault_copy_ahead(f, f->addr, n))
		return 0;
	return fault_copy(f, p, e);
}

static int fault_special(const struct fault *f)
{
	struct vm_special *s = f->a->special;
	uint64_t i = fault_index(f);
	int ret;

	if (i >= s->n)
		return -EIO;
	page_get(s->pages[i]);
	ret = install(f, 0, vpe_make(s->pages[i], VPE_R | (f->a->flags & VM_WRITE && f->a->flags & VM_SHARED ? VPE_W : 0)));
	if (ret)
		page_put(s->pages[i]);
	return MIN(ret, 0);
}

static int fault_device(const struct fault *f)
{
	vpe_t e = (vpe_t)(fault_index(f) << PAGE_SHIFT) | VPE_DEV | VPE_R | (f->a->flags & VM_WRITE ? VPE_W : 0);
	int ret = install(f, 0, e);

	return MIN(ret, 0);
}

static bool sufficient(const struct fault *f, vpe_t e)
{
	if (!e || !(e & VPE_R))
		return false;
	if (!f->write || e & VPE_W)
		return true;
	return f->force && !(f->a->flags & VM_WRITE) && !(e & (VPE_DEV | VPE_FILE | VPE_SHMEM)) &&
		page_flag(vpe_page(e), PG_ANON) && READ_ONCE(vpe_page(e)->mapcount) == 1;
}

/*
 * A page that fork shares, in an area so small that most of it is written to
 * sooner or later (a library's data): a trap for the read and one for the write
 * cost more than a copy that is made in vain.
 */
static bool read_copies(const struct fault *f, vpe_t e)
{
	return !f->write && !f->force && (f->a->flags & (VM_WRITE | VM_SHARED)) == VM_WRITE && !(e & VPE_W) && copy_wanted(e) &&
		!vm_is_zero(vpe_page(e)) && f->a->end - f->a->start <= AROUND_PAGES * PAGE_SIZE &&
		READ_ONCE(vpe_page(e)->mapcount) > 1 && buddy_free_pages() >= 4 * buddy_low_mark();
}

static int fault_in(const struct fault *f)
{
	vpe_t *slot, e;
	uaddr_t start, end;
	int err = 0;

	spin_lock(&f->vm->pages->lock);
	slot = vpe_find(f->vm, f->addr);
	e = slot ? *slot : 0;
	if (e && !(e & VPE_R)) {
		/* Left from a time of PROT_NONE. */
		e |= VPE_R;
		vpe_set(slot, e);
	}
	if (sufficient(f, e) && read_copies(f, e)) {
		/* A forked child looks at a small data area: it will write there. */
		struct page *p = vpe_page(e);
		bool done;

		page_get(p);
		spin_unlock(&f->vm->pages->lock);
		done = fault_copy_ahead(f, f->a->start, (unsigned)((f->a->end - f->a->start) >> PAGE_SHIFT));
		page_put(p);
		if (done)
			return 0;
		spin_lock(&f->vm->pages->lock);
		slot = vpe_find(f->vm, f->addr);
		e = slot ? *slot : 0;
	}
	if (sufficient(f, e)) {
		around_window(f, AROUND_PAGES, &start, &end);
		err = map_present(f, start, end);
		spin_unlock(&f->vm->pages->lock);
		return err;
	}
	if (e && !(e & VPE_DEV))
		page_get(vpe_page(e));
	spin_unlock(&f->vm->pages->lock);
	if (e) {
		err = f->write && !(e & VPE_DEV) ? fault_write(f, e) : 0;
		if (!(e & VPE_DEV))
			page_put(vpe_page(e));
		return err;
	}
	if (f->a->flags & VM_DEVICE)
		return fault_device(f);
	if (f->a->special)
		return fault_special(f);
	return f->a->mapping ? fault_file(f) : fault_anon(f);
}

/* Let the stack area above addr reach down to it. */
static int stack_grow(struct vm_space *vm, uaddr_t addr) REQUIRES(vm->lock)
{
	struct vm_area *a = vm_find(vm, addr), *p;
	uaddr_t to = addr & PAGE_MASK;
	uint64_t pages;

	if (!a)
		return -EFAULT;
	if (a->start <= addr)
		return 0;
	if (!(a->flags & VM_GROWSDOWN) || to < hal_as_min())
		return -EFAULT;
	pages = (a->start - to) >> PAGE_SHIFT;
	if (a->end - to > rlimit_get(RLIMIT_STACK) || !vm_may_expand(vm, a->flags, pages))
		return -EFAULT;
	p = vm_prev(a);
	if (p && to < p->end)
		return -EFAULT;
	if (p && p->flags & (VM_READ | VM_WRITE | VM_EXEC) && !(p->flags & VM_GROWSDOWN) &&
	    to - p->end < STACK_GUARD_PAGES * PAGE_SIZE)
		return -EFAULT;
	vm_area_resize(a, to, a->end, a->pgoff - pages);
	return 0;
}

static bool access_ok(const struct vm_area *a, unsigned access, unsigned flags)
{
	if (access & HAL_WRITE) {
		if (a->flags & VM_WRITE)
			return true;
		return flags & FAULT_FORCE && a->flags & VM_MAYWRITE && !(a->flags & VM_SHARED);
	}
	if (access & HAL_EXEC)
		return a->flags & VM_EXEC;
	return a->flags & (VM_READ | VM_WRITE | VM_EXEC) || (flags & FAULT_FORCE && a->flags & VM_MAYREAD);
}

int vm_fault_flags(struct vm_space *vm, uaddr_t addr, unsigned access, unsigned flags, int *si_code) NO_TSA	/* write lock becomes read lock */
{
	struct vm_area *a;
	int err = -EFAULT;

	*si_code = SEGV_MAPERR;
	if (addr >= hal_as_limit())
		return -EFAULT;
	rwsem_read_lock(&vm->lock);
	a = vm_find(vm, addr);
	if (a && a->start > addr && a->flags & VM_GROWSDOWN) {
		rwsem_read_unlock(&vm->lock);
		rwsem_write_lock(&vm->lock);
		err = stack_grow(vm, addr);
		rwsem_downgrade(&vm->lock);
		a = err ? NULL : vm_find(vm, addr);
	}
	if (a && a->start <= addr) {
		*si_code = SEGV_ACCERR;
		err = -EFAULT;
		if (access_ok(a, access, flags)) {
			struct fault f = {
				.vm = vm, .a = a, .addr = addr & PAGE_MASK, .write = access & HAL_WRITE, .force = flags & FAULT_FORCE,
			};

			err = fault_in(&f);
			*si_code = err == -EIO ? BUS_ADRERR : SEGV_MAPERR;
		}
	}
	rwsem_read_unlock(&vm->lock);
	return err;
}

void vm_expect(struct vm_space *vm, uaddr_t addr, unsigned access)
{
	int code;

	(void)vm_fault_flags(vm, addr, access, 0, &code);
}

void vm_hot_call(struct vm_space *vm, uaddr_t ip)
{
	struct vm_area *a;

	rwsem_read_lock(&vm->lock);
	a = vm_find(vm, ip);
	if (a && a->start <= ip && a->file && (a->flags & (VM_EXEC | VM_WRITE | VM_SHARED)) == VM_EXEC) {
		vpe_t *slot, e;

		spin_lock(&vm->pages->lock);
		slot = vpe_find(vm, ip);
		e = slot ? *slot : 0;
		/* The page cache's own page, not a private copy: those are written to by debuggers. */
		if ((e & (VPE_R | VPE_W | VPE_FILE | VPE_DEV)) == (VPE_R | VPE_FILE) && hal_as_hot_call(vm->as, ip, vpe_phys(e)))
			(void)hal_as_map(vm->as, ip & PAGE_MASK, vpe_phys(e), 1, vm_hal_prot(a, e));
		spin_unlock(&vm->pages->lock);
	}
	rwsem_read_unlock(&vm->lock);
}

int vm_fault(struct vm_space *vm, uaddr_t addr, unsigned access, int *si_code)
{
	struct task *t = current;
	int err;

	might_sleep();
	WRITE_ONCE(t->min_faults, t->min_faults + 1);
	err = vm_fault_flags(vm, addr, access, 0, si_code);
	if (unlikely(err) && fatal_signal_pending(t))
		return -EINTR;
	/* The machine's tables come from the reserve; when that is used up, nobody has reclaimed yet. */
	if (unlikely(err == -ENOMEM) && buddy_free_pages() < buddy_min_mark() && !reclaim_pages(64, 0))
		(void)oom_kill();
	return err;
}
