/* SPDX-License-Identifier: MIT */
#include "fs/vfs/vfs_internal.h"
void procfs_init(void) {}
