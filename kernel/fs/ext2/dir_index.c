/* SPDX-License-Identifier: MIT */
/*
 * What is remembered of a large directory, so that names need not be searched
 * for from its first block: for each name's hash the block it is in, and for
 * each block how much room it has.
 *
 * The disk stays as it is, linear.  The index is made when a directory of
 * DIR_INDEX_MIN blocks is first searched, kept up by every change, and goes
 * with the inode.  It holds no truth: a block found by it is searched like any
 * other.  Without memory there is no index, and the search is linear.
 *
 * Hashes: a table of chains, doubled when there are more names than chains.
 * Room: a tree of maxima over the blocks, in units of four bytes, so that the
 * first block with enough room is found in as many steps as the tree is high.
 *
 * Locks: made under index_lock by whoever searches first (the directory is
 * locked for reading at least); changed with the directory locked for writing.
 */
#include "ext2.h"
#include <kernel/errno.h>
#include <kernel/print.h>
#include <kernel/slab.h>
#include <kernel/string.h>

struct index_node { struct index_node *next; uint32_t hash, block; };
struct ext2_dir_index {
	struct index_node **chain;
	uint32_t chains, names;		/* chains: a power of two */
	uint16_t *room;			/* [1] the largest of all; [leaves + n] block n's */
	uint32_t leaves;		/* a power of two */
};
static struct kmem_cache *node_cache;

void ext2_dir_index_init(void)
{
	node_cache = kmem_cache_create("ext2_dir_index", sizeof(struct index_node), 0);
	if (!node_cache)
		panic("ext2: no memory for a cache");
}

static uint32_t name_hash(const char *name, unsigned len)
{
	uint32_t h = 2166136261u;

	for (unsigned i = 0; i < len; i++)
		h = (h ^ (uint8_t)name[i]) * 16777619u;
	return h ^ h >> 15;
}

static void index_free(struct ext2_dir_index *x)
{
	for (uint32_t i = 0; x->chain && i < x->chains; i++)
		while (x->chain[i]) {
			struct index_node *n = x->chain[i];

			x->chain[i] = n->next;
			kmem_cache_free(node_cache, n);
		}
	kfree(x->chain);
	kfree(x->room);
	kfree(x);
}

void ext2_dir_index_drop(struct ext2_inode *ei)
{
	struct ext2_dir_index *x = ei->index;

	ei->index = NULL;
	if (x)
		index_free(x);
}

/* Twice as many chains; without memory they stay as they are. */
static void grow_chains(struct ext2_dir_index *x)
{
	uint32_t more = x->chains * 2;
	struct index_node **chain = kzalloc(more * sizeof(*chain), ALLOC_NOFS);

	if (!chain)
		return;
	for (uint32_t i = 0; i < x->chains; i++)
		while (x->chain[i]) {
			struct index_node *n = x->chain[i];

			x->chain[i] = n->next;
			n->next = chain[n->hash & (more - 1)];
			chain[n->hash & (more - 1)] = n;
		}
	kfree(x->chain);
	x->chain = chain;
	x->chains = more;
}

static int index_insert(struct ext2_dir_index *x, const char *name, unsigned len, uint32_t block)
{
	struct index_node *n = kmem_cache_alloc(node_cache, ALLOC_NOFS);
	uint32_t h = name_hash(name, len);

	if (!n)
		return -ENOMEM;
	if (x->names >= x->chains)
		grow_chains(x);
	*n = (struct index_node){ x->chain[h & (x->chains - 1)], h, block };
	x->chain[h & (x->chains - 1)] = n;
	x->names++;
	return 0;
}

static int set_room(struct ext2_dir_index *x, uint32_t block, unsigned bytes)
{
	if (block >= x->leaves) {
		uint32_t leaves = x->leaves;
		uint16_t *room;

		while (leaves <= block)
			leaves *= 2;
		room = kzalloc(2 * leaves * sizeof(*room), ALLOC_NOFS);
		if (!room)
			return -ENOMEM;
		memcpy(room + leaves, x->room + x->leaves, x->leaves * sizeof(*room));
		for (uint32_t i = leaves - 1; i; i--)
			room[i] = MAX(room[2 * i], room[2 * i + 1]);
		kfree(x->room);
		x->room = room;
		x->leaves = leaves;
	}
	block += x->leaves;
	x->room[block] = (uint16_t)(bytes / 4);
	while (block /= 2)
		x->room[block] = MAX(x->room[2 * block], x->room[2 * block + 1]);
	return 0;
}

