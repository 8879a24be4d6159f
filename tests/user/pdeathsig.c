/* SPDX-License-Identifier: MIT */
/* PR_SET_PDEATHSIG: sent when the parent ends, kept over execve of ordinary programs, not over fork; the thread that forked is the parent. */
#include "harness.h"
#include "exec_util.h"
#include <pthread.h>
#include <sys/prctl.h>

static struct gate ready;
static int report[2];
static volatile pid_t from;
static void handler(int sig, siginfo_t *si, void *uc) { (void)sig; (void)uc; from = si->si_pid; }

static void *forks(void *arg)
{
	pid_t pid = fork();

	if (!pid) {
		sigset_t none;
		char ok_ = 'y';

		sigemptyset(&none);
		prctl(PR_SET_PDEATHSIG, SIGUSR1);
		gate_open(&ready);
		while (!from)
			sigsuspend(&none);
		(void)!write(report[1], &ok_, 1);
		_exit(0);
	}
	gate_wait(&ready);
	*(pid_t *)arg = pid;
	return NULL;
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
	int v = -1;
	pid_t pid, child = 0;
	char c;
	pthread_t t;
	sigset_t block;

	if (argc > 1)
		return prctl(PR_GET_PDEATHSIG, &v) == 0 && v == SIGUSR2 ? 42 : 1;
	plan(9);
	gate_init(&ready);
	if (pipe(report))
		bail("pipe");
	ok(prctl(PR_GET_PDEATHSIG, &v) == 0 && v == 0, "none at first");
	ok_errno(prctl(PR_SET_PDEATHSIG, 65), EINVAL, "no such signal");
	ok(in_child((prctl(PR_SET_PDEATHSIG, SIGUSR2), execl(self_path(), "x", "y", NULL))) == 42, "execve keeps it");
	sigaction(SIGUSR1, &sa, NULL);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	sigprocmask(SIG_BLOCK, &block, NULL);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	pid = fork();
	if (!pid) {
		forks(&child);
		(void)!write(report[1], &child, sizeof(child));
		_exit(0);
	}
	(void)!read(report[0], &child, sizeof(child));
	ok(exit_of(pid) == 0, "the parent ends");
	ok(read(report[0], &c, 1) == 1 && c == 'y', "the signal comes");
	ok(exit_of(child) == 0, "to the child, now ours");
	/* the thread that forked ends, the process lives */
	pthread_create(&t, NULL, forks, &child);
	pthread_join(t, NULL);
	ok(read(report[0], &c, 1) == 1 && c == 'y', "the end of the thread that forked counts as well");
	ok(exit_of(child) == 0, "though the child stays ours");
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pid_t g = fork();

		if (!g)
			_exit(prctl(PR_GET_PDEATHSIG, &v) || v ? 1 : 0);
		_exit(exit_of(g));
	}
	ok(exit_of(pid) == 0, "a fork does not inherit it");
	return done();
}
