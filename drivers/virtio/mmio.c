/* SPDX-License-Identifier: MIT */
/* Virtio over memory-mapped registers, version 2 (virtio 1.1, 4.2). */
#include "../driver.h"
#include "virtio.h"
#include <hal/dev.h>
#include <kernel/cpu.h>
#include <kernel/errno.h>
#include <kernel/print.h>
#include <kernel/slab.h>

enum { REG_MAGIC = 0x000, REG_VERSION = 0x004, REG_DEVICE_ID = 0x008, REG_DEV_FEATURES = 0x010, REG_DEV_FEATURES_SEL = 0x014,
	REG_DRV_FEATURES = 0x020, REG_DRV_FEATURES_SEL = 0x024, REG_QUEUE_SEL = 0x030, REG_QUEUE_MAX = 0x034, REG_QUEUE_SIZE = 0x038,
	REG_QUEUE_READY = 0x044, REG_NOTIFY = 0x050, REG_IRQ_STATUS = 0x060, REG_IRQ_ACK = 0x064, REG_STATUS = 0x070,
	REG_DESC_LO = 0x080, REG_DESC_HI = 0x084, REG_AVAIL_LO = 0x090, REG_AVAIL_HI = 0x094, REG_USED_LO = 0x0a0, REG_USED_HI = 0x0a4,
	REG_GENERATION = 0x0fc, REG_CONFIG = 0x100 };
enum { IRQ_QUEUE = 1, IRQ_CONFIG = 2 };

struct virtio_mmio { struct virtio_dev dev; uint64_t base; unsigned irq; bool irq_on; };

static uint32_t mmio_read(struct virtio_dev *d, unsigned reg)
{
	struct virtio_mmio *m = d->transport;

	return hal_io_read32(m->base + reg);
}

static void mmio_write(struct virtio_dev *d, unsigned reg, uint32_t v)
{
	struct virtio_mmio *m = d->transport;

	hal_io_write32(m->base + reg, v);
}

static uint64_t mmio_get_features(struct virtio_dev *d)
{
	uint64_t f;

	mmio_write(d, REG_DEV_FEATURES_SEL, 1);
	f = (uint64_t)mmio_read(d, REG_DEV_FEATURES) << 32;
	mmio_write(d, REG_DEV_FEATURES_SEL, 0);
	return f | mmio_read(d, REG_DEV_FEATURES);
}

static void mmio_set_features(struct virtio_dev *d, uint64_t f)
{
	mmio_write(d, REG_DRV_FEATURES_SEL, 1);
	mmio_write(d, REG_DRV_FEATURES, (uint32_t)(f >> 32));
	mmio_write(d, REG_DRV_FEATURES_SEL, 0);
	mmio_write(d, REG_DRV_FEATURES, (uint32_t)f);
}

static uint8_t mmio_get_status(struct virtio_dev *d)
{
	return (uint8_t)mmio_read(d, REG_STATUS);
}

static void mmio_set_status(struct virtio_dev *d, uint8_t status)
{
	mmio_write(d, REG_STATUS, status);
	/* A reset is done when 0 reads back; a device that never says so is not waited for. */
	for (unsigned i = 0; status == 0 && i < 1000 && mmio_read(d, REG_STATUS) != 0; i++)
		hal_cpu_relax();
}

static uint32_t mmio_generation(struct virtio_dev *d)
{
	return mmio_read(d, REG_GENERATION);
}

static uint32_t mmio_config_read(struct virtio_dev *d, unsigned offset, unsigned width)
{
	struct virtio_mmio *m = d->transport;
	uint64_t reg = m->base + REG_CONFIG + offset;

	return width == 1 ? hal_io_read8(reg) : width == 2 ? hal_io_read16(reg) : hal_io_read32(reg);
}

static void mmio_config_write(struct virtio_dev *d, unsigned offset, unsigned width, uint32_t v)
{
	struct virtio_mmio *m = d->transport;
	uint64_t reg = m->base + REG_CONFIG + offset;

	if (width == 1)
		hal_io_write8(reg, (uint8_t)v);
	else if (width == 2)
		hal_io_write16(reg, (uint16_t)v);
	else
		hal_io_write32(reg, v);
}

