/* SPDX-License-Identifier: MIT */
/*
 * What a boot loader put into memory beside the kernel (hal_boot_info()->initrd):
 * an archive of files for the first root, or the image of a disk.
 */
#ifndef KERNEL_INITRD_H
#define KERNEL_INITRD_H
#include <kernel/compiler.h>

enum initrd_kind { INITRD_NONE, INITRD_ARCHIVE, INITRD_DISK };
/* By its first bytes.  Any time. */
enum initrd_kind initrd_kind(void);
/*
 * The archive's files into the root file system.  Once, in a thread that may sleep.  0;
 * -EINVAL: damaged or compressed (said in the log), -ENOMEM, -ENOSPC.
 */
int initramfs_unpack(void) MUST_CHECK;
/* The image as /dev/ram0, which is read and written in place.  0 or -errno of blkdev_register(). */
int ramdisk_init(void) MUST_CHECK;
#endif
