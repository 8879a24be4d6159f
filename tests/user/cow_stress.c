/* SPDX-License-Identifier: MIT */
/* 128 pages shared by a tree of processes that all write: every one sees its own history. */
#include "harness.h"
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGES = 128, DEPTH = 4, WIDTH = 3 };
static unsigned char *p;
static size_t page;

static int right(unsigned seed)
{
	for (unsigned i = 0; i < PAGES; i++)
		if (p[i * page] != (unsigned char)(seed + i) || p[i * page + page - 1] != (unsigned char)(seed * 3 + i))
			return 0;
	return 1;
}

static void fill(unsigned seed, unsigned from, unsigned step)
{
	for (unsigned i = from; i < PAGES; i += step) {
		p[i * page] = (unsigned char)(seed + i);
		p[i * page + page - 1] = (unsigned char)(seed * 3 + i);
	}
}

static int tree(int depth, unsigned seed)
{
	pid_t kids[WIDTH];
	int good = 1, status;

	if (!right(seed))
		return 0;
	for (int k = 0; depth && k < WIDTH; k++) {
		unsigned mine = seed * 7 + (unsigned)k + 1;

		kids[k] = fork();
		if (kids[k] < 0)
			return 0;
		if (!kids[k]) {
			if (!right(seed))
				_exit(1);
			fill(mine, 1, 2);
			fill(mine, 0, 2);
			_exit(tree(depth - 1, mine) && right(mine) ? 0 : 1);
		}
	}
	for (int k = 0; depth && k < WIDTH; k++)
		good &= waitpid(kids[k], &status, 0) == kids[k] && status == 0;
	return good && right(seed);
}

int main(void)
{
	plan(3);
	page = (size_t)sysconf(_SC_PAGESIZE);
	p = mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	fill(5, 0, 1);
	ok(tree(DEPTH, 5), "120 processes");
	fill(9, 0, 1);
	ok(right(9), "the root writes at the end");
	ok(tree(2, 9), "and once more");
	return done();
}
