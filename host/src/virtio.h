/* SPDX-License-Identifier: MIT */
/*
 * What the device models share: the virtio-mmio registers and split virtqueues
 * (virtio 1.2, 2.7 and 4.2).  Everything that a driver wrote is checked where
 * it is used; a driver that breaks the rules gets DEVICE_NEEDS_RESET and no
 * further service, and the host's process never reads outside of RAM.
 *
 * Locking: vdev.lock around all; CPU threads enter by register accesses, the
 * main thread by completions.
 */
#ifndef VIRTIO_H
#define VIRTIO_H
#include "host.h"
#include <pthread.h>
#include <sys/uio.h>

enum { VQ_MAX = 4, VQ_SIZE_MAX = 256, VQ_SEGMENTS = 260 };

struct vq {
	uint32_t size;			/* chosen by the driver; power of two */
	bool ready;
	uint64_t desc_pa, avail_pa, used_pa;
	uint16_t last_avail, used_idx;
	/* Checked when the queue becomes ready. */
	struct vq_desc { uint64_t addr; uint32_t len; uint16_t flags, next; } *desc;
	struct { uint16_t flags, idx, ring[]; } *avail;
	struct { uint16_t flags, idx; struct { uint32_t id, len; } ring[]; } *used;
};

/* A request taken from a queue: host addresses, device-readable ones first. */
struct vq_request {
	uint16_t head;
	unsigned out, in;		/* number of segments of each kind */
	size_t out_len, in_len;
	struct iovec iov[VQ_SEGMENTS];
};

struct vdev;
struct vdev_ops {
	uint32_t id;			/* virtio device type */
	unsigned queues;
	uint64_t features;
	void (*notify)(struct vdev *d, unsigned queue);
	void (*reset)(struct vdev *d);
	void (*config_write)(struct vdev *d, uint32_t off, unsigned size, uint32_t v);	/* may be NULL */
};

struct vdev {
	const struct vdev_ops *ops;
	unsigned index;
	unsigned cpu;			/* that last asked for something: gets the interrupt */
	pthread_mutex_t lock;
	uint32_t status, isr, config_gen;
	uint32_t feature_sel, driver_feature_sel, queue_sel;
	uint64_t features, driver_features;
	struct vq q[VQ_MAX];
	uint8_t config[64];
	size_t config_len;
	bool broken;
	uint64_t requests, interrupts, flushes;	/* for --stats; flushes: of the host's */
};

void vdev_add(struct vdev *d, const struct vdev_ops *ops, uint64_t more_features);
/* The next request of a queue into r.  1; 0: none; -1: the driver broke the rules (device is stopped). */
int vq_take(struct vdev *d, struct vq *q, struct vq_request *r);
/* Is there one? */
bool vq_available(struct vdev *d, struct vq *q);
void vq_done(struct vdev *d, struct vq *q, uint16_t head, uint32_t written);
void vq_interrupt(struct vdev *d, struct vq *q);
void vdev_config_changed(struct vdev *d);
void vdev_break(struct vdev *d, const char *why);

void blk_add(const char *path, bool rw, bool flush);
void console_add(void);
void rng_add(void);
#endif
