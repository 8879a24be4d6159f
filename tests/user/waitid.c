/* SPDX-License-Identifier: MIT */
/* waitid(2): whom, which events, every field of siginfo, WNOWAIT, resource usage, errors. */
#include "harness.h"
#include "child.h"
#include <sys/resource.h>

static int raw_waitid(int type, int id, siginfo_t *si, int options, struct rusage *ru)
{
	return (int)syscall(SYS_waitid, type, id, si, options, ru);
}

int main(void)
{
	struct rusage ru;
	siginfo_t si;
	struct gate g;
	pid_t pid, other;
	int st;

	plan(27);
	gate_init(&g);
	pid = fork();
	if (!pid) {
		gate_wait(&g);
		_exit(300);
	}
	memset(&si, 0x5a, sizeof(si));
	ok(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOHANG) == 0 && si.si_pid == 0 && si.si_signo == 0, "WNOHANG: nothing, and said so");
	kill(pid, SIGSTOP);
	ok(waitid(P_PID, (id_t)pid, &si, WSTOPPED) == 0, "a stop");
	ok(si.si_signo == SIGCHLD && si.si_code == CLD_STOPPED && si.si_status == SIGSTOP && si.si_pid == pid && si.si_uid == getuid() && si.si_errno == 0, "CLD_STOPPED, SIGSTOP");
	ok(waitid(P_PID, (id_t)pid, &si, WSTOPPED | WNOHANG) == 0 && si.si_pid == 0, "taken");
	kill(pid, SIGCONT);
	ok(waitid(P_ALL, 0, &si, WCONTINUED) == 0 && si.si_code == CLD_CONTINUED && si.si_status == SIGCONT && si.si_pid == pid, "CLD_CONTINUED, SIGCONT");
	gate_open(&g);
	ok(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT) == 0 && si.si_code == CLD_EXITED, "WNOWAIT: the end, without taking it");
	ok(si.si_status == (300 & 0xff), "eight bits of the status");
	ok(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT) == 0 && si.si_pid == pid, "again");
	ok(waitpid(pid, &st, WNOHANG) == pid && WEXITSTATUS(st) == (300 & 0xff), "wait takes it");
	ok_errno(waitid(P_PID, (id_t)pid, &si, WEXITED), ECHILD, "gone");

	pid = fork();
	if (!pid) {
		kill(getpid(), SIGKILL);
		_exit(1);
	}
	ok(waitid(P_PID, (id_t)pid, &si, WEXITED) == 0 && si.si_code == CLD_KILLED && si.si_status == SIGKILL, "CLD_KILLED, SIGKILL");
	pid = fork();
	if (!pid) {
		struct rlimit none = { 0, 0 };

		setrlimit(RLIMIT_CORE, &none);
		abort();
	}
	ok(waitid(P_PID, (id_t)pid, &si, WEXITED) == 0 && (si.si_code == CLD_KILLED || si.si_code == CLD_DUMPED) && si.si_status == SIGABRT, "SIGABRT");

	/* by group */
	pid = fork();
	if (!pid) {
		setpgid(0, 0);
		gate_wait(&g);
		_exit(1);
	}
	setpgid(pid, pid);
	other = fork();
	if (!other)
		_exit(2);
	ok(waitid(P_PGID, (id_t)getpgrp(), &si, WEXITED) == 0 && si.si_pid == other && si.si_status == 2, "of our group");
	ok_errno(waitid(P_PGID, (id_t)getpgrp(), &si, WEXITED), ECHILD, "which has no other");
	ok(waitid(P_PGID, (id_t)pid, &si, WEXITED | WNOHANG) == 0 && si.si_pid == 0, "the other group's runs");
	gate_open(&g);
	ok(waitid(P_PGID, (id_t)pid, &si, WEXITED) == 0 && si.si_pid == pid && si.si_status == 1, "and ends");
	pid = fork();
	if (!pid)
		_exit(3);
	ok(waitid(P_PGID, 0, &si, WEXITED) == 0 && si.si_pid == pid, "group 0 is our own");

	/* the kernel's own: with usage, without siginfo */
	pid = fork();
	if (!pid) {
		for (volatile int i = 0; i < 30000000; i++)
			;
		_exit(4);
	}
	memset(&ru, 0xff, sizeof(ru));
	ok(raw_waitid(P_PID, pid, NULL, WEXITED, &ru) == 0, "without a siginfo");
	ok(ru.ru_utime.tv_sec >= 0 && ru.ru_utime.tv_usec >= 0 && ru.ru_utime.tv_usec < 1000000, "usage");
	ok(ru.ru_utime.tv_usec + ru.ru_utime.tv_sec * 1000000 > 0, "of the child's work");

	ok_errno(raw_waitid(P_ALL, 0, &si, 0, NULL), EINVAL, "no event asked for");
	ok_errno(raw_waitid(P_ALL, 0, &si, WEXITED | 0x100, NULL), EINVAL, "an unknown option");
	ok_errno(raw_waitid(9, 0, &si, WEXITED, NULL), EINVAL, "an unknown kind");
	ok_errno(raw_waitid(P_PID, 0, &si, WEXITED, NULL), EINVAL, "process 0");
	ok_errno(raw_waitid(P_PIDFD, -1, &si, WEXITED, NULL), EINVAL, "P_PIDFD with a negative descriptor");
	pid = fork();
	if (!pid)
		_exit(0);
	ok_errno(raw_waitid(P_PID, pid, (siginfo_t *)8, WEXITED, NULL), EFAULT, "nowhere to put it");
	ok_errno(waitid(P_PID, (id_t)pid, &si, WEXITED), ECHILD, "which takes it all the same");
	return done();
}
