/* SPDX-License-Identifier: MIT */
/* ext2's super block: what an image may say of itself, what a remount does when writing or memory fails, and what an error leaves possible. */
#include <kernel/slab.h>
#include "ext2_disk.h"

static struct ext2_super_block *on_disk(void) { return (void *)(disk.data + 1024); }

static struct super *mounted(const char *options)
{
	struct super *s;

	disk_mount();
	s = init_fs_context.root.mnt->super;
	CHECK_EQ(s->ops->remount(s, 0, options), 0);
	return s;
}

static const char *options_of(struct super *s)
{
	static char text[128];

	memset(text, 0, sizeof(text));
	s->ops->show_options(s, text, sizeof(text));
	return text;
}

/* A read-only remount that could not write is none: it goes on as before.  What was lost is e2fsck's: it is not clean any more. */
static void remount_cannot_write(void)
{
	struct super *s;
	struct file *f;

	image_make("-b 1024 -m 0 -N 64", 2 << 20);
	s = mounted(NULL);
	CHECK_EQ(vfs_mkdir(AT_FDCWD, "/d", 0755), 0);
	disk.fail_writes = true;
	CHECK_EQ(s->ops->remount(s, MS_RDONLY, NULL), -EIO);
	CHECK(!(s->flags & (MS_RDONLY | SUPER_TURNING_RO)));
	disk.fail_writes = false;
	/* A file without a name is noted, as before. */
	CHECK_EQ(file_open(AT_FDCWD, "/f", O_RDWR | O_CREAT, 0644, &f), 0);
	CHECK_EQ(vfs_unlink_name("/f"), 0);
	CHECK(ext2_sb(s)->es->s_last_orphan != 0);
	file_put(f);
	CHECK_EQ(super_remount(s, MS_RDONLY, NULL), 0);
	CHECK_EQ(super_remount(s, 0, NULL), 0);
	CHECK_EQ(super_remount(s, MS_RDONLY, NULL), 0);
	CHECK(!(on_disk()->s_state & EXT2_VALID_FS));
	image_remove();
}

/* The mark "clean" cannot be written: it does not get there later, while the disk is changed. */
static void clean_cannot_be_written(void)
{
	struct super *s;

	image_make("-b 1024 -m 0 -N 64 -O ^large_file", 2 << 20);
	s = mounted(NULL);
	CHECK_EQ(super_sync(s), 0);
	disk.fail_sector = 2;
	CHECK_EQ(s->ops->remount(s, MS_RDONLY, NULL), -EIO);
	disk.fail_sector = 0;
	CHECK(!(s->flags & MS_RDONLY));
	CHECK_EQ(vfs_mkdir(AT_FDCWD, "/d", 0755), 0);
	CHECK_EQ(ext2_set_large_file(ext2_sb(s)), 0);
	CHECK_EQ(buffer_sync_all(&disk.dev), 0);	/* as write-back does */
	CHECK(on_disk()->s_feature_ro_compat & EXT2_RO_LARGE_FILE);
	CHECK(!(on_disk()->s_state & EXT2_VALID_FS));
	image_remove();
}

/* While a remount brings all to the disk, nobody becomes a writer. */
static int slipped, tried;

static void slip_in(void)
{
	struct file *f;
	int e = file_open(AT_FDCWD, "/f", O_RDWR, 0, &f);

	tried++;
	if (e == 0) {
		slipped++;
		file_put(f);
	}
}

static void nobody_slips_in(void)
{
	static char buf[30000];
	struct super *s;
	struct file *f;

	image_make("-b 1024 -m 0 -N 64", 2 << 20);
	s = mounted(NULL);
	CHECK_EQ(file_open(AT_FDCWD, "/f", O_RDWR | O_CREAT, 0644, &f), 0);
	CHECK_EQ(file_write_kernel(f, buf, sizeof(buf), 0), (int64_t)sizeof(buf));
	CHECK_EQ(super_remount(s, MS_RDONLY, NULL), -EBUSY);
	file_put(f);
	disk.on_write = slip_in;
	CHECK_EQ(super_remount(s, MS_RDONLY, NULL), 0);
	disk.on_write = NULL;
	CHECK(tried > 0);
	CHECK_EQ(slipped, 0);
	image_check();
	image_remove();
}

/* Options are taken all or none. */
static void options_whole(void)
{
	struct super *s;

	image_make("-b 1024 -m 0 -N 64", 2 << 20);
	s = mounted("errors=continue");
	CHECK_EQ(strcmp(options_of(s), ""), 0);
	CHECK_EQ(super_remount(s, 0, "errors=remount-ro,nonsense"), -EINVAL);
	CHECK_EQ(strcmp(options_of(s), ""), 0);
	CHECK_EQ(super_remount(s, 0, "errors=remount-ro,resuid=5"), 0);
	CHECK_EQ(strcmp(options_of(s), ",errors=remount-ro"), 0);
	CHECK_EQ(super_remount(s, 0, "errors=continue,resuid=4294967296"), -EINVAL);
	CHECK_EQ(strcmp(options_of(s), ",errors=remount-ro"), 0);
	image_remove();
}

/* What an error made read-only stays so until it is unmounted. */
static void stopped_by_an_error(void)
{
	struct super *s;

	image_make("-b 1024 -m 0 -N 64", 2 << 20);
	s = mounted("errors=continue");
	ext2_error(ext2_sb(s), "a test");
	CHECK(!(s->flags & MS_RDONLY));
	CHECK_EQ(super_remount(s, 0, "errors=remount-ro"), 0);
	ext2_error(ext2_sb(s), "the second");		/* now it matters */
	CHECK(s->flags & MS_RDONLY);
	CHECK_EQ(super_remount(s, 0, NULL), -EROFS);
	CHECK_EQ(super_remount(s, 0, "errors=continue"), -EROFS);
	CHECK(s->flags & MS_RDONLY);
	CHECK_EQ(super_remount(s, MS_RDONLY, NULL), 0);
	CHECK_EQ(super_remount(s, 0, NULL), -EROFS);
	CHECK(on_disk()->s_state & EXT2_ERROR_FS);
	image_remove();
}

