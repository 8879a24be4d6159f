/* SPDX-License-Identifier: MIT */
/* setpriority(2), getpriority(2), nice(2): of processes, groups and users; bounds; RLIMIT_NICE; that it matters. */
#include "harness.h"
#include "child.h"
#include <linux/capability.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void)
{
	pid_t a, b;

	setpriority(PRIO_PROCESS, 0, 0);	/* the suite may have been started by nice(1) */
	plan(18);
	ok(getpriority(PRIO_PROCESS, 0) == 0, "0 at first");
	ok(in_child(setpriority(PRIO_PROCESS, 0, 30) || getpriority(PRIO_PROCESS, 0) != 19) == 0, "at most 19");
	ok(in_child(setpriority(PRIO_PROCESS, 0, -30) || getpriority(PRIO_PROCESS, 0) != -20) == 0, "at least -20");
	ok(in_child(nice(3) != 3 || nice(4) != 7) == 0, "nice adds up");
	a = sleeping_child();
	b = sleeping_child();
	setpgid(a, a);
	setpgid(b, a);
	ok(setpriority(PRIO_PGRP, (id_t)a, 6) == 0 && getpriority(PRIO_PROCESS, (id_t)a) == 6 && getpriority(PRIO_PROCESS, (id_t)b) == 6 && getpriority(PRIO_PROCESS, 0) == 0, "of a group");
	setpriority(PRIO_PROCESS, (id_t)b, 2);
	ok(getpriority(PRIO_PGRP, (id_t)a) == 2, "a group's is its most favoured member's");
	ok(in_child(({ setresuid(4321, 4321, 4321); pid_t c = sleeping_child(); int bad = setpriority(PRIO_USER, 0, 9) != 0 || getpriority(PRIO_PROCESS, (id_t)c) != 9 || getpriority(PRIO_USER, 4321) != 9; kill(c, SIGKILL); bad; })) == 0, "of a user");
	ok(getpriority(PRIO_PROCESS, (id_t)a) == 6, "others' are not touched");
	ok(in_child(({ struct rlimit no = { 0, 0 }; setrlimit(RLIMIT_NICE, &no); setresuid(1000, 1000, 1000); setpriority(PRIO_PROCESS, 0, 5) != 0 || setpriority(PRIO_PROCESS, 0, 4) != -1 || errno != EACCES; })) == 0, "lowered again: EACCES without privilege");
	ok(in_child(({ struct rlimit five = { 25, 25 }; if (setrlimit(RLIMIT_NICE, &five) && errno == EPERM) _exit(0); /* a host that lets nobody raise it */ setresuid(1000, 1000, 1000); setpriority(PRIO_PROCESS, 0, -5) != 0 || setpriority(PRIO_PROCESS, 0, -6) != -1; })) == 0, "RLIMIT_NICE of 25 allows -5");
	ok(in_child(({ setresuid(1000, 1000, 1000); setpriority(PRIO_PROCESS, (id_t)getppid(), 5) == -1 && errno == EPERM ? 0 : 1; })) == 0, "EPERM: another user's");
	ok_errno(setpriority(PRIO_PROCESS, 0x3ffffff, 0), ESRCH, "nobody");
	ok_errno(setpriority(9, 0, 0), EINVAL, "no such kind");
	ok(in_child(({
		struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
		struct __user_cap_data_struct none[2] = { { 0 } };
		cpu_set_t all;
		pid_t c;
		int bad;

		setpgid(0, 0);
		c = sleeping_child();
		sched_getaffinity(0, sizeof(all), &all);
		syscall(SYS_capset, &h, none);
		bad = setpriority(PRIO_PROCESS, (id_t)c, 1) != -1 || errno != EPERM || setpriority(PRIO_PGRP, 0, 1) != -1 || errno != EPERM;
		bad |= getpriority(PRIO_PROCESS, 0) != 1 || getpriority(PRIO_PROCESS, (id_t)c) != 0;
		bad |= sched_setscheduler(c, SCHED_BATCH, &(struct sched_param){ 0 }) != -1 || errno != EPERM;
		bad |= sched_setaffinity(c, sizeof(all), &all) != -1 || errno != EPERM;
		kill(c, SIGKILL);
		bad;
	})) == 0, "EPERM: who has capabilities that the caller has not, also of its own user");
	errno = 0;
	ok(getpriority(PRIO_PGRP, 0x3ffffff) == -1 && errno == ESRCH, "no such group");
	ok(in_child((setpriority(PRIO_PROCESS, 0, 7), ({ pid_t c = fork(); if (!c) _exit(getpriority(PRIO_PROCESS, 0) != 7); exit_of(c); }))) == 0, "inherited");
	ok(syscall(SYS_getpriority, PRIO_PROCESS, 0) == 20, "the call itself returns 20 less the value");
	kill(a, SIGKILL);
	kill(b, SIGKILL);
	exit_of(a);
	exit_of(b);
	/* two that spin on one CPU: the nicer one gets much less */
	volatile long *n = (volatile long *)mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cpu_set_t one;
	pid_t p[2];

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	for (int i = 0; i < 2; i++) {
		p[i] = fork();
		if (!p[i]) {
			sched_setaffinity(0, sizeof(one), &one);
			setpriority(PRIO_PROCESS, 0, i ? 19 : 0);
			for (;;)
				n[i * 64]++;
		}
	}
	while (n[0] < 1000000 || n[64] == 0)
		usleep(1000);
	long since[2] = { n[0], n[64] };
	for (int i = 0; i < 50; i++) {	/* on average, in the end */
		usleep(400000);
		if (n[0] - since[0] > 3 * (n[64] - since[1]))
			break;
	}
	ok(n[0] - since[0] > 3 * (n[64] - since[1]), "the CPU goes to the less nice (%ld : %ld)", n[0] - since[0], n[64] - since[1]);
	for (int i = 0; i < 2; i++) {
		kill(p[i], SIGKILL);
		exit_of(p[i]);
	}
	return done();
}
