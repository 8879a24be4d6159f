/* SPDX-License-Identifier: MIT */
/*
 * ext2 on a disk in memory: images made by mke2fs, changed by the kernel's
 * file system, judged by e2fsck -fn; and images with flipped bits, which are
 * mounted, walked and read without a report of the sanitizer and without a panic.
 */
#include "ext2_disk.h"
#include <kernel/counter.h>

/* ---- names, below the system calls ---- */

static int name_unlink(const char *name, bool dir)
{
	struct path p;
	struct dentry *parent;
	int e = path_lookup(AT_FDCWD, name, 0, &p);

	if (e)
		return e;
	parent = p.dentry->parent;
	rwsem_write_lock(&parent->inode->lock);
	rwsem_write_lock_nested(&p.dentry->inode->lock);
	e = dir ? parent->inode->ops->rmdir(parent->inode, p.dentry) : parent->inode->ops->unlink(parent->inode, p.dentry);
	rwsem_write_unlock(&p.dentry->inode->lock);
	rwsem_write_unlock(&parent->inode->lock);
	if (!e)
		d_drop(p.dentry);
	path_put(&p);
	return e;
}

static int name_truncate(const char *name, uint64_t size)
{
	struct inode_attr a = { .valid = ATTR_SIZE, .size = size };
	struct path p;
	int e = path_lookup(AT_FDCWD, name, LOOKUP_FOLLOW, &p);

	if (e)
		return e;
	rwsem_write_lock(&p.dentry->inode->lock);
	e = p.dentry->inode->ops->setattr(p.dentry->inode, &a);
	rwsem_write_unlock(&p.dentry->inode->lock);
	path_put(&p);
	return e;
}

static struct file *must_open(const char *name, unsigned flags)
{
	struct file *f;

	CHECK_EQ(file_open(AT_FDCWD, name, flags, 0644, &f), 0);
	return f;
}

/* ---- tests ---- */

static const uint64_t places[] = { 0, 5000, 11 * 1024, 12 * 1024, 267 * 1024, 268 * 1024, 1 << 20, 66 << 20, (70 << 20) + 17 };

static void levels(void)
{
	char buf[3000], back[3000];
	struct file *f;

	image_make("-b 1024 -m 0 -N 128", 4 << 20);
	disk_mount();
	f = must_open("/file", O_RDWR | O_CREAT);
	for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
		memset(buf, 'a' + (int)i, sizeof(buf));
		CHECK_EQ(file_write_kernel(f, buf, sizeof(buf), places[i]), (int)sizeof(buf));
	}
	root_sync();
	mapping_invalidate(f->mapping, 0, UINT64_MAX);
	for (unsigned i = ARRAY_SIZE(places); i-- > 0;) {
		size_t n = i + 1 < ARRAY_SIZE(places) ? MIN(sizeof(buf), (size_t)(places[i + 1] - places[i])) : sizeof(buf);

		memset(buf, 'a' + (int)i, sizeof(buf));
		CHECK_EQ(file_read_kernel(f, back, n, places[i]), (int)n);
		CHECK(memcmp(buf, back, n) == 0);
	}
	memset(buf, 0, sizeof(buf));
	CHECK_EQ(file_read_kernel(f, back, 3000, 30 << 20), 3000);
	CHECK(memcmp(buf, back, 3000) == 0);
	/* Cut in the middle of each level, from the top. */
	for (unsigned i = ARRAY_SIZE(places); i-- > 0;) {
		CHECK_EQ(name_truncate("/file", places[i] + 100), 0);
		root_sync();
	}
	CHECK_EQ(name_truncate("/file", 0), 0);
	file_put(f);
	CHECK_EQ(name_unlink("/file", false), 0);
	root_remount_ro();
	image_remove();
}

