/* SPDX-License-Identifier: MIT */
/* Extended attributes: set, get, list, replace, remove, sizes and errors. */
#include "harness.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

int main(void)
{
	char buf[4096], big[600];
	int fd = open("f", O_RDWR | O_CREAT, 0644);
	ssize_t n;

	plan(26);
	ok(fd >= 0, "create");
	ok(listxattr("f", buf, sizeof(buf)) == 0 || listxattr("f", buf, sizeof(buf)) > 0, "list");
	ok(setxattr("f", "user.one", "1", 1, 0) == 0, "set");
	ok(getxattr("f", "user.one", buf, sizeof(buf)) == 1 && buf[0] == '1', "get");
	ok(getxattr("f", "user.one", NULL, 0) == 1, "size query");
	ok_errno(getxattr("f", "user.none", buf, sizeof(buf)), ENODATA, "none");
	ok_errno(setxattr("f", "user.one", "2", 1, XATTR_CREATE), EEXIST, "CREATE of one that exists");
	ok_errno(setxattr("f", "user.two", "2", 1, XATTR_REPLACE), ENODATA, "REPLACE of none");
	memset(big, 'b', sizeof(big));
	ok(fsetxattr(fd, "user.big", big, sizeof(big), 0) == 0, "600 bytes");
	ok_errno(getxattr("f", "user.big", buf, 10), ERANGE, "buffer too small");
	ok(fgetxattr(fd, "user.big", buf, sizeof(buf)) == sizeof(big) && memcmp(buf, big, sizeof(big)) == 0, "read back");
	ok(setxattr("f", "user.one", "longer", 6, XATTR_REPLACE) == 0 && getxattr("f", "user.one", buf, sizeof(buf)) == 6, "replaced");
	ok(setxattr("f", "user.empty", "", 0, 0) == 0 && getxattr("f", "user.empty", buf, sizeof(buf)) == 0, "an empty value");
	n = listxattr("f", buf, sizeof(buf));
	ok(n >= (ssize_t)sizeof("user.one") && memmem(buf, (size_t)n, "user.big", 9) && memmem(buf, (size_t)n, "user.one", 9) &&
		memmem(buf, (size_t)n, "user.empty", 11), "listed, %zd bytes", n);
	ok_errno(listxattr("f", buf, 3), ERANGE, "list buffer too small");
	ok(removexattr("f", "user.big") == 0, "remove");
	ok_errno(getxattr("f", "user.big", buf, sizeof(buf)), ENODATA, "gone");
	ok_errno(removexattr("f", "user.big"), ENODATA, "twice");
	ok_errno(setxattr("f", "nonsense.x", "1", 1, 0), EOPNOTSUPP, "unknown name space");
	ok_errno(setxattr("f", "user.", "1", 1, 0), EINVAL, "no name");
	ok(removexattr("f", "user.one") == 0 && removexattr("f", "user.empty") == 0, "all removed");
	mkdir("d", 0755);
	ok(setxattr("d", "user.dir", "d", 1, 0) == 0 && getxattr("d", "user.dir", buf, 10) == 1, "on a directory");
	symlink("f", "s");
	ok_errno(lsetxattr("s", "user.x", "1", 1, 0), EPERM, "no user attributes on symbolic links");
	ok(setxattr("f", "trusted.x", "1", 1, 0) == 0, "a trusted attribute");
	n = listxattr("f", buf, sizeof(buf));
	ok(n > 0 && memmem(buf, (size_t)n, "trusted.x", 10), "is listed");
	if (setresuid(-1, 1000, -1))
		bail("setresuid");
	n = listxattr("f", buf, sizeof(buf));
	ok(n >= 0 && !memmem(buf, (size_t)n, "trusted.x", 10), "to who may not read it, it is not");
	return done();
}
