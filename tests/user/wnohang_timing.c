/* SPDX-License-Identifier: MIT */
/* waitpid(2) with WNOHANG: 0 while the child runs, stops or is stopped, its number once, then ECHILD; by events, not by time. */
#include "harness.h"
#include "child.h"

int main(void)
{
	struct gate g, ready;
	pid_t pid, many[20];
	int st = 0x1234, n;

	plan(14);
	gate_init(&g);
	gate_init(&ready);
	ok_errno(waitpid(-1, &st, WNOHANG), ECHILD, "without children");
	ok(st == 0x1234, "the status is left alone");
	pid = fork();
	if (!pid) {
		gate_open(&ready);
		gate_wait(&g);
		_exit(9);
	}
	gate_wait(&ready);
	n = 0;
	for (int i = 0; i < 1000; i++)
		n += waitpid(pid, &st, WNOHANG) != 0;
	ok(n == 0 && st == 0x1234, "0 as long as it runs, and no status");
	ok(waitpid(-1, &st, WNOHANG) == 0, "0 for any child");
	ok(waitpid(0, &st, WNOHANG) == 0, "0 for the group");
	ok_errno(waitpid(-getpid() - 12345, &st, WNOHANG), ECHILD, "another group has none");
	ok_errno(waitpid(getpid(), &st, WNOHANG), ECHILD, "oneself is no child");
	kill(pid, SIGSTOP);
	ok(wait_state(pid, 0, 'T') && waitpid(pid, &st, WNOHANG) == 0, "0 for a stop nobody asked for");
	ok(waitpid(pid, &st, WNOHANG | WUNTRACED) == pid && WIFSTOPPED(st), "its number if asked");
	ok(waitpid(pid, &st, WNOHANG | WUNTRACED) == 0, "once");
	kill(pid, SIGCONT);
	gate_open(&g);
	ok(wait_state(pid, 0, 'Z'), "it ends");
	ok(waitpid(-1, &st, WNOHANG) == pid && WIFEXITED(st) && WEXITSTATUS(st) == 9, "its number and status");
	ok_errno(waitpid(pid, &st, WNOHANG), ECHILD, "and then ECHILD");

	/* twenty that end in any order are each told once */
	for (int i = 0; i < 20; i++) {
		many[i] = fork();
		if (!many[i]) {
			gate_wait(&g);
			_exit(i);
		}
	}
	gate_open_n(&g, 20);
	n = 0;
	for (;;) {
		pid = waitpid(-1, &st, WNOHANG);
		if (pid > 0)
			n += WIFEXITED(st) && many[WEXITSTATUS(st)] == pid;
		else if (pid < 0)
			break;
		else
			sched_yield();
	}
	ok(n == 20 && errno == ECHILD, "twenty, each with its own status");
	return done();
}
