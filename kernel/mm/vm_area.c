/* SPDX-License-Identifier: MIT */
/*
 * The tree of areas of an address space.
 *
 * Areas do not overlap and are ordered by address.  Each knows the free bytes
 * between it and its predecessor (gap, less a guard below a stack), and the
 * largest gap of its subtree, so that a free range is found in O(log n).
 *
 * An area of a file (or of shared anonymous memory) is also on the list of its
 * mapping; its bounds change only with that list locked, because truncation
 * walks it without vm->lock.  Entries that go from one area to another (fork,
 * mremap) go to one that is behind it on the list: who walks it and finds a
 * page taken from the one meets it in the other.
 */
#include <kernel/errno.h>
#include <kernel/file.h>
#include <kernel/pagecache.h>
#include <kernel/slab.h>
#include "mm/mm.h"
#include "mm/vm_internal.h"

static struct kmem_cache *area_cache;

static struct vm_area *node_area(const struct rb_node *n)
{
	return rb_entry((struct rb_node *)(uintptr_t)n, struct vm_area, node);
}

/* The lowest address that is taken: a stack keeps others at a distance. */
static uaddr_t area_low(const struct vm_area *a)
{
	uaddr_t guard = STACK_GUARD_PAGES * PAGE_SIZE;

	if (!(a->flags & VM_GROWSDOWN))
		return a->start;
	return a->start > guard ? a->start - guard : 0;
}

static void area_update(struct rb_node *n)
{
	struct vm_area *a = node_area(n);
	uint64_t max = a->gap;

	if (n->left)
		max = MAX(max, node_area(n->left)->max_gap);
	if (n->right)
		max = MAX(max, node_area(n->right)->max_gap);
	a->max_gap = max;
}

/* The free room below a has changed. */
static void gap_update(struct vm_area *a)
{
	struct vm_area *p = vm_prev(a);
	uaddr_t floor = p ? p->end : 0, low = area_low(a);

	a->gap = low > floor ? low - floor : 0;
	for (struct rb_node *n = &a->node; n; n = n->parent)
		area_update(n);
}

struct vm_area *vm_find(struct vm_space *vm, uaddr_t addr)
{
	struct rb_node *n = vm->areas.node;
	struct vm_area *best = NULL;

	while (n) {
		struct vm_area *a = node_area(n);

		if (a->end > addr) {
			best = a;
			if (a->start <= addr)
				break;
			n = n->left;
		} else {
			n = n->right;
		}
	}
	return best;
}

struct vm_area *vm_next(struct vm_area *a)
{
	struct rb_node *n = rb_next(&a->node);

	return n ? node_area(n) : NULL;
}

struct vm_area *vm_prev(struct vm_area *a)
{
	struct rb_node *n = rb_prev(&a->node);

	return n ? node_area(n) : NULL;
}

struct vm_area *vm_area_alloc(struct vm_space *vm)
{
	struct vm_area *a;

	if (unlikely(!area_cache)) {
		struct kmem_cache *c = kmem_cache_create("vm_area", sizeof(struct vm_area), 0), *none = NULL;

		/* The first two may race at boot: one cache stays unused. */
		__atomic_compare_exchange_n(&area_cache, &none, c, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
	}
	a = kmem_cache_alloc(area_cache, ALLOC_ZERO);
	if (!a)
		return NULL;
	a->vm = vm;
	list_init(&a->mapping_link);
	return a;
}

static bool tells_mapped(const struct file *f) { return f && f->ops && f->ops->mapped; }

struct vm_area *vm_area_dup(const struct vm_area *a)
{
	struct vm_area *n = vm_area_alloc(a->vm);

