/* SPDX-License-Identifier: MIT */
/*
 * The super block: mount, check, sync, unmount.
 *
 * An image may say anything.  What is read from it at mount is checked so far
 * that the rest of the code can compute with it without overflow: geometry,
 * group descriptors, features.  Features that are not known are refused:
 * "incompatible" ones always, "read-only compatible" ones for writing.
 *
 * While mounted for writing the state on the disk is "not clean"; unmounting
 * and remounting read-only make it clean, unless errors were found, or
 * something that was to be written was not.  What an error made read-only
 * stays read-only (sb->stopped).
 */
#include "ext2.h"
#include <kernel/errno.h>
#include <kernel/fs_init.h>
#include <kernel/print.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/timer.h>

void ext2_error(struct ext2_sb *sb, const char *fmt, ...)
{
	char text[160];
	va_list ap;

	va_start(ap, fmt);
	kvsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	klog_err("ext2 %s: %s", sb->dev->name, text);
	WRITE_ONCE(sb->error_seen, true);
	if (READ_ONCE(sb->errors) != EXT2_ERRORS_CONTINUE && sb->super && !(READ_ONCE(sb->super->flags) & MS_RDONLY) &&
	    !__atomic_exchange_n(&sb->stopped, true, __ATOMIC_RELAXED)) {
		klog_err("ext2 %s: read-only from now on", sb->dev->name);
		__atomic_fetch_or(&sb->super->flags, MS_RDONLY, __ATOMIC_SEQ_CST);
	}
}

struct ext2_group_desc *ext2_group_desc(struct ext2_sb *sb, uint32_t g, struct buffer **buf)
{
	unsigned per = sb->block_size / sizeof(struct ext2_group_desc);

	*buf = &sb->gd_bufs[g / per];
	return (struct ext2_group_desc *)(*buf)->data + g % per;
}

void ext2_group_update(struct ext2_sb *sb, uint32_t g)
{
	struct ext2_group *gr = &sb->groups[g];
	struct buffer *buf;
	struct ext2_group_desc *gd = ext2_group_desc(sb, g, &buf);

	gd->bg_free_blocks_count = (uint16_t)gr->free_blocks;
	gd->bg_free_inodes_count = (uint16_t)gr->free_inodes;
	gd->bg_used_dirs_count = (uint16_t)gr->dirs;
	buffer_dirty(buf);
}

/* Totals and state into the super block's buffer. */
static void ext2_super_update(struct ext2_sb *sb, bool clean)
{
	int64_t blocks = __atomic_load_n(&sb->free_blocks, __ATOMIC_RELAXED), inodes = __atomic_load_n(&sb->free_inodes, __ATOMIC_RELAXED);

	mutex_lock(&sb->lock);
	sb->es->s_free_blocks_count = (uint32_t)MAX(blocks, 0);
	sb->es->s_free_inodes_count = (uint32_t)MAX(inodes, 0);
	sb->es->s_wtime = (uint32_t)(time_real_ns() / NSEC_PER_SEC);
	if (clean)
		sb->es->s_state |= EXT2_VALID_FS;
	else
		sb->es->s_state &= (uint16_t)~EXT2_VALID_FS;
	if (READ_ONCE(sb->error_seen))
		sb->es->s_state |= EXT2_ERROR_FS;
	buffer_dirty(&sb->sb_buf);
	mutex_unlock(&sb->lock);
}

int ext2_set_large_file(struct ext2_sb *sb)
{
	if (READ_ONCE(sb->es->s_feature_ro_compat) & EXT2_RO_LARGE_FILE)
		return 0;
	if (sb->es->s_rev_level == 0)
		return -EFBIG;
	mutex_lock(&sb->lock);
	WRITE_ONCE(sb->es->s_feature_ro_compat, sb->es->s_feature_ro_compat | EXT2_RO_LARGE_FILE);
	buffer_dirty(&sb->sb_buf);
	mutex_unlock(&sb->lock);
	return 0;
}