static void full(void)
{
	static const char *const names[] = { "/d0", "/d1", "/d2", "/d3", "/d4", "/d5", "/d6", "/d7" };
	static char buf[8192];
	struct abi_statfs before, after;
	struct super *s;
	uint64_t at = 0;
	struct file *f;
	int64_t n;

	image_make("-b 1024 -m 0 -N 64", 1 << 20);
	disk_mount();
	s = init_fs_context.root.mnt->super;
	CHECK_EQ(s->ops->statfs(s, &before), 0);
	f = must_open("/big", O_RDWR | O_CREAT);
	memset(buf, 'x', sizeof(buf));
	while ((n = file_write_kernel(f, buf, sizeof(buf), at)) > 0)
		at += (uint64_t)n;
	CHECK_EQ(n, -ENOSPC);
	CHECK(at > 800 << 10);
	CHECK_EQ(f->inode->size, at);
	root_sync();
	CHECK_EQ(file_write_kernel(f, buf, 100, 0), 100);	/* what exists can be overwritten */
	CHECK_EQ(file_write_kernel(f, buf, 100, at + (1 << 20)), -ENOSPC);
	/* A few blocks may be left that a write with its tables does not fit in. */
	for (unsigned i = 0; (n = vfs_mkdir(AT_FDCWD, names[i], 0755)) == 0; i++)
		CHECK(i < ARRAY_SIZE(names) - 1);
	CHECK_EQ(n, -ENOSPC);
	root_sync();
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		(void)name_unlink(names[i], true);
	file_put(f);
	CHECK_EQ(name_unlink("/big", false), 0);
	CHECK_EQ(s->ops->statfs(s, &after), 0);
	CHECK_EQ(after.f_bfree, before.f_bfree);
	CHECK_EQ(vfs_mkdir(AT_FDCWD, "/dir", 0755), 0);
	root_remount_ro();
	image_remove();
}

enum { FILES = 24, MAX_SIZE = 200000 };
static uint8_t *model[FILES];
static uint32_t model_size[FILES];
static bool model_exists[FILES];

static void random_ops_on(const char *options)
{
	static char buf[20000], back[20000];
	char name[40];

	image_make(options, 6 << 20);
	disk_mount();
	for (unsigned i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "/dir-%u", i);
		CHECK_EQ(vfs_mkdir(AT_FDCWD, name, 0755), 0);
	}
	for (unsigned i = 0; i < FILES; i++)
		model[i] = unit_malloc(MAX_SIZE);
	for (unsigned step = 0; step < 1500; step++) {
		unsigned i = rnd(FILES), off = rnd(MAX_SIZE - 20000), n = rnd(20000) + 1;
		struct file *f;
		int64_t got;

		snprintf(name, sizeof(name), "/dir-%u/a-file-with-number-%u", i & 3, i);
		switch (rnd(6)) {
		case 0: case 1: case 2:
			f = must_open(name, O_RDWR | O_CREAT);
			memset(buf, (int)step, n);
			got = file_write_kernel(f, buf, n, off);
			CHECK(got > 0 || got == -ENOSPC);
			if (got > 0) {
				memset(model[i] + off, (int)step, (size_t)got);
				model_size[i] = MAX(model_size[i], off + (unsigned)got);
			}
			model_exists[i] = true;
			file_put(f);
			break;
		case 3:
			if (!model_exists[i])
				break;
			n = rnd(MAX_SIZE);
			CHECK_EQ(name_truncate(name, n), 0);
			if (n < model_size[i])
				memset(model[i] + n, 0, model_size[i] - n);
			model_size[i] = n;
			break;
		case 4:
			CHECK_EQ(name_unlink(name, false), model_exists[i] ? 0 : -ENOENT);
			model_exists[i] = false;
			memset(model[i], 0, MAX_SIZE);
			model_size[i] = 0;
			break;
		case 5:
			if (!model_exists[i])
				break;
			f = must_open(name, O_RDONLY);
			CHECK_EQ(f->inode->size, model_size[i]);
			if (rnd(2)) {
				mapping_sync(f->mapping, 0, UINT64_MAX);
				mapping_invalidate(f->mapping, 0, UINT64_MAX);
			}
			got = file_read_kernel(f, back, n, off);
			CHECK_EQ(got, off >= model_size[i] ? 0 : MIN(n, model_size[i] - off));
			CHECK(memcmp(back, model[i] + off, (size_t)got) == 0);
			file_put(f);
			break;
		}
		if (step % 300 == 299)
			root_sync();
	}
	root_remount_ro();
	image_remove();
}

