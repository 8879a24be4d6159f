/* SPDX-License-Identifier: MIT */
/* tmpfs, for devfs, memfd and the file system of message queues that are built on it. */
#ifndef TMPFS_H
#define TMPFS_H
#include <kernel/rbtree.h>
#include "fs/vfs/vfs_internal.h"

struct tmpfs_super {
	uint64_t max_pages, max_inodes;	/* [I] but for remount; 0: no limit */
	uint64_t pages, inodes;		/* [a] in use */
	struct spinlock lock;		/* [FILE] */
	struct list_head dead;		/* [lock] entries of removed directories */
	bool draining;			/* [lock] */
};
struct tmpfs_entry {
	struct rb_node by_name, by_off;
	struct list_head dead_link;
	uint64_t off;			/* place in readdir */
	uint32_t hash;
	unsigned len;
	struct inode *inode;		/* reference */
	char name[];
};
struct tmpfs_xattr { struct tmpfs_xattr *next; char *name; void *value; size_t size; };
struct tmpfs_node {
	struct rb_root names, offs;	/* [inode->lock] directories: entries by (hash, name) and by offset */
	uint64_t next_off;		/* [inode->lock] */
	struct inode *parent;		/* [inode->lock, RENAME] of a directory, no reference */
	char *target;			/* [I] symbolic links */
	struct tmpfs_xattr *xattrs;	/* [inode->lock] */
	uint64_t charged;		/* [a] pages counted in tmpfs_super.pages */
	unsigned seals;			/* [inode->lock] memfd */
};
struct super *tmpfs_super_create(const struct filesystem *fs, uint32_t root_mode, uint64_t max_pages, uint64_t max_inodes);
struct inode *tmpfs_inode(struct super *s, struct inode *dir, uint32_t mode, kdev_t dev);
/* [dir->lock] Add a name; takes the reference on inode on success.  -ENOMEM. */
int tmpfs_add(struct inode *dir, const struct qstr *name, struct inode *inode);
struct tmpfs_entry *tmpfs_find(struct inode *dir, const struct qstr *name);
int tmpfs_lookup(struct inode *dir, struct dentry *d);
int tmpfs_unlink(struct inode *dir, struct dentry *d);
void tmpfs_evict(struct inode *i);
extern const struct file_ops tmpfs_dir_fops;
extern const struct file_ops tmpfs_file_ops;
enum { F_SEAL_SEAL = 1, F_SEAL_SHRINK = 2, F_SEAL_GROW = 4, F_SEAL_WRITE = 8, F_SEAL_FUTURE_WRITE = 16, F_SEAL_EXEC = 32 };

/* tmpfs_xattr.c */
int64_t tmpfs_getxattr(struct inode *inode, const char *name, void *buf, size_t max);
int tmpfs_setxattr(struct inode *inode, const char *name, const void *buf, size_t n, unsigned flags);
int64_t tmpfs_listxattr(struct inode *inode, char *buf, size_t max);
int tmpfs_removexattr(struct inode *inode, const char *name);
void tmpfs_free_xattrs(struct tmpfs_node *n);
/* tmpfs_file.c */
extern const struct mapping_ops tmpfs_mapping_ops;
int tmpfs_resize(struct inode *i, uint64_t size);
void tmpfs_account(struct inode *i);
#endif