/* The largest free piece of a checked block. */
static unsigned block_room(const struct ext2_sb *sb, const void *data)
{
	const void *end = (const char *)data + sb->block_size;
	unsigned most = 0;

	for (const struct ext2_dirent *de = data; de < (const struct ext2_dirent *)end; de = ext2_dirent_next(de, end))
		most = MAX(most, ext2_dirent_room(de, end));
	return most;
}

static int index_block(struct inode *dir, struct ext2_dir_index *x, uint32_t block)
{
	const struct ext2_sb *sb = ext2_sb(dir->super);
	const struct ext2_dirent *de;
	struct buffer buf;
	const char *end;
	int e = ext2_dir_block(dir, block, &buf);

	if (e)
		return e;
	end = (const char *)buf.data + sb->block_size;
	for (de = buf.data; !e && (const char *)de < end; de = ext2_dirent_next(de, end))
		if (de->inode)
			e = index_insert(x, de->name, MIN(READ_ONCE(de->name_len), (unsigned)(end - de->name)), block);
	if (!e)
		e = set_room(x, block, block_room(sb, buf.data));
	buffer_put(&buf);
	return e;
}

struct ext2_dir_index *ext2_dir_index(struct inode *dir)
{
	struct ext2_inode *ei = ext2_i(dir);
	struct ext2_dir_index *x = __atomic_load_n(&ei->index, __ATOMIC_ACQUIRE);
	uint32_t blocks = (uint32_t)(dir->size >> ext2_sb(dir->super)->block_bits);
	int e = 0;

	if (x || blocks < EXT2_DIR_INDEX_MIN)
		return x;
	mutex_lock(&ei->index_lock);
	x = ei->index;
	if (!x && (x = kzalloc(sizeof(*x), ALLOC_NOFS)) != NULL) {
		x->chains = 1024;
		x->leaves = 16;
		x->chain = kzalloc(x->chains * sizeof(x->chain[0]), ALLOC_NOFS);
		x->room = kzalloc(2 * x->leaves * sizeof(x->room[0]), ALLOC_NOFS);
		if (!x->chain || !x->room)
			e = -ENOMEM;
		for (uint32_t i = 0; i < blocks && !e; i++)
			e = index_block(dir, x, i);
		if (e) {
			index_free(x);
			x = NULL;
		}
		__atomic_store_n(&ei->index, x, __ATOMIC_RELEASE);
	}
	mutex_unlock(&ei->index_lock);
	return x;
}

bool ext2_dir_index_next(const struct ext2_dir_index *x, const struct qstr *name, const void **cursor, uint32_t *block)
{
	uint32_t h = name_hash(name->name, name->len);
	const struct index_node *n = *cursor;

	for (n = n ? n->next : x->chain[h & (x->chains - 1)]; n; n = n->next)
		if (n->hash == h) {
			*cursor = n;
			*block = n->block;
			return true;
		}
	return false;
}

bool ext2_dir_index_space(const struct ext2_dir_index *x, unsigned bytes, uint32_t *block)
{
	uint32_t i = 1, need = DIV_ROUND_UP(bytes, 4);

	if (x->room[1] < need)
		return false;
	while (i < x->leaves)
		i = x->room[2 * i] >= need ? 2 * i : 2 * i + 1;
	*block = i - x->leaves;
	return true;
}

void ext2_dir_index_added(struct inode *dir, const char *name, unsigned len, uint32_t block, const void *data)
{
	struct ext2_inode *ei = ext2_i(dir);
	struct ext2_dir_index *x = ei->index;

	if (x && (index_insert(x, name, len, block) || set_room(x, block, block_room(ext2_sb(dir->super), data))))
		ext2_dir_index_drop(ei);
}

void ext2_dir_index_removed(struct inode *dir, const char *name, unsigned len, uint32_t block, const void *data)
{
	struct ext2_inode *ei = ext2_i(dir);
	struct ext2_dir_index *x = ei->index;
	uint32_t h = name_hash(name, len);
	struct index_node **at;

	if (!x)
		return;
	for (at = &x->chain[h & (x->chains - 1)]; *at; at = &(*at)->next)
		if ((*at)->hash == h && (*at)->block == block) {
			struct index_node *n = *at;

			*at = n->next;
			kmem_cache_free(node_cache, n);
			x->names--;
			break;
		}
	if (set_room(x, block, block_room(ext2_sb(dir->super), data)))
		ext2_dir_index_drop(ei);
}
