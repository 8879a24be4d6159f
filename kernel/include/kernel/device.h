/* SPDX-License-Identifier: MIT */
/* Drivers: matched by the compatible string of hal_dev_get()'s devices, or by PCI ids. */
#ifndef KERNEL_DEVICE_H
#define KERNEL_DEVICE_H
#include <hal/dev.h>
/* Finds and starts every device.  drivers/drivers.c holds the table of drivers. */
void drivers_init(void);
/* Entropy from devices, into the kernel's random pool (core/random.c). */
void random_add(const void *buf, size_t n);
void random_get(void *buf, size_t n);	/* any context */
#endif
