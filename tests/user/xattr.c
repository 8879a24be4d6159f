/* SPDX-License-Identifier: MIT */
/* Extended attributes of a file on disk and on tmpfs: create, replace, sizes, lists, name spaces, what links and directories may have. */
#include "harness.h"
#include "child.h"
#include <sys/stat.h>
#include <sys/xattr.h>

static char buf[70000];

static int listed(const char *path, const char *name)
{
	static char list[4096];
	ssize_t n = listxattr(path, list, sizeof(list));

	for (char *p = list; p < list + n; p += strlen(p) + 1)
		if (!strcmp(p, name))
			return 1;
	return 0;
}

static int has_caps(const char *path) { return getxattr(path, "security.capability", NULL, 0) > 0; }

static int give_caps(const char *path)
{
	static const unsigned char net_bind[20] = { 1, 0, 0, 2, 0, 4 };	/* revision 2, effective */

	return setxattr(path, "security.capability", net_bind, sizeof(net_bind), 0) == 0 && has_caps(path);
}

int main(void)
{
	int fd;
	char longname[300];
	struct stat a, b;

	plan(42);
	umask(0);
	fd = open("f", O_RDWR | O_CREAT, 0666);
	mkdir("d", 0777);
	symlink("f", "s");
	if (setxattr("f", "user.one", "1", 1, 0) && errno == EOPNOTSUPP)
		bail("the scratch directory has no attributes");
	ok(getxattr("f", "user.one", buf, 10) == 1 && buf[0] == '1', "set and get");
	ok(getxattr("f", "user.one", NULL, 0) == 1, "its size alone");
	ok(listed("f", "user.one"), "it is listed");
	ok_errno(setxattr("f", "user.one", "2", 1, XATTR_CREATE), EEXIST, "XATTR_CREATE of one that is there");
	ok_errno(setxattr("f", "user.two", "2", 1, XATTR_REPLACE), ENODATA, "XATTR_REPLACE of one that is not");
	ok(setxattr("f", "user.one", "longer value", 12, XATTR_REPLACE) == 0 && fgetxattr(fd, "user.one", buf, 100) == 12, "XATTR_REPLACE");
	ok_errno(getxattr("f", "user.one", buf, 5), ERANGE, "too small a buffer");
	ok_errno(getxattr("f", "user.none", buf, 5), ENODATA, "one that is not there");
	ok(setxattr("f", "user.empty", "", 0, 0) == 0 && getxattr("f", "user.empty", buf, 5) == 0, "an empty value");
	ok(fsetxattr(fd, "user.fd", "x", 1, 0) == 0 && listed("f", "user.fd"), "through a descriptor");
	ok(listxattr("f", NULL, 0) >= 9 + 11 + 8, "the size of the list");
	ok_errno(listxattr("f", buf, 3), ERANGE, "too small for the list");
	ok(getxattr("s", "user.one", buf, 100) == 12, "through a link: of its target");
	ok_errno(lgetxattr("s", "user.one", buf, 100), ENODATA, "the link itself has none");
	ok_errno(lsetxattr("s", "user.one", "x", 1, 0), EPERM, "and may have none of the user's");
	ok(lsetxattr("s", "trusted.link", "x", 1, 0) == 0 && lgetxattr("s", "trusted.link", buf, 9) == 1, "but trusted ones");
	ok(setxattr("d", "user.dir", "x", 1, 0) == 0 && getxattr("d", "user.dir", buf, 9) == 1, "a directory");
	ok(removexattr("f", "user.one") == 0 && getxattr("f", "user.one", buf, 9) == -1 && !listed("f", "user.one"), "removed");
	ok_errno(removexattr("f", "user.one"), ENODATA, "once");
	ok_errno(setxattr("f", "nonsense.x", "x", 1, 0), EOPNOTSUPP, "an unknown name space");
	ok_errno(setxattr("f", "plain", "x", 1, 0), EOPNOTSUPP, "a name without one");
	ok_errno(setxattr("f", "user.", "x", 1, 0), EINVAL, "a name space without a name");
	ok_errno(removexattr("f", "security."), geteuid() ? EPERM : EINVAL, "of the system's");
	ok_errno(removexattr("f", "trusted."), geteuid() ? EPERM : EINVAL, "of root's");
	ok_errno(setxattr("f", "", "x", 1, 0), ERANGE, "no name");
	memset(longname, 'n', sizeof(longname));
	memcpy(longname, "user.", 5);
	longname[256] = 0;
	ok_errno(setxattr("f", longname, "x", 1, 0), ERANGE, "a name of 256");
	longname[255] = 0;
	ok(setxattr("f", longname, "x", 1, 0) == 0 && getxattr("f", longname, buf, 9) == 1, "a name of 255");
	removexattr("f", longname);
	ok_errno(setxattr("f", "user.big", buf, 65537, 0), E2BIG, "more than 64 KiB");
	ok_errno(setxattr("f", "user.x", "x", 1, 4), EINVAL, "unknown flags");
	ok_errno(setxattr("no", "user.x", "x", 1, 0), ENOENT, "no file");
	ok_errno(fsetxattr(777, "user.x", "x", 1, 0), EBADF, "not open");
	ok(in_child(setgid(1234) || setuid(1234) || getxattr("f", "trusted.x", buf, 1) != -1 || errno != ENODATA) == 0, "a user sees no trusted attribute");
	setxattr("f", "trusted.root", "x", 1, 0);
	ok(in_child(setgid(1234) || setuid(1234) || listed("f", "trusted.root") || !listed("f", "user.fd")) == 0, "nor in the list");
	ok(in_child(setgid(1234) || setuid(1234) || !(setxattr("f", "trusted.x", "x", 1, 0) == -1 && errno == EPERM)) == 0, "nor sets one");
	/* File capabilities go with what they were given for, whoever it is that changes it. */
	ok(write(fd, "xyz", 3) == 3 && give_caps("f") && write(fd, "x", 1) == 1 && !has_caps("f"), "a write takes security.capability away");
	ok(give_caps("f") && ftruncate(fd, 1) == 0 && !has_caps("f"), "so does truncate");
	ok(give_caps("f") && chown("f", 1, 1) == 0 && !has_caps("f") && chown("f", 0, 0) == 0, "and chown");
	ok(give_caps("f") && chmod("f", 0600) == 0 && has_caps("f") && chmod("f", 0666) == 0, "chmod does not");
	chmod("f", 0444);
	ok(in_child(setgid(1234) || setuid(1234) || !(setxattr("f", "user.y", "x", 1, 0) == -1 && errno == EACCES)) == 0, "a user's attribute needs write permission");
	ok(in_child(setgid(1234) || setuid(1234) || getxattr("f", "user.fd", buf, 9) != 1) == 0, "and read permission");
	stat("f", &a);
	struct timespec ts = { 0, 20000000 }, tick;
	do {		/* stamps are of the last tick */
		nanosleep(&ts, NULL);
		clock_gettime(CLOCK_REALTIME_COARSE, &tick);
	} while (tick.tv_sec == a.st_ctim.tv_sec && tick.tv_nsec <= a.st_ctim.tv_nsec);
	ok(setxattr("f", "user.time", "x", 1, 0) == 0 && stat("f", &b) == 0 && a.st_mtim.tv_sec == b.st_mtim.tv_sec && a.st_mtim.tv_nsec == b.st_mtim.tv_nsec &&
	   (a.st_ctim.tv_sec != b.st_ctim.tv_sec || a.st_ctim.tv_nsec != b.st_ctim.tv_nsec), "ctime moves, mtime does not");
	link("f", "hard");
	ok(getxattr("hard", "user.fd", buf, 9) == 1, "it is the inode's, under every name");
	return done();
}
