/* SPDX-License-Identifier: MIT */
/* exit_group(2) ends every thread, whatever it is doing, with one status; exit(2) only its own. */
#include "harness.h"
#include "child.h"
#include <poll.h>
#include <pthread.h>
#include <sys/mman.h>

static struct gate ready, never;
static unsigned futex_word;

static void *spin(void *arg)
{
	gate_open(&ready);
	for (volatile unsigned long i = 0;; i++)
		;
	return arg;
}
static void *reads(void *arg)
{
	gate_open(&ready);
	gate_wait(&never);
	return arg;
}
static void *futexes(void *arg)
{
	gate_open(&ready);
	syscall(SYS_futex, &futex_word, 0, 0, NULL, NULL, 0);
	return arg;
}
static void *sleeps(void *arg)
{
	gate_open(&ready);
	sleep(1000);
	return arg;
}
static void *polls(void *arg)
{
	gate_open(&ready);
	poll(NULL, 0, -1);
	return arg;
}
static void *faults(void *arg)
{
	gate_open(&ready);
	for (;;) {
		char *p = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		for (int i = 0; i < 1 << 16; i += 4096)
			p[i] = 1;
		munmap(p, 1 << 16);
	}
	return arg;
}
static void *calls_group(void *arg)
{
	syscall(SYS_exit_group, (int)(long)arg);
	return NULL;
}
static void *many_exit(void *arg)	/* all at once: one of the statuses wins */
{
	gate_wait(arg);
	syscall(SYS_exit_group, 50);
	return NULL;
}
static void *thread_exits(void *arg)
{
	syscall(SYS_exit, 33);
	return arg;
}

static int with(void *(*fn)(void *), int by_thread)
{
	pid_t pid = fork();
	pthread_t t;

	if (!pid) {
		for (int i = 0; i < 3; i++)
			pthread_create(&t, NULL, fn, NULL);
		for (int i = 0; i < 3; i++)
			gate_wait(&ready);
		if (!by_thread)
			syscall(SYS_exit_group, 7);
		pthread_create(&t, NULL, calls_group, (void *)7L);
		pause();
	}
	return exit_of(pid);
}

int main(void)
{
	pthread_t t;
	pid_t pid;
	int st;

	plan(12);
	gate_init(&ready);
	gate_init(&never);
	ok(with(spin, 0) == 7, "threads that run");
	ok(with(reads, 0) == 7, "that read");
	ok(with(futexes, 0) == 7, "that wait for a futex");
	ok(with(sleeps, 0) == 7, "that sleep");
	ok(with(polls, 0) == 7, "that poll");
	ok(with(faults, 0) == 7, "that map and fault");
	ok(with(spin, 1) == 7 && with(reads, 1) == 7, "by another thread than the first");
	pid = fork();
	if (!pid) {
		struct gate g;

		gate_init(&g);
		for (int i = 0; i < 8; i++)
			pthread_create(&t, NULL, many_exit, &g);
		gate_open_n(&g, 8);
		pause();
	}
	ok(exit_of(pid) == 50, "eight at once");
	pid = fork();
	if (!pid) {
		pthread_create(&t, NULL, thread_exits, NULL);
		while (!kill(getpid(), 0) && syscall(SYS_tgkill, getpid(), getpid(), 0) == 0 && task_state(getpid(), getpid() + 1))
			sched_yield();
		_exit(5);
	}
	ok(exit_of(pid) == 5, "exit(2) of a thread ends it alone");
	pid = fork();
	if (!pid) {
		pthread_create(&t, NULL, sleeps, NULL);
		gate_wait(&ready);
		syscall(SYS_exit, 44);
	}
	ok(wait_state(pid, 0, 'Z') && waitpid(pid, &st, WNOHANG) == 0, "the first thread's end is not the process's");
	kill(pid, SIGKILL);
	ok(exit_of(pid) == 1000 + SIGKILL, "which may be killed");
	pid = fork();
	if (!pid) {
		pthread_create(&t, NULL, thread_exits, NULL);
		pthread_detach(t);
		syscall(SYS_exit, 44);
	}
	st = exit_of(pid);
	ok(st == 44 || st == 33, "all by exit(2): a status of one of them (%d)", st);
	return done();
}
