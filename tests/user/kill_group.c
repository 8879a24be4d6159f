/* SPDX-License-Identifier: MIT */
/* kill(2) of groups, of everybody, with signal 0; permissions. */
#include "harness.h"
#include "child.h"
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t member(pid_t pgid)
{
	pid_t pid = fork();

	if (!pid) {
		setpgid(0, pgid);
		for (;;)
			pause();
	}
	setpgid(pid, pgid ? pgid : pid);
	return pid;
}

int main(void)
{
	pid_t a, b, c;
	int st;

	plan(11);
	a = member(0);
	b = member(a);
	c = member(0);
	ok(getpgid(b) == a && getpgid(c) == c, "two groups");
	ok(kill(-a, 0) == 0, "signal 0 to a group");
	ok(kill(-a, SIGTERM) == 0, "SIGTERM to the group");
	ok(waitpid(-a, &st, 0) > 0 && WTERMSIG(st) == SIGTERM && waitpid(-a, &st, 0) > 0 && WTERMSIG(st) == SIGTERM, "both members die");
	ok_errno(kill(-a, 0), ESRCH, "the group is gone");
	ok(waitpid(c, &st, WNOHANG) == 0, "the other one lives");
	kill(c, SIGKILL);
	waitpid(c, &st, 0);
	ok_errno(kill(-4194303, SIGTERM), ESRCH, "no such group");

	/* a zombie can still be signalled */
	a = fork();
	if (!a)
		_exit(0);
	wait_state(a, 0, 'Z');
	ok(kill(a, SIGTERM) == 0, "a signal for a zombie is no error");
	waitpid(a, &st, 0);
	ok(WIFEXITED(st), "and changes nothing");

	/* permissions */
	a = member(0);
	b = fork();
	if (!b) {
		if (setgid(12345) || setuid(12345))
			_exit(2);
		_exit(kill(a, SIGTERM) == -1 && errno == EPERM ? 0 : 1);
	}
	waitpid(b, &st, 0);
	ok(WEXITSTATUS(st) == 0, "EPERM for another user's process");
	b = fork();
	if (!b) {
		setpgid(0, 0);
		signal(SIGUSR1, SIG_IGN);
		if (kill(0, SIGUSR1))
			_exit(1);
		_exit(0);
	}
	waitpid(b, &st, 0);
	ok(WEXITSTATUS(st) == 0, "kill(0): one's own group");
	kill(a, SIGKILL);
	wait(NULL);
	return done();
}