static int ext2_begin_writing(struct ext2_sb *sb)
{
	int e;

	if (sb->dev->read_only)
		return -EROFS;
	if (sb->es->s_feature_ro_compat & ~(uint32_t)EXT2_RO_SUPPORTED) {
		klog_err("ext2 %s: features 0x%x: can only be mounted read-only", sb->dev->name,
			sb->es->s_feature_ro_compat & ~(uint32_t)EXT2_RO_SUPPORTED);
		return -EINVAL;
	}
	if (!(sb->es->s_state & EXT2_VALID_FS))
		klog_warn("ext2 %s: was not unmounted cleanly: e2fsck is advised", sb->dev->name);
	else if (sb->es->s_state & EXT2_ERROR_FS)
		klog_warn("ext2 %s: has errors: e2fsck is advised", sb->dev->name);
	mutex_lock(&sb->lock);
	sb->told = errseq_now(&sb->dev->inode->mapping->error);
	sb->was_clean = sb->es->s_state & EXT2_VALID_FS;
	sb->es->s_mnt_count++;
	sb->es->s_mtime = (uint32_t)(time_real_ns() / NSEC_PER_SEC);
	mutex_unlock(&sb->lock);
	ext2_super_update(sb, false);
	e = buffer_write_sync(&sb->sb_buf);
	if (e && sb->was_clean)		/* the disk says so yet, and nothing has been changed */
		ext2_super_update(sb, true);
	WRITE_ONCE(sb->writing, !e);
	return e;
}

static int ext2_sync(struct super *s)
{
	struct ext2_sb *sb = ext2_sb(s);

	/* Not before the mount has begun to write, nor after a remount has made it clean. */
	if (READ_ONCE(s->flags) & MS_RDONLY || !READ_ONCE(sb->writing))
		return 0;
	ext2_super_update(sb, false);
	return buffer_sync_all(sb->dev);
}

/* If it was clean when we came, it is when we go; on an error we are still there, and what could not be written is lost. */
static int ext2_end_writing(struct ext2_sb *sb)
{
	int e = buffer_sync_all(sb->dev), before;

	mutex_lock(&sb->lock);
	before = errseq_advance(&sb->dev->inode->mapping->error, &sb->told);
	mutex_unlock(&sb->lock);
	e = e ? e : before;
	if (!e) {
		ext2_super_update(sb, sb->was_clean);
		e = buffer_sync_all(sb->dev);
	}
	if (e) {
		sb->was_clean = false;
		ext2_super_update(sb, false);
	}
	WRITE_ONCE(sb->writing, e);
	return e;
}

static int ext2_statfs(struct super *s, struct abi_statfs *out)
{
	struct ext2_sb *sb = ext2_sb(s);
	int64_t blocks = __atomic_load_n(&sb->free_blocks, __ATOMIC_RELAXED), inodes = __atomic_load_n(&sb->free_inodes, __ATOMIC_RELAXED);

	out->f_type = EXT2_MAGIC;
	out->f_bsize = out->f_frsize = sb->block_size;
	out->f_blocks = sb->blocks_count - sb->overhead;
	out->f_bfree = (uint64_t)MAX(blocks, 0);
	out->f_bavail = blocks > (int64_t)sb->reserved_blocks ? (uint64_t)(blocks - sb->reserved_blocks) : 0;
	out->f_files = sb->inodes_count;
	out->f_ffree = (uint64_t)MAX(inodes, 0);
	out->f_namelen = EXT2_NAME_LEN;
	memcpy(out->f_fsid, sb->es->s_uuid, sizeof(out->f_fsid));
	return 0;
}

static bool ext2_option(const char **at, char *word, size_t max)
{
	size_t n = 0;

	while (**at == ',')
		++*at;
	while (**at && **at != ',') {
		if (n + 1 < max)
			word[n++] = **at;
		++*at;
	}
	word[n] = 0;
	return n > 0;
}

