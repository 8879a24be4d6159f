/* SPDX-License-Identifier: MIT */
/* setxattrat(2), getxattrat(2), listxattrat(2), removexattrat(2): attributes below a directory's descriptor, of a descriptor itself; sizes and flags. */
#include "harness.h"
#include "child.h"
#include <stdint.h>
#include <sys/stat.h>
#include <sys/xattr.h>

struct args { uint64_t value; uint32_t size, flags; };
static long set(int dfd, const char *path, unsigned at, const char *name, const void *args, size_t n) { return syscall(463, dfd, path, at, name, args, n); }
static long get(int dfd, const char *path, unsigned at, const char *name, const void *args, size_t n) { return syscall(464, dfd, path, at, name, args, n); }
static long list(int dfd, const char *path, unsigned at, char *buf, size_t n) { return syscall(465, dfd, path, at, buf, n); }
static long rem(int dfd, const char *path, unsigned at, const char *name) { return syscall(466, dfd, path, at, name); }
#define ARGS(p, n, f) (&(struct args){ (uintptr_t)(p), n, f }), sizeof(struct args)

int main(void)
{
	struct { struct args a; uint64_t more; } big = { { (uintptr_t)"v", 1, 0 }, 0 };
	char buf[64];
	int dir, fd;

	plan(27);
	mkdir("d", 0755);
	dir = open("d", O_RDONLY | O_DIRECTORY);
	fd = openat(dir, "f", O_RDWR | O_CREAT, 0600);
	symlink("nowhere", "d/l");
	ok(set(dir, "f", 0, "user.a", ARGS("one", 3, 0)) == 0, "set below a directory");
	ok(get(dir, "f", 0, "user.a", ARGS(buf, 64, 0)) == 3 && !memcmp(buf, "one", 3), "get");
	ok(getxattr("d/f", "user.a", buf, 64) == 3, "getxattr sees it");
	ok(get(dir, "f", 0, "user.a", ARGS(NULL, 0, 0)) == 3, "its size");
	ok_errno(get(dir, "f", 0, "user.a", ARGS(buf, 2, 0)), ERANGE, "too small a buffer");
	ok_errno(set(dir, "f", 0, "user.a", ARGS("two", 3, XATTR_CREATE)), EEXIST, "XATTR_CREATE");
	ok_errno(set(dir, "f", 0, "user.b", ARGS("two", 3, XATTR_REPLACE)), ENODATA, "XATTR_REPLACE");
	ok(set(fd, "", AT_EMPTY_PATH, "user.b", ARGS("two", 3, 0)) == 0, "of the descriptor itself");
	ok(set(fd, NULL, AT_EMPTY_PATH, "user.c", ARGS("3", 1, 0)) == 0, "also with no path at all");
	ok_errno(set(fd, "", 0, "user.b", ARGS("two", 3, 0)), ENOENT, "not without AT_EMPTY_PATH");
	ok(list(dir, "f", 0, buf, 64) == 21, "three names");
	ok(list(fd, "", AT_EMPTY_PATH, NULL, 0) == 21, "the size of the list");
	ok_errno(list(dir, "f", 0, buf, 5), ERANGE, "too small");
	ok(rem(dir, "f", 0, "user.b") == 0 && rem(fd, "", AT_EMPTY_PATH, "user.c") == 0 && list(dir, "f", 0, buf, 64) == 7, "remove");
	ok_errno(rem(dir, "f", 0, "user.b"), ENODATA, "twice");
	ok_errno(get(dir, "l", 0, "user.a", ARGS(buf, 64, 0)), ENOENT, "a link is followed");
	ok_errno(set(dir, "l", AT_SYMLINK_NOFOLLOW, "user.a", ARGS("x", 1, 0)), EPERM, "or not: it has no user attributes");
	ok_errno(set(dir, "f", 0x8000, "user.a", ARGS("x", 1, 0)), EINVAL, "unknown flags of the path");
	ok_errno(set(dir, "f", 0, "user.a", ARGS("x", 1, 8)), EINVAL, "of the attribute");
	ok_errno(get(dir, "f", 0, "user.a", ARGS(buf, 64, XATTR_CREATE)), EINVAL, "get has none");
	ok_errno(set(dir, "f", 0, "user.a", &big, 15), EINVAL, "arguments that are too short");
	ok(set(dir, "f", 0, "user.a", &big, sizeof(big)) == 0, "longer ones, if the rest is zero");
	big.more = 1;
	ok_errno(set(dir, "f", 0, "user.a", &big, sizeof(big)), E2BIG, "if it is not");
	ok_errno(set(dir, "f", 0, "user.a", &big, 1 << 20), E2BIG, "much longer ones");
	ok_errno(set(dir, "f", 0, "user.a", (void *)8, 16), EFAULT, "from nowhere");
	ok_errno(set(-1, "f", 0, "user.a", ARGS("x", 1, 0)), EBADF, "below nothing");
	ok_errno(set(fd, "f", 0, "user.a", ARGS("x", 1, 0)), ENOTDIR, "below a file");
	return done();
}
