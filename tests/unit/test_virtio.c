/* SPDX-License-Identifier: MIT */
/*
 * Virtqueues and the block driver against a device that this file plays: one
 * that works, and ones that lie about ids, lengths, indices and their size.
 */
#include <kernel/block.h>
#include <kernel/errno.h>
#include <kernel/task.h>
#include "../../drivers/virtio/virtqueue.c"
#include "../../drivers/virtio/virtio.c"
#include "../../drivers/virtio/blk.c"
#include "unit.h"

const struct virtio_driver virtio_console_driver, virtio_rng_driver;

/* ---- the device ---- */

static struct {
	struct virtio_dev dev;
	uint64_t offered, accepted;
	uint8_t status;
	unsigned queue_max;
	uint8_t config[64];
	uint32_t generation;
	unsigned notified;
	uint16_t seen;			/* of the available ring */
	uint8_t disk[64 * 512];
	/* what it does wrong */
	int wrong_id, wrong_len, skip, jump, request_status;
	bool refuse_features, restless;
	struct work work;
	bool asynchronous;
} fake;

static uint64_t f_get_features(struct virtio_dev *d) { return fake.offered; }
static void f_set_features(struct virtio_dev *d, uint64_t f) { fake.accepted = f; }
static uint8_t f_get_status(struct virtio_dev *d) { return fake.status & (fake.refuse_features ? ~VIRTIO_S_FEATURES_OK : 0xff); }
static void f_set_status(struct virtio_dev *d, uint8_t s) { fake.status = s; }
static uint32_t f_generation(struct virtio_dev *d) { return fake.restless ? fake.generation++ : fake.generation; }
static unsigned f_queue_max(struct virtio_dev *d, unsigned i) { return i == 0 ? fake.queue_max : 0; }
static int f_queue_enable(struct virtio_dev *d, struct virtqueue *q) { return 0; }
static int f_irq_enable(struct virtio_dev *d) { return 0; }
static void f_irq_disable(struct virtio_dev *d) { }

static uint32_t f_config_read(struct virtio_dev *d, unsigned off, unsigned width)
{
	uint32_t v = 0;

	if (off + width <= sizeof(fake.config))
		memcpy(&v, fake.config + off, width);
	return v;
}

static void *at(uint64_t pa) { return hal_phys_to_virt(pa); }

static void fake_use(struct virtqueue *q, uint32_t id, uint32_t len)
{
	uint16_t idx = q->used[1];
	uint32_t *e = (uint32_t *)(q->used + 2) + 2 * (idx & (q->size - 1));

	e[0] = fake.wrong_id ? (uint32_t)fake.wrong_id : id;
	e[1] = fake.wrong_len ? (uint32_t)fake.wrong_len : len;
	store_release(&q->used[1], (uint16_t)(idx + 1 + fake.jump));
}

/* One block request: the chain from `head`. */
static void fake_block(struct virtqueue *q, uint16_t head)
{
	struct virtq_desc *d = &q->desc[head];
	uint32_t *hdr = at(d->addr), written = 0;
	uint64_t sector;

	memcpy(&sector, hdr + 2, 8);
	CHECK_EQ(d->len, 16);
	if (hdr[0] == VBLK_T_GET_ID) {
		d = &q->desc[d->next];
		CHECK_EQ(d->len, VBLK_ID_BYTES);
		memcpy(at(d->addr), "a-serial-of-20-bytes", VBLK_ID_BYTES);
		d = &q->desc[d->next];
		*(uint8_t *)at(d->addr) = 0;
		fake_use(q, head, VBLK_ID_BYTES + 1);
		return;
	}
	while (d->flags & DESC_NEXT) {
		d = &q->desc[d->next];
		if (!(d->flags & DESC_NEXT)) {
			CHECK_EQ(d->len, 1);
			CHECK(d->flags & DESC_WRITE);
			*(uint8_t *)at(d->addr) = (uint8_t)fake.request_status;
			written++;
			break;
		}
		CHECK(sector * 512 + d->len <= sizeof(fake.disk));
		if (hdr[0] == VBLK_T_IN) {
			CHECK(d->flags & DESC_WRITE);
			memcpy(at(d->addr), fake.disk + sector * 512, d->len);
			written += d->len;
		} else {
			CHECK(!(d->flags & DESC_WRITE));
			memcpy(fake.disk + sector * 512, at(d->addr), d->len);
		}
		sector += d->len / 512;
	}
	fake_use(q, head, written);
}