/* All of them, or on an error none. */
static int ext2_parse_options(struct ext2_sb *sb, const char *data)
{
	unsigned errors = sb->errors;
	uint32_t resuid = sb->resuid, resgid = sb->resgid;
	static const char *const ignored[] = { "rw", "ro", "bsddf", "nogrpid", "sysvgroups", "nouid32", "check=none", "nocheck", "noatime",
		"relatime", "nouser_xattr", "user_xattr", "noacl", "reservation", "noreservation", "defaults" };
	char w[64];

	while (data && ext2_option(&data, w, sizeof(w))) {
		uint64_t n;
		bool known = false;

		if (strcmp(w, "errors=continue") == 0) {
			errors = EXT2_ERRORS_CONTINUE;
		} else if (strcmp(w, "errors=remount-ro") == 0) {
			errors = EXT2_ERRORS_RO;
		} else if (strncmp(w, "resuid=", 7) == 0 && parse_u64(w + 7, 0, &n) == 0 && n <= UINT32_MAX) {
			resuid = (uint32_t)n;
		} else if (strncmp(w, "resgid=", 7) == 0 && parse_u64(w + 7, 0, &n) == 0 && n <= UINT32_MAX) {
			resgid = (uint32_t)n;
		} else {
			for (unsigned i = 0; i < ARRAY_SIZE(ignored); i++)
				known |= strcmp(w, ignored[i]) == 0;
			if (!known) {
				klog_err("ext2 %s: unknown option '%s'", sb->dev->name, w);
				return -EINVAL;
			}
		}
	}
	WRITE_ONCE(sb->errors, errors);
	WRITE_ONCE(sb->resuid, resuid);
	WRITE_ONCE(sb->resgid, resgid);
	return 0;
}

static int ext2_remount(struct super *s, unsigned flags, const char *data)
{
	struct ext2_sb *sb = ext2_sb(s);
	bool ro = flags & MS_RDONLY;
	int e;

	if (!ro && READ_ONCE(sb->stopped))
		return -EROFS;
	e = ext2_parse_options(sb, data);
	if (e || sb->writing == !ro)
		return e;
	if (ro) {
		/* There are no writers, and the VFS keeps new ones out meanwhile. */
		e = ext2_end_writing(sb);
		if (!e)
			__atomic_fetch_or(&s->flags, MS_RDONLY, __ATOMIC_SEQ_CST);
	} else {
		e = ext2_begin_writing(sb);
		if (!e) {
			__atomic_fetch_and(&s->flags, ~(unsigned)MS_RDONLY, __ATOMIC_SEQ_CST);
			ext2_orphans_recover(sb);
		}
	}
	return e;
}

static void ext2_show_options(struct super *s, char *buf, size_t max)
{
	ksnprintf(buf, max, "%s", ext2_sb(s)->errors == EXT2_ERRORS_RO ? ",errors=remount-ro" : "");
}

static void ext2_sb_free(struct ext2_sb *sb)
{
	for (unsigned i = 0; sb->gd_bufs && i < sb->gd_blocks; i++)
		buffer_put(&sb->gd_bufs[i]);
	buffer_put(&sb->sb_buf);
	kfree(sb->gd_bufs);
	kfree(sb->groups);
	kfree(sb);
}

static void ext2_put_super(struct super *s)
{
	struct ext2_sb *sb = ext2_sb(s);

	if (sb->writing && ext2_end_writing(sb))
		klog_err("ext2 %s: could not be written whole", sb->dev->name);
	store_release(&sb->dev->claimed, false);
	s->fs_private = NULL;
	ext2_sb_free(sb);
}

static uint32_t ext2_generation(const struct inode *inode) { return ext2_i(inode)->generation; }

const struct super_ops ext2_super_ops = {
	.inode_by_number = ext2_iget,
	.generation = ext2_generation,
	.write_inode = ext2_write_inode,
	.evict_inode = ext2_evict_inode,
	.sync = ext2_sync,
	.statfs = ext2_statfs,
	.put_super = ext2_put_super,
	.remount = ext2_remount,
	.show_options = ext2_show_options,
};