	if (!n)
		return NULL;
	n->start = a->start;
	n->end = a->end;
	n->flags = a->flags;
	n->pgoff = a->pgoff;
	n->file = a->file;
	n->mapping = a->mapping;
	n->special = a->special;
	if (n->file) {
		file_get(n->file);
		if (tells_mapped(n->file))
			n->file->ops->mapped(n->file, true);
	} else if (n->mapping) {
		shmem_get(n->mapping);
	}
	if (n->special)
		ref_get(&n->special->refs);
	return n;
}

void vm_area_free(struct vm_area *a)
{
	if (a->writable)
		__atomic_sub_fetch(&a->mapping->writable_maps, 1, __ATOMIC_RELEASE);
	if (a->file) {
		if (tells_mapped(a->file))
			a->file->ops->mapped(a->file, false);
		file_put(a->file);
	} else if (a->mapping) {
		shmem_put(a->mapping);
	}
	if (a->special)
		vm_special_put(a->special);
	kmem_cache_free(area_cache, a);
}

void vm_area_free_list(struct list_head *dead)
{
	struct vm_area *a, *tmp;

	list_for_each_safe(a, tmp, dead, mapping_link) {
		list_del_init(&a->mapping_link);
		vm_area_free(a);
	}
}

static void tree_insert(struct vm_space *vm, struct vm_area *a)
{
	struct rb_node **link = &vm->areas.node, *parent = NULL;
	struct vm_area *next;

	while (*link) {
		parent = *link;
		link = a->start < node_area(parent)->start ? &parent->left : &parent->right;
	}
	a->gap = a->max_gap = 0;
	rb_insert_at_augmented(&vm->areas, &a->node, parent, link, area_update);
	vm->area_count++;
	gap_update(a);
	next = vm_next(a);
	if (next)
		gap_update(next);
}

static void tree_remove(struct vm_space *vm, struct vm_area *a)
{
	struct vm_area *next = vm_next(a);

	rb_erase_augmented(&vm->areas, &a->node, area_update);
	vm->area_count--;
	if (next)
		gap_update(next);
}

/* Conditional on there being a mapping: more than the checker can follow. */
static void mapping_areas_lock(struct mapping *m) NO_TSA
{
	if (m)
		mutex_lock(&m->areas_lock);
}

static void mapping_areas_unlock(struct mapping *m) NO_TSA
{
	if (m)
		mutex_unlock(&m->areas_lock);
}

/* From here on, until it is freed, and with that behind the last write through it: who seals the file relies on that. */
static void writable_begin(struct vm_area *a)
{
	if (!a->mapping || (a->flags & (VM_SHARED | VM_MAYWRITE)) != (VM_SHARED | VM_MAYWRITE))
		return;
	a->writable = true;
	__atomic_add_fetch(&a->mapping->writable_maps, 1, __ATOMIC_RELAXED);
}

void vm_area_insert(struct vm_space *vm, struct vm_area *a) { vm_area_insert_behind(vm, a, NULL); }

void vm_area_insert_behind(struct vm_space *vm, struct vm_area *a, struct vm_area *from)
{
	a->vm = vm;
	mapping_areas_lock(a->mapping);
	if (a->mapping)
		list_add(&a->mapping_link, from ? &from->mapping_link : &a->mapping->areas);
	tree_insert(vm, a);
	mapping_areas_unlock(a->mapping);
	writable_begin(a);
	vm_area_account(vm, a, 1);
}

void vm_area_remove(struct vm_space *vm, struct vm_area *a)
{
	mapping_areas_lock(a->mapping);
	if (a->mapping)
		list_del_init(&a->mapping_link);
	tree_remove(vm, a);
	mapping_areas_unlock(a->mapping);
	vm_area_account(vm, a, -1);
}

void vm_area_account(struct vm_space *vm, const struct vm_area *a, int sign)
{
	uint64_t n = (a->end - a->start) >> PAGE_SHIFT;

	if (a->flags & VM_SPECIAL)
		return;
	WRITE_ONCE(vm->total_pages, vm->total_pages + (sign > 0 ? n : -n));	/* /proc looks without the lock */
	if (a->flags & VM_LOCKED)
		WRITE_ONCE(vm->locked_pages, vm->locked_pages + (sign > 0 ? n : -n));
	if ((a->flags & (VM_WRITE | VM_SHARED | VM_GROWSDOWN)) == VM_WRITE)
		WRITE_ONCE(vm->data_pages, vm->data_pages + (sign > 0 ? n : -n));
}

void vm_area_resize(struct vm_area *a, uaddr_t start, uaddr_t end, uint64_t pgoff)
{
	struct vm_area *next;

	vm_area_account(a->vm, a, -1);
	mapping_areas_lock(a->mapping);
	a->start = start;
	a->end = end;
	a->pgoff = pgoff;
	gap_update(a);
	next = vm_next(a);
	if (next)
		gap_update(next);
	mapping_areas_unlock(a->mapping);
	vm_area_account(a->vm, a, 1);
}

uint32_t vm_areas_max = 65530;

int vm_area_split(struct vm_area *a, uaddr_t addr)
{
	struct vm_area *n;

	if (a->vm->area_count >= READ_ONCE(vm_areas_max))
		return -ENOMEM;
	n = vm_area_dup(a);
	if (!n)
		return -ENOMEM;
	n->start = addr;
	n->pgoff = a->pgoff + ((addr - a->start) >> PAGE_SHIFT);
	/* Truncation must at no time miss a part: list the new one, then cut the old. */
	mapping_areas_lock(a->mapping);
	vm_area_account(a->vm, a, -1);
	a->end = addr;
	vm_area_account(a->vm, a, 1);
	if (n->mapping)
		list_add(&n->mapping_link, &n->mapping->areas);
	tree_insert(n->vm, n);
	vm_area_account(n->vm, n, 1);
	mapping_areas_unlock(a->mapping);
	writable_begin(n);
	return 0;
}

static bool can_merge(const struct vm_area *lo, const struct vm_area *hi)
{
	return lo->end == hi->start && lo->flags == hi->flags && lo->file == hi->file && lo->mapping == hi->mapping &&
		!tells_mapped(lo->file) && !lo->special && !hi->special && !(lo->flags & (VM_SPECIAL | VM_GROWSDOWN | VM_DEVICE)) &&
		((!lo->mapping && !lo->file) || lo->pgoff + ((lo->end - lo->start) >> PAGE_SHIFT) == hi->pgoff);
}

struct vm_area *vm_area_merge(struct vm_area *a, struct list_head *dead)
{
	struct vm_area *p = vm_prev(a), *n = vm_next(a);

