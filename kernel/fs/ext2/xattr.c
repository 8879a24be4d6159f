/* SPDX-License-Identifier: MIT */
/*
 * Extended attributes: one block per inode (i_file_acl), which inodes with
 * equal attributes may share (h_refcount).  Entries grow from the block's
 * start, sorted by name space, length and name; values from its end.
 *
 * A change makes the whole block anew in memory and then replaces the old
 * contents, in place if nobody shares them.
 * The VFS holds the inode's lock, which does not keep the block as it is: a
 * damaged image gives it to two inodes that both think they are alone with it,
 * or to a directory.  So what is checked and read is a copy.
 */
#include "ext2.h"
#include <kernel/errno.h>
#include <kernel/slab.h>
#include <kernel/string.h>

enum { XATTR_MAGIC = (int)0xea020000, XATTR_CREATE = 1, XATTR_REPLACE = 2, XATTR_REFS_MAX = 1024 };
struct ext2_xattr_header { uint32_t h_magic, h_refcount, h_blocks, h_hash, h_reserved[4]; };
struct ext2_xattr_entry { uint8_t e_name_len, e_name_index; uint16_t e_value_offs; uint32_t e_value_block, e_value_size, e_hash; char e_name[]; };
#define XATTR_ENTRY_SIZE(n) (((unsigned)sizeof(struct ext2_xattr_entry) + (n) + 3) & ~3u)
#define XATTR_VALUE_SIZE(n) (((n) + 3) & ~3u)

static const struct { uint8_t index; const char *prefix; } xattr_spaces[] = {
	{ 1, "user." }, { 2, "system.posix_acl_access" }, { 3, "system.posix_acl_default" }, { 4, "trusted." }, { 6, "security." },
};

static int xattr_split(const char *full, uint8_t *index, const char **name)
{
	for (unsigned i = 0; i < ARRAY_SIZE(xattr_spaces); i++) {
		const char *p = xattr_spaces[i].prefix;
		size_t n = strlen(p);

		if (strncmp(full, p, n))
			continue;
		*index = xattr_spaces[i].index;
		*name = full + n;
		if ((p[n - 1] == '.') != (full[n] != 0))
			return -EINVAL;
		return strlen(*name) > 255 ? -ERANGE : 0;
	}
	return -EOPNOTSUPP;
}

static const char *xattr_prefix(uint8_t index)
{
	for (unsigned i = 0; i < ARRAY_SIZE(xattr_spaces); i++)
		if (xattr_spaces[i].index == index)
			return xattr_spaces[i].prefix;
	return NULL;
}

static struct ext2_xattr_entry *xattr_next(const struct ext2_xattr_entry *e)
{
	return (struct ext2_xattr_entry *)((char *)e + XATTR_ENTRY_SIZE(e->e_name_len));
}

static bool xattr_last(const struct ext2_xattr_entry *e)
{
	return *(const uint32_t *)e == 0;
}

/* Nothing in the copy is used before this has passed. */
static bool xattr_block_ok(const void *data, unsigned bs)
{
	const struct ext2_xattr_header *h = data;
	const char *end = (const char *)data + bs, *at = (const char *)(h + 1);

	if (h->h_magic != (uint32_t)XATTR_MAGIC || h->h_blocks != 1 || h->h_refcount == 0)
		return false;
	for (;;) {
		const struct ext2_xattr_entry *e = (const void *)at;

		if (end - at < 4)
			return false;
		if (xattr_last(e))
			return true;
		if (end - at < (int64_t)sizeof(*e) || end - at < (int64_t)XATTR_ENTRY_SIZE(e->e_name_len))
			return false;
		if (e->e_value_block || e->e_value_size > bs || e->e_value_offs > bs - e->e_value_size)
			return false;
		at += XATTR_ENTRY_SIZE(e->e_name_len);
	}
}

/* A copy of the inode's block, from kmalloc. */
static int xattr_read(struct inode *inode, void **out)
{
	struct ext2_sb *sb = ext2_sb(inode->super);
	uint32_t block = ext2_i(inode)->file_acl;
	struct buffer buf;
	void *copy;
	int e = buffer_read(sb->dev, block, sb->block_size, &buf);

	if (e)
		return e;
	copy = kmalloc(sb->block_size, ALLOC_NOFS);
	if (copy)
		memcpy(copy, buf.data, sb->block_size);
	buffer_put(&buf);
	if (!copy)
		return -ENOMEM;
	if (!xattr_block_ok(copy, sb->block_size)) {
		kfree(copy);
		ext2_error(sb, "inode %llu: bad attribute block %u", (unsigned long long)inode->ino, block);
		return -EIO;
	}
	*out = copy;
	return 0;
}

static struct ext2_xattr_entry *xattr_find(void *data, uint8_t index, const char *name)
{
	size_t n = strlen(name);
	struct ext2_xattr_entry *e;

	for (e = (void *)((struct ext2_xattr_header *)data + 1); !xattr_last(e); e = xattr_next(e))
		if (e->e_name_index == index && e->e_name_len == n && memcmp(e->e_name, name, n) == 0)
			return e;
	return NULL;
}

