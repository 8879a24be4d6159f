/* SPDX-License-Identifier: MIT */
/* fork(2): pending signals stay with the parent, of the process and of the thread, standard and queued; the mask goes along. */
#include "harness.h"
#include "child.h"

int main(void)
{
	sigset_t set, old, pending;
	union sigval v = { .sival_int = 5 };
	struct timespec none = { 0, 0 };
	siginfo_t si;
	struct gate g;
	pid_t pid;

	plan(11);
	gate_init(&g);
	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, &old);
	kill(getpid(), SIGUSR1);
	raise(SIGUSR2);
	sigqueue(getpid(), SIGRTMIN, v);
	sigqueue(getpid(), SIGRTMIN, v);
	sigpending(&pending);
	ok(sigismember(&pending, SIGUSR1) && sigismember(&pending, SIGUSR2) && sigismember(&pending, SIGRTMIN), "three are pending");
	ok(in_child((sigpending(&pending), sigismember(&pending, SIGUSR1))) == 0, "not the process's in the child");
	ok(in_child((sigpending(&pending), sigismember(&pending, SIGUSR2))) == 0, "not the thread's");
	ok(in_child((sigpending(&pending), sigismember(&pending, SIGRTMIN))) == 0, "not the queued ones");
	ok(in_child(sigtimedwait(&set, NULL, &none) != -1 || errno != EAGAIN) == 0, "there is nothing to wait for");
	ok(in_child((sigprocmask(SIG_SETMASK, NULL, &pending), !sigismember(&pending, SIGTERM) || !sigismember(&pending, SIGRTMAX))) == 0, "the mask is the parent's");
	ok(in_child((signal(SIGUSR1, SIG_DFL), sigprocmask(SIG_SETMASK, &old, NULL))) == 0, "unblocking kills no child");
	pid = fork();
	if (!pid) {		/* what arrives after fork is the child's own */
		gate_wait(&g);
		sigpending(&pending);
		_exit(sigismember(&pending, SIGHUP) ? 0 : 1);
	}
	kill(pid, SIGHUP);
	gate_open(&g);
	ok(exit_of(pid) == 0, "the child's own are pending for it");
	/* its SIGCHLDs are pending for us now */
	ok(sigtimedwait(&(sigset_t){ { 1UL << (SIGHUP - 1) } }, &si, &none) == -1 && errno == EAGAIN, "and not for the parent");
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	ok(sigtimedwait(&set, &si, &none) == SIGRTMIN && sigtimedwait(&set, &si, &none) == SIGRTMIN && si.si_value.sival_int == 5, "the parent's are all still there");
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	ok(sigtimedwait(&set, &si, &none) > 0 && sigtimedwait(&set, &si, &none) > 0 && sigtimedwait(&set, &si, &none) == -1, "each once");
	return done();
}
