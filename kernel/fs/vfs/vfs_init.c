/* SPDX-License-Identifier: MIT */
/* Brings the file layer up: caches, then the file systems that need no device. */
#include "vfs_internal.h"

void vfs_init(void)
{
	mount_init();
	dcache_init();
	inode_cache_init();
	file_cache_init();
	chrdev_init();
	anonfs_init();
	nsfs_init();
	tmpfs_init();
	memfd_init();
	devfs_init();
	procfs_init();
	sysfs_init();
}
