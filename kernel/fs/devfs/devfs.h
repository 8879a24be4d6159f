/* SPDX-License-Identifier: MIT */
/* Private to fs/devfs. */
#ifndef DEVFS_H
#define DEVFS_H
#include <kernel/vfs.h>

extern const struct file_ops kmsg_ops;	/* kmsg.c */
void mem_devices_init(void);	/* null, zero, full, random, urandom, kmsg */
#endif
