/* SPDX-License-Identifier: MIT */
/* mprotect(2): each right is enforced, for the program and for system calls on its behalf; W^X. */
#include "harness.h"
#include "fault.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

static void code_at(void *p)
{
#if defined(__x86_64__)
	memcpy(p, "\xc3", 1);			/* ret */
#else
	memcpy(p, "\xc0\x03\x5f\xd6", 4);	/* ret */
#endif
	__builtin___clear_cache(p, (char *)p + 4);
}

int main(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *p = mmap(NULL, 6 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd[2];

	plan(25);
	fault_init();
	if (pipe(fd))
		bail("pipe");
	memset(p, 1, 6 * page);
	ok(mprotect(p + page, page, PROT_READ) == 0, "read only");
	ok(fault_read(p + page) == 0, "can be read");
	ok(fault_write(p + page, 2) == SIGSEGV && fault_code == SEGV_ACCERR, "not written: SEGV_ACCERR");
	ok(fault_addr == p + page, "the address is told");
	ok(fault_write(p + 2 * page, 2) == 0 && fault_write(p, 2) == 0, "neighbours can");
	if (write(fd[1], "xyz", 3) != 3)
		bail("write");
	ok_errno(read(fd[0], p + page, 3), EFAULT, "read(2) into it: EFAULT");
	ok(mprotect(p + 2 * page, page, PROT_NONE) == 0, "no access");
	ok(fault_read(p + 2 * page) == SIGSEGV && fault_code == SEGV_ACCERR, "cannot be read: SEGV_ACCERR");
	ok_errno(write(fd[1], p + 2 * page, 1), EFAULT, "write(2) from it: EFAULT");
	ok(mprotect(p, 6 * page, PROT_READ | PROT_WRITE) == 0, "all back");
	ok(p[2 * page] == 2 && p[page] == 1, "the contents are there");
	ok(fault_write(p + page, 3) == 0 && p[page] == 3, "and can be written");
	code_at(p + 3 * page);
	ok(fault_call(p + 3 * page) == SIGSEGV && fault_code == SEGV_ACCERR, "data cannot be run");
	ok(mprotect(p + 3 * page, page, PROT_READ | PROT_EXEC) == 0, "code");
	ok(fault_call(p + 3 * page) == 0, "can");
	ok(fault_write(p + 3 * page, 0) == SIGSEGV, "but not be written");
	ok(mprotect(p + 3 * page, page, PROT_READ | PROT_WRITE) == 0 && fault_call(p + 3 * page) == SIGSEGV, "and back again");
	ok_errno(mprotect(p + 1, page, PROT_READ), EINVAL, "odd address");
	ok(mprotect(p, 0, PROT_READ) == 0, "length 0");
	ok_errno(mprotect(p, page, 0x4000), EINVAL, "unknown right");
	munmap(p + 4 * page, page);
	ok_errno(mprotect(p + 3 * page, 3 * page, PROT_READ), ENOMEM, "a hole in the range");
	ok(fault_write(p + 3 * page, 1) == SIGSEGV, "what came before it was changed");
	ok(fault_write(p + 5 * page, 1) == 0, "what came after was not");
	ok_errno(mprotect(p + 4 * page, page, PROT_READ), ENOMEM, "nothing there at all");
	{
		char *fresh = mmap(NULL, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		mprotect(fresh, page, PROT_READ | PROT_WRITE);
		ok(fault_write(fresh, 5) == 0 && fresh[0] == 5, "memory that was mapped without access");
	}
	return done();
}
