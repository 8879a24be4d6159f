/* SPDX-License-Identifier: MIT */
/* madvise(2): what changes memory, what changes fork, and what is refused. */
#include "harness.h"
#include "fault.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RW = PROT_READ | PROT_WRITE };

static int child_sees(char *p)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(fault_read(p) ? 200 : (unsigned char)*p);
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

int main(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *p = mmap(NULL, 8 * page, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *s, *f;
	int fd = open("madvise.dat", O_RDWR | O_CREAT | O_TRUNC, 0644);

	plan(22);
	fault_init();
	memset(p, 1, 8 * page);
	ok(madvise(p + page, 2 * page, MADV_DONTNEED) == 0, "MADV_DONTNEED");
	ok(p[page] == 0 && p[3 * page - 1] == 0, "private memory is zero again");
	ok(p[0] == 1 && p[3 * page] == 1, "around it, it is not");
	if (write(fd, "file", 4) != 4 || ftruncate(fd, page))
		bail("write");
	f = mmap(NULL, page, RW, MAP_PRIVATE, fd, 0);
	f[0] = 'F';
	ok(madvise(f, page, MADV_DONTNEED) == 0 && f[0] == 'f', "a private copy of a file: the file's again");
	s = mmap(NULL, 2 * page, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	s[0] = 5;
	ok(madvise(s, page, MADV_DONTNEED) == 0 && s[0] == 5, "shared memory is kept");
	ok(madvise(s, page, MADV_REMOVE) == 0 && s[0] == 0, "unless it is MADV_REMOVE");
	ok_errno(madvise(p, page, MADV_REMOVE), EINVAL, "which private memory has not");
	ok(madvise(p, page, MADV_WIPEONFORK) == 0, "MADV_WIPEONFORK");
	ok(child_sees(p) == 0 && p[0] == 1, "the child gets zeroes");
	ok(madvise(p, page, MADV_KEEPONFORK) == 0 && child_sees(p) == 1, "MADV_KEEPONFORK");
	ok_errno(madvise(s, page, MADV_WIPEONFORK), EINVAL, "not for shared memory");
	ok(madvise(p, page, MADV_DONTFORK) == 0 && child_sees(p) == 200, "MADV_DONTFORK: the child has nothing there");
	ok(madvise(p, page, MADV_DOFORK) == 0 && child_sees(p) == 1, "MADV_DOFORK");
	ok(madvise(p, 8 * page, MADV_WILLNEED) == 0, "MADV_WILLNEED");
	ok(madvise(p, 8 * page, MADV_SEQUENTIAL) == 0 && madvise(p, 8 * page, MADV_RANDOM) == 0 && madvise(p, 8 * page, MADV_NORMAL) == 0,
	   "hints for reading");
	ok(madvise(p, 8 * page, MADV_FREE) == 0, "MADV_FREE");
	ok(madvise(p, 8 * page, MADV_DONTDUMP) == 0 && madvise(p, 8 * page, MADV_DODUMP) == 0, "MADV_DONTDUMP, MADV_DODUMP");
	ok_errno(madvise(p + 1, page, MADV_DONTNEED), EINVAL, "odd address");
	ok_errno(madvise(p, page, 9999), EINVAL, "unknown advice");
	ok(madvise(p, 0, MADV_DONTNEED) == 0, "length 0");
	munmap(p + 4 * page, page);
	ok_errno(madvise(p, 8 * page, MADV_DONTNEED), ENOMEM, "a hole");
	mlock(p, page);
	ok_errno(madvise(p, page, MADV_DONTNEED), EINVAL, "locked memory");
	unlink("madvise.dat");
	return done();
}
