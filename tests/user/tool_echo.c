/* SPDX-License-Identifier: MIT */
/* The utility echo from disk, not the one in the shell. */
#include "tool.h"

int main(void)
{
	plan(5);
	ok(tool("echo", "a", "b") == 0 && out_is("a b\n"), "arguments with spaces between");
	ok(tool("echo") == 0 && out_is("\n"), "none: a line end");
	ok(tool("echo", "-n", "x") == 0 && out_is("x"), "-n");
	ok(tool("echo", "a  b", "") == 0 && out_is("a  b \n"), "as they are");
	ok(tool("sh", "-c", "/bin/echo x > /dev/full") == 1, "no space: status 1");
	return done();
}
