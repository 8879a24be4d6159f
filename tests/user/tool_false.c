/* SPDX-License-Identifier: MIT */
/* The utility false from disk: status 1, no output. */
#include "tool.h"

int main(void)
{
	plan(3);
	ok(tool("false") == 1 && tool_len == 0 && !tool_err[0], "status 1, silent");
	ok(tool("/bin/false", "true") == 1, "by its path, arguments do not matter");
	ok(tool("sh", "-c", "false || echo no") == 0 && out_is("no\n"), "the shell believes it");
	return done();
}
