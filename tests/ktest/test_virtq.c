/* SPDX-License-Identifier: MIT */
/* Virtqueues against a device that this file plays: one that works, and ones that lie about ids, lengths and indices. */
#include <hal/mem.h>
#include <kernel/errno.h>
#include <kernel/string.h>
#include "../../drivers/virtio/virtio.h"
#include "ktest.h"

static unsigned notified;
static uint8_t status;
static uint8_t dev_get_status(struct virtio_dev *d) { return status; }
static void dev_set_status(struct virtio_dev *d, uint8_t s) { status = s; }
static unsigned dev_queue_max(struct virtio_dev *d, unsigned i) { return i == 0 ? 8 : i == 1 ? 12 : 0; }
static int dev_queue_enable(struct virtio_dev *d, struct virtqueue *q) { return 0; }
static void dev_notify(struct virtio_dev *d, struct virtqueue *q) { notified++; }
static const struct virtio_transport dev_ops = { .get_status = dev_get_status, .set_status = dev_set_status, .queue_max = dev_queue_max,
	.queue_enable = dev_queue_enable, .notify = dev_notify };

struct rig { struct virtio_dev d; struct virtqueue *q; struct virtq_seg seg[8]; };

static bool rig_make(struct ktest_state *t, struct rig *r)
{
	memset(r, 0, sizeof(*r));
	r->d.ops = &dev_ops;
	strlcpy(r->d.name, "ktest", sizeof(r->d.name));
	notified = 0;
	r->q = virtq_create(&r->d, 0, 256, NULL);
	for (unsigned i = 0; i < 8; i++)
		r->seg[i] = (struct virtq_seg){ .addr = 0x1000 * (i + 1), .len = 16 };
	return KCHECK(r->q && r->q->size == 8);
}

/* The device: uses the id-th descriptor chain, claims len bytes, and says that its index moved by `by`. */
static void use(struct virtqueue *q, uint32_t id, uint32_t len, unsigned by)
{
	uint16_t idx = q->used[1];
	uint32_t *e = (uint32_t *)(q->used + 2) + 2 * (idx & (q->size - 1));

	e[0] = id;
	e[1] = len;
	__atomic_store_n(&q->used[1], (uint16_t)(idx + by), __ATOMIC_RELEASE);
}
static uint16_t offered(struct virtqueue *q, unsigned n) { return q->avail[2 + (n & (q->size - 1))]; }

KTEST(works)
{
	static int one, two;
	struct rig r;
	uint32_t len;

	if (!rig_make(t, &r))
		return;
	KCHECK(virtq_add(r.q, r.seg, 1, 2, &one) == 0 && virtq_add(r.q, r.seg, 2, 0, &two) == 0);
	KCHECK(virtq_room(r.q) == 3);
	virtq_kick(r.q);
	KCHECK(notified == 1 && r.q->avail[1] == 2 && !virtq_get(r.q, &len));
	use(r.q, offered(r.q, 1), 0, 1);	/* in an order of its own */
	use(r.q, offered(r.q, 0), 20, 1);
	KCHECK(virtq_get(r.q, &len) == &two && len == 0);
	KCHECK(virtq_get(r.q, &len) == &one && len == 20 && !virtq_get(r.q, &len));
	KCHECK(virtq_room(r.q) == 8 && !r.d.broken);
	virtq_destroy(r.q);
}

KTEST(is_full_and_wraps)
{
	static int token[8];
	struct rig r;
	uint32_t len;

	if (!rig_make(t, &r))
		return;
	for (unsigned round = 0; round < 10000; round++) {	/* the 16-bit indices wrap */
		for (unsigned i = 0; i < 8; i++)
			if (virtq_add(r.q, r.seg, 1, 0, &token[i]))
				KCHECK(!"no room");
		if (round == 0)
			KCHECK(virtq_add(r.q, r.seg, 1, 0, &token[0]) == -EBUSY);
		for (unsigned i = 0; i < 8; i++)
			use(r.q, offered(r.q, round * 8 + i), 0, 1);
		for (unsigned i = 0; i < 8; i++)
			if (virtq_get(r.q, &len) != &token[i])
				KCHECK(!"another token");
	}
	KCHECK(virtq_room(r.q) == 8 && !r.d.broken);
	virtq_destroy(r.q);
}

KTEST(refuses_what_is_no_queue)
{
	struct rig r;
	struct virtqueue *q;

	if (!rig_make(t, &r))
		return;
	KCHECK(!virtq_create(&r.d, 0, 8, NULL));		/* taken */
	KCHECK(!virtq_create(&r.d, 2, 8, NULL));		/* the device has none */
	KCHECK(!virtq_create(&r.d, VIRTIO_MAX_VQS, 8, NULL));
	q = virtq_create(&r.d, 1, 256, NULL);
	KCHECK(q && q->size == 8);				/* 12 is no power of two */
	if (q)
		virtq_destroy(q);
	virtq_destroy(r.q);
}

/* One request, used with a lie: the device is broken off, or the lie is cut to what it was given. */
static void lie(struct ktest_state *t, uint32_t id, uint32_t len, unsigned by, bool breaks)
{
	static int token;
	struct rig r;
	uint32_t got = 0;
	void *p;

	if (!rig_make(t, &r))
		return;
	KCHECK(virtq_add(r.q, r.seg, 1, 1, &token) == 0);
	use(r.q, id == UINT32_MAX ? offered(r.q, 0) : id, len, by);
	p = virtq_get(r.q, &got);
	KCHECK(got <= 16 && (!p || p == &token));
	KCHECK(r.d.broken == breaks);
	KCHECK(!breaks || virtq_add(r.q, r.seg, 1, 0, &token) == -EIO);
	virtq_destroy(r.q);
}

KTEST(lies_about_ids) { lie(t, 5, 0, 1, true); lie(t, 8, 0, 1, true); lie(t, 0xfffffffe, 0, 1, true); lie(t, 0x10000, 0, 1, true); }
KTEST(lies_about_lengths) { lie(t, UINT32_MAX, 17, 1, false); lie(t, UINT32_MAX, 0xffffffff, 1, false); lie(t, UINT32_MAX, 16, 1, false); }
KTEST(lies_about_its_index) { lie(t, UINT32_MAX, 0, 9, true); lie(t, UINT32_MAX, 0, 0x8000, true); }

KTEST(uses_twice)
{
	static int token;
	struct rig r;
	uint32_t len;

	if (!rig_make(t, &r))
		return;
	KCHECK(virtq_add(r.q, r.seg, 1, 0, &token) == 0);
	use(r.q, offered(r.q, 0), 0, 1);
	KCHECK(virtq_get(r.q, &len) == &token && !r.d.broken);
	use(r.q, offered(r.q, 0), 0, 1);
	KCHECK(!virtq_get(r.q, &len) && r.d.broken);
	virtq_destroy(r.q);
}

const struct ktest virtq_tests[] = {
	KTEST_ROW(works), KTEST_ROW(is_full_and_wraps), KTEST_ROW(refuses_what_is_no_queue), KTEST_ROW(lies_about_ids), KTEST_ROW(lies_about_lengths),
	KTEST_ROW(lies_about_its_index), KTEST_ROW(uses_twice), { NULL, NULL }
};
