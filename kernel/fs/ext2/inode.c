/* SPDX-License-Identifier: MIT */
/*
 * Inodes: between the disk's format and struct inode.
 *
 * An inode table block is a metadata buffer; write_inode() puts the attributes
 * there, write-back and sync bring it to the disk.  An inode without links
 * lives until its last reference goes (evict): then its blocks and the inode
 * itself are freed and the deletion time written.
 */
#include "ext2.h"
#include <kernel/errno.h>
#include <kernel/print.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/timer.h>

static struct kmem_cache *ext2_inode_cache;

void ext2_inode_init(void)
{
	ext2_inode_cache = kmem_cache_create("ext2_inode", sizeof(struct ext2_inode), 0);
}

static int ext2_raw_read(struct ext2_sb *sb, uint64_t ino, struct buffer *buf, struct ext2_raw_inode **raw)
{
	uint32_t g, at;
	uint64_t byte;
	int e;

	if (ino == 0 || ino > sb->inodes_count)
		return -EIO;
	g = (uint32_t)((ino - 1) / sb->inodes_per_group);
	at = (uint32_t)((ino - 1) % sb->inodes_per_group);
	byte = (uint64_t)at * sb->inode_size;
	e = buffer_read(sb->dev, sb->groups[g].inode_table + (byte >> sb->block_bits), sb->block_size, buf);
	if (e)
		return e;
	*raw = (struct ext2_raw_inode *)((char *)buf->data + (byte & (sb->block_size - 1)));
	return 0;
}

static struct ext2_inode *ext2_inode_alloc(struct ext2_sb *sb, uint64_t ino)
{
	struct ext2_inode *ei = kmem_cache_alloc(ext2_inode_cache, ALLOC_NOFS);

	if (!ei)
		return NULL;
	memset(ei, 0, sizeof(*ei));
	rwsem_init(&ei->map_lock, LOCK_EXT2_MAP);
	mutex_init(&ei->raw_lock, LOCK_FS_META);
	mutex_init(&ei->index_lock, LOCK_EXT2_DIR);
	list_init(&ei->orphan_link);
	ei->group = (uint32_t)((ino - 1) / sb->inodes_per_group);
	return ei;
}

/* Does the inode have this field of the area behind the first 128 bytes? */
#define RAW_HAS(sb, raw, field) ((sb)->inode_size > 128 && (raw)->i_extra_isize >= 4 && \
	128 + (raw)->i_extra_isize <= (int)(sb)->inode_size && \
	offsetof(struct ext2_raw_inode, field) + sizeof((raw)->field) <= 128u + (raw)->i_extra_isize)

/* Seconds are 32 bits signed plus two epoch bits; nanoseconds 30 bits.  extra: 0 where there is none. */
static struct inode_time ext2_time_get(uint32_t sec, uint32_t extra)
{
	struct inode_time t = { .sec = (int32_t)sec + ((int64_t)(extra & 3) << 32), .nsec = extra >> 2 };

	if (t.nsec >= NSEC_PER_SEC)
		t.nsec = 0;
	return t;
}

static uint32_t ext2_time_extra(struct inode_time t)
{
	return ((uint32_t)((t.sec - (int32_t)t.sec) >> 32) & 3) | t.nsec << 2;
}

void ext2_flags_to_inode(struct inode *inode)
{
	uint32_t f = ext2_i(inode)->flags;

	WRITE_ONCE(inode->flags, (inode->flags & INODE_LINKABLE) | (f & EXT2_APPEND_FL ? INODE_APPEND : 0) |
		(f & EXT2_IMMUTABLE_FL ? INODE_IMMUTABLE : 0) | (f & EXT2_NOATIME_FL ? INODE_NOATIME : 0));
}

/* By the blocks it has, which are what attributes take: of one that nobody else knows yet. */
static bool ext2_has_no_blocks(const struct inode *inode)
{
	return inode->blocks <= (ext2_i(inode)->file_acl ? ext2_sb(inode->super)->block_size / 512 : 0);
}

bool ext2_is_fast_symlink(const struct inode *inode) { return ext2_i(inode)->fast_link; }

void ext2_set_ops(struct inode *inode)
{
	struct ext2_inode *ei = ext2_i(inode);

	switch (inode->mode & S_IFMT) {
	case S_IFREG:
		inode->ops = &ext2_file_inode_ops;
		inode->fops = &ext2_file_ops;
		WRITE_ONCE(inode->own_mapping.ops, &ext2_mapping_ops);	/* a sync may look at it already */
		break;
	case S_IFDIR:
		inode->ops = &ext2_dir_inode_ops;
		inode->fops = &ext2_dir_ops;
		break;
	case S_IFLNK:
		inode->ops = &ext2_symlink_inode_ops;
		ei->fast_link = ext2_has_no_blocks(inode);
		break;
	default: {
		/* The old 16-bit number in the first word, or the new 32-bit one in the second. */
		uint32_t old = ei->block[0], wide = ei->block[1];
		kdev_t dev = old ? KDEV(old >> 8 & 0xff, old & 0xff) : KDEV(wide >> 8 & 0xfff, (wide & 0xff) | (wide >> 12 & 0xfff00));

		inode->ops = &ext2_special_inode_ops;
		inode_init_special(inode, inode->mode, dev);
		break;
	}
	}
}

