/* SPDX-License-Identifier: MIT */
/*
 * Block devices: requests on pages, asynchronous; a request queue per device;
 * metadata buffers on top of the device's own page cache.
 */
#ifndef KERNEL_BLOCK_H
#define KERNEL_BLOCK_H
#include <kernel/lock.h>
#include <kernel/pagecache.h>
#include <kernel/vfs.h>
#include <kernel/wait.h>

struct blkdev;
enum blk_op { BLK_READ, BLK_WRITE, BLK_FLUSH, BLK_DISCARD };
enum { BLK_SECTOR = 512, BLK_MAX_SEGS = 64 };
struct blk_seg { struct page *page; unsigned offset, len; };
struct blk_request {
	struct list_head link;		/* the queue's, then the driver's */
	enum blk_op op;
	uint64_t sector;		/* 512-byte sectors */
	unsigned nsegs;
	struct blk_seg seg[BLK_MAX_SEGS];
	void (*done)(struct blk_request *r);	/* interrupt context or work; r->error is set */
	void *private;
	int error;
	struct blkdev *dev;
	void *driver;			/* the driver's */
	struct list_head merged;	/* requests whose segments were appended to this one's; or our place on such a list */
	unsigned own_nsegs;		/* segments before merging */
};
struct blkdev_ops {
	/* Start it, or return -EBUSY (ring full): it is offered again after blk_queue_run().  [BLOCK_QUEUE] held. */
	int (*submit)(struct blkdev *d, struct blk_request *r);
	void (*kick)(struct blkdev *d);	/* after a batch of submits: notify the device */
};
struct blkdev {
	char name[16];			/* "vda" */
	char serial[21];		/* what the device calls itself; empty: nothing, or not yet */
	kdev_t dev;
	uint64_t sectors;
	unsigned block_size;		/* logical, 512 .. 4096 */
	bool read_only;
	const struct blkdev_ops *ops;
	void *driver;
	struct spinlock lock;		/* [BLOCK_QUEUE] */
	struct list_head queue;		/* [lock] waiting requests, sorted and merged */
	unsigned inflight;		/* [lock] */
	uint64_t position;		/* [lock] behind the last request started: the elevator's place */
	bool running;			/* [lock] somebody hands requests to the driver */
	bool gone;			/* [lock] unregistered: every request fails */
	bool write_cache;		/* has a volatile cache: BLK_FLUSH means something */
	struct inode *inode;		/* owner of the device's page cache */
	struct list_head link;
	uint64_t reads, writes, read_sectors, write_sectors;
	int32_t openers; bool claimed;	/* mounted: exclusive */
};
int blkdev_register(struct blkdev *d);			/* name, dev, sectors, ops set; makes /dev/NAME */
void blkdev_unregister(struct blkdev *d);
struct blkdev *blkdev_find(const char *path_or_name);	/* "/dev/vda" or "vda"; NULL */
struct blkdev *blkdev_find_dev(kdev_t dev);
bool blkdev_info(unsigned index, struct blkdev **out);	/* index 0, 1, ...; false past the last (/proc/partitions, diskstats) */
struct blk_request *blk_request_alloc(struct blkdev *d, enum blk_op op, unsigned alloc_flags);
void blk_request_free(struct blk_request *r);
void blk_submit(struct blk_request *r);			/* done() will be called, also for errors (-EIO beyond the end, read-only) */
void blk_submit_batch(struct blk_request *r);		/* a chain linked by private, which is cleared */
int blk_submit_wait(struct blk_request *r);		/* and wait; returns the error; frees r */
void blk_complete(struct blk_request *r, int error);	/* by the driver */
void blk_queue_run(struct blkdev *d);			/* by the driver: there is room again */
int blkdev_flush(struct blkdev *d);			/* device cache to stable storage */

/*
 * I/O between pages of a page cache and a device, in as few requests as
 * possible.  page_io_begin() each page, page_io_add() its pieces, page_io_end()
 * it; page_io_finish() sends what is left.  When the last piece of a page is
 * done a read sets PG_UPTODATE or PG_ERROR and unlocks, a write ends write-back.
 */
struct page_io {
	struct blkdev *dev;
	enum blk_op op;
	struct blk_request *r;		/* being gathered */
	struct blk_request *batch;	/* gathered, not yet sent: linked by private */
	unsigned pieces;		/* of the page that was begun */
};
void page_io_init(struct page_io *io, struct blkdev *d, enum blk_op op);
void page_io_begin(struct page_io *io, struct page *p);
void page_io_add(struct page_io *io, struct page *p, unsigned offset, unsigned len, uint64_t sector);
void page_io_fail(struct page *p);			/* this page's I/O is to report an error */
void page_io_end(struct page_io *io, struct page *p);	/* all of its pieces were added */
void page_io_finish(struct page_io *io);
/* The device's own page cache: bits 0-7 of page->priv are the 512-byte sectors that are dirty. */
extern const struct mapping_ops blkdev_mapping_ops;
extern const struct file_ops blkdev_file_ops;		/* of S_IFBLK inodes; finds the device by inode->rdev */

/* Metadata: a view of `size` bytes (a power of two <= PAGE_SIZE) of the device's page cache. */
struct buffer { struct page *page; void *data; uint64_t block; unsigned size; struct blkdev *dev; };
int buffer_read(struct blkdev *d, uint64_t block, unsigned size, struct buffer *out) MUST_CHECK;	/* -EIO, -ENOMEM */
int buffer_get_zeroed(struct blkdev *d, uint64_t block, unsigned size, struct buffer *out) MUST_CHECK;	/* new block, no read */
void buffer_dirty(struct buffer *b);
int buffer_write_sync(struct buffer *b) MUST_CHECK;
void buffer_put(struct buffer *b);
/* The block is no longer metadata: what is dirty of it will not be written (any more: waits for a write under way). */
void buffer_forget(struct blkdev *d, uint64_t block, unsigned size);
/* Start reading blocks that will be wanted soon. */
void buffer_read_ahead(struct blkdev *d, uint64_t block, unsigned size);
int buffer_sync_all(struct blkdev *d) MUST_CHECK;	/* write all dirty metadata, wait, flush */
void block_init(void);
#endif
