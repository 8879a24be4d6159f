/* SPDX-License-Identifier: MIT */
/* Shared futexes are the memory, not the address: anonymous, of a file, of shared memory, mapped twice, over fork and copy on write; private ones are apart. */
#include "harness.h"
#include "futex_util.h"
#include <sys/shm.h>

static uint32_t *map_of(int fd, off_t off) { return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, off); }

/* A child waits on `w'; whether a wake on `at' reaches it. */
static int reaches(uint32_t *w, uint32_t *at, int wait_op, int wake_op)
{
	pid_t pid = fork();
	long n;

	if (!pid)
		_exit(fut(w, wait_op, 0, NULL, NULL, 0) == 0 ? 42 : 1);
	wait_sleeping(pid);
	n = fut(at, wake_op, 1, NULL, NULL, 0);
	if (n != 1)
		kill(pid, SIGKILL);
	return exit_of(pid) == 42 && n == 1;
}

int main(void)
{
	uint32_t *anon, *file1, *file2, *priv, *shm1, *shm2, *other;
	int fd, id;
	static uint32_t data;

	plan(11);
	anon = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	priv = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	fd = open("f", O_RDWR | O_CREAT, 0600);
	if (ftruncate(fd, 8192))
		bail("file");
	file1 = map_of(fd, 0);
	file2 = map_of(fd, 0);
	other = map_of(fd, 4096);
	id = shmget(IPC_PRIVATE, 4096, 0600);
	shm1 = shmat(id, NULL, 0);
	shm2 = shmat(id, NULL, 0);
	ok(reaches(anon, anon, FUTEX_WAIT, FUTEX_WAKE), "shared anonymous memory");
	ok(reaches(file1, file2, FUTEX_WAIT, FUTEX_WAKE), "a file, mapped twice");
	ok(reaches(file1 + 7, file2 + 7, FUTEX_WAIT, FUTEX_WAKE), "another word of it");
	ok(!reaches(file1, file1 + 1, FUTEX_WAIT, FUTEX_WAKE), "not the word beside it");
	ok(!reaches(file1, other, FUTEX_WAIT, FUTEX_WAKE), "not the next page's");
	ok(reaches(shm1, shm2, FUTEX_WAIT, FUTEX_WAKE), "System V shared memory, attached twice");
	ok(!reaches(&data, &data, FUTEX_WAIT, FUTEX_WAKE), "private memory is each process's own");
	ok(!reaches(priv, priv, FUTEX_WAIT, FUTEX_WAKE), "also anonymous");
	ok(!reaches(anon, anon, FUTEX_WAIT_PRIVATE, FUTEX_WAKE_PRIVATE), "the PRIVATE operations are of one address space");
	/* unlinked, the file is still the same memory */
	unlink("f");
	ok(reaches(file2, file1, FUTEX_WAIT, FUTEX_WAKE), "after unlink");
	/* a waiter on memory that its process then no longer shares by address */
	pid_t pid = fork();

	if (!pid) {
		uint32_t *moved = mremap(anon, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, (char *)priv);

		_exit(moved == priv && fut(moved, FUTEX_WAIT, 0, NULL, NULL, 0) == 0 ? 42 : 1);
	}
	wait_sleeping(pid);
	ok(fut(anon, FUTEX_WAKE, 1, NULL, NULL, 0) == 1 && exit_of(pid) == 42, "moved to another address in one of them");
	shmctl(id, IPC_RMID, NULL);
	return done();
}
