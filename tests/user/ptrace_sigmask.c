/* SPDX-License-Identifier: MIT */
/* PTRACE_SETSIGMASK of a tracee in sigsuspend(2): the mask that is set is the one it returns with. */
#include "harness.h"
#include "child.h"
#include <sys/ptrace.h>

static volatile sig_atomic_t handled;
static void handler(int sig) { (void)sig; handled++; }

static int tracee(void)
{
	sigset_t set;

	signal(SIGUSR1, handler);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_SETMASK, &set, NULL);
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	raise(SIGSTOP);
	sigemptyset(&set);
	sigsuspend(&set);
	sigprocmask(SIG_SETMASK, NULL, &set);
	return handled != 1 ? 1 : !sigismember(&set, SIGWINCH) ? 2 : sigismember(&set, SIGHUP) ? 3 : 0;
}

int main(void)
{
	unsigned long mask = 0, wanted = 1ul << (SIGWINCH - 1);
	int st;
	pid_t pid = fork();

	plan(7);
	if (!pid)
		_exit(tracee());
	ok(waitpid(pid, &st, 0) == pid && WIFSTOPPED(st) && WSTOPSIG(st) == SIGSTOP, "it is traced");
	ptrace(PTRACE_CONT, pid, NULL, NULL);
	ok(wait_sleeping(pid), "it sleeps in sigsuspend");
	kill(pid, SIGUSR1);
	ok(waitpid(pid, &st, 0) == pid && WIFSTOPPED(st) && WSTOPSIG(st) == SIGUSR1, "it stops with the signal");
	ok(ptrace(PTRACE_GETSIGMASK, pid, 8, &mask) == 0 && mask == (1ul << (SIGUSR1 - 1) | 1ul << (SIGHUP - 1)), "its mask is the one from before");
	ok(ptrace(PTRACE_SETSIGMASK, pid, 8, &wanted) == 0, "another is set");
	ok(ptrace(PTRACE_GETSIGMASK, pid, 8, &mask) == 0 && mask == wanted, "and told");
	ptrace(PTRACE_CONT, pid, NULL, SIGUSR1);
	st = exit_of(pid);
	ok(st == 0, "the call returns with it (%d)", st);
	return done();
}
