/* SPDX-License-Identifier: MIT */
/* Files without a name live until the last descriptor and mapping goes. */
#include "harness.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

int main(void)
{
	enum { SIZE = 4 << 20 };
	int fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0600);
	struct stat st;
	char *p, c;

	plan(14);
	ok(fd >= 0 && ftruncate(fd, SIZE) == 0, "create");
	p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ok(p != MAP_FAILED, "map");
	memset(p, 'm', SIZE);
	ok(unlink("f") == 0, "unlink");
	ok_errno(open("f", O_RDONLY), ENOENT, "no name");
	ok(fstat(fd, &st) == 0 && st.st_nlink == 0 && st.st_size == SIZE, "no link, but its size");
	ok(pread(fd, &c, 1, SIZE - 1) == 1 && c == 'm', "readable");
	ok(pwrite(fd, "W", 1, 12345) == 1 && p[12345] == 'W', "writable, and the mapping sees it");
	ok(msync(p, SIZE, MS_SYNC) == 0 && fsync(fd) == 0, "can be synced");
	close(fd);
	ok(p[12345] == 'W' && p[SIZE - 1] == 'm', "the mapping outlives the descriptor");
	fd = open("f", O_RDWR | O_CREAT | O_EXCL, 0600);
	ok(fd >= 0 && fstat(fd, &st) == 0 && st.st_size == 0, "the name can be used again");
	ok(munmap(p, SIZE) == 0, "unmap");
	close(fd);
	ok(mkdir("d", 0700) == 0 && (fd = open("d", O_RDONLY | O_DIRECTORY)) >= 0 && rmdir("d") == 0, "a directory removed while open");
	ok_errno(openat(fd, "x", O_CREAT | O_WRONLY, 0600), ENOENT, "nothing can be made in it");
	ok(fstat(fd, &st) == 0 && st.st_nlink == 0, "it has no link");
	return done();
}
