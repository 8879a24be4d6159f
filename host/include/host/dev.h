/* SPDX-License-Identifier: MIT */
/*
 * Device models: virtio-mmio, version 2 (virtio 1.2, 4.2).  Index 0, 1, ...;
 * line of device n is n + 1.
 */
#ifndef HOST_DEV_H
#define HOST_DEV_H
#include <stdint.h>

unsigned host_dev_count(void);
uint32_t host_dev_read(unsigned dev, uint32_t offset, unsigned size);
void host_dev_write(unsigned dev, uint32_t offset, unsigned size, uint32_t v);
#endif