static void random_ops_1k(void) { random_ops_on("-b 1024 -m 0 -N 64"); }
static void random_ops_4k(void) { random_ops_on("-b 4096 -m 0 -N 64"); }
static void random_ops_old(void) { random_ops_on("-b 2048 -m 0 -N 64 -r 0 -O none"); }

static void directories(void)
{
	char name[80];
	struct inode *dir;
	struct path p;

	image_make("-b 1024 -m 0 -N 2048", 8 << 20);
	disk_mount();
	CHECK_EQ(vfs_mkdir(AT_FDCWD, "/d", 0755), 0);
	for (unsigned i = 0; i < 700; i++) {
		snprintf(name, sizeof(name), "/d/%0*u", (int)(5 + i % 60), i);
		file_put(must_open(name, O_RDWR | O_CREAT | O_EXCL));
	}
	root_sync();
	CHECK_EQ(path_lookup(AT_FDCWD, "/d", 0, &p), 0);
	dir = p.dentry->inode;
	CHECK(dir->size > 20 * 1024);
	CHECK_EQ(name_unlink("/d", true), -ENOTEMPTY);
	for (unsigned k = 0; k < 700; k++) {
		unsigned i = k * 341 % 700;

		snprintf(name, sizeof(name), "/d/%0*u", (int)(5 + i % 60), i);
		CHECK_EQ(name_unlink(name, false), 0);
		if (k == 350)
			root_sync();
	}
	path_put(&p);
	CHECK_EQ(name_unlink("/d", true), 0);
	root_remount_ro();
	image_remove();
}

/* A block that a damaged image gives to two directories changes under the one that reads it. */
struct meanwhile { struct dir_context c; unsigned n; uint16_t rec_len; };
static bool meanwhile_emit(struct dir_context *ctx, const char *name, unsigned len, uint64_t ino, unsigned type)
{
	struct meanwhile *w = (struct meanwhile *)ctx;
	struct ext2_dirent *de = container_of((char (*)[])name, struct ext2_dirent, name);

	if (++w->n == 3)
		de->rec_len = w->rec_len;
	return w->n < 100;
}

static void changed_meanwhile(void)
{
	static const uint16_t lens[] = { 0, 1, 4, 8, 16, 0x3fc, 0x400, 0xfffc };
	struct path p;

	image_make("-b 1024 -m 0 -N 64", 2 << 20);
	disk_mount();
	CHECK_EQ(vfs_mkdir(AT_FDCWD, "/d", 0755), 0);
	file_put(must_open("/d/a", O_RDWR | O_CREAT | O_EXCL));
	file_put(must_open("/d/b", O_RDWR | O_CREAT | O_EXCL));
	CHECK_EQ(path_lookup(AT_FDCWD, "/d", 0, &p), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(lens); i++) {
		struct meanwhile w = { .c = { .emit = meanwhile_emit }, .rec_len = lens[i] };
		struct file f = { .inode = p.dentry->inode };
		struct ext2_dirent *de;
		struct buffer buf;

		CHECK_EQ(ext2_dir_iterate(&f, &w.c), 0);
		CHECK(w.n >= 3 && w.n < 100);
		CHECK(w.c.pos >= 1024);
		/* As it was, for the next round: the third entry, of one letter, before the last. */
		CHECK_EQ(buffer_read(ext2_sb(p.dentry->super)->dev, ext2_i(p.dentry->inode)->block[0], 1024, &buf), 0);
		de = (struct ext2_dirent *)((char *)buf.data + 2 * EXT2_REC_LEN(1));
		CHECK(de->name_len == 1 && de->rec_len == lens[i]);
		de->rec_len = EXT2_REC_LEN(1);
		buffer_put(&buf);
	}
	path_put(&p);
	root_remount_ro();
	image_remove();
}

