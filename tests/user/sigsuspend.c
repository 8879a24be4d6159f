/* SPDX-License-Identifier: MIT */
/* sigsuspend(2): swaps the mask and waits in one step, so that no wake-up is lost; the mask is back afterwards. */
#include "harness.h"
#include "child.h"

static volatile sig_atomic_t got[65], order, first, masked_inside;
static void handler(int sig)
{
	sigset_t now;

	got[sig]++;
	if (!order++)
		first = sig;
	sigprocmask(SIG_SETMASK, NULL, &now);
	masked_inside = sigismember(&now, SIGUSR2) && !sigismember(&now, SIGHUP);
}

int main(void)
{
	sigset_t block, none, old, now, only2;
	int rounds = 2000, bad = 0;
	pid_t pid;

	plan(13);
	signal(SIGUSR1, handler);
	signal(SIGUSR2, handler);
	sigemptyset(&none);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	sigaddset(&block, SIGUSR2);
	sigaddset(&block, SIGHUP);
	sigprocmask(SIG_BLOCK, &block, &old);
	raise(SIGUSR1);
	ok(got[SIGUSR1] == 0, "blocked");
	ok_errno(sigsuspend(&none), EINTR, "one that is pending ends it at once");
	ok(got[SIGUSR1] == 1, "its handler ran");
	sigprocmask(SIG_SETMASK, NULL, &now);
	ok(sigismember(&now, SIGUSR1) && sigismember(&now, SIGHUP), "the old mask is back");

	only2 = none;
	sigaddset(&only2, SIGUSR2);
	raise(SIGUSR2);
	raise(SIGUSR1);
	order = 0;
	ok_errno(sigsuspend(&only2), EINTR, "with a mask that still blocks one");
	ok(got[SIGUSR1] == 2 && got[SIGUSR2] == 0, "only the other's handler ran");
	ok(masked_inside, "inside it, the temporary mask holds");
	ok_errno(sigsuspend(&none), EINTR, "then the rest");
	ok(got[SIGUSR2] == 1, "came as well");
	/* an ignored signal, and one that stops and continues, do not end it */
	signal(SIGURG, SIG_IGN);
	pid = fork();
	if (!pid) {
		sigsuspend(&none);
		_exit(got[SIGUSR1] == 3 ? 42 : 1);
	}
	wait_sleeping(pid);
	kill(pid, SIGURG);
	kill(pid, SIGSTOP);
	waitpid(pid, NULL, WUNTRACED);
	kill(pid, SIGCONT);
	wait_sleeping(pid);
	kill(pid, SIGUSR1);
	ok(exit_of(pid) == 42, "ignored signals and a stop do not end it");
	/* ping-pong: thousands of rounds without a lost wake-up */
	pid = fork();
	if (!pid) {
		for (int i = 0; i < rounds; i++) {
			while (got[SIGUSR1] <= 2 + i)
				sigsuspend(&none);
			kill(getppid(), SIGUSR2);
		}
		_exit(0);
	}
	for (int i = 0; i < rounds; i++) {
		int before = got[SIGUSR2];

		kill(pid, SIGUSR1);
		while (got[SIGUSR2] == before)
			if (sigsuspend(&none) != -1 || errno != EINTR)
				bad++;
	}
	ok(!bad && exit_of(pid) == 0, "%d rounds of ping-pong", rounds);
	ok_errno(syscall(SYS_rt_sigsuspend, &none, 4), EINVAL, "a wrong size");
	ok_errno(syscall(SYS_rt_sigsuspend, (void *)8, 8), EFAULT, "a bad pointer");
	return done();
}
