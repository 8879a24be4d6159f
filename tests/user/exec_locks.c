/* SPDX-License-Identifier: MIT */
/* Record locks outlive execve(2), also that of a process whose threads share the descriptors (fcntl(2)). */
#include "harness.h"
#include "child.h"
#include "exec_util.h"
#include <pthread.h>

enum { ROUNDS = 12, THREADS = 3 };

static struct flock region = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 3, .l_len = 4 };

static void *sleeper(void *arg)
{
	pthread_barrier_wait(arg);
	for (;;)
		pause();
	return NULL;
}

static void *executor(void *arg)
{
	execl(self_path(), "x", arg, NULL);
	_exit(9);
}

/* Takes the lock, and goes on as another program; by a thread that is not the first, if `other`. */
static int exec_with_lock(int threads, int other)
{
	pthread_barrier_t all;
	pthread_t t;
	char number[8];
	int fd = open("exec_locks.f", O_RDWR | O_CREAT, 0600);

	pthread_barrier_init(&all, NULL, (unsigned)threads + 1);
	if (fcntl(fd, F_SETLK, &region))
		return 8;
	for (int i = 0; i < threads; i++)
		pthread_create(&t, NULL, sleeper, &all);
	pthread_barrier_wait(&all);
	snprintf(number, sizeof(number), "%d", fd);
	if (other) {
		pthread_create(&t, NULL, executor, number);
		for (;;)
			pause();
	}
	executor(number);
	return 9;
}

/* In the program that came. */
static int still_locked(int fd)
{
	struct flock l = region;
	pid_t me = getpid();

	if (fcntl(fd, F_GETFD))
		return 1;
	return in_child((l.l_pid = 0, fcntl(fd, F_GETLK, &l) || l.l_type != F_WRLCK || l.l_pid != me || l.l_start != 3 || l.l_len != 4)) ? 2 : 0;
}

static int rounds(int threads, int other)
{
	int bad = 0;

	for (int i = 0; i < ROUNDS && !bad; i++)
		bad = in_child(exec_with_lock(threads, other));
	return bad;
}

int main(int argc, char **argv)
{
	int st;

	if (argc > 1)
		return still_locked(atoi(argv[1]));
	plan(3);
	st = rounds(0, 0);
	ok(st == 0, "of one thread (%d)", st);
	st = rounds(THREADS, 0);
	ok(st == 0, "of the first of several (%d)", st);
	st = rounds(THREADS, 1);
	ok(st == 0, "of another one (%d)", st);
	return done();
}
