/* SPDX-License-Identifier: MIT */
/* Orphans: reparented to init or the nearest subreaper; PR_SET_PDEATHSIG; orphaned stopped groups. */
#include "harness.h"
#include "child.h"
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t hup, cont;
static void on_hup(int s) { (void)s; hup = 1; }
static void on_cont(int s) { (void)s; cont = 1; }

int main(void)
{
	int fds[2], st, r[2] = { 0, 0 };
	pid_t pid, sub = 0;

	plan(8);
	ok(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0, "become a subreaper");
	if (pipe(fds))
		bail("pipe");
	pid = fork();
	if (!pid) {
		pid_t first = getpid();

		if (!fork()) {
			wait_until(getppid() != first);
			r[0] = getpid();
			r[1] = getppid();
			(void)!write(fds[1], r, sizeof(r));
			_exit(21);
		}
		_exit(0);
	}
	waitpid(pid, &st, 0);
	ok(read(fds[0], r, sizeof(r)) == sizeof(r) && r[1] == getpid(), "the grandchild's parent is the subreaper");
	ok(waitpid(r[0], &st, 0) == r[0] && WEXITSTATUS(st) == 21, "which can wait for it");

	/* pdeath */
	pid = fork();
	if (!pid) {
		sub = fork();
		if (!sub) {
			prctl(PR_SET_PDEATHSIG, SIGUSR1);
			(void)!write(fds[1], "r", 1);
			pause();
			_exit(0);
		}
		char c;

		(void)!read(fds[0], &c, 1);
		(void)!write(fds[1], &sub, sizeof(sub));
		_exit(0);
	}
	waitpid(pid, &st, 0);
	ok(read(fds[0], &sub, sizeof(sub)) == sizeof(sub), "a grandchild with PR_SET_PDEATHSIG");
	ok(waitpid(sub, &st, 0) == sub && WIFSIGNALED(st) && WTERMSIG(st) == SIGUSR1, "its parent's death sends the signal");

	/* a stopped member of a group that becomes orphaned */
	pid = fork();
	if (!pid) {
		setsid();
		sub = fork();
		if (!sub) {
			setpgid(0, 0);
			signal(SIGHUP, on_hup);
			signal(SIGCONT, on_cont);
			(void)!write(fds[1], "s", 1);
			raise(SIGSTOP);
			usleep(1000);
			r[0] = hup;
			r[1] = cont;
			(void)!write(fds[1], r, sizeof(r));
			_exit(0);
		}
		char c;

		(void)!read(fds[0], &c, 1);
		wait_state(sub, 0, 'T');
		_exit(0);
	}
	waitpid(pid, &st, 0);
	ok(read(fds[0], r, sizeof(r)) == sizeof(r), "the stopped orphan goes on");
	ok(r[0] == 1, "it got SIGHUP");
	ok(r[1] == 1, "and SIGCONT");
	while (wait(NULL) > 0)
		;
	return done();
}
