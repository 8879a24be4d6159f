/* SPDX-License-Identifier: MIT */
/*
 * Block allocation: a bitmap and a mutex per group.
 *
 * A request names a goal, usually the block behind the file's last one.  The
 * goal's group is tried first: at the goal, then the next run of eight free
 * blocks behind it (so that files that grow side by side do not interleave),
 * then any free block; then the other groups in turn.
 *
 * Free counts are kept in memory (total: atomic, per group: under its lock)
 * and go to the descriptors with each change, to the super block on sync.
 */
#include "ext2.h"
#include <kernel/cpu.h>
#include <kernel/errno.h>
#include <kernel/print.h>
#include <kernel/radix.h>
#include <kernel/string.h>
#include <kernel/task.h>

static uint32_t ext2_group_blocks(const struct ext2_sb *sb, uint32_t g)
{
	uint32_t first = sb->first_data_block + g * sb->blocks_per_group;

	return MIN(sb->blocks_per_group, sb->blocks_count - first);
}

/* Is one of [b, b + n) the super block, a descriptor's, or a bitmap or an inode table of group g? */
static bool ext2_is_system(const struct ext2_sb *sb, uint32_t g, uint32_t b, uint32_t n)
{
	const struct ext2_group *gr = &sb->groups[g];

	return b <= sb->first_data_block + sb->gd_blocks ||
	       (gr->block_bitmap >= b && gr->block_bitmap - b < n) || (gr->inode_bitmap >= b && gr->inode_bitmap - b < n) ||
	       (b < gr->inode_table + sb->itable_blocks && gr->inode_table < b + n);
}

/* May current have it, when only the reserve is left? */
static bool ext2_may_use_reserve(const struct ext2_sb *sb)
{
	const struct cred *c = current->cred;
	uint32_t resgid = READ_ONCE(sb->resgid);

	return capable(CAP_SYS_RESOURCE) || c->fsuid == READ_ONCE(sb->resuid) || (resgid && cred_in_group(c, resgid));
}

static size_t ext2_find_free(const uint64_t *map, size_t n, size_t from)
{
	const uint8_t *bytes = (const uint8_t *)map;
	size_t i;

	if (from < n && !bit_test(map, from))
		return from;
	/* Close by first: within the same 64 blocks. */
	i = bitmap_find_clear(map, MIN(n, (from + 63) & ~(size_t)63), from);
	if (i < MIN(n, (from + 63) & ~(size_t)63))
		return i;
	for (i = (from + 7) / 8; i < n / 8; i++)
		if (bytes[i] == 0) {
			size_t at = i * 8;

			/* The run may begin a little earlier. */
			while (at > from + 1 && !bit_test(map, at - 1))
				at--;
			return at;
		}
	i = bitmap_find_clear(map, n, from);
	return i < n ? i : bitmap_find_clear(map, n, 0);
}

