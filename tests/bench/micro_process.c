/* SPDX-License-Identifier: MIT */
/* Rows: processes and threads. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/wait.h>
#include "micro.h"

void op_fork_wait(void)
{
	pid_t p = fork();

	NEED(p >= 0);
	if (p == 0)
		_exit(0);
	NEED(waitpid(p, NULL, 0) == p);
}

static void wait_exec(pid_t p)
{
	int st;

	NEED(p >= 0);
	NEED(waitpid(p, &st, 0) == p);
	NEED(WIFEXITED(st) && WEXITSTATUS(st) == 0);
}

static void op_fork_exec(void)
{
	pid_t p = fork();

	if (p == 0) {
		execl("/proc/self/exe", "micro", "exit", (char *)NULL);
		_exit(1);
	}
	wait_exec(p);
}

static void op_vfork_exec(void)
{
	pid_t p = vfork();

	if (p == 0) {
		execl("/proc/self/exe", "micro", "exit", (char *)NULL);
		_exit(1);
	}
	wait_exec(p);
}

static void *thread(void *arg) { return arg; }

static void op_thread(void)
{
	pthread_t t;

	NEED(pthread_create(&t, NULL, thread, NULL) == 0);
	NEED(pthread_join(t, NULL) == 0);
}

const struct row rows_process[] = {
	{ .name = "fork_exit_wait", .op = op_fork_wait },
	{ .name = "fork_exec_wait", .op = op_fork_exec },
	{ .name = "vfork_exec_wait", .op = op_vfork_exec },
	{ .name = "thread_create_join", .op = op_thread },
	{ .name = NULL },
};
