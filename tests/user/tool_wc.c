/* SPDX-License-Identifier: MIT */
/* The utility wc from disk: lines, words, bytes, totals. */
#include "tool.h"

int main(void)
{
	plan(7);
	put("a", "one two\nthree\n");
	put("b", "four");
	ok(tool("wc", "a") == 0 && out_squeezed("2 3 14 a\n"), "lines, words, bytes");
	ok(tool("wc", "-l", "a") == 0 && out_squeezed("2 a\n"), "-l");
	ok(tool("wc", "-w", "b") == 0 && out_squeezed("1 b\n"), "-w: a word without an end of line");
	ok(tool("wc", "-c", "a", "b") == 0 && out_squeezed("14 a\n4 b\n18 total\n"), "-c of two, and the total");
	ok(tool_in("x y z", "wc", "-w") == 0 && atoi(tool_out) == 3, "standard input");
	ok(tool("wc", "-c", "/dev/null") == 0 && atoi(tool_out) == 0, "nothing");
	ok(tool("wc", "no") == 1 && tool_err[0], "missing: status 1");
	return done();
}
