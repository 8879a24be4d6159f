/* SPDX-License-Identifier: MIT */
/*
 * Truncation against everything else: one thread cuts a file and lets it grow,
 * others write to it and read it through a mapping and through calls.  Every
 * byte seen is zero or what belongs at its place; SIGBUS is for what is gone.
 */
#include "harness.h"
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { PAGES = 32, ROUNDS = 400 };
static size_t page;
static int fd;
static unsigned char *map, *copy;
static volatile int stop, wrong, buses;
static __thread sigjmp_buf jump;

static void on_bus(int sig)
{
	(void)sig;
	__sync_fetch_and_add(&buses, 1);
	siglongjmp(jump, 1);
}

static unsigned char right(size_t at) { return (unsigned char)(at / page * 7 + at % 251 + 1) | 1; }
static void see(unsigned char c, size_t at) { if (c && c != right(at)) __sync_fetch_and_add(&wrong, 1); }

static void *mapper(void *arg)
{
	volatile unsigned r = (unsigned)(uintptr_t)arg;

	while (!stop) {
		size_t at;

		r = r * 1103515245 + 12345;
		at = (r >> 8) % (PAGES * page);
		if (!sigsetjmp(jump, 1)) {
			if (r & 1)
				map[at] = right(at);
			else
				see(map[at], at);
			if (r & 2)
				see(copy[at], at);
		}
	}
	return NULL;
}

static void *caller(void *arg)
{
	unsigned r = (unsigned)(uintptr_t)arg;
	unsigned char buf[3000];

	while (!stop) {
		size_t at;
		ssize_t n;

		r = r * 1103515245 + 12345;
		at = (r >> 8) % (PAGES * page - sizeof(buf));
		if (r & 1) {
			for (size_t i = 0; i < sizeof(buf); i++)
				buf[i] = right(at + i);
			if (pwrite(fd, buf, sizeof(buf), (off_t)at) != sizeof(buf))
				__sync_fetch_and_add(&wrong, 1);
		} else {
			n = pread(fd, buf, sizeof(buf), (off_t)at);
			for (ssize_t i = 0; i < n; i++)
				see(buf[i], at + (size_t)i);
		}
		/* Straight between the file and its own mapping. */
		if (!(r & 12))
			(void)!pwrite(fd, map + at / page * page, 100, (off_t)(at / page * page));
	}
	return NULL;
}

int main(void)
{
	pthread_t t[4];
	time_t end = time(NULL) + 4;

	plan(3);
	page = (size_t)sysconf(_SC_PAGESIZE);
	fd = open("trunc.dat", O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || ftruncate(fd, PAGES * page))
		bail("file");
	map = mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	copy = mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	signal(SIGBUS, on_bus);
	for (uintptr_t i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, i & 1 ? caller : mapper, (void *)(i + 1));
	for (int i = 0; i < ROUNDS && time(NULL) < end; i++) {
		if (ftruncate(fd, (off_t)(((unsigned)i * 37 % PAGES) * page + (unsigned)i * 131 % page)))
			wrong++;
		if (i % 5 == 0)
			usleep(200);
		if (ftruncate(fd, (off_t)(PAGES * page)))
			wrong++;
		if (i % 50 == 0 && msync(map, PAGES * page, MS_SYNC))
			wrong++;
	}
	stop = 1;
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	ok(wrong == 0, "no byte out of place (%d, %d SIGBUS)", wrong, buses);
	ok(munmap(map, PAGES * page) == 0 && munmap(copy, PAGES * page) == 0, "munmap");
	ok(close(fd) == 0 && unlink("trunc.dat") == 0, "the end");
	return done();
}
