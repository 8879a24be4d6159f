/* SPDX-License-Identifier: MIT */
/*
 * Virtio consoles (virtio 1.1, 5.3), one port each: /dev/hvc0, hvc1, ...
 *
 * Input: the device has as many buffers as the terminal has room for, so that
 * nothing is dropped: what cannot be taken stays with the device.  Output: bytes are copied
 * to free buffers; when one comes back the terminal is told that there is room.
 */
#include "virtio.h"
#include <hal/mem.h>
#include <kernel/errno.h>
#include <kernel/page.h>
#include <kernel/print.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/tty.h>

#define VCON_F_SIZE	(1ull << 0)
enum { VCON_BUFS = 8, VCON_BUF_SIZE = 1024, VCON_MAJOR = 229 };

struct vcon_buf { struct vcon_buf *next; uint8_t *data; };
struct vcon {
	struct virtio_dev *dev;
	struct virtqueue *rx, *tx;
	struct tty *tty;
	struct vcon_buf rx_buf[VCON_BUFS], tx_buf[VCON_BUFS];
	struct vcon_buf *tx_free;	/* [lock] */
	struct vcon_buf *rx_held;	/* [lock] not with the device, for want of room */
	unsigned rx_given;		/* [lock] */
	struct spinlock lock;		/* [DRIVER] */
	struct page *pages;
};
static unsigned vcon_count;

/* Hold a buffer back (NULL: none), then give the device as many as the terminal has room for. */
static void vcon_give(struct vcon *c, struct vcon_buf *b)
{
	unsigned long flags = spin_lock_irqsave(&c->lock);

	if (b) {
		b->next = c->rx_held;
		c->rx_held = b;
	}
	while (c->rx_held && (size_t)(c->rx_given + 1) * VCON_BUF_SIZE <= tty_receive_room(c->tty)) {
		struct vcon_buf *give = c->rx_held;
		struct virtq_seg s = { hal_virt_to_phys(give->data), VCON_BUF_SIZE };

		c->rx_held = give->next;
		c->rx_given++;
		spin_unlock_irqrestore(&c->lock, flags);
		if (virtq_add(c->rx, &s, 0, 1, give))	/* cannot be: the queue has a place for each */
			virtio_break(c->dev, "input queue is full");
		flags = spin_lock_irqsave(&c->lock);
	}
	spin_unlock_irqrestore(&c->lock, flags);
}

static void vcon_input_room(struct tty *t)
{
	struct vcon *c = tty_driver_data(t);

	vcon_give(c, NULL);
	virtq_kick(c->rx);
}

static void vcon_rx(struct virtqueue *q)
{
	struct vcon *c = q->private;
	struct vcon_buf *b;
	uint32_t len;

	while ((b = virtq_get(q, &len))) {
		unsigned long flags = spin_lock_irqsave(&c->lock);

		c->rx_given--;
		spin_unlock_irqrestore(&c->lock, flags);
		if (len)
			tty_receive(c->tty, b->data, len);
		vcon_give(c, b);
	}
	virtq_kick(q);
}

static void vcon_tx_put(struct vcon *c, struct vcon_buf *b)
{
	unsigned long flags = spin_lock_irqsave(&c->lock);

	b->next = c->tx_free;
	c->tx_free = b;
	spin_unlock_irqrestore(&c->lock, flags);
}

static void vcon_tx(struct virtqueue *q)
{
	struct vcon *c = q->private;
	struct vcon_buf *b;
	uint32_t len;
	bool any = false;

	while ((b = virtq_get(q, &len))) {
		vcon_tx_put(c, b);
		any = true;
	}
	if (any && c->tty)
		tty_write_wakeup(c->tty);
}

