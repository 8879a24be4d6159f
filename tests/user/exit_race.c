/* SPDX-License-Identifier: MIT */
/* Ends that meet: children ending while waited for by several, killed while ending, threads ending while the process does, signals to the dying. */
#include "harness.h"
#include "child.h"
#include <pthread.h>

static volatile int reaped, wrong;
static void *waiter(void *arg)
{
	int st;

	for (;;) {
		pid_t pid = wait(&st);

		if (pid < 0)
			return arg;
		if (!WIFEXITED(st) || WEXITSTATUS(st) != 33)
			__atomic_add_fetch(&wrong, 1, __ATOMIC_SEQ_CST);
		__atomic_add_fetch(&reaped, 1, __ATOMIC_SEQ_CST);
	}
}
static void *ends(void *arg) { return arg; }
static void *quits(void *arg) { syscall(SYS_exit, 1); return arg; }

int main(void)
{
	pthread_t t[4];
	int bad = 0, st, killed = 0, exited = 0;

	plan(7);
	for (int i = 0; i < 200; i++)
		if (!fork())
			_exit(33);
	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, waiter, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	ok(reaped == 200 && !wrong, "four threads wait for two hundred: each once (%d, %d wrong)", reaped, wrong);
	for (int i = 0; i < 200; i++) {
		pid_t pid = fork();

		if (!pid) {
			for (volatile int j = 0; j < i * 20; j++)
				;
			_exit(7);
		}
		for (volatile int j = 0; j < 1000; j++)
			;
		kill(pid, SIGKILL);
		st = exit_of(pid);
		killed += st == 1000 + SIGKILL;
		exited += st == 7;
	}
	ok(killed + exited == 200, "killed while ending: %d killed, %d ended", killed, exited);
	for (int i = bad = 0; i < 100; i++)
		bad += in_child(({ for (int j = 0; j < 4; j++) pthread_create(&t[j], NULL, j & 1 ? quits : ends, NULL); 9; })) != 9;
	ok(!bad, "threads that end while the process does");
	for (int i = bad = 0; i < 50; i++) {
		pid_t pid = fork();

		if (!pid) {
			for (int j = 0; j < 4; j++)
				pthread_create(&t[j], NULL, ends, NULL);
			kill(getpid(), SIGTERM);
			_exit(1);
		}
		bad += exit_of(pid) != 1000 + SIGTERM;
	}
	ok(!bad, "a signal to oneself among ending threads");
	for (int i = bad = 0; i < 100; i++) {
		pid_t pid = fork();

		if (!pid)
			_exit(3);
		while (kill(pid, 0) == 0 && kill(pid, SIGUSR1) == 0 && waitpid(pid, &st, WNOHANG) == 0)
			;
		if (WIFSIGNALED(st) ? WTERMSIG(st) != SIGUSR1 : WEXITSTATUS(st) != 3)
			bad++;
		bad += kill(pid, 0) != -1 || errno != ESRCH;
	}
	ok(!bad, "signals to a child until it is gone");
	for (int i = bad = 0; i < 30; i++)	/* parent and child end together */
		bad += in_child(({ if (!fork()) { if (!fork()) _exit(0); _exit(0); } 0; })) != 0;
	ok(!bad, "generations that end together");
	ok(waitpid(-1, &st, WNOHANG) == -1 && errno == ECHILD, "nothing is left");
	return done();
}
