/* SPDX-License-Identifier: MIT */
/* SEM_UNDO of a process with threads, and of one that unshares its adjustments (semop(2), unshare(2)). */
#include "harness.h"
#include "child.h"
#include <pthread.h>
#include <sys/ipc.h>
#include <sys/sem.h>

enum { THREADS = 4, SETS = 24, ROUNDS = 20 };
static int set[THREADS][SETS];
static pthread_barrier_t start;

static int add(int id, int n)
{
	struct sembuf op = { 0, (short)n, SEM_UNDO };

	return semop(id, &op, 1);
}

static void *adder(void *arg)
{
	int *mine = arg;

	pthread_barrier_wait(&start);
	for (int i = 0; i < SETS; i++)
		if (add(mine[i], 1))
			_exit(2);
	return NULL;
}

/* Each thread begins to adjust sets of its own, all at once. */
static int threads(void)
{
	pthread_t t[THREADS];

	pthread_barrier_init(&start, NULL, THREADS);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, adder, set[i]);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	for (int i = 0; i < THREADS; i++)
		for (int j = 0; j < SETS; j++)
			if (semctl(set[i][j], 0, GETVAL) != 1)
				return 3;
	return 0;
}

static int left_over(void)
{
	int n = 0;

	for (int i = 0; i < THREADS; i++)
		for (int j = 0; j < SETS; j++)
			n += semctl(set[i][j], 0, GETVAL) != 0;
	return n;
}

static void *sleeper(void *arg)
{
	gate_wait(arg);
	return NULL;
}

/* A thread that leaves the others does not end their adjustments. */
static int one_of_two(int id)
{
	struct gate g;
	pthread_t t;

	gate_init(&g);
	pthread_create(&t, NULL, sleeper, &g);
	if (add(id, 2) || unshare(CLONE_SYSVSEM) || semctl(id, 0, GETVAL) != 2)
		return 1;
	gate_open(&g);
	pthread_join(t, NULL);
	return 0;
}

/* Sets that are removed while a process has something to undo in them: more than these machines have memory for. */
static int removed_sets(void)
{
	for (int i = 0; i < 10000; i++) {
		int id = semget(IPC_PRIVATE, 8000, 0600);

		if (id < 0 || add(id, 1) || semctl(id, 0, IPC_RMID))
			return 0;
	}
	return 1;
}

/* Who ends, and who removes the sets in which it has something to undo, at the same time. */
static int remove_while_exiting(void)
{
	for (int r = 0; r < 60; r++) {
		int ids[SETS], p[2];
		char c = 0;

		if (pipe(p))
			return 0;
		for (int i = 0; i < SETS; i++)
			ids[i] = semget(IPC_PRIVATE, 1, 0600);
		pid_t pid = fork();
		if (pid == 0) {
			for (int i = 0; i < SETS; i++)
				add(ids[i], 1);
			_exit(write(p[1], &c, 1) != 1);
		}
		close(p[1]);
		if (read(p[0], &c, 1) != 1)
			return 0;
		close(p[0]);
		for (int i = 0; i < SETS; i++)
			if (semctl(ids[i], 0, IPC_RMID))
				return 0;
		if (waitpid(pid, NULL, 0) != pid)
			return 0;
	}
	return 1;
}

int main(void)
{
	int bad = 0, left = 0, id;

	plan(8);
	for (int i = 0; i < THREADS; i++)
		for (int j = 0; j < SETS; j++)
			if ((set[i][j] = semget(IPC_PRIVATE, 1, 0600)) < 0)
				bail("semget");
	for (int r = 0; r < ROUNDS; r++) {
		bad |= in_child(threads());
		left += left_over();
	}
	ok(bad == 0, "threads that adjust at once (%d)", bad);
	ok(left == 0, "all of it is undone at the end (%d not)", left);
	id = set[0][0];
	ok(in_child(add(id, 3) || semctl(id, 0, GETVAL) != 3 || unshare(CLONE_SYSVSEM) || semctl(id, 0, GETVAL) != 0) == 0, "unshare(CLONE_SYSVSEM) undoes");
	ok(semctl(id, 0, GETVAL) == 0, "once");
	ok(in_child(one_of_two(id)) == 0, "not while another thread shares them");
	ok(in_child(add(id, 1) || unshare(CLONE_SYSVSEM) || add(id, 5) || semctl(id, 0, GETVAL) != 5) == 0 && semctl(id, 0, GETVAL) == 0, "what comes afterwards is undone at exit");
	for (int i = 0; i < THREADS; i++)
		for (int j = 0; j < SETS; j++)
			semctl(set[i][j], 0, IPC_RMID);
	ok(removed_sets(), "a set that is removed leaves nothing to undo");
	ok(remove_while_exiting(), "nor while its user ends");
	return done();
}
