/* SPDX-License-Identifier: MIT */
/* Guard pages: PROT_NONE between mappings, and MAP_GROWSDOWN that stops above a neighbour. */
#include "harness.h"
#include "fault.h"
#include <sys/mman.h>
#include <unistd.h>

int main(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *p = mmap(NULL, 3 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *g;
	int fd[2];

	plan(10);
	fault_init();
	mprotect(p + page, page, PROT_READ | PROT_WRITE);
	ok(fault_write(p + page, 1) == 0 && fault_write(p + 2 * page - 1, 1) == 0, "the middle can be used");
	ok(fault_write(p + page - 1, 1) == SIGSEGV && fault_code == SEGV_ACCERR, "one byte before it cannot");
	ok(fault_write(p + 2 * page, 1) == SIGSEGV && fault_code == SEGV_ACCERR, "one byte behind neither");
	if (pipe(fd) || write(fd[1], "0123456789", 10) != 10)
		bail("pipe");
	ok(read(fd[0], p + 2 * page - 4, 8) <= 8, "read(2) across the edge");
	ok_errno(write(fd[1], p + 2 * page, 1), EFAULT, "write(2) from the guard");
	ok_errno(read(fd[0], p, 1), EFAULT, "read(2) into the other");
	/* A mapping that grows downwards. */
	g = mmap(NULL, 1024 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	munmap(g, 1024 * page);
	p = mmap(g + 1000 * page, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED, -1, 0);
	ok(p == g + 1000 * page, "MAP_GROWSDOWN");
	ok(fault_write(p - 1, 5) == 0 && p[-1] == 5, "grows");
	mmap(g + 700 * page, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	ok(fault_write(g + 990 * page, 1) == 0, "as long as it keeps its distance");
	ok(fault_write(g + 702 * page, 1) == SIGSEGV, "from what lies below");
	return done();
}
