/* SPDX-License-Identifier: MIT */
/* setpgid(2), setsid(2), getpgid(2), getsid(2): whom, when, and every refusal. */
#include "harness.h"
#include "exec_util.h"

static struct gate ready, leave;
static pid_t child(int how)
{
	pid_t pid = fork();

	if (!pid) {
		if (how == 1)
			setsid();
		if (how == 2) {
			gate_open(&ready);
			gate_wait(&leave);
			execl(self_path(), "x", "sleep", NULL);
		}
		gate_open(&ready);
		gate_wait(&leave);
		_exit(0);
	}
	gate_wait(&ready);
	return pid;
}

int main(int argc, char **argv)
{
	pid_t a, b, c;

	if (argc > 1) {
		(void)!write(9, "e", 1);
		for (;;)
			pause();
	}
	plan(21);
	gate_init(&ready);
	gate_init(&leave);
	ok(getpgid(0) == getpgrp() && getpgid(getpid()) == getpgrp(), "one's own");
	a = child(0);
	b = child(0);
	ok(setpgid(a, a) == 0 && getpgid(a) == a, "a child in a group of its own");
	ok(setpgid(b, a) == 0 && getpgid(b) == a, "another one joins");
	ok(setpgid(b, 0) == 0 && getpgid(b) == b, "0 is its own number");
	ok(setpgid(a, a) == 0, "again: nothing changes");
	ok_errno(setpgid(a, 0x3ffffff), EPERM, "a group that does not exist");
	ok_errno(setpgid(a, -1), EINVAL, "a negative group");
	ok_errno(setpgid(0x3ffffff, 0), ESRCH, "nobody");
	ok_errno(setpgid(1, 0), ESRCH, "who is no child");
	c = child(1);
	ok(getsid(c) == c && getpgid(c) == c && getsid(0) != c, "setsid: session and group");
	ok_errno(setpgid(c, a), EPERM, "a session leader stays");
	ok_errno(setpgid(a, c), EPERM, "no group of another session");
	ok_errno(getsid(0x3ffffff), ESRCH, "the session of nobody");
	ok_errno(getpgid(0x3ffffff), ESRCH, "the group of nobody");
	ok(in_child(({ setpgid(0, 0); setsid() == -1 && errno == EPERM ? 0 : 1; })) == 0, "a group leader cannot start a session");
	ok(in_child(setsid() != getpid() || setsid() != -1) == 0, "once");
	/* a group leader whose group outlives it: its number is no new session's */
	ok(in_child(({
		pid_t k;
		struct gate g;
		int bad;
		gate_init(&g);
		setpgid(0, 0);
		k = fork();
		if (!k) {
			gate_wait(&g);
			_exit(0);
		}
		bad = setpgid(0, getpgid(getppid())) != 0;
		bad |= (setsid() != -1 || errno != EPERM) << 1;
		gate_open(&g);
		exit_of(k);
		bad; })) == 0, "nor whose old group still exists");
	dup2(ready.fd[1], 9);
	b = fork();
	if (!b) {
		gate_open(&ready);
		execl(self_path(), "x", "sleep", NULL);
		_exit(1);
	}
	gate_wait(&ready);
	gate_wait(&ready);
	ok_errno(setpgid(b, b), EACCES, "a child that has executed another program");
	kill(b, SIGKILL);
	exit_of(b);
	gate_open_n(&leave, 3);
	ok(exit_of(a) == 0 && exit_of(c) == 0, "they leave");
	ok(in_child(({ pid_t k = fork(); if (!k) _exit(0); wait_state(k, 0, 'Z'); int r = setpgid(k, k) == 0 || errno == ESRCH ? 0 : 1; exit_of(k); r; })) == 0, "a zombie child: either way, no harm");
	ok_errno(setpgid(0, getpid() + 100000), EPERM, "no such group in the session");
	return done();
}
