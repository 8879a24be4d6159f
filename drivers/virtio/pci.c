/* SPDX-License-Identifier: MIT */
/*
 * Virtio over PCI, the modern interface (virtio 1.1, 4.1): register blocks are
 * found through vendor capabilities.  Interrupts are MSI-X (entry 0: changes of
 * the configuration, one for each queue from 1 on as far as there are enough), or INTx with its status register.
 */
#include "../bus/pci.h"
#include "../driver.h"
#include "virtio.h"
#include <hal/dev.h>
#include <hal/irq.h>
#include <kernel/cpu.h>
#include <kernel/errno.h>
#include <kernel/print.h>
#include <kernel/slab.h>

enum { CAP_VENDOR = 0x09, VCAP_COMMON = 1, VCAP_NOTIFY = 2, VCAP_ISR = 3, VCAP_DEVICE = 4 };
enum { C_DEV_FEATURES_SEL = 0, C_DEV_FEATURES = 4, C_DRV_FEATURES_SEL = 8, C_DRV_FEATURES = 12, C_MSIX_CONFIG = 16, C_NUM_QUEUES = 18,
	C_STATUS = 20, C_GENERATION = 21, C_QUEUE_SEL = 22, C_QUEUE_SIZE = 24, C_QUEUE_MSIX = 26, C_QUEUE_ENABLE = 28,
	C_QUEUE_NOTIFY_OFF = 30, C_QUEUE_DESC = 32, C_QUEUE_AVAIL = 40, C_QUEUE_USED = 48, C_SIZE = 56, NO_VECTOR = 0xffff };

struct vpci {
	struct virtio_dev dev;
	struct pci_func *func;
	uint64_t common, notify, isr, config;	/* for hal_io_* */
	uint64_t notify_size, config_size;
	uint32_t notify_multiplier;
	bool msix, irq_on;
	unsigned vectors;		/* MSI-X entries in use: the configuration's, and the queues' */
	unsigned irq[1 + VIRTIO_MAX_VQS];	/* by vector; without MSI-X [0] is all */
	uint8_t vector[VIRTIO_MAX_VQS];	/* of each queue */
};

static struct vpci *vpci_of(struct virtio_dev *d)
{
	return d->transport;
}

static uint64_t vpci_get_features(struct virtio_dev *d)
{
	uint64_t c = vpci_of(d)->common, f;

	hal_io_write32(c + C_DEV_FEATURES_SEL, 1);
	f = (uint64_t)hal_io_read32(c + C_DEV_FEATURES) << 32;
	hal_io_write32(c + C_DEV_FEATURES_SEL, 0);
	return f | hal_io_read32(c + C_DEV_FEATURES);
}

static void vpci_set_features(struct virtio_dev *d, uint64_t f)
{
	uint64_t c = vpci_of(d)->common;

	hal_io_write32(c + C_DRV_FEATURES_SEL, 1);
	hal_io_write32(c + C_DRV_FEATURES, (uint32_t)(f >> 32));
	hal_io_write32(c + C_DRV_FEATURES_SEL, 0);
	hal_io_write32(c + C_DRV_FEATURES, (uint32_t)f);
}

static uint8_t vpci_get_status(struct virtio_dev *d)
{
	return hal_io_read8(vpci_of(d)->common + C_STATUS);
}

static void vpci_set_status(struct virtio_dev *d, uint8_t status)
{
	uint64_t c = vpci_of(d)->common;

	hal_io_write8(c + C_STATUS, status);
	for (unsigned i = 0; status == 0 && i < 1000 && hal_io_read8(c + C_STATUS) != 0; i++)
		hal_cpu_relax();
}

static uint32_t vpci_generation(struct virtio_dev *d)
{
	return hal_io_read8(vpci_of(d)->common + C_GENERATION);
}

static uint32_t vpci_config_read(struct virtio_dev *d, unsigned offset, unsigned width)
{
	struct vpci *v = vpci_of(d);
	uint64_t reg = v->config + offset;

	if (offset + width > v->config_size)
		return 0;
	return width == 1 ? hal_io_read8(reg) : width == 2 ? hal_io_read16(reg) : hal_io_read32(reg);
}

static void vpci_config_write(struct virtio_dev *d, unsigned offset, unsigned width, uint32_t val)
{
	struct vpci *v = vpci_of(d);
	uint64_t reg = v->config + offset;

	if (offset + width > v->config_size)
		return;
	if (width == 1)
		hal_io_write8(reg, (uint8_t)val);
	else if (width == 2)
		hal_io_write16(reg, (uint16_t)val);
	else
		hal_io_write32(reg, val);
}

