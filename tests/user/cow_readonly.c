/* SPDX-License-Identifier: MIT */
/* Code and constants are shared by fork, stay read-only on both sides, and are never copied. */
#include "harness.h"
#include "fault.h"
#include "smaps.h"
#include <sys/wait.h>
#include <unistd.h>

static const char constant[8192] = { 'k' };
static int twice(int x) { return 2 * x; }

int main(void)
{
	int (*volatile fn)(int) = twice;
	int status;
	pid_t pid;

	plan(7);
	fault_init();
	ok(fn(21) == 42 && constant[0] == 'k', "code runs, constants are there");
	ok(fault_write((char *)(uintptr_t)constant, 1) == SIGSEGV && fault_code == SEGV_ACCERR, "constants cannot be written");
	ok(fault_write((char *)(uintptr_t)fn, 0) == SIGSEGV && fault_code == SEGV_ACCERR, "nor can code");
	pid = fork();
	if (!pid) {
		int bad = fn(4) != 8;

		bad |= fault_write((char *)(uintptr_t)constant, 1) != SIGSEGV;
		bad |= fault_write((char *)(uintptr_t)fn, 0) != SIGSEGV;
		bad |= smaps_of((void *)(uintptr_t)fn, "Anonymous") != 0;
		_exit(bad);
	}
	waitpid(pid, &status, 0);
	ok(status == 0, "the same in a child");
	ok(smaps_of((void *)(uintptr_t)fn, "Anonymous") == 0, "no page of code has been copied");
	ok(smaps_of((void *)(uintptr_t)fn, "Rss") > 0, "some are there");
	ok(constant[0] == 'k' && fn(1) == 2, "nothing has changed");
	return done();
}
