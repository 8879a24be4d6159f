/* SPDX-License-Identifier: MIT */
/* The page cache over a file system of one file: reads, writes, mappings, truncation, write-back, reclaim. */
#include <kernel/errno.h>
#include <kernel/file.h>
#include <kernel/pagecache.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/task.h>
#include <kernel/timer.h>
#include <kernel/uaccess.h>
#include <kernel/vm.h>
#include "mm/mm.h"
#include "mm/mman.h"
#include "mm/vm_internal.h"
#include "syscall/syscall_impl.h"
#include "unit.h"

enum { STORE_PAGES = 24 * 256 };
static uint8_t *store;			/* the "disk" */
static unsigned reads, writes, mkwrites;	/* pages */
static bool fail_reads, fail_writes, hold_writes;
static struct page *held;		/* [hold_writes] the last page of which the write-back has not ended */
static struct inode *inode;
static struct file *file;

static int store_read(struct mapping *m, struct page **pages, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		CHECK(page_flag(pages[i], PG_LOCKED));
		CHECK_EQ(pages[i]->index, pages[0]->index + i);
		reads++;
		if (fail_reads) {
			page_set_flag(pages[i], PG_ERROR);
		} else {
			memcpy(page_addr(pages[i]), store + pages[i]->index * PAGE_SIZE, PAGE_SIZE);
			page_set_flag(pages[i], PG_UPTODATE);
		}
		page_unlock(pages[i]);
	}
	return 0;
}

static int store_write(struct mapping *m, struct page **pages, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		CHECK(page_flag(pages[i], PG_LOCKED) && page_flag(pages[i], PG_WRITEBACK) && !page_flag(pages[i], PG_DIRTY));
		CHECK_EQ(pages[i]->index, pages[0]->index + i);
		writes++;
		if (!fail_writes)
			memcpy(store + pages[i]->index * PAGE_SIZE, page_addr(pages[i]), PAGE_SIZE);
		page_unlock(pages[i]);
		if (hold_writes)
			held = pages[i];
		else
			page_end_writeback(pages[i], fail_writes ? -EIO : 0);
	}
	return 0;
}

static int store_begin(struct mapping *m, struct page *p, unsigned off, unsigned n)
{
	if (page_flag(p, PG_UPTODATE) || n == PAGE_SIZE)
		return 0;
	reads++;
	memcpy(page_addr(p), store + p->index * PAGE_SIZE, PAGE_SIZE);
	page_set_flag(p, PG_UPTODATE);
	return 0;
}

static int store_mkwrite(struct mapping *m, struct page *p)
{
	mkwrites++;
	return 0;
}

static const struct mapping_ops store_ops = {
	.read_pages = store_read, .write_pages = store_write, .write_begin = store_begin, .page_mkwrite = store_mkwrite,
};
static const struct file_ops store_fops = { 0 };

static void set_up(uint64_t size)
{
	store = unit_malloc(STORE_PAGES * PAGE_SIZE);
	for (unsigned i = 0; i < STORE_PAGES * 4096; i += 64)
		store[i] = (uint8_t)(i / 4096 + i / 64);
	inode = kzalloc(sizeof(*inode), 0);
	ref_init(&inode->refs);
	ref_get(&inode->refs);
	inode->size = size;
	inode->super = kzalloc(sizeof(*inode->super), 0);
	inode->mapping = &inode->own_mapping;
	mapping_init(inode->mapping, &store_ops, inode);
	file = kzalloc(sizeof(*file), 0);
	ref_init(&file->refs);
	ref_get(&file->refs);
	spin_init(&file->lock, LOCK_FILE);
	file->inode = inode;
	file->mapping = inode->mapping;
	file->mode = FMODE_READ | FMODE_WRITE;
	file->flags = O_RDWR;
	file->ops = &store_fops;
}

static int64_t rd(uint64_t pos, void *buf, size_t n)
{
	struct uio u;

	uio_init_kernel(&u, buf, n);
	return pagecache_read(file, &u, pos);
}

