/* SPDX-License-Identifier: MIT */
/* Rows: mapping, first touch, copy-on-write. */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/wait.h>
#include "micro.h"

enum { PAGE = 4096, BIG = 4 << 20 };

static char *map_some(size_t bytes)
{
	char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	NEED(p != MAP_FAILED);
	return p;
}

static void touch(char *p, size_t bytes)
{
	for (size_t i = 0; i < bytes; i += PAGE)
		((volatile char *)p)[i] = 1;
}

static void op_map_4k(void)
{
	char *p = map_some(PAGE);

	touch(p, PAGE);
	munmap(p, PAGE);
}

static void op_map_1m(void)
{
	char *p = map_some(1 << 20);

	touch(p, 1 << 20);
	munmap(p, 1 << 20);
}

/* The touches alone are timed.  Huge pages are refused where there are any: the row is about 4 KiB pages. */
static double timed_first_touch(void)
{
	char *p = map_some(BIG);
	double start, took;

	madvise(p, BIG, MADV_NOHUGEPAGE);
	start = now_ns();
	touch(p, BIG);
	took = now_ns() - start;
	munmap(p, BIG);
	return took;
}

void op_touch(void)
{
	char *p = map_some(BIG / 4);

	madvise(p, BIG / 4, MADV_NOHUGEPAGE);
	touch(p, BIG / 4);
	munmap(p, BIG / 4);
}

static char *cow_area;
static double *cow_result;

static void setup_cow(void)
{
	cow_area = map_some(BIG);
	madvise(cow_area, BIG, MADV_NOHUGEPAGE);
	touch(cow_area, BIG);
	cow_result = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	NEED(cow_result != MAP_FAILED);
	*cow_result = 0;
}

static double timed_cow(void)
{
	pid_t p = fork();

	NEED(p >= 0);
	if (p == 0) {
		double start = now_ns();

		touch(cow_area, BIG);
		*cow_result = now_ns() - start;
		_exit(0);
	}
	NEED(waitpid(p, NULL, 0) == p);
	return *cow_result;
}

const struct row rows_memory[] = {
	{ .name = "map_touch_unmap_4k", .op = op_map_4k },
	{ .name = "map_touch_unmap_1m", .op = op_map_1m },
	{ .name = "first_touch_page", .timed = timed_first_touch, .per = BIG / PAGE },
	{ .name = "copy_on_write_page", .setup = setup_cow, .timed = timed_cow, .per = BIG / PAGE },
	{ .name = NULL },
};
