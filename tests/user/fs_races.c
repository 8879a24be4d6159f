/* SPDX-License-Identifier: MIT */
/*
 * Names changed by several threads at once: a name that is replaced by rename
 * never looks absent, directories that move about never form a circle, counts
 * are right when all is quiet again.
 */
#include "harness.h"
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static atomic_int stop, missing, odd, circles;

static void *replacer(void *arg)
{
	char tmp[32];
	int fd;

	snprintf(tmp, sizeof(tmp), "tmp%ld", (long)arg);
	while (!stop) {
		fd = open(tmp, O_RDWR | O_CREAT | O_EXCL, 0600);
		if (fd < 0 || write(fd, "whole", 5) != 5)
			odd++;
		close(fd);
		if (rename(tmp, "name"))
			odd++;
	}
	return NULL;
}

static void *reader(void *arg)
{
	char buf[8];
	struct stat st;

	while (!stop) {
		int fd = open("name", O_RDONLY);

		if (fd < 0) {
			missing++;
			continue;
		}
		if (read(fd, buf, 8) != 5 || fstat(fd, &st))
			odd++;
		close(fd);
		if (stat("name", &st))
			missing++;
	}
	return NULL;
}

/* Moves a/x to b/x/y and the like: one of two crossing renames must fail. */
static void *mover(void *arg)
{
	long k = (long)arg;

	while (!stop) {
		rename(k ? "a" : "b", k ? "b/in" : "a/in");
		rename(k ? "b/in" : "a/in", k ? "a" : "b");
		rename("c/d", "e/d");
		rename("e/d", "c/d");
	}
	return NULL;
}

static void *walker(void *arg)
{
	struct stat st;

	while (!stop) {
		if (!stat("a/in/in/in/in", &st) && !stat("b/in/in/in/in", &st))
			circles++;
		stat("c/d/../d/..", &st);
		stat("e/d/../../c", &st);
	}
	return NULL;
}

static void *maker(void *arg)
{
	char name[64];
	int i = 0;

	while (!stop) {
		snprintf(name, sizeof(name), "pool/%ld-%d", (long)arg, i++ % 50);
		if (i / 50 % 2) {
			rmdir(name);
			unlink(name);
		} else if (i & 1) {
			mkdir(name, 0700);
		} else {
			close(open(name, O_RDWR | O_CREAT, 0600));
		}
	}
	return NULL;
}

static void *lister(void *arg)
{
	while (!stop) {
		DIR *d = opendir("pool");
		struct dirent *e;
		struct stat st;

		while (d && (e = readdir(d))) {
			fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW);
			if (e->d_ino == 0)
				odd++;
		}
		if (d)
			closedir(d);
	}
	return NULL;
}

static void run(const char *what)
{
	void *(*const fn[])(void *) = { replacer, replacer, reader, mover, mover, walker, maker, maker, lister };
	pthread_t t[9];
	struct stat st;
	DIR *d;
	struct dirent *e;
	char name[300];
	int left = 0;

	stop = missing = odd = circles = 0;
	close(open("name", O_RDWR | O_CREAT, 0600));
	if (truncate("name", 5))
		bail("truncate");
	mkdir("a", 0700), mkdir("b", 0700), mkdir("c", 0700), mkdir("e", 0700), mkdir("c/d", 0700), mkdir("pool", 0700);
	for (long i = 0; i < 9; i++)
		pthread_create(&t[i], NULL, fn[i], (void *)(i & 1));
	usleep(700000);
	stop = 1;
	for (int i = 0; i < 9; i++)
		pthread_join(t[i], NULL);
	ok(missing == 0, "%s: a replaced name is never absent (%d)", what, missing);
	ok(odd == 0, "%s: nor half written (%d)", what, odd);
	ok(circles == 0, "%s: no circle of directories", what);
	d = opendir("pool");
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "pool/%s", e->d_name);
		if (unlink(name) && rmdir(name))
			left++;
	}
	closedir(d);
	ok(left == 0 && stat("pool", &st) == 0 && st.st_nlink == 2 && rmdir("pool") == 0, "%s: what was listed can be removed, links are counted right", what);
	rmdir("a/in"), rmdir("b/in"), rmdir("a"), rmdir("b"), rmdir("c/d"), rmdir("e/d");
	ok(rmdir("c") == 0 && rmdir("e") == 0, "%s: nothing is left of what was moved", what);
	unlink("name"), unlink("tmp0"), unlink("tmp1");
}

int main(void)
{
	run("disk");
	mkdir("t", 0755);
	if (mount("none", "t", "tmpfs", 0, "") == 0) {
		if (chdir("t"))
			bail("chdir");
		run("tmpfs");
		if (chdir(".."))
			bail("chdir");
		ok(umount("t") == 0, "tmpfs: the mount is free again");
	}
	return done();
}
