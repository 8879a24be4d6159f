/* SPDX-License-Identifier: MIT */
/* ptrace(2): the tracer is one thread.  Others may wait, not ask; it lets go when it ends; SIGKILL may come at any moment of a request. */
#include "harness.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KILLS = 60 };
#ifndef __WNOTHREAD
#define __WNOTHREAD 0x20000000
#endif
static pid_t child;
static volatile long word = 0x1234;

static void *ask(void *arg)
{
	(void)arg;
	errno = 0;
	return (void *)(intptr_t)(ptrace(PTRACE_PEEKDATA, child, (void *)&word, NULL) == -1 ? errno : 0);
}

static void *wait_for_it(void *arg)
{
	int st;

	(void)arg;
	if (waitpid(child, &st, __WALL | __WNOTHREAD | WNOHANG) != -1 || errno != ECHILD)
		return (void *)1;
	return (void *)(intptr_t)(waitpid(child, &st, __WALL) == child && WIFSTOPPED(st) ? 0 : 2);
}

static void *attach_and_end(void *arg)
{
	int st;

	(void)arg;
	if (ptrace(PTRACE_ATTACH, child, NULL, NULL) || waitpid(child, &st, __WALL) != child || !WIFSTOPPED(st))
		return (void *)1;
	return NULL;
}

static void *in_a_thread(void *(*fn)(void *))
{
	pthread_t t;
	void *ret = (void *)-1;

	if (pthread_create(&t, NULL, fn, NULL) || pthread_join(t, &ret))
		return (void *)-2;
	return ret;
}

/* Requests while somebody kills it: each succeeds or says that there is no such tracee. */
static int killed_in_requests(void)
{
	int st;

	for (int i = 0; i < KILLS; i++) {
		pid_t killer;

		child = sleeping_child();
		if (ptrace(PTRACE_SEIZE, child, NULL, NULL) || ptrace(PTRACE_INTERRUPT, child, NULL, NULL) || waitpid(child, &st, __WALL) != child)
			return 1;
		killer = fork();
		if (!killer) {
			for (volatile int k = 0; k < i * 200; k++)
				;
			_exit(kill(child, SIGKILL));
		}
		for (;;) {
			errno = 0;
			if (ptrace(PTRACE_PEEKDATA, child, (void *)&word, NULL) != 0x1234)
				break;
		}
		if (errno != ESRCH)
			return 2;
		if (waitpid(child, &st, __WALL) != child || !WIFSIGNALED(st) || WTERMSIG(st) != SIGKILL)
			return 3;
		if (waitpid(killer, &st, 0) != killer || st)
			return 4;
	}
	return 0;
}

int main(void)
{
	int st;

	plan(11);
	child = sleeping_child();
	ok(ptrace(PTRACE_SEIZE, child, NULL, NULL) == 0 && ptrace(PTRACE_INTERRUPT, child, NULL, NULL) == 0, "seized by the first thread");
	ok(in_a_thread(wait_for_it) == NULL, "another waits for it, unless it asks for its own");
	ok((intptr_t)in_a_thread(ask) == ESRCH, "another may not ask");
	ok((intptr_t)ask(NULL) == 0, "the first may");
	ok(ptrace(PTRACE_DETACH, child, NULL, NULL) == 0, "detach");
	ok((intptr_t)ask(NULL) == ESRCH, "and no more");

	ok(in_a_thread(attach_and_end) == NULL, "a thread attaches, and ends");
	while (ptrace(PTRACE_SEIZE, child, NULL, NULL) && errno == EPERM)	/* join(3) is told before the thread has gone */
		usleep(1000);
	ok(ptrace(PTRACE_INTERRUPT, child, NULL, NULL) == 0 && waitpid(child, &st, __WALL) == child && WIFSTOPPED(st), "it had let go");
	ok((intptr_t)ask(NULL) == 0, "the new tracer asks");
	ok(kill(child, SIGKILL) == 0 && waitpid(child, &st, __WALL) == child && WIFSIGNALED(st), "killed in its stop");
	ok(killed_in_requests() == 0, "killed while requests are made");
	return done();
}
