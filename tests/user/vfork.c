/* SPDX-License-Identifier: MIT */
/* vfork(2): memory is shared and the parent waits until the child has left it. */
#include "harness.h"
#include <sys/wait.h>
#include <unistd.h>

static volatile int shared;

int main(void)
{
	int st;
	pid_t pid;

	plan(5);
	pid = vfork();
	if (!pid) {
		usleep(20000);
		shared = 1;
		_exit(3);
	}
	ok(shared == 1, "the parent ran after the child, in the same memory");
	ok(waitpid(pid, &st, 0) == pid && WEXITSTATUS(st) == 3, "its status");
	pid = vfork();
	if (!pid) {
		shared = 2;
		execl("/bin/true", "true", (char *)NULL);
		execl("/usr/bin/true", "true", (char *)NULL);
		_exit(9);
	}
	ok(shared == 2, "exec lets the parent go on");
	ok(waitpid(pid, &st, 0) == pid && WIFEXITED(st) && WEXITSTATUS(st) == 0, "and runs the program");
	pid = vfork();
	if (!pid) {
		execl("/nonexistent", "x", (char *)NULL);
		_exit(errno == ENOENT ? 4 : 5);
	}
	ok(waitpid(pid, &st, 0) == pid && WEXITSTATUS(st) == 4, "a failing exec comes back to the child");
	return done();
}