static size_t vcon_write(struct tty *t, const uint8_t *buf, size_t n)
{
	struct vcon *c = tty_driver_data(t);
	size_t done = 0;

	if (READ_ONCE(c->dev->broken))
		return n;	/* nobody will ever read it */
	while (done < n) {
		unsigned long flags = spin_lock_irqsave(&c->lock);
		struct vcon_buf *b = c->tx_free;
		struct virtq_seg s;

		if (b)
			c->tx_free = b->next;
		spin_unlock_irqrestore(&c->lock, flags);
		if (!b)
			break;
		s.len = (uint32_t)MIN(n - done, (size_t)VCON_BUF_SIZE);
		s.addr = hal_virt_to_phys(b->data);
		memcpy(b->data, buf + done, s.len);
		if (virtq_add(c->tx, &s, 1, 0, b)) {
			vcon_tx_put(c, b);
			break;
		}
		done += s.len;
	}
	if (done)
		virtq_kick(c->tx);
	return done;
}

static size_t vcon_write_room(struct tty *t)
{
	struct vcon *c = tty_driver_data(t);
	unsigned long flags = spin_lock_irqsave(&c->lock);
	size_t room = 0;

	for (struct vcon_buf *b = c->tx_free; b; b = b->next)
		room += VCON_BUF_SIZE;
	spin_unlock_irqrestore(&c->lock, flags);
	return room;
}

static const struct tty_driver_ops vcon_ops = { .write = vcon_write, .write_room = vcon_write_room,
	.input_room = vcon_input_room };

static void vcon_config_changed(struct virtio_dev *d)
{
	struct vcon *c = d->driver;
	uint16_t size[2];	/* columns, rows */

	if (!virtio_has(d, VCON_F_SIZE) || !c->tty)
		return;
	virtio_config_read(d, 0, size, 4, 2);
	if (size[0] && size[1])
		tty_set_winsize(c->tty, size[1], size[0]);
}

static int vcon_probe(struct virtio_dev *d)
{
	struct vcon *c = kzalloc(sizeof(*c), 0);
	char name[16];
	int e = -ENOMEM;

	if (!c)
		return -ENOMEM;
	c->dev = d;
	d->driver = c;
	spin_init(&c->lock, LOCK_DRIVER);
	c->pages = page_alloc(2, 0);	/* 4 pages: 16 buffers */
	if (!c->pages)
		goto fail;
	_Static_assert(2 * VCON_BUFS * VCON_BUF_SIZE == 4 * 4096, "buffers fill the pages");
	c->rx = virtq_create(d, 0, 64, vcon_rx);
	c->tx = virtq_create(d, 1, 64, vcon_tx);
	if (!c->rx || !c->tx || c->rx->size < VCON_BUFS || c->tx->size < VCON_BUFS) {
		klog_err("%s: console without queues", d->name);
		e = -EIO;
		goto fail;
	}
	c->rx->private = c->tx->private = c;
	for (unsigned i = 0; i < VCON_BUFS; i++) {
		c->rx_buf[i].data = (uint8_t *)page_addr(c->pages) + i * VCON_BUF_SIZE;
		c->tx_buf[i].data = (uint8_t *)page_addr(c->pages) + (VCON_BUFS + i) * VCON_BUF_SIZE;
		vcon_tx_put(c, &c->tx_buf[i]);
	}
	ksnprintf(name, sizeof(name), "hvc%u", vcon_count);
	c->tty = tty_register(name, VCON_MAJOR, vcon_count, &vcon_ops, c);
	if (!c->tty)
		goto fail;
	vcon_count++;
	d->config_changed = vcon_config_changed;
	e = virtio_ready(d);
	if (e)
		return e;	/* the terminal stays, silent */
	for (unsigned i = 0; i < VCON_BUFS; i++)
		vcon_give(c, &c->rx_buf[i]);
	virtq_kick(c->rx);
	vcon_config_changed(d);
	return 0;
fail:
	if (c->pages)
		page_put(c->pages);
	kfree(c);
	return e;
}

const struct virtio_driver virtio_console_driver = {
	.device_id = VIRTIO_ID_CONSOLE,
	.name = "console",
	.features = VCON_F_SIZE,
	.probe = vcon_probe,
};
