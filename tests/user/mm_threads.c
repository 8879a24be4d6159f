/* SPDX-License-Identifier: MIT */
/*
 * Threads of one process that fault, unmap, protect, copy through system calls
 * and fork at the same time: nobody sees anything but his own.
 */
#include "harness.h"
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 6, ROUNDS = 60, PAGES = 48 };
static size_t page;
static volatile int errors;

static void check(int cond) { if (!cond) __sync_fetch_and_add(&errors, 1); }

static void *churn(void *arg)
{
	unsigned id = (unsigned)(uintptr_t)arg;
	int fd[2];
	char *buf = malloc(3 * page);

	if (pipe(fd))
		return NULL;
	for (unsigned r = 0; r < ROUNDS; r++) {
		unsigned char v = (unsigned char)(id * 40 + r);
		unsigned char *p = mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		check(p != MAP_FAILED);
		for (unsigned i = 0; i < PAGES; i++) {
			check(p[i * page] == 0);
			p[i * page] = (unsigned char)(v + i);
		}
		check(write(fd[1], p + page, 2 * page) == (ssize_t)(2 * page));
		check(read(fd[0], p + 5 * page + 3, 2 * page) == (ssize_t)(2 * page));
		check(p[5 * page + 3] == (unsigned char)(v + 1) && p[6 * page + 3] == (unsigned char)(v + 2));
		check(mprotect(p + 8 * page, 4 * page, PROT_READ) == 0);
		check(p[9 * page] == (unsigned char)(v + 9));
		check(mprotect(p + 8 * page, 4 * page, PROT_READ | PROT_WRITE) == 0);
		p[9 * page] = 1;
		check(madvise(p + 20 * page, 4 * page, MADV_DONTNEED) == 0);
		check(p[21 * page] == 0);
		p[21 * page] = v;
		check(munmap(p + 30 * page, 4 * page) == 0);
		for (unsigned i = 40; i < PAGES; i++)
			check(p[i * page] == (unsigned char)(v + i));
		if (id == 0 && r % 10 == 0) {
			pid_t pid = fork();
			int status;

			if (!pid) {
				for (unsigned i = 40; i < PAGES; i++)
					if (p[i * page] != (unsigned char)(v + i))
						_exit(1);
				p[41 * page] = 99;
				_exit(0);
			}
			check(waitpid(pid, &status, 0) == pid && status == 0);
			check(p[41 * page] == (unsigned char)(v + 41));
		}
		check(munmap(p, 30 * page) == 0 && munmap(p + 34 * page, (PAGES - 34) * page) == 0);
	}
	close(fd[0]);
	close(fd[1]);
	free(buf);
	return NULL;
}

/* One page that all threads fault in at once. */
static unsigned *shared;
static pthread_barrier_t barrier;
static void *together(void *arg)
{
	(void)arg;
	for (unsigned r = 0; r < 40; r++) {
		pthread_barrier_wait(&barrier);
		__sync_fetch_and_add(&shared[r * page / sizeof(unsigned)], 1);
		pthread_barrier_wait(&barrier);
	}
	return NULL;
}

int main(void)
{
	pthread_t t[THREADS];
	int good = 1;

	plan(3);
	page = (size_t)sysconf(_SC_PAGESIZE);
	for (uintptr_t i = 0; i < THREADS; i++)
		if (pthread_create(&t[i], NULL, churn, (void *)i))
			bail("pthread_create");
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	ok(errors == 0, "map, fault, copy, protect, advise, fork, unmap (%d errors)", errors);
	shared = mmap(NULL, 40 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pthread_barrier_init(&barrier, NULL, THREADS);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, together, NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	for (unsigned r = 0; r < 40; r++)
		good &= shared[r * page / sizeof(unsigned)] == THREADS;
	ok(good, "a page that all fault in at once is one page");
	ok(munmap(shared, 40 * page) == 0, "munmap");
	return done();
}
