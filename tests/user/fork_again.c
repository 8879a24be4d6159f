/* SPDX-License-Identifier: MIT */
/*
 * A process that forks again and again: each child has what the parent has then, and nothing of the children before it, whatever
 * those did to their memory; and the parent's own changes of its mappings hold for the next child.
 */
#include "harness.h"
#include "child.h"
#include <sys/mman.h>
#include <sys/uio.h>

enum { PAGE = 4096, PAGES = 6, ROUNDS = 60 };

static volatile unsigned char data[PAGES][PAGE] __attribute__((aligned(PAGE))) = { { 1 } };	/* .data: of the file at first */
static volatile unsigned char *map;	/* PAGES private anonymous pages */

static void fill(int v)
{
	for (int i = 0; i < PAGES; i++) {
		memset((void *)data[i], v + i, PAGE);
		memset((void *)(map + i * PAGE), v + i + 100, PAGE);
	}
}

static int holds(int v)
{
	for (int i = 0; i < PAGES; i++)
		for (int o = 0; o < PAGE; o += 64)
			if (data[i][o] != (unsigned char)(v + i) || map[i * PAGE + o] != (unsigned char)(v + i + 100))
				return 0;
	return 1;
}

/* Children that see the round's values, and leave others behind.  How many did not. */
static int rounds(int first)
{
	int bad = 0;

	for (int i = 0; i < ROUNDS; i++) {
		fill(first + i);
		bad += in_child((holds(first + i) ? (fill(222 - i), holds(222 - i) ? 0 : 2) : 1)) != 0;
		bad += !holds(first + i);
	}
	return bad;
}

/* With a child that lives on beside the next ones. */
static int beside(void)
{
	struct gate go;
	int bad = 0;
	pid_t old;

	for (int i = 0; i < ROUNDS / 4; i++) {
		gate_init(&go);
		fill(i);
		old = fork();
		if (!old) {
			fill(i + 1);
			gate_wait(&go);
			_exit(!holds(i + 1));
		}
		for (int k = 2; k < 5; k++) {
			fill(i + k);
			bad += in_child((holds(i + k) ? (fill(77), 0) : 1)) != 0;
		}
		gate_open(&go);
		bad += exit_of(old) != 0 || !holds(i + 4);
		gate_close(&go);
	}
	return bad;
}

/* Each child does something else to its mappings before it ends. */
static int mess(int how)
{
	void *d = (void *)data;

	switch (how) {
	case 0: return munmap(d, PAGES * PAGE);
	case 1: return mprotect(d, 3 * PAGE, PROT_NONE);
	case 2: return mprotect(d, PAGES * PAGE, PROT_READ);
	case 3: return mmap(d, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED;
	case 4: return mremap(d, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, map) == MAP_FAILED;
	case 5: return madvise((void *)map, PAGES * PAGE, MADV_DONTNEED);
	case 6: return in_child((fill(9), holds(9) ? 0 : 1));
	default: return in_child((fill(9), 0)) || (fill(8), !holds(8));	/* the grandchild's and the child's pages part */
	}
}

static int after_a_mess(void)
{
	int bad = 0;

	for (int how = 0; how < 8; how++)
		for (int i = 0; i < 3; i++) {
			fill(how + i);
			bad += in_child(mess(how)) != 0;
			bad += in_child((holds(how + i) ? (fill(5), 0) : 1)) != 0;
			bad += !holds(how + i);
		}
	return bad;
}

/* What the parent changes between two children.  1000 + SIGSEGV is what a child comes to there. */
static int gone(void)
{
	volatile unsigned char *extra = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int bad = 0;

	memset((void *)extra, 3, 4 * PAGE);
	for (int i = 0; i < 4; i++)
		bad += in_child((extra[i * PAGE] == 3 ? (extra[i * PAGE] = 4, 0) : 1)) != 0;
	munmap((void *)(extra + PAGE), PAGE);
	mprotect((void *)(extra + 2 * PAGE), PAGE, PROT_READ);
	mmap((void *)(extra + 3 * PAGE), PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	for (int i = 0; i < 4; i++) {
		extra[0] = (unsigned char)i;
		extra[3 * PAGE] = 0;
		bad += in_child((extra[0] == i ? (extra[0] = 9, 0) : 1)) != 0;
		bad += in_child((extra[PAGE] = 1, 0)) != 1000 + SIGSEGV;
		bad += in_child((extra[2 * PAGE] == 3 ? 0 : 1)) != 0;
		bad += in_child((extra[2 * PAGE] = 1, 0)) != 1000 + SIGSEGV;
		bad += in_child((extra[3 * PAGE] = 7, 0)) != 0 || extra[3 * PAGE] != 7;
	}
	munmap((void *)extra, 4 * PAGE);
	return bad;
}

/* A child's page in a pipe outlives it, and what later children do. */
static int in_a_pipe(void)
{
	unsigned char got[2 * PAGE];
	int p[2], bad = 0;

	for (int i = 0; i < ROUNDS / 6; i++) {
		if (pipe(p))
			bail("pipe");
		fill(i);
		bad += in_child((fill(i + 40), vmsplice(p[1], &(struct iovec){ (void *)data, 2 * PAGE }, 1, 0) == 2 * PAGE ? 0 : 1)) != 0;
		for (int k = 0; k < 3; k++)
			bad += in_child((fill(200 + k), 0)) != 0;
		bad += read(p[0], got, sizeof(got)) != (ssize_t)sizeof(got) || got[0] != i + 40 || got[PAGE] != i + 41 || got[2 * PAGE - 1] != i + 41;
		close(p[0]);
		close(p[1]);
	}
	return bad;
}

int main(int argc, char **argv)
{
	int bad = 0;

	if (argc > 1)	/* executed: the file's data */
		return !(data[0][0] == 1 && data[0][1] == 0 && data[PAGES - 1][7] == 0);
	map = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	plan(8);
	ok(rounds(0) == 0, "each of many children has the parent's memory of its time, and its own from then on");
	ok(beside() == 0, "also beside one that lives longer than the next ones");
	ok(after_a_mess() == 0, "whatever the one before it did to its mappings");
	ok(gone() == 0, "what the parent unmaps, protects or shares between two is so for the next");
	ok(in_a_pipe() == 0, "a child's pages in a pipe keep what was in them");
	for (int i = 0; i < 8; i++) {
		fill(i);
		bad += in_child((fill(3), execl("/proc/self/exe", argv[0], "x", NULL))) != 0 || !holds(i);
	}
	ok(bad == 0, "a program that a child executes has the file's data");
	for (int i = 0; i < 4; i++)
		bad += in_child(rounds(i)) != 0;
	ok(bad == 0, "children fork again and again, too");
	for (int i = 0; i < 4; i++) {
		pid_t a = fork();

		if (!a)
			_exit(rounds(i) != 0);
		bad += rounds(i + 50) != 0 || exit_of(a) != 0;
	}
	ok(bad == 0, "and beside their parent");
	return done();
}
