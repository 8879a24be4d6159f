/* SPDX-License-Identifier: MIT */
/*
 * Children, and waiting for what they do by events: gates (a pipe that one
 * side waits at) and "that thread sleeps now" (the state that the kernel
 * shows), so that no check rests on how long something takes.  What never happens is
ended by the runner's time-out.
 */
#ifndef CHILD_H
#define CHILD_H
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Exit status, 1000 + signal, or -1: no such child. */
__attribute__((unused)) static int exit_of(pid_t pid)
{
	int st;

	while (waitpid(pid, &st, 0) != pid)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(st) ? WEXITSTATUS(st) : 1000 + WTERMSIG(st);
}

/* Run the statement in a child, which ends with the value of `code'. */
#define in_child(code) ({ \
	pid_t in_child_pid_; \
	fflush(NULL); \
	in_child_pid_ = fork(); \
	if (!in_child_pid_) \
		_exit(code); \
	if (in_child_pid_ < 0) \
		bail("fork"); \
	exit_of(in_child_pid_); \
	})

struct gate { int fd[2]; };

__attribute__((unused)) static void gate_init(struct gate *g)
{
	if (pipe2(g->fd, O_CLOEXEC))
		bail("pipe2");
}
/* Let n waiters through. */
__attribute__((unused)) static void gate_open_n(struct gate *g, int n)
{
	while (n-- > 0)
		if (write(g->fd[1], "g", 1) != 1)
			bail("gate");
}
__attribute__((unused)) static void gate_open(struct gate *g) { gate_open_n(g, 1); }
__attribute__((unused)) static void gate_wait(struct gate *g)
{
	char c;
	ssize_t n;

	do
		n = read(g->fd[0], &c, 1);
	while (n < 0 && errno == EINTR);
}
__attribute__((unused)) static void gate_close(struct gate *g)
{
	close(g->fd[0]);
	close(g->fd[1]);
}

/* The state letter of /proc/PID/task/TID/stat (tid 0: the process's own); 0 if it is gone. */
__attribute__((unused)) static char task_state(pid_t pid, pid_t tid)
{
	char path[64], text[512], *p;
	int fd;
	ssize_t n;

	if (tid)
		snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);
	else
		snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	p = strrchr(text, ')');
	return p ? p[2] : 0;
}

/* Wait for what must come, however late: here, as a condition. */
#define wait_until(condition) do { while (!(condition)) usleep(1000); } while (0)

/* Wait until it is in that state; false when it has ended, or after a minute. */
__attribute__((unused)) static int wait_state(pid_t pid, pid_t tid, char state)
{
	struct timespec ts = { 0, 1000000 };

	for (int i = 0; i < 60000; i++) {
		char now = task_state(pid, tid);

		if (now == state)
			return 1;
		if (!now || now == 'Z' || now == 'X')
			return 0;
		nanosleep(&ts, NULL);
	}
	return 0;
}
/* A joined thread is still in the process for a moment: Linux wakes who joins before it takes the thread out.  True: it left. */
__attribute__((unused)) static int thread_leaves(pid_t tid)
{
	struct timespec ts = { 0, 1000000 };

	for (int i = 0; i < 60000 && task_state(getpid(), tid); i++)
		nanosleep(&ts, NULL);
	return !task_state(getpid(), tid);
}

__attribute__((unused)) static int wait_sleeping(pid_t pid) { return wait_state(pid, 0, 'S'); }
__attribute__((unused)) static int wait_thread_sleeping(pid_t tid) { return wait_state(getpid(), tid, 'S'); }

__attribute__((unused)) static long long now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}
#endif