static int ext2_inode_fill(struct inode *inode)
{
	struct ext2_sb *sb = ext2_sb(inode->super);
	struct ext2_inode *ei;
	struct ext2_raw_inode *raw;
	struct buffer buf;
	int e = ext2_raw_read(sb, inode->ino, &buf, &raw);

	if (e)
		return e;
	e = -ESTALE;
	if (raw->i_links_count == 0 && (raw->i_mode == 0 || (raw->i_dtime && !READ_ONCE(sb->recovering))))
		goto out;
	ei = ext2_inode_alloc(sb, inode->ino);
	e = -ENOMEM;
	if (!ei)
		goto out;
	inode->mode = raw->i_mode;
	inode->uid = raw->i_uid | (uint32_t)raw->i_uid_high << 16;
	inode->gid = raw->i_gid | (uint32_t)raw->i_gid_high << 16;
	WRITE_ONCE(inode->nlink, raw->i_links_count);	/* a remount looks at all that there are */
	inode->size = raw->i_size;
	if (S_ISREG(inode_mode(inode)))
		inode->size |= (uint64_t)raw->i_size_high << 32;
	inode->blocks = raw->i_blocks;
	inode->atime = ext2_time_get(raw->i_atime, RAW_HAS(sb, raw, i_atime_extra) ? raw->i_atime_extra : 0);
	inode->mtime = ext2_time_get(raw->i_mtime, RAW_HAS(sb, raw, i_mtime_extra) ? raw->i_mtime_extra : 0);
	inode->ctime = ext2_time_get(raw->i_ctime, RAW_HAS(sb, raw, i_ctime_extra) ? raw->i_ctime_extra : 0);
	if (RAW_HAS(sb, raw, i_crtime_extra))
		inode->btime = ext2_time_get(raw->i_crtime, raw->i_crtime_extra);
	inode->blksize = sb->block_size;
	ei->flags = raw->i_flags;
	ei->generation = raw->i_generation;
	ei->file_acl = raw->i_file_acl;
	ei->dtime = raw->i_dtime;
	memcpy(ei->block, raw->i_block, sizeof(ei->block));
	inode->fs_private = ei;

	e = -EIO;
	switch (inode->mode & S_IFMT) {
	case S_IFREG:
		if (inode->size > inode->super->max_bytes)
			goto bad;
		break;
	case S_IFDIR:
		/* No holes in directories: so the blocks it counts bound its size. */
		if (inode->size == 0 || inode->size % sb->block_size || inode->size / 512 > inode->blocks)
			goto bad;
		break;
	case S_IFLNK:
		if (inode->size == 0 || inode->size >= (ext2_has_no_blocks(inode) ? sizeof(ei->block) : MIN(sb->block_size, (unsigned)PATH_MAX)))
			goto bad;
		break;
	case S_IFCHR: case S_IFBLK: case S_IFIFO: case S_IFSOCK:
		break;
	default:
		goto bad;
	}
	if (ei->file_acl && !ext2_block_ok(sb, ei->file_acl, 1))
		goto bad;
	ext2_flags_to_inode(inode);
	ext2_set_ops(inode);
	e = 0;
	goto out;
bad:
	ext2_error(sb, "inode %llu makes no sense (mode 0%o, size %llu)", (unsigned long long)inode->ino, inode->mode,
		(unsigned long long)inode->size);
	inode->fs_private = NULL;
	inode->mode = 0;
	kmem_cache_free(ext2_inode_cache, ei);
out:
	buffer_put(&buf);
	return e;
}

int ext2_iget(struct super *s, uint64_t ino, struct inode **out)
{
	struct ext2_sb *sb = ext2_sb(s);
	struct inode *inode;
	int e;

	if (ino > sb->inodes_count || (ino != EXT2_ROOT_INO && ino < sb->first_ino))
		return -EIO;
	inode = inode_get_locked(s, ino);
	if (!inode)
		return -ENOMEM;
	if (READ_ONCE(inode->state) & ISTATE_NEW) {
		e = ext2_inode_fill(inode);
		if (e) {
			inode_fail_new(inode);
			return e;
		}
		inode_unlock_new(inode);
	}
	*out = inode;
	return 0;
}

