/* SPDX-License-Identifier: MIT */
/* execve(2) and signals: handlers become default, ignored ones stay, the mask and what is pending stay, alternate stack, timers and flags go. */
#include "harness.h"
#include "exec_util.h"
#include <pthread.h>
#include <sys/time.h>

static void handler(int sig) { (void)sig; }

static int report(void)
{
	struct sigaction sa;
	struct itimerval it;
	sigset_t set, pending;
	stack_t ss;
	int bad = 0, defaults = 0;

	for (int sig = 1; sig < 65; sig++) {
		if (sig == 32 || sig == 33)
			continue;
		syscall(SYS_rt_sigaction, sig, NULL, &sa, 8);	/* the kernel's struct starts with the handler */
		defaults += *(void **)&sa == (void *)SIG_DFL;
	}
	sigaction(SIGUSR1, NULL, &sa);
	bad |= sa.sa_handler == SIG_DFL && !sa.sa_flags ? 0 : 1;
	sigaction(SIGUSR2, NULL, &sa);
	bad |= sa.sa_handler == SIG_IGN ? 0 : 2;
	sigprocmask(SIG_SETMASK, NULL, &set);
	bad |= sigismember(&set, SIGHUP) && sigismember(&set, SIGRTMIN + 1) && !sigismember(&set, SIGTERM) ? 0 : 4;
	sigpending(&pending);
	bad |= sigismember(&pending, SIGHUP) && sigismember(&pending, SIGRTMIN + 1) ? 0 : 8;
	sigaltstack(NULL, &ss);
	bad |= ss.ss_flags == SS_DISABLE ? 0 : 16;
	getitimer(ITIMER_REAL, &it);
	bad |= it.it_value.tv_sec > 0 ? 0 : 32;		/* this one stays: it belongs to the process */
	bad |= defaults == 62 - 1 ? 0 : 64;
	return bad;
}

static void *thread(void *arg)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGQUIT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	pthread_kill(pthread_self(), SIGQUIT);
	execl(self_path(), "x", "thread", NULL);
	return arg;
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = SA_RESTART | SA_NODEFER | SA_ONSTACK };
	struct itimerval it = { .it_value = { 1000, 0 } };
	static char alt[65536];
	stack_t ss = { .ss_sp = alt, .ss_size = sizeof(alt) };
	sigset_t set, pending;
	timer_t t;
	pid_t pid;
	int bad;

	if (argc > 1 && !strcmp(argv[1], "report"))
		return report();
	if (argc > 1 && !strcmp(argv[1], "thread")) {
		sigprocmask(SIG_SETMASK, NULL, &set);
		sigpending(&pending);
		return sigismember(&set, SIGQUIT) && sigismember(&pending, SIGQUIT) && !sigismember(&set, SIGTERM) ? 42 : 1;
	}
	if (argc > 1)		/* the posix timer that was armed must not come */
		return timer_gettime((timer_t)0, &(struct itimerspec){ { 0, 0 }, { 0, 0 } }) == -1 ? 42 : 1;
	plan(10);
	pid = fork();
	if (!pid) {
		for (int sig = 1; sig < 65; sig++)
			sigaction(sig, &sa, NULL);
		signal(SIGUSR2, SIG_IGN);
		sigemptyset(&set);
		sigaddset(&set, SIGHUP);
		sigaddset(&set, SIGRTMIN + 1);
		sigprocmask(SIG_SETMASK, &set, NULL);
		raise(SIGHUP);
		kill(getpid(), SIGRTMIN + 1);
		sigaltstack(&ss, NULL);
		setitimer(ITIMER_REAL, &it, NULL);
		execl(self_path(), "x", "report", NULL);
		_exit(255);
	}
	bad = exit_of(pid);
	ok(bad >= 0 && bad < 128, "it runs");
	ok(!(bad & 1), "a handler becomes the default, without flags");
	ok(!(bad & 2), "ignored stays ignored");
	ok(!(bad & 4), "the mask stays");
	ok(!(bad & 8), "pending signals stay");
	ok(!(bad & 16), "no alternate stack");
	ok(!(bad & 32), "the interval timer goes on");
	ok(!(bad & 64), "every other handler is reset");
	pid = fork();
	if (!pid) {
		pthread_t th;

		sigemptyset(&set);
		sigaddset(&set, SIGTERM);
		pthread_create(&th, NULL, thread, NULL);
		pthread_sigmask(SIG_BLOCK, &set, NULL);
		pthread_join(th, NULL);
		_exit(1);
	}
	ok(exit_of(pid) == 42, "of several threads the caller's mask and pending signals stay");
	pid = fork();
	if (!pid) {
		struct sigevent sev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL - 1 };

		timer_create(CLOCK_MONOTONIC, &sev, &t);
		timer_settime(t, 0, &(struct itimerspec){ .it_value = { 1000, 0 } }, NULL);
		execl(self_path(), "x", "timer", NULL);
		_exit(1);
	}
	ok(exit_of(pid) == 42, "POSIX timers are deleted");
	return done();
}
