/* SPDX-License-Identifier: MIT */
/* The utility which from disk: the first in PATH that can be executed. */
#include "tool.h"

int main(void)
{
	plan(5);
	ok(tool("which", "sh") == 0 && tool_out[0] == '/' && strstr(tool_out, "/sh\n"), "sh");
	tool_out[strcspn(tool_out, "\n")] = 0;
	ok(access(tool_out, X_OK) == 0, "what it says can be executed");
	ok(tool("which", "no_such_program_here") == 1 && tool_len == 0, "absent: status 1, silent");
	ok(tool("which", "sh", "no_such_program_here") == 1 && strstr(tool_out, "sh"), "one of two: status 1");
	put("tool", "#!/bin/sh\n");
	ok(tool("sh", "-c", "mkdir p; mv tool p; PATH=$PWD/p:$PATH; ! which tool && chmod +x p/tool && which tool") == 0 && strstr(tool_out, "/p/tool\n"),
	   "a file without execute permission does not count");
	return done();
}
