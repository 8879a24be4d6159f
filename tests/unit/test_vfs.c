/* SPDX-License-Identifier: MIT */
/*
 * The file layer on a tmpfs root: path walk, the dentry and inode caches,
 * mounts, descriptor tables; and every allocation failing in turn.
 */
#include <kernel/counter.h>
#include <kernel/errno.h>
#include <kernel/file.h>
#include <kernel/print.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/task.h>
#include <kernel/timer.h>
#include "fs/vfs/vfs_internal.h"
#include "unit.h"

static void root_mount_tmpfs(void)
{
	if (!current->fs) {
		fs_context_share(&init_fs_context);
		current->fs = &init_fs_context;
	}
	CHECK_EQ(vfs_mount_root("none", "tmpfs", 0), 0);
}

static int make_file(const char *name)
{
	struct file *f;
	int err = file_open(AT_FDCWD, name, O_RDWR | O_CREAT | O_EXCL, 0644, &f);

	if (!err)
		file_put(f);
	return err;
}

static int make_link(const char *target, const char *name)
{
	struct new_entry e;
	int err = entry_prepare(AT_FDCWD, name, false, &e);

	if (err)
		return err;
	err = e.parent.dentry->inode->ops->symlink(e.parent.dentry->inode, e.dentry, target);
	entry_finish(&e);
	return err;
}

/* The inode's number, or -errno. */
static int64_t ino(const char *name, unsigned flags)
{
	struct path p;
	int err = path_lookup(AT_FDCWD, name, flags, &p);
	int64_t n;

	if (err)
		return err;
	n = (int64_t)p.dentry->inode->ino;
	path_put(&p);
	return n;
}

static int64_t follow(const char *name) { return ino(name, LOOKUP_FOLLOW); }

static void settle(void)
{
	work_flush();
	rcu_synchronize();
	work_flush();
}

/* ---- path walk ---- */

static void test_walk(void)
{
	char deep[600] = "";
	int64_t root, f;

	root_mount_tmpfs();
	CHECK_EQ(vfs_mkdir(AT_FDCWD, "/a", 0755), 0);
	CHECK_EQ(vfs_mkdir(AT_FDCWD, "/a/b/", 0755), 0);	/* a slash behind a directory is fine */
	CHECK_EQ(make_file("/a/b/f"), 0);
	root = follow("/");
	f = follow("/a/b/f");
	CHECK(root > 0 && f > 0);
	CHECK_EQ(follow("//a//./b///f"), f);
	CHECK_EQ(follow("a/b/../b/../../a/b/f"), f);
	CHECK_EQ(follow("/.."), root);
	CHECK_EQ(follow("/../../a/.."), root);
	CHECK_EQ(follow("/a/b/."), follow("/a/b"));
	CHECK_EQ(follow("/a/b/f/"), -ENOTDIR);
	CHECK_EQ(follow("/a/b/f/."), -ENOTDIR);
	CHECK_EQ(follow("/a/b/f/.."), -ENOTDIR);
	CHECK_EQ(follow("/a/b/none"), -ENOENT);
	CHECK_EQ(follow("/a/none/f"), -ENOENT);
	CHECK_EQ(follow(""), -ENOENT);
	CHECK_EQ(ino("/a/b/f", LOOKUP_DIRECTORY), -ENOTDIR);
	memset(deep, 'x', 256);
	CHECK_EQ(follow(deep), -ENAMETOOLONG);
	deep[255] = '\0';
	CHECK_EQ(follow(deep), -ENOENT);
	CHECK_EQ(vfs_mkdir(AT_FDCWD, "/a/b", 0755), -EEXIST);
	CHECK_EQ(vfs_mkdir(AT_FDCWD, "/", 0755), -EEXIST);
	CHECK_EQ(vfs_mkdir(AT_FDCWD, "/a/..", 0755), -EEXIST);
	CHECK_EQ(vfs_mkdir(AT_FDCWD, "/a/b/f/x", 0755), -ENOTDIR);
	CHECK_EQ(vfs_mknod(AT_FDCWD, "/a/x/", S_IFREG | 0644, 0), -ENOENT);
}

