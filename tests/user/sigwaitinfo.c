/* SPDX-License-Identifier: MIT */
/* sigwaitinfo(2), sigtimedwait(2), sigpending(2): in order, from both pending sets, times, what ends the wait, races with senders. */
#include "harness.h"
#include "child.h"

static volatile sig_atomic_t hits;
static void handler(int sig) { (void)sig; hits++; }

int main(void)
{
	struct timespec none = { 0, 0 }, ms = { 0, 3000000 };
	sigset_t set, all, pend, old;
	siginfo_t si;
	long long start;
	int bad = 0, st;
	pid_t pid;

	plan(15);
	sigemptyset(&set);
	for (int i = 0; i < 4; i++)
		sigaddset(&set, SIGRTMIN + i);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &set, &old);
	kill(getpid(), SIGRTMIN + 2);
	kill(getpid(), SIGRTMIN + 1);
	raise(SIGUSR2);
	kill(getpid(), SIGUSR1);
	raise(SIGRTMIN + 1);
	sigpending(&pend);
	ok(sigismember(&pend, SIGUSR1) && sigismember(&pend, SIGUSR2) && sigismember(&pend, SIGRTMIN + 1) && sigismember(&pend, SIGRTMIN + 2) && !sigismember(&pend, SIGHUP), "sigpending is of thread and process");
	int a = sigwaitinfo(&set, &si), b = sigwaitinfo(&set, &si), c = sigwaitinfo(&set, &si), d = sigwaitinfo(&set, &si), e = sigwaitinfo(&set, &si);
	ok(a == SIGUSR2 && b == SIGRTMIN + 1 && c == SIGUSR1, "the thread's first, lowest first");
	ok(d == SIGRTMIN + 1 && e == SIGRTMIN + 2, "then the process's");
	sigpending(&pend);
	ok(sigisemptyset(&pend), "nothing is left");
	start = now_ns(CLOCK_MONOTONIC);
	ok(sigtimedwait(&set, &si, &ms) == -1 && errno == EAGAIN && now_ns(CLOCK_MONOTONIC) - start >= 3000000, "EAGAIN when the time is over");
	ok_errno(sigtimedwait(&set, &si, &(struct timespec){ 0, 1000000000 }), EINVAL, "a bad time");
	ok_errno(syscall(SYS_rt_sigtimedwait, &set, &si, &none, 4), EINVAL, "a bad size");
	ok_errno(syscall(SYS_rt_sigtimedwait, (void *)8, &si, &none, 8), EFAULT, "a bad set");
	/* a signal outside of the set ends it by its handler, an ignored one does not */
	pid = fork();
	if (!pid) {
		signal(SIGHUP, handler);
		signal(SIGURG, SIG_IGN);
		_exit(sigwaitinfo(&set, &si) == -1 && errno == EINTR && hits == 1 ? 0 : 1);
	}
	wait_sleeping(pid);
	kill(pid, SIGURG);
	wait_sleeping(pid);
	kill(pid, SIGHUP);
	ok(exit_of(pid) == 0, "another signal's handler: EINTR");
	/* SIGKILL and SIGSTOP in the set are no matter */
	pid = fork();
	if (!pid)
		_exit(sigwaitinfo(&all, &si) == -1 ? errno : 0);
	wait_sleeping(pid);
	kill(pid, SIGSTOP);
	ok(waitpid(pid, NULL, WUNTRACED) == pid, "SIGSTOP stops who waits for all");
	kill(pid, SIGCONT);
	st = exit_of(pid);
	ok(st == EINTR, "and when it goes on, the wait has ended (%d)", st);
	/* a thousand, from a sender that waits for the answer each time */
	sigset_t one;
	sigemptyset(&one);
	sigaddset(&one, SIGUSR2);
	pid = fork();
	if (!pid) {
		for (int i = 0; i < 1000; i++) {
			kill(getppid(), SIGUSR1);
			if (sigwaitinfo(&one, &si) != SIGUSR2)
				_exit(1);
		}
		_exit(0);
	}
	sigdelset(&set, SIGUSR2);
	for (int i = 0; i < 1000; i++) {
		bad += sigwaitinfo(&set, &si) != SIGUSR1 || si.si_pid != pid;
		kill(pid, SIGUSR2);
	}
	ok(!bad && exit_of(pid) == 0, "a thousand there and back");
	/* taken by the wait, its handler does not run */
	signal(SIGUSR1, handler);
	hits = 0;
	kill(getpid(), SIGUSR1);
	ok(sigtimedwait(&set, NULL, &none) == SIGUSR1, "without a siginfo");
	sigprocmask(SIG_SETMASK, &old, NULL);
	ok(hits == 0, "what is waited for is not delivered");
	raise(SIGUSR1);
	ok(hits == 1, "until the next");
	return done();
}
