/* SPDX-License-Identifier: MIT */
/* MAP_FIXED replaces, MAP_FIXED_NOREPLACE does not; partial munmap makes holes that can be filled. */
#include "harness.h"
#include "fault.h"
#include <sys/mman.h>
#include <unistd.h>

enum { RW = PROT_READ | PROT_WRITE, PRIV = MAP_PRIVATE | MAP_ANONYMOUS };

int main(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *p = mmap(NULL, 10 * page, RW, PRIV, -1, 0);

	plan(17);
	fault_init();
	for (int i = 0; i < 10; i++)
		p[i * page] = (char)('0' + i);
	ok(mmap(p + 2 * page, 2 * page, RW, PRIV | MAP_FIXED, -1, 0) == p + 2 * page, "MAP_FIXED over a part");
	ok(p[2 * page] == 0 && p[3 * page] == 0, "which is fresh");
	ok(p[page] == '1' && p[4 * page] == '4', "its neighbours are untouched");
	ok_errno(mmap(p, page, RW, PRIV | MAP_FIXED_NOREPLACE, -1, 0), EEXIST, "MAP_FIXED_NOREPLACE over something");
	ok_errno(mmap(p + 1, page, RW, PRIV | MAP_FIXED, -1, 0), EINVAL, "MAP_FIXED at an odd address");
	ok(munmap(p + 5 * page, 2 * page) == 0, "a hole in the middle");
	ok(fault_read(p + 5 * page) == SIGSEGV && fault_read(p + 6 * page) == SIGSEGV, "is a hole");
	ok(p[4 * page] == '4' && p[7 * page] == '7', "with edges");
	ok(mmap(p + 5 * page, page, RW, PRIV | MAP_FIXED_NOREPLACE, -1, 0) == p + 5 * page, "MAP_FIXED_NOREPLACE into it");
	ok(mmap(p + 6 * page, page, RW, PRIV, -1, 0) == p + 6 * page, "a hint that fits is taken");
	ok(mmap(p, page, RW, PRIV, -1, 0) != p, "one that does not is not");
	ok(munmap(p, 10 * page) == 0, "munmap over several mappings");
	ok(fault_read(p) == SIGSEGV && fault_read(p + 9 * page) == SIGSEGV, "all gone");
	ok(munmap(p, 10 * page) == 0, "munmap of nothing is fine");
	ok_errno(munmap(p, 0), EINVAL, "length 0 is not");
	ok_errno(munmap((void *)-page, page), EINVAL, "nor is the end of the address space");
	ok_errno(mmap((void *)-(2 * page), page, RW, PRIV | MAP_FIXED, -1, 0), ENOMEM, "nothing fits there");
	return done();
}