static void test_links(void)
{
	char name[32], target[32];
	struct path p;
	int64_t f;

	root_mount_tmpfs();
	CHECK_EQ(vfs_mkdir(AT_FDCWD, "/d", 0755), 0);
	CHECK_EQ(make_file("/d/f"), 0);
	f = follow("/d/f");
	CHECK_EQ(make_link("d/f", "/l"), 0);
	CHECK_EQ(make_link("/d", "/ld"), 0);
	CHECK_EQ(make_link("../l", "/d/up"), 0);
	CHECK_EQ(make_link("d/", "/slash"), 0);
	CHECK_EQ(make_link("d/f/", "/bad"), 0);
	CHECK_EQ(make_link("loop", "/loop"), 0);
	CHECK_EQ(make_link("none", "/dangling"), 0);
	CHECK_EQ(follow("/l"), f);
	CHECK(ino("/l", 0) != f);
	CHECK_EQ(follow("/ld/f"), f);
	CHECK_EQ(follow("/ld/up"), f);
	CHECK_EQ(follow("/slash/f"), f);
	CHECK_EQ(follow("/slash"), follow("/d"));
	CHECK_EQ(ino("/ld/", 0), follow("/d"));
	CHECK_EQ(follow("/bad"), -ENOTDIR);
	CHECK_EQ(follow("/loop"), -ELOOP);
	CHECK_EQ(follow("/loop/x"), -ELOOP);
	CHECK_EQ(follow("/dangling"), -ENOENT);
	CHECK_EQ(ino("/ld/f", LOOKUP_NO_SYMLINKS), -ELOOP);
	/* A chain as long as is allowed, and one more. */
	CHECK_EQ(make_file("/c0"), 0);
	for (int i = 1; i <= 41; i++) {
		ksnprintf(name, sizeof(name), "/c%d", i);
		ksnprintf(target, sizeof(target), "c%d", i - 1);
		CHECK_EQ(make_link(target, name), 0);
	}
	CHECK_EQ(follow("/c40"), follow("/c0"));
	CHECK_EQ(follow("/c41"), -ELOOP);
	/* Links in the middle count too, and remainders nest. */
	CHECK_EQ(make_link("ld/../ld/../ld", "/many"), 0);
	CHECK_EQ(follow("/many/../many/f"), f);
	/* Creating through a dangling link makes the target. */
	{
		struct file *file;

		CHECK_EQ(file_open(AT_FDCWD, "/dangling", O_RDWR | O_CREAT, 0600, &file), 0);
		file_put(file);
		CHECK_EQ(file_open(AT_FDCWD, "/dangling", O_RDWR | O_CREAT | O_EXCL, 0600, &file), -EEXIST);
	}
	CHECK(follow("/none") > 0);
	CHECK_EQ(path_lookup(AT_FDCWD, "/l", 0, &p), 0);
	CHECK(S_ISLNK(p.dentry->inode->mode));
	path_put(&p);
}

static void test_path_name(void)
{
	char buf[64], *name;
	struct path p;

	root_mount_tmpfs();
	CHECK_EQ(vfs_mkdir(AT_FDCWD, "/a", 0755), 0);
	CHECK_EQ(vfs_mkdir(AT_FDCWD, "/a/b", 0755), 0);
	CHECK_EQ(vfs_mount("none", "/a/b", "tmpfs", 0, NULL), 0);
	CHECK_EQ(vfs_mkdir(AT_FDCWD, "/a/b/c", 0755), 0);
	CHECK_EQ(path_lookup(AT_FDCWD, "/a/b/c", 0, &p), 0);
	name = path_name(&p, buf, sizeof(buf));
	CHECK(name && !strcmp(name, "/a/b/c"));
	CHECK(!path_name(&p, buf, 6));
	name = path_name(&p, buf, 7);
	CHECK(name && !strcmp(name, "/a/b/c"));
	path_put(&p);
	CHECK_EQ(path_lookup(AT_FDCWD, "/", 0, &p), 0);
	name = path_name(&p, buf, sizeof(buf));
	CHECK(name && !strcmp(name, "/"));
	path_put(&p);
}