static unsigned vpci_queue_max(struct virtio_dev *d, unsigned index)
{
	uint64_t c = vpci_of(d)->common;

	if (index >= hal_io_read16(c + C_NUM_QUEUES))
		return 0;
	hal_io_write16(c + C_QUEUE_SEL, (uint16_t)index);
	return hal_io_read16(c + C_QUEUE_ENABLE) ? 0 : hal_io_read16(c + C_QUEUE_SIZE);
}

/* The vector of a queue: its own if there is one, else the first queue's. */
static unsigned vpci_vector(struct vpci *v, unsigned index)
{
	if (index && v->vectors == index + 1 && pci_msix_setup(v->func, index + 1, &v->irq[index + 1]) == 0)
		v->vectors++;
	v->vector[index] = index + 1 < v->vectors ? (uint8_t)(index + 1) : 1;
	return v->vector[index];
}

static void vpci_write64(uint64_t reg, uint64_t v)
{
	hal_io_write32(reg, (uint32_t)v);
	hal_io_write32(reg + 4, (uint32_t)(v >> 32));
}

static int vpci_queue_enable(struct virtio_dev *d, struct virtqueue *q)
{
	struct vpci *v = vpci_of(d);
	uint64_t c = v->common, off;

	hal_io_write16(c + C_QUEUE_SEL, (uint16_t)q->index);
	hal_io_write16(c + C_QUEUE_SIZE, (uint16_t)q->size);
	vpci_write64(c + C_QUEUE_DESC, q->desc_pa);
	vpci_write64(c + C_QUEUE_AVAIL, q->avail_pa);
	vpci_write64(c + C_QUEUE_USED, q->used_pa);
	if (v->msix) {
		unsigned vector = vpci_vector(v, q->index);

		hal_io_write16(c + C_QUEUE_MSIX, (uint16_t)vector);
		if (hal_io_read16(c + C_QUEUE_MSIX) != vector)
			return -EIO;
	}
	off = (uint64_t)hal_io_read16(c + C_QUEUE_NOTIFY_OFF) * v->notify_multiplier;
	if (off + 2 > v->notify_size)
		return -EIO;
	q->notify_reg = v->notify + off;
	hal_io_write16(c + C_QUEUE_ENABLE, 1);
	return 0;
}

static void vpci_notify(struct virtio_dev *d, struct virtqueue *q)
{
	hal_io_write16(q->notify_reg, (uint16_t)q->index);
}

static bool vpci_config_vector(void *arg)
{
	virtio_config_irq(arg);
	return true;
}

static bool vpci_queue_vector(void *arg)
{
	struct virtqueue *q = arg;

	if (q->callback)
		q->callback(q);
	return true;
}

static void vpci_message(void *arg)
{
	struct virtqueue *q = arg;
	struct vpci *v = vpci_of(q->dev);

	pci_msix_update(v->func, v->vector[q->index], v->irq[v->vector[q->index]]);
}

static bool vpci_intx(void *arg)
{
	struct virtio_dev *d = arg;
	uint8_t isr = hal_io_read8(vpci_of(d)->isr);	/* reading quiets it */

	if (isr & 1)
		virtio_queue_irq(d);
	if (isr & 2)
		virtio_config_irq(d);
	return isr & 3;
}

/* The configuration's line and those of the first n queues. */
static void vpci_irqs_release(struct virtio_dev *d, unsigned n)
{
	struct vpci *v = vpci_of(d);

	irq_release(v->irq[0], d);
	for (unsigned i = 0; i < n; i++)
		if (d->queues[i]) {
			irq_on_message(v->irq[v->vector[i]], NULL, NULL);
			irq_release(v->irq[v->vector[i]], d->queues[i]);
		}
}

