/* SPDX-License-Identifier: MIT */
/* Files, FIFOs and terminals through the kernel's own interface: on a tmpfs root, with devfs at /dev. */
#include <kernel/errno.h>
#include <kernel/file.h>
#include <kernel/pipe.h>
#include <kernel/poll.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/tty.h>
#include <kernel/vfs.h>
#include "ktest.h"

/* A kernel thread has no root and working directory of its own. */
static void take_root(void)
{
	if (!current->fs) {
		fs_context_share(&init_fs_context);
		current->fs = &init_fs_context;
	}
}

static bool have_root(struct ktest_state *t)
{
	static bool done, good;

	take_root();
	if (!done) {
		done = true;
		good = vfs_mount_root("none", "tmpfs", 0) == 0 && vfs_mkdir(AT_FDCWD, "/dev", 0755) == 0 &&
		       vfs_mount("none", "/dev", "devfs", 0, NULL) == 0;
	}
	return KCHECK(good);
}

static int open_put(const char *name, unsigned flags)
{
	struct file *f;
	int err = file_open(AT_FDCWD, name, flags, 0644, &f);

	if (!err)
		file_put(f);
	return err;
}

KTEST(write_and_read)
{
	struct file *f, *g;
	char buf[16];

	if (!have_root(t) || !KCHECK(file_open(AT_FDCWD, "/wr", O_RDWR | O_CREAT, 0644, &f) == 0))
		return;
	KCHECK(file_write_kernel(f, "hello world", 11, 0) == 11);
	KCHECK(file_read_kernel(f, buf, sizeof(buf), 6) == 5 && !memcmp(buf, "world", 5));
	KCHECK(file_read_kernel(f, buf, sizeof(buf), 11) == 0);
	KCHECK(file_open(AT_FDCWD, "/wr", O_RDONLY, 0, &g) == 0 && file_read_kernel(g, buf, 5, 0) == 5 && !memcmp(buf, "hello", 5));
	KCHECK(file_write_kernel(g, "x", 1, 0) == -EBADF);
	file_put(g);
	file_put(f);
}

KTEST(open_errors)
{
	char longname[300];

	if (!have_root(t))
		return;
	memset(longname, 'n', sizeof(longname));
	longname[0] = '/';
	longname[299] = 0;
	KCHECK(open_put("/absent", O_RDONLY) == -ENOENT);
	KCHECK(open_put("/absent/x", O_RDWR | O_CREAT) == -ENOENT);
	KCHECK(open_put("", O_RDONLY) == -ENOENT);
	KCHECK(open_put("/oe", O_RDWR | O_CREAT | O_EXCL) == 0);
	KCHECK(open_put("/oe", O_RDWR | O_CREAT | O_EXCL) == -EEXIST);
	KCHECK(open_put("/oe/x", O_RDONLY) == -ENOTDIR);
	KCHECK(open_put("/oe", O_RDONLY | O_DIRECTORY) == -ENOTDIR);
	KCHECK(open_put("/", O_RDWR) == -EISDIR);
	KCHECK(open_put(longname, O_RDWR | O_CREAT) == -ENAMETOOLONG);
}

KTEST(paths)
{
	struct path p, q;
	char buf[64], *name;

	if (!have_root(t))
		return;
	KCHECK(vfs_mkdir(AT_FDCWD, "/p1", 0755) == 0 && vfs_mkdir(AT_FDCWD, "/p1/p2", 0755) == 0);
	KCHECK(vfs_mkdir(AT_FDCWD, "/p1", 0755) == -EEXIST && vfs_mkdir(AT_FDCWD, "/no/x", 0755) == -ENOENT);
	if (!KCHECK(path_lookup(AT_FDCWD, "/p1/./p2/../../p1//p2/", 0, &p) == 0))
		return;
	name = path_name(&p, buf, sizeof(buf));
	KCHECK(name && !strcmp(name, "/p1/p2"));
	KCHECK(!path_name(&p, buf, 4));
	KCHECK(path_lookup(AT_FDCWD, "/../../p1/p2", 0, &q) == 0 && q.dentry == p.dentry && q.mnt == p.mnt);
	path_put(&p);
	path_put(&q);
}