/* An inode that loses its name while it is open keeps its blocks until it is closed. */
static void unlinked_open(void)
{
	static char buf[5000], back[5000];
	struct file *f;

	image_make("-b 1024 -m 0 -N 64", 2 << 20);
	disk_mount();
	f = must_open("/f", O_RDWR | O_CREAT);
	memset(buf, 'u', sizeof(buf));
	CHECK_EQ(file_write_kernel(f, buf, sizeof(buf), 300000), 5000);
	CHECK_EQ(name_unlink("/f", false), 0);
	CHECK_EQ(mapping_sync(f->mapping, 0, UINT64_MAX), 0);
	mapping_invalidate(f->mapping, 0, UINT64_MAX);
	CHECK_EQ(file_read_kernel(f, back, sizeof(back), 300000), 5000);
	CHECK(memcmp(buf, back, sizeof(buf)) == 0);
	file_put(f);
	root_remount_ro();
	image_remove();
}

static void write_errors(void)
{
	static char buf[5000];
	struct file *f;

	image_make("-b 1024 -m 0 -N 64", 2 << 20);
	disk_mount();
	f = must_open("/f", O_RDWR | O_CREAT);
	CHECK_EQ(file_write_kernel(f, buf, sizeof(buf), 0), 5000);
	disk.fail_writes = true;
	CHECK_EQ(file_fsync(f, false), -EIO);
	disk.fail_writes = false;
	CHECK_EQ(file_write_kernel(f, buf, sizeof(buf), 0), 5000);
	CHECK_EQ(file_fsync(f, false), 0);
	CHECK(disk.flushes > 0);
	file_put(f);
	image_remove();
}

/* Each who has a file open hears once of a write-back that nobody waited for; who opens it later only if nobody was told yet. */
static void write_errors_are_told_to_all(void)
{
	static char buf[5000];
	struct file *f, *g, *other, *late;

	image_make("-b 1024 -m 0 -N 64", 2 << 20);
	disk_mount();
	f = must_open("/f", O_RDWR | O_CREAT);
	g = must_open("/f", O_RDONLY);
	other = must_open("/other", O_RDWR | O_CREAT);
	vfs_sync();
	for (unsigned round = 0; round < 2; round++) {
		CHECK_EQ(file_write_kernel(f, buf, sizeof(buf), 0), 5000);
		disk.fail_writes = true;
		mapping_write_async(f->mapping, ~0u);
		while (mapping_unsynced(f->mapping))
			sleep_ns(NSEC_PER_SEC / 100);
		disk.fail_writes = false;
		vfs_sync();			/* tells nobody */
		late = must_open("/f", O_RDONLY);
		CHECK_EQ(file_fsync(late, false), -EIO);
		CHECK_EQ(file_fsync(late, false), 0);
		file_put(late);
		CHECK_EQ(file_fsync(f, false), -EIO);
		CHECK_EQ(file_fsync(f, true), 0);
		late = must_open("/f", O_RDONLY);
		CHECK_EQ(file_fsync(late, false), 0);
		file_put(late);
		CHECK_EQ(file_fsync(other, false), 0);
		CHECK_EQ(errseq_advance(&other->inode->super->error, &other->told.super), -EIO);	/* syncfs(2) */
		CHECK_EQ(errseq_advance(&other->inode->super->error, &other->told.super), 0);
		CHECK_EQ(file_fsync(g, false), -EIO);
		CHECK_EQ(file_fsync(g, false), 0);
	}
	file_put(f);
	file_put(g);
	file_put(other);
	root_remount_ro();
	image_remove();
}

