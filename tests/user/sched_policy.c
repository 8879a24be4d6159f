/* SPDX-License-Identifier: MIT */
/* sched_setscheduler(2) and its family: policies, priorities, inheritance, reset on fork, permissions, intervals, sched_setattr, and that SCHED_FIFO runs first. */
#include "harness.h"
#include "child.h"
#include <sched.h>
#include <stdint.h>
#include <sys/resource.h>

struct attr { uint32_t size, policy; uint64_t flags; int32_t nice; uint32_t priority; uint64_t runtime, deadline, period; };

static int set(int policy, int prio) { return sched_setscheduler(0, policy, &(struct sched_param){ .sched_priority = prio }); }
static int prio_of(pid_t pid)
{
	struct sched_param sp;

	return sched_getparam(pid, &sp) ? -1 : sp.sched_priority;
}

int main(void)
{
	struct attr a = { 0 };
	struct timespec ts;
	int rt = in_child(set(SCHED_FIFO, 1) != 0) == 0;

	setpriority(PRIO_PROCESS, 0, 0);	/* the suite may have been started by nice(1) */
	plan(26);
	ok(sched_getscheduler(0) == SCHED_OTHER && prio_of(0) == 0, "SCHED_OTHER, priority 0");
	ok(in_child(set(SCHED_BATCH, 0) || sched_getscheduler(0) != SCHED_BATCH) == 0, "SCHED_BATCH");
	ok(in_child(set(SCHED_IDLE, 0) || sched_getscheduler(0) != SCHED_IDLE) == 0, "SCHED_IDLE");
	ok(!rt || in_child(set(SCHED_FIFO, 42) || sched_getscheduler(0) != SCHED_FIFO || prio_of(0) != 42) == 0, "SCHED_FIFO");
	ok(!rt || in_child(set(SCHED_RR, 7) || sched_getscheduler(0) != SCHED_RR || prio_of(0) != 7 || sched_rr_get_interval(0, &ts) || ts.tv_nsec <= 0) == 0, "SCHED_RR has an interval");
	ok(!rt || in_child(set(SCHED_FIFO, 5) || ({ pid_t p = fork(); if (!p) _exit(sched_getscheduler(0) != SCHED_FIFO || prio_of(0) != 5); exit_of(p); })) == 0, "a child inherits");
	ok(!rt || in_child(set(SCHED_FIFO | SCHED_RESET_ON_FORK, 5) || sched_getscheduler(0) != (SCHED_FIFO | SCHED_RESET_ON_FORK) || ({ pid_t p = fork(); if (!p) _exit(sched_getscheduler(0) != SCHED_OTHER || prio_of(0)); exit_of(p); })) == 0, "not with SCHED_RESET_ON_FORK");
	ok(in_child(set(SCHED_OTHER, 1) == -1 && errno == EINVAL ? 0 : 1) == 0, "SCHED_OTHER has priority 0 only");
	ok(in_child(set(SCHED_FIFO, 0) == -1 && errno == EINVAL ? 0 : 1) == 0, "SCHED_FIFO has none of 0");
	ok(in_child(set(SCHED_FIFO, 100) == -1 && errno == EINVAL ? 0 : 1) == 0, "nor of 100");
	ok(in_child(set(99, 0) == -1 && errno == EINVAL ? 0 : 1) == 0, "no such policy");
	ok_errno(sched_setscheduler(0x3ffffff, SCHED_OTHER, &(struct sched_param){ 0 }), ESRCH, "nobody");
	ok_errno(sched_setscheduler(-1, SCHED_OTHER, &(struct sched_param){ 0 }), EINVAL, "a negative number");
	ok_errno(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, NULL), EINVAL, "no parameters");
	ok_errno(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, 8), EFAULT, "bad ones");
	ok(in_child(({ struct rlimit none = { 0, 0 }; setrlimit(RLIMIT_RTPRIO, &none); setresuid(1000, 1000, 1000); set(SCHED_FIFO, 1) == -1 && errno == EPERM ? 0 : 1; })) == 0, "EPERM without privilege");
	ok(!rt || in_child(({ struct rlimit ten = { 10, 10 }; if (setrlimit(RLIMIT_RTPRIO, &ten) && errno == EPERM) _exit(0); /* a host that lets nobody raise it */ setresuid(1000, 1000, 1000); set(SCHED_FIFO, 10) != 0 || set(SCHED_FIFO, 11) == 0 || set(SCHED_FIFO, 3) != 0 || set(SCHED_OTHER, 0) != 0; })) == 0, "RLIMIT_RTPRIO allows up to its value");
	ok(in_child(({ setresuid(1000, 1000, 1000); sched_setscheduler(getppid(), SCHED_BATCH, &(struct sched_param){ 0 }) == -1 && errno == EPERM ? 0 : 1; })) == 0, "EPERM: another user's");
	ok(sched_get_priority_max(SCHED_FIFO) == 99 && sched_get_priority_min(SCHED_RR) == 1 && sched_get_priority_max(SCHED_OTHER) == 0, "ranges");
	ok(syscall(SYS_sched_getattr, 0, &a, sizeof(a), 0) == 0 && a.size >= 48 && a.policy == SCHED_OTHER && a.nice == 0, "sched_getattr");
	a.nice = 5;
	ok(in_child(({ syscall(SYS_sched_setattr, 0, &a, 0) || getpriority(PRIO_PROCESS, 0) != 5; })) == 0, "sched_setattr sets the nice value");
	ok_errno(syscall(SYS_sched_getattr, 0, &a, 10, 0), EINVAL, "too small a struct");
	ok_errno(syscall(SYS_sched_setattr, 0, &a, 1), EINVAL, "flags");
	a.size = 10000;
	ok_errno(syscall(SYS_sched_setattr, 0, &a, 0), E2BIG, "too big a struct");
	/* on one CPU: a FIFO child runs at once, and everything it does is done before we go on */
	ok(!rt || in_child(({
		cpu_set_t one;
		int p[2], bad = 0, n;
		char c;
		CPU_ZERO(&one);
		CPU_SET(sched_getcpu(), &one);
		sched_setaffinity(0, sizeof(one), &one);
		if (pipe2(p, O_NONBLOCK))
			_exit(9);
		set(SCHED_FIFO, 10);
		for (int i = 0; i < 20; i++) {
			struct gate g;
			pid_t k;
			gate_init(&g);
			k = fork();
			if (!k) {
				set(SCHED_FIFO, 20);
				gate_wait(&g);
				(void)!write(p[1], "x", 1);
				_exit(0);
			}
			wait_sleeping(k);
			gate_open(&g);
			n = (int)read(p[0], &c, 1);
			bad += n != 1;
			exit_of(k);
		}
		bad; })) == 0, "the higher priority runs at once");
	ok(!rt || in_child(({ set(SCHED_FIFO, 5); sched_setparam(0, &(struct sched_param){ .sched_priority = 9 }) || prio_of(0) != 9 || sched_getscheduler(0) != SCHED_FIFO; })) == 0, "sched_setparam keeps the policy");
	return done();
}
