/* SPDX-License-Identifier: MIT */
/* Large directories: every name is listed once, also while others come and go; removal, rewind, seek. */
#include "harness.h"
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { N = 3000 };
static unsigned char seen[N];

static int list(DIR *d, int *dots, int *twice)
{
	struct dirent *e;
	int n = 0;

	memset(seen, 0, sizeof(seen));
	*dots = *twice = 0;
	while ((e = readdir(d))) {
		int i;

		if (e->d_name[0] == '.') {
			++*dots;
			continue;
		}
		if (sscanf(e->d_name, "file-with-a-longer-name-%d", &i) != 1 || i < 0 || i >= N)
			continue;
		if (seen[i]++)
			++*twice;
		n++;
	}
	return n;
}

int main(void)
{
	char name[300];
	int good = 1, dots, twice, n;
	struct stat st;
	DIR *d;

	plan(22);
	ok(mkdir("d", 0755) == 0 && chdir("d") == 0, "mkdir");
	for (int i = 0; i < N; i++) {
		snprintf(name, sizeof(name), "file-with-a-longer-name-%d", i);
		int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0644);

		good &= fd >= 0;
		close(fd);
	}
	ok(good, "%d files", N);
	d = opendir(".");
	n = list(d, &dots, &twice);
	ok(n == N && dots == 2 && twice == 0, "all listed once: %d, %d dots, %d twice", n, dots, twice);
	rewinddir(d);
	n = list(d, &dots, &twice);
	ok(n == N, "again after rewinddir: %d", n);
	/* seek back to a remembered place */
	rewinddir(d);
	for (int i = 0; i < 1000; i++)
		readdir(d);
	long at = telldir(d);
	struct dirent *e = readdir(d);

	snprintf(name, sizeof(name), "%s", e->d_name);
	for (int i = 0; i < 500; i++)
		readdir(d);
	seekdir(d, at);
	e = readdir(d);
	ok(e && strcmp(e->d_name, name) == 0, "seekdir comes back to %s", name);
	/* remove every second while listing */
	rewinddir(d);
	int removed = 0;

	good = 1;
	memset(seen, 0, sizeof(seen));
	while ((e = readdir(d))) {
		int i;

		if (sscanf(e->d_name, "file-with-a-longer-name-%d", &i) != 1)
			continue;
		seen[i]++;
		if (i & 1) {
			good &= unlink(e->d_name) == 0;
			removed++;
		}
	}
	ok(good && removed == N / 2, "removed %d while listing", removed);
	n = 0;
	for (int i = 0; i < N; i++)
		n += seen[i] == 1;
	ok(n == N, "every name came once all the same: %d", n);
	rewinddir(d);
	n = list(d, &dots, &twice);
	ok(n == N / 2, "%d left", n);
	for (int i = 1; i < N; i += 2) {
		snprintf(name, sizeof(name), "file-with-a-longer-name-%d", i);
		good &= access(name, F_OK) != 0;
	}
	ok(good, "the removed ones are gone");
	ok(stat(".", &st) == 0 && st.st_size > 0, "size %lld", (long long)st.st_size);
	ok_errno(rmdir("../d"), ENOTEMPTY, "not empty");
	for (int i = 0; i < N; i += 2) {
		snprintf(name, sizeof(name), "file-with-a-longer-name-%d", i);
		good &= unlink(name) == 0;
	}
	ok(good, "all removed");
	closedir(d);
	memset(name, 'x', sizeof(name));
	name[255] = 0;
	ok(mkdir(name, 0700) == 0 && rmdir(name) == 0, "a name of 255 bytes");
	name[255] = 'x';
	name[256] = 0;
	ok_errno(mkdir(name, 0700), ENAMETOOLONG, "of 256");
	chdir("..");
	int gone = open("d", O_RDONLY | O_DIRECTORY);
	ok(rmdir("d") == 0, "rmdir");
	ok_errno(openat(gone, name, O_RDWR | O_CREAT, 0600), ENOENT, "in a directory that is gone no name is too long");
	ok_errno(mkdirat(gone, name, 0700), ENOENT, "to be made");
	ok_errno(unlinkat(gone, name, 0), ENOENT, "to be removed");
	ok_errno(renameat(gone, name, gone, "b"), ENOENT, "to be renamed");
	ok_errno(fstatat(gone, name, &st, 0), ENOENT, "to be looked up");
	ok_errno(rmdir("."), EINVAL, "rmdir of .");
	ok_errno(unlink("."), EISDIR, "unlink of a directory");
	return done();
}
