/* SPDX-License-Identifier: MIT */
/* System V semaphores. */
#include "harness.h"
#include "child.h"
#include <signal.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

union semun { int val; struct semid_ds *buf; unsigned short *array; };

static int op(int id, int num, int n, int flg)
{
	struct sembuf b = { (unsigned short)num, (short)n, (short)flg };

	return semop(id, &b, 1);
}

static volatile sig_atomic_t hits;
static void hit(int sig) { hits++; }

int main(void)
{
	unsigned short all[4] = { 1, 2, 3, 4 }, got[4];
	struct semid_ds ds;
	union semun u = { .array = all };
	int id = semget(IPC_PRIVATE, 4, 0600), id2, st;
	pid_t pid;

	ok(id >= 0, "semget");
	ok(semctl(id, 0, SETALL, u) == 0, "SETALL");
	u.array = got;
	ok(semctl(id, 0, GETALL, u) == 0 && !memcmp(all, got, sizeof(all)), "GETALL");
	ok(semctl(id, 2, GETVAL) == 3, "GETVAL");
	u.val = 7;
	ok(semctl(id, 2, SETVAL, u) == 0 && semctl(id, 2, GETVAL) == 7 && semctl(id, 2, GETPID) == getpid(), "SETVAL, GETPID");
	u.val = 40000;
	ok_errno(semctl(id, 2, SETVAL, u), ERANGE, "a value out of range");
	ok_errno(semctl(id, 9, GETVAL), EINVAL, "a number out of range");
	u.buf = &ds;
	ok(semctl(id, 0, IPC_STAT, u) == 0 && ds.sem_nsems == 4 && (ds.sem_perm.mode & 0777) == 0600 && ds.sem_perm.cuid == geteuid(), "IPC_STAT");
	ok(op(id, 0, -1, IPC_NOWAIT) == 0 && semctl(id, 0, GETVAL) == 0, "down");
	ok_errno(op(id, 0, -1, IPC_NOWAIT), EAGAIN, "down of zero, not waiting");
	ok(op(id, 0, 0, IPC_NOWAIT) == 0, "waiting for zero");
	struct sembuf two[2] = { { 1, -1, IPC_NOWAIT }, { 0, -1, IPC_NOWAIT } };
	ok_errno(semop(id, two, 2), EAGAIN, "two at once, one of which cannot be");
	ok(semctl(id, 1, GETVAL) == 2, "then neither is done");
	struct timespec ts = { 0, 50000000 };
	struct sembuf one = { 0, -1, 0 };
	ok_errno(semtimedop(id, &one, 1, &ts), EAGAIN, "a time-out");
	ok_errno(op(id, 9, 1, 0), EFBIG, "no such semaphore");
	ok_errno(semop(id, two, 501), E2BIG, "too many operations");

	pid = fork();
	if (pid == 0)
		_exit(op(id, 0, -1, 0) == 0 ? 0 : 1);
	wait_until(semctl(id, 0, GETNCNT) == 1);
	ok(semctl(id, 0, GETNCNT) == 1, "GETNCNT: one waits");
	ok(op(id, 0, 1, 0) == 0 && waitpid(pid, &st, 0) == pid && st == 0, "up wakes it");
	ok(semctl(id, 0, GETVAL) == 0, "and it has taken it");

	if (fork() == 0)
		_exit(op(id, 0, 5, SEM_UNDO));
	wait(&st);
	ok(st == 0 && semctl(id, 0, GETVAL) == 0, "SEM_UNDO takes back what an exited process added");
	pid = fork();
	if (pid == 0) {
		op(id, 1, -2, SEM_UNDO);
		pause();
	}
	wait_until(semctl(id, 1, GETVAL) == 0);
	ok(semctl(id, 1, GETVAL) == 0, "a child holds it");
	kill(pid, SIGKILL);
	waitpid(pid, &st, 0);
	ok(semctl(id, 1, GETVAL) == 2, "and loses it when it is killed");

	struct sigaction sa = { .sa_handler = hit, .sa_flags = SA_RESTART };
	sigaction(SIGALRM, &sa, NULL);
	ualarm(50000, 50000);
	ok_errno(op(id, 0, -1, 0), EINTR, "a signal ends the wait, SA_RESTART or not");
	ualarm(0, 0);

	key_t key = 0x1ea5e;
	id2 = semget(key, 2, IPC_CREAT | IPC_EXCL | 0600);
	ok(id2 >= 0 && semget(key, 1, 0) == id2, "by key");
	ok_errno(semget(key, 2, IPC_CREAT | IPC_EXCL | 0600), EEXIST, "exclusively");
	ok_errno(semget(key, 3, 0), EINVAL, "smaller than wanted");
	ok_errno(semget(0x7777, 1, 0), ENOENT, "no such key");
	ok_errno(semget(IPC_PRIVATE, 0, 0), EINVAL, "none");
	pid = fork();
	if (pid == 0)
		_exit(op(id2, 0, -1, 0) == -1 && errno == EIDRM ? 0 : 1);
	wait_until(semctl(id2, 0, GETNCNT) == 1);
	ok(semctl(id2, 0, IPC_RMID) == 0 && waitpid(pid, &st, 0) == pid && st == 0, "who waits for a removed set gets EIDRM");
	ok(semctl(id2, 0, GETVAL) == -1 && (errno == EINVAL || errno == EIDRM), "the id is stale");
	if (geteuid() == 0) {
		if (fork() == 0) {
			if (setuid(1000))
				_exit(9);
			if (op(id, 0, 1, 0) != -1 || errno != EACCES)
				_exit(1);
			_exit(semctl(id, 0, IPC_RMID) == -1 && errno == EPERM ? 0 : 2);
		}
		wait(&st);
		ok(st == 0, "permissions (%x)", st);
	} else {
		ok(1, "# SKIP not root");
	}
	semctl(id, 0, IPC_RMID);
	return done();
}
