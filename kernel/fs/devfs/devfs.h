/* SPDX-License-Identifier: MIT */
/* Private to fs/devfs. */
#ifndef DEVFS_H
#define DEVFS_H
void mem_devices_init(void);	/* null, zero, full, random, urandom, kmsg */
#endif
