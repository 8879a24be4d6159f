/* SPDX-License-Identifier: MIT */
/* mmap(2), anonymous: zeroed, private or shared across fork, and what it refuses. */
#include "harness.h"
#include "fault.h"
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct rlimit old, small;
	char *p, *q, *s;
	int zero = 1, status;
	pid_t pid;

	plan(20);
	fault_init();
	p = mmap(NULL, 64 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ok(p != MAP_FAILED, "64 pages");
	ok(((uintptr_t)p & (page - 1)) == 0, "page aligned");
	for (size_t i = 0; i < 64 * page; i++)
		zero &= p[i] == 0;
	ok(zero, "all zero");
	for (size_t i = 0; i < 64; i++)
		p[i * page] = (char)i;
	zero = 1;
	for (size_t i = 0; i < 64; i++)
		zero &= p[i * page] == (char)i && p[i * page + 1] == 0;
	ok(zero, "every page is its own");
	ok_errno(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), EINVAL, "length 0");
	ok_errno(mmap(NULL, page, PROT_READ, MAP_ANONYMOUS, -1, 0), EINVAL, "neither shared nor private");
	ok_errno(mmap(NULL, SIZE_MAX - page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), ENOMEM, "more than there are addresses");
	ok_errno(mmap(NULL, page, PROT_READ, MAP_PRIVATE, 12345, 0), EBADF, "no such descriptor");
	ok_errno(mmap(NULL, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 1), EINVAL, "an odd offset");
	ok(mmap((void *)((uintptr_t)p + 1), page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED, "a hint may be odd");
	q = mmap(NULL, (size_t)1 << 40, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ok(q != MAP_FAILED, "a terabyte that is never touched");
	ok(munmap(q, (size_t)1 << 40) == 0, "and goes again");
	s = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ok(s != MAP_FAILED && s[0] == 0, "shared memory");
	pid = fork();
	if (!pid) {
		p[0] = 99;
		s[0] = 42;
		s[3 * page] = 43;
		_exit(0);
	}
	waitpid(pid, &status, 0);
	ok(p[0] == 0, "the child's write to private memory stays with it");
	ok(s[0] == 42 && s[3 * page] == 43, "to shared memory it is seen");
	ok(munmap(s, 4 * page) == 0, "munmap");
	ok(fault_read(s) == SIGSEGV && fault_code == SEGV_MAPERR, "SEGV_MAPERR afterwards");
	ok(fault_addr == s, "with the address");
	getrlimit(RLIMIT_AS, &old);
	small = old;
	small.rlim_cur = 256 << 20;
	setrlimit(RLIMIT_AS, &small);
	ok_errno(mmap(NULL, 512 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), ENOMEM, "RLIMIT_AS");
	setrlimit(RLIMIT_AS, &old);
	ok_errno(munmap(p + 1, page), EINVAL, "munmap of an odd address");
	return done();
}
