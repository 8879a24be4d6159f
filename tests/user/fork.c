/* SPDX-License-Identifier: MIT */
/* fork(2): two returns, memory apart, what is inherited and what is not. */
#include "harness.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static int global = 1;
static void handler(int sig) { (void)sig; }

static int reap(pid_t pid)
{
	int st;

	return waitpid(pid, &st, 0) == pid && WIFEXITED(st) ? WEXITSTATUS(st) : -1;
}

int main(void)
{
	int stack = 2, *heap = malloc(sizeof(int)), fds[2], bad = 0;
	struct itimerval it = { .it_value = { 100, 0 } }, left;
	struct sigaction sa = { .sa_handler = handler }, now;
	sigset_t set, pending;
	pid_t pid, parent = getpid();

	plan(12);
	*heap = 3;
	pid = fork();
	if (!pid)
		_exit(getppid() == parent && getpid() != parent ? 42 : 1);
	ok(pid > 0 && pid != parent, "the parent gets the child's number");
	ok(reap(pid) == 42, "the child gets 0 and knows its parent");

	pid = fork();
	if (!pid) {
		global = stack = *heap = 99;
		_exit(0);
	}
	reap(pid);
	ok(global == 1 && stack == 2 && *heap == 3, "globals, stack and heap of the parent stay");
	global = stack = *heap = 7;
	pid = fork();
	if (!pid)
		_exit(global == 7 && stack == 7 && *heap == 7 ? 0 : 1);
	global = 8;
	ok(reap(pid) == 0, "the child has what was there at fork");

	if (pipe(fds))
		bail("pipe");
	sigaction(SIGUSR1, &sa, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR2);
	setitimer(ITIMER_REAL, &it, NULL);
	pid = fork();
	if (!pid) {
		sigaction(SIGUSR1, NULL, &now);
		bad |= now.sa_handler != handler ? 1 : 0;
		sigprocmask(SIG_SETMASK, NULL, &set);
		bad |= sigismember(&set, SIGUSR2) ? 0 : 2;
		sigpending(&pending);
		bad |= sigismember(&pending, SIGUSR2) ? 4 : 0;
		getitimer(ITIMER_REAL, &left);
		bad |= left.it_value.tv_sec || left.it_value.tv_usec ? 8 : 0;
		bad |= getpgid(0) != getpgid(parent) || getsid(0) != getsid(parent) ? 16 : 0;
		bad |= write(fds[1], "x", 1) == 1 ? 0 : 32;
		_exit(bad);
	}
	bad = reap(pid);
	ok(!(bad & 1), "handlers are inherited");
	ok(!(bad & 2), "the mask is inherited");
	ok(!(bad & 4), "pending signals are not");
	ok(!(bad & 8), "timers are not");
	ok(!(bad & 16), "process group and session are");
	ok(!(bad & 32) && read(fds[0], &bad, 1) == 1, "descriptors share the open file");

	pid = fork();
	if (!pid) {
		struct rusage ru;

		getrusage(RUSAGE_CHILDREN, &ru);
		_exit(ru.ru_utime.tv_sec || ru.ru_stime.tv_sec || getpid() == parent);
	}
	ok(reap(pid) == 0, "the child has no children's times");
	errno = 0;
	ok(waitpid(-1, NULL, 0) == -1 && errno == ECHILD, "no children are left");
	return done();
}