static int64_t wr(uint64_t pos, const void *buf, size_t n)
{
	struct uio u;

	uio_init_kernel(&u, (void *)(uintptr_t)buf, n);
	return pagecache_write(file, &u, pos);
}

static void reads_are_cached(void)
{
	static uint8_t buf[100000];

	set_up(50 * PAGE_SIZE + 123);
	CHECK_EQ(rd(0, buf, 20000), 20000);
	CHECK(!memcmp(buf, store, 20000));
	CHECK(reads >= 5 && reads <= 40);
	reads = 0;
	CHECK_EQ(rd(1000, buf, 10000), 10000);
	CHECK(!memcmp(buf, store + 1000, 10000));
	CHECK_EQ(reads, 0);
	/* The end. */
	CHECK_EQ(rd(50 * PAGE_SIZE, buf, 1000), 123);
	CHECK_EQ(rd(50 * PAGE_SIZE + 123, buf, 1000), 0);
	CHECK_EQ(rd(90 * PAGE_SIZE, buf, 1000), 0);
	CHECK_EQ(inode->mapping->page_count, counter_sum(COUNT_CACHE));
	mapping_destroy(inode->mapping);
	CHECK_EQ(counter_sum(COUNT_CACHE), 0);
}

static void a_stream_reads_ahead(void)
{
	static uint8_t buf[4096];
	unsigned waits = 0;

	set_up(2000 * PAGE_SIZE);
	for (unsigned i = 0; i < 1000; i++) {
		struct page *p = mapping_find(inode->mapping, i);

		waits += p == NULL;
		if (p)
			page_put(p);
		CHECK_EQ(rd(i * PAGE_SIZE, buf, PAGE_SIZE), PAGE_SIZE);
		CHECK_EQ(buf[64], store[i * PAGE_SIZE + 64]);
	}
	CHECK(waits < 5);
	CHECK(reads < 1100);
}

static void read_errors(void)
{
	uint8_t b;

	set_up(10 * PAGE_SIZE);
	fail_reads = true;
	CHECK_EQ(rd(0, &b, 1), -EIO);
	CHECK_EQ(rd(0, &b, 1), -EIO);
	fail_reads = false;
	CHECK_EQ(rd(0, &b, 1), 1);
}

static void writes_reach_the_store(void)
{
	static uint8_t big[40000];

	set_up(PAGE_SIZE);
	for (unsigned i = 0; i < sizeof(big); i++)
		big[i] = (uint8_t)(i * 13);
	CHECK_EQ(wr(100, "hello", 5), 5);
	CHECK_EQ(wr(5000, big, sizeof(big)), sizeof(big));
	CHECK_EQ(inode->size, 45000);
	CHECK_EQ(inode->mapping->dirty_pages, 11);
	CHECK_EQ(counter_sum(COUNT_DIRTY), 11);
	CHECK(memcmp(store + 100, "hello", 5));
	CHECK_EQ(mapping_sync(inode->mapping, 0, UINT64_MAX), 0);
	CHECK(!memcmp(store + 100, "hello", 5));
	CHECK(!memcmp(store + 5000, big, sizeof(big)));
	CHECK_EQ(writes, 11);
	CHECK_EQ(inode->mapping->dirty_pages, 0);
	CHECK_EQ(counter_sum(COUNT_DIRTY), 0);
	CHECK_EQ(counter_sum(COUNT_WRITEBACK), 0);
	writes = 0;
	CHECK_EQ(mapping_sync(inode->mapping, 0, UINT64_MAX), 0);
	CHECK_EQ(writes, 0);
	/* An error is told once. */
	CHECK_EQ(wr(0, "x", 1), 1);
	fail_writes = true;
	CHECK_EQ(mapping_sync(inode->mapping, 0, UINT64_MAX), -EIO);
	CHECK_EQ(mapping_sync(inode->mapping, 0, UINT64_MAX), 0);
	/* One that nobody waited for is kept for who has the file open. */
	CHECK_EQ(file_errors(file), -EIO);
	CHECK_EQ(wr(0, "x", 1), 1);
	CHECK_EQ(mapping_write_async(inode->mapping, ~0u), 1);
	fail_writes = false;
	CHECK_EQ(mapping_sync(inode->mapping, 0, UINT64_MAX), 0);
	CHECK_EQ(file_errors(file), -EIO);
	CHECK_EQ(file_errors(file), 0);
}

