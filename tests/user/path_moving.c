/* SPDX-License-Identifier: MIT */
/*
 * Look-ups while what they start from, and what they go through, changes: a
 * working directory that other threads move, directories that are renamed and
 * made anew, a root that goes.  What was there all the time is always found,
 * and never something that was not.
 */
#include "harness.h"
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MS = 300, TURNS = 2000 };
static volatile int over;
static ino_t there[2];

static uint64_t ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void make(const char *dir, const char *text)
{
	char name[64];
	int fd;

	snprintf(name, sizeof(name), "%s/deep", dir);
	mkdir(dir, 0755);
	mkdir(name, 0755);
	snprintf(name, sizeof(name), "%s/deep/file", dir);
	fd = open(name, O_CREAT | O_WRONLY, 0644);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		bail("%s", name);
	close(fd);
}

/* ---- a working directory that others move ---- */

static void *moves(void *arg)
{
	while (!over)
		for (int i = 0; i < 2; i++)
			if (chdir(i ? "../b" : "../a"))
				*(int *)arg += 1;
	return NULL;
}

static void *looks(void *arg)
{
	int *strange = arg;

	while (!over) {
		struct stat st;
		char c = 0;
		int fd;

		if (stat("deep/file", &st) || (st.st_ino != there[0] && st.st_ino != there[1]))
			*strange += 1;
		fd = open("deep/file", O_RDONLY);
		if (fd < 0 || read(fd, &c, 1) != 1 || fstat(fd, &st) || c != (st.st_ino == there[0] ? 'a' : 'b'))
			*strange += 1;
		close(fd);
		if (stat("../a/deep/file", &st) || st.st_ino != there[0])
			*strange += 1;
	}
	return NULL;
}

static void moving(void)
{
	int strange[3] = { 0 };
	pthread_t t[3];
	struct stat st;
	uint64_t end = ms() + MS;

	make("a", "a");
	make("b", "b");
	for (int i = 0; i < 2; i++) {
		if (stat(i ? "b/deep/file" : "a/deep/file", &st))
			bail("stat");
		there[i] = st.st_ino;
	}
	if (chdir("a"))
		bail("chdir");
	for (int i = 0; i < 3; i++)
		if (pthread_create(&t[i], NULL, i ? looks : moves, &strange[i]))
			bail("pthread_create");
	while (ms() < end)
		usleep(1000);
	over = 1;
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	ok(!strange[0], "the working directory moves (%d strange)", strange[0]);
	ok(!strange[1] && !strange[2], "and what is looked up from it is in one or the other (%d, %d strange)", strange[1], strange[2]);
	if (chdir(".."))
		bail("chdir ..");
}

/* ---- a directory on the way that is renamed, and one that takes its place ---- */

static void renaming(void)
{
	int strange = 0, status, n = 0;
	pid_t p = fork();

	if (p == 0) {
		for (int i = 0; i < TURNS; i++)
			if (rename("a", "x") || rename("x", "a"))
				_exit(1);
		_exit(0);
	}
	while (waitpid(p, &status, WNOHANG) == 0) {
		struct stat st;

		n++;
		if (stat("a/deep/file", &st) ? errno != ENOENT : st.st_ino != there[0])
			strange++;
		if (stat("b/deep/file", &st) || st.st_ino != there[1])
			strange++;
	}
	ok(!status && n && !strange, "through a directory that is renamed (%d of %d strange)", strange, n);
}

/* ---- a root that moves ---- */

static void rooted(void)
{
	char cwd[256];
	struct stat st;
	pid_t p;
	int status;

	if (!getcwd(cwd, sizeof(cwd)))
		bail("getcwd");
	p = fork();
	if (p == 0) {
		if (chroot("a"))
			_exit(errno);
		/* The working directory is outside: .. goes on up, / does not. */
		if (stat("/deep/file", &st) || st.st_ino != there[0] || stat("/../../deep/file", &st) || st.st_ino != there[0])
			_exit(1);
		if (stat("b/deep/file", &st) || st.st_ino != there[1] || stat("../../../../../../../../b", &st) == 0)
			_exit(2);
		if (symlink("/deep/file", "b/deep/link") || stat("b/deep/link", &st) || st.st_ino != there[0])
			_exit(3);
		if (chdir("/") || stat("../deep/file", &st) || st.st_ino != there[0] || access("../b", F_OK) == 0)
			_exit(4);
		_exit(0);
	}
	waitpid(p, &status, 0);
	ok(!status, "a root somewhere else, the working directory outside of it (status %x)", status);
}

/* ---- names as long as they may be, and a working directory that is gone ---- */

static void edges(void)
{
	static char name[5000];
	struct stat st;
	char cwd[256];

	for (size_t n = 120; n < 136; n++) {
		memset(name, '/', n);
		strcpy(name + n, "b");
		name[0] = '.';
		if (stat(name, &st) || !S_ISDIR(st.st_mode))
			bail("%zu slashes", n);
	}
	ok(1, "names around the length that is copied at once");
	memset(name, '/', sizeof(name));
	name[0] = '.';
	strcpy(name + 4095 - 1, "b");
	ok(stat(name, &st) == 0, "4,095 bytes are a path");
	strcpy(name + 4095 - 1, "/b");
	ok_errno(stat(name, &st), ENAMETOOLONG, "4,096 are not");
	ok_errno(stat("b/deep/file/", &st), ENOTDIR, "a file with a slash behind");
	ok_errno(stat("b/deep/file/x", &st), ENOTDIR, "and with something behind");
	ok(stat("b//deep///", &st) == 0 && S_ISDIR(st.st_mode), "a directory with slashes");
	ok_errno(open("b/deep/file", O_RDONLY | O_DIRECTORY), ENOTDIR, "a file is no directory to open");
	ok_errno(open("b/deep", O_RDWR), EISDIR, "and a directory none to write");
	if (!getcwd(cwd, sizeof(cwd)) || mkdir("gone", 0755) || chdir("gone") || rmdir("../gone"))
		bail("gone");
	ok_errno(stat("x", &st), ENOENT, "nothing in a directory that is gone");
	ok(stat(".", &st) == 0 && st.st_nlink == 0, "which itself is there");
	if (chdir(cwd))
		bail("chdir");
}

int main(void)
{
	plan(14);
	mkdir("moving", 0755);
	if (chdir("moving"))
		bail("chdir");
	moving();
	renaming();
	rooted();
	edges();
	return done();
}