/* 0: done, -ENOSPC: nothing in this group. */
static int ext2_alloc_in_group(struct ext2_sb *sb, uint32_t g, uint32_t goal_bit, uint32_t *first, uint32_t *count)
{
	struct ext2_group *gr = &sb->groups[g];
	uint32_t nbits = ext2_group_blocks(sb, g), base = sb->first_data_block + g * sb->blocks_per_group, n;
	struct buffer bm;
	uint64_t *map;
	size_t at;
	int e;

	if (READ_ONCE(gr->bad))
		return -ENOSPC;
	mutex_lock(&gr->lock);
	if (gr->free_blocks == 0) {
		e = -ENOSPC;
		goto out;
	}
	e = buffer_read(sb->dev, gr->block_bitmap, sb->block_size, &bm);
	if (e) {
		WRITE_ONCE(gr->bad, true);
		ext2_error(sb, "cannot read the block bitmap of group %u", g);
		e = -ENOSPC;
		goto out;
	}
	map = bm.data;
	at = goal_bit;
	for (;;) {
		at = ext2_find_free(map, nbits, at < nbits ? at : 0);
		if (at >= nbits) {
			ext2_error(sb, "group %u has no free block, though its descriptor counts %u", g, gr->free_blocks);
			WRITE_ONCE(gr->bad, true);
			e = -ENOSPC;
			goto out_put;
		}
		if (!ext2_is_system(sb, g, base + (uint32_t)at, 1))
			break;
		ext2_error(sb, "block %u of the file system itself is marked free", base + (uint32_t)at);
		bit_set(map, at);
	}
	for (n = 0; n < *count && n < gr->free_blocks && at + n < nbits && !bit_test(map, at + n) &&
		    !ext2_is_system(sb, g, base + (uint32_t)at + n, 1); n++)
		bit_set(map, at + n);
	buffer_dirty(&bm);
	WRITE_ONCE(gr->free_blocks, gr->free_blocks - n);
	ext2_group_update(sb, g);
	__atomic_sub_fetch(&sb->free_blocks, n, __ATOMIC_RELAXED);
	*first = base + (uint32_t)at;
	*count = n;
	e = 0;
out_put:
	buffer_put(&bm);
out:
	mutex_unlock(&gr->lock);
	return e;
}

int ext2_alloc_blocks(struct ext2_sb *sb, uint32_t goal, uint32_t *first, uint32_t *count)
{
	int64_t left = __atomic_load_n(&sb->free_blocks, __ATOMIC_RELAXED);
	uint32_t start;

	if (left <= 0 || (left <= (int64_t)sb->reserved_blocks && !ext2_may_use_reserve(sb)))
		return -ENOSPC;
	if (!ext2_block_ok(sb, goal, 1))
		goal = sb->first_data_block;
	start = (goal - sb->first_data_block) / sb->blocks_per_group;
	for (uint32_t k = 0; k < sb->ngroups; k++) {
		uint32_t g = (start + k) % sb->ngroups, bit = k ? 0 : (goal - sb->first_data_block) % sb->blocks_per_group;

		if (READ_ONCE(sb->groups[g].free_blocks) == 0)
			continue;
		if (ext2_alloc_in_group(sb, g, bit, first, count) == 0)
			return 0;
	}
	return -ENOSPC;
}

int ext2_free_blocks(struct ext2_sb *sb, uint32_t first, uint32_t count)
{
	int ret = 0;

	if (!ext2_block_ok(sb, first, count)) {
		ext2_error(sb, "freeing blocks %u+%u, which do not exist", first, count);
		return -EIO;
	}
	while (count) {
		uint32_t g = (first - sb->first_data_block) / sb->blocks_per_group;
		uint32_t bit = (first - sb->first_data_block) % sb->blocks_per_group;
		uint32_t n = MIN(count, sb->blocks_per_group - bit), freed = 0;
		struct ext2_group *gr = &sb->groups[g];
		struct buffer bm;
		int e;

		if (ext2_is_system(sb, g, first, n)) {
			ext2_error(sb, "freeing blocks %u+%u, which are the file system's own", first, n);
			return -EIO;
		}
		mutex_lock(&gr->lock);
		e = buffer_read(sb->dev, gr->block_bitmap, sb->block_size, &bm);
		if (!e) {
			for (uint32_t i = 0; i < n; i++)
				if (bit_test(bm.data, bit + i)) {
					bit_clear(bm.data, bit + i);
					freed++;
				}
			buffer_dirty(&bm);
			buffer_put(&bm);
			WRITE_ONCE(gr->free_blocks, gr->free_blocks + freed);
			ext2_group_update(sb, g);
			__atomic_add_fetch(&sb->free_blocks, freed, __ATOMIC_RELAXED);
		}
		mutex_unlock(&gr->lock);
		if (e || freed < n) {
			ext2_error(sb, "freeing blocks %u+%u: %s", first, n, e ? "the bitmap cannot be read" : "some were free already");
			ret = -EIO;
		}
		first += n;
		count -= n;
	}
	return ret;
}
