/* SPDX-License-Identifier: MIT */
/*
 * Children of a process that has a file mapped to read or execute, while
 * another process truncates the file and writes it anew: what was in the file
 * before a truncation that has returned is never seen again, by the parent nor
 * by a child, however the child came by its pages.
 */
#include "harness.h"
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAGES = 8, MS = 600, LOOK = 16 /* times rarer than a child, the parent looks */ };
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif
static volatile struct shared {
	uint32_t written;	/* what each page has at least since a truncation has returned */
	int over;
	long child_pages;	/* that children looked at */
} *sh;
static size_t page;
static sigjmp_buf again;

static void on_bus(int sig) { siglongjmp(again, 1); }

static uint64_t ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void fill(int fd, uint32_t n)
{
	for (int i = 0; i < PAGES; i++)
		if (pwrite(fd, &n, sizeof(n), (off_t)(i * page)) != sizeof(n))
			_exit(9);
}

static void rewrites(int fd)
{
	for (uint32_t n = 2; !sh->over; n++) {
		if (ftruncate(fd, 0))
			_exit(9);
		__atomic_store_n(&sh->written, n, __ATOMIC_SEQ_CST);
		fill(fd, n);
	}
	_exit(0);
}

/* How many pages have something older than what they must have; those that are not there (SIGBUS) are none. */
static int old_pages(const char *map, volatile int *seen)
{
	volatile int old = 0;

	for (volatile int i = 0; i < PAGES; i++) {
		uint32_t least = __atomic_load_n(&sh->written, __ATOMIC_SEQ_CST), n;

		if (sigsetjmp(again, 1))
			continue;
		n = __atomic_load_n((const uint32_t *)(map + i * page), __ATOMIC_SEQ_CST);
		if (n && n < least)
			old = old + 1;
		*seen = *seen + 1;
	}
	return old;
}

static void check_map(int fd, int prot, const char *what)
{
	char *map = mmap(NULL, PAGES * page, prot, MAP_PRIVATE, fd, 0);
	int forks = 0, failed = 0, parent_old = 0, status;
	volatile int seen = 0;
	uint64_t end = ms() + MS;
	pid_t writer;

	ok(map != MAP_FAILED, "%s: a file is mapped", what);
	sh->over = 0;
	sh->written = 1;
	sh->child_pages = 0;
	fill(fd, 1);
	writer = fork();
	if (!writer)
		rewrites(fd);
	while (ms() < end) {
		pid_t p;

		if (forks % LOOK == 0)
			parent_old += old_pages(map, &seen);
		(void)madvise(map, PAGES * page, MADV_POPULATE_READ);	/* as far as there is a file */
		p = fork();
		if (!p) {
			volatile int child_seen = 0;
			int old = old_pages(map, &child_seen);

			sh->child_pages += child_seen;
			_exit(old ? 1 : 0);
		}
		if (waitpid(p, &status, 0) != p || status)
			failed++;
		forks++;
	}
	sh->over = 1;
	ok(waitpid(writer, &status, 0) == writer && !status, "%s: the other process could write", what);
	ok(forks > 3 && seen > 0 && sh->child_pages > 0, "%s: there were children, and both found pages", what);
	ok(!parent_old, "%s: the parent saw nothing that had been truncated (%d)", what, parent_old);
	ok(!failed, "%s: no child did (%d of %d)", what, failed, forks);
	munmap(map, PAGES * page);
}

int main(void)
{
	struct sigaction sa = { .sa_handler = on_bus };
	int fd;

	page = (size_t)sysconf(_SC_PAGESIZE);
	sh = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	fd = open("fork_truncate.tmp", O_RDWR | O_CREAT | O_TRUNC, 0700);
	if (sh == MAP_FAILED || fd < 0)
		bail("setup");
	sigaction(SIGBUS, &sa, NULL);
	check_map(fd, PROT_READ, "read");
	check_map(fd, PROT_READ | PROT_EXEC, "execute");
	unlink("fork_truncate.tmp");
	return done();
}