KTEST(mounts_cover)
{
	struct file *f;

	if (!have_root(t))
		return;
	KCHECK(vfs_mkdir(AT_FDCWD, "/m", 0755) == 0 && open_put("/m/below", O_RDWR | O_CREAT) == 0);
	KCHECK(vfs_mount("none", "/m", "tmpfs", 0, "size=8k") == 0);
	KCHECK(open_put("/m/below", O_RDONLY) == -ENOENT);
	KCHECK(vfs_mount("none", "/m", "no_such_type", 0, NULL) == -ENODEV);
	KCHECK(vfs_mount("none", "/m", "tmpfs", 0, "bad_option") == -EINVAL);
	if (KCHECK(file_open(AT_FDCWD, "/m/full", O_RDWR | O_CREAT, 0644, &f) == 0)) {
		static char page[4096];

		KCHECK(file_write_kernel(f, page, 4096, 0) == 4096 && file_write_kernel(f, page, 4096, 4096) == 4096);
		KCHECK(file_write_kernel(f, page, 4096, 8192) == -ENOSPC);
		file_put(f);
	}
	KCHECK(vfs_mount("none", "/m", NULL, MS_REMOUNT | MS_RDONLY, NULL) == 0);
	KCHECK(open_put("/m/new", O_RDWR | O_CREAT) == -EROFS);
}

KTEST(holes_and_cuts)
{
	struct file *f;
	char buf[8];

	if (!have_root(t) || !KCHECK(file_open(AT_FDCWD, "/hole", O_RDWR | O_CREAT, 0644, &f) == 0))
		return;
	KCHECK(file_write_kernel(f, "end", 3, 100000) == 3 && f->inode->size == 100003);
	KCHECK(file_read_kernel(f, buf, 8, 50000) == 8 && !buf[0] && !buf[7]);
	file_put(f);
	KCHECK(file_open(AT_FDCWD, "/hole", O_RDWR | O_TRUNC, 0, &f) == 0 && f->inode->size == 0 && f->inode->mapping->page_count == 0);
	file_put(f);
}

struct maker { unsigned id; volatile unsigned made, left; };
static void make_files(void *arg)
{
	struct maker *m = arg;
	char name[32];

	take_root();
	for (unsigned i = 0; i < 100; i++) {
		ksnprintf(name, sizeof(name), "/many/%u-%u", m->id % 2, i);	/* two threads want each name */
		if (open_put(name, O_RDWR | O_CREAT | O_EXCL) == 0)
			m->made++;
	}
	__atomic_store_n(&m->left, 1, __ATOMIC_RELEASE);
}

KTEST(racing_creations)
{
	static struct maker m[8];
	unsigned made = 0;

	if (!have_root(t))
		return;
	KCHECK(vfs_mkdir(AT_FDCWD, "/many", 0755) == 0);
	for (unsigned i = 0; i < 8; i++) {
		m[i] = (struct maker){ .id = i };
		KCHECK(kthread_create(make_files, &m[i], "maker%u", i) != NULL);
	}
	for (unsigned i = 0; i < 8; i++)
		KEVENTUALLY(__atomic_load_n(&m[i].left, __ATOMIC_ACQUIRE));
	for (unsigned i = 0; i < 8; i++)
		made += m[i].made;
	KCHECK(made == 200);	/* each name was made by exactly one */
}

/* ---- FIFOs: pipes with a name ---- */

static struct file *open_fifo(struct ktest_state *t, const char *name)
{
	struct file *f = NULL;

	KCHECK(vfs_mknod(AT_FDCWD, name, S_IFIFO | 0600, 0) == 0);
	KCHECK(file_open(AT_FDCWD, name, O_RDWR | O_NONBLOCK, 0, &f) == 0);
	return f;
}

