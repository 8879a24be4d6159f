/* SPDX-License-Identifier: MIT */
/* The block layer over a disk in memory: requests, errors, a full ring, metadata buffers; the page cache's own operations. */
#include <kernel/block.h>
#include <kernel/errno.h>
#include <kernel/pagecache.h>
#include <kernel/string.h>
#include "ktest.h"

enum { SECTORS = 512 };
static struct disk {
	struct blkdev dev;
	uint8_t data[SECTORS * BLK_SECTOR];
	struct work work;
	struct spinlock lock;
	struct list_head pending;	/* [lock] */
	unsigned held, flushes, submitted, refuse;
	int fail;
} disk;
static bool disk_there;

static int disk_do(struct blk_request *r)
{
	uint8_t *at = disk.data + r->sector * BLK_SECTOR;

	if (r->op == BLK_FLUSH) {
		disk.flushes++;
		return 0;
	}
	for (unsigned i = 0; i < r->nsegs; at += r->seg[i++].len) {
		uint8_t *mem = (uint8_t *)page_addr(r->seg[i].page) + r->seg[i].offset;

		if (r->op == BLK_READ)
			memcpy(mem, at, r->seg[i].len);
		else if (r->op == BLK_WRITE)
			memcpy(at, mem, r->seg[i].len);
	}
	return disk.fail;
}

static void disk_work(struct work *w)
{
	for (;;) {
		unsigned long flags = spin_lock_irqsave(&disk.lock);
		struct blk_request *r = NULL;

		if (!list_empty(&disk.pending)) {
			r = list_first(&disk.pending, struct blk_request, link);
			list_del(&r->link);
			disk.held--;
		}
		spin_unlock_irqrestore(&disk.lock, flags);
		if (!r)
			break;
		blk_complete(r, disk_do(r));
	}
	blk_queue_run(&disk.dev);
}

static int disk_submit(struct blkdev *d, struct blk_request *r)
{
	unsigned long flags = spin_lock_irqsave(&disk.lock);
	bool full = disk.held >= 4;

	disk.submitted++;
	if (!full) {
		disk.held++;
		list_add_tail(&r->link, &disk.pending);
	} else {
		disk.refuse++;
	}
	spin_unlock_irqrestore(&disk.lock, flags);
	return full ? -EBUSY : 0;
}
static void disk_kick(struct blkdev *d) { work_queue(&disk.work); }
static const struct blkdev_ops disk_ops = { .submit = disk_submit, .kick = disk_kick };

static bool have_disk(struct ktest_state *t)
{
	if (!disk_there) {
		spin_init(&disk.lock, LOCK_DRIVER);
		list_init(&disk.pending);
		work_init(&disk.work, disk_work);
		strlcpy(disk.dev.name, "ktd", sizeof(disk.dev.name));
		disk.dev.dev = KDEV(249, 0);
		disk.dev.sectors = SECTORS;
		disk.dev.block_size = 512;
		disk.dev.ops = &disk_ops;
		disk.dev.write_cache = true;
		disk_there = blkdev_register(&disk.dev) == 0;
	}
	disk.fail = 0;
	disk.dev.read_only = false;
	return KCHECK(disk_there && blkdev_find("ktd") == &disk.dev && blkdev_find_dev(KDEV(249, 0)) == &disk.dev);
}

static int io(enum blk_op op, uint64_t sector, struct page *p, unsigned len)
{
	struct blk_request *r = blk_request_alloc(&disk.dev, op, 0);

	if (!r)
		return -ENOMEM;
	r->sector = sector;
	if (p) {
		r->nsegs = 1;
		r->seg[0] = (struct blk_seg){ p, 0, len };
	}
	return blk_submit_wait(r);
}

