/* SPDX-License-Identifier: MIT */
/* brk(2): grows, shrinks, gives zeroed memory, refuses what is in the way or beyond RLIMIT_DATA. */
#include "harness.h"
#include "fault.h"
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static uintptr_t raw_brk(uintptr_t to) { return (uintptr_t)syscall(SYS_brk, to); }

int main(void)
{
	long page = sysconf(_SC_PAGESIZE);
	uintptr_t start, end;
	struct rlimit old, small;
	char *p;
	int zero = 1;

	plan(12);
	fault_init();
	start = raw_brk(0);
	ok(start > 0, "there is a break");
	end = ((start + page - 1) & ~(page - 1)) + 16 * page;
	ok(raw_brk(end) == end, "grows by 16 pages");
	p = (char *)end - 8 * page;
	for (int i = 0; i < 8 * page; i++)
		zero &= p[i] == 0;
	ok(zero, "new memory is zero");
	memset(p, 7, 8 * page);
	ok(raw_brk(end - 4 * page) == end - 4 * page, "shrinks");
	ok(fault_read((char *)end - 2 * page) == SIGSEGV && fault_code == SEGV_MAPERR, "what was given back is gone");
	ok(p[0] == 7, "what was kept is not");
	ok(raw_brk(end) == end, "grows again");
	ok(((char *)end - 2 * page)[0] == 0, "and is zero again");
	ok(raw_brk(1) == end, "a break below the start changes nothing");
	if (mmap((void *)(end + 8 * page), page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		bail("mmap above the heap");
	ok(raw_brk(end + 9 * page) == end, "does not run into a mapping");
	getrlimit(RLIMIT_DATA, &old);
	small = old;
	small.rlim_cur = 64 * 1024;
	setrlimit(RLIMIT_DATA, &small);
	ok(raw_brk(end + 4 * page) == end || end - start < 65536 - 5 * (unsigned long)page, "RLIMIT_DATA holds");
	setrlimit(RLIMIT_DATA, &old);
	ok(raw_brk(end + 4 * page) == end + 4 * page, "and without it there is room");
	return done();
}