static int ext2_refuse(struct ext2_sb *sb, const char *why)
{
	klog(KLOG_NOTICE, "ext2 %s: %s", sb->dev->name, why);
	return -EINVAL;
}

/* The geometry: everything that is computed with later. */
static int ext2_check_super(struct ext2_sb *sb)
{
	struct ext2_super_block *es = sb->es;
	uint64_t device_blocks;
	unsigned bs;

	if (es->s_magic != EXT2_MAGIC)
		return ext2_refuse(sb, "no ext2 file system");
	if (es->s_rev_level > 1)
		return ext2_refuse(sb, "unknown revision");
	if (es->s_log_block_size > 2)
		return ext2_refuse(sb, "block size is not 1, 2 or 4 KiB");
	bs = 1024u << es->s_log_block_size;
	if (bs < sb->dev->block_size)
		return ext2_refuse(sb, "blocks are smaller than the device's");
	sb->block_size = bs;
	sb->block_bits = 10 + es->s_log_block_size;
	sb->per_block = bs / 4;
	if (es->s_rev_level == 0) {
		sb->inode_size = 128;
		sb->first_ino = 11;
		if (es->s_feature_incompat || es->s_feature_ro_compat)
			return ext2_refuse(sb, "features in a revision that has none");
	} else {
		sb->inode_size = es->s_inode_size;
		sb->first_ino = es->s_first_ino;
	}
	if (es->s_feature_incompat & ~(uint32_t)EXT2_INCOMPAT_SUPPORTED) {
		klog(KLOG_NOTICE, "ext2 %s: unsupported features 0x%x", sb->dev->name, es->s_feature_incompat & ~(uint32_t)EXT2_INCOMPAT_SUPPORTED);
		return -EINVAL;
	}
	if (sb->inode_size < 128 || sb->inode_size > bs || (sb->inode_size & (sb->inode_size - 1)))
		return ext2_refuse(sb, "bad inode size");
	if (sb->inode_size > 128) {
		sb->extra_isize = EXT2_EXTRA_ISIZE;
		if (es->s_want_extra_isize >= EXT2_EXTRA_ISIZE && es->s_want_extra_isize <= sb->inode_size - 128 && !(es->s_want_extra_isize & 3))
			sb->extra_isize = es->s_want_extra_isize;
	}
	sb->blocks_count = es->s_blocks_count;
	sb->inodes_count = es->s_inodes_count;
	sb->blocks_per_group = es->s_blocks_per_group;
	sb->inodes_per_group = es->s_inodes_per_group;
	sb->first_data_block = es->s_first_data_block;
	device_blocks = sb->dev->sectors >> (sb->block_bits - 9);
	if (sb->first_data_block != (bs == 1024 ? 1 : 0) || sb->blocks_count <= sb->first_data_block)
		return ext2_refuse(sb, "bad block count");
	if (sb->blocks_count > device_blocks) {
		klog(KLOG_NOTICE, "ext2 %s: file system of %u blocks on a device of %llu: cut off?", sb->dev->name, sb->blocks_count,
			(unsigned long long)device_blocks);
		return -EINVAL;
	}
	if (sb->blocks_per_group == 0 || sb->blocks_per_group > bs * 8 || (sb->blocks_per_group & 7))
		return ext2_refuse(sb, "bad number of blocks per group");
	if (sb->inodes_per_group == 0 || sb->inodes_per_group > bs * 8 || sb->inodes_per_group % (bs / sb->inode_size))
		return ext2_refuse(sb, "bad number of inodes per group");
	sb->ngroups = (sb->blocks_count - sb->first_data_block - 1) / sb->blocks_per_group + 1;
	if ((uint64_t)sb->ngroups * sb->inodes_per_group != sb->inodes_count)
		return ext2_refuse(sb, "bad inode count");
	if (sb->first_ino < 11 || sb->first_ino > sb->inodes_per_group)
		return ext2_refuse(sb, "bad first inode");
	sb->itable_blocks = sb->inodes_per_group / (bs / sb->inode_size);
	sb->gd_blocks = DIV_ROUND_UP(sb->ngroups, bs / (unsigned)sizeof(struct ext2_group_desc));
	if (sb->gd_blocks >= sb->blocks_count)
		return ext2_refuse(sb, "bad number of groups");
	return 0;
}

