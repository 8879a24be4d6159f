/* SPDX-License-Identifier: MIT */
/* waitpid(2), waitid(2): status, options, ECHILD, WNOWAIT, stop and continue. */
#include "harness.h"
#include "child.h"
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void nap(long ms) { nanosleep(&(struct timespec){ 0, ms * 1000000 }, NULL); }

static pid_t spawn(int code)
{
	pid_t pid = fork();

	if (!pid)
		_exit(code);
	return pid;
}

int main(void)
{
	siginfo_t si;
	int st, fds[2];
	pid_t a, b;
	char c;

	plan(34);
	a = spawn(300);
	ok(waitpid(a, &st, 0) == a && WIFEXITED(st) && WEXITSTATUS(st) == 44, "only 8 bits of the status");
	ok_errno(waitpid(a, &st, 0), ECHILD, "a second time");
	ok_errno(waitpid(getppid(), &st, 0), ECHILD, "somebody who is no child");
	ok_errno(waitpid(-1, &st, 0x40), EINVAL, "an unknown option");

	if (pipe(fds))
		bail("pipe");
	a = fork();
	if (!a) {
		(void)!read(fds[0], &c, 1);
		_exit(5);
	}
	ok(waitpid(a, &st, WNOHANG) == 0, "WNOHANG while it runs: 0");
	ok(write(fds[1], "x", 1) == 1, "let it go");
	while (waitpid(a, &st, WNOHANG) == 0)
		nap(5);
	ok(WIFEXITED(st) && WEXITSTATUS(st) == 5, "then its status");
	ok_errno(waitpid(a, &st, WNOHANG), ECHILD, "then ECHILD");

	a = sleeping_child();
	kill(a, SIGKILL);
	ok(waitpid(a, &st, 0) == a && WIFSIGNALED(st) && WTERMSIG(st) == SIGKILL, "death by signal");

	a = spawn(1);
	b = spawn(2);
	ok(waitpid(b, &st, 0) == b && WEXITSTATUS(st) == 2, "the second before the first");
	ok(wait(&st) == a && WEXITSTATUS(st) == 1, "then the first");

	a = sleeping_child();
	setpgid(a, a);
	ok_errno(waitpid(-getpgid(0), &st, WNOHANG), ECHILD, "no child in our group");
	ok(waitpid(-a, &st, WNOHANG) == 0, "one in its own group");
	ok(waitpid(0, &st, WNOHANG) == -1, "0 is our group");

	/* stop and continue */
	kill(a, SIGSTOP);
	ok(waitpid(a, &st, WUNTRACED) == a && WIFSTOPPED(st) && WSTOPSIG(st) == SIGSTOP, "WUNTRACED");
	ok(waitpid(a, &st, WUNTRACED | WNOHANG) == 0, "told once");
	kill(a, SIGCONT);
	ok(waitpid(a, &st, WCONTINUED) == a && WIFCONTINUED(st), "WCONTINUED");
	ok(waitpid(a, &st, WCONTINUED | WNOHANG) == 0, "told once, too");
	kill(a, SIGSTOP);
	ok(waitid(P_PID, a, &si, WSTOPPED) == 0 && si.si_code == CLD_STOPPED && si.si_status == SIGSTOP && si.si_pid == a, "waitid WSTOPPED");
	kill(a, SIGCONT);
	ok(waitid(P_PID, a, &si, WCONTINUED) == 0 && si.si_code == CLD_CONTINUED && si.si_status == SIGCONT, "waitid WCONTINUED");
	kill(a, SIGTERM);
	ok(waitid(P_PID, a, &si, WEXITED | WNOWAIT) == 0 && si.si_code == CLD_KILLED && si.si_status == SIGTERM, "WNOWAIT tells");
	ok(waitid(P_PID, a, &si, WEXITED | WNOWAIT) == 0 && si.si_pid == a, "and leaves it");
	ok(waitpid(a, &st, 0) == a && WTERMSIG(st) == SIGTERM, "until it is taken");

	a = spawn(9);
	ok(waitid(P_ALL, 0, &si, WEXITED) == 0 && si.si_code == CLD_EXITED && si.si_status == 9 && si.si_signo == SIGCHLD && si.si_uid == getuid(), "waitid P_ALL");
	a = sleeping_child();
	memset(&si, 0x55, sizeof(si));
	ok(waitid(P_PID, a, &si, WEXITED | WNOHANG) == 0 && si.si_pid == 0 && si.si_signo == 0, "WNOHANG: an empty siginfo");
	ok_errno(waitid(P_PID, a, &si, 0), EINVAL, "waitid without a kind of event");
	ok_errno(waitid(7, a, &si, WEXITED), EINVAL, "waitid with an unknown kind of number");
	ok_errno(waitid(P_PGID, a, &si, WEXITED), ECHILD, "waitid of a group without children");
	kill(a, SIGKILL);
	ok(waitid(P_PGID, getpgid(0), &si, WEXITED) == 0 && si.si_pid == a, "waitid P_PGID");

	/* a stopped child that is killed */
	a = sleeping_child();
	kill(a, SIGSTOP);
	waitpid(a, &st, WUNTRACED);
	kill(a, SIGKILL);
	ok(waitpid(a, &st, 0) == a && WIFSIGNALED(st) && WTERMSIG(st) == SIGKILL, "SIGKILL ends a stopped process");

	/* SIGTERM waits until it is continued */
	a = sleeping_child();
	kill(a, SIGSTOP);
	waitpid(a, &st, WUNTRACED);
	kill(a, SIGTERM);
	nap(30);
	ok(waitpid(a, &st, WNOHANG) == 0, "a stopped process does not take SIGTERM");
	kill(a, SIGCONT);
	ok(waitpid(a, &st, 0) == a && WTERMSIG(st) == SIGTERM, "but when it goes on");

	/* SIGCHLD ignored: no zombies */
	signal(SIGCHLD, SIG_IGN);
	a = spawn(1);
	ok_errno(waitpid(a, &st, 0), ECHILD, "SIGCHLD ignored: wait until all are gone, then ECHILD");
	wait_until(kill(a, 0) == -1);	/* wait may be told so before its number is free */
	ok(kill(a, 0) == -1 && errno == ESRCH, "and no zombie");
	return done();
}
