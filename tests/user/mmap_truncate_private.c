/* SPDX-License-Identifier: MIT */
/*
 * A file that gets shorter takes the pages of its mappings with it, those that a
 * private mapping has written to as well; a hole (fallocate(2)) takes only what
 * is the file's.  mmap(2), ftruncate(2).
 */
#include "harness.h"
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

enum { PAGE = 4096, PAGES = 8 };
static sigjmp_buf back;
static void on_bus(int sig)
{
	siglongjmp(back, sig);
}

/* The byte there; -1: SIGBUS. */
static int look(volatile unsigned char *p)
{
	return sigsetjmp(back, 1) ? -1 : *p;
}
static int poke(volatile unsigned char *p, int v)
{
	if (sigsetjmp(back, 1))
		return -1;
	*p = (unsigned char)v;
	return 0;
}

static int file_of(const char *name, unsigned char c)
{
	unsigned char page[PAGE];
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);

	memset(page, c, sizeof(page));
	for (int i = 0; i < PAGES; i++)
		if (write(fd, page, PAGE) != PAGE)
			bail("write");
	return fd;
}

static void shorter(const char *where, int fd)
{
	unsigned char *p = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	unsigned char *q = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	int st, bad = 0;
	pid_t pid;

	for (int i = 0; i < PAGES; i += 2)
		p[i * PAGE] = (unsigned char)(100 + i);
	bad = q[PAGE] != 'f' || q[6 * PAGE] != 'f';
	ok(!bad && p[6 * PAGE] == 106 && p[6 * PAGE + 1] == 'f', "%s: written to privately, and not", where);
	pid = fork();
	if (!pid) {	/* has what was written, from before */
		for (int i = 0; i < 1000 && look(&p[6 * PAGE]) == 106; i++)
			usleep(5000);
		_exit(look(&p[6 * PAGE]) == -1 && look(&p[2 * PAGE]) == 102 ? 0 : 1);
	}
	usleep(20000);
	if (ftruncate(fd, 3 * PAGE + 100))
		bail("ftruncate");
	ok(look(&p[2 * PAGE]) == 102 && look(&p[2 * PAGE + 1]) == 'f' && look(&p[3 * PAGE]) == 'f', "%s: shorter: what lies before the end stays", where);
	ok(look(&p[4 * PAGE]) == -1 && look(&p[6 * PAGE]) == -1 && poke(&p[6 * PAGE], 1) == -1, "%s: what was written behind it is gone", where);
	ok(look(&p[5 * PAGE]) == -1 && look(&q[PAGE * 6]) == -1 && look(&q[PAGE]) == 'f', "%s: as what was not", where);
	waitpid(pid, &st, 0);
	ok(WIFEXITED(st) && WEXITSTATUS(st) == 0, "%s: for a child, too (%#x)", where, (unsigned)st);
	if (ftruncate(fd, PAGES * PAGE))
		bail("ftruncate");
	ok(look(&p[6 * PAGE]) == 0 && look(&p[3 * PAGE + 200]) == 0 && look(&q[6 * PAGE]) == 0, "%s: longer again: zeros", where);
	ok(poke(&p[6 * PAGE], 7) == 0 && look(&p[6 * PAGE]) == 7 && look(&q[6 * PAGE]) == 0, "%s: of one's own", where);
	munmap(p, PAGES * PAGE);
	munmap(q, PAGES * PAGE);
	close(fd);
}

static void hole(const char *where, int fd)
{
	unsigned char *p = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

	p[2 * PAGE] = 9;
	if (look(&p[3 * PAGE]) != 'f')
		bail("look");
	ok(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 2 * PAGE, 2 * PAGE) == 0, "%s: a hole", where);
	ok(look(&p[2 * PAGE]) == 9 && look(&p[2 * PAGE + 1]) == 'f' && look(&p[3 * PAGE]) == 0, "%s: what was written to stays", where);
	munmap(p, PAGES * PAGE);
	close(fd);
}

int main(void)
{
	struct sigaction sa = { .sa_handler = on_bus };
	int memory = memfd_create("m", 0);
	unsigned char page[PAGE];

	plan(16);
	sigaction(SIGBUS, &sa, NULL);
	shorter("file", file_of("f", 'f'));
	memset(page, 'f', sizeof(page));
	for (int i = 0; i < PAGES; i++)
		if (write(memory, page, PAGE) != PAGE)
			bail("write");
	shorter("memory", memory);
	memory = memfd_create("m", 0);
	for (int i = 0; i < PAGES; i++)
		if (write(memory, page, PAGE) != PAGE)
			bail("write");
	hole("memory", memory);
	return done();
}