KTEST(pipe_keeps_order_and_bounds)
{
	static char big[70000], back[70000];
	struct file *f;
	size_t got = 0;
	int64_t n;

	if (!have_root(t) || !(f = open_fifo(t, "/fifo1")))
		return;
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * 7 + i / 256);
	KCHECK(pipe_of(f) && pipe_get_size(f) == 65536);
	KCHECK(file_read_kernel(f, back, 1, 0) == -EAGAIN);
	KCHECK(file_write_kernel(f, big, sizeof(big), 0) == 65536);
	KCHECK(file_write_kernel(f, big, 1, 0) == -EAGAIN);
	while ((n = file_read_kernel(f, back + got, 1000, 0)) > 0)
		got += (size_t)n;
	KCHECK(n == -EAGAIN && got == 65536 && !memcmp(big, back, got));
	file_put(f);
}

KTEST(pipe_sizes)
{
	struct file *f;

	if (!have_root(t) || !(f = open_fifo(t, "/fifo2")))
		return;
	KCHECK(pipe_set_size(f, 1) == 4096 && pipe_get_size(f) == 4096);
	KCHECK(pipe_set_size(f, 5000) == 8192);
	KCHECK(file_write_kernel(f, "0123456789", 10, 0) == 10);
	KCHECK(pipe_set_size(f, 1 << 20) == 1 << 20);
	file_put(f);
	KCHECK(open_put("/fifo2", O_WRONLY | O_NONBLOCK) == -ENXIO);	/* nobody reads */
}

static void fill_later(void *arg)
{
	sleep_ns(5 * NSEC_PER_MSEC);
	(void)file_write_kernel(arg, "late", 4, 0);
	file_put(arg);
}

KTEST(pipe_reader_sleeps)
{
	struct file *f, *r;
	char buf[8];

	if (!have_root(t) || !(f = open_fifo(t, "/fifo3")) || !KCHECK(file_open(AT_FDCWD, "/fifo3", O_RDONLY, 0, &r) == 0))
		return;
	KCHECK(kthread_create(fill_later, f, "filler") != NULL);
	KCHECK(file_read_kernel(r, buf, 8, 0) == 4 && !memcmp(buf, "late", 4));
	KEVENTUALLY(file_read_kernel(r, buf, 8, 0) == 0);	/* its writer has gone */
	file_put(r);
}

KTEST(pipe_pages_are_shared)
{
	struct page *p = page_alloc(0, ALLOC_ZERO);
	struct file *f;
	char buf[16];

	if (!have_root(t) || !(f = open_fifo(t, "/fifo4")) || !KCHECK(p))
		return;
	memcpy(page_addr(p), "page's own bytes", 16);
	KCHECK(pipe_append_page(pipe_of(f), p, 7, 9, true) == 9 && p->refs == 2);
	KCHECK(file_read_kernel(f, buf, 16, 0) == 9 && !memcmp(buf, "own bytes", 9));
	KCHECK(p->refs == 1);
	page_put(p);
	file_put(f);
}

/* ---- a terminal with a driver of ours ---- */

static char tty_got[256];
static size_t tty_n;
static size_t drv_write(struct tty *tty, const uint8_t *b, size_t n)
{
	size_t i;

	for (i = 0; i < n && tty_n < sizeof(tty_got) - 1; i++)
		tty_got[tty_n++] = (char)b[i];
	return n;
}
static size_t drv_room(struct tty *tty) { return 4096; }
static const struct tty_driver_ops drv_ops = { .write = drv_write, .write_room = drv_room };

static struct tty *the_tty(struct ktest_state *t, struct file **f)
{
	static struct tty *tty;

