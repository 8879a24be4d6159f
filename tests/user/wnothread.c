/* SPDX-License-Identifier: MIT */
/* __WNOTHREAD, __WALL, __WCLONE: whose children a thread waits for, and what becomes of them when the thread ends. */
#include "harness.h"
#include "child.h"
#include <pthread.h>

static volatile pid_t theirs, leaver;
static struct gate go, back;
static volatile int results[4];

static void *thread(void *arg)
{
	pid_t mine = fork();
	int st;

	if (!mine)
		_exit(21);
	theirs = mine;
	wait_state(mine, 0, 'Z');
	gate_open(&back);
	gate_wait(&go);
	results[0] = waitpid(-1, &st, __WNOTHREAD | WNOHANG) == mine;
	results[1] = WEXITSTATUS(st);
	results[2] = waitpid(-1, &st, __WNOTHREAD | WNOHANG) == -1 && errno == ECHILD;
	return arg;
}
static void *leaves_child(void *arg)
{
	pid_t mine = fork();

	if (!mine)
		_exit(22);
	theirs = mine;
	leaver = gettid();
	return arg;
}

int main(void)
{
	pthread_t t;
	pid_t pid;
	int st;

	plan(10);
	gate_init(&go);
	gate_init(&back);
	pthread_create(&t, NULL, thread, NULL);
	gate_wait(&back);
	ok(waitpid(-1, &st, __WNOTHREAD | WNOHANG) == -1 && errno == ECHILD, "another thread's child is not ours with __WNOTHREAD");
	ok(waitpid(theirs, &st, __WNOTHREAD | WNOHANG) == -1 && errno == ECHILD, "nor by its number");
	siginfo_t si = { 0 };
	ok(waitid(P_ALL, 0, &si, WEXITED | WNOWAIT | WNOHANG) == 0 && si.si_pid == theirs, "without it, it is");
	gate_open(&go);
	pthread_join(t, NULL);
	ok(results[0] && results[1] == 21, "the thread itself finds it");
	ok(results[2], "and then no other");
	pthread_create(&t, NULL, leaves_child, NULL);
	pthread_join(t, NULL);
	ok(thread_leaves(leaver) && waitpid(theirs, &st, __WNOTHREAD) == theirs && WIFEXITED(st) && WEXITSTATUS(st) == 22, "a thread that ends leaves its children to another one");
	pid = (pid_t)syscall(SYS_clone, 0, 0, 0, 0, 0);
	if (!pid)
		_exit(5);
	wait_state(pid, 0, 'Z');
	ok_errno(waitpid(pid, &st, WNOHANG), ECHILD, "a child without SIGCHLD is not waited for");
	ok(waitpid(pid, &st, __WALL | WNOHANG | __WNOTHREAD) == pid && WEXITSTATUS(st) == 5, "but with __WALL");
	pid = fork();
	if (!pid)
		_exit(6);
	wait_state(pid, 0, 'Z');
	ok_errno(waitpid(pid, &st, __WCLONE | WNOHANG), ECHILD, "an ordinary one not with __WCLONE");
	ok(exit_of(pid) == 6, "but plainly");
	return done();
}
