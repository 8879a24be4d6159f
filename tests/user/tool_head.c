/* SPDX-License-Identifier: MIT */
/* The utility head from disk: lines, bytes, standard input, a pipe that is cut. */
#include "tool.h"

int main(void)
{
	plan(8);
	put("f", "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n");
	ok(tool("head", "f") == 0 && out_is("1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n"), "ten lines");
	ok(tool("head", "-n", "2", "f") == 0 && out_is("1\n2\n"), "-n 2");
	ok(tool("head", "-c", "3", "f") == 0 && out_is("1\n2"), "-c 3");
	ok(tool("head", "-n", "100", "f") == 0 && tool_len == 27, "more than there are");
	ok(tool_in("a\nb\nc\n", "head", "-n", "1") == 0 && out_is("a\n"), "standard input");
	ok(tool_in("no newline", "head", "-n", "1") == 0 && out_is("no newline"), "a last line without an end");
	ok(tool("head", "no") == 1 && tool_err[0], "missing: status 1");
	ok(tool("sh", "-c", "yes | head -n 3; echo done") == 0 && out_is("y\ny\ny\ndone\n"), "the writer before it ends");
	return done();
}
