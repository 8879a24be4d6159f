/* SPDX-License-Identifier: MIT */
/* virtio-mmio registers and split virtqueues: see virtio.h. */
#include "virtio.h"
#include <stdio.h>
#include <string.h>

static struct vdev *devs[HOST_DEVS];
static unsigned ndevs;

enum { S_DRIVER_OK = 4, S_FEATURES_OK = 8, S_NEEDS_RESET = 64 };
enum { F_NEXT = 1, F_WRITE = 2, F_INDIRECT = 4 };
enum { ISR_QUEUE = 1, ISR_CONFIG = 2 };
#define VIRTIO_F_INDIRECT_DESC	(UINT64_C(1) << 28)
#define VIRTIO_F_VERSION_1	(UINT64_C(1) << 32)

void vdev_add(struct vdev *d, const struct vdev_ops *ops, uint64_t more_features)
{
	if (ndevs == HOST_DEVS)
		fatal("too many devices");
	d->ops = ops;
	d->index = ndevs;
	d->features = ops->features | more_features | VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT_DESC;
	pthread_mutex_init(&d->lock, NULL);
	devs[ndevs++] = d;
}

unsigned host_dev_count(void) { return ndevs; }

static void raise_irq(struct vdev *d, uint32_t isr)
{
	__atomic_fetch_or(&d->isr, isr, __ATOMIC_SEQ_CST);
	d->interrupts++;
	host_hooks.irq(d->index + 1, cpu_self >= 0 ? (unsigned)cpu_self : d->cpu, cpu_self >= 0);
}

void vdev_break(struct vdev *d, const char *why)
{
	if (d->broken)
		return;
	fprintf(stderr, "eft: virtio device %u: %s\r\n", d->index, why);
	d->broken = true;
	d->status |= S_NEEDS_RESET;
	raise_irq(d, ISR_CONFIG);
}

void vdev_config_changed(struct vdev *d)
{
	d->config_gen++;
	if (d->status & S_DRIVER_OK)
		raise_irq(d, ISR_CONFIG);
}

static void vdev_reset(struct vdev *d)
{
	if (d->ops->reset)
		d->ops->reset(d);
	d->status = d->isr = 0;
	d->feature_sel = d->driver_feature_sel = d->queue_sel = 0;
	d->driver_features = 0;
	d->broken = false;
	memset(d->q, 0, sizeof(d->q));
}

/* ---- queues ---- */

static void vq_enable(struct vdev *d, struct vq *q)
{
	uint32_t n = q->size;

	if (!n || n > VQ_SIZE_MAX || (n & (n - 1)) || (q->desc_pa & 15) || (q->avail_pa & 1) || (q->used_pa & 3)) {
		vdev_break(d, "bad queue");
		return;
	}
	q->desc = mem_at(q->desc_pa, n * sizeof(*q->desc));
	q->avail = mem_at(q->avail_pa, 6 + n * 2);
	q->used = mem_at(q->used_pa, 6 + n * 8);
	if (!q->desc || !q->avail || !q->used) {
		vdev_break(d, "queue outside of memory");
		return;
	}
	q->last_avail = q->used_idx = 0;
	q->ready = true;
}

bool vq_available(struct vdev *d, struct vq *q)
{
	return q->ready && !d->broken && (d->status & S_DRIVER_OK) &&
		__atomic_load_n(&q->avail->idx, __ATOMIC_ACQUIRE) != q->last_avail;
}

