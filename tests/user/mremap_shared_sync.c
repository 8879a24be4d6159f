/* SPDX-License-Identifier: MIT */
/*
 * A shared mapping of a file that moves (mremap(2)) while the file is synced:
 * what is stored through it afterwards reaches the file.  The file is mapped
 * often, so that who looks for its mappings is busy for a while.
 */
#include "harness.h"
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <time.h>

enum { PAGE = 4096, PAGES = 64, OTHERS = 60, SECONDS = 6, ROUNDS = 400 };
static int fd;
static atomic_int go, done_at, finished;

static void *syncer(void *arg)
{
	(void)arg;
	for (int seen = 0; !atomic_load(&finished);) {
		int now = atomic_load(&go);

		if (now == seen)
			continue;
		seen = now;
		fsync(fd);
		atomic_store(&done_at, seen);
	}
	return NULL;
}

int main(void)
{
	uint64_t *p, *other[OTHERS], buf[PAGE / 8];
	char *places = mmap(NULL, 2 * PAGES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	time_t end = time(NULL) + SECONDS;
	int rounds, lost = 0, bad = 0;
	pthread_t t;

	plan(3);
	fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || ftruncate(fd, PAGES * PAGE))
		bail("file");
	p = mmap(places, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
	pthread_create(&t, NULL, syncer, NULL);
	for (rounds = 0; rounds < ROUNDS && time(NULL) < end; rounds++) {
		char *to = places + (rounds % 2 ? 0 : PAGES * PAGE);

		for (int i = 0; i < OTHERS; i++) {
			other[i] = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
			bad |= other[i] == MAP_FAILED;
		}
		for (int i = 0; i < PAGES; i++)
			p[i * PAGE / 8] = (uint64_t)rounds * 2 + 1;
		atomic_store(&go, rounds + 1);
		for (volatile int k = 0; k < rounds % 100 * 4000; k++)
			;
		p = mremap(p, PAGES * PAGE, PAGES * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to);
		bad |= (char *)p != to;
		while (atomic_load(&done_at) != rounds + 1)
			sched_yield();
		for (int i = 0; i < PAGES; i++)
			p[i * PAGE / 8] = (uint64_t)rounds * 2 + 2;
		for (int i = 0; i < OTHERS; i++)
			munmap(other[i], PAGES * PAGE);
		munmap(p, PAGES * PAGE);
		fsync(fd);
		posix_fadvise(fd, 0, PAGES * PAGE, POSIX_FADV_DONTNEED);
		for (int i = 0; i < PAGES; i++) {
			bad |= pread(fd, buf, PAGE, i * PAGE) != PAGE;
			lost += buf[0] != (uint64_t)rounds * 2 + 2;
		}
		p = mmap(to, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
	}
	atomic_store(&finished, 1);
	pthread_join(t, NULL);
	ok(!bad, "mapped, moved and read");
	ok(rounds >= 20, "more than once (%d rounds)", rounds);
	ok(!lost, "nothing is lost (%d of %d)", lost, rounds * PAGES);
	return done();
}
