/* SPDX-License-Identifier: MIT */
/* System V shared memory. */
#include "harness.h"
#include <signal.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned long attaches(int id)
{
	struct shmid_ds ds;

	return shmctl(id, IPC_STAT, &ds) ? 999 : ds.shm_nattch;
}

int main(void)
{
	long page = sysconf(_SC_PAGESIZE);
	struct shmid_ds ds;
	int id = shmget(IPC_PRIVATE, 5 * page + 100, 0600), st;
	char *a, *b;
	pid_t pid;

	ok(id >= 0, "shmget");
	a = shmat(id, NULL, 0);
	ok(a != (void *)-1 && a[0] == 0 && a[5 * page] == 0, "attached, zero");
	b = shmat(id, NULL, 0);
	ok(b != (void *)-1 && b != a, "twice");
	strcpy(a + page, "shared");
	ok(!strcmp(b + page, "shared"), "the same memory");
	ok(attaches(id) == 2, "two attaches");
	pid = fork();
	if (pid == 0) {
		strcpy(a, "from the child");
		_exit(attaches(id) == 4 ? 0 : 1);
	}
	waitpid(pid, &st, 0);
	ok(st == 0, "a child counts");
	ok(!strcmp(b, "from the child"), "and shares");
	ok(attaches(id) == 2, "until it exits");
	ok(shmctl(id, IPC_STAT, &ds) == 0 && ds.shm_segsz == (size_t)(5 * page + 100) && ds.shm_cpid == getpid() && (ds.shm_perm.mode & 0777) == 0600, "IPC_STAT");
	ok(shmdt(b) == 0 && attaches(id) == 1, "shmdt");
	ok_errno(shmdt(b), EINVAL, "not twice");
	ok_errno(shmdt(a + page), EINVAL, "not in the middle");
	b = shmat(id, NULL, SHM_RDONLY);
	ok(b != (void *)-1 && !strcmp(b, "from the child"), "read only");
	ok_errno(mprotect(b, (size_t)page, PROT_READ | PROT_WRITE), EACCES, "for ever");
	pid = fork();
	if (pid == 0) {
		b[0] = 1;
		_exit(0);
	}
	waitpid(pid, &st, 0);
	ok(WIFSIGNALED(st) && WTERMSIG(st) == SIGSEGV, "writing there is a fault");
	shmdt(b);
	b = mmap(NULL, 16 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	munmap(b, 16 * page);
	ok(shmat(id, b + 100, SHM_RND) == b, "at an address, rounded");
	ok_errno((long)shmat(id, b + 100, 0), EINVAL, "not rounded");
	ok_errno((long)shmat(id, b, 0), EINVAL, "over something else");
	ok(shmat(id, b, SHM_REMAP) == b, "unless SHM_REMAP");
	shmdt(b);
	ok(shmctl(id, IPC_RMID, NULL) == 0, "removed while attached");
	ok(shmctl(id, IPC_STAT, &ds) == 0 && (ds.shm_perm.mode & SHM_DEST), "marked");
	strcpy(a, "still here");
	b = shmat(id, NULL, 0);
	ok(b != (void *)-1 && !strcmp(b, "still here"), "it can be attached as long as somebody has it");
	shmdt(a);
	shmdt(b);
	ok(shmctl(id, IPC_STAT, &ds) == -1 && (errno == EINVAL || errno == EIDRM), "and is gone with the last");
	id = shmget(0x1ea60, page, IPC_CREAT | IPC_EXCL | 0600);
	ok(id >= 0 && shmget(0x1ea60, page, 0) == id && shmget(0x1ea60, 0, 0) == id, "by key");
	ok_errno(shmget(0x1ea60, 2 * page, 0), EINVAL, "smaller than wanted");
	ok_errno(shmget(0x1ea60, page, IPC_CREAT | IPC_EXCL), EEXIST, "exclusively");
	ok_errno(shmget(IPC_PRIVATE, 0, 0600), EINVAL, "of no size");
	ok(shmctl(id, IPC_RMID, NULL) == 0 && shmctl(id, IPC_RMID, NULL) == -1, "removed at once when nobody has it");
	return done();
}