	if (n && can_merge(a, n)) {
		uaddr_t end = n->end;

		vm_area_remove(a->vm, n);
		list_add(&n->mapping_link, dead);
		vm_area_resize(a, a->start, end, a->pgoff);
	}
	if (p && can_merge(p, a)) {
		uaddr_t end = a->end;

		vm_area_remove(a->vm, a);
		list_add(&a->mapping_link, dead);
		vm_area_resize(p, p->start, end, p->pgoff);
		a = p;
	}
	return a;
}

int vm_isolate(struct vm_space *vm, uaddr_t start, uaddr_t end)
{
	struct vm_area *a = vm_find(vm, start);
	int err;

	if (a && a->start < start) {
		err = vm_area_split(a, start);
		if (err)
			return err;
	}
	a = vm_find(vm, end - 1);
	if (a && a->start < end && a->end > end)
		return vm_area_split(a, end);
	return 0;
}

/* A gap's usable part inside [low, high), if it is long enough. */
static uaddr_t gap_fit(uaddr_t start, uaddr_t end, uint64_t len, uaddr_t low, uaddr_t high, bool topdown)
{
	start = MAX(start, low);
	end = MIN(end, high);
	if (end <= start || end - start < len)
		return 0;
	return topdown ? end - len : start;
}

static uaddr_t gap_search(struct rb_node *n, uint64_t len, uaddr_t low, uaddr_t high, bool topdown)
{
	struct vm_area *a = n ? node_area(n) : NULL;
	uaddr_t top, got = 0;

	if (!a || a->max_gap < len)
		return 0;
	top = area_low(a);
	for (unsigned step = 0; step < 3 && !got; step++) {
		switch (topdown ? step : 2 - step) {
		case 0:
			if (a->end < high)
				got = gap_search(n->right, len, low, high, topdown);
			break;
		case 1:
			got = gap_fit(top - a->gap, top, len, low, high, topdown);
			break;
		default:
			if (a->start > low)
				got = gap_search(n->left, len, low, high, topdown);
		}
	}
	return got;
}

uaddr_t vm_find_gap(struct vm_space *vm, uint64_t len, uaddr_t low, uaddr_t high, bool topdown)
{
	struct rb_node *last = rb_last(&vm->areas);
	uaddr_t end = last ? node_area(last)->end : 0, got;

	low = MAX(low, PAGE_SIZE);	/* 0 means "none" */
	if (high <= low || high - low < len)
		return 0;
	if (topdown) {
		got = gap_fit(end, high, len, low, high, true);
		return got ? got : gap_search(vm->areas.node, len, low, high, true);
	}
	got = gap_search(vm->areas.node, len, low, high, false);
	return got ? got : gap_fit(end, high, len, low, high, false);
}
