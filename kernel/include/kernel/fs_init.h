/* SPDX-License-Identifier: MIT */
/* File systems that core/main.c registers. */
#ifndef KERNEL_FS_INIT_H
#define KERNEL_FS_INIT_H
void ext2_init(void);
#endif
