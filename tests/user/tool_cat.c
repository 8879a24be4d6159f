/* SPDX-License-Identifier: MIT */
/* The utility cat from disk: files, standard input, binary data, what is missing, a full disk. */
#include "tool.h"

int main(void)
{
	static char big[40001];

	plan(10);
	memset(big, 'x', 40000);
	put("a", "one\n");
	put("b", "two");
	ok(tool("cat", "a", "b") == 0 && out_is("one\ntwo"), "two files");
	ok(tool_in("typed", "cat") == 0 && out_is("typed"), "standard input");
	ok(tool_in("mid\n", "cat", "a", "-", "b") == 0 && out_is("one\nmid\ntwo"), "- between files");
	ok(tool_in("", "cat") == 0 && tool_len == 0, "nothing");
	ok(tool_in(big, "cat") == 0 && tool_len == 40000 && !strcmp(tool_out, big), "more than one buffer");
	ok(tool("cat", "a", "no", "b") == 1 && out_is("one\ntwo") && strstr(tool_err, "no"), "a missing one: status 1, the others all the same");
	ok(tool("cat", ".") == 1 && tool_err[0], "a directory");
	ok(tool("sh", "-c", "cat a > /dev/full") == 1 && tool_err[0], "no space: status 1");
	ok(tool("sh", "-c", "cat a b > c && cat c") == 0 && out_is("one\ntwo"), "into a file");
	ok(tool("sh", "-c", "printf 'a\\000b' | cat | wc -c") == 0 && atoi(tool_out) == 3, "a NUL passes");
	return done();
}
