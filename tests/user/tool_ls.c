/* SPDX-License-Identifier: MIT */
/* The utility ls from disk: names sorted, hidden ones, one a line, long form, what is missing. */
#include "tool.h"

int main(void)
{
	char want[64];
	struct stat st;

	plan(9);
	mkdir("d", 0755);
	put("d/b", "bb");
	put("d/a", "");
	put("d/.hidden", "");
	symlink("a", "d/link");
	mkdir("d/sub", 0755);
	ok(tool("ls", "-1", "d") == 0 && out_is("a\nb\nlink\nsub\n"), "sorted, one a line");
	ok(tool("ls", "-a", "-1", "d") == 0 && out_is(".\n..\n.hidden\na\nb\nlink\nsub\n"), "-a");
	ok(tool("ls", "-A", "-1", "d") == 0 && out_is(".hidden\na\nb\nlink\nsub\n"), "-A");
	ok(tool("ls", "-d", "d") == 0 && out_is("d\n"), "-d");
	ok(tool("ls", "-l", "d") == 0 && strstr(tool_out, "link -> a") && strstr(tool_out, "drwxr-xr-x"), "-l: links and modes");
	stat("d/b", &st);
	snprintf(want, sizeof(want), "%lu", (unsigned long)st.st_ino);
	ok(tool("ls", "-i", "d/b") == 0 && strstr(tool_out, want), "-i: the inode's number");
	ok(tool("ls", "-F", "-1", "d") == 0 && strstr(tool_out, "sub/") && strstr(tool_out, "link@"), "-F");
	ok(tool("ls", "no") != 0 && tool_err[0], "missing: not 0");
	ok(tool("ls", "-R", "d") == 0 && strstr(tool_out, "d/sub:"), "-R");
	return done();
}
