/* SPDX-License-Identifier: MIT */
/* Virtio entropy device (virtio 1.1, 5.4): seeds the kernel's random pool once, at boot. */
#include <kernel/random.h>
#include "virtio.h"
#include <hal/mem.h>
#include <kernel/device.h>
#include <kernel/errno.h>
#include <kernel/slab.h>
#include <kernel/string.h>

enum { VRNG_BYTES = 64 };
struct vrng { struct virtqueue *q; uint8_t buf[VRNG_BYTES]; };

static void vrng_used(struct virtqueue *q)
{
	struct vrng *r = q->private;
	uint32_t len;

	while (virtq_get(q, &len)) {
		random_add_entropy(r->buf, len);
		memset(r->buf, 0, sizeof(r->buf));
	}
}

static int vrng_probe(struct virtio_dev *d)
{
	struct vrng *r = kzalloc(sizeof(*r), 0);
	struct virtq_seg s;
	int e;

	if (!r)
		return -ENOMEM;
	d->driver = r;
	r->q = virtq_create(d, 0, 4, vrng_used);
	e = r->q ? 0 : -EIO;
	if (!e) {
		r->q->private = r;
		e = virtio_ready(d);
	}
	if (e) {
		kfree(r);
		return e;
	}
	s = (struct virtq_seg){ hal_virt_to_phys(r->buf), VRNG_BYTES };
	e = virtq_add(r->q, &s, 0, 1, r);
	virtq_kick(r->q);
	return e;
}

const struct virtio_driver virtio_rng_driver = { .device_id = VIRTIO_ID_RNG, .name = "entropy", .probe = vrng_probe };
