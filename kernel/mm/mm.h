/* SPDX-License-Identifier: MIT */
/* What the files of mm/ share and nobody else needs. */
#ifndef MM_MM_H
#define MM_MM_H
#include <kernel/counter.h>
#include <kernel/page.h>
#include <kernel/vm.h>

/* ---- page allocator: page.c, buddy.c ---- */

/* One range of RAM.  Page structs are initialised in chunks as memory is first needed: a big machine boots fast. */
struct page_zone {
	paddr_t base;			/* [I] */
	uint64_t npages;		/* [I] */
	struct page *pages;		/* [I] array at the start of the range */
	uint64_t ready;			/* [BUDDY] pages[0 .. ready) are initialised */
};
extern struct page_zone page_zones[];
extern unsigned page_zone_count;

void buddy_init(void);
uint64_t buddy_free_pages(void);
uint64_t buddy_total_pages(void);
/* Below this many free pages reclaim starts in the background; below the second one callers reclaim themselves. */
uint64_t buddy_low_mark(void);
uint64_t buddy_min_mark(void);
void buddy_drain_cpus(void);	/* per-CPU caches back to the buddy lists */

/* Allocation-failure injection: true if this allocation of current has to fail. */
bool alloc_should_fail(void);

/* ---- reclaim.c, oom.c ---- */
/* Free about n pages; returns how many were.  May sleep. */
unsigned reclaim_pages(unsigned n, unsigned alloc_flags);
void reclaim_wake(void);
void reclaim_init(void);
void lru_add(struct page *p);
void lru_remove(struct page *p);

/* A page of user data: tries harder than page_alloc(): reclaims, then kills a program.  NULL: current has to die, or nobody is left. */
struct page *page_alloc_user(unsigned flags);
/* Kill the biggest program and give it time.  False: current is (or should be) the victim, or there is none. */
bool oom_kill(void);

/* ---- uaccess.c ---- */
/* After vm->generation was bumped: no user copy uses an older translation when this returns. */
void uaccess_quiesce(void);
/*
 * A section: preemption is off, and uaccess_quiesce() on another CPU waits until it is left.  So a page of the
 * page cache that was found in one (mapping_peek_run()) stays one until then, without a reference.  Nothing
 * that sleeps, no lock, 32 pages of copying at most.
 */
uint64_t *uaccess_enter(void);
void uaccess_leave(uint64_t *section);
/* In a section: to and from user memory as far as that is at hand.  Bytes. */
size_t uaccess_copy_out(uaddr_t dst, const void *src, size_t n);
size_t uaccess_copy_in(void *dst, uaddr_t src, size_t n);
/* Outside: get it at hand, for n bytes from addr.  False: a fault is needed, or it cannot be had. */
bool uaccess_prepare(uaddr_t addr, size_t n, bool write);

/* ---- pagecache ---- */
struct mapping;
struct file;
/* Unmap [first, last] pages of the mapping from every address space; cows: private copies as well. */
void mapping_unmap_range(struct mapping *m, uint64_t first, uint64_t last, bool cows);
/* Write-protect a page everywhere; returns whether it was writable anywhere. */
bool mapping_write_protect(struct mapping *m, struct page *p);
/* Take a clean, unused, locked page out of its mapping.  True: done; the cache's reference is dropped. */
bool mapping_evict(struct page *p, bool truncated);
/* Unmap from every address space without waiting for locks.  True: mapcount is 0. */
bool page_try_unmap(struct page *p);
void page_wait_init(void);
void writeback_init(void);
void writeback_forget(struct mapping *m);	/* off the list of dirty mappings */
/* A writer has made pages dirty: starts write-back, waits for it when there is too much. */
void writeback_throttle(struct mapping *m);
/* current has written bytes [from, to), from being what this said the last time: begins with them if he is likely to ask for it. */
uint64_t writeback_soon(struct mapping *m, uint64_t from, uint64_t to);
void writeback_kick(void);		/* the flusher shall start now */
/* Read ahead of a read of `want` pages at index, or of a fault (want 0; text: on an instruction). */
void readahead(struct mapping *m, struct file *f, uint64_t index, unsigned want, bool text);
/*
 * Pages from index on that have all of `flags` and none of not_flags, without references: in a section (uaccess_enter()),
 * and only until its end.
 */
unsigned mapping_peek_run(struct mapping *m, uint64_t index, unsigned flags, unsigned not_flags, struct page **out, unsigned max);
int mapping_add_new(struct mapping *m, uint64_t index, struct page *p);
extern const struct mapping_ops shmem_anon_ops;
struct mapping *shmem_create(uint64_t pages);	/* shared anonymous memory, reference 1 */
void shmem_get(struct mapping *m);
void shmem_put(struct mapping *m);
#endif
