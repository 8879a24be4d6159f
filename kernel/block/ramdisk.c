/* SPDX-License-Identifier: MIT */
/*
 * /dev/ram0: the initial RAM disk, where the boot loader put it.
 *
 * It is read and written in place, so what is written lasts as long as the
 * machine runs.  A request is done as soon as it is submitted; its owner is
 * told by a work item, because a driver is called with the queue's lock held.
 * Bytes behind the last whole sector are not a part of the disk.
 */
#include <hal/hal.h>
#include <kernel/block.h>
#include <kernel/errno.h>
#include <kernel/initrd.h>
#include <kernel/string.h>
#include <kernel/timer.h>

enum { RAMDISK_MAJOR = 1 };	/* Linux, Documentation/admin-guide/devices.txt */

static struct blkdev disk;
static struct list_head done = LIST_INIT(done);		/* [disk.lock] requests whose owners wait to be told */
static struct work tell;
static uint8_t *image;					/* [I] */

static int ramdisk_submit(struct blkdev *d, struct blk_request *r)
{
	uint8_t *at = image + r->sector * BLK_SECTOR;

	(void)d;
	for (unsigned i = 0; i < r->nsegs && (r->op == BLK_READ || r->op == BLK_WRITE); i++) {
		uint8_t *mine = (uint8_t *)page_addr(r->seg[i].page) + r->seg[i].offset;

		if (r->op == BLK_READ)
			memcpy(mine, at, r->seg[i].len);
		else
			memcpy(at, mine, r->seg[i].len);
		at += r->seg[i].len;
	}
	list_add_tail(&r->link, &done);
	return 0;
}

static void ramdisk_kick(struct blkdev *d)
{
	(void)d;
	work_queue(&tell);
}

static void ramdisk_tell(struct work *w)
{
	struct list_head mine = LIST_INIT(mine);
	struct blk_request *r, *next;
	unsigned long flags = spin_lock_irqsave(&disk.lock);

	(void)w;
	list_splice_tail(&done, &mine);
	spin_unlock_irqrestore(&disk.lock, flags);
	list_for_each_safe(r, next, &mine, link) {
		list_del_init(&r->link);
		blk_complete(r, 0);
	}
}

int ramdisk_init(void)
{
	static const struct blkdev_ops ops = { .submit = ramdisk_submit, .kick = ramdisk_kick };
	const struct hal_boot *b = hal_boot_info();

	image = hal_phys_to_virt(b->initrd);
	work_init(&tell, ramdisk_tell);
	strlcpy(disk.name, "ram0", sizeof(disk.name));
	disk.dev = KDEV(RAMDISK_MAJOR, 0);
	disk.sectors = b->initrd_size / BLK_SECTOR;
	disk.block_size = BLK_SECTOR;
	disk.ops = &ops;
	return blkdev_register(&disk);
}
