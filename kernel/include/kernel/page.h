/* SPDX-License-Identifier: MIT */
/*
 * Physical pages: one struct page each, and the allocator that hands them out
 * (buddy system, per-CPU caches for single pages).
 */
#ifndef KERNEL_PAGE_H
#define KERNEL_PAGE_H
#include <hal/mem.h>
#include <kernel/compiler.h>
#include <kernel/list.h>

struct mapping;		/* <kernel/pagecache.h> */

enum page_flags {
	PG_LOCKED	= 1u << 0,	/* I/O or truncation in progress: page_lock() */
	PG_UPTODATE	= 1u << 1,	/* contents are the file's */
	PG_DIRTY	= 1u << 2,	/* newer than the disk */
	PG_WRITEBACK	= 1u << 3,	/* being written */
	PG_REFERENCED	= 1u << 4,	/* second chance for reclaim */
	PG_LRU		= 1u << 5,	/* on the reclaim list */
	PG_ERROR	= 1u << 6,	/* the last read or write failed */
	PG_BUDDY	= 1u << 7,	/* free, head of a buddy block */
	PG_SLAB		= 1u << 8,
	PG_ANON		= 1u << 9,	/* anonymous user memory */
	PG_RESERVED	= 1u << 10,	/* never handed out */
	PG_KMALLOC	= 1u << 11,	/* head of a large kmalloc() block */
	PG_TABLE	= 1u << 12,	/* a node of vm_space.pages */
	PG_READAHEAD	= 1u << 13,	/* reached: read the next window */
	PG_WAITERS	= 1u << 14,	/* somebody may sleep in page_lock() or page_wait_*() */
	PG_BACKED	= 1u << 15,	/* all of it has its place on the disk: a write need not ask the file system (pagecache_write) */
};

struct page {
	uint32_t flags;		/* [a] enum page_flags */
	uint8_t order;		/* of a buddy or slab block */
	uint8_t zone;		/* [I] which range of RAM */
	uint16_t inuse;		/* slab: objects handed out [SLAB]; table: entries in use [PAGE_TABLE] */
	union {
		struct {
			int32_t refs;		/* [a] references; 0: free */
			int32_t mapcount;	/* [a] user mappings */
		};
		uint64_t refs_mapcount;		/* [a] both at once: page_map_get() */
	};
	struct list_head link;	/* buddy list, per-CPU cache, LRU: by state */
	struct mapping *mapping;	/* page cache: the file [PG_LOCKED] */
	uint64_t index;		/* page cache: offset in pages */
	void *priv;		/* slab: its cache; file system: its own */
	void *free_list;	/* slab: first free object [SLAB] */
};
_Static_assert(sizeof(struct page) == 64, "one cache line");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "refs are the lower half");

enum { PAGE_ORDER_MAX = 10 };
enum alloc_flags {
	ALLOC_ZERO	= 1,	/* cleared */
	ALLOC_ATOMIC	= 2,	/* may not sleep or reclaim; may use the reserve */
	ALLOC_NOFS	= 4,	/* may sleep, must not enter a file system */
	ALLOC_NOWAIT	= 8,	/* only what is free right now, the reserve not included: for what would be nice to have */
};

/*
 * 2^order contiguous pages, reference count 1.  NULL: no memory (after reclaim,
 * unless ALLOC_ATOMIC).  May sleep without ALLOC_ATOMIC; with it any context.
 */
struct page *page_alloc(unsigned order, unsigned flags);
/* Make 2^order pages of their own out of a block with one reference: each has one, of order 0. */
void page_split(struct page *p);
/* Drop a reference; the last one frees the block.  Any context. */
void page_put(struct page *p);
/* A reference and a user mapping, which come and go together, in one change of the struct, which other CPUs have, too.  True: the first, the last mapping. */
enum { PAGE_MAPCOUNT_SHIFT = 32 };
static inline bool page_map_get(struct page *p)
{
	return !(__atomic_fetch_add(&p->refs_mapcount, (UINT64_C(1) << PAGE_MAPCOUNT_SHIFT) + 1, __ATOMIC_RELAXED) >> PAGE_MAPCOUNT_SHIFT);
}
bool page_map_put(struct page *p);	/* as page_put() */
static inline void page_get(struct page *p) { __atomic_add_fetch(&p->refs, 1, __ATOMIC_RELAXED); }

struct page *phys_to_page(paddr_t pa);	/* NULL: not RAM of ours */
paddr_t page_to_phys(const struct page *p);
static inline void *page_addr(const struct page *p) { return hal_phys_to_virt(page_to_phys(p)); }
static inline struct page *virt_to_page(const void *va) { return phys_to_page(hal_virt_to_phys(va)); }

/* Flag bits are changed by more than one party. */
static inline bool page_flag(const struct page *p, uint32_t f) { return (__atomic_load_n(&p->flags, __ATOMIC_ACQUIRE) & f) != 0; }
static inline void page_set_flag(struct page *p, uint32_t f) { __atomic_or_fetch(&p->flags, f, __ATOMIC_ACQ_REL); }
static inline void page_clear_flag(struct page *p, uint32_t f) { __atomic_and_fetch(&p->flags, ~f, __ATOMIC_ACQ_REL); }
/* What it was before. */
static inline bool page_test_set_flag(struct page *p, uint32_t f) { return (__atomic_fetch_or(&p->flags, f, __ATOMIC_ACQ_REL) & f) != 0; }
static inline bool page_test_clear_flag(struct page *p, uint32_t f) { return (__atomic_fetch_and(&p->flags, ~f, __ATOMIC_ACQ_REL) & f) != 0; }
/* At once: flags that are set to clear, flags that are clear to set.  Nobody else changes them meanwhile. */
static inline void page_swap_flags(struct page *p, uint32_t clear, uint32_t set)
{
	__atomic_fetch_xor(&p->flags, clear | set, __ATOMIC_ACQ_REL);
}

/* For /proc/meminfo, sysinfo(2). */
struct mem_info {
	uint64_t total_pages, free_pages, cache_pages, dirty_pages, anon_pages, slab_pages;
	uint64_t shmem_pages, mapped_pages, table_pages, writeback_pages, available_pages;
};
void mem_info_get(struct mem_info *out);

/* From hal_boot_info()'s ranges; the first thing kernel_main() does. */
void page_init(void);
#endif
