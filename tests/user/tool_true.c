/* SPDX-License-Identifier: MIT */
/* The utility true from disk: status 0, no output, whatever it is given. */
#include "tool.h"

int main(void)
{
	plan(4);
	ok(tool("true") == 0 && tool_len == 0 && !tool_err[0], "status 0, silent");
	ok(tool("true", "false", "-x") == 0, "arguments do not matter");
	ok(tool("/bin/true") == 0, "by its path");
	ok(tool("sh", "-c", "true && echo yes") == 0 && out_is("yes\n"), "the shell believes it");
	return done();
}