/* Metadata that could not be written when nobody waited: every file's fsync says so once, and the disk is not called clean. */
static void metadata_errors_are_told(void)
{
	struct super *s;
	struct file *f;

	image_make("-b 1024 -m 0 -N 64", 2 << 20);
	disk_mount();
	s = init_fs_context.root.mnt->super;
	f = must_open("/f", O_RDWR | O_CREAT);
	disk.fail_writes = true;
	mapping_write_async(s->bdev->inode->mapping, ~0u);
	while (mapping_unsynced(s->bdev->inode->mapping))
		sleep_ns(NSEC_PER_SEC / 100);
	disk.fail_writes = false;
	CHECK_EQ(file_fsync(f, false), -EIO);
	CHECK_EQ(file_fsync(f, false), 0);
	file_put(f);
	CHECK_EQ(super_sync(s), 0);
	CHECK_EQ(s->ops->remount(s, MS_RDONLY, NULL), -EIO);
	CHECK(!(disk.data[1024 + 58] & 1));
	image_remove();
}

/* Nobody has it open, nor is its name cached: sync(2) writes it all the same. */
static void unused_files_are_synced(void)
{
	static char buf[50000];
	struct file *f;

	image_make("-b 1024 -m 0 -N 64", 2 << 20);
	disk_mount();
	f = must_open("/f", O_RDWR | O_CREAT);
	CHECK_EQ(file_write_kernel(f, buf, sizeof(buf), 0), 50000);
	file_put(f);
	dcache_shrink(~(size_t)0);
	CHECK(counter_sum(COUNT_DIRTY) >= 12);
	vfs_sync();
	CHECK_EQ(counter_sum(COUNT_DIRTY), 0);
	root_remount_ro();
	image_remove();
}

/* ---- hostile images ---- */

static uint64_t budget;		/* pages to read of one image: damaged sizes are huge */

static bool count_emit(struct dir_context *ctx, const char *name, unsigned len, uint64_t ino, unsigned type)
{
	struct { struct dir_context c; char (*names)[256]; unsigned *lens; unsigned n; } *w = (void *)ctx;

	if (len > 255 || w->n >= 64)
		return w->n < 64;
	memcpy(w->names[w->n], name, len);
	w->lens[w->n++] = len;
	return true;
}

static void walk_inode(struct inode *i)
{
	char text[PATH_MAX];

	if (S_ISREG(i->mode)) {
		uint64_t pages = DIV_ROUND_UP(i->size, PAGE_SIZE);

		for (uint64_t k = 0; k < MIN(pages, 300ull) && budget; k++, budget--) {
			struct page *p;

			if (mapping_read(i->mapping, k, &p) == 0)
				page_put(p);
		}
	} else if (S_ISLNK(i->mode)) {
		(void)i->ops->readlink(i, text, sizeof(text));
	}
	(void)i->ops->listxattr(i, text, sizeof(text));
}

static void walk_dir(struct dentry *d, unsigned depth)
{
	struct { struct dir_context c; char (*names)[256]; unsigned *lens; unsigned n; } w = { .c = { .emit = count_emit } };
	struct file f = { .inode = d->inode };

	w.names = unit_malloc(64 * 256);
	w.lens = unit_malloc(64 * sizeof(unsigned));
	(void)d->inode->fops->iterate(&f, &w.c);
	for (unsigned i = 0; i < w.n && budget; i++) {
		struct qstr q = { .name = w.names[i], .len = w.lens[i], .hash = 1 };
		struct dentry *child;

		if (q.len == 0 || (q.len <= 2 && q.name[0] == '.' && (q.len == 1 || q.name[1] == '.')))
			continue;
		budget--;
		child = d_alloc(d, &q);
		CHECK(child != NULL);
		if (d->inode->ops->lookup(d->inode, child) == 0 && child->inode) {
			walk_inode(child->inode);
			if (S_ISDIR(child->inode->mode) && depth < 6)
				walk_dir(child, depth + 1);
		}
		dentry_put(child);
	}
	unit_free(w.names);
	unit_free(w.lens);
}

