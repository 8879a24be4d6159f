/* SPDX-License-Identifier: MIT */
#include "vfs_internal.h"
unsigned inotify_watches;
void notify_entry_(struct dentry *d, uint32_t mask) {}
void notify_name_(struct inode *dir, const char *name, unsigned len, uint32_t mask, uint32_t cookie, bool isdir) {}
void notify_self_(struct inode *i, uint32_t mask) {}
uint32_t notify_cookie(void) { return 0; }
void inode_free_marks(struct inode *i) {}