static unsigned mmio_queue_max(struct virtio_dev *d, unsigned index)
{
	mmio_write(d, REG_QUEUE_SEL, index);
	return mmio_read(d, REG_QUEUE_READY) ? 0 : mmio_read(d, REG_QUEUE_MAX);
}

static int mmio_queue_enable(struct virtio_dev *d, struct virtqueue *q)
{
	mmio_write(d, REG_QUEUE_SEL, q->index);
	mmio_write(d, REG_QUEUE_SIZE, q->size);
	mmio_write(d, REG_DESC_LO, (uint32_t)q->desc_pa);
	mmio_write(d, REG_DESC_HI, (uint32_t)(q->desc_pa >> 32));
	mmio_write(d, REG_AVAIL_LO, (uint32_t)q->avail_pa);
	mmio_write(d, REG_AVAIL_HI, (uint32_t)(q->avail_pa >> 32));
	mmio_write(d, REG_USED_LO, (uint32_t)q->used_pa);
	mmio_write(d, REG_USED_HI, (uint32_t)(q->used_pa >> 32));
	mmio_write(d, REG_QUEUE_READY, 1);
	return mmio_read(d, REG_QUEUE_READY) ? 0 : -EIO;
}

static void mmio_notify(struct virtio_dev *d, struct virtqueue *q)
{
	mmio_write(d, REG_NOTIFY, q->index);
}

static bool mmio_irq(void *arg)
{
	struct virtio_dev *d = arg;
	uint32_t status = mmio_read(d, REG_IRQ_STATUS) & (IRQ_QUEUE | IRQ_CONFIG);

	if (!status)
		return false;
	mmio_write(d, REG_IRQ_ACK, status);
	if (status & IRQ_QUEUE)
		virtio_queue_irq(d);
	if (status & IRQ_CONFIG)
		virtio_config_irq(d);
	return true;
}

static int mmio_irq_enable(struct virtio_dev *d)
{
	struct virtio_mmio *m = d->transport;
	int e = irq_request(m->irq, mmio_irq, d, d->name);

	m->irq_on = e == 0;
	if (!e)
		irq_spread(m->irq);
	return e;
}

static void mmio_irq_disable(struct virtio_dev *d)
{
	struct virtio_mmio *m = d->transport;

	if (m->irq_on)
		irq_release(m->irq, d);
	m->irq_on = false;
}

static const struct virtio_transport mmio_transport = {
	.get_features = mmio_get_features,
	.set_features = mmio_set_features,
	.get_status = mmio_get_status,
	.set_status = mmio_set_status,
	.generation = mmio_generation,
	.config_read = mmio_config_read,
	.config_write = mmio_config_write,
	.queue_max = mmio_queue_max,
	.queue_enable = mmio_queue_enable,
	.notify = mmio_notify,
	.irq_enable = mmio_irq_enable,
	.irq_disable = mmio_irq_disable,
};

int virtio_mmio_probe(const struct hal_dev *dev)
{
	struct virtio_mmio *m;
	uint32_t id;
	int e;

	if (hal_io_read32(dev->base + REG_MAGIC) != 0x74726976)
		return -ENODEV;
	id = hal_io_read32(dev->base + REG_DEVICE_ID);
	if (id == 0)
		return -ENODEV;
	if (hal_io_read32(dev->base + REG_VERSION) != 2) {
		klog_err("virtio at 0x%llx: legacy registers (QEMU: -global virtio-mmio.force-legacy=false)", (unsigned long long)dev->base);
		return -ENOTSUP;
	}
	m = kzalloc(sizeof(*m), 0);
	if (!m)
		return -ENOMEM;
	m->base = dev->base;
	m->irq = dev->irq;
	m->dev.ops = &mmio_transport;
	m->dev.transport = m;
	m->dev.device_id = id;
	ksnprintf(m->dev.name, sizeof(m->dev.name), "virtio@%llx", (unsigned long long)dev->base);
	e = virtio_device_add(&m->dev);
	if (e)
		kfree(m);
	return e;
}
