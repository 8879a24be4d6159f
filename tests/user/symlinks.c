/* SPDX-License-Identifier: MIT */
/* Symbolic links: loops, depth, chains, dots, trailing slashes; openat2(2) RESOLVE_*. */
#include "harness.h"
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct how { uint64_t flags, mode, resolve; };
enum { NO_XDEV = 1, NO_MAGICLINKS = 2, NO_SYMLINKS = 4, BENEATH = 8, IN_ROOT = 16 };

static int openat2_(int d, const char *name, uint64_t flags, uint64_t resolve)
{
	struct how h = { .flags = flags, .resolve = resolve };

	return (int)syscall(437, d, name, &h, sizeof(h));
}

int main(void)
{
	struct stat st;
	char a[32], b[32], buf[5000];
	struct { struct how h; uint64_t more; } big = { .h.flags = O_RDONLY };
	int d;

	symlink("self", "self");
	ok_errno(stat("self", &st), ELOOP, "a link to itself");
	ok(lstat("self", &st) == 0 && S_ISLNK(st.st_mode) && st.st_size == 4, "lstat sees the link, its size is its text's");
	symlink("b", "a");
	symlink("a", "b");
	ok_errno(open("a/x", O_RDONLY), ELOOP, "two links that point at each other");
	close(open("target", O_RDWR | O_CREAT, 0600));
	symlink("target", "c0");
	for (int i = 1; i < 41; i++) {
		snprintf(a, sizeof(a), "c%d", i - 1);
		snprintf(b, sizeof(b), "c%d", i);
		symlink(a, b);
	}
	ok(stat("c39", &st) == 0, "a chain of 40 links");
	ok_errno(stat("c40", &st), ELOOP, "one of 41");
	mkdir("d", 0755);
	mkdir("d/e", 0755);
	symlink("d", "ld");
	symlink("../target", "d/up");
	symlink("d/", "slash");
	symlink("target/", "fileslash");
	ok(stat("ld/e", &st) == 0 && S_ISDIR(st.st_mode), "through a link to a directory");
	ok(stat("ld/up", &st) == 0 && S_ISREG(st.st_mode), "a link that goes up");
	ok(stat("ld/e/../up", &st) == 0, ".. is of the directory, not of the text");
	ok(stat("ld/..", &st) == 0 && stat("ld/../target", &st) == 0, "of a link's target too");
	ok(lstat("ld", &st) == 0 && S_ISLNK(st.st_mode), "lstat of a link");
	ok(lstat("ld/", &st) == 0 && S_ISDIR(st.st_mode), "with a slash: of its target");
	ok(stat("slash", &st) == 0 && stat("slash/e", &st) == 0, "a link whose text ends in a slash");
	ok_errno(stat("fileslash", &st), ENOTDIR, "to a file: an error");
	ok(stat(".//d/./e/.", &st) == 0, "slashes and dots");
	ok(stat("/..", &st) == 0 && stat("/../..", &st) == 0, "/.. is /");
	ok_errno(rmdir("ld"), ENOTDIR, "rmdir of a link");
	ok_errno(mkdir("ld", 0700), EEXIST, "mkdir where a link is");
	ok_errno(symlink("x", "ld"), EEXIST, "symlink where one is");
	ok_errno(readlink("target", buf, 10), EINVAL, "readlink of a file");
	ok(readlink("ld", buf, 1) == 1, "readlink cuts");
	ok(readlink("ld", buf, sizeof(buf)) == 1, "and does not terminate");
	memset(buf, 'y', 4095);
	buf[4095] = 0;
	ok_errno(symlink("", "empty"), ENOENT, "an empty text");
	buf[4096] = 0;
	memset(buf, '/', 4096);
	ok_errno(stat(buf, &st), ENAMETOOLONG, "a path of 4096");
	buf[4095] = 0;
	ok(stat(buf, &st) == 0, "of 4095 slashes: the root");

	d = open("d", O_PATH);
	ok(openat2_(d, "e", O_RDONLY, 0) >= 0, "openat2");
	ok(openat2_(d, "e/../e", O_RDONLY, BENEATH) >= 0, "BENEATH: inside");
	ok_errno(openat2_(d, "..", O_RDONLY, BENEATH), EXDEV, "not above");
	ok_errno(openat2_(d, "up", O_RDONLY, BENEATH), EXDEV, "not by a link");
	ok_errno(openat2_(d, "/", O_RDONLY, BENEATH), EXDEV, "not absolute");
	ok(openat2_(d, "../../e", O_RDONLY, IN_ROOT) >= 0 && openat2_(d, "/e", O_RDONLY, IN_ROOT) >= 0, "IN_ROOT: the directory is /");
	ok_errno(openat2_(AT_FDCWD, "ld/e", O_RDONLY, NO_SYMLINKS), ELOOP, "NO_SYMLINKS");
	ok_errno(openat2_(AT_FDCWD, "/proc/self/exe", O_RDONLY, NO_MAGICLINKS), ELOOP, "NO_MAGICLINKS");
	ok_errno(openat2_(AT_FDCWD, "/proc/version", O_RDONLY, NO_XDEV), EXDEV, "NO_XDEV");
	ok_errno(openat2_(d, "e", O_RDONLY, 1 << 20), EINVAL, "an unknown resolve flag");
	ok_errno(openat2_(d, "e", O_RDONLY | 1ull << 40, 0), EINVAL, "an unknown open flag");
	ok_errno(syscall(437, d, "e", &big, 8), EINVAL, "a struct that is too small");
	ok(syscall(437, d, "e", &big, sizeof(big)) >= 0, "a larger one, zeros behind");
	big.more = 1;
	ok_errno(syscall(437, d, "e", &big, sizeof(big)), E2BIG, "something unknown behind");
	return done();
}
