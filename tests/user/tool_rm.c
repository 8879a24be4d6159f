/* SPDX-License-Identifier: MIT */
/* The utility rm from disk: files, trees, what is missing, links, a directory full of names. */
#include "tool.h"

int main(void)
{
	char name[32];

	plan(8);
	put("a", "");
	put("b", "");
	ok(tool("rm", "a", "b") == 0 && !exists("a") && !exists("b"), "two files");
	ok(tool("rm", "a") == 1 && tool_err[0], "missing: status 1");
	ok(tool("rm", "-f", "a") == 0, "-f: no matter");
	mkdir("d", 0755);
	ok(tool("rm", "d") == 1 && exists("d"), "a directory: status 1");
	put("keep", "kept");
	symlink("../keep", "d/link");
	mkdir("d/sub", 0755);
	put("d/sub/x", "");
	ok(tool("rm", "-r", "d") == 0 && !exists("d"), "-r");
	ok(holds("keep", "kept"), "a link in it is removed, not what it points to");
	mkdir("many", 0755);
	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "many/%d", i);
		put(name, "");
	}
	ok(tool("rm", "-rf", "many") == 0 && !exists("many"), "a directory of 500");
	put("-x", "");
	ok(tool("rm", "--", "-x") == 0 && !exists("-x"), "a name that looks like an option");
	return done();
}