static int vpci_irq_enable(struct virtio_dev *d)
{
	struct vpci *v = vpci_of(d);
	int e;

	if (!v->msix) {
		e = irq_request(v->irq[0], vpci_intx, d, d->name);
		v->irq_on = e == 0;
		if (!e)
			irq_spread(v->irq[0]);
		return e;
	}
	hal_io_write16(v->common + C_MSIX_CONFIG, 0);
	e = irq_request(v->irq[0], vpci_config_vector, d, d->name);
	if (e)
		return e;
	for (unsigned i = 0; i < d->nqueues; i++) {
		struct virtqueue *q = d->queues[i];
		unsigned irq = v->irq[v->vector[i]];

		e = q ? irq_request(irq, vpci_queue_vector, q, d->name) : 0;
		if (e) {
			vpci_irqs_release(d, i);
			return e;
		}
		if (q && v->vector[i] == i + 1) {	/* the first of its vector */
			irq_on_message(irq, vpci_message, q);
			irq_spread(irq);
		}
	}
	v->irq_on = true;
	pci_msix_enable(v->func);
	return 0;
}

static void vpci_irq_disable(struct virtio_dev *d)
{
	struct vpci *v = vpci_of(d);

	if (!v->irq_on)
		return;
	v->irq_on = false;
	if (v->msix) {
		pci_msix_disable(v->func);
		vpci_irqs_release(d, d->nqueues);
	} else {
		irq_release(v->irq[0], d);
	}
}

static const struct virtio_transport vpci_transport = {
	.get_features = vpci_get_features,
	.set_features = vpci_set_features,
	.get_status = vpci_get_status,
	.set_status = vpci_set_status,
	.generation = vpci_generation,
	.config_read = vpci_config_read,
	.config_write = vpci_config_write,
	.queue_max = vpci_queue_max,
	.queue_enable = vpci_queue_enable,
	.notify = vpci_notify,
	.irq_enable = vpci_irq_enable,
	.irq_disable = vpci_irq_disable,
};

/* The registers a capability points to; 0: not where it says. */
static uint64_t vpci_region(struct pci_func *f, unsigned cap, uint64_t need, uint64_t *size)
{
	unsigned bar = pci_read8(f, cap + 4);
	uint64_t off = pci_read32(f, cap + 8), len = pci_read32(f, cap + 12);

	if (bar > 5 || !f->bar[bar].size || off > f->bar[bar].size || len > f->bar[bar].size - off || len < need)
		return 0;
	*size = len;
	return f->bar[bar].base + off;
}

int virtio_pci_probe(struct pci_func *f)
{
	struct vpci *v = kzalloc(sizeof(*v), 0);
	uint64_t size;
	int e = -ENODEV;

	if (!v)
		return -ENOMEM;
	v->func = f;
	for (unsigned cap = pci_find_cap(f, CAP_VENDOR, 0); cap; cap = pci_find_cap(f, CAP_VENDOR, cap))
		switch (pci_read8(f, cap + 3)) {
		case VCAP_COMMON:
			if (!v->common)
				v->common = vpci_region(f, cap, C_SIZE, &size);
			break;
		case VCAP_NOTIFY:
			if (!v->notify) {
				v->notify = vpci_region(f, cap, 2, &v->notify_size);
				v->notify_multiplier = pci_read32(f, cap + 16);
			}
			break;
		case VCAP_ISR:
			if (!v->isr)
				v->isr = vpci_region(f, cap, 1, &size);
			break;
		case VCAP_DEVICE:
			if (!v->config)
				v->config = vpci_region(f, cap, 1, &v->config_size);
			break;
		}
	if (!v->common || !v->notify || !v->isr) {
		klog_err("pci %02x:%02x.%u: virtio device without the modern interface", f->bdf >> 8, f->bdf >> 3 & 31, f->bdf & 7);
		goto fail;
	}
	pci_enable(f);
	v->dev.ops = &vpci_transport;
	v->dev.transport = v;
	v->dev.device_id = f->device >= 0x1040 ? f->device - 0x1040u : f->subsystem;
	ksnprintf(v->dev.name, sizeof(v->dev.name), "virtio-pci %02x:%02x.%u", f->bdf >> 8 & 0xff, f->bdf >> 3 & 31, f->bdf & 7);
	if (pci_msix_setup(f, 0, &v->irq[0]) == 0) {
		if (pci_msix_setup(f, 1, &v->irq[1]) == 0) {
			v->msix = true;
			v->vectors = 2;
		} else {
			hal_msi_free(v->irq[0]);
		}
	}
	if (!v->msix) {
		e = pci_intx(f, &v->irq[0]);
		if (e) {
			klog_err("%s: no interrupt", v->dev.name);
			goto fail;
		}
	}
	e = virtio_device_add(&v->dev);
	if (!e)
		return 0;
	for (unsigned i = 0; i < v->vectors; i++)
		hal_msi_free(v->irq[i]);
fail:
	kfree(v);
	return e;
}
