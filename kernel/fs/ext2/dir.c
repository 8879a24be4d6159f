/* SPDX-License-Identifier: MIT */
/*
 * Directories: blocks of entries, each with its own length; the lengths of a
 * block's entries add up to the block.  An entry with inode 0 is free space;
 * deleting an entry adds its length to the one before.
 *
 * Searching is linear in small directories, with the dentry cache above; of
 * large ones the kernel remembers which name is in which block (dir_index.c).
 * Directories hashed on the disk (dir_index) are read in the same way, since their index blocks look like one
 * free entry; the first change drops the index flag, and with it the index.
 *
 * A block is checked whole before any of it is used (ext2_dir_block), and still
 * nobody goes past its end for what an entry says later (ext2_dirent_next).
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
	return ext2_has_filetype(sb) ? mode_to_ft[inode_mode(inode) >> 12 & 15] : 0;
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

int ext2_dir_block(struct inode *dir, uint64_t n, struct buffer *out)
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

/* How long de is, at most what is left; 0: it cannot be. */
static unsigned ext2_dirent_len(const struct ext2_dirent *de, const void *end)
{
	unsigned len = READ_ONCE(de->rec_len), left = (unsigned)((const char *)end - (const char *)de);

	return len < EXT2_REC_LEN(1) || (len & 3) || len > left ? 0 : len;
}

struct ext2_dirent *ext2_dirent_next(const struct ext2_dirent *de, const void *end)
{
	unsigned len = ext2_dirent_len(de, end);
	const char *next = (const char *)de + len;

	return (struct ext2_dirent *)(len && (const char *)end - next >= (int64_t)EXT2_REC_LEN(1) ? next : (const char *)end);
}

unsigned ext2_dirent_room(const struct ext2_dirent *de, const void *end)
{
	unsigned len = ext2_dirent_len(de, end), used = READ_ONCE(de->inode) ? EXT2_REC_LEN(READ_ONCE(de->name_len)) : 0;

	return len > used ? len - used : 0;
}

static bool ext2_match(const struct ext2_dirent *de, const struct qstr *name, const char *end)
{
	return de->inode && de->name_len == name->len && name->len <= end - de->name && memcmp(de->name, name->name, name->len) == 0;
}

/* The entry in block n: 0, -ENOENT or an error. */
static int ext2_find_in_block(struct inode *dir, uint64_t n, const struct qstr *name, struct buffer *buf, struct ext2_dirent **out)
{
	struct ext2_dirent *de;
	char *end;
	int e = ext2_dir_block(dir, n, buf);

	if (e)
		return e;
	end = (char *)buf->data + ext2_sb(dir->super)->block_size;
	for (de = buf->data; (char *)de < end; de = ext2_dirent_next(de, end))
		if (ext2_match(de, name, end)) {
			*out = de;
			return 0;
		}
	buffer_put(buf);
	return -ENOENT;
}

