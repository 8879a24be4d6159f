/* SPDX-License-Identifier: MIT */
/* Signals and fork(2) together: a handler that forks, a child inside a handler, handlers changed apart, a storm of signals while forking. */
#include "harness.h"
#include "child.h"
#include <sys/time.h>

static volatile sig_atomic_t count, child_status = -1;
static volatile pid_t from_handler;

static void counts(int sig) { (void)sig; count++; }
static void forks(int sig)
{
	pid_t pid = fork();

	(void)sig;
	if (!pid) {
		from_handler = -1;
		return;		/* the child returns from the handler as well */
	}
	from_handler = pid;
}
static void forks_and_waits(int sig)
{
	pid_t pid;
	int st;

	(void)sig;
	pid = fork();
	if (!pid)
		_exit(21);
	while (waitpid(pid, &st, 0) < 0 && errno == EINTR)
		;
	child_status = WEXITSTATUS(st);
}

int main(void)
{
	struct itimerval it = { { 0, 1000 }, { 0, 1000 } }, off = { { 0, 0 }, { 0, 0 } };
	struct sigaction sa = { .sa_handler = counts, .sa_flags = SA_RESTART };
	int bad = 0, st;
	pid_t pid;
	sigset_t now;

	plan(9);
	signal(SIGUSR1, forks);
	raise(SIGUSR1);
	if (from_handler == -1) {
		sigprocmask(SIG_SETMASK, NULL, &now);
		_exit(sigismember(&now, SIGUSR1) ? 1 : 20);
	}
	ok(from_handler > 0 && exit_of(from_handler) == 20, "parent and child return from a handler that forks");
	sigprocmask(SIG_SETMASK, NULL, &now);
	ok(!sigismember(&now, SIGUSR1), "with the mask of before");
	signal(SIGUSR1, forks_and_waits);
	raise(SIGUSR1);
	ok(child_status == 21, "a handler forks and waits");
	signal(SIGUSR1, counts);
	count = 0;
	pid = fork();
	if (!pid) {
		signal(SIGUSR1, SIG_DFL);
		raise(SIGUSR1);
		_exit(0);
	}
	ok(exit_of(pid) == 1000 + SIGUSR1, "the child's default");
	raise(SIGUSR1);
	ok(count == 1, "leaves the parent's handler");

	/* fork never fails with EINTR, nor loses a child, while signals rain */
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
	for (int i = 0; i < 300; i++) {
		pid = fork();
		if (!pid)
			_exit(i & 63);
		if (pid < 0 || waitpid(pid, &st, 0) != pid || !WIFEXITED(st) || WEXITSTATUS(st) != (i & 63))
			bad++;
	}
	setitimer(ITIMER_REAL, &off, NULL);
	ok(!bad, "three hundred forks under a timer (%d bad)", bad);
	ok(count > 1, "whose signals came (%d)", (int)count);
	/* a child's handler runs in the child's memory */
	count = 0;
	pid = fork();
	if (!pid) {
		raise(SIGUSR1);
		_exit(count);
	}
	ok(exit_of(pid) == 1 && count == 0, "a handler in the child changes the child");
	/* signals sent to a child before it first runs are not lost */
	for (int i = bad = 0; i < 200; i++) {
		pid = fork();
		if (!pid)
			for (;;)
				pause();
		kill(pid, SIGTERM);
		bad += exit_of(pid) != 1000 + SIGTERM;
	}
	ok(!bad, "a signal right after fork is not lost");
	return done();
}
