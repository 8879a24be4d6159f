/* SPDX-License-Identifier: MIT */
/* msync(2): flags, ranges, and that what was written is in the file. */
#include "harness.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

int main(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int fd = open("msync.dat", O_RDWR | O_CREAT | O_TRUNC, 0644);
	char buf[8], *p;

	plan(12);
	if (ftruncate(fd, 4 * page))
		bail("ftruncate");
	p = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	memcpy(p + page, "hello", 5);
	ok(msync(p, 4 * page, MS_SYNC) == 0, "MS_SYNC");
	ok(pread(fd, buf, 5, page) == 5 && !memcmp(buf, "hello", 5), "the file has it");
	memcpy(p + page, "HELLO", 5);
	ok(msync(p + page, page, MS_SYNC) == 0, "again");
	ok(pread(fd, buf, 5, page) == 5 && !memcmp(buf, "HELLO", 5), "and again");
	ok(msync(p, 4 * page, MS_ASYNC) == 0, "MS_ASYNC");
	ok(msync(p, 4 * page, MS_INVALIDATE | MS_SYNC) == 0, "MS_INVALIDATE");
	ok(msync(p, 0, MS_SYNC) == 0, "length 0");
	ok_errno(msync(p, page, MS_ASYNC | MS_SYNC), EINVAL, "both");
	ok_errno(msync(p, page, 0x100), EINVAL, "unknown flag");
	ok_errno(msync(p + 1, page, MS_SYNC), EINVAL, "odd address");
	munmap(p + 2 * page, page);
	ok_errno(msync(p, 4 * page, MS_SYNC), ENOMEM, "a hole");
	mlock(p, page);
	ok_errno(msync(p, page, MS_INVALIDATE), EBUSY, "MS_INVALIDATE of locked memory");
	unlink("msync.dat");
	return done();
}