/* Changes something in everything that is found: what a damaged image does to writing. */
static void scribble(struct dentry *root)
{
	struct qstr q = { .name = "scribble", .len = 8, .hash = 1 };
	struct dentry *d = d_alloc(root, &q);

	CHECK(d != NULL);
	rwsem_write_lock(&root->inode->lock);
	if (root->inode->ops->lookup(root->inode, d) == 0 && !d->inode && root->inode->ops->create(root->inode, d, 0644) == 0) {
		static char data[9000];
		struct file *f = NULL;

		for (unsigned k = 0; k < 6; k++) {
			struct page *p;

			if (mapping_get_locked(d->inode->mapping, k * 40, &p))
				continue;
			if (d->inode->mapping->ops->write_begin(d->inode->mapping, p, 0, PAGE_SIZE) == 0) {
				memcpy(page_addr(p), data, PAGE_SIZE);
				page_mark_dirty(p);
				d->inode->size = MAX(d->inode->size, (k * 40ull + 1) * PAGE_SIZE);
			}
			page_unlock(p);
			page_put(p);
		}
		(void)f;
		if (rnd(2))
			(void)root->inode->ops->unlink(root->inode, d);
	}
	rwsem_write_unlock(&root->inode->lock);
	dentry_put(d);
}


static void flipped(unsigned from, unsigned to, const char *options)
{
	uint8_t *clean;
	unsigned mounted = 0;
	char opts[200];

	snprintf(opts, sizeof(opts), "%s -m 0 -N 128 -d %s", options, "/tmp/eft-unit-tree");
	system("rm -rf /tmp/eft-unit-tree; mkdir -p /tmp/eft-unit-tree/a/b/c /tmp/eft-unit-tree/e; cd /tmp/eft-unit-tree;"
		"for i in 1 2 3 4 5 6 7 8; do head -c ${i}0000 /dev/zero > a/b/f$i; ln -s ../b/f$i a/l$i; done; seq 1 60000 > e/numbers;"
		"ln -s $(head -c 200 /dev/zero | tr '\\0' x) a/b/c/long");
	image_make(opts, 2 << 20);
	clean = unit_malloc(disk.size);
	memcpy(clean, disk.data, disk.size);
	for (unsigned seed = from; seed < to; seed++) {
		struct super *s;
		int e;

		memcpy(disk.data, clean, disk.size);
		disk.rng = seed * 0x9e3779b97f4a7c15ull + 1;
		for (unsigned k = 0; k < 1 + seed % 40; k++) {
			/* Most of them where it matters: the first blocks, metadata and directories. */
			size_t at = rnd(4) ? rnd(80 * 1024) : rnd((uint32_t)disk.size);

			if (at >= 1024 && at < 2048 && seed % 5)
				at += 1024;
			disk.data[at] ^= (uint8_t)(1u << rnd(8));
		}
		mapping_invalidate(disk.dev.inode->mapping, 0, UINT64_MAX);
		budget = 3000;
		e = ext2_filesystem.mount(&ext2_filesystem, "vda", seed % 3 ? 0 : MS_RDONLY, NULL, &s);
		if (e)
			continue;
		mounted++;
		walk_dir(s->root, 0);
		if (!(s->flags & MS_RDONLY))
			scribble(s->root);
		walk_dir(s->root, 5);
		super_unmount(s);
		work_flush();
	}
	CHECK(mounted > (to - from) / 10);
	system("rm -rf /tmp/eft-unit-tree");
	image_remove();
}

static void flipped_1k(void) { flipped(0, 500, "-b 1024"); }
static void flipped_4k(void) { flipped(500, 1000, "-b 4096"); }

const struct unit_test unit_tests[] = {
	{ "levels", levels },
	{ "full", full },
	{ "random_ops_1k", random_ops_1k },
	{ "random_ops_4k", random_ops_4k },
	{ "random_ops_old", random_ops_old },
	{ "directories", directories },
	{ "changed_meanwhile", changed_meanwhile },
	{ "unlinked_open", unlinked_open },
	{ "write_errors", write_errors },
	{ "write_errors_are_told_to_all", write_errors_are_told_to_all },
	{ "metadata_errors_are_told", metadata_errors_are_told },
	{ "unused_files_are_synced", unused_files_are_synced },
	{ "flipped_1k", flipped_1k },
	{ "flipped_4k", flipped_4k },
	{ 0 },
};
