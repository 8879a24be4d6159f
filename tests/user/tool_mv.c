/* SPDX-License-Identifier: MIT */
/* The utility mv from disk: a new name, another directory, over something, across file systems. */
#include "tool.h"

int main(void)
{
	struct stat st;
	ino_t ino;

	plan(8);
	put("a", "contents");
	stat("a", &st);
	ino = st.st_ino;
	ok(tool("mv", "a", "b") == 0 && !exists("a") && stat("b", &st) == 0 && st.st_ino == ino, "a new name, the same file");
	mkdir("d", 0755);
	ok(tool("mv", "b", "d") == 0 && stat("d/b", &st) == 0 && st.st_ino == ino, "into a directory");
	put("c", "other");
	ok(tool("mv", "d/b", "c") == 0 && holds("c", "contents"), "over a file");
	ok(tool("mv", "no", "x") == 1 && tool_err[0], "missing: status 1");
	mkdir("full", 0755);
	put("full/x", "");
	mkdir("f2", 0755);
	mkdir("f2/full", 0755);
	put("f2/full/y", "");
	ok(tool("mv", "full", "f2") == 1 && exists("full/x") && exists("f2/full/y"), "a directory onto a full one: status 1, both stay");
	ok(tool("mv", "full", "moved") == 0 && exists("moved/x"), "a directory");
	ok(tool("sh", "-c", "mv c /dev/shm/eft-mv-$$ 2>/dev/null && ! [ -e c ] && mv /dev/shm/eft-mv-$$ back || mv c back") == 0 && holds("back", "contents"),
	   "to another file system and back: copied and removed");
	ok(tool("mv", "back", "back/x") == 1 && exists("back"), "below itself: status 1");
	return done();
}
