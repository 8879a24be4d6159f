/* SPDX-License-Identifier: MIT */
/* mremap(2): growth in place and by moving, shrinking, DONTUNMAP, duplicates of shared maps, file offsets, protections and copies that go along. */
#include "harness.h"
#include "child.h"
#include "fault.h"
#include <sys/mman.h>

enum { P = 4096, RW = PROT_READ | PROT_WRITE, ANON = MAP_PRIVATE | MAP_ANONYMOUS };

int main(void)
{
	char *p, *q, *r, *room;
	int fd, bad = 0;

	plan(17);
	fault_init();
	room = mmap(NULL, 64 * P, PROT_NONE, ANON, -1, 0);
	munmap(room, 64 * P);
	p = mmap(room, 2 * P, RW, ANON | MAP_FIXED, -1, 0);
	p[0] = 1, p[P] = 2;
	q = mremap(p, 2 * P, 6 * P, 0);
	ok(q == p && q[0] == 1 && q[P] == 2 && q[5 * P] == 0, "grows where there is room");
	mmap(room + 8 * P, P, RW, ANON | MAP_FIXED, -1, 0);
	ok(mremap(p, 6 * P, 16 * P, 0) == MAP_FAILED && errno == ENOMEM, "not over a neighbour");
	q = mremap(p, 6 * P, 16 * P, MREMAP_MAYMOVE);
	ok(q != MAP_FAILED && q != p && q[0] == 1 && q[P] == 2 && fault_read(p) == SIGSEGV, "but it may move");
	r = mremap(q, 16 * P, 2 * P, 0);
	ok(r == q && q[P] == 2 && fault_read(q + 2 * P) == SIGSEGV, "shrinks");
	r = mremap(q, 2 * P, 2 * P, MREMAP_MAYMOVE | MREMAP_FIXED, room + 20 * P);
	ok(r == room + 20 * P && r[0] == 1 && r[P] == 2 && fault_read(q) == SIGSEGV, "to a given place");
	q = mmap(room + 30 * P, P, RW, ANON | MAP_FIXED, -1, 0);
	q[0] = 55;
	ok(mremap(r, P, P, MREMAP_MAYMOVE | MREMAP_FIXED, q) == q && q[0] == 1 && r[P] == 2, "over what was there, one page of two");
	/* protections and holes */
	p = mmap(NULL, 3 * P, RW, ANON, -1, 0);
	mprotect(p + P, P, PROT_READ);
	ok(mremap(p, 3 * P, 5 * P, MREMAP_MAYMOVE) == MAP_FAILED && errno == EFAULT, "more than one map cannot grow");
	mprotect(p, 3 * P, PROT_READ);
	q = mremap(p, 3 * P, 40 * P, MREMAP_MAYMOVE);
	ok(q != MAP_FAILED && fault_write(q, 1) == SIGSEGV && fault_code == SEGV_ACCERR && fault_write(q + 39 * P, 1) == SIGSEGV, "the protection goes along, also to what is new");
	/* shared with a child: copy on write survives the move */
	p = mmap(NULL, 4 * P, RW, ANON, -1, 0);
	memset(p, 7, 4 * P);
	pid_t pid = fork();
	if (!pid) {
		q = mremap(p, 4 * P, 4 * P, MREMAP_MAYMOVE | MREMAP_FIXED, room + 40 * P);
		q[0] = 8;
		_exit(q[P] == 7 && q[3 * P] == 7 ? 0 : 1);
	}
	ok(exit_of(pid) == 0 && p[0] == 7, "of copied pages");
	/* DONTUNMAP leaves an empty map behind */
	q = mremap(p, 4 * P, 4 * P, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
	if (q == MAP_FAILED && errno == EINVAL)
		ok(0, "MREMAP_DONTUNMAP");
	else
		ok(q[0] == 7 && q[3 * P] == 7 && fault_read(p) == 0 && p[0] == 0, "MREMAP_DONTUNMAP: moved, and zeros stay");
	ok(mremap(p, 4 * P, 8 * P, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL) == MAP_FAILED && errno == EINVAL, "of one length only");
	/* old_len 0 of a shared map: a second one */
	p = mmap(NULL, 2 * P, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	p[5] = 9;
	q = mremap(p, 0, 2 * P, MREMAP_MAYMOVE);
	ok(q != MAP_FAILED && q != p && q[5] == 9 && (q[6] = 4, p[6] == 4), "a second map of shared memory");
	ok(mremap(mmap(NULL, P, RW, ANON, -1, 0), 0, P, MREMAP_MAYMOVE) == MAP_FAILED && errno == EINVAL, "not of private memory");
	/* a file keeps its offset */
	fd = open("f", O_RDWR | O_CREAT, 0600);
	for (int i = 0; i < 10; i++)
		if (pwrite(fd, &(char){ (char)('a' + i) }, 1, i * P) != 1)
			bail("write");
	p = mmap(NULL, 2 * P, RW, MAP_SHARED, fd, 3 * P);
	q = mremap(p, 2 * P, 6 * P, MREMAP_MAYMOVE);
	for (int i = 0; i < 6; i++)
		bad += q[i * P] != 'd' + i;
	ok(!bad, "of a file: grown, it shows more of it");
	ok(mremap(q + 2 * P, P, P, MREMAP_MAYMOVE | MREMAP_FIXED, room + 50 * P) == room + 50 * P && room[50 * P] == 'f', "a page of it elsewhere");
	room[50 * P] = 'F';
	char c = 0;
	ok(pread(fd, &c, 1, 5 * P) == 1 && c == 'F', "is the same page of the file");
	/* to and fro a thousand times */
	p = mmap(NULL, P, RW, ANON, -1, 0);
	p[0] = 42;
	for (int i = bad = 0; i < 1000; i++) {
		p = mremap(p, (i & 1 ? 33 : 1) * P, (i & 1 ? 1 : 33) * P, MREMAP_MAYMOVE);
		if (p == MAP_FAILED || p[0] != 42) {
			bad = 1;
			break;
		}
		if (!(i & 1))
			p[32 * P] = (char)i;
	}
	ok(!bad, "grown and shrunk a thousand times");
	return done();
}
