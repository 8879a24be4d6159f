/* SPDX-License-Identifier: MIT */
/*
 * Directories: blocks of entries, each with its own length; the lengths of a
 * block's entries add up to the block.  An entry with inode 0 is free space;
 * deleting an entry adds its length to the one before.
 *
 * Searching is linear with the dentry cache above.  Hashed directories
 * (dir_index) are read in the same way, since their index blocks look like one
 * free entry; the first change drops the index flag, and with it the index.
 *
 * A block is checked whole before any of it is used (ext2_dir_block).
 */
#include "ext2.h"
#include <kernel/errno.h>
#include <kernel/file.h>
#include <kernel/print.h>
#include <kernel/string.h>

static const uint8_t mode_to_ft[16] = { [S_IFREG >> 12] = EXT2_FT_REG, [S_IFDIR >> 12] = EXT2_FT_DIR, [S_IFCHR >> 12] = EXT2_FT_CHR,
	[S_IFBLK >> 12] = EXT2_FT_BLK, [S_IFIFO >> 12] = EXT2_FT_FIFO, [S_IFSOCK >> 12] = EXT2_FT_SOCK, [S_IFLNK >> 12] = EXT2_FT_LNK };
static const uint8_t ft_to_dt[8] = { DT_UNKNOWN, DT_REG, DT_DIR, DT_CHR, DT_BLK, DT_FIFO, DT_SOCK, DT_LNK };

static bool ext2_has_filetype(const struct ext2_sb *sb)
{
	return sb->es->s_feature_incompat & EXT2_INCOMPAT_FILETYPE;
}

static uint8_t ext2_file_type(const struct ext2_sb *sb, const struct inode *inode)
{
	return ext2_has_filetype(sb) ? mode_to_ft[inode->mode >> 12 & 15] : 0;
}

static bool ext2_dir_check(const struct ext2_sb *sb, const char *data)
{
	unsigned off = 0;

	while (off < sb->block_size) {
		const struct ext2_dirent *de = (const struct ext2_dirent *)(data + off);
		unsigned len;

		if (sb->block_size - off < EXT2_REC_LEN(1))
			return false;
		len = de->rec_len;
		if (len < EXT2_REC_LEN(1) || (len & 3) || len > sb->block_size - off || len < EXT2_REC_LEN(de->name_len) ||
		    de->inode > sb->inodes_count)
			return false;
		off += len;
	}
	return true;
}

/* Block n of the directory, checked.  -EIO: a hole, or nonsense. */
static int ext2_dir_block(struct inode *dir, uint64_t n, struct buffer *out)
{
	struct ext2_sb *sb = ext2_sb(dir->super);
	uint32_t phys, count;
	int e = ext2_map(dir, n, 1, &phys, &count);

	if (e)
		return e;
	if (!phys) {
		ext2_error(sb, "directory %llu has a hole at block %llu", (unsigned long long)dir->ino, (unsigned long long)n);
		return -EIO;
	}
	e = buffer_read(sb->dev, phys, sb->block_size, out);
	if (e)
		return e;
	if (!ext2_dir_check(sb, out->data)) {
		ext2_error(sb, "directory %llu: bad entry in block %llu", (unsigned long long)dir->ino, (unsigned long long)n);
		buffer_put(out);
		return -EIO;
	}
	return 0;
}

static uint64_t ext2_dir_blocks(const struct inode *dir)
{
	return dir->size >> ext2_sb(dir->super)->block_bits;
}

/* Safe although the block was checked a moment ago and others may hold it: only we change it, under the inode lock. */
static struct ext2_dirent *ext2_next(struct ext2_dirent *de)
{
	return (struct ext2_dirent *)((char *)de + de->rec_len);
}

static bool ext2_match(const struct ext2_dirent *de, const struct qstr *name)
{
	return de->inode && de->name_len == name->len && memcmp(de->name, name->name, name->len) == 0;
}