/* A chain of descriptors in a table of n; 0 or an explanation. */
static const char *chain(const struct vq_desc *table, uint32_t n, uint16_t at, struct vq_request *r, bool may_indirect)
{
	for (uint32_t steps = 0; steps < n; steps++) {
		if (at >= n)
			return "descriptor out of range";
		struct vq_desc desc = table[at];	/* once: the driver may change it meanwhile */
		if (desc.flags & F_INDIRECT) {
			if (!may_indirect || (desc.flags & (F_NEXT | F_WRITE)) || desc.len % 16 || !desc.len)
				return "bad indirect descriptor";
			const struct vq_desc *t = mem_at(desc.addr, desc.len);
			if (!t)
				return "indirect table outside of memory";
			return chain(t, desc.len / 16, 0, r, false);
		}
		if (r->out + r->in == VQ_SEGMENTS)
			return "too many segments";
		void *p = mem_at(desc.addr, desc.len);
		if (!p || !desc.len)
			return "buffer outside of memory";
		r->iov[r->out + r->in] = (struct iovec){ p, desc.len };
		if (desc.flags & F_WRITE) {
			r->in++;
			r->in_len += desc.len;
		} else {
			if (r->in)
				return "readable buffer behind a writable one";
			r->out++;
			r->out_len += desc.len;
		}
		if (!(desc.flags & F_NEXT))
			return NULL;
		at = desc.next;
	}
	return "endless chain";
}

int vq_take(struct vdev *d, struct vq *q, struct vq_request *r)
{
	if (!vq_available(d, q))
		return 0;
	uint16_t waiting = (uint16_t)(__atomic_load_n(&q->avail->idx, __ATOMIC_ACQUIRE) - q->last_avail);
	if (waiting > q->size) {
		vdev_break(d, "more requests than the queue holds");
		return -1;
	}
	r->head = q->avail->ring[q->last_avail & (q->size - 1)];
	r->out = r->in = 0;
	r->out_len = r->in_len = 0;
	const char *why = chain(q->desc, q->size, r->head, r, true);
	if (why) {
		vdev_break(d, why);
		return -1;
	}
	q->last_avail++;
	d->requests++;
	return 1;
}

void vq_done(struct vdev *d, struct vq *q, uint16_t head, uint32_t written)
{
	(void)d;
	if (!q->ready)		/* reset meanwhile */
		return;
	uint16_t i = q->used_idx & (q->size - 1);
	q->used->ring[i].id = head;
	q->used->ring[i].len = written;
	q->used_idx++;
	__atomic_store_n(&q->used->idx, q->used_idx, __ATOMIC_RELEASE);
}

void vq_interrupt(struct vdev *d, struct vq *q)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (q->ready && !(__atomic_load_n(&q->avail->flags, __ATOMIC_ACQUIRE) & 1))
		raise_irq(d, ISR_QUEUE);
}

/* ---- registers ---- */

static uint32_t config_read(struct vdev *d, uint32_t off, unsigned size)
{
	uint32_t v = 0;
	if (off < d->config_len)
		memcpy(&v, d->config + off, size <= d->config_len - off ? size : d->config_len - off);
	return v;
}

uint32_t host_dev_read(unsigned dev, uint32_t off, unsigned size)
{
	struct vdev *d = devs[dev];
	uint32_t v = 0;

	if (off == 0x060)	/* InterruptStatus: the hot one, no lock */
		return __atomic_load_n(&d->isr, __ATOMIC_SEQ_CST);
	pthread_mutex_lock(&d->lock);
	const struct vq *q = d->queue_sel < d->ops->queues ? &d->q[d->queue_sel] : NULL;
	if (off >= 0x100) {
		v = config_read(d, off - 0x100, size);
	} else if (size == 4) {
		switch (off) {
		case 0x000: v = 0x74726976; break;	/* "virt" */
		case 0x004: v = 2; break;
		case 0x008: v = d->ops->id; break;
		case 0x00c: v = 0x746665; break;	/* "eft" */
		case 0x010: v = d->feature_sel < 2 ? (uint32_t)(d->features >> 32 * d->feature_sel) : 0; break;
		case 0x034: v = q ? VQ_SIZE_MAX : 0; break;
		case 0x044: v = q ? q->ready : 0; break;
		case 0x070: v = d->status; break;
		case 0x0b0: case 0x0b4: v = UINT32_MAX; break;	/* no shared memory */
		case 0x0fc: v = d->config_gen; break;
		}
	}
	pthread_mutex_unlock(&d->lock);
	return v;
}

