/* SPDX-License-Identifier: MIT */
/* sched_setaffinity(2): where a thread may run, is inherited, moves who runs elsewhere, sizes and errors. */
#include "harness.h"
#include "exec_util.h"
#include <sched.h>

int main(int argc, char **argv)
{
	unsigned char buf[1024];
	cpu_set_t all, one, now, none;
	int first, n, bad = 0;
	pid_t pid;

	if (argc > 1) {
		sched_getaffinity(0, sizeof(now), &now);
		return CPU_COUNT(&now) == 1 && CPU_ISSET(atoi(argv[1]), &now) ? 42 : 1;
	}
	plan(14);
	CPU_ZERO(&none);
	ok(sched_getaffinity(0, sizeof(all), &all) == 0 && CPU_COUNT(&all) >= 1, "some CPUs");
	for (first = 0; !CPU_ISSET(first, &all); first++)
		;
	CPU_ZERO(&one);
	CPU_SET(first, &one);
	for (int c = 0; c < CPU_SETSIZE; c++)
		if (CPU_ISSET(c, &all)) {
			cpu_set_t s;

			CPU_ZERO(&s);
			CPU_SET(c, &s);
			bad += sched_setaffinity(0, sizeof(s), &s) != 0 || sched_getcpu() != c;
			bad += sched_getaffinity(0, sizeof(now), &now) != 0 || !CPU_EQUAL(&now, &s);
		}
	ok(!bad, "on each in turn, at once");
	sched_setaffinity(0, sizeof(all), &all);
	ok(in_child((sched_setaffinity(0, sizeof(one), &one), ({ pid_t p = fork(); if (!p) { sched_getaffinity(0, sizeof(now), &now); _exit(!CPU_EQUAL(&now, &one)); } exit_of(p); }))) == 0, "a child inherits it");
	char num[8];
	snprintf(num, sizeof(num), "%d", first);
	ok(in_child((sched_setaffinity(0, sizeof(one), &one), execl(self_path(), "x", num, NULL))) == 42, "execve keeps it");
	ok(sched_getaffinity(0, sizeof(now), &now) == 0 && CPU_EQUAL(&now, &all), "the parent's stays");
	pid = fork();
	if (!pid)
		for (;;)
			;
	ok(sched_setaffinity(pid, sizeof(one), &one) == 0 && sched_getaffinity(pid, sizeof(now), &now) == 0 && CPU_EQUAL(&now, &one), "another process's, while it runs");
	kill(pid, SIGKILL);
	exit_of(pid);
	ok_errno(sched_setaffinity(0, sizeof(none), &none), EINVAL, "no CPU");
	CPU_SET(1000, &none);
	ok_errno(sched_setaffinity(0, sizeof(none), &none), EINVAL, "none that exists");
	CPU_SET(first, &none);
	ok(sched_setaffinity(0, sizeof(none), &none) == 0 && sched_getaffinity(0, sizeof(now), &now) == 0 && CPU_EQUAL(&now, &one), "what does not exist is left out");
	sched_setaffinity(0, sizeof(all), &all);
	n = (int)syscall(SYS_sched_getaffinity, 0, sizeof(buf), buf);
	ok(n > 0 && n % 8 == 0 && n <= 1024, "the call returns the size of its mask (%d)", n);
	ok_errno(syscall(SYS_sched_getaffinity, 0, 3, buf), EINVAL, "a size that is no multiple of a word");
	ok_errno(syscall(SYS_sched_setaffinity, 0, 8, (void *)8), EFAULT, "EFAULT");
	ok_errno(sched_setaffinity(0x3ffffff, sizeof(one), &one), ESRCH, "nobody");
	ok(in_child(({ setresuid(1000, 1000, 1000); sched_setaffinity(getppid(), sizeof(one), &one) == -1 && errno == EPERM ? 0 : 1; })) == 0, "EPERM");
	return done();
}