int64_t ext2_getxattr(struct inode *inode, const char *full, void *out, size_t max)
{
	struct ext2_xattr_entry *x;
	void *block;
	const char *name;
	uint8_t index;
	int64_t ret;
	int e = xattr_split(full, &index, &name);

	if (e)
		return e;
	if (!ext2_i(inode)->file_acl)
		return -ENODATA;
	e = xattr_read(inode, &block);
	if (e)
		return e;
	x = xattr_find(block, index, name);
	if (!x) {
		ret = -ENODATA;
	} else {
		ret = x->e_value_size;
		if (max && max < x->e_value_size)
			ret = -ERANGE;
		else if (max)
			memcpy(out, (char *)block + x->e_value_offs, x->e_value_size);
	}
	kfree(block);
	return ret;
}

int64_t ext2_listxattr(struct inode *inode, char *out, size_t max)
{
	struct ext2_xattr_entry *x;
	void *block;
	size_t total = 0;
	int e;

	if (!ext2_i(inode)->file_acl)
		return 0;
	e = xattr_read(inode, &block);
	if (e)
		return e;
	for (x = (void *)((struct ext2_xattr_header *)block + 1); !xattr_last(x); x = xattr_next(x)) {
		const char *prefix = xattr_prefix(x->e_name_index);
		size_t pn, n;

		if (!prefix || (x->e_name_index == 4 && !capable(CAP_SYS_ADMIN)))
			continue;
		pn = strlen(prefix);
		n = pn + x->e_name_len + 1;
		if (max) {
			if (total + n > max) {
				kfree(block);
				return -ERANGE;
			}
			memcpy(out + total, prefix, pn);
			memcpy(out + total + pn, x->e_name, x->e_name_len);
			out[total + n - 1] = 0;
		}
		total += n;
	}
	kfree(block);
	return (int64_t)total;
}

static uint32_t xattr_hash(const struct ext2_xattr_entry *x, const char *value)
{
	uint32_t hash = 0, word;

	for (unsigned i = 0; i < x->e_name_len; i++)
		hash = (hash << 5) ^ (hash >> 27) ^ (uint8_t)x->e_name[i];
	for (unsigned i = 0; i < XATTR_VALUE_SIZE(x->e_value_size); i += 4) {
		memcpy(&word, value + i, 4);
		hash = (hash << 16) ^ (hash >> 16) ^ word;
	}
	return hash;
}

struct xattr_new { char *data; unsigned bs, at, values; uint32_t hash; bool no_hash; unsigned count; };

static int xattr_append(struct xattr_new *w, uint8_t index, const char *name, size_t name_len, const void *value, size_t n)
{
	unsigned es = XATTR_ENTRY_SIZE((unsigned)name_len), vs = XATTR_VALUE_SIZE((unsigned)n);
	struct ext2_xattr_entry *x = (void *)(w->data + w->at);

	if (w->at + es + 4 > w->values || vs > w->values - w->at - es - 4)
		return -ENOSPC;
	w->values -= vs;
	x->e_name_len = (uint8_t)name_len;
	x->e_name_index = index;
	x->e_value_offs = (uint16_t)(n ? w->values : 0);
	x->e_value_size = (uint32_t)n;
	memcpy(x->e_name, name, name_len);
	memcpy(w->data + w->values, value, n);
	x->e_hash = xattr_hash(x, w->data + w->values);
	w->no_hash |= x->e_hash == 0;
	w->hash = (w->hash << 16) ^ (w->hash >> 16) ^ x->e_hash;
	w->at += es;
	w->count++;
	return 0;
}

static bool xattr_before(const struct ext2_xattr_entry *x, uint8_t index, const char *name, size_t n)
{
	if (x->e_name_index != index)
		return x->e_name_index < index;
	if (x->e_name_len != n)
		return x->e_name_len < n;
	return memcmp(x->e_name, name, n) < 0;
}

/* One holder of the block fewer; frees it after the last. */
static int xattr_unref(struct ext2_sb *sb, uint32_t block)
{
	struct ext2_xattr_header *h;
	struct buffer buf;
	bool last;
	int e = buffer_read(sb->dev, block, sb->block_size, &buf);

	if (e)
		return e;
	h = buf.data;
	mutex_lock(&sb->lock);
	last = h->h_magic != (uint32_t)XATTR_MAGIC || h->h_refcount <= 1;
	if (!last) {
		h->h_refcount--;
		buffer_dirty(&buf);
	}
	mutex_unlock(&sb->lock);
	buffer_put(&buf);
	if (!last)
		return 0;
	buffer_forget(sb->dev, block, sb->block_size);
	return ext2_free_blocks(sb, block, 1);
}