/* ---- caches ---- */

static void test_dentries(void)
{
	struct qstr q = { .name = "f", .len = 1 };
	struct dentry *d, *root;
	struct path p;

	root_mount_tmpfs();
	root = init_fs_context.root.dentry;
	q.hash = qstr_hash("f", 1);
	CHECK(!d_find(root, &q));
	CHECK_EQ(follow("/f"), -ENOENT);
	d = d_find(root, &q);
	CHECK(d && d_negative(d));		/* the absence is remembered */
	dentry_put(d);
	CHECK_EQ(make_file("/f"), 0);
	d = d_find(root, &q);
	CHECK(d && !d_negative(d));		/* the same dentry has got an inode */
	CHECK_EQ(ref_read(&d->refs), 1);
	dentry_put(d);
	/* Unused ones can be given back; what is in use cannot. */
	CHECK_EQ(path_lookup(AT_FDCWD, "/f", 0, &p), 0);
	(void)dcache_shrink(SIZE_MAX);
	d = d_find(root, &q);
	CHECK(d == p.dentry);
	dentry_put(d);
	path_put(&p);
	CHECK(dcache_shrink(SIZE_MAX) >= 1);
	CHECK(!d_find(root, &q));
	CHECK(follow("/f") > 0);		/* tmpfs knows it without the cache */
}

static void test_many_names(void)
{
	enum { N = 3000 };
	char name[32];

	root_mount_tmpfs();
	for (int i = 0; i < N; i++) {
		ksnprintf(name, sizeof(name), "/file-%d", i);
		CHECK_EQ(make_file(name), 0);
		if (i % 500 == 0)
			(void)dcache_shrink(i / 2);
	}
	for (int i = 0; i < N; i++) {
		ksnprintf(name, sizeof(name), "/file-%d", i);
		CHECK(follow(name) > 0);
		ksnprintf(name, sizeof(name), "/file-%d", N + i);
		CHECK_EQ(follow(name), -ENOENT);
	}
	(void)dcache_shrink(SIZE_MAX);
	settle();
	CHECK(follow("/file-0") > 0 && follow("/file-2999") > 0);
}

/* ---- mounts ---- */

static void test_mounts(void)
{
	int64_t under, over;
	struct path p;

	root_mount_tmpfs();
	CHECK_EQ(vfs_mkdir(AT_FDCWD, "/m", 0755), 0);
	under = follow("/m");
	CHECK_EQ(vfs_mount("none", "/m", "nosuch", 0, NULL), -ENODEV);
	CHECK_EQ(vfs_mount("none", "/none", "tmpfs", 0, NULL), -ENOENT);
	CHECK_EQ(vfs_mount("none", "/m", "tmpfs", 0, "size=x"), -EINVAL);
	CHECK_EQ(vfs_mount("none", "/m", "tmpfs", 0, NULL), 0);
	over = follow("/m");
	CHECK(over != under);
	CHECK_EQ(follow("/m/.."), follow("/"));
	CHECK_EQ(make_file("/m/f"), 0);
	CHECK_EQ(vfs_mkdir(AT_FDCWD, "/b", 0755), 0);
	CHECK_EQ(vfs_mount("/m", "/b", NULL, MS_BIND, NULL), 0);
	CHECK_EQ(follow("/b/f"), follow("/m/f"));
	CHECK_EQ(follow("/b/.."), follow("/"));
	CHECK_EQ(ino("/m/f", LOOKUP_NO_XDEV), -EXDEV);
	CHECK_EQ(path_lookup(AT_FDCWD, "/m", 0, &p), 0);
	CHECK_EQ(p.mnt->super->mounts, 2);
	path_put(&p);
	CHECK_EQ(vfs_mount("none", "/b", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), 0);
	CHECK_EQ(make_file("/b/g"), -EROFS);
	CHECK_EQ(make_file("/m/g"), 0);
	CHECK_EQ(vfs_mkdir(AT_FDCWD, "/v", 0755), 0);
	CHECK_EQ(vfs_mount("/b", "/v", NULL, MS_MOVE, NULL), 0);
	CHECK_EQ(follow("/b/f"), -ENOENT);
	CHECK(follow("/v/f") > 0);
	CHECK_EQ(vfs_mount("/v", "/v", NULL, MS_MOVE, NULL), -ELOOP);
	/* A recursive bind sees what is mounted below. */
	CHECK_EQ(vfs_mkdir(AT_FDCWD, "/m/sub", 0755), 0);
	CHECK_EQ(vfs_mount("none", "/m/sub", "tmpfs", 0, NULL), 0);
	CHECK_EQ(make_file("/m/sub/x"), 0);
	CHECK_EQ(vfs_mount("/m", "/b", NULL, MS_BIND, NULL), 0);
	CHECK_EQ(follow("/b/sub/x"), -ENOENT);
	CHECK_EQ(vfs_mount("/m", "/b", NULL, MS_BIND | MS_REC, NULL), 0);
	CHECK_EQ(follow("/b/sub/x"), follow("/m/sub/x"));
}

