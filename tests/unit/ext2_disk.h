/* SPDX-License-Identifier: MIT */
/*
 * A disk in memory with an ext2 file system that mke2fs made: mounted by the
 * kernel's, judged by e2fsck -fn.  It completes requests from a work item, in
 * an order of its own.
 */
#ifndef EXT2_DISK_H
#define EXT2_DISK_H
#include <kernel/block.h>
#include <kernel/errno.h>
#include <kernel/file.h>
#include <kernel/fs_init.h>
#include <kernel/string.h>
#include <kernel/task.h>
#include <kernel/timer.h>
#include <kernel/vfs.h>
#include "fs/ext2/ext2.h"
#include "fs/vfs/vfs_internal.h"
#include "unit.h"

int system(const char *command);
int open(const char *name, int flags, ...);
long read(int fd, void *buf, size_t n);
long write(int fd, const void *buf, size_t n);
int close(int fd);
int getpid(void);
int snprintf(char *buf, size_t max, const char *fmt, ...);

/* ---- the disk ---- */

static struct {
	struct blkdev dev;
	uint8_t *data;
	size_t size;
	struct spinlock lock;
	struct list_head pending;	/* [lock] */
	struct work work;
	uint64_t rng;
	unsigned writes, flushes;
	bool fail_writes;
	uint64_t fail_sector;		/* writing this fails; 0: none */
	void (*on_write)(void);
} disk;

static uint32_t rnd(uint32_t n)
{
	disk.rng ^= disk.rng << 13;
	disk.rng ^= disk.rng >> 7;
	disk.rng ^= disk.rng << 17;
	return (uint32_t)(disk.rng >> 11) % n;
}

static int disk_do(struct blk_request *r)
{
	uint8_t *at = disk.data + r->sector * BLK_SECTOR;
	bool fails = disk.fail_writes;

	if (r->op == BLK_FLUSH) {
		disk.flushes++;
		return 0;
	}
	if (r->op == BLK_WRITE && disk.on_write)
		disk.on_write();
	for (unsigned i = 0; i < r->nsegs; i++) {
		uint8_t *mem = (uint8_t *)page_addr(r->seg[i].page) + r->seg[i].offset;
		uint64_t sector = (uint64_t)(at - disk.data) / BLK_SECTOR;

		fails |= disk.fail_sector && sector <= disk.fail_sector && disk.fail_sector < sector + r->seg[i].len / BLK_SECTOR;

		CHECK(at + r->seg[i].len <= disk.data + disk.size);
		if (r->op == BLK_READ)
			memcpy(mem, at, r->seg[i].len);
		else if (!fails)
			memcpy(at, mem, r->seg[i].len);
		at += r->seg[i].len;
	}
	if (r->op == BLK_WRITE)
		disk.writes++;
	return r->op == BLK_WRITE && fails ? -EIO : 0;
}

static void disk_work(struct work *w)
{
	for (;;) {
		unsigned long flags = spin_lock_irqsave(&disk.lock);
		struct blk_request *r = NULL;

		if (!list_empty(&disk.pending)) {
			/* Now the oldest, now the newest. */
			r = rnd(2) ? list_first(&disk.pending, struct blk_request, link) : list_last(&disk.pending, struct blk_request, link);
			list_del_init(&r->link);
		}
		spin_unlock_irqrestore(&disk.lock, flags);
		if (!r)
			return;
		blk_complete(r, disk_do(r));
		blk_queue_run(&disk.dev);
	}
}

static int disk_submit(struct blkdev *d, struct blk_request *r)
{
	if (d->inflight > 4)
		return -EBUSY;
	spin_lock(&disk.lock);
	list_add_tail(&r->link, &disk.pending);
	spin_unlock(&disk.lock);
	work_queue(&disk.work);
	return 0;
}

static const struct blkdev_ops disk_ops = { .submit = disk_submit };

static void disk_load(const char *file, size_t size)
{
	int fd = open(file, 0);

	CHECK(fd >= 0);
	for (size_t at = 0; at < size;) {
		long n = read(fd, disk.data + at, size - at);

		CHECK(n > 0);
		at += (size_t)n;
	}
	close(fd);
}

static void disk_create(size_t size)
{
	static bool once;

	if (!once) {
		block_init();
		ext2_init();
		once = true;
	}
	disk.rng = 0x9e3779b97f4a7c15ull;
	disk.size = size;
	disk.data = unit_malloc(size);
	spin_init(&disk.lock, LOCK_DRIVER);
	list_init(&disk.pending);
	work_init(&disk.work, disk_work);
	memcpy(disk.dev.name, "vda", 4);
	disk.dev.dev = KDEV(254, 0);
	disk.dev.sectors = size / BLK_SECTOR;
	disk.dev.block_size = 512;
	disk.dev.write_cache = true;
	disk.dev.ops = &disk_ops;
	CHECK_EQ(blkdev_register(&disk.dev), 0);
}

static char image[64];

static void image_make(const char *mkfs_options, size_t size)
{
	char cmd[400];

	snprintf(image, sizeof(image), "/tmp/eft-unit-ext2.%d", getpid());
	snprintf(cmd, sizeof(cmd), "PATH=$PATH:/usr/sbin:/sbin; mke2fs -q -F -t ext2 %s %s %zuk >/dev/null 2>&1", mkfs_options, image, size / 1024);
	CHECK_EQ(system(cmd), 0);
	disk_create(size);
	disk_load(image, size);
}

static void image_remove(void)
{
	char cmd[100];

	snprintf(cmd, sizeof(cmd), "rm -f %s", image);
	system(cmd);
}

/* What the disk holds now, judged by e2fsck. */
static void image_check(void)
{
	char cmd[300];
	int fd = open(image, 01 | 01000 | 0100, 0600), status;

	CHECK(fd >= 0);
	for (size_t at = 0; at < disk.size;) {
		long n = write(fd, disk.data + at, disk.size - at);

		CHECK(n > 0);
		at += (size_t)n;
	}
	close(fd);
	snprintf(cmd, sizeof(cmd), "PATH=$PATH:/usr/sbin:/sbin; e2fsck -fn %s >%s.log 2>&1 || { cat %s.log; false; }", image, image, image);
	status = system(cmd);
	snprintf(cmd, sizeof(cmd), "rm -f %s.log", image);
	system(cmd);
	CHECK_EQ(status, 0);
}

UNUSED static void disk_mount(void)
{
	if (!current->fs) {
		fs_context_share(&init_fs_context);
		current->fs = &init_fs_context;
	}
	CHECK_EQ(vfs_mount_root("/dev/vda", "ext2", 0), 0);
}

UNUSED static void root_sync(void)
{
	vfs_sync();
	image_check();
}

/* Unmounts: afterwards the image must be marked clean, too. */
UNUSED static void root_remount_ro(void)
{
	struct super *s = init_fs_context.root.mnt->super;

	CHECK_EQ(super_sync(s), 0);
	CHECK_EQ(s->ops->remount(s, MS_RDONLY, NULL), 0);
	image_check();
	CHECK(disk.data[1024 + 58] & 1);
}
#endif
