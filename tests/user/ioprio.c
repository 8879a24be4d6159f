/* SPDX-License-Identifier: MIT */
/* ioprio_set(2), ioprio_get(2): of a thread, a group and a user; classes; who may; what nobody set. */
#include "harness.h"
#include "child.h"
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PROCESS = 1, PGRP, USER };
enum { NONE, RT, BE, IDLE };

static int value(int class, int level) { return class << 13 | level; }
static int set(int which, int who, int v) { return (int)syscall(SYS_ioprio_set, which, who, v); }
static int get(int which, int who) { return (int)syscall(SYS_ioprio_get, which, who); }

int main(void)
{
	pid_t a, b;

	setpriority(PRIO_PROCESS, 0, 0);
	a = sleeping_child();
	b = sleeping_child();
	setpgid(a, a);
	setpgid(b, a);
	ok(get(PROCESS, a) == value(NONE, 0), "nothing was set");
	ok(get(PGRP, a) == value(BE, 4), "what a nice value of 0 stands for");
	setpriority(PRIO_PROCESS, (id_t)b, 19);
	setpriority(PRIO_PROCESS, (id_t)a, 10);
	ok(get(PGRP, a) == value(BE, 6), "of a group: the best");
	ok(set(PROCESS, a, value(IDLE, 0)) == 0 && get(PROCESS, a) == value(IDLE, 0) && get(PROCESS, b) == value(NONE, 0), "of one");
	ok(get(PGRP, a) == value(BE, 7), "an idle one is behind all others");
	ok(set(PGRP, a, value(BE, 2)) == 0 && get(PROCESS, a) == value(BE, 2) && get(PROCESS, b) == value(BE, 2), "of a group");
	ok(get(PROCESS, 0) == value(NONE, 0), "others' are not touched");
	ok(in_child(({
		setresuid(4321, 4321, 4321);
		pid_t c = sleeping_child();
		int bad = set(USER, 4321, value(BE, 1)) != 0 || get(PROCESS, c) != value(BE, 1) || get(PROCESS, 0) != value(BE, 1) || get(USER, 4321) != value(BE, 1);

		kill(c, SIGKILL);
		bad;
	})) == 0, "of a user");
	ok(in_child((set(PROCESS, 0, value(BE, 3)), ({ pid_t c = fork(); if (!c) _exit(get(PROCESS, 0) != value(BE, 3)); exit_of(c); }))) == 0, "inherited");
	ok(in_child(({ setresuid(1000, 1000, 1000); set(PROCESS, a, value(BE, 1)) != -1 || errno != EPERM; })) == 0, "EPERM: another user's");
	ok(in_child(({ setresuid(1000, 1000, 1000); set(PROCESS, 0, value(RT, 1)) != -1 || errno != EPERM; })) == 0, "EPERM: the class of real time");
	ok_errno(set(PROCESS, 0, value(NONE, 1)), EINVAL, "no class, but a level");
	ok_errno(set(PROCESS, 0, value(4, 0)), EINVAL, "no such class");
	ok_errno(set(4, 0, value(BE, 0)), EINVAL, "no such kind");
	ok_errno(get(0, 0), EINVAL, "nor that");
	ok_errno(set(PROCESS, 0x3ffffff, value(BE, 0)), ESRCH, "nobody");
	ok_errno(get(PGRP, 0x3ffffff), ESRCH, "no such group");
	ok_errno(set(USER, 98765, value(BE, 0)), ESRCH, "no such user");
	kill(a, SIGKILL);
	kill(b, SIGKILL);
	exit_of(a);
	exit_of(b);
	return done();
}
