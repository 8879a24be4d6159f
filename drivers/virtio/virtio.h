/* SPDX-License-Identifier: MIT */
/*
 * Virtio devices (virtio 1.1, "modern" interface only), whatever they are attached by.
 *
 * A transport (mmio, PCI) fills in a struct virtio_dev and calls
 * virtio_device_add(), which negotiates and calls the driver for the device id.
 */
#ifndef DRIVERS_VIRTIO_H
#define DRIVERS_VIRTIO_H
#include <hal/types.h>
#include <kernel/compiler.h>
#include <kernel/list.h>
#include <kernel/lock.h>

enum virtio_id { VIRTIO_ID_NET = 1, VIRTIO_ID_BLOCK = 2, VIRTIO_ID_CONSOLE = 3, VIRTIO_ID_RNG = 4 };
enum virtio_status { VIRTIO_S_ACKNOWLEDGE = 1, VIRTIO_S_DRIVER = 2, VIRTIO_S_DRIVER_OK = 4, VIRTIO_S_FEATURES_OK = 8,
	VIRTIO_S_NEEDS_RESET = 64, VIRTIO_S_FAILED = 128 };
#define VIRTIO_F_INDIRECT_DESC	(1ull << 28)
#define VIRTIO_F_EVENT_IDX	(1ull << 29)
#define VIRTIO_F_VERSION_1	(1ull << 32)
enum { VIRTIO_MAX_VQS = 8, VIRTQ_MAX_SIZE = 256 };

struct virtio_dev;
struct virtqueue;

struct virtio_transport {
	uint64_t (*get_features)(struct virtio_dev *d);
	void (*set_features)(struct virtio_dev *d, uint64_t features);
	uint8_t (*get_status)(struct virtio_dev *d);
	void (*set_status)(struct virtio_dev *d, uint8_t status);	/* 0: reset, returns when it is done */
	uint32_t (*generation)(struct virtio_dev *d);
	/* width 1, 2 or 4 */
	uint32_t (*config_read)(struct virtio_dev *d, unsigned offset, unsigned width);
	void (*config_write)(struct virtio_dev *d, unsigned offset, unsigned width, uint32_t v);
	unsigned (*queue_max)(struct virtio_dev *d, unsigned index);	/* 0: no such queue */
	int (*queue_enable)(struct virtio_dev *d, struct virtqueue *q);
	void (*notify)(struct virtio_dev *d, struct virtqueue *q);
	/* Interrupts on: after the queues are set up. */
	int (*irq_enable)(struct virtio_dev *d);
	void (*irq_disable)(struct virtio_dev *d);
};
struct virtio_dev {
	const struct virtio_transport *ops;	/* [I] */
	void *transport;		/* [I] */
	unsigned device_id;		/* [I] */
	uint64_t features;		/* [I] negotiated */
	unsigned nqueues;		/* [I] */
	struct virtqueue *queues[VIRTIO_MAX_VQS];	/* [I] */
	void (*config_changed)(struct virtio_dev *d);	/* [I] interrupt context; may be NULL */
	void *driver;			/* [I] */
	bool broken;			/* [a] it broke the protocol: not used any more */
	char name[24];			/* for messages */
};
struct virtio_driver {
	unsigned device_id;
	const char *name;
	uint64_t features;		/* wanted, besides VERSION_1 */
	int (*probe)(struct virtio_dev *d);	/* creates queues, then virtio_ready(); 0 or -errno */
};
/* 0 or -errno (nothing is left running). */
int virtio_device_add(struct virtio_dev *d);
/* The queues are there: the device may start. */
int virtio_ready(struct virtio_dev *d);
static inline bool virtio_has(const struct virtio_dev *d, uint64_t feature) { return (d->features & feature) != 0; }
void virtio_config_read(struct virtio_dev *d, unsigned offset, void *buf, unsigned n, unsigned width);	/* consistent */
/* By the transport, interrupt context. */
void virtio_queue_irq(struct virtio_dev *d);
void virtio_config_irq(struct virtio_dev *d);
void virtio_break(struct virtio_dev *d, const char *why);

extern const struct virtio_driver virtio_blk_driver, virtio_console_driver, virtio_rng_driver;

/* ---- virtqueues (split ring) ---- */

struct virtq_desc { uint64_t addr; uint32_t len; uint16_t flags, next; };
struct virtq_seg { paddr_t addr; uint32_t len; };
struct virtqueue {
	struct virtio_dev *dev;		/* [I] */
	unsigned index, size;		/* [I] size is a power of two */
	struct page *pages;		/* [I] of the three rings */
	struct virtq_desc *desc;	/* [lock] shared with the device */
	uint16_t *avail, *used;		/* flags, idx, then entries; [lock] */
	paddr_t desc_pa, avail_pa, used_pa;	/* [I] */
	uint64_t notify_reg;		/* [I] the transport's */
	struct virtq_slot { void *token; uint32_t in_bytes; uint16_t next, count; } *slots;	/* [lock] ours alone */
	uint16_t free_head, free_count;	/* [lock] */
	uint16_t avail_idx, used_seen, kicked_idx;	/* [lock] */
	struct spinlock lock;		/* [VIRTQUEUE] */
	void (*callback)(struct virtqueue *q);	/* [I] interrupt context: the device used something */
	void *private;
};
/* Queue `index`; at most max_size entries.  NULL: no such queue, no memory. */
struct virtqueue *virtq_create(struct virtio_dev *d, unsigned index, unsigned max_size, void (*callback)(struct virtqueue *));
void virtq_destroy(struct virtqueue *q);
/*
 * nout segments that the device reads, then nin that it writes.  0, -EBUSY (no
 * room now), -EIO (broken device).  token comes back from virtq_get(); not NULL.
 */
int virtq_add(struct virtqueue *q, const struct virtq_seg *segs, unsigned nout, unsigned nin, void *token);
/* Tell the device about what was added, unless it does not want to know. */
void virtq_kick(struct virtqueue *q);
/* A finished token, NULL: none.  *len: bytes it says it wrote, at most those it was given. */
void *virtq_get(struct virtqueue *q, uint32_t *len);
unsigned virtq_room(struct virtqueue *q);	/* free descriptors */
#endif
