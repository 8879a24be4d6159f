/* SPDX-License-Identifier: MIT */
/* pause(2): only a handler ends it, with EINTR, whatever SA_RESTART says; a deadly signal ends the process. */
#include "harness.h"
#include "child.h"

static volatile sig_atomic_t hits;
static void handler(int sig) { (void)sig; hits++; }

static pid_t pauser(int flags)
{
	pid_t pid = fork();

	if (!pid) {
		struct sigaction sa = { .sa_handler = handler, .sa_flags = flags };

		sigaction(SIGUSR1, &sa, NULL);
		signal(SIGUSR2, SIG_IGN);
		errno = 0;
		_exit(pause() == -1 && errno == EINTR ? 40 + hits : 1);
	}
	return pid;
}

int main(void)
{
	pid_t pid;
	int st;

	plan(7);
	pid = pauser(0);
	ok(wait_sleeping(pid), "it sleeps");
	kill(pid, SIGUSR2);
	kill(pid, SIGCHLD);
	ok(wait_sleeping(pid) && waitpid(pid, &st, WNOHANG) == 0, "ignored signals do not end it");
	kill(pid, SIGUSR1);
	ok(exit_of(pid) == 41, "a handler does: EINTR");
	pid = pauser(SA_RESTART);
	wait_sleeping(pid);
	kill(pid, SIGUSR1);
	ok(exit_of(pid) == 41, "with SA_RESTART, too");
	pid = pauser(0);
	wait_sleeping(pid);
	kill(pid, SIGSTOP);
	waitpid(pid, &st, WUNTRACED);
	kill(pid, SIGCONT);
	waitpid(pid, &st, WCONTINUED);
	ok(wait_sleeping(pid) && waitpid(pid, &st, WNOHANG) == 0, "it goes on after a stop");
	kill(pid, SIGTERM);
	ok(exit_of(pid) == 1000 + SIGTERM, "a deadly one ends the process");
	pid = pauser(0);
	wait_sleeping(pid);
	kill(pid, SIGSTOP);
	waitpid(pid, &st, WUNTRACED);
	kill(pid, SIGUSR1);
	kill(pid, SIGCONT);
	ok(exit_of(pid) == 41, "one that came during the stop, afterwards");
	return done();
}