	if (!tty)
		tty = tty_register("ktty0", 250, 0, &drv_ops, NULL);
	tty_n = 0;
	memset(tty_got, 0, sizeof(tty_got));
	if (!KCHECK(tty) || !KCHECK(file_open(AT_FDCWD, "/dev/ktty0", O_RDWR | O_NOCTTY | O_NONBLOCK, 0, f) == 0))
		return NULL;
	return tty;
}
/* What a line gives when it has come through the line discipline's work item. */
static int64_t read_soon(struct file *f, char *buf, size_t n)
{
	uint64_t until = hal_time_mono_ns() + 120 * NSEC_PER_SEC;
	int64_t r;

	while ((r = file_read_kernel(f, buf, n, 0)) == -EAGAIN && hal_time_mono_ns() < until)
		sleep_ns(NSEC_PER_MSEC);
	return r;
}
static void feed(struct tty *tty, const char *s) { tty_receive(tty, (const uint8_t *)s, strlen(s)); }

KTEST(tty_lines_and_echo)
{
	struct file *f;
	struct tty *tty;
	char buf[32];

	if (!have_root(t) || !(tty = the_tty(t, &f)))
		return;
	feed(tty, "hel");
	KEVENTUALLY(!strcmp(tty_got, "hel"));
	KCHECK(file_read_kernel(f, buf, sizeof(buf), 0) == -EAGAIN);	/* no line yet */
	feed(tty, "xx\177\177lo\r");
	KCHECK(read_soon(f, buf, sizeof(buf)) == 6);
	KCHECK(!memcmp(buf, "hello\n", 6));
	KEVENTUALLY(tty_n > 8 && tty_got[tty_n - 1] == '\n');
	file_put(f);
}

KTEST(tty_end_of_file_and_kill)
{
	struct file *f;
	struct tty *tty;
	char buf[32];

	if (!have_root(t) || !(tty = the_tty(t, &f)))
		return;
	feed(tty, "forgotten\025kept\004");
	KCHECK(read_soon(f, buf, sizeof(buf)) == 4);
	KCHECK(!memcmp(buf, "kept", 4));
	feed(tty, "\004");
	KCHECK(read_soon(f, buf, sizeof(buf)) == 0);	/* ^D alone */
	file_put(f);
}

KTEST(tty_output_processing)
{
	struct file *f;

	if (!have_root(t) || !the_tty(t, &f))
		return;
	KCHECK(file_write_kernel(f, "a\nb", 3, 0) == 3);
	KEVENTUALLY(!strcmp(tty_got, "a\r\nb"));
	file_put(f);
}

KTEST(tty_flood_is_bounded)
{
	static uint8_t flood[20000];
	struct file *f;
	struct tty *tty;
	char buf[64];

	if (!have_root(t) || !(tty = the_tty(t, &f)))
		return;
	memset(flood, 'f', sizeof(flood));
	tty_receive(tty, flood, sizeof(flood));	/* more than it can hold: the rest is dropped, nothing breaks */
	KEVENTUALLY(tty_n > 100);
	feed(tty, "\025");	/* and a line still comes through */
	sleep_ns(5 * NSEC_PER_MSEC);
	feed(tty, "\025after\r");
	KCHECK(read_soon(f, buf, sizeof(buf)) == 6 && !memcmp(buf, "after\n", 6));
	file_put(f);
}

const struct ktest vfs_tests[] = {
	KTEST_ROW(write_and_read), KTEST_ROW(open_errors), KTEST_ROW(paths), KTEST_ROW(mounts_cover), KTEST_ROW(holes_and_cuts),
	KTEST_ROW(racing_creations), KTEST_ROW(pipe_keeps_order_and_bounds), KTEST_ROW(pipe_sizes), KTEST_ROW(pipe_reader_sleeps),
	KTEST_ROW(pipe_pages_are_shared), KTEST_ROW(tty_lines_and_echo), KTEST_ROW(tty_end_of_file_and_kill), KTEST_ROW(tty_output_processing),
	KTEST_ROW(tty_flood_is_bounded), { NULL, NULL }
};
