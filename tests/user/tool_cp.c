/* SPDX-License-Identifier: MIT */
/* The utility cp from disk: a file, modes and times, trees, links, onto itself. */
#include "tool.h"

int main(void)
{
	struct stat st;
	struct timespec old[2] = { { 1000000000, 0 }, { 1000000000, 0 } };

	plan(9);
	umask(022);
	put("a", "contents");
	chmod("a", 0750);
	utimensat(AT_FDCWD, "a", old, 0);
	ok(tool("cp", "a", "b") == 0 && holds("b", "contents"), "a file");
	ok(tool("cp", "-p", "a", "c") == 0 && stat("c", &st) == 0 && (st.st_mode & 0777) == 0750 && st.st_mtime == 1000000000, "-p: mode and times");
	mkdir("d", 0755);
	ok(tool("cp", "a", "b", "d") == 0 && holds("d/a", "contents") && holds("d/b", "contents"), "two into a directory");
	ok(tool("cp", "d", "e") == 1 && !exists("e"), "a directory without -r: status 1");
	symlink("a", "d/link");
	ok(tool("cp", "-a", "d", "e") == 0 && holds("e/a", "contents") && lstat("e/link", &st) == 0 && S_ISLNK(st.st_mode), "-a: a tree with its links");
	ok(tool("cp", "no", "x") == 1 && !exists("x"), "missing: status 1");
	ok(tool("cp", "a", "a") == 1 && holds("a", "contents"), "onto itself: status 1, nothing lost");
	put("b", "longer than before");
	ok(tool("cp", "a", "b") == 0 && holds("b", "contents"), "over a longer one");
	ok(tool("sh", "-c", "dd if=/dev/zero of=big bs=64k count=20 2>/dev/null && cp big big2 && cmp big big2") == 0, "a large one, compared");
	return done();
}