/* The super block and the descriptors are marked free: they are not given to a file. */
static void system_marked_free(void)
{
	static char buf[16384];
	struct ext2_group_desc *gd;
	struct file *f;
	uint64_t at = 0;
	int64_t n;

	image_make("-b 1024 -m 0 -N 64", 1 << 20);
	gd = (void *)(disk.data + 2048);
	disk.data[gd->bg_block_bitmap * 1024] &= (uint8_t)~3u;		/* blocks 1 and 2 */
	gd->bg_free_blocks_count += 2;
	on_disk()->s_free_blocks_count += 2;
	disk_mount();
	memset(buf, 'x', sizeof(buf));
	CHECK_EQ(file_open(AT_FDCWD, "/f", O_RDWR | O_CREAT, 0644, &f), 0);
	while ((n = file_write_kernel(f, buf, sizeof(buf), at)) > 0)
		at += (uint64_t)n;
	CHECK_EQ(n, -ENOSPC);
	file_put(f);
	vfs_sync();
	CHECK_EQ(on_disk()->s_magic, EXT2_MAGIC);
	CHECK_EQ(gd->bg_used_dirs_count, 2);
	CHECK(ext2_sb(init_fs_context.root.mnt->super)->error_seen);
	image_remove();
}

static int try_mount(struct super **s)
{
	mapping_invalidate(disk.dev.inode->mapping, 0, UINT64_MAX);
	return ext2_filesystem.mount(&ext2_filesystem, "vda", 0, NULL, s);
}

/* A root directory that no name leads to would be freed with everything in it. */
static void root_without_links(void)
{
	struct super *s;
	struct ext2_raw_inode *root;
	struct ext2_group_desc *gd;
	uint8_t *before;

	image_make("-b 1024 -m 0 -N 64 -I 128", 1 << 20);
	gd = (void *)(disk.data + 2048);
	root = (void *)(disk.data + gd->bg_inode_table * 1024 + 128);
	CHECK(S_ISDIR(root->i_mode));
	root->i_links_count = 0;
	before = unit_malloc(disk.size);
	memcpy(before, disk.data, disk.size);
	CHECK_EQ(try_mount(&s), -EIO);
	CHECK_EQ(buffer_sync_all(&disk.dev), 0);
	CHECK(memcmp(before, disk.data, disk.size) == 0);
	unit_free(before);
	image_remove();
}

static size_t live(const char *cache)
{
	struct slab_info info;

	for (unsigned i = 0; slab_info_get(i, &info); i++)
		if (!strcmp(info.name, cache))
			return info.live;
	return 0;
}

/* Each allocation of a mount fails in turn: nothing stays in memory, and the disk is as clean as it was. */
static void out_of_memory(void)
{
	struct super *s;
	unsigned nth;

	image_make("-b 1024 -m 0 -N 64", 1 << 20);
	CHECK_EQ(try_mount(&s), 0);
	super_unmount(s);
	work_flush();
	for (nth = 1; nth < 200; nth++) {
		size_t inodes = live("ext2_inode"), all = live("inode"), dentries = live("dentry");
		int e;

		mapping_invalidate(disk.dev.inode->mapping, 0, UINT64_MAX);
		current->fail_nth = nth;
		e = ext2_filesystem.mount(&ext2_filesystem, "vda", 0, NULL, &s);
		if (current->fail_nth) {
			current->fail_nth = 0;
			CHECK_EQ(e, 0);
			super_unmount(s);
			break;
		}
		if (e != -ENOMEM && e != -EIO)	/* EIO: for a request to the disk */
			unit_fail(__FILE__, __LINE__, "allocation %u: %d", nth, e);
		CHECK(!disk.dev.claimed);
		CHECK_EQ(buffer_sync_all(&disk.dev), 0);
		CHECK(on_disk()->s_state & EXT2_VALID_FS);
		work_flush();
		rcu_synchronize();
		work_flush();
		/* Fewer: what nobody used was given back. */
		CHECK(live("ext2_inode") <= inodes && live("dentry") <= dentries && live("inode") <= all);
	}
	CHECK(nth > 5 && nth < 200);
	image_check();
	image_remove();
}

/* The mount cannot write to the disk that it is in use: it is not, and nobody finds otherwise later. */
static void mount_cannot_write(void)
{
	struct super *s;

	image_make("-b 1024 -m 0 -N 64", 1 << 20);
	disk.fail_sector = 2;
	CHECK_EQ(try_mount(&s), -EIO);
	disk.fail_sector = 0;
	CHECK_EQ(buffer_sync_all(&disk.dev), 0);
	CHECK(on_disk()->s_state & EXT2_VALID_FS);
	CHECK_EQ(try_mount(&s), 0);
	super_unmount(s);
	CHECK(on_disk()->s_state & EXT2_VALID_FS);
	image_check();
	image_remove();
}

const struct unit_test unit_tests[] = {
	{ "remount_cannot_write", remount_cannot_write },
	{ "clean_cannot_be_written", clean_cannot_be_written },
	{ "nobody_slips_in", nobody_slips_in },
	{ "options_whole", options_whole },
	{ "stopped_by_an_error", stopped_by_an_error },
	{ "system_marked_free", system_marked_free },
	{ "root_without_links", root_without_links },
	{ "out_of_memory", out_of_memory },
	{ "mount_cannot_write", mount_cannot_write },
	{ 0 },
};