KTEST(what_is_written_is_read)
{
	struct page *p = page_alloc(0, ALLOC_ZERO), *q = page_alloc(0, ALLOC_ZERO);

	if (!have_disk(t) || !KCHECK(p && q))
		return;
	for (unsigned i = 0; i < PAGE_SIZE; i++)
		((uint8_t *)page_addr(p))[i] = (uint8_t)(i * 5);
	KCHECK(io(BLK_WRITE, 8, p, PAGE_SIZE) == 0 && io(BLK_READ, 8, q, PAGE_SIZE) == 0);
	KCHECK(!memcmp(page_addr(p), page_addr(q), PAGE_SIZE));
	KCHECK(io(BLK_READ, 15, q, 512) == 0 && !memcmp(page_addr(q), (char *)page_addr(p) + 7 * 512, 512));
	page_put(p);
	page_put(q);
}

KTEST(bad_requests_fail)
{
	struct page *p = page_alloc(0, ALLOC_ZERO);

	if (!have_disk(t) || !KCHECK(p))
		return;
	KCHECK(io(BLK_READ, SECTORS, p, 512) == -EIO && io(BLK_READ, SECTORS - 1, p, 1024) == -EIO);
	KCHECK(io(BLK_READ, UINT64_MAX - 1, p, 1024) == -EIO);
	disk.dev.read_only = true;
	KCHECK(io(BLK_WRITE, 0, p, 512) != 0 && io(BLK_READ, 0, p, 512) == 0);
	disk.dev.read_only = false;
	disk.fail = -EIO;
	KCHECK(io(BLK_READ, 0, p, 512) == -EIO);
	disk.fail = 0;
	KCHECK(io(BLK_READ, 0, p, 512) == 0);
	page_put(p);
}

static unsigned done_count;
static void one_done(struct blk_request *r)
{
	page_put(r->seg[0].page);
	blk_request_free(r);
	__atomic_add_fetch(&done_count, 1, __ATOMIC_RELEASE);
}

KTEST(a_full_ring_is_tried_again)
{
	enum { N = 200 };

	if (!have_disk(t))
		return;
	done_count = 0;
	for (unsigned i = 0; i < N; i++) {
		struct blk_request *r = blk_request_alloc(&disk.dev, BLK_WRITE, 0);
		struct page *p = page_alloc(0, ALLOC_ZERO);

		if (!KCHECK(r && p))
			return;
		*(uint32_t *)page_addr(p) = i;
		r->sector = (i * 37 % N) * 2;	/* scattered: few can be merged */
		r->nsegs = 1;
		r->seg[0] = (struct blk_seg){ p, 0, 512 };
		r->done = one_done;
		blk_submit(r);
	}
	KEVENTUALLY(__atomic_load_n(&done_count, __ATOMIC_ACQUIRE) == N);
	for (unsigned i = 0; i < N; i++)
		if (*(uint32_t *)(disk.data + (i * 37 % N) * 2 * BLK_SECTOR) != i)
			KCHECK(!"a write went elsewhere");
	KCHECK(disk.dev.inflight == 0);
}

KTEST(flush_reaches_the_device)
{
	unsigned before = disk.flushes;

	if (!have_disk(t))
		return;
	KCHECK(blkdev_flush(&disk.dev) == 0 && disk.flushes == before + 1);
}

KTEST(buffers)
{
	struct buffer a, b;

	if (!have_disk(t))
		return;
	if (!KCHECK(buffer_read(&disk.dev, 40, 1024, &a) == 0))
		return;
	KCHECK(buffer_read(&disk.dev, 40, 1024, &b) == 0 && a.data == b.data);	/* one page, seen twice */
	memset(a.data, 0x5a, 1024);
	buffer_dirty(&a);
	buffer_put(&b);
	KCHECK(buffer_sync_all(&disk.dev) == 0);
	KCHECK(disk.data[40 * 1024] == 0x5a && disk.data[40 * 1024 + 1023] == 0x5a);
	buffer_put(&a);
	KCHECK(buffer_get_zeroed(&disk.dev, 41, 1024, &a) == 0 && !((uint8_t *)a.data)[0] && !((uint8_t *)a.data)[1023]);
	buffer_put(&a);
	KCHECK(buffer_read(&disk.dev, SECTORS, 1024, &a) != 0);	/* behind the end */
}

KTEST(buffers_report_errors)
{
	struct buffer a;

	if (!have_disk(t))
		return;
	disk.fail = -EIO;
	KCHECK(buffer_read(&disk.dev, 100, 1024, &a) == -EIO);
	disk.fail = 0;
	KCHECK(buffer_read(&disk.dev, 100, 1024, &a) == 0);	/* tried again */
	buffer_put(&a);
}