int ext2_dir_find(struct inode *dir, const struct qstr *name, struct buffer *buf, struct ext2_dirent **out)
{
	struct ext2_sb *sb = ext2_sb(dir->super);
	uint64_t n = ext2_dir_blocks(dir);

	if (name->len > EXT2_NAME_LEN)
		return -ENAMETOOLONG;
	for (uint64_t i = 0; i < n; i++) {
		struct ext2_dirent *de;
		char *end;
		int e = ext2_dir_block(dir, i, buf);

		if (e)
			return e;
		end = (char *)buf->data + sb->block_size;
		for (de = buf->data; (char *)de < end; de = ext2_next(de))
			if (ext2_match(de, name)) {
				*out = de;
				return 0;
			}
		buffer_put(buf);
	}
	return -ENOENT;
}

static void ext2_dir_changed(struct inode *dir)
{
	ext2_i(dir)->flags &= ~(uint32_t)EXT2_INDEX_FL;
	__atomic_add_fetch(&dir->version, 1, __ATOMIC_RELAXED);
	inode_touch(dir, ATTR_MTIME | ATTR_CTIME);
	inode_mark_dirty(dir);
}

static void ext2_dirent_fill(struct ext2_sb *sb, struct ext2_dirent *de, const char *name, unsigned len, const struct inode *target)
{
	de->inode = (uint32_t)target->ino;
	de->name_len = (uint8_t)len;
	de->file_type = ext2_file_type(sb, target);
	memcpy(de->name, name, len);
}

int ext2_dir_add(struct inode *dir, const struct qstr *name, struct inode *target)
{
	struct ext2_sb *sb = ext2_sb(dir->super);
	struct ext2_inode *ei = ext2_i(dir);
	unsigned need = EXT2_REC_LEN(name->len);
	uint64_t n = ext2_dir_blocks(dir), start;
	struct buffer buf;
	struct ext2_dirent *de;
	uint32_t phys;
	bool fresh;
	int e;

	if (name->len > EXT2_NAME_LEN)
		return -ENAMETOOLONG;
	/* Blocks below the hint had no room for a small entry when last looked at. */
	start = ei->dir_hint < n ? ei->dir_hint : 0;
	for (uint64_t i = start; i < n; i++) {
		char *end;

		e = ext2_dir_block(dir, i, &buf);
		if (e)
			return e;
		end = (char *)buf.data + sb->block_size;
		for (de = buf.data; (char *)de < end; de = ext2_next(de)) {
			unsigned used = de->inode ? EXT2_REC_LEN(de->name_len) : 0, len = de->rec_len;

			if (len - used < need)
				continue;
			if (used) {
				struct ext2_dirent *rest = (struct ext2_dirent *)((char *)de + used);

				rest->rec_len = (uint16_t)(len - used);
				rest->inode = 0;
				de->rec_len = (uint16_t)used;
				de = rest;
			}
			ext2_dirent_fill(sb, de, name->name, name->len, target);
			buffer_dirty(&buf);
			buffer_put(&buf);
			ei->dir_hint = (uint32_t)i;
			ext2_dir_changed(dir);
			return 0;
		}
		buffer_put(&buf);
	}
	if (dir->size + sb->block_size > INT32_MAX)
		return -ENOSPC;
	e = ext2_map_create(dir, n, &phys, &fresh);
	if (e)
		return e;
	e = buffer_get_zeroed(sb->dev, phys, sb->block_size, &buf);
	if (e) {
		ext2_free_range(dir, n, n + 1);
		return e;
	}
	de = buf.data;
	de->rec_len = (uint16_t)sb->block_size;
	ext2_dirent_fill(sb, de, name->name, name->len, target);
	buffer_dirty(&buf);
	buffer_put(&buf);
	dir->size += sb->block_size;
	ei->dir_hint = (uint32_t)n;
	ext2_dir_changed(dir);
	return 0;
}

/* buf and de as ext2_dir_find() gave them. */
int ext2_dir_delete(struct inode *dir, struct buffer *buf, struct ext2_dirent *de)
{
	struct ext2_dirent *prev = NULL;

	for (struct ext2_dirent *p = buf->data; p != de; p = ext2_next(p))
		prev = p;
	if (prev)
		prev->rec_len = (uint16_t)(prev->rec_len + de->rec_len);
	de->inode = 0;
	buffer_dirty(buf);
	ext2_i(dir)->dir_hint = 0;
	ext2_dir_changed(dir);
	return 0;
}

