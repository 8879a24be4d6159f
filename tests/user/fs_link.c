/* SPDX-License-Identifier: MIT */
/* link(2), unlink(2): one inode under many names, counts, ctime, links to symlinks and across directories, and the refusals in their order. */
#include "harness.h"
#include "child.h"
#include <sys/stat.h>

static nlink_t links(const char *p) { struct stat s; return lstat(p, &s) ? 0 : s.st_nlink; }
static ino_t ino(const char *p) { struct stat s; return lstat(p, &s) ? 0 : s.st_ino; }

int main(void)
{
	struct stat s, t;
	struct timespec old[2] = { { 1000, 0 }, { 1000, 0 } };
	char buf[16];
	int fd, dir;

	plan(27);
	fd = open("a", O_RDWR | O_CREAT, 0640);
	mkdir("d", 0755);
	dir = open("d", O_RDONLY);
	ok(link("a", "b") == 0 && links("a") == 2 && ino("a") == ino("b"), "two names, one inode");
	ok(link("b", "d/c") == 0 && links("a") == 3, "a third, elsewhere");
	ok(write(fd, "x", 1) == 1 && stat("d/c", &s) == 0 && s.st_size == 1, "what is written through one is there through all");
	ok(chmod("b", 0600) == 0 && stat("a", &s) == 0 && (s.st_mode & 0777) == 0600, "so are its attributes");
	futimens(fd, old);
	fstat(fd, &s);
	ok(linkat(AT_FDCWD, "a", dir, "e", 0) == 0 && links("d/e") == 4, "linkat into a directory");
	fstat(fd, &t);
	ok(t.st_mtime == 1000 && t.st_ctime >= s.st_ctime, "a new name is a change of ctime, not of mtime");
	ok(unlink("a") == 0 && links("b") == 3 && fstat(fd, &s) == 0 && s.st_nlink == 3, "unlink takes one name");
	ok(unlink("b") == 0 && unlink("d/c") == 0 && unlink("d/e") == 0 && fstat(fd, &s) == 0 && s.st_nlink == 0, "the last name");
	ok(pread(fd, buf, 16, 0) == 1, "what is open stays");
	snprintf(buf, sizeof(buf), "/proc/self/fd/%d", fd);
	ok_errno(linkat(AT_FDCWD, buf, AT_FDCWD, "again", AT_SYMLINK_FOLLOW), ENOENT, "but gets no name again");
	symlink("nowhere", "s");
	ok(link("s", "s2") == 0 && ino("s") == ino("s2") && links("s") == 2, "a link to a symbolic link is to itself");
	ok_errno(linkat(AT_FDCWD, "s", AT_FDCWD, "s3", AT_SYMLINK_FOLLOW), ENOENT, "followed: to what is not there");
	close(open("f", O_CREAT | O_RDWR, 0600));
	ok_errno(link("d", "d2"), EPERM, "a directory");
	ok_errno(link("f", "d"), EEXIST, "a name that is taken");
	ok_errno(link("d", "f"), EEXIST, "which is looked at before what is linked");
	ok_errno(link("f", "s"), EEXIST, "a dangling link takes its name, too");
	ok_errno(link("no", "f"), ENOENT, "nothing to link comes first");
	ok_errno(link("f", "no/x"), ENOENT, "into nowhere");
	ok_errno(link("f", "f/x"), ENOTDIR, "below a file");
	ok_errno(link("f/", "x"), ENOTDIR, "a file with a slash");
	ok_errno(link("f", "x/"), ENOENT, "a new name with a slash");
	ok_errno(linkat(AT_FDCWD, "f", AT_FDCWD, "x", 0x8000), EINVAL, "unknown flags");
	ok_errno(link("f", "/dev/eft-x"), EXDEV, "another file system");
	ok_errno(linkat(fd, "", AT_FDCWD, "x", 0), ENOENT, "the empty path without AT_EMPTY_PATH");
	int o = open("f", O_PATH);
	ok(linkat(o, "", AT_FDCWD, "x", AT_EMPTY_PATH) == 0 && ino("x") == ino("f"), "and with it");
	close(open("mine", O_CREAT | O_RDWR, 0600));
	if (chmod("d", 0755) || chown("mine", 1234, 1234))
		bail("chown");
	ok(in_child(setgid(1234) || setuid(1234) || !(link("mine", "d/y") == -1 && errno == EACCES)) == 0, "no permission for the directory");
	ok(rmdir("d") == 0, "the directory is empty again");
	return done();
}