/* ---- the page cache ---- */

static const struct mapping_ops memory_ops = { .memory_only = true };

KTEST(cache_makes_and_finds)
{
	struct mapping m;
	struct page *p, *q;

	mapping_init(&m, &memory_ops, NULL);
	KCHECK(!mapping_find(&m, 7));
	if (!KCHECK(mapping_get_locked(&m, 7, &p) == 0))
		return;
	KCHECK(p->index == 7 && !page_trylock(p) && m.page_count == 1);
	page_unlock(p);
	q = mapping_find(&m, 7);
	KCHECK(q == p);
	page_put(q);
	page_put(p);
	KCHECK(mapping_read(&m, 1ull << 40, &p) == 0 && !((uint8_t *)page_addr(p))[100]);	/* a hole reads as zeroes */
	page_put(p);
	mapping_destroy(&m);
	KCHECK(m.page_count == 0);
}

KTEST(cache_truncates)
{
	struct mapping m;
	struct page *p;

	mapping_init(&m, &memory_ops, NULL);
	for (unsigned i = 0; i < 10; i++)
		if (KCHECK(mapping_read(&m, i, &p) == 0)) {
			memset(page_addr(p), 0xee, PAGE_SIZE);
			page_put(p);
		}
	mapping_truncate(&m, 3 * PAGE_SIZE + 100);
	KCHECK(m.page_count == 4 && !mapping_find(&m, 4));
	p = mapping_find(&m, 3);
	if (KCHECK(p)) {
		KCHECK(((uint8_t *)page_addr(p))[99] == 0xee && !((uint8_t *)page_addr(p))[100] && !((uint8_t *)page_addr(p))[PAGE_SIZE - 1]);
		page_put(p);
	}
	mapping_punch(&m, PAGE_SIZE / 2, 2 * PAGE_SIZE);
	p = mapping_find(&m, 0);
	KCHECK(m.page_count == 3 && p && ((uint8_t *)page_addr(p))[PAGE_SIZE / 2 - 1] == 0xee && !((uint8_t *)page_addr(p))[PAGE_SIZE / 2]);
	if (p)
		page_put(p);
	mapping_destroy(&m);
}

struct racer { struct mapping *m; struct page *got[64]; unsigned done; };
static void race_pages(void *arg)
{
	struct racer *r = arg;

	for (unsigned i = 0; i < 64; i++)
		if (mapping_read(r->m, i, &r->got[i]))
			r->got[i] = NULL;
	__atomic_store_n(&r->done, 1, __ATOMIC_RELEASE);
}

KTEST(cache_has_one_page_for_all)
{
	static struct racer r[4];
	struct mapping m;

	mapping_init(&m, &memory_ops, NULL);
	for (unsigned i = 0; i < 4; i++) {
		r[i] = (struct racer){ .m = &m };
		KCHECK(kthread_create(race_pages, &r[i], "racer%u", i) != NULL);
	}
	for (unsigned i = 0; i < 4; i++)
		KEVENTUALLY(__atomic_load_n(&r[i].done, __ATOMIC_ACQUIRE));
	for (unsigned i = 0; i < 64; i++)
		for (unsigned k = 0; k < 4; k++) {
			KCHECK(r[k].got[i] && r[k].got[i] == r[0].got[i]);
			if (r[k].got[i])
				page_put(r[k].got[i]);
		}
	KCHECK(m.page_count == 64);
	mapping_destroy(&m);
}

const struct ktest block_tests[] = {
	KTEST_ROW(what_is_written_is_read), KTEST_ROW(bad_requests_fail), KTEST_ROW(a_full_ring_is_tried_again), KTEST_ROW(flush_reaches_the_device),
	KTEST_ROW(buffers), KTEST_ROW(buffers_report_errors), KTEST_ROW(cache_makes_and_finds), KTEST_ROW(cache_truncates),
	KTEST_ROW(cache_has_one_page_for_all), { NULL, NULL }
};
