/* SPDX-License-Identifier: MIT */
/*
 * The unified page cache: read, write, mmap and exec of a file share the pages
 * of its mapping.  A block device's pages hold file-system metadata.
 */
#ifndef KERNEL_PAGECACHE_H
#define KERNEL_PAGECACHE_H
#include <kernel/errseq.h>
#include <kernel/lock.h>
#include <kernel/page.h>
#include <kernel/radix.h>
#include <kernel/uio.h>

struct inode;
struct file;
struct mapping;
struct mapping_ops {
	/*
	 * Fill `n` locked pages with consecutive indices (starting at pages[0]->index); for each:
	 * set PG_UPTODATE or PG_ERROR and page_unlock() it, now or at completion.
	 * Returns 0 or -errno (pages then unlocked with PG_ERROR).
	 */
	int (*read_pages)(struct mapping *m, struct page **pages, unsigned n);
	/* Start writing locked dirty pages with consecutive indices (PG_WRITEBACK is set, PG_DIRTY cleared by the
	 * caller); page_unlock() each when submitted and page_end_writeback() at completion. */
	int (*write_pages)(struct mapping *m, struct page **pages, unsigned n);
	/* Before bytes [off, off + n) of the locked page are overwritten: allocate blocks, read what is kept.  0 or -ENOSPC... */
	int (*write_begin)(struct mapping *m, struct page *p, unsigned off, unsigned n);
	/* A shared mapping is about to be written: allocate blocks (the page is locked). */
	int (*page_mkwrite)(struct mapping *m, struct page *p);
	/* Of memory_only mappings with a limit: brings the count of pages up to date; -ENOSPC if `more` do not fit.  May be absent. */
	int (*account)(struct mapping *m, unsigned more);
	/* memory-backed (tmpfs): pages are the only copy; no write-back, not reclaimable. */
	bool memory_only;
};
struct mapping {
	struct spinlock lock;		/* [MAPPING] */
	struct radix_tree pages;	/* [lock] by index; readers under RCU */
	uint64_t page_count;		/* [lock] */
	const struct mapping_ops *ops;	/* [I] */
	struct inode *inode;		/* [I] NULL: shared anonymous memory */
	struct mutex areas_lock;	/* [MAPPING_AREAS] */
	struct list_head areas;		/* [areas_lock] vm_area.mapping_link */
	uint64_t dirty_pages;		/* [lock] */
	uint64_t writeback_pages;	/* [a] never less than how many are under way */
	errseq_t error;			/* [a] of write-back */
	uint64_t number;		/* [a] no other mapping ever has it; 0: nobody has asked, mapping_number() */
	uint64_t hot_windows;		/* [a] mm/fault_file.c: bit n: private read-only mappings had a fault in its nth window */
	int64_t writable_maps;		/* [a] shared writable areas, also those that are being made; -1: it is being sealed against them */
	struct list_head dirty_link;	/* writeback.c: on the list of mappings to write */
};
void mapping_init(struct mapping *m, const struct mapping_ops *ops, struct inode *inode);
/* What names it also when it is gone: never the number of another. */
uint64_t mapping_number(struct mapping *m);
/* Drop every page (inode is going away, nothing maps it). */
void mapping_destroy(struct mapping *m);

/* Page with a reference, NULL: not cached. */
struct page *mapping_find(struct mapping *m, uint64_t index);
/* Is there a page with contents?  One that is only allocated, or being read, has none. */
bool mapping_uptodate(struct mapping *m, uint64_t index);
/* The first page that is cached, with contents or not, at *index or behind it, with a reference; NULL: none. */
struct page *mapping_next(struct mapping *m, uint64_t *index);
/*
 * Pages at index, index + 1, ..., each with a reference: those that are cached and have all of `flags` and none of
 * `not_flags`, up to the first that does not.  How many; 0 says nothing about the page (it may be on its way in or out).
 */
unsigned mapping_find_run(struct mapping *m, uint64_t index, unsigned flags, unsigned not_flags, struct page **out, unsigned max);
/* Uptodate page with a reference, read if need be (with read-ahead hints).  -EIO, -ENOMEM, -EINTR.  May sleep. */
int mapping_read(struct mapping *m, uint64_t index, struct page **out);
/* The page, locked, with a reference, created if absent (then not uptodate). */
int mapping_get_locked(struct mapping *m, uint64_t index, struct page **out);
void page_lock(struct page *p);
bool page_trylock(struct page *p);
void page_unlock(struct page *p);		/* wakes who waits for it */
void page_wait_locked(struct page *p);
void page_end_writeback(struct page *p, int error);
void page_wait_writeback(struct page *p);
void page_mark_dirty(struct page *p);		/* any context but interrupts; accounts, queues the inode */
void pages_mark_dirty(struct page **p, unsigned n);	/* the same, of n pages of one mapping */

/* Cut to `size` bytes: zero the tail of the last page, unmap and drop what is behind (also from user address spaces). */
void mapping_truncate(struct mapping *m, uint64_t size);
/*
 * The file grew and ended at byte `old` before, in the middle of a page: who has that page mapped writable asks again before he
 * stores there (page_mkwrite), as its new part may have no blocks yet.  The new size is set.
 */
void mapping_grown(struct mapping *m, uint64_t old);
/* Drop what is in [start, end) bytes, zero the parts of pages at its edges (holes: FALLOC_FL_PUNCH_HOLE, MADV_REMOVE). */
void mapping_punch(struct mapping *m, uint64_t start, uint64_t end);
/*
 * Write dirty pages of [start, end) bytes and wait, also for what others have begun to write.  The error of any write-back of the
 * mapping that fails meanwhile; one from before is for file_errors().
 */
int mapping_sync(struct mapping *m, uint64_t start, uint64_t end);
/* current has asked for what he wrote (fsync): he may do so again. */
void writeback_asked(void);
int mapping_write_async(struct mapping *m, unsigned max_pages);	/* start write-back; pages started */
void mapping_invalidate(struct mapping *m, uint64_t start, uint64_t end);	/* drop clean unmapped pages */

/* read(2) and write(2) of a regular file through the cache.  Bytes or -errno.  write: the inode is locked by the caller. */
int64_t pagecache_read(struct file *f, struct uio *u, uint64_t pos);
int64_t pagecache_write(struct file *f, struct uio *u, uint64_t pos);
/* Has it pages that are newer than the disk, or on their way there? */
static inline bool mapping_unsynced(const struct mapping *m)
{
	/* Under way before it is not dirty any more. */
	return __atomic_load_n(&m->dirty_pages, __ATOMIC_ACQUIRE) || __atomic_load_n(&m->writeback_pages, __ATOMIC_ACQUIRE);
}
void pagecache_init(void);
#endif
