/* SPDX-License-Identifier: MIT */
/* cachestat(2): how many pages of a range are cached and how many are dirty; errors; of what is no file. */
#include "harness.h"
#include "child.h"
#include <stdint.h>
#include <sys/mman.h>

struct range { uint64_t off, len; };
struct stats { uint64_t cache, dirty, writeback, evicted, recent; };
static long cs(int fd, const struct range *r, struct stats *s, unsigned flags) { return syscall(451, fd, r, s, flags); }

int main(void)
{
	static char buf[65536];
	struct range all = { 0, 0 }, first = { 0, 4096 }, middle = { 5000, 8000 }, end = { 1 << 20, 0 };
	struct stats s;
	int fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0600), p[2];

	plan(16);
	ok(cs(fd, &all, &s, 0) == 0 && !s.cache && !s.dirty, "an empty file has no pages");
	if (write(fd, buf, sizeof(buf)) != sizeof(buf))
		bail("write");
	ok(cs(fd, &all, &s, 0) == 0 && s.cache == 16, "16 pages are written (%d)", (int)s.cache);
	ok(cs(fd, &first, &s, 0) == 0 && s.cache == 1, "one in the first page's range");
	ok(cs(fd, &middle, &s, 0) == 0 && s.cache == 3, "three that a range touches");
	ok(cs(fd, &end, &s, 0) == 0 && s.cache == 0, "none behind the end");
	fsync(fd);
	ok(cs(fd, &all, &s, 0) == 0 && s.cache == 16 && s.dirty == 0 && s.writeback == 0, "after fsync none is dirty");
	ok(pwrite(fd, "x", 1, 9000) == 1 && cs(fd, &all, &s, 0) == 0 && s.dirty >= 1 && s.dirty <= 16, "one byte makes a page dirty, or the block of pages that it is kept in");
	fsync(fd);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	ok(cs(fd, &all, &s, 0) == 0 && s.cache < 16, "what is not needed goes (%d left)", (int)s.cache);
	char *m = mmap(NULL, sizeof(buf), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	for (int i = 0; i < 16; i++)
		m[i * 4096] = 1;
	ok(cs(fd, &all, &s, 0) == 0 && s.cache == 16, "a mapping brings them in");
	ok_errno(cs(fd, &all, &s, 1), EINVAL, "flags");
	ok_errno(cs(-1, &all, &s, 0), EBADF, "no descriptor");
	ok_errno(cs(fd, (void *)8, &s, 0), EFAULT, "a range from nowhere");
	ok_errno(cs(fd, &all, (void *)8, 0), EFAULT, "nowhere to put it");
	ok(pipe(p) == 0 && cs(p[0], &all, &s, 0) == 0 && s.cache == 0, "a pipe has no cache");
	chmod("f", 0644);
	int ro = open("f", O_RDONLY);
	ok(in_child(setresuid(1000, 1000, 1000) || cs(ro, &all, &s, 0) != -1 || errno != EPERM) == 0, "of a file one may not write: EPERM");
	ok(in_child(setresuid(1000, 1000, 1000) || cs(fd, &all, &s, 0)) == 0, "unless it is open for that");
	return done();
}
