/* SPDX-License-Identifier: MIT */
/*
 * Split virtqueues (virtio 1.1, 2.6).
 *
 * The descriptor table, the available and the used ring are shared with the
 * device.  The device is not trusted: everything that must stay true is kept
 * in slots[], which it cannot see; what it writes (used index, ids, lengths)
 * is checked against them, and a device that says nonsense is broken off.
 *
 * Free descriptors form a list through slots[].next; a chain in use is found
 * from its head's slot.
 */
#include "virtio.h"
#include <hal/mem.h>
#include <kernel/errno.h>
#include <kernel/page.h>
#include <kernel/slab.h>
#include <kernel/string.h>

enum { DESC_NEXT = 1, DESC_WRITE = 2, USED_NO_NOTIFY = 1, SLOT_NONE = 0xffff };

static unsigned virtq_order(size_t bytes)
{
	unsigned order = 0;

	while ((PAGE_SIZE << order) < bytes)
		order++;
	return order;
}

struct virtqueue *virtq_create(struct virtio_dev *d, unsigned index, unsigned max_size, void (*callback)(struct virtqueue *))
{
	unsigned size = d->ops->queue_max(d, index);
	size_t desc_bytes, avail_bytes, used_off, bytes;
	struct virtqueue *q;
	char *mem;

	if (index >= VIRTIO_MAX_VQS || d->queues[index] || size == 0)
		return NULL;
	size = MIN(size, max_size);
	size = MIN(size, (unsigned)VIRTQ_MAX_SIZE);
	while (size & (size - 1))
		size &= size - 1;
	q = kzalloc(sizeof(*q), 0);
	if (!q)
		return NULL;
	q->slots = kzalloc(size * sizeof(q->slots[0]), 0);
	desc_bytes = size * sizeof(struct virtq_desc);
	avail_bytes = 6 + 2 * (size_t)size;
	used_off = ALIGN_UP(desc_bytes + avail_bytes, 64);
	bytes = used_off + 6 + 8 * (size_t)size;
	q->pages = page_alloc(virtq_order(bytes), ALLOC_ZERO);
	if (!q->slots || !q->pages)
		goto fail;
	mem = page_addr(q->pages);
	q->dev = d;
	q->index = index;
	q->size = size;
	q->desc = (struct virtq_desc *)mem;
	q->avail = (uint16_t *)(mem + desc_bytes);
	q->used = (uint16_t *)(mem + used_off);
	q->desc_pa = page_to_phys(q->pages);
	q->avail_pa = q->desc_pa + desc_bytes;
	q->used_pa = q->desc_pa + used_off;
	q->callback = callback;
	spin_init(&q->lock, LOCK_VIRTQUEUE);
	for (unsigned i = 0; i < size; i++)
		q->slots[i].next = (uint16_t)(i + 1 < size ? i + 1 : SLOT_NONE);
	q->free_count = (uint16_t)size;
	if (d->ops->queue_enable(d, q))
		goto fail;
	d->queues[index] = q;
	if (d->nqueues <= index)
		d->nqueues = index + 1;
	return q;
fail:
	if (q->pages)
		page_put(q->pages);
	kfree(q->slots);
	kfree(q);
	return NULL;
}

void virtq_destroy(struct virtqueue *q)
{
	q->dev->queues[q->index] = NULL;
	page_put(q->pages);
	kfree(q->slots);
	kfree(q);
}

int virtq_add(struct virtqueue *q, const struct virtq_seg *segs, unsigned nout, unsigned nin, void *token)
{
	unsigned n = nout + nin;
	unsigned long flags;
	uint32_t in_bytes = 0;
	uint16_t head, at, last = 0;

	if (n == 0 || n > q->size)
		return -EIO;
	flags = spin_lock_irqsave(&q->lock);
	if (READ_ONCE(q->dev->broken)) {
		spin_unlock_irqrestore(&q->lock, flags);
		return -EIO;
	}
	if (n > q->free_count) {
		spin_unlock_irqrestore(&q->lock, flags);
		return -EBUSY;
	}
	head = at = q->free_head;
	for (unsigned i = 0; i < n; i++) {
		struct virtq_desc *d = &q->desc[at];

		d->addr = segs[i].addr;
		d->len = segs[i].len;
		d->flags = (uint16_t)((i >= nout ? DESC_WRITE : 0) | (i + 1 < n ? DESC_NEXT : 0));
		d->next = q->slots[at].next;
		if (i >= nout)
			in_bytes += segs[i].len;
		last = at;
		at = q->slots[at].next;
	}
	q->desc[last].next = 0;
	q->free_head = at;
	q->free_count = (uint16_t)(q->free_count - n);
	q->slots[head].token = token;
	q->slots[head].in_bytes = in_bytes;
	q->slots[head].count = (uint16_t)n;
	q->avail[2 + (q->avail_idx & (q->size - 1))] = head;
	q->avail_idx++;
	store_release(&q->avail[1], q->avail_idx);
	spin_unlock_irqrestore(&q->lock, flags);
	return 0;
}

void virtq_kick(struct virtqueue *q)
{
	unsigned long flags = spin_lock_irqsave(&q->lock);
	bool pending = q->kicked_idx != q->avail_idx && !READ_ONCE(q->dev->broken), want = false;

	q->kicked_idx = q->avail_idx;
	/* The index must be visible before the device's wish is read. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (pending) {
		if (virtio_has(q->dev, VIRTIO_F_EVENT_IDX))
			want = true;
		else
			want = !(READ_ONCE(q->used[0]) & USED_NO_NOTIFY);
	}
	spin_unlock_irqrestore(&q->lock, flags);
	if (want)
		q->dev->ops->notify(q->dev, q);
}

void *virtq_get(struct virtqueue *q, uint32_t *len)
{
	unsigned long flags = spin_lock_irqsave(&q->lock);
	struct virtq_slot *s;
	volatile uint32_t *entry;
	const char *wrong = NULL;
	void *token = NULL;
	uint32_t id, n;
	uint16_t idx = load_acquire(&q->used[1]), at;

	if (idx == q->used_seen || READ_ONCE(q->dev->broken))
		goto out;
	if ((uint16_t)(idx - q->used_seen) > q->size) {
		wrong = "used index runs ahead";
		goto out;
	}
	entry = (volatile uint32_t *)(q->used + 2) + 2 * (q->used_seen & (q->size - 1));
	id = entry[0];
	n = entry[1];
	if (id >= q->size || !q->slots[id].token) {
		wrong = "used a descriptor that was not given";
		goto out;
	}
	q->used_seen++;
	s = &q->slots[id];
	token = s->token;
	*len = MIN(n, s->in_bytes);
	s->token = NULL;
	/* The whole chain goes back to the front of the free list. */
	at = (uint16_t)id;
	for (unsigned i = 1; i < s->count; i++)
		at = q->slots[at].next;
	q->slots[at].next = q->free_head;
	q->free_head = (uint16_t)id;
	q->free_count = (uint16_t)(q->free_count + s->count);
out:
	spin_unlock_irqrestore(&q->lock, flags);
	if (wrong)
		virtio_break(q->dev, wrong);
	return token;
}

unsigned virtq_room(struct virtqueue *q)
{
	return READ_ONCE(q->free_count);
}
