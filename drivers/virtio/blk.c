/* SPDX-License-Identifier: MIT */
/*
 * Virtio block devices (virtio 1.1, 5.2): /dev/vda, vdb, ...
 *
 * A request of the block layer becomes one descriptor chain: header, the
 * pages, a status byte.  Headers and status bytes live in an array as long as
 * the queue, so submitting allocates nothing.
 */
#include "virtio.h"
#include <hal/mem.h>
#include <kernel/block.h>
#include <kernel/errno.h>
#include <kernel/print.h>
#include <kernel/slab.h>
#include <kernel/string.h>

#define VBLK_F_SEG_MAX	(1ull << 2)
#define VBLK_F_RO	(1ull << 5)
#define VBLK_F_BLK_SIZE	(1ull << 6)
#define VBLK_F_FLUSH	(1ull << 9)
enum { VBLK_T_IN = 0, VBLK_T_OUT = 1, VBLK_T_FLUSH = 4, VBLK_T_GET_ID = 8, VBLK_ID_BYTES = 20 };
enum { VBLK_CFG_CAPACITY = 0, VBLK_CFG_SEG_MAX = 12, VBLK_CFG_BLK_SIZE = 20 };
enum { VBLK_MAJOR = 254, VBLK_MINORS = 16 };

struct vblk_slot {
	struct { uint32_t type, reserved; uint64_t sector; } header;	/* the device reads it */
	uint8_t status;							/* the device writes it */
	uint32_t in_bytes;						/* data bytes of a read */
	struct blk_request *r;
	struct vblk_slot *next;
};
struct vblk {
	struct blkdev disk;
	struct virtio_dev *dev;
	struct virtqueue *q;
	struct vblk_slot *slots;
	struct vblk_slot *free;		/* [lock] */
	uint8_t id[VBLK_ID_BYTES];	/* the device writes it once */
	struct spinlock lock;		/* [DRIVER] */
};

static unsigned vblk_count;	/* boot is single-threaded */

static struct vblk_slot *vblk_slot_get(struct vblk *v)
{
	unsigned long flags = spin_lock_irqsave(&v->lock);
	struct vblk_slot *s = v->free;

	if (s)
		v->free = s->next;
	spin_unlock_irqrestore(&v->lock, flags);
	return s;
}

static void vblk_slot_put(struct vblk *v, struct vblk_slot *s)
{
	unsigned long flags = spin_lock_irqsave(&v->lock);

	s->next = v->free;
	v->free = s;
	spin_unlock_irqrestore(&v->lock, flags);
}

static int vblk_submit(struct blkdev *d, struct blk_request *r)
{
	struct vblk *v = d->driver;
	struct virtq_seg segs[BLK_MAX_SEGS + 2];
	struct vblk_slot *s;
	paddr_t pa;
	unsigned n = 0;
	int e;

	if (r->op == BLK_DISCARD)
		return -EOPNOTSUPP;
	s = vblk_slot_get(v);
	if (!s)
		return -EBUSY;
	s->header.type = r->op == BLK_READ ? VBLK_T_IN : r->op == BLK_WRITE ? VBLK_T_OUT : VBLK_T_FLUSH;
	s->header.reserved = 0;
	s->header.sector = r->op == BLK_FLUSH ? 0 : r->sector;
	s->status = 0xff;
	s->r = r;
	pa = hal_virt_to_phys(s);
	segs[n++] = (struct virtq_seg){ pa + offsetof(struct vblk_slot, header), sizeof(s->header) };
	for (unsigned i = 0; r->op != BLK_FLUSH && i < r->nsegs; i++)
		segs[n++] = (struct virtq_seg){ page_to_phys(r->seg[i].page) + r->seg[i].offset, r->seg[i].len };
	segs[n++] = (struct virtq_seg){ pa + offsetof(struct vblk_slot, status), 1 };
	e = virtq_add(v->q, segs, r->op == BLK_READ ? 1 : n - 1, r->op == BLK_READ ? n - 1 : 1, s);
	if (likely(!e)) {
		/* Either this sees that the device is broken, or vblk_used() sees the request. */
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (likely(!READ_ONCE(v->dev->broken)))
			return 0;
		return __atomic_exchange_n(&s->r, NULL, __ATOMIC_ACQ_REL) ? -EIO : 0;
	}
	/* Not with the device: not to be failed with what is, unless that has been done just now. */
	bool ours = __atomic_exchange_n(&s->r, NULL, __ATOMIC_ACQ_REL);
	vblk_slot_put(v, s);
	return ours ? e : 0;
}

static void vblk_kick(struct blkdev *d)
{
	struct vblk *v = d->driver;

	virtq_kick(v->q);
}

/* The name is not terminated if it is long; only what can be printed is believed. */
static void vblk_set_serial(struct vblk *v)
{
	unsigned n = 0;

	while (n < VBLK_ID_BYTES && n + 1 < sizeof(v->disk.serial) && v->id[n] > 32 && v->id[n] < 127) {
		v->disk.serial[n] = (char)v->id[n];
		n++;
	}
}

