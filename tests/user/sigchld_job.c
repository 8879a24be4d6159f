/* SPDX-License-Identifier: MIT */
/* SIGCHLD for stops and continues: sent unless SA_NOCLDSTOP, status once each, SA_NOCLDWAIT and SIG_IGN, a stopped child's parent changes. */
#include "harness.h"
#include "child.h"
#include <sys/prctl.h>

static volatile sig_atomic_t chld, code, status_;
static void handler(int sig, siginfo_t *si, void *uc)
{
	(void)sig;
	(void)uc;
	chld++;
	code = si->si_code;
	status_ = si->si_status;
}
static void await(int n)
{
	wait_until(chld >= n);
}
int main(void)
{
	struct sigaction sa = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART };
	pid_t pid;
	int st, fds[2];

	plan(17);
	sigaction(SIGCHLD, &sa, NULL);
	pid = sleeping_child();
	kill(pid, SIGSTOP);
	await(1);
	ok(chld == 1 && code == CLD_STOPPED && status_ == SIGSTOP, "a stop is told");
	kill(pid, SIGSTOP);
	ok(waitpid(pid, &st, WUNTRACED) == pid && WIFSTOPPED(st) && waitpid(pid, &st, WUNTRACED | WNOHANG) == 0, "to wait once");
	ok(chld == 1, "a second SIGSTOP is nothing new");
	kill(pid, SIGCONT);
	await(2);
	ok(chld == 2 && code == CLD_CONTINUED, "a continue is told");
	ok(waitpid(pid, &st, WCONTINUED) == pid && WIFCONTINUED(st) && waitpid(pid, &st, WCONTINUED | WNOHANG) == 0, "to wait once");
	kill(pid, SIGCONT);
	ok(wait_sleeping(pid) && chld == 2, "SIGCONT to one that runs is none");
	/* stop and continue before anybody waits: only the newest state is there */
	kill(pid, SIGSTOP);
	await(3);
	kill(pid, SIGCONT);
	await(4);
	ok(waitpid(pid, &st, WUNTRACED | WNOHANG) == 0, "a stop that is over is not told");
	ok(waitpid(pid, &st, WCONTINUED | WNOHANG) == pid && WIFCONTINUED(st), "the continue is");
	sa.sa_flags |= SA_NOCLDSTOP;
	sigaction(SIGCHLD, &sa, NULL);
	chld = 0;
	kill(pid, SIGSTOP);
	ok(waitpid(pid, &st, WUNTRACED) == pid && chld == 0, "SA_NOCLDSTOP: no signal, but a status");
	kill(pid, SIGCONT);
	ok(waitpid(pid, &st, WCONTINUED) == pid && chld == 0, "for continues as well");
	kill(pid, SIGKILL);
	ok(exit_of(pid) == 1000 + SIGKILL, "the end");
	await(1);
	ok(chld == 1 && code == CLD_KILLED, "is told");
	/* no zombies */
	sa.sa_flags = SA_SIGINFO | SA_NOCLDWAIT;
	sigaction(SIGCHLD, &sa, NULL);
	pid = sleeping_child();
	kill(pid, SIGTERM);
	ok_errno(waitpid(pid, &st, 0), ECHILD, "SA_NOCLDWAIT: wait blocks until it is gone, then ECHILD");
	wait_until(kill(pid, 0) == -1);	/* wait may be told so before its number is free */
	ok(kill(pid, 0) == -1 && errno == ESRCH, "nothing of it is left");
	signal(SIGCHLD, SIG_IGN);
	for (int i = 0; i < 5; i++)
		if (!fork())
			_exit(1);
	ok_errno(wait(&st), ECHILD, "SIG_IGN: all five are gone");
	signal(SIGCHLD, SIG_DFL);
	/* stopped grandchildren of a parent that ends: the group is orphaned, they get SIGHUP and SIGCONT */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (pipe(fds))
		bail("pipe");
	pid = fork();
	if (!pid) {
		pid_t g;

		setsid();
		g = sleeping_child();
		setpgid(g, g);
		kill(g, SIGSTOP);
		waitpid(g, &st, WUNTRACED);
		(void)!write(fds[1], &g, sizeof(g));
		_exit(0);
	}
	pid_t g = 0;

	(void)!read(fds[0], &g, sizeof(g));
	exit_of(pid);
	ok(exit_of(g) == 1000 + SIGHUP, "an orphaned stopped group gets SIGHUP and SIGCONT");
	/* an exit signal other than SIGCHLD */
	sigset_t usr;
	siginfo_t si;

	sigemptyset(&usr);
	sigaddset(&usr, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr, NULL);
	pid = (pid_t)syscall(SYS_clone, SIGUSR1, 0, 0, 0, 0);
	if (!pid)
		_exit(3);
	ok(sigwaitinfo(&usr, &si) == SIGUSR1 && si.si_pid == pid && waitpid(pid, &st, __WALL) == pid, "an exit signal of the parent's choice");
	return done();
}
