/* SPDX-License-Identifier: MIT */
/*
 * Copy on write: a private page with one mapping is just made writable (the sole owner), otherwise copied, with its neighbours
 * when the program goes straight on.
 */
#include <kernel/errno.h>
#include "mm/fault_impl.h"

int fault_copy(const struct fault *f, struct page *from, vpe_t old)
{
	struct page *p = fault_anon_page(vm_is_zero(from) ? ALLOC_ZERO : 0);
	int ret;

	if (!p)
		return -ENOMEM;
	if (!vm_is_zero(from)) {
		hal_page_copy(page_addr(p), page_addr(from));
		if (f->a->flags & VM_EXEC)
			hal_icache_sync(page_addr(p), PAGE_SIZE);
	}
	ret = fault_install(f, old, vpe_make(p, fault_anon_bits(f)));
	if (ret) {
		page_put(p);
		return MIN(ret, 0);
	}
	if (old) {
		vm_shootdown(f->vm);
		if (!vm_is_zero(vpe_page(old)))
			page_put(vpe_page(old));
	}
	fault_max_rss(f->vm);
	return 0;
}

/* The sole owner may write: to this page, and to those around it that are his alone, too. */
static int own_around(const struct fault *f)
{
	uaddr_t start, end, at;
	vpe_t *slot;
	int err;

	fault_window(f, AROUND_PAGES, &start, &end);
	at = start;
	spin_lock(&f->vm->pages->lock);
	while ((slot = vpe_next(f->vm, &at, end))) {
		vpe_t e = *slot;

		if (e & VPE_R && !(e & (VPE_W | VPE_FILE | VPE_SHMEM | VPE_DEV)) && !vm_is_zero(vpe_page(e)) &&
		    page_sole(vpe_page(e)))
			*slot = e | fault_anon_bits(f);
		at += PAGE_SIZE;
	}
	err = fault_map_present(f, start, end);
	spin_unlock(&f->vm->pages->lock);
	return err;
}

static bool copy_wanted(vpe_t e)
{
	return e & VPE_R && !(e & (VPE_W | VPE_FILE | VPE_SHMEM | VPE_DEV)) && (vm_is_zero(vpe_page(e)) || page_flag(vpe_page(e), PG_ANON));
}

bool fault_copy_ahead(const struct fault *f, uaddr_t start, unsigned n)
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
		counter_add(COUNT_ANON, 1);
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
		e = vpe_make(c[i].copy, fault_anon_bits(f));
		vpe_account(f->vm, e, 1);
		vpe_account(f->vm, c[i].old, -1);
		vpe_set(slot, e);
		/* The entry's reference to the old page, if it had one, is ours now, in place of the copy's. */
		c[i].copy = vm_is_zero(vpe_page(c[i].old)) ? NULL : vpe_page(c[i].old);
		first |= start + i * PAGE_SIZE == f->addr;
	}
	(void)fault_map_present(f, start, start + n * PAGE_SIZE);
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

int fault_write(const struct fault *f, vpe_t e)
{
	struct page *p = vpe_page(e);
	unsigned n;
	int ret;

	if (f->a->flags & VM_SHARED) {
		struct mapping *m = f->a->mapping;

		if (!m)
			return 0;
		page_lock(p);
		ret = p->mapping == m ? fault_mkwrite(m, p) : 1;
		if (!ret)
			ret = fault_install(f, e, e | VPE_W);
		page_unlock(p);
		return MIN(ret, 0);
	}
	/* Only fork raises mapcount, and fork excludes us: the only owner stays the only one. */
	if (page_sole(p))
		return own_around(f);
	n = copy_wanted(e) && !f->force ? fault_ahead(f, AROUND_PAGES) : 1;
	if (n > 1 && fault_copy_ahead(f, f->addr, n))
		return 0;
	return fault_copy(f, p, e);
}

/*
 * A page that fork shares, in an area so small that most of it is written to
 * sooner or later (a library's data): a trap for the read and one for the write
 * cost more than a copy that is made in vain.
 */
bool fault_read_copies(const struct fault *f, vpe_t e)
{
	return !f->write && !f->force && (f->a->flags & (VM_WRITE | VM_SHARED)) == VM_WRITE && !(e & VPE_W) && copy_wanted(e) &&
		!vm_is_zero(vpe_page(e)) && f->a->end - f->a->start <= AROUND_PAGES * PAGE_SIZE &&
		READ_ONCE(vpe_page(e)->mapcount) > 1 && buddy_free_pages() >= 4 * buddy_low_mark();
}