static void fake_run(struct virtqueue *q)
{
	while (fake.seen != load_acquire(&q->avail[1])) {
		uint16_t head = q->avail[2 + (fake.seen++ & (q->size - 1))];

		if (fake.skip) {
			fake.skip--;
			continue;
		}
		fake_block(q, head);
	}
}

static void fake_work(struct work *w)
{
	fake_run(fake.dev.queues[0]);
	virtio_queue_irq(&fake.dev);
}

static void f_notify(struct virtio_dev *d, struct virtqueue *q)
{
	fake.notified++;
	if (fake.asynchronous)
		work_queue(&fake.work);
}

static const struct virtio_transport fake_transport = {
	.get_features = f_get_features, .set_features = f_set_features, .get_status = f_get_status, .set_status = f_set_status,
	.generation = f_generation, .config_read = f_config_read, .queue_max = f_queue_max, .queue_enable = f_queue_enable,
	.notify = f_notify, .irq_enable = f_irq_enable, .irq_disable = f_irq_disable,
};

static void fake_init(void)
{
	uint64_t sectors = 64;

	memset(&fake, 0, sizeof(fake));
	fake.dev.ops = &fake_transport;
	fake.dev.device_id = VIRTIO_ID_BLOCK;
	memcpy(fake.dev.name, "fake", 5);
	fake.offered = VIRTIO_F_VERSION_1 | VBLK_F_FLUSH | 1ull << 60;
	fake.queue_max = 128;
	memcpy(fake.config, &sectors, 8);
	work_init(&fake.work, fake_work);
}

/* ---- queues ---- */

static void queue_rounds(void)
{
	struct virtq_seg s[5];
	struct virtqueue *q;
	uint32_t len;
	int tokens[16];

	fake_init();
	fake.queue_max = 16;
	q = virtq_create(&fake.dev, 0, 256, NULL);
	CHECK(q && q->size == 16);
	CHECK(virtq_create(&fake.dev, 0, 256, NULL) == NULL);	/* twice */
	CHECK(virtq_create(&fake.dev, 1, 256, NULL) == NULL);	/* none */
	for (unsigned i = 0; i < 5; i++)
		s[i] = (struct virtq_seg){ 0x1000 * i, 100 };
	CHECK_EQ(virtq_add(q, s, 0, 0, tokens), -EIO);
	for (unsigned round = 0; round < 70000; round++) {	/* the index wraps */
		unsigned n = 1 + round % 5, k;
		uint16_t heads[16];

		for (k = 0; virtq_room(q) >= n; k++) {
			CHECK_EQ(virtq_add(q, s, n - 1, 1, &tokens[k]), 0);
			heads[k] = q->avail[2 + ((q->avail_idx - 1) & 15)];
		}
		CHECK_EQ(virtq_add(q, s, n - 1, 1, tokens), -EBUSY);
		/* in any order */
		for (unsigned j = k; j-- > 0;)
			fake_use(q, heads[j], 40);
		for (unsigned j = k; j-- > 0;) {
			CHECK(virtq_get(q, &len) == &tokens[j]);
			CHECK_EQ(len, 40);
		}
		CHECK(virtq_get(q, &len) == NULL);
		CHECK_EQ(virtq_room(q), 16);
	}
	CHECK(!fake.dev.broken);
	virtq_destroy(q);
}

static struct virtqueue *queue_with_one(void)
{
	static int token;
	struct virtq_seg s[2] = { { 0x1000, 10 }, { 0x2000, 20 } };
	struct virtqueue *q;

	fake_init();
	q = virtq_create(&fake.dev, 0, 16, NULL);
	CHECK(q != NULL);
	CHECK_EQ(virtq_add(q, s, 1, 1, &token), 0);
	return q;
}

static void expect_broken(struct virtqueue *q)
{
	struct virtq_seg s = { 0x1000, 10 };
	uint32_t len;

	CHECK(virtq_get(q, &len) == NULL);
	CHECK(fake.dev.broken);
	CHECK(virtq_get(q, &len) == NULL);
	CHECK_EQ(virtq_add(q, &s, 1, 0, q), -EIO);
	virtq_kick(q);
	CHECK_EQ(fake.notified, 0);
}

