/* SPDX-License-Identifier: MIT */
/* Orphans: go to the nearest subreaper above, else to init; with their status; chains of the dying; the flag is not inherited but its effect is. */
#include "harness.h"
#include "child.h"
#include <sys/prctl.h>

int main(void)
{
	struct gate g;
	int v = -1, st, fds[2], n = 0;
	pid_t pid, grand;

	plan(9);
	gate_init(&g);
	if (pipe(fds))
		bail("pipe");
	ok(prctl(PR_GET_CHILD_SUBREAPER, &v) == 0, "it can be asked");
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	ok(prctl(PR_GET_CHILD_SUBREAPER, &v) == 0 && v == 1, "and set");
	ok(in_child((prctl(PR_GET_CHILD_SUBREAPER, &v), v)) == 0, "a child is none");
	pid = fork();
	if (!pid) {
		grand = fork();
		if (!grand) {
			gate_wait(&g);
			_exit(getppid() == 1 ? 1 : 55);
		}
		(void)!write(fds[1], &grand, sizeof(grand));
		_exit(0);
	}
	(void)!read(fds[0], &grand, sizeof(grand));
	ok(exit_of(pid) == 0, "the one between ends");
	gate_open(&g);
	ok(waitpid(grand, &st, 0) == grand && WEXITSTATUS(st) == 55, "its child is ours, with its status");
	/* a zombie changes hands as well */
	pid = fork();
	if (!pid) {
		grand = fork();
		if (!grand)
			_exit(66);
		wait_state(grand, 0, 'Z');
		(void)!write(fds[1], &grand, sizeof(grand));
		_exit(0);
	}
	(void)!read(fds[0], &grand, sizeof(grand));
	exit_of(pid);
	ok(waitpid(grand, &st, 0) == grand && WEXITSTATUS(st) == 66, "a zombie, too");
	/* the nearest one: a subreaper in between takes them */
	pid = fork();
	if (!pid) {
		prctl(PR_SET_CHILD_SUBREAPER, 1);
		if (!fork()) {
			if (!fork())
				_exit(77);
			_exit(0);
		}
		while (wait(&st) > 0)
			n += WEXITSTATUS(st) == 77;
		_exit(n == 1 ? 0 : 1);
	}
	ok(exit_of(pid) == 0, "the nearest takes them");
	/* a whole chain, each ending before its child */
	pid = fork();
	if (!pid) {
		for (int i = 0; i < 20; i++)
			if (fork())
				_exit(1);
		_exit(2);
	}
	while (wait(&st) > 0)
		n++;
	ok(n == 21, "a chain of twenty (%d)", n);
	prctl(PR_SET_CHILD_SUBREAPER, 0);
	ok(prctl(PR_GET_CHILD_SUBREAPER, &v) == 0 && v == 0, "taken back");
	return done();
}
