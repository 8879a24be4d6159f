/* SPDX-License-Identifier: MIT */
/* The *at calls with real directory descriptors, O_PATH, O_TMPFILE, AT_EMPTY_PATH, open's flags and errors. */
#include "harness.h"
#include "child.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

int main(void)
{
	struct stat st, st2;
	char buf[300], link[64];
	int d, e, fd, p;
	ssize_t n;

	umask(022);
	mkdir("d", 0755);
	mkdir("d/e", 0755);
	d = open("d", O_RDONLY | O_DIRECTORY);
	e = open("d/e", O_PATH);
	if (d < 0 || e < 0)
		bail("directories");
	fd = openat(d, "f", O_RDWR | O_CREAT, 0666);
	ok(fd >= 0 && stat("d/f", &st) == 0 && (st.st_mode & 07777) == 0644, "openat creates relative to a directory, minus the umask");
	ok(rename("d", "moved") == 0 && fstatat(d, "f", &st2, 0) == 0 && st2.st_ino == st.st_ino, "a renamed directory is still the same");
	ok(openat(e, "../f", O_RDONLY) >= 0, ".. from an O_PATH directory");
	ok_errno(openat(fd, "x", O_RDONLY), ENOTDIR, "a file is no directory");
	ok_errno(openat(999, "x", O_RDONLY), EBADF, "a bad descriptor");
	ok(openat(999, "/", O_RDONLY) >= 0, "does not matter for an absolute path");
	ok(mkdirat(d, "sub", 0700) == 0 && mknodat(d, "fifo", S_IFIFO | 0600, 0) == 0, "mkdirat, mknodat");
	ok(symlinkat("f", d, "l") == 0 && readlinkat(d, "l", buf, sizeof(buf)) == 1 && buf[0] == 'f', "symlinkat, readlinkat");
	ok(linkat(d, "f", e, "hard", 0) == 0 && fstat(fd, &st) == 0 && st.st_nlink == 2, "linkat");
	ok(linkat(d, "l", e, "hl", 0) == 0 && fstatat(e, "hl", &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode), "linkat of a symbolic link: of itself");
	ok(linkat(d, "l", e, "hf", AT_SYMLINK_FOLLOW) == 0 && fstatat(e, "hf", &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode), "or, asked to, of its target");
	ok(renameat(d, "sub", e, "sub2") == 0 && fstatat(e, "sub2", &st, 0) == 0, "renameat");
	ok(unlinkat(e, "sub2", AT_REMOVEDIR) == 0, "unlinkat of a directory");
	ok_errno(unlinkat(e, "hard", AT_REMOVEDIR), ENOTDIR, "AT_REMOVEDIR of a file");
	ok_errno(unlinkat(d, "e", 0), EISDIR, "unlink of a directory");
	ok(faccessat(d, "f", R_OK | W_OK, 0) == 0 && fchmodat(d, "f", 0600, 0) == 0, "faccessat, fchmodat");

	ok_errno(open("moved/f", O_RDWR | O_CREAT | O_EXCL, 0600), EEXIST, "O_EXCL");
	symlink("nowhere", "dangling");
	ok_errno(open("dangling", O_RDWR | O_CREAT | O_EXCL, 0600), EEXIST, "O_EXCL with a dangling link");
	ok(open("dangling", O_RDWR | O_CREAT, 0600) >= 0 && stat("nowhere", &st) == 0, "without it the target is made");
	ok_errno(open("moved/l", O_RDONLY | O_NOFOLLOW), ELOOP, "O_NOFOLLOW");
	ok_errno(open("moved", O_WRONLY), EISDIR, "a directory for writing");
	ok_errno(open("moved/f", O_RDONLY | O_DIRECTORY), ENOTDIR, "O_DIRECTORY");
	ok_errno(open("moved/f/x", O_RDONLY), ENOTDIR, "through a file");
	ok_errno(open("moved/f/", O_RDONLY), ENOTDIR, "a file with a slash behind it");
	ok_errno(open("new/", O_RDWR | O_CREAT, 0600), EISDIR, "creation with a slash behind it");
	ok_errno(open("no/such", O_RDWR | O_CREAT, 0600), ENOENT, "creation below what does not exist");
	ok_errno(open("", O_RDONLY), ENOENT, "the empty path");
	memset(buf, 'x', 256);
	buf[256] = 0;
	ok_errno(open(buf, O_RDONLY), ENAMETOOLONG, "a name of 256");
	buf[255] = 0;
	ok(open(buf, O_RDWR | O_CREAT, 0600) >= 0 && unlink(buf) == 0, "a name of 255");
	ok_errno(open((char *)8, O_RDONLY), EFAULT, "a bad address");
	ok(write(fd, "hello", 5) == 5 && open("moved/f", O_WRONLY | O_TRUNC) >= 0 && fstat(fd, &st) == 0 && st.st_size == 0, "O_TRUNC");
	ok(in_child(({
		mknod("fifo", S_IFIFO | 0444, 0);
		chmod("fifo", 0444);
		setresuid(1000, 1000, 1000);
		open("fifo", O_RDONLY | O_NONBLOCK) < 0 || open("fifo", O_RDONLY | O_NONBLOCK | O_TRUNC) != -1 || errno != EACCES;
	})) == 0, "O_TRUNC asks for the right to write, also where it does nothing");

	p = open("moved/f", O_PATH);
	ok(fstat(p, &st) == 0 && st.st_size == 0, "O_PATH: fstat works");
	ok_errno(read(p, buf, 1), EBADF, "read does not");
	ok_errno(fchmod(p, 0600), EBADF, "nor fchmod");
	snprintf(link, sizeof(link), "/proc/self/fd/%d", p);
	ok(open(link, O_RDWR) >= 0, "it can be opened through /proc");
	p = open("moved/l", O_PATH | O_NOFOLLOW);
	ok(p >= 0 && fstat(p, &st) == 0 && S_ISLNK(st.st_mode), "O_PATH of a link itself");
	n = readlinkat(p, "", buf, sizeof(buf));
	ok(n == 1 && buf[0] == 'f', "readlinkat with an empty path");
	ok(fstatat(d, "", &st, AT_EMPTY_PATH) == 0 && S_ISDIR(st.st_mode), "AT_EMPTY_PATH");
	ok_errno(fstatat(d, "", &st, 0), ENOENT, "is needed for it");

	fd = open("moved", O_RDWR | O_TMPFILE, 0600);
	ok(fd >= 0 && fstat(fd, &st) == 0 && st.st_nlink == 0 && write(fd, "tmp", 3) == 3, "O_TMPFILE");
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ok(linkat(AT_FDCWD, link, d, "named", AT_SYMLINK_FOLLOW) == 0 && fstat(fd, &st) == 0 && st.st_nlink == 1, "gets a name by linkat");
	ok_errno(open("moved", O_RDONLY | O_TMPFILE, 0600), EINVAL, "O_TMPFILE must be writable");
	return done();
}