/* ---- descriptors ---- */

static void test_descriptors(void)
{
	struct files *t = files_create(), *copy, *old = current->files;
	struct file *f, *g;

	root_mount_tmpfs();
	CHECK(t);
	current->files = t;
	CHECK_EQ(file_open(AT_FDCWD, "/f", O_RDWR | O_CREAT, 0600, &f), 0);
	CHECK_EQ(fd_add(f, 0), 0);
	CHECK(fd_get(0) == f);
	file_put(f);
	CHECK(!fd_get(1) && !fd_get(-1) && !fd_get(1000000));
	CHECK_EQ(fd_replace(700, f, O_CLOEXEC), 700);	/* the table grows */
	CHECK(fd_get(700) == f);
	file_put(f);
	CHECK_EQ(fd_reserve(0, 0), 1);
	CHECK_EQ(fd_reserve(0, 0), 2);
	fd_unreserve(1);
	CHECK_EQ(fd_reserve(0, 0), 1);
	CHECK(!fd_get(1));				/* reserved is not open */
	CHECK_EQ(fd_close(1), -EBADF);
	CHECK_EQ(fd_replace(1, f, 0), -EBUSY);
	copy = files_copy(t, ~0u);
	CHECK(copy);
	current->files = copy;
	CHECK((g = fd_get(700)) == f);
	file_put(g);
	CHECK_EQ(fd_reserve(0, 0), 1);			/* reservations are not inherited */
	files_close_on_exec(copy);
	CHECK(!fd_get(700));
	CHECK((g = fd_get(0)) == f);
	file_put(g);
	current->files = t;
	files_put(copy);
	CHECK_EQ(ref_read(&f->refs), 2);
	CHECK_EQ(fd_close(0), 0);
	CHECK_EQ(fd_close(0), -EBADF);
	CHECK_EQ(fd_close_range(0, ~0u, false, false), 0);
	CHECK(!fd_get(700));
	current->files = old;
	files_put(t);
	settle();
}

static void test_data(void)
{
	struct file *f;
	char buf[100];

	root_mount_tmpfs();
	CHECK_EQ(file_open(AT_FDCWD, "/f", O_RDWR | O_CREAT, 0600, &f), 0);
	CHECK_EQ(file_write_kernel(f, "hello", 5, 8190), 5);	/* across a page's end */
	CHECK_EQ(f->inode->size, 8195);
	CHECK_EQ(file_read_kernel(f, buf, sizeof(buf), 8180), 15);
	CHECK(buf[0] == 0 && !memcmp(buf + 10, "hello", 5));
	CHECK_EQ(file_read_kernel(f, buf, 10, 9000), 0);
	CHECK_EQ(do_truncate(f->inode, 8191, NULL), 0);
	CHECK_EQ(do_truncate(f->inode, 8195, NULL), 0);
	CHECK_EQ(file_read_kernel(f, buf, 10, 8190), 5);
	CHECK(buf[0] == 'h' && buf[1] == 0 && buf[4] == 0);	/* what was cut off does not come back */
	file_put(f);
}

