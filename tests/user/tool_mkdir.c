/* SPDX-License-Identifier: MIT */
/* The utility mkdir from disk: one, with its parents, with a mode, what is in the way. */
#include "tool.h"

int main(void)
{
	struct stat st;

	plan(7);
	umask(022);
	ok(tool("mkdir", "a") == 0 && stat("a", &st) == 0 && S_ISDIR(st.st_mode) && (st.st_mode & 0777) == 0755, "one, minus the umask");
	ok(tool("mkdir", "a") == 1 && tool_err[0], "there already: status 1");
	ok(tool("mkdir", "b/c/d") == 1 && !exists("b"), "without its parents: status 1");
	ok(tool("mkdir", "-p", "b/c/d") == 0 && exists("b/c/d"), "-p");
	ok(tool("mkdir", "-p", "b/c/d") == 0, "-p of what is there");
	ok(tool("mkdir", "-m", "0700", "m") == 0 && stat("m", &st) == 0 && (st.st_mode & 0777) == 0700, "-m");
	put("f", "");
	ok(tool("mkdir", "-p", "f/x") == 1 && tool_err[0], "below a file: status 1");
	return done();
}
