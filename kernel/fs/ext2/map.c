/* SPDX-License-Identifier: MIT */
/*
 * Block maps: from a block of a file to a block of the device.
 *
 * An inode names 12 blocks itself; three more name a block of block numbers,
 * a block of such blocks, and one of those.  A zero anywhere is a hole.
 *
 * The inode remembers the run of blocks looked up last.  It is read without a
 * lock, between two looks at run_seq; it is changed with map_lock held, by
 * whoever makes run_seq odd first (the others leave it).  Only freeing takes
 * blocks out of it, with map_lock held for writing.
 *
 * map_lock: readers look up, a writer allocates or frees.  Numbers found are
 * checked against the size of the file system before use: an image may hold
 * anything.  A new branch is allocated whole before it is linked in.
 */
#include "ext2.h"
#include <kernel/errno.h>
#include <kernel/print.h>
#include <kernel/string.h>

struct ext2_place { unsigned depth; uint32_t offset[4]; };

static int ext2_place(const struct ext2_sb *sb, uint64_t lblk, struct ext2_place *pl)
{
	unsigned bits = sb->block_bits - 2;
	uint64_t n = sb->per_block;

	if (lblk < EXT2_NDIR) {
		*pl = (struct ext2_place){ 0, { (uint32_t)lblk } };
		return 0;
	}
	lblk -= EXT2_NDIR;
	if (lblk < n) {
		*pl = (struct ext2_place){ 1, { EXT2_IND, (uint32_t)lblk } };
		return 0;
	}
	lblk -= n;
	if (lblk < n << bits) {
		*pl = (struct ext2_place){ 2, { EXT2_DIND, (uint32_t)(lblk >> bits), (uint32_t)(lblk & (n - 1)) } };
		return 0;
	}
	lblk -= n << bits;
	if (lblk < n << 2 * bits) {
		*pl = (struct ext2_place){ 3, { EXT2_TIND, (uint32_t)(lblk >> 2 * bits), (uint32_t)(lblk >> bits & (n - 1)),
			(uint32_t)(lblk & (n - 1)) } };
		return 0;
	}
	return -EFBIG;
}

/* A table is a block, and other blocks share its page: no sanitizer would see who reaches over its end. */
static void ext2_place_check(const struct ext2_sb *sb, const struct ext2_place *pl)
{
	for (unsigned level = 1; level <= pl->depth; level++)
		ASSERT(pl->offset[level] < sb->per_block);
}

uint64_t ext2_max_bytes(unsigned block_bits)
{
	unsigned bits = block_bits - 2;
	uint64_t blocks = EXT2_NDIR + (1ull << bits) + (1ull << 2 * bits) + (1ull << 3 * bits), meta, max;

	/* i_blocks counts 512-byte units in 32 bits, indirect blocks too. */
	max = (1ull << 32) - 1;
	max >>= block_bits - 9;
	meta = 1 + 1 + (1ull << bits) + 1 + (1ull << bits) + (1ull << 2 * bits);
	if (blocks + meta > max)
		blocks = max - meta;
	return blocks << block_bits;
}

static int ext2_read_table(struct ext2_sb *sb, const struct inode *inode, uint32_t block, struct buffer *out)
{
	if (!ext2_block_ok(sb, block, 1)) {
		ext2_error(sb, "inode %llu: indirect block %u does not exist", (unsigned long long)inode->ino, block);
		return -EIO;
	}
	return buffer_read(sb->dev, block, sb->block_size, out);
}

/* Equal neighbours in a table: consecutive numbers, or zeros. */
static uint32_t ext2_run(const uint32_t *table, uint32_t at, uint32_t end, uint32_t max)
{
	uint32_t first = READ_ONCE(table[at]), n = 1;

	while (n < max && at + n < end && READ_ONCE(table[at + n]) == (first ? first + n : 0))
		n++;
	return n;
}

/* The run that is remembered, if lblk is in it. */
static bool ext2_run_recall(const struct ext2_inode *ei, uint64_t lblk, uint32_t max, uint32_t *phys, uint32_t *count)
{
	uint32_t seq = __atomic_load_n(&ei->run_seq, __ATOMIC_ACQUIRE), first, start, n;

	if (seq & 1)
		return false;
	/* Acquire: the second look at run_seq comes after these. */
	first = __atomic_load_n(&ei->run_lblk, __ATOMIC_ACQUIRE);
	start = __atomic_load_n(&ei->run_phys, __ATOMIC_ACQUIRE);
	n = __atomic_load_n(&ei->run_count, __ATOMIC_ACQUIRE);
	if (__atomic_load_n(&ei->run_seq, __ATOMIC_RELAXED) != seq || lblk < first || lblk - first >= n)
		return false;
	*phys = start + (uint32_t)(lblk - first);
	*count = MIN(n - (uint32_t)(lblk - first), max);
	return true;
}