/* ---- every allocation fails once ---- */

static uint64_t objects(void)
{
	(void)dcache_shrink(SIZE_MAX);
	(void)inode_shrink(SIZE_MAX);
	settle();
	return inode_count + dentry_count + counter_sum(COUNT_FILES);
}

static int step;

static int one_step(void)
{
	struct file *f;
	struct new_entry e;
	int err;

	switch (step) {
	case 0: return vfs_mkdir(AT_FDCWD, "/x", 0755);
	case 1: return make_file("/x");
	case 2: return make_link("/a-target", "/x");
	case 3: return vfs_mknod(AT_FDCWD, "/x", S_IFIFO | 0600, 0);
	case 4:
		err = file_open(AT_FDCWD, "/old", O_RDWR, 0, &f);
		if (!err)
			file_put(f);
		return err;
	case 5: return (int)MIN(follow("/link/../old"), (int64_t)0);
	case 6: return vfs_mount("none", "/mnt", "tmpfs", 0, NULL);
	case 7: return vfs_mount("/dir", "/mnt", NULL, MS_BIND, NULL);
	case 8:
		err = entry_prepare(AT_FDCWD, "/x", false, &e);
		if (!err) {
			err = e.parent.dentry->inode->ops->link(e.parent.dentry->inode, e.dentry, init_fs_context.root.dentry->inode);
			entry_finish(&e);
		}
		return err;
	case 9: return file_create_anon("[x]", 0600, &noopen_file_ops, NULL, O_RDWR, &f) ? -ENOMEM : (file_put(f), 0);
	}
	return 1;
}

static void test_failing_allocations(void)
{
	root_mount_tmpfs();
	CHECK_EQ(vfs_mkdir(AT_FDCWD, "/dir", 0755), 0);
	CHECK_EQ(vfs_mkdir(AT_FDCWD, "/mnt", 0755), 0);
	CHECK_EQ(make_file("/old"), 0);
	CHECK_EQ(make_link("dir", "/link"), 0);
	for (step = 0;; step++) {
		unsigned nth;
		int err = 0;

		for (nth = 1; nth < 100; nth++) {
			uint64_t before = objects();

			current->fail_nth = nth;
			err = one_step();
			if (current->fail_nth) {	/* it had fewer to make: all went well */
				current->fail_nth = 0;
				break;
			}
			if (err != -ENOMEM && err != -ENFILE && err != -ENOSPC)
				unit_fail(__FILE__, __LINE__, "step %d, allocation %u: %d", step, nth, err);
			if (objects() != before)
				unit_fail(__FILE__, __LINE__, "step %d, allocation %u: %lld objects more", step, nth, (long long)(objects() - before));
		}
		if (err == 1)
			break;
		if (err)
			unit_fail(__FILE__, __LINE__, "step %d, allocation %u: %d", step, nth, err);
		/* Where there is an /x now, it goes again. */
		{
			struct path p;

			if (!path_lookup(AT_FDCWD, "/x", 0, &p)) {
				struct inode *dir = init_fs_context.root.dentry->inode;

				rwsem_write_lock(&dir->lock);
				CHECK_EQ(S_ISDIR(p.dentry->inode->mode) && step == 0 ? dir->ops->rmdir(dir, p.dentry) : dir->ops->unlink(dir, p.dentry), 0);
				d_drop(p.dentry);
				rwsem_write_unlock(&dir->lock);
				path_put(&p);
			}
		}
	}
	CHECK_EQ(step, 10);
}

const struct unit_test unit_tests[] = {
	{ "walk", test_walk }, { "links", test_links }, { "path_name", test_path_name }, { "dentries", test_dentries },
	{ "many_names", test_many_names }, { "mounts", test_mounts }, { "descriptors", test_descriptors }, { "data", test_data },
	{ "failing_allocations", test_failing_allocations }, { 0 }
};
