/* SPDX-License-Identifier: MIT */
/* Interval timers and POSIX timers. */
#include "harness.h"
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t count, last, overruns;
static siginfo_t info;
static timer_t timer;
static void handler(int sig, siginfo_t *si, void *uc) { (void)uc; last = sig; info = *si; count++; }
static void set(int sig)
{
	struct sigaction sa = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };

	sigaction(sig, &sa, NULL);
}
static double now(int c) { struct timespec t; clock_gettime(c, &t); return (double)t.tv_sec + (double)t.tv_nsec / 1e9; }
static volatile unsigned long sink;
static void burn_until(int n)
{
	while (count < n)
		for (int i = 0; i < 10000; i++)
			sink += (unsigned)i;
}
static void sleep_until(int n) { while (count < n) usleep(1000); }
static void *tick(void *v) { return v; }
static void notify(union sigval v) { (void)v; count++; }

int main(void)
{
	struct itimerval it = { { 0, 0 }, { 0, 30000 } }, old;
	struct itimerspec its = { { 0, 0 }, { 1000, 0 } }, left;
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value.sival_int = 99 };
	struct rlimit rl;
	sigset_t s, pending;
	double t;
	int st, left_s;
	pid_t pid;

	plan(32);
	(void)tick;
	set(SIGALRM);
	set(SIGVTALRM);
	set(SIGPROF);
	set(SIGRTMIN);
	t = now(CLOCK_MONOTONIC);
	ok(setitimer(ITIMER_REAL, &it, NULL) == 0, "ITIMER_REAL");
	sleep_until(1);
	t = now(CLOCK_MONOTONIC) - t;
	ok(count == 1 && last == SIGALRM && t >= 0.03 && t < 20, "SIGALRM after %.4f s", t);
	it.it_interval.tv_usec = 10000;
	count = 0;
	setitimer(ITIMER_REAL, &it, NULL);
	sleep_until(4);
	ok(count >= 4, "an interval");
	getitimer(ITIMER_REAL, &old);
	ok(old.it_interval.tv_usec == 10000 && old.it_value.tv_usec > 0 && old.it_value.tv_usec <= 10000, "getitimer");
	memset(&it, 0, sizeof(it));
	ok(setitimer(ITIMER_REAL, &it, &old) == 0 && old.it_interval.tv_usec == 10000, "disarm tells what was");
	count = 0;
	usleep(30000);
	ok(count == 0, "silence");
	it.it_value.tv_usec = 30000;
	t = now(CLOCK_PROCESS_CPUTIME_ID);
	setitimer(ITIMER_VIRTUAL, &it, NULL);
	burn_until(1);
	ok(count == 1 && last == SIGVTALRM, "ITIMER_VIRTUAL after %.4f s of CPU time", now(CLOCK_PROCESS_CPUTIME_ID) - t);
	count = 0;
	setitimer(ITIMER_PROF, &it, NULL);
	burn_until(1);
	ok(count == 1 && last == SIGPROF, "ITIMER_PROF");
	it.it_value.tv_usec = 1000000;
	ok_errno(setitimer(ITIMER_REAL, &it, NULL), EINVAL, "too many microseconds");
	ok_errno(setitimer(7, &it, NULL), EINVAL, "no such timer");
	st = (int)alarm(100);
	left_s = (int)alarm(0);
	ok(st == 0 && left_s > 50 && left_s <= 100, "alarm tells what was left");
	count = 0;
	alarm(1);
	sleep_until(1);
	ok(count == 1, "alarm");

	/* POSIX timers */
	count = 0;
	ok(timer_create(CLOCK_MONOTONIC, &ev, &timer) == 0, "timer_create");
	ok(timer_gettime(timer, &left) == 0 && left.it_value.tv_sec == 0 && left.it_value.tv_nsec == 0, "disarmed at first");
	ok(timer_settime(timer, 0, &its, NULL) == 0, "arm");
	ok(timer_gettime(timer, &left) == 0 && left.it_value.tv_sec > 500 && left.it_value.tv_sec < 1000 + (left.it_value.tv_nsec == 0), "what is left");
	its.it_value = (struct timespec){ 0, 30000000 };
	timer_settime(timer, 0, &its, NULL);
	sleep_until(1);
	ok(count == 1 && info.si_code == SI_TIMER && info.si_value.sival_int == 99, "SI_TIMER with its value");
	/* overrun */
	sigemptyset(&s);
	sigaddset(&s, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &s, NULL);
	its.it_interval.tv_nsec = 5000000;
	count = 0;
	timer_settime(timer, 0, &its, NULL);
	usleep(50000);
	do
		sigpending(&pending);
	while (!sigismember(&pending, SIGRTMIN));
	usleep(50000);
	sigprocmask(SIG_UNBLOCK, &s, NULL);
	ok(count >= 1, "a blocked timer's signal comes once (%d)", (int)count);
	ok(timer_getoverrun(timer) >= 0, "overrun can be asked");
	memset(&its, 0, sizeof(its));
	timer_settime(timer, 0, &its, NULL);
	count = 0;
	t = now(CLOCK_MONOTONIC);
	clock_gettime(CLOCK_MONOTONIC, &its.it_value);
	its.it_value.tv_nsec += 20000000;
	if (its.it_value.tv_nsec >= 1000000000) { its.it_value.tv_sec++; its.it_value.tv_nsec -= 1000000000; }
	ok(timer_settime(timer, TIMER_ABSTIME, &its, NULL) == 0, "absolute");
	sleep_until(1);
	ok(count == 1 && now(CLOCK_MONOTONIC) - t >= 0.0199, "expires then");
	ok(timer_delete(timer) == 0, "delete");
	ok(timer_create(CLOCK_REALTIME, NULL, &timer) == 0, "without an event: SIGALRM");
	its.it_value = (struct timespec){ 0, 10000000 };
	count = 0;
	timer_settime(timer, 0, &its, NULL);
	sleep_until(1);
	ok(count == 1 && last == SIGALRM, "it is");
	timer_delete(timer);
	ok_errno(timer_create(77, &ev, &timer), EINVAL, "no such clock");
	ev.sigev_signo = 100;
	ok_errno(timer_create(CLOCK_MONOTONIC, &ev, &timer), EINVAL, "no such signal");
	ev = (struct sigevent){ .sigev_notify = SIGEV_THREAD, .sigev_notify_function = notify };
	count = 0;
	ok(timer_create(CLOCK_MONOTONIC, &ev, &timer) == 0 && timer_settime(timer, 0, &its, NULL) == 0, "SIGEV_THREAD");
	sleep_until(1);
	ok(count == 1, "the function ran in a thread");
	timer_delete(timer);
	ev = (struct sigevent){ .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN };
	count = 0;
	timer_create(CLOCK_PROCESS_CPUTIME_ID, &ev, &timer);
	timer_settime(timer, 0, &its, NULL);
	burn_until(1);
	ok(count == 1, "on CPU time");
	timer_delete(timer);

	/* RLIMIT_CPU */
	pid = fork();
	if (!pid) {
		rl = (struct rlimit){ 1, 2 };
		setrlimit(RLIMIT_CPU, &rl);
		signal(SIGXCPU, SIG_DFL);
		count = 0;
		for (;;)
			sink++;
	}
	pid_t hard = fork();	/* side by side: each takes a second of CPU time */
	if (!hard) {
		rl = (struct rlimit){ 1, 1 };
		setrlimit(RLIMIT_CPU, &rl);
		signal(SIGXCPU, SIG_IGN);
		for (;;)
			sink++;
	}
	waitpid(pid, &st, 0);
	ok(WIFSIGNALED(st) && WTERMSIG(st) == SIGXCPU, "RLIMIT_CPU: SIGXCPU");
	rl.rlim_cur = rl.rlim_max = RLIM_INFINITY - 1;
	ok(setrlimit(RLIMIT_CPU, &rl) == 0 && getrlimit(RLIMIT_CPU, &rl) == 0 && rl.rlim_cur == RLIM_INFINITY - 1,
	   "RLIMIT_CPU of more seconds than fit in nanoseconds");
	waitpid(hard, &st, 0);
	ok(WIFSIGNALED(st) && WTERMSIG(st) == SIGKILL, "the hard limit kills");
	return done();
}
