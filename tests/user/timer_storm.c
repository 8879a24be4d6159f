/* SPDX-License-Identifier: MIT */
/*
 * Periodic timers that are faster than anybody can take their signals: the
 * program still gets on, and the count of what was missed says how fast.
 */
#include "harness.h"
#include <signal.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t count, stopped;
static volatile long overruns;
static volatile long long until;
static timer_t timer;
static long long now_ns(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1000000000ll + t.tv_nsec; }
/* What runs beside it may get nothing at all: the handler itself ends the storm. */
static void handler(int sig, siginfo_t *si, void *uc)
{
	struct itimerspec off = { { 0, 0 }, { 0, 0 } };
	struct itimerval none = { { 0, 0 }, { 0, 0 } };

	(void)uc;
	count++;
	overruns += sig == SIGALRM ? 0 : si->si_overrun;
	if (until && now_ns() >= until) {
		if (sig == SIGALRM)
			setitimer(ITIMER_REAL, &none, NULL);
		else
			timer_settime(timer, 0, &off, NULL);
		stopped = 1;
	}
}
static void sleep_ns(long long ns) { long long end = now_ns() + ns; while (now_ns() < end) usleep(1000); }
static void on(int sig, int blocked)
{
	struct sigaction sa = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
	sigset_t s;

	sigaction(sig, &sa, NULL);
	sigemptyset(&s);
	sigaddset(&s, sig);
	sigprocmask(blocked ? SIG_BLOCK : SIG_UNBLOCK, &s, NULL);
}

int main(void)
{
	struct itimerspec its = { { 0, 1000 }, { 0, 1000 } }, left, off = { { 0, 0 }, { 0, 0 } };
	struct itimerval it = { { 0, 1 }, { 0, 1 } }, none = { { 0, 0 }, { 0, 0 } };
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN };
	struct timespec zero = { 0, 0 }, long_enough = { 1000, 0 };
	siginfo_t si;
	sigset_t s;
	long long start, took;
	int n, more;

	plan(16);
	on(SIGRTMIN, 0);
	ok(timer_create(CLOCK_MONOTONIC, &ev, &timer) == 0, "a timer");
	start = now_ns();
	until = start + 50000000;
	ok(timer_settime(timer, 0, &its, NULL) == 0, "each microsecond");
	while (!stopped)
		;
	took = (now_ns() - start) / 1000;
	ok(took >= 50000, "it ends itself after %lld us", took);
	until = 0;
	ok(count > 0 && count + overruns <= took + 2, "%d signals, %ld more expirations in %lld us", (int)count, overruns, took);
	/* The last signal came when they were over, or later, and tells of all before it. */
	ok(count + overruns >= 50000 / 4, "what was missed is counted");

	/* Blocked: one signal, and the overrun is that of the moment when it is taken. */
	on(SIGRTMIN, 1);
	sigemptyset(&s);
	sigaddset(&s, SIGRTMIN);
	while (sigtimedwait(&s, &si, &zero) > 0)
		;
	its.it_value.tv_nsec = its.it_interval.tv_nsec = 1000000;
	start = now_ns();
	timer_settime(timer, 0, &its, NULL);
	sleep_ns(60000000);
	ok(timer_gettime(timer, &left) == 0 && left.it_value.tv_nsec > 0 && left.it_value.tv_nsec <= 1000000 && !left.it_value.tv_sec,
	   "while its signal waits, the timer tells the time to the next period");
	ok(sigtimedwait(&s, &si, &long_enough) == SIGRTMIN, "taken");
	took = (now_ns() - start) / 1000000;
	n = si.si_overrun;
	more = sigtimedwait(&s, &si, &zero);
	ok(more < 0 || (now_ns() - start) / 1000000 > n + 1, "there was only one");
	timer_settime(timer, 0, &off, NULL);
	while (sigtimedwait(&s, &si, &zero) > 0)
		;
	ok(n >= 58 && n <= took, "%d missed in %lld ms", n, took);
	timer_settime(timer, 0, &its, NULL);
	ok(sigwaitinfo(&s, &si) == SIGRTMIN && sigwaitinfo(&s, &si) == SIGRTMIN, "the timer runs on");
	ok(timer_getoverrun(timer) == si.si_overrun, "timer_getoverrun says what the signal said");
	timer_settime(timer, 0, &off, NULL);

	/* An interval timer. */
	on(SIGALRM, 0);
	count = stopped = 0;
	until = now_ns() + 50000000;
	setitimer(ITIMER_REAL, &it, NULL);
	while (!stopped)
		;
	until = 0;
	ok(count > 0, "ITIMER_REAL each microsecond: %d signals", (int)count);
	n = count;
	sleep_ns(10000000);
	ok(count <= n + 1, "and it stops");
	on(SIGALRM, 1);
	it.it_interval.tv_usec = it.it_value.tv_usec = 2000;
	setitimer(ITIMER_REAL, &it, NULL);
	sleep_ns(20000000);
	count = 0;
	start = now_ns();
	on(SIGALRM, 0);
	n = count;
	/* Once the first is taken the timer goes on, and a period may end at once. */
	ok(n >= 1 && n <= 2 + (now_ns() - start) / 2000000, "blocked for ten periods: one signal");
	while (count < 3)
		usleep(1000);
	ok(count >= 3, "and it runs on");
	setitimer(ITIMER_REAL, &none, NULL);

	/* Nobody is told: the timer can be asked. */
	ev.sigev_notify = SIGEV_NONE;
	timer_create(CLOCK_MONOTONIC, &ev, &timer);
	its.it_value.tv_nsec = its.it_interval.tv_nsec = 5000000;
	timer_settime(timer, 0, &its, NULL);
	sleep_ns(12000000);
	ok(timer_gettime(timer, &left) == 0 && left.it_value.tv_nsec > 0 && left.it_value.tv_nsec <= 5000000, "SIGEV_NONE tells the time to the next period");
	return done();
}
