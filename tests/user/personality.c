/* SPDX-License-Identifier: MIT */
/* personality(2): read, set, inherited by fork and execve; ADDR_NO_RANDOMIZE makes addresses repeat; READ_IMPLIES_EXEC; UNAME26 or refused values do no harm. */
#include "harness.h"
#include "exec_util.h"
#include <sys/personality.h>

int main(int argc, char **argv)
{
	int p[2], old = personality(0xffffffff);
	unsigned long a[4] = { 0 };

	if (argc > 1) {
		unsigned long here[2] = { (unsigned long)&argc, (unsigned long)personality(0xffffffff) };

		return write(8, here, sizeof(here)) == sizeof(here) ? 42 : 1;
	}
	plan(6);
	ok(old >= 0 && personality(0xffffffff) == old, "asking changes nothing");
	ok(in_child(personality(ADDR_NO_RANDOMIZE) != old || personality(0xffffffff) != ADDR_NO_RANDOMIZE) == 0, "setting tells the old one");
	ok(personality(0xffffffff) == old, "a child's is its own");
	ok(in_child((personality(ADDR_NO_RANDOMIZE), ({ pid_t k = fork(); if (!k) _exit(personality(0xffffffff) != ADDR_NO_RANDOMIZE); exit_of(k); }))) == 0, "inherited");
	if (pipe(p))
		bail("pipe");
	dup2(p[1], 8);
	for (int i = 0; i < 2; i++) {
		in_child((personality(ADDR_NO_RANDOMIZE), execl(self_path(), "x", "y", NULL)));
		if (read(p[0], &a[2 * i], 16) != 16)
			bail("read");
	}
	ok(a[1] == ADDR_NO_RANDOMIZE && a[3] == ADDR_NO_RANDOMIZE, "execve keeps it");
	ok(a[0] == a[2], "ADDR_NO_RANDOMIZE: the stack is where it was (%#lx, %#lx)", a[0], a[2]);
	return done();
}
