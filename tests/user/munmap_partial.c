/* SPDX-License-Identifier: MIT */
/* munmap(2) of parts: front, middle, end, across several maps and holes, while a fork shares it; what stays keeps its bytes, what went faults. */
#include "harness.h"
#include "child.h"
#include "fault.h"
#include <sys/mman.h>

enum { P = 4096 };
static char *fresh(int pages)
{
	char *p = mmap(NULL, (size_t)pages * P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (int i = 0; i < pages; i++)
		p[i * P] = (char)(i + 1);
	return p;
}
static int gone(char *p, int from, int to)
{
	for (int i = from; i < to; i++)
		if (fault_read(p + i * P) != SIGSEGV || fault_code != SEGV_MAPERR)
			return 0;
	return 1;
}
static int there(char *p, int from, int to)
{
	for (int i = from; i < to; i++)
		if (fault_read(p + i * P) || p[i * P] != (char)(i + 1))
			return 0;
	return 1;
}

int main(void)
{
	char *p, *q;
	int fd;

	plan(18);
	fault_init();
	p = fresh(8);
	ok(munmap(p, 2 * P) == 0 && gone(p, 0, 2) && there(p, 2, 8), "the front");
	ok(munmap(p + 6 * P, 2 * P) == 0 && gone(p, 6, 8) && there(p, 2, 6), "the end");
	ok(munmap(p + 3 * P, P) == 0 && gone(p, 3, 4) && there(p, 2, 3) && there(p, 4, 6), "the middle");
	ok(munmap(p, 8 * P) == 0 && gone(p, 0, 8), "across holes");
	ok(munmap(p, 8 * P) == 0, "of nothing: no error");
	p = fresh(10);
	mprotect(p + 3 * P, P, PROT_READ);
	mprotect(p + 5 * P, P, PROT_NONE);
	ok(munmap(p + 2 * P, 5 * P) == 0 && gone(p, 2, 7) && there(p, 0, 2) && there(p, 7, 10), "across several protections");
	q = mmap(p + 2 * P, 5 * P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	ok(q == p + 2 * P && q[0] == 0 && q[4 * P] == 0 && there(p, 0, 2) && there(p, 7, 10), "the hole filled again: zeros, its neighbours whole");
	munmap(p, 10 * P);

	fd = open("f", O_RDWR | O_CREAT, 0600);
	for (int i = 0; i < 8; i++)
		if (pwrite(fd, &(char){ (char)(i + 1) }, 1, i * P) != 1)
			bail("write");
	if (ftruncate(fd, 8 * P))
		bail("ftruncate");
	p = mmap(NULL, 8 * P, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ok(munmap(p + 2 * P, 2 * P) == 0 && gone(p, 2, 4) && there(p, 4, 8), "of a file: the offsets of the rest stay");
	p[5 * P] = 'x';
	msync(p + 5 * P, P, MS_SYNC);
	char c = 0;
	ok(pread(fd, &c, 1, 5 * P) == 1 && c == 'x', "and what is written goes to the right place");
	p[5 * P] = 6;
	munmap(p, 8 * P);

	p = fresh(6);
	pid_t pid = fork();
	if (!pid) {
		if (munmap(p + P, 2 * P) || !gone(p, 1, 3) || !there(p, 3, 6) || !there(p, 0, 1))
			_exit(1);
		p[3 * P] = 99;
		_exit(munmap(p, 6 * P) || !gone(p, 0, 6));
	}
	ok(exit_of(pid) == 0, "in a child");
	ok(there(p, 0, 6), "the parent keeps all of it");
	/* split a thousand ways */
	p = mmap(NULL, 2000 * P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int bad = 0;
	for (int i = 0; i < 2000; i++)
		p[i * P] = (char)i;
	for (int i = 0; i < 2000; i += 2)
		bad += munmap(p + i * P, P) != 0;
	for (int i = 0; i < 2000; i++)
		bad += i & 1 ? p[i * P] != (char)i : fault_read(p + i * P) != SIGSEGV;
	ok(!bad, "every other page of two thousand (%d bad)", bad);
	ok(munmap(p, 2000 * P) == 0, "and the rest at once");
	ok_errno(munmap((char *)0x10001, P), EINVAL, "an unaligned address");
	ok_errno(munmap((char *)0x10000, 0), EINVAL, "no length");
	ok_errno(munmap((char *)-4096L, P), EINVAL, "outside of what users have");
	ok_errno(munmap((char *)0x10000, (size_t)-4096L), EINVAL, "a length that wraps");
	p = fresh(2);
	ok(munmap(p, 1) == 0 && gone(p, 0, 1) && there(p, 1, 2), "one byte is its page");
	return done();
}
