/* SPDX-License-Identifier: MIT */
/* Hard links and symbolic links, short and long targets, the limits of each. */
#include "harness.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

int main(void)
{
	char target[5000], buf[5000];
	struct stat st, st2;
	int fd = open("f", O_WRONLY | O_CREAT, 0644), good = 1;
	static const int lengths[] = { 1, 59, 60, 61, 200, 1000, 1023 };

	plan(17 + (int)(sizeof(lengths) / sizeof(lengths[0])));
	close(fd);
	ok(link("f", "g") == 0 && stat("g", &st) == 0 && st.st_nlink == 2, "link");
	stat("f", &st2);
	ok(st.st_ino == st2.st_ino, "the same file");
	ok_errno(link("f", "g"), EEXIST, "name taken");
	ok_errno(link("none", "x"), ENOENT, "no such file");
	mkdir("d", 0755);
	ok_errno(link("d", "x"), EPERM, "no links to directories");
	ok(unlink("f") == 0 && stat("g", &st) == 0 && st.st_nlink == 1, "one less");
	for (int i = 0; i < 200; i++) {
		snprintf(buf, sizeof(buf), "l%d", i);
		good &= link("g", buf) == 0;
	}
	ok(good && stat("g", &st) == 0 && st.st_nlink == 201, "200 links");
	for (unsigned i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		int n = lengths[i];
		ssize_t got;

		memset(target, 't', (size_t)n);
		target[n] = 0;
		unlink("s");
		good = symlink(target, "s") == 0;
		memset(buf, '#', sizeof(buf));
		got = readlink("s", buf, sizeof(buf));
		ok(good && got == n && memcmp(buf, target, (size_t)n) == 0 && buf[n] == '#' && lstat("s", &st) == 0 && st.st_size == n,
			"symbolic link of %d bytes", n);
	}
	ok(readlink("s", buf, 10) == 10, "cut to the buffer");
	ok_errno(readlink("g", buf, 10), EINVAL, "not a link");
	ok_errno(symlink("", "e"), ENOENT, "empty target");
	ok_errno(symlink("x", "g"), EEXIST, "name taken");
	symlink("loop2", "loop1");
	symlink("loop1", "loop2");
	ok_errno(open("loop1", O_RDONLY), ELOOP, "a circle");
	symlink("d", "sd");
	ok(stat("sd", &st) == 0 && S_ISDIR(st.st_mode) && lstat("sd", &st) == 0 && S_ISLNK(st.st_mode), "stat follows, lstat does not");
	ok_errno(open("sd", O_RDONLY | O_NOFOLLOW), ELOOP, "O_NOFOLLOW");
	ok(unlink("sd") == 0 && access("d", F_OK) == 0, "unlink removes the link");
	symlink("nowhere", "dangling");
	fd = open("dangling", O_WRONLY | O_CREAT, 0644);
	ok(fd >= 0 && access("nowhere", F_OK) == 0, "O_CREAT through a dangling link");
	ok_errno(open("dangling", O_WRONLY | O_CREAT | O_EXCL, 0644), EEXIST, "O_EXCL does not follow");
	return done();
}