static void queue_hostile(void)
{
	struct virtqueue *q = queue_with_one();
	uint32_t len;

	fake.wrong_len = 0x7fffffff;		/* more than it was given */
	fake_use(q, 0, 0);
	CHECK(virtq_get(q, &len) != NULL);
	CHECK_EQ(len, 20);
	CHECK_EQ(virtq_room(q), 16);

	q = queue_with_one();
	fake.wrong_id = 1000;			/* outside of the table */
	fake_use(q, 0, 0);
	expect_broken(q);

	q = queue_with_one();
	fake.wrong_id = 1;			/* the middle of a chain */
	fake_use(q, 0, 0);
	expect_broken(q);

	q = queue_with_one();
	fake.wrong_id = 9;			/* free */
	fake_use(q, 0, 0);
	expect_broken(q);

	q = queue_with_one();
	fake.jump = 500;			/* more than there can be */
	fake_use(q, 0, 0);
	expect_broken(q);

	q = queue_with_one();
	fake_use(q, 0, 0);			/* twice the same */
	fake_use(q, 0, 0);
	CHECK(virtq_get(q, &len) != NULL);
	expect_broken(q);

	/* The device scribbles over the descriptors: the free list does not care. */
	q = queue_with_one();
	memset(q->desc, 0xff, q->size * sizeof(struct virtq_desc));
	fake_use(q, 0, 7);
	CHECK(virtq_get(q, &len) != NULL);
	CHECK_EQ(virtq_room(q), 16);
	CHECK(!fake.dev.broken);
}

/* ---- negotiation ---- */

static void negotiation(void)
{
	block_init();
	fake_init();
	fake.dev.device_id = 77;
	CHECK_EQ(virtio_device_add(&fake.dev), -ENODEV);
	fake_init();
	fake.offered = VBLK_F_FLUSH;
	CHECK_EQ(virtio_device_add(&fake.dev), -ENOTSUP);
	CHECK_EQ(fake.status, 0);
	fake_init();
	fake.refuse_features = true;
	CHECK_EQ(virtio_device_add(&fake.dev), -ENOTSUP);
	fake_init();
	fake.queue_max = 0;
	CHECK(virtio_device_add(&fake.dev) < 0);
	fake_init();
	fake.queue_max = 8;
	CHECK(virtio_device_add(&fake.dev) < 0);
	CHECK(fake.dev.queues[0] == NULL);
	fake_init();
	memset(fake.config, 0xff, 8);		/* capacity */
	CHECK_EQ(virtio_device_add(&fake.dev), -EINVAL);
	fake_init();
	fake.offered |= VBLK_F_BLK_SIZE;
	fake.config[20] = 3;			/* block size */
	CHECK_EQ(virtio_device_add(&fake.dev), -EINVAL);
	fake_init();
	fake.restless = true;			/* the configuration never stands still */
	CHECK_EQ(virtio_device_add(&fake.dev), 0);
	CHECK_EQ(fake.accepted, VIRTIO_F_VERSION_1 | VBLK_F_FLUSH);	/* nothing that was not asked for */
	CHECK(fake.status & VIRTIO_S_DRIVER_OK);
}

/* ---- the disk ---- */

static struct blkdev *disk_start(void)
{
	struct blkdev *d;

	block_init();
	fake_init();
	fake.asynchronous = true;
	CHECK_EQ(virtio_device_add(&fake.dev), 0);
	d = blkdev_find("/dev/vda");
	CHECK(d && d->sectors == 64 && d->write_cache);
	return d;
}

static int disk_io(struct blkdev *d, enum blk_op op, struct page *p, uint64_t sector, unsigned n)
{
	struct blk_request *r = blk_request_alloc(d, op, 0);

	CHECK(r != NULL);
	r->sector = sector;
	for (unsigned i = 0; i < n; i++)
		r->seg[i] = (struct blk_seg){ .page = p, .offset = i * 512, .len = 512 };
	r->nsegs = n;
	return blk_submit_wait(r);
}