void ext2_dir_set(struct inode *dir, struct buffer *buf, struct ext2_dirent *de, struct inode *target)
{
	de->inode = (uint32_t)target->ino;
	de->file_type = ext2_file_type(ext2_sb(dir->super), target);
	buffer_dirty(buf);
	ext2_dir_changed(dir);
}

int ext2_dir_make_empty(struct inode *dir, struct inode *parent)
{
	struct ext2_sb *sb = ext2_sb(dir->super);
	struct ext2_dirent *de;
	struct buffer buf;
	uint32_t phys;
	bool fresh;
	int e = ext2_map_create(dir, 0, &phys, &fresh);

	if (e)
		return e;
	e = buffer_get_zeroed(sb->dev, phys, sb->block_size, &buf);
	if (e)
		return e;
	de = buf.data;
	ext2_dirent_fill(sb, de, ".", 1, dir);
	de->rec_len = EXT2_REC_LEN(1);
	de = ext2_next(de);
	ext2_dirent_fill(sb, de, "..", 2, parent);
	de->rec_len = (uint16_t)(sb->block_size - EXT2_REC_LEN(1));
	buffer_dirty(&buf);
	buffer_put(&buf);
	dir->size = sb->block_size;
	inode_mark_dirty(dir);
	return 0;
}

int ext2_dir_is_empty(struct inode *dir)
{
	struct ext2_sb *sb = ext2_sb(dir->super);
	uint64_t n = ext2_dir_blocks(dir);

	for (uint64_t i = 0; i < n; i++) {
		struct buffer buf;
		struct ext2_dirent *de;
		int e = ext2_dir_block(dir, i, &buf);

		if (e)
			return e;
		for (de = buf.data; (char *)de < (char *)buf.data + sb->block_size; de = ext2_next(de)) {
			if (!de->inode || (de->name_len == 1 && de->name[0] == '.') ||
			    (de->name_len == 2 && de->name[0] == '.' && de->name[1] == '.'))
				continue;
			buffer_put(&buf);
			return 0;
		}
		buffer_put(&buf);
	}
	return 1;
}

/* Positions are byte offsets; one inside an entry (it was merged since) means the next entry. */
int ext2_dir_iterate(struct file *f, struct dir_context *ctx)
{
	struct inode *dir = f->inode;
	struct ext2_sb *sb = ext2_sb(dir->super);
	bool typed = ext2_has_filetype(sb);

	while (ctx->pos < dir->size) {
		uint64_t n = ctx->pos >> sb->block_bits, base = n << sb->block_bits;
		struct buffer buf;
		struct ext2_dirent *de;
		char *end;
		int e = ext2_dir_block(dir, n, &buf);

		if (e)
			return e;
		if ((ctx->pos & (sb->block_size - 1)) == 0 && n + 1 < ext2_dir_blocks(dir)) {
			uint32_t phys, count;

			if (ext2_map(dir, n + 1, 1, &phys, &count) == 0 && phys)
				buffer_read_ahead(sb->dev, phys, sb->block_size);
		}
		end = (char *)buf.data + sb->block_size;
		for (de = buf.data; (char *)de < end; de = ext2_next(de)) {
			uint64_t at = base + (uint64_t)((char *)de - (char *)buf.data);

			if (at < ctx->pos)
				continue;
			if (de->inode && de->name_len &&
			    !ctx->emit(ctx, de->name, de->name_len, de->inode, typed && de->file_type < 8 ? ft_to_dt[de->file_type] : DT_UNKNOWN)) {
				buffer_put(&buf);
				return 0;
			}
			ctx->pos = at + de->rec_len;
		}
		ctx->pos = base + sb->block_size;
		buffer_put(&buf);
	}
	return 0;
}

static int64_t ext2_dir_llseek(struct file *f, int64_t off, int whence)
{
	return vfs_llseek(f, off, whence);
}

const struct file_ops ext2_dir_ops = {
	.llseek = ext2_dir_llseek,
	.iterate = ext2_dir_iterate,
	.fsync = ext2_fsync,
	.ioctl = ext2_ioctl,
};
