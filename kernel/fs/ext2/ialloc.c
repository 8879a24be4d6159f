/* SPDX-License-Identifier: MIT */
/*
 * Inode allocation.  Directories are spread over the groups (those in the root
 * most: each starts a new locality), files go to their directory's group.
 */
#include "ext2.h"
#include <kernel/errno.h>
#include <kernel/print.h>
#include <kernel/radix.h>

static uint32_t ext2_find_group_dir(struct ext2_sb *sb, const struct inode *parent)
{
	uint32_t avg = (uint32_t)(__atomic_load_n(&sb->free_inodes, __ATOMIC_RELAXED) / sb->ngroups), best = UINT32_MAX, best_blocks = 0;
	uint32_t from = ext2_i(parent)->group;

	if (parent->ino == EXT2_ROOT_INO) {
		/* Fewest directories among those with enough of everything. */
		uint32_t fewest = UINT32_MAX;

		for (uint32_t g = 0; g < sb->ngroups; g++) {
			const struct ext2_group *gr = &sb->groups[g];

			uint32_t dirs = READ_ONCE(gr->dirs), free = READ_ONCE(gr->free_inodes);

			if (free == 0 || free < avg || dirs >= fewest)
				continue;
			fewest = dirs;
			best = g;
		}
		return best == UINT32_MAX ? from : best;
	}
	/* The parent's group while it is not emptier of inodes than a quarter of the average. */
	if (READ_ONCE(sb->groups[from].free_inodes) > avg / 4 && READ_ONCE(sb->groups[from].free_blocks))
		return from;
	for (uint32_t k = 0; k < sb->ngroups; k++) {
		uint32_t g = (from + k) % sb->ngroups;
		const struct ext2_group *gr = &sb->groups[g];

		uint32_t free = READ_ONCE(gr->free_inodes), blocks = READ_ONCE(gr->free_blocks);

		if (free && free >= avg && blocks > best_blocks) {
			best_blocks = blocks;
			best = g;
		}
	}
	return best == UINT32_MAX ? from : best;
}

int ext2_alloc_inode(struct inode *dir, uint32_t mode, uint32_t *ino)
{
	struct ext2_sb *sb = ext2_sb(dir->super);
	bool is_dir = S_ISDIR(mode);
	uint32_t start = is_dir ? ext2_find_group_dir(sb, dir) : ext2_i(dir)->group;

	for (uint32_t k = 0; k < sb->ngroups; k++) {
		uint32_t g = (start + k) % sb->ngroups;
		struct ext2_group *gr = &sb->groups[g];
		struct buffer bm;
		size_t bit;

		if (READ_ONCE(gr->free_inodes) == 0 || READ_ONCE(gr->bad))
			continue;
		mutex_lock(&gr->lock);
		if (buffer_read(sb->dev, gr->inode_bitmap, sb->block_size, &bm)) {
			WRITE_ONCE(gr->bad, true);
			mutex_unlock(&gr->lock);
			ext2_error(sb, "cannot read the inode bitmap of group %u", g);
			continue;
		}
		bit = bitmap_find_clear(bm.data, sb->inodes_per_group, g == 0 ? sb->first_ino - 1 : 0);
		if (bit < sb->inodes_per_group && gr->free_inodes) {
			bit_set(bm.data, bit);
			buffer_dirty(&bm);
			WRITE_ONCE(gr->free_inodes, gr->free_inodes - 1);
			WRITE_ONCE(gr->dirs, gr->dirs + is_dir);
			ext2_group_update(sb, g);
			__atomic_sub_fetch(&sb->free_inodes, 1, __ATOMIC_RELAXED);
			__atomic_add_fetch(&sb->dirs, is_dir, __ATOMIC_RELAXED);
			buffer_put(&bm);
			mutex_unlock(&gr->lock);
			*ino = g * sb->inodes_per_group + (uint32_t)bit + 1;
			return 0;
		}
		if (gr->free_inodes) {
			WRITE_ONCE(gr->bad, true);
			ext2_error(sb, "group %u has no free inode, though its descriptor counts %u", g, gr->free_inodes);
		}
		buffer_put(&bm);
		mutex_unlock(&gr->lock);
	}
	return -ENOSPC;
}

void ext2_free_inode(struct ext2_sb *sb, uint32_t ino, bool is_dir)
{
	uint32_t g = (ino - 1) / sb->inodes_per_group, bit = (ino - 1) % sb->inodes_per_group;
	struct ext2_group *gr = &sb->groups[g];
	struct buffer bm;

	if (ino < sb->first_ino || ino > sb->inodes_count) {
		ext2_error(sb, "freeing inode %u, which is reserved", ino);
		return;
	}
	mutex_lock(&gr->lock);
	if (buffer_read(sb->dev, gr->inode_bitmap, sb->block_size, &bm)) {
		mutex_unlock(&gr->lock);
		ext2_error(sb, "cannot read the inode bitmap of group %u", g);
		return;
	}
	if (bit_test(bm.data, bit)) {
		bit_clear(bm.data, bit);
		buffer_dirty(&bm);
		WRITE_ONCE(gr->free_inodes, gr->free_inodes + 1);
		if (is_dir && gr->dirs) {
			WRITE_ONCE(gr->dirs, gr->dirs - 1);
			__atomic_sub_fetch(&sb->dirs, 1, __ATOMIC_RELAXED);
		}
		ext2_group_update(sb, g);
		__atomic_add_fetch(&sb->free_inodes, 1, __ATOMIC_RELAXED);
	} else {
		ext2_error(sb, "inode %u was free already", ino);
	}
	buffer_put(&bm);
	mutex_unlock(&gr->lock);
}