int ext2_new_inode(struct inode *dir, uint32_t mode, struct inode **out)
{
	struct ext2_sb *sb = ext2_sb(dir->super);
	struct ext2_inode *ei;
	struct inode *inode;
	uint32_t ino;
	int e = ext2_alloc_inode(dir, mode, &ino);

	if (e)
		return e;
	ei = ext2_inode_alloc(sb, ino);
	inode = ei ? inode_get_locked(dir->super, ino) : NULL;
	if (!inode) {
		e = -ENOMEM;
		goto free_ino;
	}
	if (!(READ_ONCE(inode->state) & ISTATE_NEW)) {
		/* The bitmap said free, but it is in use: leave it marked. */
		ext2_error(sb, "inode %u was marked free while in use", ino);
		inode_put(inode);
		kmem_cache_free(ext2_inode_cache, ei);
		return -EIO;
	}
	inode_init_owner(inode, dir, mode);
	WRITE_ONCE(inode->nlink, 1);
	inode->size = 0;
	inode->blocks = 0;
	inode->atime = inode->mtime = inode->ctime = inode->btime = inode_now();
	inode->blksize = sb->block_size;
	ei->generation = __atomic_add_fetch(&sb->generation, 1, __ATOMIC_RELAXED);
	/* What a directory hands on: all but what describes itself; to files other than directories only some. */
	ei->flags = ext2_i(dir)->flags & (EXT2_SYNC_FL | EXT2_NODUMP_FL | EXT2_NOATIME_FL);
	inode->fs_private = ei;
	ext2_flags_to_inode(inode);
	*out = inode;
	return 0;
free_ino:
	if (ei)
		kmem_cache_free(ext2_inode_cache, ei);
	ext2_free_inode(sb, ino, S_ISDIR(mode));
	return e;
}

void ext2_abort_new(struct inode *inode)
{
	WRITE_ONCE(inode->nlink, 0);
	if (READ_ONCE(inode->state) & ISTATE_NEW)
		inode_unlock_new(inode);
	inode_put(inode);	/* evicts: frees what it has */
}

/*
 * Without the inode's lock, which who changes it has: what it has changed only in part when this looks, it marks
 * for another write when it is done.  [map_lock, raw_lock]
 */
static RACY void ext2_raw_fill(const struct inode *inode, struct ext2_raw_inode *raw)
{
	const struct ext2_sb *sb = ext2_sb(inode->super);
	const struct ext2_inode *ei = ext2_i(inode);

	raw->i_mode = (uint16_t)inode->mode;
	raw->i_uid = (uint16_t)inode->uid;
	raw->i_uid_high = (uint16_t)(inode->uid >> 16);
	raw->i_gid = (uint16_t)inode->gid;
	raw->i_gid_high = (uint16_t)(inode->gid >> 16);
	raw->i_links_count = (uint16_t)inode->nlink;
	raw->i_size = (uint32_t)inode->size;
	raw->i_size_high = S_ISREG(inode_mode(inode)) ? (uint32_t)(inode->size >> 32) : 0;
	raw->i_blocks = (uint32_t)inode->blocks;
	raw->i_blocks_high = 0;
	raw->i_atime = (uint32_t)inode->atime.sec;
	raw->i_mtime = (uint32_t)inode->mtime.sec;
	raw->i_ctime = (uint32_t)inode->ctime.sec;
	raw->i_dtime = ei->dtime;
	raw->i_flags = ei->flags;
	raw->i_generation = ei->generation;
	raw->i_file_acl = ei->file_acl;
	raw->i_faddr = 0;
	if (RAW_HAS(sb, raw, i_atime_extra)) {
		raw->i_ctime_extra = ext2_time_extra(inode->ctime);
		raw->i_mtime_extra = ext2_time_extra(inode->mtime);
		raw->i_atime_extra = ext2_time_extra(inode->atime);
	}
	if (RAW_HAS(sb, raw, i_crtime_extra)) {
		raw->i_crtime = (uint32_t)inode->btime.sec;
		raw->i_crtime_extra = ext2_time_extra(inode->btime);
	}
}

int ext2_write_inode(struct inode *inode)
{
	struct ext2_sb *sb = ext2_sb(inode->super);
	struct ext2_inode *ei = ext2_i(inode);
	struct ext2_raw_inode *raw;
	struct buffer buf;
	int e;

	if (!ei)
		return 0;
	e = ext2_raw_read(sb, inode->ino, &buf, &raw);
	if (e)
		return e;
	rwsem_read_lock(&ei->map_lock);
	mutex_lock(&ei->raw_lock);
	ext2_raw_fill(inode, raw);
	memcpy(raw->i_block, ei->block, sizeof(raw->i_block));
	buffer_dirty(&buf);
	mutex_unlock(&ei->raw_lock);
	rwsem_read_unlock(&ei->map_lock);
	buffer_put(&buf);
	return 0;
}

