/* SPDX-License-Identifier: MIT */
/*
 * Tracees whose group stops.  ptrace(2), "Group-stop", "Attaching and
 * detaching": how a tracer tells such a stop from a signal's, what becomes of
 * one that was stopped before it is attached to, and of one that its tracer has
 * let run when the tracer goes.
 */
#include "harness.h"
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>

static volatile int told;
static void on_child(int sig, siginfo_t *si, void *context)
{
	(void)sig;
	(void)context;
	told = si->si_code;
}

static void nap(int ms)
{
	struct timespec t = { 0, ms * 1000000l };

	nanosleep(&t, NULL);
}

static char state_of(pid_t pid)
{
	char path[64], line[256] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "r");
	if (f) {
		if (!fgets(line, sizeof(line), f))
			line[0] = 0;
		fclose(f);
	}
	return strchr(line, ')') ? strchr(line, ')')[2] : '?';
}

static pid_t running_child(void)
{
	pid_t pid = fork();

	if (!pid)
		for (;;)
			;
	return pid;
}

static void end(pid_t pid)
{
	int st;

	kill(pid, SIGKILL);
	while (waitpid(pid, &st, __WALL) == pid && WIFSTOPPED(st))
		;
}

static int stopped_with(int st, int sig) { return WIFSTOPPED(st) && WSTOPSIG(st) == sig; }

static void told_apart(void)
{
	siginfo_t si, w = { .si_code = 0 };
	int st;
	pid_t pid = fork();

	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		raise(SIGUSR1);
		_exit(0);
	}
	waitpid(pid, &st, 0);
	ok(stopped_with(st, SIGSTOP) && ptrace(PTRACE_GETSIGINFO, pid, NULL, &si) == 0 && si.si_signo == SIGSTOP, "a signal's stop has the signal");
	ok(told == CLD_TRAPPED, "and is told as a trap");
	ptrace(PTRACE_CONT, pid, NULL, (void *)SIGSTOP);
	ok(waitid(P_PID, (id_t)pid, &w, WSTOPPED | WNOWAIT) == 0 && w.si_code == CLD_TRAPPED && w.si_status == SIGSTOP, "the group's stop, for waitid");
	ok(waitpid(pid, &st, 0) == pid && stopped_with(st, SIGSTOP), "for waitpid");
	ok_errno(ptrace(PTRACE_GETSIGINFO, pid, NULL, &si), EINVAL, "it has no signal");
	ok_errno(ptrace(PTRACE_SETSIGINFO, pid, NULL, &si), EINVAL, "and gets none");
	ok(told == CLD_STOPPED, "and is told as a stop");
	ptrace(PTRACE_CONT, pid, NULL, NULL);
	ok(waitpid(pid, &st, 0) == pid && stopped_with(st, SIGUSR1), "the tracer alone makes it go on");
	end(pid);
}

static void stopped_before(void)
{
	siginfo_t si;
	int st;
	pid_t pid = sleeping_child();

	kill(pid, SIGSTOP);
	waitpid(pid, &st, WUNTRACED);
	ok(stopped_with(st, SIGSTOP), "it is stopped");
	ok(ptrace(PTRACE_ATTACH, pid, NULL, NULL) == 0 && waitpid(pid, &st, WNOHANG) == pid && stopped_with(st, SIGSTOP), "attached, and the stop is there at once");
	ok_errno(ptrace(PTRACE_GETSIGINFO, pid, NULL, &si), EINVAL, "it is the group's");
	ok(ptrace(PTRACE_CONT, pid, NULL, NULL) == 0 && waitpid(pid, &st, 0) == pid && stopped_with(st, SIGSTOP) &&
		ptrace(PTRACE_GETSIGINFO, pid, NULL, &si) == 0 && si.si_signo == SIGSTOP, "the attaching's own signal is behind it");
	ok(ptrace(PTRACE_CONT, pid, NULL, NULL) == 0, "and goes");
	nap(30);
	ok(waitpid(pid, &st, WNOHANG) == 0, "no more");
	end(pid);

	for (int i = 0; i < 200; i++) {
		pid = sleeping_child();
		kill(pid, SIGSTOP);
		waitpid(pid, &st, WUNTRACED);
		errno = 0;
		if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) || waitpid(pid, &st, WNOHANG) != pid || st >> 8 != (SIGSTOP | PTRACE_EVENT_STOP << 8)) {
			ok(0, "seized, the stop is there at once (round %d, %#x)", i, st);
			end(pid);
			return;
		}
		end(pid);
	}
	ok(1, "seized, the stop is there at once");
}

static void tracer_goes(void)
{
	int st;
	pid_t pid = running_child(), tracer;

	kill(pid, SIGSTOP);
	waitpid(pid, &st, WUNTRACED);
	tracer = fork();
	if (!tracer) {
		if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) || waitpid(pid, &st, 0) != pid || ptrace(PTRACE_CONT, pid, NULL, NULL))
			_exit(1);
		nap(10);
		_exit(state_of(pid) == 'R' ? 0 : 2);
	}
	waitpid(tracer, &st, 0);
	ok(WIFEXITED(st) && WEXITSTATUS(st) == 0, "a tracer makes one of a stopped group go on");
	nap(30);
	ok(state_of(pid) == 'T', "when the tracer has gone, it stops with its group");
	kill(pid, SIGCONT);
	nap(30);
	ok(state_of(pid) == 'R', "and goes on with it");
	end(pid);
}

/* Its parent does not care, its tracer never waits. */
static void nobody_waits(void)
{
	int fds[2], st;

	pid_t parent, pid = 0;

	if (pipe(fds))
		bail("pipe");
	parent = fork();
	if (!parent) {
		signal(SIGCHLD, SIG_IGN);
		pid = sleeping_child();
		if (write(fds[1], &pid, sizeof(pid)) != sizeof(pid))
			_exit(1);
		close(fds[1]);
		for (;;)
			pause();
	}
	if (read(fds[0], &pid, sizeof(pid)) != sizeof(pid))
		bail("read");
	pid_t tracer = fork();

	if (!tracer) {
		if (ptrace(PTRACE_SEIZE, pid, NULL, NULL))
			_exit(1);
		kill(pid, SIGKILL);
		for (int i = 0; i < 200 && state_of(pid) != 'Z'; i++)
			nap(5);
		_exit(state_of(pid) == 'Z' ? 0 : 2);
	}
	waitpid(tracer, &st, 0);
	ok(WIFEXITED(st) && WEXITSTATUS(st) == 0, "a dead tracee waits for its tracer");
	for (int i = 0; i < 200 && kill(pid, 0) == 0; i++)
		nap(5);
	ok(kill(pid, 0) == -1 && errno == ESRCH, "when that goes, and the parent does not care, it goes too");
	close(fds[0]);
	close(fds[1]);
	end(parent);
}

int main(void)
{
	struct sigaction sa = { .sa_sigaction = on_child, .sa_flags = SA_SIGINFO | SA_RESTART };

	plan(20);
	sigaction(SIGCHLD, &sa, NULL);
	told_apart();
	stopped_before();
	tracer_goes();
	nobody_waits();
	return done();
}