/* What another has begun to write is not on the disk yet. */
static void under_way(void)
{
	set_up(PAGE_SIZE);
	CHECK_EQ(wr(0, "way", 3), 3);
	hold_writes = true;
	CHECK(mapping_unsynced(inode->mapping));
	CHECK_EQ(mapping_write_async(inode->mapping, ~0u), 1);
	CHECK_EQ(inode->mapping->dirty_pages, 0);
	CHECK_EQ(inode->mapping->writeback_pages, 1);
	CHECK(mapping_unsynced(inode->mapping));
	hold_writes = false;
	page_end_writeback(held, 0);
	CHECK_EQ(inode->mapping->writeback_pages, 0);
	CHECK(!mapping_unsynced(inode->mapping));
}

/* Who syncs a long write and writes nothing twice gets the next one begun at once. */
static void long_writes_begin_early(void)
{
	static uint8_t big[256 * 4096];

	set_up(0);
	CHECK_EQ(wr(0, big, sizeof(big)), sizeof(big));
	CHECK_EQ(writes, 0);
	CHECK_EQ(mapping_sync(inode->mapping, 0, UINT64_MAX), 0);
	writeback_asked();
	writes = 0;
	CHECK_EQ(wr(0, big, sizeof(big)), sizeof(big));
	CHECK_EQ(writes, 256);
	/* The same once more: not again, and not the next time. */
	CHECK_EQ(wr(0, big, sizeof(big)), sizeof(big));
	CHECK_EQ(writes, 256);
	CHECK_EQ(mapping_sync(inode->mapping, 0, UINT64_MAX), 0);
	CHECK_EQ(writes, 512);
	writeback_asked();
	CHECK_EQ(wr(0, big, sizeof(big)), sizeof(big));
	CHECK_EQ(wr(0, big, sizeof(big)), sizeof(big));
	CHECK_EQ(writes, 512);
	CHECK_EQ(mapping_sync(inode->mapping, 0, UINT64_MAX), 0);
	writeback_asked();
	/* Once only, and then it is early again. */
	CHECK_EQ(wr(0, big, sizeof(big)), sizeof(big));
	CHECK_EQ(mapping_sync(inode->mapping, 0, UINT64_MAX), 0);
	writeback_asked();
	writes = 0;
	CHECK_EQ(wr(0, big, sizeof(big)), sizeof(big));
	CHECK_EQ(writes, 256);
	CHECK_EQ(mapping_sync(inode->mapping, 0, UINT64_MAX), 0);
}

static void flusher_writes_later(void)
{
	set_up(PAGE_SIZE);
	CHECK_EQ(wr(0, "later", 5), 5);
	sleep_ns(1 * NSEC_PER_SEC);
	CHECK_EQ(writes, 0);
	sleep_ns(10 * NSEC_PER_SEC);
	CHECK_EQ(writes, 1);
	CHECK(!memcmp(store, "later", 5));
}

