/* SPDX-License-Identifier: MIT */
/* The utility tail from disk: the end of files and of pipes, by lines and bytes, from a line on. */
#include "tool.h"

int main(void)
{
	plan(8);
	put("f", "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n");
	ok(tool("tail", "f") == 0 && out_is("3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n"), "ten lines");
	ok(tool("tail", "-n", "2", "f") == 0 && out_is("11\n12\n"), "-n 2");
	ok(tool("tail", "-c", "3", "f") == 0 && out_is("12\n"), "-c 3");
	ok(tool("tail", "-n", "+11", "f") == 0 && out_is("11\n12\n"), "-n +11: from there on");
	ok(tool_in("a\nb\nc\n", "tail", "-n", "1") == 0 && out_is("c\n"), "standard input");
	ok(tool("tail", "-n", "0", "f") == 0 && tool_len == 0, "none");
	ok(tool("tail", "no") == 1 && tool_err[0], "missing: status 1");
	ok(tool("sh", "-c", "seq 1 20000 | tail -n 1") == 0 && out_is("20000\n"), "of a long pipe");
	return done();
}