/* Caller: [map_lock], for reading at least. */
static void ext2_run_remember(struct ext2_inode *ei, uint64_t lblk, uint32_t phys, uint32_t count)
{
	uint32_t seq = __atomic_load_n(&ei->run_seq, __ATOMIC_RELAXED);

	if (lblk > UINT32_MAX || seq & 1 ||
	    !__atomic_compare_exchange_n(&ei->run_seq, &seq, seq + 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return;
	/* Release: who sees one of these sees run_seq odd, or later. */
	__atomic_store_n(&ei->run_lblk, (uint32_t)lblk, __ATOMIC_RELEASE);
	__atomic_store_n(&ei->run_phys, phys, __ATOMIC_RELEASE);
	__atomic_store_n(&ei->run_count, count, __ATOMIC_RELEASE);
	__atomic_store_n(&ei->run_seq, seq + 2, __ATOMIC_RELEASE);
}

int ext2_map(struct inode *inode, uint64_t lblk, uint32_t max, uint32_t *phys, uint32_t *count)
{
	struct ext2_sb *sb = ext2_sb(inode->super);
	struct ext2_inode *ei = ext2_i(inode);
	struct ext2_place pl;
	struct buffer b = { .page = NULL };
	uint32_t *table = ei->block, end = EXT2_NDIR, p;
	unsigned level = 0;
	int e = ext2_place(sb, lblk, &pl);

	*phys = 0;
	*count = 1;
	if (e)
		return 0;	/* behind the largest file: a hole */
	ext2_place_check(sb, &pl);
	if (ext2_run_recall(ei, lblk, max, phys, count))
		return 0;
	rwsem_read_lock(&ei->map_lock);
	for (;;) {
		p = READ_ONCE(table[pl.offset[level]]);
		if (level == pl.depth)
			break;
		if (p == 0) {
			/* The hole reaches at least to the end of what this table would have covered. */
			uint64_t span = 1, into = 0;

			for (unsigned k = pl.depth; k > level; k--) {
				into += pl.offset[k] * span;
				span *= sb->per_block;
			}
			*count = (uint32_t)MIN(span - into, (uint64_t)max);
			goto out;
		}
		buffer_put(&b);
		e = ext2_read_table(sb, inode, p, &b);
		if (e)
			goto out;
		table = b.data;
		end = sb->per_block;
		level++;
	}
	*count = ext2_run(table, pl.offset[level], end, max);
	if (p && !ext2_block_ok(sb, p, *count)) {
		ext2_error(sb, "inode %llu: block %u+%u does not exist", (unsigned long long)inode->ino, p, *count);
		e = -EIO;
		goto out;
	}
	*phys = p;
	if (p)
		ext2_run_remember(ei, lblk, p, *count);
out:
	buffer_put(&b);
	rwsem_read_unlock(&ei->map_lock);
	return e;
}

static uint32_t ext2_goal(struct ext2_sb *sb, struct ext2_inode *ei, uint64_t lblk, const uint32_t *table, uint32_t at, uint32_t table_block)
{
	if (ei->next_alloc_goal && lblk == ei->next_alloc_lblk)
		return ei->next_alloc_goal;
	/* Behind its left neighbour in the same table, else behind the table, else the inode's group. */
	for (uint32_t i = at; i-- > 0 && at - i < 64;)
		if (table[i])
			return table[i] + (at - i);
	if (table_block)
		return table_block + 1;
	return sb->first_data_block + ei->group * sb->blocks_per_group;
}

int ext2_map_create(struct inode *inode, uint64_t lblk, uint32_t *phys, bool *fresh)
{
	struct ext2_sb *sb = ext2_sb(inode->super);
	struct ext2_inode *ei = ext2_i(inode);
	struct ext2_place pl;
	struct buffer b = { .page = NULL };
	uint32_t *table = ei->block, got[4], table_block = 0, goal, p, count, end = EXT2_NDIR;
	unsigned level = 0, need, have = 0;
	int e = ext2_place(sb, lblk, &pl);

	*fresh = false;
	if (e)
		return e;
	ext2_place_check(sb, &pl);
	if (ext2_run_recall(ei, lblk, 1, phys, &count))
		return 0;
	rwsem_write_lock(&ei->map_lock);
	while ((p = table[pl.offset[level]]) && level < pl.depth) {
		buffer_put(&b);
		e = ext2_read_table(sb, inode, p, &b);
		if (e)
			goto out;
		table = b.data;
		end = sb->per_block;
		table_block = p;
		level++;
	}
	if (p) {
		count = ext2_run(table, pl.offset[level], end, sb->per_block);
		if (!ext2_block_ok(sb, p, 1)) {
			ext2_error(sb, "inode %llu: block %u does not exist", (unsigned long long)inode->ino, p);
			e = -EIO;
		} else if (ext2_block_ok(sb, p, count)) {
			ext2_run_remember(ei, lblk, p, count);
		}
		*phys = p;
		goto out;
	}
	/* Missing: tables for the levels level + 1 .. depth, and the block itself. */
	need = pl.depth - level + 1;
	goal = ext2_goal(sb, ei, lblk, table, pl.offset[level], table_block);
	while (have < need) {
		uint32_t first, n = need - have;

		e = ext2_alloc_blocks(sb, goal, &first, &n);
		if (e)
			goto undo;
		for (uint32_t i = 0; i < n; i++)
			got[have++] = first + i;
		goal = first + n;
	}
	/* From the bottom up: got[0] is the highest new table. */
	for (unsigned k = need - 1; k-- > 0;) {
		struct buffer t;

		e = buffer_get_zeroed(sb->dev, got[k], sb->block_size, &t);
		if (e)
			goto undo;
		((uint32_t *)t.data)[pl.offset[level + 1 + k]] = got[k + 1];
		buffer_dirty(&t);
		buffer_put(&t);
	}
	WRITE_ONCE(table[pl.offset[level]], got[0]);
	if (level)
		buffer_dirty(&b);
	WRITE_ONCE(inode->blocks, inode->blocks + ((uint64_t)need << (sb->block_bits - 9)));
	*phys = got[need - 1];
	*fresh = true;
	ei->next_alloc_lblk = (uint32_t)lblk + 1;
	ei->next_alloc_goal = *phys + 1;
	inode_mark_dirty(inode);
	goto out;
undo:
	while (have) {
		buffer_forget(sb->dev, got[--have], sb->block_size);
		ext2_free_blocks(sb, got[have], 1);
	}
out:
	buffer_put(&b);
	rwsem_write_unlock(&ei->map_lock);
	return e;
}

/* Blocks being freed, gathered into runs. */
struct ext2_freeing { struct inode *inode; uint32_t first, count; bool forget; int error; };

static void ext2_freeing_flush(struct ext2_freeing *f)
{
	struct ext2_sb *sb = ext2_sb(f->inode->super);
	uint64_t units;
	int e;

	if (!f->count)
		return;
	if (f->forget && ext2_block_ok(sb, f->first, f->count))
		for (uint32_t i = 0; i < f->count; i++)
			buffer_forget(sb->dev, f->first + i, sb->block_size);
	e = ext2_free_blocks(sb, f->first, f->count);
	if (e && !f->error)
		f->error = e;
	units = (uint64_t)f->count << (sb->block_bits - 9);
	WRITE_ONCE(f->inode->blocks, f->inode->blocks - MIN(units, f->inode->blocks));
	f->count = 0;
}

static void ext2_freeing_add(struct ext2_freeing *f, uint32_t block)
{
	if (f->count && block == f->first + f->count) {
		f->count++;
		return;
	}
	ext2_freeing_flush(f);
	f->first = block;
	f->count = 1;
}

/*
 * Frees the blocks of [from, to) below *slot, which covers the blocks base ..
 * base + span of the file.  A table left empty is freed too.  Ends at the first
 * error: a damaged tree may lead in circles.
 */
static void ext2_free_branch(struct ext2_freeing *f, uint32_t *slot, unsigned depth, uint64_t base, uint64_t span, uint64_t from, uint64_t to)
{
	struct ext2_sb *sb = ext2_sb(f->inode->super);
	struct buffer b;
	uint32_t *table;
	uint64_t child = span / sb->per_block;
	bool changed = false, empty = true;

	if (*slot == 0 || f->error || to <= base || from >= base + span)
		return;
	if (depth == 0) {
		ext2_freeing_add(f, *slot);
		*slot = 0;
		return;
	}
	f->error = ext2_read_table(sb, f->inode, *slot, &b);
	if (f->error)
		return;
	table = b.data;
	for (uint32_t i = 0; i < sb->per_block && !f->error; i++) {
		uint32_t before = table[i];

		if (!before)
			continue;
		ext2_free_branch(f, &table[i], depth - 1, base + i * child, child, from, to);
		if (table[i])
			empty = false;
		changed |= table[i] != before;
	}
	if (f->error)
		empty = false;
	if (empty) {
		bool forget = f->forget;

		buffer_put(&b);
		ext2_freeing_flush(f);
		f->forget = true;
		ext2_freeing_add(f, *slot);
		ext2_freeing_flush(f);
		f->forget = forget;
		*slot = 0;
		return;
	}
	if (changed)
		buffer_dirty(&b);
	buffer_put(&b);
}

int ext2_free_range(struct inode *inode, uint64_t from, uint64_t to)
{
	struct ext2_sb *sb = ext2_sb(inode->super);
	struct ext2_inode *ei = ext2_i(inode);
	struct ext2_freeing f = { .inode = inode, .forget = !S_ISREG(inode_mode(inode)) };
	uint64_t base = EXT2_NDIR, span = sb->per_block;

	rwsem_write_lock(&ei->map_lock);
	ext2_run_remember(ei, 0, 0, 0);
	for (uint64_t i = from; i < EXT2_NDIR && i < to; i++)
		ext2_free_branch(&f, &ei->block[i], 0, i, 1, from, to);
	for (unsigned depth = 1; depth <= 3; depth++) {
		ext2_free_branch(&f, &ei->block[EXT2_NDIR - 1 + depth], depth, base, span, from, to);
		base += span;
		span *= sb->per_block;
	}
	ext2_freeing_flush(&f);
	ei->next_alloc_goal = 0;
	rwsem_write_unlock(&ei->map_lock);
	inode_mark_dirty(inode);
	return f.error;
}
