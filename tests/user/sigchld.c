/* SPDX-License-Identifier: MIT */
/* SIGCHLD: siginfo for exit, death, stop, continue; SA_NOCLDSTOP, SA_NOCLDWAIT. */
#include "harness.h"
#include "child.h"
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static siginfo_t info;
static volatile sig_atomic_t count;
static void handler(int sig, siginfo_t *si, void *uc) { (void)sig; (void)uc; info = *si; count++; }

static void set(int flags)
{
	struct sigaction sa = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART | flags };

	sigaction(SIGCHLD, &sa, NULL);
}
static void settle(int n)
{
	wait_until(count >= n);
}

int main(void)
{
	pid_t pid;
	int st;

	plan(13);
	set(0);
	pid = fork();
	if (!pid)
		_exit(17);
	settle(1);
	ok(count == 1 && info.si_code == CLD_EXITED && info.si_status == 17 && info.si_pid == pid && info.si_uid == getuid(), "CLD_EXITED");
	ok(waitpid(pid, &st, 0) == pid, "still to be waited for");
	count = 0;
	pid = fork();
	if (!pid)
		for (;;)
			pause();
	kill(pid, SIGSTOP);
	settle(1);
	ok(count == 1 && info.si_code == CLD_STOPPED && info.si_status == SIGSTOP && info.si_pid == pid, "CLD_STOPPED");
	kill(pid, SIGCONT);
	settle(2);
	ok(count == 2 && info.si_code == CLD_CONTINUED && info.si_status == SIGCONT, "CLD_CONTINUED");
	kill(pid, SIGKILL);
	settle(3);
	ok(count == 3 && info.si_code == CLD_KILLED && info.si_status == SIGKILL, "CLD_KILLED");
	waitpid(pid, &st, 0);

	set(SA_NOCLDSTOP);
	count = 0;
	pid = fork();
	if (!pid)
		for (;;)
			pause();
	kill(pid, SIGSTOP);
	ok(waitpid(pid, &st, WUNTRACED) == pid && WIFSTOPPED(st), "a stop is waited for");
	kill(pid, SIGCONT);
	waitpid(pid, &st, WCONTINUED);
	ok(count == 0, "SA_NOCLDSTOP: no signals for it");
	kill(pid, SIGKILL);
	settle(1);
	ok(count == 1, "but for the death");
	waitpid(pid, &st, 0);

	set(SA_NOCLDWAIT);
	count = 0;
	pid = fork();
	if (!pid)
		_exit(0);
	settle(1);
	ok(count == 1, "SA_NOCLDWAIT: still a signal");
	ok_errno(waitpid(pid, &st, 0), ECHILD, "but no zombie");

	/* many children, one signal each at least once, none lost to wait */
	set(0);
	for (int i = 0; i < 20; i++)
		if (!fork())
			_exit(i);
	int seen = 0, sum = 0;
	while (waitpid(-1, &st, 0) > 0) {
		seen++;
		sum += WEXITSTATUS(st);
	}
	ok(seen == 20 && sum == 190, "twenty children");
	ok(count > 1, "signals came");
	ok_errno(waitpid(-1, &st, WNOHANG), ECHILD, "nobody left");
	return done();
}