/* Ask for the disk's serial number; it comes when it comes. */
static void vblk_ask_id(struct vblk *v)
{
	struct vblk_slot *s = vblk_slot_get(v);
	struct virtq_seg segs[3];
	paddr_t pa;

	if (!s)
		return;
	s->header.type = VBLK_T_GET_ID;
	s->header.reserved = 0;
	s->header.sector = 0;
	s->status = 0xff;
	s->r = NULL;
	pa = hal_virt_to_phys(s);
	segs[0] = (struct virtq_seg){ pa + offsetof(struct vblk_slot, header), sizeof(s->header) };
	segs[1] = (struct virtq_seg){ hal_virt_to_phys(v->id), sizeof(v->id) };
	segs[2] = (struct virtq_seg){ pa + offsetof(struct vblk_slot, status), 1 };
	if (virtq_add(v->q, segs, 1, 2, s))
		vblk_slot_put(v, s);
	else
		virtq_kick(v->q);
}

static void vblk_used(struct virtqueue *q)
{
	struct vblk *v = q->private;
	struct vblk_slot *s;
	uint32_t len;
	bool any = false;

	while ((s = virtq_get(q, &len))) {
		uint8_t status = READ_ONCE(s->status);
		struct blk_request *r = __atomic_exchange_n(&s->r, NULL, __ATOMIC_ACQ_REL);

		vblk_slot_put(v, s);
		if (!r) {
			if (status == 0)
				vblk_set_serial(v);
			continue;
		}
		blk_complete(r, status == 0 ? 0 : status == 2 ? -EOPNOTSUPP : -EIO);
		any = true;
	}
	if (any)
		blk_queue_run(&v->disk);
	if (unlikely(READ_ONCE(v->dev->broken))) {
		/* What the device still has will not come back. */
		for (unsigned i = 0; i < q->size; i++) {
			struct blk_request *r = __atomic_exchange_n(&v->slots[i].r, NULL, __ATOMIC_ACQ_REL);

			if (r)
				blk_complete(r, -EIO);
		}
		blk_queue_run(&v->disk);
	}
}

static const struct blkdev_ops vblk_ops = { .submit = vblk_submit, .kick = vblk_kick };

static void vblk_config_changed(struct virtio_dev *d)
{
	struct vblk *v = d->driver;
	uint64_t sectors;

	/* A disk that grows is believed; one that shrinks fails its own requests. */
	virtio_config_read(d, VBLK_CFG_CAPACITY, &sectors, 8, 4);
	if (sectors > v->disk.sectors && sectors < 1ull << 54) {
		WRITE_ONCE(v->disk.sectors, sectors);
		WRITE_ONCE(v->disk.inode->size, sectors * BLK_SECTOR);
	}
}

static int vblk_probe(struct virtio_dev *d)
{
	struct vblk *v = kzalloc(sizeof(*v), 0);
	uint32_t bs = 512;
	int e = -ENOMEM;

	if (!v)
		return -ENOMEM;
	v->dev = d;
	spin_init(&v->lock, LOCK_DRIVER);
	v->q = virtq_create(d, 0, VIRTQ_MAX_SIZE, vblk_used);
	if (!v->q) {
		klog_err("%s: no request queue", d->name);
		e = -EIO;
		goto fail;
	}
	if (v->q->size < BLK_MAX_SEGS + 2) {
		klog_err("%s: queue of %u entries is too short", d->name, v->q->size);
		e = -ENOTSUP;
		goto fail;
	}
	v->q->private = v;
	v->slots = kzalloc(v->q->size * sizeof(v->slots[0]), 0);
	if (!v->slots)
		goto fail;
	for (unsigned i = 0; i < v->q->size; i++)
		vblk_slot_put(v, &v->slots[i]);
	virtio_config_read(d, VBLK_CFG_CAPACITY, &v->disk.sectors, 8, 4);
	if (virtio_has(d, VBLK_F_BLK_SIZE))
		virtio_config_read(d, VBLK_CFG_BLK_SIZE, &bs, 4, 4);
	if (v->disk.sectors >= 1ull << 54 || bs < 512 || bs > PAGE_SIZE || (bs & (bs - 1))) {
		klog_err("%s: capacity %llu, block size %u make no sense", d->name, (unsigned long long)v->disk.sectors, bs);
		e = -EINVAL;
		goto fail;
	}
	v->disk.sectors -= v->disk.sectors % (bs / BLK_SECTOR);
	ksnprintf(v->disk.name, sizeof(v->disk.name), "vd%c", 'a' + (int)(vblk_count % 26));
	v->disk.dev = KDEV(VBLK_MAJOR, vblk_count * VBLK_MINORS);
	v->disk.block_size = bs;
	v->disk.read_only = virtio_has(d, VBLK_F_RO);
	v->disk.write_cache = virtio_has(d, VBLK_F_FLUSH);
	v->disk.ops = &vblk_ops;
	v->disk.driver = v;
	d->driver = v;
	e = blkdev_register(&v->disk);
	if (e)
		goto fail;
	d->config_changed = vblk_config_changed;
	e = virtio_ready(d);
	if (e) {
		blkdev_unregister(&v->disk);
		return e;	/* v stays: its inode may be in use */
	}
	vblk_count++;
	vblk_ask_id(v);
	klog_info("%s: %s, %llu sectors%s", v->disk.name, d->name, (unsigned long long)v->disk.sectors, v->disk.read_only ? ", read-only" : "");
	return 0;
fail:
	kfree(v->slots);
	kfree(v);
	return e;
}

const struct virtio_driver virtio_blk_driver = {
	.device_id = VIRTIO_ID_BLOCK,
	.name = "block",
	.features = VBLK_F_RO | VBLK_F_BLK_SIZE | VBLK_F_FLUSH,
	.probe = vblk_probe,
};
