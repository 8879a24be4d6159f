/* SPDX-License-Identifier: MIT */
/* setitimer(2): real time, user time, user and system time; intervals; what getitimer says; errors. */
#include "harness.h"
#include "child.h"
#include <sys/resource.h>
#include <sys/time.h>

static volatile sig_atomic_t hits[65];
static void handler(int sig) { hits[sig]++; }
static volatile unsigned long sink;

static long long cpu_us(void)
{
	struct rusage ru;

	getrusage(RUSAGE_SELF, &ru);
	return ru.ru_utime.tv_sec * 1000000LL + ru.ru_utime.tv_usec + ru.ru_stime.tv_sec * 1000000LL + ru.ru_stime.tv_usec;
}

int main(void)
{
	struct itimerval it, old, now;
	static const int kinds[] = { ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF }, sigs[] = { SIGALRM, SIGVTALRM, SIGPROF };
	long long start;

	plan(19);
	for (int i = 0; i < 3; i++)
		signal(sigs[i], handler);
	for (int i = 0; i < 3; i++) {
		it = (struct itimerval){ { 0, 0 }, { 500, 250000 } };
		ok(setitimer(kinds[i], &it, NULL) == 0 && getitimer(kinds[i], &now) == 0 && now.it_value.tv_sec >= 400 && now.it_value.tv_sec <= 500 && now.it_interval.tv_sec == 0, "kind %d: set and read", i);
		it = (struct itimerval){ { 7, 5 }, { 600, 0 } };
		ok(setitimer(kinds[i], &it, &old) == 0 && old.it_value.tv_sec >= 400 && old.it_value.tv_sec <= 500, "the old one comes back");
		it = (struct itimerval){ { 7, 5 }, { 0, 0 } };
		ok(setitimer(kinds[i], &it, &old) == 0 && old.it_interval.tv_sec == 7 && old.it_value.tv_sec >= 510 && getitimer(kinds[i], &now) == 0 && now.it_value.tv_sec == 0 && now.it_value.tv_usec == 0, "no value: disarmed");
	}
	it = (struct itimerval){ { 0, 2000 }, { 0, 2000 } };
	setitimer(ITIMER_REAL, &it, NULL);
	while (hits[SIGALRM] < 5)
		pause();
	it = (struct itimerval){ { 0, 0 }, { 0, 0 } };
	setitimer(ITIMER_REAL, &it, NULL);
	ok(hits[SIGALRM] >= 5, "an interval repeats");
	hits[SIGALRM] = 0;
	usleep(10000);
	ok(hits[SIGALRM] == 0, "until it is disarmed");

	/* of one's own work only */
	it = (struct itimerval){ { 0, 20000 }, { 0, 20000 } };
	for (int i = 0; i < 50; i++) {	/* again if the CPU was taken away in user mode, and what it was away counted */
		hits[SIGVTALRM] = 0;
		setitimer(ITIMER_VIRTUAL, &it, NULL);
		usleep(100000);
		if (!hits[SIGVTALRM])
			break;
	}
	ok(hits[SIGVTALRM] == 0, "sleeping uses no user time");
	start = cpu_us();
	while (hits[SIGVTALRM] < 3 && cpu_us() - start < 20000000)
		for (int i = 0; i < 100000; i++)
			sink++;
	ok(hits[SIGVTALRM] >= 3, "working does");
	ok(cpu_us() - start >= 30000, "not before it is used");
	setitimer(ITIMER_VIRTUAL, &(struct itimerval){ { 0, 0 }, { 0, 0 } }, NULL);
	setitimer(ITIMER_PROF, &it, NULL);
	start = cpu_us();
	while (hits[SIGPROF] < 3 && cpu_us() - start < 20000000)
		for (int i = 0; i < 1000; i++)
			getppid();
	ok(hits[SIGPROF] >= 3, "system calls count for ITIMER_PROF");
	setitimer(ITIMER_PROF, &(struct itimerval){ { 0, 0 }, { 0, 0 } }, NULL);
	it = (struct itimerval){ { 0, 0 }, { 0, 1000000 } };
	ok_errno(setitimer(ITIMER_REAL, &it, NULL), EINVAL, "a million microseconds");
	it = (struct itimerval){ { 0, 0 }, { -1, 0 } };
	ok_errno(setitimer(ITIMER_REAL, &it, NULL), EINVAL, "negative seconds");
	ok_errno(setitimer(3, &it, NULL), EINVAL, "no such kind");
	ok_errno(syscall(SYS_getitimer, ITIMER_REAL, (void *)8), EFAULT, "EFAULT");
	return done();
}