static void disk_requests(void)
{
	struct blkdev *d = disk_start();
	struct page *p = page_alloc(0, ALLOC_ZERO);
	uint8_t *mem = page_addr(p);

	for (unsigned i = 0; i < sizeof(fake.disk); i++)
		fake.disk[i] = (uint8_t)(i / 512);
	CHECK_EQ(disk_io(d, BLK_READ, p, 10, 3), 0);
	CHECK(mem[0] == 10 && mem[512] == 11 && mem[1535] == 12);
	memset(mem, 0xaa, 1024);
	CHECK_EQ(disk_io(d, BLK_WRITE, p, 20, 2), 0);
	CHECK(fake.disk[20 * 512] == 0xaa && fake.disk[22 * 512 - 1] == 0xaa && fake.disk[22 * 512] == 22);
	CHECK_EQ(blkdev_flush(d), 0);
	CHECK(strcmp(d->serial, "a-serial-of-20-bytes") == 0);
	CHECK_EQ(disk_io(d, BLK_READ, p, 64, 1), -EIO);		/* behind the end */
	CHECK_EQ(disk_io(d, BLK_READ, p, 62, 3), -EIO);
	CHECK_EQ(disk_io(d, BLK_READ, p, UINT64_MAX, 1), -EIO);
	fake.request_status = 1;
	CHECK_EQ(disk_io(d, BLK_READ, p, 0, 1), -EIO);
	fake.request_status = 2;
	CHECK_EQ(disk_io(d, BLK_WRITE, p, 0, 1), -EOPNOTSUPP);
	fake.request_status = 0xff;
	CHECK_EQ(disk_io(d, BLK_READ, p, 0, 1), -EIO);
	fake.request_status = 0;
	CHECK_EQ(disk_io(d, BLK_READ, p, 0, 1), 0);
	d->read_only = true;
	CHECK_EQ(disk_io(d, BLK_WRITE, p, 0, 1), -EROFS);
	page_put(p);
}

static unsigned async_done, async_failed;

static void count_done(struct blk_request *r)
{
	async_done++;
	async_failed += r->error != 0;
	blk_request_free(r);
}

/* Far more requests than the ring has room for, some of which can be merged. */
static void disk_many(void)
{
	struct blkdev *d = disk_start();
	struct page *p = page_alloc(0, ALLOC_ZERO);

	for (unsigned i = 0; i < 2000; i++) {
		struct blk_request *r = blk_request_alloc(d, i % 3 ? BLK_READ : BLK_WRITE, 0);

		r->sector = i * 7 % 60;
		r->seg[0] = (struct blk_seg){ .page = p, .offset = i % 8 * 512, .len = 512 };
		r->nsegs = 1;
		r->done = count_done;
		blk_submit(r);
	}
	work_flush();
	for (unsigned i = 0; i < 100 && async_done < 2000; i++)
		sleep_ns(NSEC_PER_MSEC);
	CHECK_EQ(async_done, 2000);
	CHECK_EQ(async_failed, 0);
	CHECK_EQ(d->inflight, 0);
	page_put(p);
}

/* A device that goes mad with requests under way: they end, with an error. */
static void disk_breaks(void)
{
	struct blkdev *d = disk_start();
	struct page *p = page_alloc(0, ALLOC_ZERO);

	work_flush();
	fake.asynchronous = false;
	for (unsigned i = 0; i < 300; i++) {
		struct blk_request *r = blk_request_alloc(d, BLK_READ, 0);

		r->sector = i % 60;
		r->seg[0] = (struct blk_seg){ .page = p, .offset = 0, .len = 512 };
		r->nsegs = 1;
		r->done = count_done;
		blk_submit(r);
	}
	CHECK(async_done < 300);
	fake.jump = 5000;
	fake_use(fake.dev.queues[0], 0, 0);
	virtio_queue_irq(&fake.dev);
	CHECK(fake.dev.broken);
	CHECK_EQ(async_done, 300);
	CHECK_EQ(async_failed, 300);
	CHECK_EQ(disk_io(d, BLK_READ, p, 0, 1), -EIO);
	page_put(p);
}

static void disk_grows(void)
{
	struct blkdev *d = disk_start();
	uint64_t sectors = 100;

	memcpy(fake.config, &sectors, 8);
	virtio_config_irq(&fake.dev);
	CHECK_EQ(d->sectors, 100);
	sectors = 10;			/* shrinking is not believed */
	memcpy(fake.config, &sectors, 8);
	virtio_config_irq(&fake.dev);
	CHECK_EQ(d->sectors, 100);
}

const struct unit_test unit_tests[] = {
	{ "queue_rounds", queue_rounds },
	{ "queue_hostile", queue_hostile },
	{ "negotiation", negotiation },
	{ "disk_requests", disk_requests },
	{ "disk_many", disk_many },
	{ "disk_breaks", disk_breaks },
	{ "disk_grows", disk_grows },
	{ 0 },
};
