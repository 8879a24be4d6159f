/* SPDX-License-Identifier: MIT */
/* renameat2(2): RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT: what each does and refuses, in which order. */
#include "harness.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int rn(const char *a, const char *b, unsigned f) { return (int)syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, f); }
static ino_t ino(const char *p) { struct stat s; return lstat(p, &s) ? 0 : s.st_ino; }
static nlink_t links(const char *p) { struct stat s; return lstat(p, &s) ? 0 : s.st_nlink; }
static void put(const char *p) { close(open(p, O_CREAT | O_RDWR, 0600)); }
enum { NOREPLACE = 1, EXCHANGE = 2, WHITEOUT = 4 };

int main(void)
{
	ino_t a, b;
	nlink_t d1, d2;
	struct stat st;

	plan(29);
	put("a");
	put("b");
	mkdir("d", 0700);
	mkdir("d/x", 0700);
	mkdir("e", 0700);
	put("e/y");
	symlink("nowhere", "s");
	ok_errno(rn("a", "b", NOREPLACE), EEXIST, "NOREPLACE onto a file");
	ok_errno(rn("a", "d", NOREPLACE), EEXIST, "onto a directory");
	ok_errno(rn("a", "s", NOREPLACE), EEXIST, "onto a dangling link");
	ok_errno(rn("a", "a", NOREPLACE), EEXIST, "onto itself");
	ok(rn("a", "new", NOREPLACE) == 0 && ino("new") && !ino("a"), "to a free name");
	ok_errno(rn("a", "b", NOREPLACE), ENOENT, "of nothing");
	ok(rn("new", "a", NOREPLACE) == 0, "and back");

	a = ino("a");
	b = ino("b");
	ok(rn("a", "b", EXCHANGE) == 0 && ino("a") == b && ino("b") == a, "EXCHANGE of two files");
	ok(rn("a", "a", EXCHANGE) == 0, "with itself");
	ok_errno(rn("a", "no", EXCHANGE), ENOENT, "with nothing");
	ok_errno(rn("no", "a", EXCHANGE), ENOENT, "of nothing");
	d1 = links("d");
	d2 = links("e");
	ok(rn("d/x", "e/y", EXCHANGE) == 0 && stat("e/y", &st) == 0 && S_ISDIR(st.st_mode) && stat("d/x", &st) == 0 && S_ISREG(st.st_mode),
	   "a directory with a file across directories");
	ok(d1 < 2 || (links("d") == d1 - 1 && links("e") == d2 + 1), "their parents' counts follow");
	ok(stat("e/y/..", &st) == 0 && st.st_ino == ino("e"), "and ..");
	a = ino("d");
	b = ino("e");
	ok(rn("d", "e", EXCHANGE) == 0 && ino("d") == b && ino("e") == a, "two directories with contents");
	ok_errno(rn("d", "d/y", EXCHANGE), EINVAL, "a directory with what is in it");
	ok_errno(rn("d/y", "d", EXCHANGE), EINVAL, "or the other way round");
	a = ino("s");
	ok(rn("s", "a", EXCHANGE) == 0 && ino("a") == a, "a symbolic link itself");
	rn("s", "a", EXCHANGE);
	ok(rn("d/", "e/", EXCHANGE) == 0, "directories with slashes");
	ok_errno(rn("a/", "b", EXCHANGE), ENOTDIR, "a file with a slash");

	ok_errno(rn("a", "b", NOREPLACE | EXCHANGE), EINVAL, "both");
	ok_errno(rn("a", "b", WHITEOUT | EXCHANGE), EINVAL, "WHITEOUT and EXCHANGE");
	ok_errno(rn("a", "b", 8), EINVAL, "an unknown flag");
	ok_errno(rn("no/a", "b", 8), EINVAL, "looked at before the names");
	ok_errno(rn(".", "x", 0), EBUSY, ".");
	ok_errno(rn("a", "..", 0), EBUSY, "..");
	ok_errno(rn("a", "..", NOREPLACE), EEXIST, ".. with NOREPLACE: it is there");
	ok_errno(rn("a", "d", 0), EISDIR, "a file onto a directory");
	ok_errno(rn("d", "a", 0), ENOTDIR, "a directory onto a file");
	return done();
}
