/* SPDX-License-Identifier: MIT */
/* Virtio devices: initialization and feature negotiation (virtio 1.1, 3.1), interrupts, configuration space. */
#include "virtio.h"
#include <kernel/errno.h>
#include <kernel/print.h>
#include <kernel/string.h>

static const struct virtio_driver *const virtio_drivers[] = { &virtio_blk_driver, &virtio_console_driver, &virtio_rng_driver };

int virtio_device_add(struct virtio_dev *d)
{
	const struct virtio_driver *drv = NULL;
	uint64_t offered;
	int e;

	for (unsigned i = 0; i < ARRAY_SIZE(virtio_drivers); i++)
		if (virtio_drivers[i]->device_id == d->device_id)
			drv = virtio_drivers[i];
	if (!drv)
		return -ENODEV;
	d->ops->set_status(d, 0);
	d->ops->set_status(d, VIRTIO_S_ACKNOWLEDGE);
	d->ops->set_status(d, VIRTIO_S_ACKNOWLEDGE | VIRTIO_S_DRIVER);
	offered = d->ops->get_features(d);
	if (!(offered & VIRTIO_F_VERSION_1)) {
		klog_err("%s: %s: a legacy device (QEMU: disable-legacy=on, virtio-mmio.force-legacy=false)", d->name, drv->name);
		e = -ENOTSUP;
		goto fail;
	}
	d->features = offered & (drv->features | VIRTIO_F_VERSION_1);
	d->ops->set_features(d, d->features);
	d->ops->set_status(d, VIRTIO_S_ACKNOWLEDGE | VIRTIO_S_DRIVER | VIRTIO_S_FEATURES_OK);
	if (!(d->ops->get_status(d) & VIRTIO_S_FEATURES_OK)) {
		klog_err("%s: %s: refuses features 0x%llx", d->name, drv->name, (unsigned long long)d->features);
		e = -ENOTSUP;
		goto fail;
	}
	e = drv->probe(d);
	if (!e)
		return 0;
fail:
	d->ops->irq_disable(d);
	d->ops->set_status(d, 0);
	for (unsigned i = 0; i < VIRTIO_MAX_VQS; i++)
		if (d->queues[i])
			virtq_destroy(d->queues[i]);
	return e;
}

int virtio_ready(struct virtio_dev *d)
{
	int e = d->ops->irq_enable(d);

	if (e)
		return e;
	d->ops->set_status(d, VIRTIO_S_ACKNOWLEDGE | VIRTIO_S_DRIVER | VIRTIO_S_FEATURES_OK | VIRTIO_S_DRIVER_OK);
	return 0;
}

void virtio_config_read(struct virtio_dev *d, unsigned offset, void *buf, unsigned n, unsigned width)
{
	uint8_t *out = buf;
	uint32_t before, after;
	unsigned tries = 8;	/* a device that changes for ever is not waited for */

	do {
		before = d->ops->generation(d);
		for (unsigned i = 0; i < n; i += width) {
			uint32_t v = d->ops->config_read(d, offset + i, width);

			memcpy(out + i, &v, width);
		}
		after = d->ops->generation(d);
	} while (before != after && --tries);
}

void virtio_queue_irq(struct virtio_dev *d)
{
	for (unsigned i = 0; i < d->nqueues; i++)
		if (d->queues[i] && d->queues[i]->callback)
			d->queues[i]->callback(d->queues[i]);
}

void virtio_config_irq(struct virtio_dev *d)
{
	if (d->config_changed && !READ_ONCE(d->broken))
		d->config_changed(d);
}

void virtio_break(struct virtio_dev *d, const char *why)
{
	if (!__atomic_exchange_n(&d->broken, true, __ATOMIC_RELAXED))
		klog_err("%s: device broke the protocol (%s): not used any more", d->name, why);
}