static bool ext2_group_has_super(const struct ext2_sb *sb, uint32_t g)
{
	if (g <= 1 || !(sb->es->s_feature_ro_compat & EXT2_RO_SPARSE_SUPER))
		return true;
	for (unsigned k = 3; k <= 7; k += 2) {
		uint64_t n = k;

		while (n < g)
			n *= k;
		if (n == g)
			return true;
	}
	return false;
}

static int ext2_read_groups(struct ext2_sb *sb)
{
	uint64_t blocks = 0, inodes = 0, dirs = 0;

	sb->groups = kzalloc(sb->ngroups * sizeof(sb->groups[0]), 0);
	sb->gd_bufs = kzalloc(sb->gd_blocks * sizeof(sb->gd_bufs[0]), 0);
	if (!sb->groups || !sb->gd_bufs)
		return -ENOMEM;
	for (unsigned i = 0; i < sb->gd_blocks; i++) {
		int e = buffer_read(sb->dev, sb->first_data_block + 1 + i, sb->block_size, &sb->gd_bufs[i]);

		if (e)
			return e;
	}
	sb->overhead = sb->first_data_block + sb->ngroups * (2 + sb->itable_blocks);
	for (uint32_t g = 0; g < sb->ngroups; g++) {
		struct buffer *buf;
		const struct ext2_group_desc *gd = ext2_group_desc(sb, g, &buf);
		struct ext2_group *gr = &sb->groups[g];

		mutex_init(&gr->lock, LOCK_SUPER);
		gr->block_bitmap = gd->bg_block_bitmap;
		gr->inode_bitmap = gd->bg_inode_bitmap;
		gr->inode_table = gd->bg_inode_table;
		gr->free_blocks = gd->bg_free_blocks_count;
		gr->free_inodes = gd->bg_free_inodes_count;
		gr->dirs = gd->bg_used_dirs_count;
		/* Nothing of a group lies where the super block and the descriptors are. */
		if (MIN(MIN(gr->block_bitmap, gr->inode_bitmap), gr->inode_table) <= sb->first_data_block + sb->gd_blocks ||
		    !ext2_block_ok(sb, gr->block_bitmap, 1) || !ext2_block_ok(sb, gr->inode_bitmap, 1) ||
		    !ext2_block_ok(sb, gr->inode_table, sb->itable_blocks) || gr->free_blocks > sb->blocks_per_group ||
		    gr->free_inodes > sb->inodes_per_group || gr->dirs > sb->inodes_per_group) {
			klog(KLOG_NOTICE, "ext2 %s: descriptor of group %u makes no sense", sb->dev->name, g);
			return -EINVAL;
		}
		blocks += gr->free_blocks;
		inodes += gr->free_inodes;
		dirs += gr->dirs;
		if (ext2_group_has_super(sb, g))
			sb->overhead += 1 + sb->gd_blocks;
	}
	sb->overhead = MIN(sb->overhead, sb->blocks_count);
	sb->free_blocks = (int64_t)blocks;
	sb->free_inodes = (int64_t)inodes;
	sb->dirs = (int64_t)dirs;
	return 0;
}

/* The mount failed: the root inode must not stay in the cache, nor change the disk. */
static void ext2_drop_root(struct inode *root)
{
	__atomic_fetch_or(&root->super->flags, MS_RDONLY, __ATOMIC_RELAXED);
	WRITE_ONCE(root->nlink, 0);
	inode_put(root);
}

static struct blkdev *ext2_find_device(const char *source)
{
	struct blkdev *d = NULL;
	struct path p;

	if (!source || !*source)
		return NULL;
	d = blkdev_find(source);
	if (!d && path_lookup(AT_FDCWD, source, LOOKUP_FOLLOW, &p) == 0) {
		if (p.dentry->inode && S_ISBLK(inode_mode(p.dentry->inode)))
			d = blkdev_find_dev(p.dentry->inode->rdev);
		path_put(&p);
	}
	return d;
}