int ext2_dir_find(struct inode *dir, const struct qstr *name, struct buffer *buf, struct ext2_dirent **out)
{
	const struct ext2_dir_index *x;
	const void *cursor = NULL;
	uint64_t n = ext2_dir_blocks(dir);
	uint32_t block;
	int e = -ENOENT;

	if (name->len > EXT2_NAME_LEN)
		return -ENAMETOOLONG;
	x = ext2_dir_index(dir);
	if (x) {
		while (e == -ENOENT && ext2_dir_index_next(x, name, &cursor, &block))
			e = ext2_find_in_block(dir, block, name, buf, out);
		return e;
	}
	for (uint64_t i = 0; i < n && e == -ENOENT; i++)
		e = ext2_find_in_block(dir, i, name, buf, out);
	return e;
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

/* Into block n, if it has room: 0, -ENOSPC or an error. */
static int ext2_add_to_block(struct inode *dir, uint64_t n, const struct qstr *name, struct inode *target)
{
	struct ext2_sb *sb = ext2_sb(dir->super);
	unsigned need = EXT2_REC_LEN(name->len);
	struct ext2_dirent *de;
	struct buffer buf;
	char *end;
	int e = ext2_dir_block(dir, n, &buf);

	if (e)
		return e;
	end = (char *)buf.data + sb->block_size;
	for (de = buf.data; (char *)de < end; de = ext2_dirent_next(de, end)) {
		unsigned len = ext2_dirent_len(de, end), room = ext2_dirent_room(de, end), used = len - room;

		if (room < need || room > len)
			continue;
		if (used) {
			struct ext2_dirent *rest = (struct ext2_dirent *)((char *)de + used);

			rest->rec_len = (uint16_t)room;
			rest->inode = 0;
			de->rec_len = (uint16_t)used;
			de = rest;
		}
		ext2_dirent_fill(sb, de, name->name, name->len, target);
		buffer_dirty(&buf);
		ext2_dir_index_added(dir, name->name, name->len, (uint32_t)n, buf.data);
		buffer_put(&buf);
		ext2_i(dir)->dir_hint = (uint32_t)n;
		ext2_dir_changed(dir);
		return 0;
	}
	buffer_put(&buf);
	return -ENOSPC;
}

int ext2_dir_add(struct inode *dir, const struct qstr *name, struct inode *target)
{
	struct ext2_sb *sb = ext2_sb(dir->super);
	struct ext2_inode *ei = ext2_i(dir);
	const struct ext2_dir_index *x;
	uint64_t n = ext2_dir_blocks(dir), start;
	struct buffer buf;
	struct ext2_dirent *de;
	uint32_t phys, block;
	bool fresh;
	int e = -ENOSPC;

	if (name->len > EXT2_NAME_LEN)
		return -ENAMETOOLONG;
	x = ext2_dir_index(dir);
	if (x) {
		if (ext2_dir_index_space(x, EXT2_REC_LEN(name->len), &block))
			e = ext2_add_to_block(dir, block, name, target);
	} else {
		/* Blocks below the hint had no room for a small entry when last looked at. */
		start = ei->dir_hint < n ? ei->dir_hint : 0;
		for (uint64_t i = start; i < n && e == -ENOSPC; i++)
			e = ext2_add_to_block(dir, i, name, target);
	}
	if (e != -ENOSPC)
		return e;
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
	WRITE_ONCE(dir->size, dir->size + sb->block_size);
	ext2_dir_index_added(dir, name->name, name->len, (uint32_t)n, buf.data);
	buffer_put(&buf);
	ei->dir_hint = (uint32_t)n;
	ext2_dir_changed(dir);
	return 0;
}

/* The index forgets the entry, whose name is still to be read. */
static void ext2_unindex(struct inode *dir, const struct buffer *buf, const struct ext2_dirent *de)
{
	const struct ext2_dir_index *x = ext2_i(dir)->index;
	const struct qstr name = { .name = de->name, .len = de->name_len };
	const void *cursor = NULL;
	uint32_t block, phys, count;

	while (x && ext2_dir_index_next(x, &name, &cursor, &block))
		if (ext2_map(dir, block, 1, &phys, &count) == 0 && phys == buf->block) {
			ext2_dir_index_removed(dir, de->name, de->name_len, block, buf->data);
			return;
		}
	ext2_dir_index_drop(ext2_i(dir));	/* there was none, or it was wrong */
}

/* buf and de as ext2_dir_find() gave them. */
int ext2_dir_delete(struct inode *dir, struct buffer *buf, struct ext2_dirent *de)
{
	struct ext2_sb *sb = ext2_sb(dir->super);
	const char *end = (const char *)buf->data + sb->block_size;
	struct ext2_dirent *prev = NULL, *p;
	unsigned len = ext2_dirent_len(de, end);

	for (p = buf->data; p < de; p = ext2_dirent_next(p, end))
		prev = p;
	if (p != de || !len) {
		ext2_error(sb, "directory %llu: entries changed that nobody else may change", (unsigned long long)dir->ino);
		return -EIO;
	}
	if (prev)
		prev->rec_len = (uint16_t)((unsigned)((char *)de - (char *)prev) + len);
	de->inode = 0;
	buffer_dirty(buf);
	ext2_unindex(dir, buf, de);
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
	de = (struct ext2_dirent *)((char *)de + EXT2_REC_LEN(1));
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
		char *end;
		int e = ext2_dir_block(dir, i, &buf);

		if (e)
			return e;
		end = (char *)buf.data + sb->block_size;
		for (de = buf.data; (char *)de < end; de = ext2_dirent_next(de, end)) {
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
		for (de = buf.data; (char *)de < end; de = ext2_dirent_next(de, end)) {
			unsigned len = READ_ONCE(de->name_len);
			uint64_t at = base + (uint64_t)((char *)de - (char *)buf.data);

			if (at < ctx->pos)
				continue;
			if (de->inode && len && len <= (unsigned)(end - de->name) &&
			    !ctx->emit(ctx, de->name, len, de->inode, typed && de->file_type < 8 ? ft_to_dt[de->file_type] : DT_UNKNOWN)) {
				buffer_put(&buf);
				return 0;
			}
			ctx->pos = at + ext2_dirent_len(de, end);
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
