/* SPDX-License-Identifier: MIT */
/* mremap(2): grow in place, move, shrink, to a fixed place, a second window on shared memory. */
#include "harness.h"
#include "fault.h"
#include <sys/mman.h>
#include <unistd.h>

enum { RW = PROT_READ | PROT_WRITE, PRIV = MAP_PRIVATE | MAP_ANONYMOUS };

int main(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *area = mmap(NULL, 64 * page, PROT_NONE, PRIV, -1, 0), *p, *q, *s, *t;
	int same = 1;

	plan(24);
	fault_init();
	munmap(area + 8 * page, 56 * page);
	munmap(area, 8 * page);
	p = mmap(area, 8 * page, RW, PRIV | MAP_FIXED, -1, 0);
	for (int i = 0; i < 8; i++)
		p[i * page] = (char)('a' + i);
	ok(mremap(p, 8 * page, 12 * page, 0) == p, "grows in place where there is room");
	ok(p[11 * page] == 0 && p[7 * page] == 'h', "new pages are zero, old ones are kept");
	ok(mmap(p + 12 * page, page, RW, PRIV | MAP_FIXED, -1, 0) != MAP_FAILED, "now something is in the way");
	ok_errno(mremap(p, 12 * page, 20 * page, 0), ENOMEM, "without MREMAP_MAYMOVE");
	q = mremap(p, 12 * page, 20 * page, MREMAP_MAYMOVE);
	ok(q != MAP_FAILED && q != p, "with it, it moves");
	for (int i = 0; i < 8; i++)
		same &= q[i * page] == (char)('a' + i);
	ok(same, "with its contents");
	ok(fault_read(p) == SIGSEGV, "the old place is empty");
	ok(mremap(q, 20 * page, 4 * page, 0) == q, "shrinks");
	ok(fault_read(q + 4 * page) == SIGSEGV && q[3 * page] == 'd', "the tail is gone");
	t = mmap(NULL, 4 * page, RW, PRIV, -1, 0);
	memset(t, 'T', 4 * page);
	ok(mremap(q, 4 * page, 4 * page, MREMAP_MAYMOVE | MREMAP_FIXED, t) == t, "to a fixed place, over something");
	ok(t[0] == 'a' && t[3 * page] == 'd', "which it replaces");
	ok_errno(mremap(t, 4 * page, 4 * page, MREMAP_FIXED, q), EINVAL, "MREMAP_FIXED alone");
	ok_errno(mremap(t, 4 * page, 4 * page, MREMAP_MAYMOVE | MREMAP_FIXED, t + page), EINVAL, "onto itself");
	ok_errno(mremap(t + 1, page, page, 0), EINVAL, "odd address");
	ok_errno(mremap(t, page, 0, 0), EINVAL, "new length 0");
	ok_errno(mremap(t, page, page, 0x80), EINVAL, "unknown flag");
	ok_errno(mremap(q, page, 2 * page, MREMAP_MAYMOVE), EFAULT, "nothing there");
	ok_errno(mremap(t, 0, page, MREMAP_MAYMOVE), EINVAL, "old length 0 of private memory");
	ok_errno(mremap(t, (size_t)1 << 63, page, MREMAP_MAYMOVE), EINVAL, "an old length beyond all memory");
	s = mmap(NULL, 2 * page, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	s[0] = 'S';
	q = mremap(s, 0, 2 * page, MREMAP_MAYMOVE);
	ok(q != MAP_FAILED && q != s && q[0] == 'S', "of shared memory: a second window");
	q[page] = 'W';
	ok(s[page] == 'W', "on the same pages");
	/* A part of a mapping. */
	q = mremap(t + page, 2 * page, 3 * page, MREMAP_MAYMOVE);
	ok(q != MAP_FAILED && q[0] == 'b' && q[page] == 'c' && q[2 * page] == 0, "a part of a mapping moves");
	ok(t[0] == 'a' && t[3 * page] == 'd', "the rest stays");
	ok(fault_read(t + page) == SIGSEGV, "with a hole");
	return done();
}