static int ext2_mount(const struct filesystem *fs, const char *source, unsigned ms_flags, const char *data, struct super **out)
{
	struct blkdev *d = ext2_find_device(source);
	struct inode *root = NULL;
	struct super *s = NULL;
	struct ext2_sb *sb;
	int e;

	if (!d)
		return -ENOENT;
	if (__atomic_exchange_n(&d->claimed, true, __ATOMIC_ACQ_REL))
		return -EBUSY;
	sb = kzalloc(sizeof(*sb), 0);
	e = -ENOMEM;
	if (!sb)
		goto fail;
	sb->dev = d;
	mutex_init(&sb->lock, LOCK_FS_META);
	mutex_init(&sb->orphan_lock, LOCK_EXT2_ORPHAN);
	list_init(&sb->orphans);
	e = buffer_read(d, 1, 1024, &sb->sb_buf);
	if (e) {
		klog(KLOG_NOTICE, "ext2 %s: cannot read the super block", d->name);
		goto fail;
	}
	sb->es = sb->sb_buf.data;
	e = ext2_check_super(sb);
	if (e)
		goto fail;
	e = ext2_read_groups(sb);
	if (e)
		goto fail;
	sb->reserved_blocks = sb->es->s_r_blocks_count;
	sb->resuid = sb->es->s_def_resuid;
	sb->resgid = sb->es->s_def_resgid;
	sb->errors = sb->es->s_errors == EXT2_ERRORS_CONTINUE ? EXT2_ERRORS_CONTINUE : EXT2_ERRORS_RO;
	sb->generation = (uint32_t)time_real_ns();
	e = ext2_parse_options(sb, data);
	if (e)
		goto fail;
	s = super_alloc(fs);
	e = -ENOMEM;
	if (!s)
		goto fail;
	sb->super = s;
	s->dev = d->dev;
	s->fs_private = sb;
	s->block_size = sb->block_size;
	s->max_bytes = ext2_max_bytes(sb->block_bits);
	s->bdev = d;
	WRITE_ONCE(s->flags, ms_flags & (MS_RDONLY | MS_SYNCHRONOUS | MS_DIRSYNC));
	strlcpy(s->id, source, sizeof(s->id));
	store_release(&s->ops, &ext2_super_ops);	/* a sync(2) may come from now on */
	e = ext2_iget(s, EXT2_ROOT_INO, &root);
	if (e || !S_ISDIR(inode_mode(root)) || root->nlink == 0) {
		klog(KLOG_NOTICE, "ext2 %s: the root directory cannot be read", d->name);
		if (!e)
			ext2_drop_root(root);
		e = e == -ENOMEM ? e : -EIO;
		goto fail;
	}
	inode_get(root);	/* the dentry has one of its own, and drops it if it cannot be made */
	s->root = d_make_root(root);
	e = s->root ? 0 : -ENOMEM;
	if (!e && !(ms_flags & MS_RDONLY))
		e = ext2_begin_writing(sb);
	if (e) {
		if (s->root)
			dentry_put(s->root);
		s->root = NULL;
		ext2_drop_root(root);
		goto fail;
	}
	inode_put(root);
	if (sb->writing)
		ext2_orphans_recover(sb);
	*out = s;
	return 0;
fail:
	if (s)
		super_retire(s);	/* a sync(2) may have come */
	if (sb) {
		if (s)
			s->fs_private = NULL;
		ext2_sb_free(sb);
	}
	if (s) {
		s->ops = NULL;
		super_put(s);
	}
	store_release(&d->claimed, false);
	return e;
}

struct filesystem ext2_filesystem = { .name = "ext2", .mount = ext2_mount, .needs_device = true };

void ext2_init(void)
{
	ext2_inode_init();
	ext2_dir_index_init();
	ext2_file_init();
	filesystem_register(&ext2_filesystem);
}
