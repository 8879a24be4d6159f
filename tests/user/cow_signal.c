/* SPDX-License-Identifier: MIT */
/* Signal frames on a stack that fork shares: each side gets its own, and returns to its own. */
#include "harness.h"
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int count;
static void handler(int sig)
{
	volatile char frame[8192];

	memset((char *)frame, sig, sizeof(frame));
	count += frame[4096] == sig;
}

static int rounds(int n)
{
	volatile int a = n, b = n * 2, c = n * 3;

	for (int i = 0; i < 50; i++)
		raise(i & 1 ? SIGUSR1 : SIGUSR2);
	return a == n && b == n * 2 && c == n * 3 && count == 50;
}

int main(void)
{
	int status, good = 0;

	plan(4);
	signal(SIGUSR1, handler);
	signal(SIGUSR2, handler);
	for (int i = 0; i < 10; i++) {
		pid_t pid = fork();

		if (pid < 0)
			bail("fork");
		if (!pid)
			_exit(rounds(i + 100) ? 0 : 1);
		if (waitpid(pid, &status, 0) == pid && status == 0)
			good++;
	}
	ok(good == 10, "ten children, fifty signals each");
	ok(count == 0, "the parent saw none of them");
	ok(rounds(7), "its own handlers work on the stack that was shared");
	{
		pid_t pid = fork();
		int n = 0;

		if (!pid) {
			count = 0;
			_exit(rounds(9) ? 0 : 1);
		}
		count = 0;
		n = rounds(8);
		waitpid(pid, &status, 0);
		ok(n && status == 0, "both at once");
	}
	return done();
}
