/* SPDX-License-Identifier: MIT */
/* Drivers: matched by the compatible string of hal_dev_get()'s devices, or by PCI ids. */
#ifndef KERNEL_DEVICE_H
#define KERNEL_DEVICE_H
#include <hal/dev.h>
/* Finds and starts every device.  drivers/drivers.c holds the table of drivers. */
void drivers_init(void);
#endif
