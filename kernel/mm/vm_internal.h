/* SPDX-License-Identifier: MIT */
/*
 * Inside address spaces: which page is at which address.
 *
 * vm->pages is a four-level table like a CPU's, but the kernel's own: its
 * entries are the truth that hal_as_map() is told.  An entry is a struct page
 * pointer (64-byte aligned) with VPE_* bits, or a physical address for device
 * memory.  All of it is guarded by one spinlock, [PAGE_TABLE], under which the
 * hal_as_map/unmap/protect calls are made too, so that they are serialized and
 * agree with the entries.
 *
 * An entry holds a reference on its page and counts in page.mapcount, except
 * for the zero page.
 */
#ifndef MM_VM_INTERNAL_H
#define MM_VM_INTERNAL_H
#include <kernel/lock.h>
#include <kernel/page.h>
#include <kernel/vm.h>

enum {
	VPE_W = 1,		/* may be written: not shared copy-on-write, and dirty if it is a file's */
	VPE_R = 2,		/* may be read; absent under PROT_NONE */
	VPE_DEV = 4,		/* device memory */
	VPE_FILE = 8,		/* counted in rss_file */
	VPE_SHMEM = 16,		/* counted in rss_shmem */
	VPE_FLAGS = 63,
};
typedef uint64_t vpe_t;
struct vm_pages {
	struct spinlock lock;	/* [PAGE_TABLE] */
	vpe_t *root;
};

static inline struct page *vpe_page(vpe_t e) { return (struct page *)(uintptr_t)(e & ~(vpe_t)VPE_FLAGS); }
static inline vpe_t vpe_make(const struct page *p, unsigned bits) { return (vpe_t)(uintptr_t)p | bits; }
/* Mapped here only, so that it may be written to: who copied it for himself before has read all of it. */
static inline bool page_sole(const struct page *p) { return page_flag(p, PG_ANON) && load_acquire(&p->mapcount) == 1; }
static inline paddr_t vpe_phys(vpe_t e) { return e & VPE_DEV ? e & PAGE_MASK : page_to_phys(vpe_page(e)); }

/* fork_pages.c; with vm->lock for writing, vm the parent */
void fork_pages_begin(struct vm_space *vm, const struct vm_space *child, unsigned n);	/* n pages will be copied; 0: what it has is given back */
struct page *fork_pages_take(struct vm_space *vm, uaddr_t addr);	/* for the child's copy of addr, its reference; NULL: no memory */
void fork_pages_drop(struct vm_space *vm);

/* fork_text.c; with both vm->lock for writing: the areas are there */
void fork_text(struct vm_space *vm, struct vm_space *child);

struct vm_pages *vm_pages_create(void);
void vm_pages_destroy(struct vm_space *vm);	/* puts every page; nothing runs in it any more */
/* Make the tables for addr exist.  0 or -ENOMEM.  Not with the lock held. */
int vpe_prepare(struct vm_space *vm, uaddr_t addr);
/* The slot of addr; NULL: no table there. */
vpe_t *vpe_find(struct vm_space *vm, uaddr_t addr);	/* pages->lock held */
/* The first used slot in [*addr, end), and its address; NULL: none. */
vpe_t *vpe_next(struct vm_space *vm, uaddr_t *addr, uaddr_t end);	/* pages->lock held */
void vpe_set(vpe_t *slot, vpe_t v);		/* keeps the table's count */
/* Free tables of [start, end) that are empty. */
void vm_pages_prune(struct vm_space *vm, uaddr_t start, uaddr_t end);
/* Counters of a mapping that comes (1) or goes (-1); the reference is the caller's. */
void vpe_account(struct vm_space *vm, vpe_t e, int n);
/* The same for several that come at once, of one kind: for each of them, and for all n.  Not zero pages, nor devices. */
void vpe_page_mapped(vpe_t e);
void vpe_count(struct vm_space *vm, vpe_t e, int n);	/* of a page of a file only the kind is looked at */

/* What the machine is told of entries: neighbours in the address space and in memory, of the same rights, together.  Begins with `as` and `about`. */
struct vpe_run {
	struct hal_as *as;
	uaddr_t about;		/* err is of the run that this is in */
	int err;
	uaddr_t at; paddr_t pa; size_t n; unsigned prot;
};
void vpe_run_add(struct vpe_run *r, uaddr_t at, paddr_t pa, unsigned prot);	/* pages->lock held; in the order of addresses */
int vpe_run_end(struct vpe_run *r);						/* what hal_as_map() said */

/*
 * Pages of zeroes, mapped read-only where anonymous memory has only been read.
 * A block of them, taken by address, so that a run of addresses is a run of
 * physical memory and the machine needs one mapping for it.
 */
