/* SPDX-License-Identifier: MIT */
/* timer_create(2): signals with values, overruns, absolute times, several at once, threads, deletion while pending, CPU-time clocks, errors. */
#include "harness.h"
#include "child.h"
#include <pthread.h>

static volatile sig_atomic_t order[64], n;
static void handler(int sig, siginfo_t *si, void *uc)
{
	(void)sig;
	(void)uc;
	if (n < 64)
		order[n++] = si->si_value.sival_int;
}
static struct timespec later(struct timespec ts, long ms)
{
	ts.tv_nsec += ms * 1000000;
	ts.tv_sec += ts.tv_nsec / 1000000000;
	ts.tv_nsec %= 1000000000;
	return ts;
}
static struct timespec after_ms(clockid_t c, long ms)
{
	struct timespec ts;

	clock_gettime(c, &ts);
	return later(ts, ms);
}

int main(void)
{
	struct sigaction sa = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
	struct sigevent sev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN };
	struct itimerspec its = { { 0, 0 }, { 0, 0 } }, cur;
	struct timespec none = { 0, 0 }, some = { 1000, 0 }, base;
	timer_t t[10], cpu;
	sigset_t set, old, pending;
	siginfo_t si;
	int bad;

	plan(24);
	cpu_set_t one;

	CPU_ZERO(&one);		/* each CPU has timers of its own: order is of one CPU */
	CPU_SET(sched_getcpu(), &one);
	sched_setaffinity(0, sizeof(one), &one);
	sigaction(SIGRTMIN, &sa, NULL);
	for (int i = 0; i < 10; i++) {
		sev.sigev_value.sival_int = i;
		if (timer_create(CLOCK_MONOTONIC, &sev, &t[i]))
			bail("timer_create");
	}
	bad = 0;
	for (int i = 0; i < 10; i++)
		for (int j = 0; j < i; j++)
			bad += t[i] == t[j];
	ok(!bad, "ten timers with ten numbers");
	ok(timer_gettime(t[3], &cur) == 0 && !cur.it_value.tv_sec && !cur.it_value.tv_nsec, "disarmed at first");
	for (long ms = 20; ms < 1000; ms *= 2) {	/* armed in reverse, expiring by number: all are armed before the first is due */
		n = 0;
		base = after_ms(CLOCK_MONOTONIC, ms);
		for (int i = 9; i >= 0; i--) {
			its.it_value = later(base, 2 * i);
			timer_settime(t[i], TIMER_ABSTIME, &its, NULL);
		}
		bad = now_ns(CLOCK_MONOTONIC) > base.tv_sec * 1000000000LL + base.tv_nsec;
		wait_until(n >= 10);
		if (!bad)
			break;
	}
	bad = 0;
	for (int i = 0; i < 10; i++)
		bad += order[i] != i;
	ok(!bad, "they expire in order of their times");
	ok(timer_gettime(t[3], &cur) == 0 && !cur.it_value.tv_sec && !cur.it_value.tv_nsec, "once");

	/* pending once, with overruns */
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, &old);
	its = (struct itimerspec){ { 0, 1000000 }, { 0, 1000000 } };
	timer_settime(t[0], 0, &its, NULL);
	usleep(30000);
	ok(sigtimedwait(&set, &si, &some) == SIGRTMIN && si.si_code == SI_TIMER && si.si_value.sival_int == 0, "SI_TIMER");
	ok(si.si_overrun >= 10, "si_overrun (%d)", si.si_overrun);
	ok(timer_getoverrun(t[0]) == si.si_overrun, "timer_getoverrun is of the last signal");
	its = (struct itimerspec){ { 0, 0 }, { 0, 0 } };
	timer_settime(t[0], 0, &its, &cur);
	ok(cur.it_interval.tv_nsec == 1000000 && cur.it_value.tv_nsec <= 1000000, "disarming tells interval and rest");
	while (sigtimedwait(&set, &si, &none) > 0)
		;
	/* deleted while its signal is pending */
	its.it_value = (struct timespec){ 0, 1 };
	timer_settime(t[1], 0, &its, NULL);
	do
		sigpending(&pending);
	while (!sigismember(&pending, SIGRTMIN));
	timer_delete(t[1]);
	ok_errno(timer_gettime(t[1], &cur), EINVAL, "a deleted timer is gone");
	ok_errno(timer_delete(t[1]), EINVAL, "once");
	while (sigtimedwait(&set, &si, &none) > 0)
		;
	/* a time that has passed: at once */
	its.it_value = (struct timespec){ 0, 1 };
	timer_settime(t[2], TIMER_ABSTIME, &its, NULL);
	ok(sigtimedwait(&set, &si, &some) == SIGRTMIN && si.si_value.sival_int == 2, "an absolute time that has passed expires at once");
	/* re-armed before it expires */
	its.it_value = (struct timespec){ 1000, 0 };
	timer_settime(t[2], 0, &its, NULL);
	its.it_value = (struct timespec){ 0, 1000000 };
	ok(timer_settime(t[2], 0, &its, &cur) == 0 && cur.it_value.tv_sec >= 900, "re-armed");
	ok(sigtimedwait(&set, &si, &some) == SIGRTMIN, "expires by the new time");
	/* the real-time clock, and one's CPU time */
	sev.sigev_value.sival_int = 55;
	timer_create(CLOCK_REALTIME, &sev, &cpu);
	its.it_value = after_ms(CLOCK_REALTIME, 3);
	timer_settime(cpu, TIMER_ABSTIME, &its, NULL);
	ok(sigtimedwait(&set, &si, &some) == SIGRTMIN && si.si_value.sival_int == 55 && now_ns(CLOCK_REALTIME) >= its.it_value.tv_sec * 1000000000LL + its.it_value.tv_nsec, "CLOCK_REALTIME");
	timer_delete(cpu);
	timer_create(CLOCK_THREAD_CPUTIME_ID, &sev, &cpu);
	its.it_value = (struct timespec){ 0, 20000000 };
	long long start = now_ns(CLOCK_THREAD_CPUTIME_ID);

	timer_settime(cpu, 0, &its, NULL);
	do
		sigpending(&pending);
	while (!sigismember(&pending, SIGRTMIN) && now_ns(CLOCK_THREAD_CPUTIME_ID) - start < 5000000000LL);
	ok(sigismember(&pending, SIGRTMIN) && now_ns(CLOCK_THREAD_CPUTIME_ID) - start >= 20000000, "CPU time of a thread");
	sigtimedwait(&set, &si, &none);
	timer_delete(cpu);
	/* to a thread of one's choice */
	sev.sigev_notify = SIGEV_THREAD_ID;
	sev._sigev_un._tid = (pid_t)syscall(SYS_gettid);
	ok(timer_create(CLOCK_MONOTONIC, &sev, &cpu) == 0, "SIGEV_THREAD_ID");
	its.it_value = (struct timespec){ 0, 1 };
	timer_settime(cpu, 0, &its, NULL);
	ok(sigtimedwait(&set, &si, &some) == SIGRTMIN, "comes");
	sev._sigev_un._tid = 1;
	ok_errno(timer_create(CLOCK_MONOTONIC, &sev, &cpu), EINVAL, "not to another process's");
	sev.sigev_notify = SIGEV_NONE;
	ok(timer_create(CLOCK_MONOTONIC, &sev, &cpu) == 0, "SIGEV_NONE");
	its = (struct itimerspec){ { 0, 0 }, { 0, 1000 } };
	timer_settime(cpu, 0, &its, NULL);
	usleep(2000);
	ok(timer_gettime(cpu, &cur) == 0 && cur.it_value.tv_sec == 0 && cur.it_value.tv_nsec == 0 && sigtimedwait(&set, &si, &none) == -1, "runs out without a signal");
	/* not the child's */
	ok(in_child(timer_gettime(t[2], &cur) == -1 && errno == EINVAL ? 0 : 1) == 0, "a child has none of them");
	its.it_value.tv_nsec = 1000000000;
	ok_errno(timer_settime(t[2], 0, &its, NULL), EINVAL, "too many nanoseconds");
	sev.sigev_notify = 77;
	ok_errno(timer_create(CLOCK_MONOTONIC, &sev, &cpu), EINVAL, "no such notification");
	ok_errno(timer_create(1234, NULL, &cpu), EINVAL, "no such clock");
	return done();
}
