/* SPDX-License-Identifier: MIT */
/*
 * Walks through directories that change places at the same time: where two names
 * are exchanged, a path through one of them leads through one of the two
 * directories, always; a directory that is replaced by another one is never absent;
 * what was removed is not found, and not where it was not.
 */
#include "harness.h"
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE 2
#endif
#define LONG_NAME "a-name-that-is-too-long-to-be-kept-with-the-entry-itself"
static atomic_int stop, missing, strange, walks, changes;
static ino_t inside[2];

static int exchange(const char *a, const char *b) { return (int)syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE); }

/* Names in one directory, and in two; short and long. */
static void *exchanger(void *arg)
{
	while (!stop) {
		if (exchange("top/x", "top/" LONG_NAME) || exchange("top/x", "other/y"))
			strange++;
		changes++;
	}
	return NULL;
}

static void *walker(void *arg)
{
	static const char *const paths[] = { "top/x/in/deep/file", "top/" LONG_NAME "/in/deep/file", "other/y/./in//deep/../deep/file" };
	struct stat st;

	for (unsigned i = 0; !stop; i++) {
		const char *p = paths[i % 3];

		if (stat(p, &st))
			missing++;
		else if (st.st_ino != inside[0] && st.st_ino != inside[1] && st.st_size != 3)
			strange++;
		walks++;
	}
	return NULL;
}

/* here/is goes to and fro: at each moment it has one of the two names. */
static void *mover(void *arg)
{
	while (!stop) {
		if (rename("here/is", "here/was") || rename("here/was", "here/is"))
			strange++;
		changes++;
	}
	return NULL;
}

static void *seeker(void *arg)
{
	struct stat a, b;

	while (!stop) {
		int one = stat("here/is/in/file", &a), two = stat("here/was/in/file", &b);

		if ((!one && a.st_size != 5) || (!two && b.st_size != 5))
			strange++;
		if (!stat("here/is/in/in", &a) || !stat("here/was/is/in/file", &a))
			strange++;
		walks++;
	}
	return NULL;
}

/* A directory comes and goes; its file is found whole or not at all. */
static void *maker(void *arg)
{
	while (!stop) {
		int fd;

		if (mkdir("gone", 0755) || mkdir("gone/in", 0755))
			strange++;
		fd = open("gone/in/file", O_WRONLY | O_CREAT | O_EXCL, 0644);
		if (fd < 0)
			strange++;
		close(fd);
		if (unlink("gone/in/file") || rmdir("gone/in") || rmdir("gone"))
			strange++;
		changes++;
	}
	return NULL;
}

static void *finder(void *arg)
{
	struct stat st;

	while (!stop) {
		if (!stat("gone/in/file", &st) && !S_ISREG(st.st_mode))
			strange++;
		if (!stat("gone/in", &st) && !S_ISDIR(st.st_mode))
			strange++;
		if (!stat("gone/in/none", &st))
			strange++;
		walks++;
	}
	return NULL;
}

static void file(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || close(fd))
		bail("%s", name);
}

static void both(const char *what, void *(*change)(void *), void *(*walk)(void *))
{
	pthread_t t[3];

	stop = missing = strange = walks = changes = 0;
	if (pthread_create(&t[0], NULL, change, NULL) || pthread_create(&t[1], NULL, walk, NULL) || pthread_create(&t[2], NULL, walk, NULL))
		bail("pthread_create");
	usleep(600000);
	stop = 1;
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	ok(!missing && !strange && walks > 20 && changes > 20, "%s", what);
	if (missing || strange)
		printf("# %d of %d walks missed, %d strange things, %d changes\n", (int)missing, (int)walks, (int)strange, (int)changes);
}

static void run(void)
{
	struct stat st;

	if (mkdir("top", 0755) || mkdir("other", 0755) || mkdir("top/x", 0755) || mkdir("top/" LONG_NAME, 0755) || mkdir("other/y", 0755))
		bail("mkdir");
	for (int i = 0; i < 3; i++) {
		char name[200], *end = name + snprintf(name, sizeof(name), "%s", i == 0 ? "top/x" : i == 1 ? "top/" LONG_NAME : "other/y");

		strcpy(end, "/in");
		mkdir(name, 0755);
		strcpy(end, "/in/deep");
		mkdir(name, 0755);
		strcpy(end, "/in/deep/file");
		file(name, "abc");
		if (i < 2 && !stat(name, &st))
			inside[i] = st.st_ino;
	}
	both("directories that are exchanged are always there", exchanger, walker);
	if (mkdir("here", 0755) || mkdir("here/is", 0755) || mkdir("here/is/in", 0755))
		bail("mkdir");
	file("here/is/in/file", "hello");
	both("a directory that is renamed is where it says", mover, seeker);
	both("a directory that comes and goes is found whole", maker, finder);
}

int main(void)
{
	mkdir("t", 0755);
	if (mount("none", "t", "tmpfs", 0, "") == 0) {
		if (chdir("t"))
			bail("chdir");
		run();
		if (chdir(".."))
			bail("chdir");
		ok(umount("t") == 0, "the mount is free again");
	}
	run();		/* last: what is left behind is seen by who checks the disk afterwards */
	return done();
}
