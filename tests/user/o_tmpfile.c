/* SPDX-License-Identifier: MIT */
/* O_TMPFILE: a file without a name, that may get one unless O_EXCL; gone with its last descriptor. */
#include "harness.h"
#include "child.h"
#include <dirent.h>
#include <sys/stat.h>
#include <sys/statfs.h>

static int entries(const char *dir)
{
	DIR *d = opendir(dir);
	int n = 0;

	while (d && readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

int main(void)
{
	struct stat st;
	struct statfs a, b;
	char name[64], link_[256];
	int fd, fd2, n;

	plan(19);
	umask(022);
	mkdir("d", 0755);
	fd = open("d", O_TMPFILE | O_RDWR, 0666);
	ok(fd >= 0 && fstat(fd, &st) == 0 && st.st_nlink == 0 && S_ISREG(st.st_mode) && (st.st_mode & 0777) == 0644, "a file without a link");
	ok(entries("d") == 0, "the directory does not show it");
	ok(write(fd, "text", 4) == 4 && lseek(fd, 0, SEEK_SET) == 0 && read(fd, name, 9) == 4, "it is a file");
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	n = (int)readlink(name, link_, sizeof(link_) - 1);
	ok(n > 10 && !memcmp(link_ + n - 10, " (deleted)", 10), "/proc calls it deleted");
	ok((fd2 = open(name, O_RDWR)) >= 0 && read(fd2, link_, 9) == 4, "and opens it again");
	ok(linkat(AT_FDCWD, name, AT_FDCWD, "d/named", AT_SYMLINK_FOLLOW) == 0 && fstat(fd, &st) == 0 && st.st_nlink == 1, "it gets a name");
	ok(entries("d") == 1 && stat("d/named", &st) == 0 && st.st_size == 4, "with its contents");
	ok_errno(linkat(AT_FDCWD, name, AT_FDCWD, "d/named", AT_SYMLINK_FOLLOW), EEXIST, "which is taken now");
	ok(unlink("d/named") == 0 && fstat(fd, &st) == 0 && st.st_nlink == 0, "unlinked again");
	ok_errno(linkat(AT_FDCWD, name, AT_FDCWD, "d/again", AT_SYMLINK_FOLLOW), ENOENT, "it can have no second life");
	close(fd);
	close(fd2);
	fd = open("d", O_TMPFILE | O_EXCL | O_RDWR, 0600);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	ok(fd >= 0, "O_EXCL");
	ok_errno(linkat(AT_FDCWD, name, AT_FDCWD, "d/x", AT_SYMLINK_FOLLOW), ENOENT, "never gets a name");
	close(fd);
	ok_errno(open("d", O_TMPFILE | O_RDONLY, 0600), EINVAL, "without write access");
	ok_errno(open("no", O_TMPFILE | O_RDWR, 0600), ENOENT, "nowhere");
	close(open("f", O_CREAT | O_RDWR, 0600));
	ok_errno(open("f", O_TMPFILE | O_RDWR, 0600), ENOTDIR, "in a file");
	ok(in_child(setgid(1234) || setuid(1234) || !(open("d", O_TMPFILE | O_RDWR, 0600) == -1 && errno == EACCES)) == 0, "the directory must be writable");
	/* A tmpfile that is only closed gives back its blocks. */
	int takes = 0, gone = 0;
	for (n = 0; n < 200; n++) {	/* other processes of the host use the disk, too */
		sync();
		statfs(".", &a);
		fd = open("d", O_TMPFILE | O_RDWR, 0600);
		takes = ftruncate(fd, 0) == 0 && fallocate(fd, 0, 0, 1 << 20) == 0 && statfs(".", &b) == 0 && b.f_bfree < a.f_bfree;
		close(fd);
		gone = entries("d") == 0;
		sync();
		statfs(".", &b);
		if (takes && b.f_bfree + 128 >= a.f_bfree)
			break;
		usleep(10000);
	}
	ok(takes, "it takes space");
	ok(gone, "closed");
	ok(n < 200, "and gives it back");
	return done();
}