/* The inode's attributes become w's. */
static int xattr_replace(struct inode *inode, struct xattr_new *w)
{
	struct ext2_sb *sb = ext2_sb(inode->super);
	struct ext2_inode *ei = ext2_i(inode);
	struct ext2_xattr_header *h = (void *)w->data;
	uint32_t old = ei->file_acl, fresh = 0, n = 1;
	const uint64_t unit = sb->block_size / 512;
	struct buffer buf;
	int e;

	h->h_magic = (uint32_t)XATTR_MAGIC;
	h->h_refcount = 1;
	h->h_blocks = 1;
	h->h_hash = w->no_hash ? 0 : w->hash;
	if (w->count) {
		if (old) {
			bool alone;

			e = buffer_read(sb->dev, old, sb->block_size, &buf);
			if (e)
				return e;
			mutex_lock(&sb->lock);
			alone = ((struct ext2_xattr_header *)buf.data)->h_refcount == 1;
			if (alone) {
				memcpy(buf.data, w->data, sb->block_size);
				buffer_dirty(&buf);
			}
			mutex_unlock(&sb->lock);
			buffer_put(&buf);
			if (alone)
				goto done;
		}
		e = ext2_alloc_blocks(sb, sb->first_data_block + ei->group * sb->blocks_per_group, &fresh, &n);
		if (e)
			return e;
		e = buffer_get_zeroed(sb->dev, fresh, sb->block_size, &buf);
		if (e) {
			ext2_free_blocks(sb, fresh, 1);
			return e;
		}
		memcpy(buf.data, w->data, sb->block_size);
		buffer_dirty(&buf);
		buffer_put(&buf);
	}
	/* A fault in a shared mapping may be allocating blocks, without the inode's lock. */
	rwsem_write_lock(&ei->map_lock);
	ei->file_acl = fresh;
	if (!old != !fresh)
		WRITE_ONCE(inode->blocks, fresh ? inode->blocks + unit : inode->blocks - MIN(inode->blocks, unit));
	rwsem_write_unlock(&ei->map_lock);
	if (old)
		e = xattr_unref(sb, old);
	if (fresh) {
		mutex_lock(&sb->lock);
		if (sb->es->s_rev_level && !(sb->es->s_feature_compat & EXT2_COMPAT_EXT_ATTR)) {
			sb->es->s_feature_compat |= EXT2_COMPAT_EXT_ATTR;
			buffer_dirty(&sb->sb_buf);
		}
		mutex_unlock(&sb->lock);
	}
done:
	inode_touch(inode, ATTR_CTIME);
	inode_mark_dirty(inode);
	return 0;
}

/* value NULL: remove. */
static int xattr_change(struct inode *inode, const char *full, const void *value, size_t n, unsigned flags)
{
	struct ext2_sb *sb = ext2_sb(inode->super);
	struct xattr_new w = { .bs = sb->block_size, .at = sizeof(struct ext2_xattr_header), .values = sb->block_size };
	void *block = NULL;
	struct ext2_xattr_entry *x;
	bool exists = false, done = !value;
	const char *name;
	uint8_t index;
	int e = xattr_split(full, &index, &name);

	if (e)
		return e;
	if (n > sb->block_size)
		return -ENOSPC;
	if (ext2_i(inode)->file_acl) {
		e = xattr_read(inode, &block);
		if (e)
			return e;
		exists = xattr_find(block, index, name) != NULL;
	}
	if (exists && (flags & XATTR_CREATE))
		e = -EEXIST;
	else if (!exists && ((flags & XATTR_REPLACE) || !value))
		e = -ENODATA;
	if (e)
		goto out;
	w.data = kzalloc(sb->block_size, ALLOC_NOFS);
	if (!w.data) {
		e = -ENOMEM;
		goto out;
	}
	if (block)
		for (x = (void *)((struct ext2_xattr_header *)block + 1); !xattr_last(x) && !e; x = xattr_next(x)) {
			if (x->e_name_index == index && x->e_name_len == strlen(name) && memcmp(x->e_name, name, x->e_name_len) == 0)
				continue;
			if (!done && !xattr_before(x, index, name, strlen(name))) {
				e = xattr_append(&w, index, name, strlen(name), value, n);
				done = true;
			}
			if (!e)
				e = xattr_append(&w, x->e_name_index, x->e_name, x->e_name_len, (char *)block + x->e_value_offs, x->e_value_size);
		}
	if (!done && !e)
		e = xattr_append(&w, index, name, strlen(name), value, n);
	kfree(block);
	if (!e)
		e = xattr_replace(inode, &w);
	kfree(w.data);
	return e;
out:
	kfree(block);
	return e;
}

int ext2_setxattr(struct inode *inode, const char *name, const void *value, size_t n, unsigned flags)
{
	return xattr_change(inode, name, value ? value : "", value ? n : 0, flags);
}

int ext2_removexattr(struct inode *inode, const char *name)
{
	return xattr_change(inode, name, NULL, 0, 0);
}

void ext2_xattr_drop(struct inode *inode)
{
	struct ext2_sb *sb = ext2_sb(inode->super);
	struct ext2_inode *ei = ext2_i(inode);

	if (!ei->file_acl)
		return;
	if (xattr_unref(sb, ei->file_acl))
		ext2_error(sb, "inode %llu: attribute block %u not freed", (unsigned long long)inode->ino, ei->file_acl);
	ei->file_acl = 0;
	WRITE_ONCE(inode->blocks, inode->blocks - MIN(inode->blocks, (uint64_t)sb->block_size / 512));
}