static void set_half(uint64_t *v, bool high, uint32_t half)
{
	*v = high ? (*v & UINT32_MAX) | (uint64_t)half << 32 : (*v & ~(uint64_t)UINT32_MAX) | half;
}

static void set_status(struct vdev *d, uint32_t v)
{
	if (v == 0) {
		vdev_reset(d);
		return;
	}
	if ((v & S_FEATURES_OK) && !(d->status & S_FEATURES_OK) &&
	    ((d->driver_features & ~d->features) || !(d->driver_features & VIRTIO_F_VERSION_1)))
		v &= ~(uint32_t)S_FEATURES_OK;
	d->status = v | (d->broken ? S_NEEDS_RESET : 0);
	if (v & S_DRIVER_OK)
		for (unsigned i = 0; i < d->ops->queues; i++)
			if (vq_available(d, &d->q[i]))
				d->ops->notify(d, i);
}

void host_dev_write(unsigned dev, uint32_t off, unsigned size, uint32_t v)
{
	struct vdev *d = devs[dev];

	if (off == 0x064) {	/* InterruptACK */
		__atomic_fetch_and(&d->isr, ~v, __ATOMIC_SEQ_CST);
		return;
	}
	pthread_mutex_lock(&d->lock);
	struct vq *q = d->queue_sel < d->ops->queues ? &d->q[d->queue_sel] : NULL;
	struct vq *setup = q && !q->ready ? q : NULL;
	if (off >= 0x100) {
		if (d->ops->config_write)
			d->ops->config_write(d, off - 0x100, size, v);
	} else if (size == 4) {
		switch (off) {
		case 0x014: d->feature_sel = v; break;
		case 0x020:
			if (d->driver_feature_sel < 2 && !(d->status & S_FEATURES_OK))
				set_half(&d->driver_features, d->driver_feature_sel, v);
			break;
		case 0x024: d->driver_feature_sel = v; break;
		case 0x030: d->queue_sel = v; break;
		case 0x038: if (setup) setup->size = v; break;
		case 0x044:
			if (q && v && !q->ready)
				vq_enable(d, q);
			else if (q && !v)
				q->ready = false;
			break;
		case 0x050:
			if (cpu_self >= 0)
				d->cpu = (unsigned)cpu_self;
			if (v < d->ops->queues && vq_available(d, &d->q[v]))
				d->ops->notify(d, v);
			break;
		case 0x070: set_status(d, v); break;
		case 0x080: case 0x084: if (setup) set_half(&setup->desc_pa, off & 4, v); break;
		case 0x090: case 0x094: if (setup) set_half(&setup->avail_pa, off & 4, v); break;
		case 0x0a0: case 0x0a4: if (setup) set_half(&setup->used_pa, off & 4, v); break;
		}
	}
	pthread_mutex_unlock(&d->lock);
}

void devices_init(const struct options *o)
{
	console_add();
	for (const struct disk_option *k = o->disks; k; k = k->next)
		blk_add(k->path, o->rw, o->flush);
	rng_add();
}

void stats_print(void)
{
	const char *name;
	uint64_t v;

	for (unsigned i = 0; host_hooks.stats && host_hooks.stats(i, &name, &v); i++)
		fprintf(stderr, "eft: %12llu %s\n", (unsigned long long)v, name);
	static const char *const names[] = { [2] = "block", [3] = "console", [4] = "entropy" };

	for (unsigned i = 0; i < ndevs; i++)
		fprintf(stderr, "eft: device %u (%s): %llu requests, %llu interrupts, %llu host flushes\n", i, names[devs[i]->ops->id],
			(unsigned long long)devs[i]->requests, (unsigned long long)devs[i]->interrupts, (unsigned long long)devs[i]->flushes);
}