static void shared_mapping_is_written_back(void)
{
	struct vm_space *vm;
	uaddr_t at;
	uint8_t b;
	unsigned prot;
	paddr_t pa;

	set_up(64 * PAGE_SIZE);
	vm = vm_create();
	vm_activate(vm);
	at = (uaddr_t)vm_mmap(vm, 0x100000000, 64 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	CHECK((int64_t)at > 0);
	CHECK_EQ(copy_from_user(&b, at + 64, 1), 0);
	CHECK_EQ(b, store[64]);
	/* Its neighbours came along, and none may be written without asking. */
	CHECK(fake_as_mapped(vm->as) >= 8);
	CHECK(fake_as_lookup(vm->as, at, &pa, &prot));
	CHECK_EQ(prot & HAL_WRITE, 0);
	CHECK_EQ(mkwrites, 0);
	CHECK_EQ(copy_to_user(at + 70, "mmap", 4), 0);
	CHECK_EQ(mkwrites, 1);
	CHECK_EQ(inode->mapping->dirty_pages, 1);
	CHECK(fake_as_lookup(vm->as, at, &pa, &prot));
	CHECK(prot & HAL_WRITE);
	/* read(2) sees it at once. */
	{
		uint8_t buf[4];

		CHECK_EQ(rd(70, buf, 4), 4);
		CHECK(!memcmp(buf, "mmap", 4));
	}
	CHECK_EQ(sys_msync(at, PAGE_SIZE, MS_SYNC), 0);
	CHECK(!memcmp(store + 70, "mmap", 4));
	CHECK(fake_as_lookup(vm->as, at, &pa, &prot));
	CHECK_EQ(prot & HAL_WRITE, 0);
	/* The next write is noticed again. */
	CHECK_EQ(copy_to_user(at + 70, "MMAP", 4), 0);
	CHECK_EQ(mkwrites, 2);
	CHECK_EQ(inode->mapping->dirty_pages, 1);
	CHECK_EQ(vm_munmap(vm, at, 64 * PAGE_SIZE), 0);
	CHECK_EQ(vm->rss_file, 0);
	CHECK_EQ(counter_sum(COUNT_MAPPED), 0);
	CHECK_EQ(mapping_sync(inode->mapping, 0, UINT64_MAX), 0);
	CHECK(!memcmp(store + 70, "MMAP", 4));
	vm_activate(NULL);
	vm_put(vm);
}

static void private_mapping_is_not(void)
{
	struct vm_space *vm, *child;
	uaddr_t at;
	uint8_t b;

	set_up(8 * PAGE_SIZE);
	vm = vm_create();
	vm_activate(vm);
	at = (uaddr_t)vm_mmap(vm, 0, 8 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
	CHECK_EQ(copy_to_user(at + 10, "private", 7), 0);
	CHECK_EQ(copy_from_user(&b, at + 64, 1), 0);
	CHECK_EQ(b, store[64]);
	/* The page itself, and cached neighbours that were copied with it. */
	CHECK(vm->rss_anon >= 1 && vm->rss_anon <= 8);
	for (unsigned i = 1; i < 8; i++) {
		CHECK_EQ(copy_from_user(&b, at + i * PAGE_SIZE + 64, 1), 0);
		CHECK_EQ(b, store[i * PAGE_SIZE + 64]);
	}
	CHECK_EQ(inode->mapping->dirty_pages, 0);
	child = vm_fork(vm);
	CHECK_EQ(copy_to_user(at + 10, "PRIVATE", 7), 0);
	vm_activate(child);
	CHECK_EQ(copy_from_user(&b, at + 10, 1), 0);
	CHECK_EQ(b, 'p');
	CHECK_EQ(copy_from_user(&b, at + 5 * PAGE_SIZE + 64, 1), 0);
	CHECK_EQ(b, store[5 * PAGE_SIZE + 64]);
	vm_activate(NULL);
	vm_put(vm);
	vm_put(child);
	CHECK_EQ(counter_sum(COUNT_ANON), 0);
}

static void truncation_takes_mappings_away(void)
{
	struct vm_space *vm;
	uaddr_t sh, pr;
	uint8_t b;
	int code;

	set_up(8 * PAGE_SIZE);
	vm = vm_create();
	vm_activate(vm);
	sh = (uaddr_t)vm_mmap(vm, 0, 8 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	pr = (uaddr_t)vm_mmap(vm, 0, 8 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
	for (unsigned i = 0; i < 8; i++) {
		CHECK_EQ(copy_to_user(sh + i * PAGE_SIZE, "s", 1), 0);
		CHECK_EQ(copy_to_user(pr + i * PAGE_SIZE, "p", 1), 0);
	}
	inode->size = 3 * PAGE_SIZE + 100;
	mapping_truncate(inode->mapping, inode->size);
	CHECK_EQ(inode->mapping->page_count, 4);
	CHECK_EQ(copy_from_user(&b, sh + 3 * PAGE_SIZE, 1), 0);
	CHECK_EQ(b, 's');
	CHECK_EQ(copy_from_user(&b, sh + 3 * PAGE_SIZE + 128, 1), 0);
	CHECK_EQ(b, 0);			/* the tail is zero */
	CHECK_EQ(vm_fault(vm, sh + 4 * PAGE_SIZE, HAL_READ, &code), -EIO);
	CHECK_EQ(code, BUS_ADRERR);
	CHECK_EQ(vm_fault(vm, pr + 4 * PAGE_SIZE, HAL_READ, &code), -EIO);
	CHECK_EQ(copy_from_user(&b, pr + 2 * PAGE_SIZE, 1), 0);
	CHECK_EQ(b, 'p');
	/* It grows again: zeroes of a hole, or what the store has. */
	inode->size = 8 * PAGE_SIZE;
	CHECK_EQ(copy_from_user(&b, sh + 5 * PAGE_SIZE, 1), 0);
	CHECK_EQ(counter_sum(COUNT_DIRTY), inode->mapping->dirty_pages);
	vm_activate(NULL);
	vm_put(vm);
	mapping_destroy(inode->mapping);
	CHECK_EQ(counter_sum(COUNT_CACHE), 0);
	CHECK_EQ(counter_sum(COUNT_DIRTY), 0);
}

static void holes_are_punched(void)
{
	uint8_t b[4];

	set_up(8 * PAGE_SIZE);
	CHECK_EQ(wr(0, "head", 4), 4);
	CHECK_EQ(wr(3 * PAGE_SIZE, "body", 4), 4);
	CHECK_EQ(wr(6 * PAGE_SIZE - 4, "tail", 4), 4);
	mapping_punch(inode->mapping, 2, 6 * PAGE_SIZE - 2);
	CHECK_EQ(rd(0, b, 4), 4);
	CHECK(b[0] == 'h' && b[1] == 'e' && !b[2] && !b[3]);
	CHECK_EQ(rd(6 * PAGE_SIZE - 4, b, 4), 4);
	CHECK(!b[0] && !b[1] && b[2] == 'i' && b[3] == 'l');
	CHECK(!mapping_find(inode->mapping, 3));
}

static void clean_pages_are_reclaimed(void)
{
	static uint8_t buf[65536];
	struct mem_info i;
	uint64_t pos;

	/* A file larger than what is free. */
	set_up((uint64_t)STORE_PAGES * PAGE_SIZE);
	{
		/* Leave about 16 MiB. */
		while (buddy_free_pages() > 16 * 256)
			CHECK(page_alloc(0, 0));
	}
	for (pos = 0; pos < inode->size; pos += sizeof(buf)) {
		CHECK_EQ(rd(pos, buf, sizeof(buf)), sizeof(buf));
		CHECK_EQ(buf[64], store[pos + 64]);
	}
	mem_info_get(&i);
	CHECK(i.cache_pages < 16 * 256);
	CHECK_EQ(rd(0, buf, 100), 100);
	CHECK_EQ(buf[64], store[64]);
	/* Mapped and dirty ones, too. */
	{
		struct vm_space *vm = vm_create();
		uaddr_t at;

		vm_activate(vm);
		at = (uaddr_t)vm_mmap(vm, 0, inode->size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
		for (pos = 0; pos < inode->size; pos += PAGE_SIZE) {
			uint8_t v = (uint8_t)(pos >> PAGE_SHIFT);

			CHECK_EQ(copy_to_user(at + pos, &v, 1), 0);
			if (pos % (64 * PAGE_SIZE) == 0)
				sleep_ns(NSEC_PER_MSEC);
		}
		CHECK(writes > 0);
		CHECK_EQ(mapping_sync(inode->mapping, 0, UINT64_MAX), 0);
		for (pos = 0; pos < inode->size; pos += PAGE_SIZE)
			CHECK_EQ(store[pos], (uint8_t)(pos >> PAGE_SHIFT));
		vm_activate(NULL);
		vm_put(vm);
	}
}

static void writing_from_its_own_mapping(void)
{
	/* write(2) of a page to itself through a mapping: must not wait for its own lock. */
	struct vm_space *vm;
	struct uio_seg seg;
	struct uio u;
	uaddr_t at;

	set_up(4 * PAGE_SIZE);
	vm = vm_create();
	vm_activate(vm);
	at = (uaddr_t)vm_mmap(vm, 0, 4 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	uio_init_user(&u, &seg, at, 2 * PAGE_SIZE);
	CHECK_EQ(pagecache_write(file, &u, 0), 2 * PAGE_SIZE);
	uio_init_user(&u, &seg, at + 64, 2 * PAGE_SIZE);
	CHECK_EQ(pagecache_write(file, &u, 0), 2 * PAGE_SIZE);
	/* A bad buffer: what comes before it is written. */
	uio_init_user(&u, &seg, at + 4 * PAGE_SIZE - 100, 200);
	CHECK_EQ(pagecache_write(file, &u, 0), 100);
	uio_init_user(&u, &seg, at + 5 * PAGE_SIZE, 200);
	CHECK_EQ(pagecache_write(file, &u, 0), -EFAULT);
	CHECK_EQ(pagecache_read(file, &u, 0), -EFAULT);
	vm_activate(NULL);
	vm_put(vm);
}

static void every_allocation_may_fail(void)
{
	static uint8_t buf[3 * 4096];

	set_up(32 * PAGE_SIZE);
	for (unsigned n = 1; n < 40; n++) {
		int64_t got;

		current->fail_nth = n;
		got = rd(0, buf, sizeof(buf));
		CHECK(got == -ENOMEM || (got > 0 && (size_t)got <= sizeof(buf)));
		current->fail_nth = n;
		got = wr(5 * PAGE_SIZE + 17, buf, sizeof(buf));
		CHECK(got == -ENOMEM || (got > 0 && (size_t)got <= sizeof(buf)));
		current->fail_nth = 0;
		mapping_truncate(inode->mapping, 0);
		CHECK_EQ(inode->mapping->page_count, 0);
	}
	CHECK_EQ(counter_sum(COUNT_CACHE), 0);
	CHECK_EQ(counter_sum(COUNT_DIRTY), 0);
}

const struct unit_test unit_tests[] = {
	{ "reads_are_cached", reads_are_cached },
	{ "a_stream_reads_ahead", a_stream_reads_ahead },
	{ "read_errors", read_errors },
	{ "writes_reach_the_store", writes_reach_the_store },
	{ "under_way", under_way },
	{ "long_writes_begin_early", long_writes_begin_early },
	{ "flusher_writes_later", flusher_writes_later },
	{ "shared_mapping_is_written_back", shared_mapping_is_written_back },
	{ "private_mapping_is_not", private_mapping_is_not },
	{ "truncation_takes_mappings_away", truncation_takes_mappings_away },
	{ "holes_are_punched", holes_are_punched },
	{ "clean_pages_are_reclaimed", clean_pages_are_reclaimed },
	{ "writing_from_its_own_mapping", writing_from_its_own_mapping },
	{ "every_allocation_may_fail", every_allocation_may_fail },
	{ 0 },
};
