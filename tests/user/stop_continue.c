/* SPDX-License-Identifier: MIT */
/*
 * SIGCONT right behind a stop signal: whichever way they meet, the process goes
 * on.  kill(2), signal(7); POSIX, "Signal Concepts".
 */
#include "harness.h"
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

enum { ROUNDS = 3000, PATIENCE_S = 20 };
static struct shared { atomic_ulong steps[2]; } *shared;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* In a group of its own, which is no orphan: this process is the parent. */
static pid_t walker(int number)
{
	pid_t pid = fork();

	if (!pid) {
		setpgid(0, 0);
		for (;;)
			shared->steps[number]++;
	}
	setpgid(pid, pid);
	return pid;
}

static int walks(int number)
{
	unsigned long before = shared->steps[number];
	double end = now() + PATIENCE_S;

	while (shared->steps[number] == before && now() < end)
		sched_yield();
	return shared->steps[number] != before;
}

/* The rounds after which it went on. */
static int goes_on(int sig, int group)
{
	pid_t pid = walker(0), to = group ? -pid : pid;
	int i;

	if (!walks(0))
		bail("it does not run");
	for (i = 0; i < ROUNDS; i++) {
		kill(to, sig);
		for (volatile int k = 0; k < i % 256 * 400; k++)
			;
		kill(to, SIGCONT);
		if (!walks(0))
			break;
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return i;
}

int main(void)
{
	int st;
	pid_t pid;

	plan(6);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ok(goes_on(SIGTSTP, 0) == ROUNDS, "SIGTSTP, SIGCONT");
	ok(goes_on(SIGTTIN, 1) == ROUNDS, "SIGTTIN, SIGCONT to the group");
	ok(goes_on(SIGSTOP, 0) == ROUNDS, "SIGSTOP, SIGCONT");

	pid = walker(1);
	ok(walks(1) && kill(pid, SIGTSTP) == 0 && waitpid(pid, &st, WUNTRACED) == pid && WIFSTOPPED(st) && WSTOPSIG(st) == SIGTSTP, "alone, it stops");
	unsigned long at = shared->steps[1];
	struct timespec pause = { 0, 20000000 };

	nanosleep(&pause, NULL);
	ok(shared->steps[1] == at, "for good");
	kill(pid, SIGCONT);
	ok(waitpid(pid, &st, WCONTINUED) == pid && WIFCONTINUED(st) && walks(1), "until it is continued");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return done();
}
