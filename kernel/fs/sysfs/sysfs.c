/* SPDX-License-Identifier: MIT */
#include "fs/vfs/vfs_internal.h"
void sysfs_init(void) {}