/* Only the deletion time, or the next orphan: the rest may be changing, of an inode that is being freed. */
int ext2_write_dtime(struct inode *inode)
{
	struct ext2_inode *ei = ext2_i(inode);
	struct ext2_raw_inode *raw;
	struct buffer buf;
	int e = ext2_raw_read(ext2_sb(inode->super), inode->ino, &buf, &raw);

	if (e)
		return e;
	mutex_lock(&ei->raw_lock);
	raw->i_dtime = ei->dtime;
	buffer_dirty(&buf);
	mutex_unlock(&ei->raw_lock);
	buffer_put(&buf);
	return 0;
}

/* A new inode's place on the disk: nothing of its last life may stay. */
int ext2_raw_clear(struct inode *inode);
int ext2_raw_clear(struct inode *inode)
{
	struct ext2_sb *sb = ext2_sb(inode->super);
	struct ext2_raw_inode *raw;
	struct buffer buf;
	int e = ext2_raw_read(sb, inode->ino, &buf, &raw);

	if (e)
		return e;
	memset(raw, 0, sb->inode_size);
	if (sb->inode_size > 128)
		raw->i_extra_isize = (uint16_t)sb->extra_isize;
	buffer_dirty(&buf);
	buffer_put(&buf);
	return ext2_write_inode(inode);
}

void ext2_evict_inode(struct inode *inode)
{
	struct ext2_sb *sb = ext2_sb(inode->super);
	struct ext2_inode *ei = ext2_i(inode);

	if (!ei)
		return;
	ext2_dir_index_drop(ei);
	if (inode->nlink == 0 && !(READ_ONCE(inode->super->flags) & MS_RDONLY)) {
		bool is_dir = S_ISDIR(inode_mode(inode));

		if (inode->ino >= sb->first_ino) {
			if ((S_ISREG(inode_mode(inode)) || is_dir || (S_ISLNK(inode_mode(inode)) && !ext2_is_fast_symlink(inode))))
				ext2_free_range(inode, 0, UINT64_MAX);
			ext2_xattr_drop(inode);
			inode->size = 0;
			ext2_orphan_del(inode);
			ei->dtime = (uint32_t)inode_now().sec;
			if (ext2_write_inode(inode) == 0)
				ext2_free_inode(sb, (uint32_t)inode->ino, is_dir);
		}
	}
	if (!list_empty(&ei->orphan_link))
		ext2_orphan_forget(inode);
	inode->fs_private = NULL;
	kmem_cache_free(ext2_inode_cache, ei);
}

static int ext2_set_size(struct inode *inode, uint64_t size)
{
	struct ext2_sb *sb = ext2_sb(inode->super);
	uint64_t old = inode->size;
	int e;

	if (size > inode->super->max_bytes)
		return -EFBIG;
	if (size > INT32_MAX) {
		e = ext2_set_large_file(sb);
		if (e)
			return e;
	}
	if (size < old) {
		/* What the last block has behind the new end must not come back when the file grows again. */
		uint64_t tail = ALIGN_UP(size, (uint64_t)sb->block_size);

		e = ext2_zero_bytes(inode, size, MIN(tail, old), false);
		if (e)
			return e;
		WRITE_ONCE(inode->size, size);	/* readers hold no lock */
		mapping_truncate(inode->mapping, size);
		e = ext2_free_range(inode, (size + sb->block_size - 1) >> sb->block_bits, UINT64_MAX);
	} else {
		/* The disk has zeros behind the old end; a shared mapping may have left something in the page. */
		if (size > old)
			mapping_truncate(inode->mapping, old);
		WRITE_ONCE(inode->size, size);	/* readers hold no lock */
		if (size > old)
			mapping_grown(inode->mapping, old);
		e = 0;
	}
	inode_touch(inode, ATTR_MTIME | ATTR_CTIME);
	inode_mark_dirty(inode);
	return e;
}

int ext2_setattr(struct inode *inode, const struct inode_attr *a)
{
	struct inode_attr rest = *a;
	int e;

	if (inode->flags & INODE_IMMUTABLE)	/* the size too, of a file that was opened before */
		return -EPERM;
	if (a->valid & ATTR_SIZE) {
		if (S_ISDIR(inode_mode(inode)))
			return -EISDIR;
		if (!S_ISREG(inode_mode(inode)))
			return -EINVAL;
		e = ext2_set_size(inode, a->size);
		if (e)
			return e;
		rest.valid &= ~(unsigned)ATTR_SIZE;
	}
	e = vfs_setattr_simple(inode, &rest);
	if (!e)
		inode_mark_dirty(inode);
	return e;
}