enum { VM_ZERO_ORDER = 4 };
extern struct page *vm_zero_pages;	/* [I] */
static inline bool vm_is_zero(const struct page *p) { return p >= vm_zero_pages && p < vm_zero_pages + (1 << VM_ZERO_ORDER); }
static inline struct page *vm_zero_for(uaddr_t addr)
{
	return vm_zero_pages + ((addr >> PAGE_SHIFT) & ((1 << VM_ZERO_ORDER) - 1));
}

/* ---- vm_zap.c: taking mappings away ---- */
/* What to take: everything, or only pages of a mapping's cache (truncation keeps private copies). */
enum zap_what { ZAP_ALL, ZAP_CACHE };
/*
 * Unmap [start, end).  whole: nothing can be mapped there meanwhile (no area, or
 * vm->lock held for writing), so that the machine is told once.  Flushes before pages are put.
 */
void vm_zap(struct vm_space *vm, uaddr_t start, uaddr_t end, enum zap_what what, bool whole);
/* Old translations are gone from the machine and from user copies when it returns. */
void vm_shootdown(struct vm_space *vm);
static inline void vm_bump(struct vm_space *vm)
{
	 __atomic_add_fetch(&vm->generation, 1, __ATOMIC_SEQ_CST);
}
/* Rights of an area's page for the machine. */
unsigned vm_hal_prot(const struct vm_area *a, vpe_t e);

/* ---- vm_area.c: the tree ---- */
enum { STACK_GUARD_PAGES = 256 };
struct vm_area *vm_area_alloc(struct vm_space *vm);	/* zeroed; NULL: no memory */
struct vm_area *vm_area_dup(const struct vm_area *a);	/* with references; not linked */
void vm_area_free(struct vm_area *a);			/* drops references: may sleep, not under vm->lock */
void vm_area_insert(struct vm_space *vm, struct vm_area *a) REQUIRES(vm->lock);
/* The same; a will get entries of `from` (of the same mapping; NULL: of none): who walks the mapping's areas comes to that one first. */
void vm_area_insert_behind(struct vm_space *vm, struct vm_area *a, struct vm_area *from) REQUIRES(vm->lock);
void vm_area_remove(struct vm_space *vm, struct vm_area *a);	/* vm->lock held for writing, too */
struct vm_area *vm_prev(struct vm_area *a);
/* Change the bounds of an area in the tree, with its mapping's list locked. */
void vm_area_resize(struct vm_area *a, uaddr_t start, uaddr_t end, uint64_t pgoff);
/* Cut a at addr; a keeps the lower part.  0 or -ENOMEM. */
int vm_area_split(struct vm_area *a, uaddr_t addr);
/* Join a with equal neighbours; freed areas go to `dead`.  Returns the area that covers it now. */
struct vm_area *vm_area_merge(struct vm_area *a, struct list_head *dead);
void vm_area_free_list(struct list_head *dead);		/* linked by mapping_link */
/* A free range of len bytes in [low, high), the highest one (or the lowest); 0: none. */
uaddr_t vm_find_gap(struct vm_space *vm, uint64_t len, uaddr_t low, uaddr_t high, bool topdown) REQUIRES(vm->lock);
void vm_area_account(struct vm_space *vm, const struct vm_area *a, int sign);
/* Split so that [start, end) is made of whole areas.  0 or -ENOMEM. */
int vm_isolate(struct vm_space *vm, uaddr_t start, uaddr_t end) REQUIRES(vm->lock);
/* Is there an area that mseal(2) has closed? */
bool vm_range_sealed(struct vm_space *vm, uaddr_t start, uaddr_t end) REQUIRES(vm->lock);

/* ---- vm_map.c ---- */
/* Unmap with the lock held; the areas go to `dead`. */
int vm_unmap_locked(struct vm_space *vm, uaddr_t start, uaddr_t end, struct list_head *dead) REQUIRES(vm->lock);
/* Room under RLIMIT_AS, RLIMIT_DATA and the overcommit rule for n more pages? */
bool vm_may_expand(struct vm_space *vm, unsigned flags, uint64_t n);
bool vm_may_lock(struct vm_space *vm, uint64_t n, bool *permitted);

struct vm_special { struct refcount refs; unsigned n; const char *name; struct page *pages[]; };
void vm_special_put(struct vm_special *s);

/* ---- fault.c ---- */
enum { FAULT_FORCE = 1 /* ptrace: may break the write protection of a private area */ };
int vm_fault_flags(struct vm_space *vm, uaddr_t addr, unsigned access, unsigned flags, int *si_code);
#endif
