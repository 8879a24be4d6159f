/* SPDX-License-Identifier: MIT */
/*
 * write(2) over what is there already, and read(2) of many pages at once: what a kernel does without asking its file
 * system must be what it does with asking, after truncation, holes and write-back, too.  Compared with a model, from the
 * cache and from the disk.
 */
#include "harness.h"
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/mman.h>
#include <sys/uio.h>

enum { PAGE = 4096, PAGES = 64, SIZE = PAGES * PAGE };
static unsigned char model[2 * SIZE], got[2 * SIZE], data[2 * SIZE];
static size_t end;
static int fd;

static void fill(void)
{
	static unsigned x = 12345;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)(1 + ((x = x * 1103515245 + 12345) >> 16) % 255);	/* never zero: a hole is seen */
}

static int put(size_t off, size_t n)
{
	fill();
	if (pwrite(fd, data, n, (off_t)off) != (ssize_t)n)
		return 0;
	memcpy(model + off, data, n);
	if (off + n > end)
		end = off + n;
	return 1;
}

static int same(void)
{
	memset(got, 0xee, sizeof(got));
	return pread(fd, got, sizeof(got), 0) == (ssize_t)end && memcmp(got, model, end) == 0;
}
static int from_disk(void)
{
	return fsync(fd) == 0 && posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0 && same();
}

static int cut(size_t to)
{
	if (ftruncate(fd, (off_t)to))
		return 0;
	if (to < end)
		memset(model + to, 0, sizeof(model) - to);
	end = to;
	return 1;
}

int main(void)
{
	unsigned char *hole, *map;
	int good, can;
	ssize_t n;

	plan(24);
	ok((fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0600)) >= 0 && put(0, SIZE) && same(), "pages written whole");
	ok(put(0, SIZE) && put(0, SIZE) && same(), "and again");
	ok(put(100, 10) && put(PAGE - 1, 2) && put(5 * PAGE + 17, 20 * PAGE) && put(SIZE - 1, 1) && same(), "parts of them");
	ok(from_disk(), "from the disk");
	ok(put(7, 3 * PAGE) && same() && from_disk(), "clean pages, written again");
	ok(put(0, SIZE) && fdatasync(fd) == 0 && put(11 * PAGE + 5, 6) && from_disk(), "clean, cached ones too");

	ok(cut(3 * PAGE + 100) && put(3 * PAGE + 2048, 10) && same(), "cut in a page, written behind that");
	ok(from_disk(), "from the disk");
	ok(put(0, SIZE) && cut(5 * PAGE + 1024) && put(5 * PAGE + 3000, 500) && from_disk(), "cut at a kilobyte");
	ok(put(0, SIZE) && cut(6 * PAGE) && put(6 * PAGE + 10, 10) && from_disk(), "cut between pages");
	ok(put(0, SIZE) && cut(9 * PAGE + 1) && cut(9 * PAGE + 2000) && put(9 * PAGE + 2500, 1) && from_disk(), "cut and grown");
	ok(put(SIZE + 3 * PAGE, PAGE) && put(SIZE + 10, 20) && from_disk(), "a hole written into");

	ok(put(0, SIZE), "whole pages again");
	can = !fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 10 * PAGE - 100, 5 * PAGE + 300);
	if (can)
		memset(model + 10 * PAGE - 100, 0, 5 * PAGE + 300);
	ok((can || errno == EOPNOTSUPP) && same(), "a hole punched%s", can ? "" : " (not supported)");
	good = put(12 * PAGE + 7, 9) && put(10 * PAGE - 50, 20) && put(15 * PAGE + 190, 40) && same();
	ok(good && from_disk(), "written into, from the disk");
	ok(put(0, SIZE) && cut(SIZE - 100) && (!fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, SIZE - 2 * PAGE, 3 * PAGE) ?
		(memset(model + SIZE - 2 * PAGE, 0, 2 * PAGE), 1) : errno == EOPNOTSUPP) && put(SIZE - 300, 5) && from_disk(), "a hole up to the end");

	/* Memory that ends in the middle. */
	hole = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mprotect(hole + 4 * PAGE, PAGE, PROT_NONE);
	ok(put(0, SIZE), "whole pages once more");
	memset(hole, 'h', 4 * PAGE);
	n = pwrite(fd, hole + 10, 6 * PAGE, 2 * PAGE + 100);
	if (n > 0)
		memset(model + 2 * PAGE + 100, 'h', (size_t)n);
	ok(n > 0 && n <= 4 * PAGE - 10 && same(), "written from memory that ends: %zd", n);
	ok_errno(pwrite(fd, hole + 4 * PAGE, 100, 0), EFAULT, "from nowhere");
	ok(same() && from_disk(), "nothing else happened");
	n = pread(fd, hole + 10, 6 * PAGE, 3);
	ok(n > 0 && n <= 4 * PAGE - 10 && !memcmp(hole + 10, model + 3, (size_t)n), "read into memory that ends: %zd", n);
	ok_errno(pread(fd, hole + 4 * PAGE, 100, 0), EFAULT, "into nowhere");

	/* From a mapping of the same file: each page is both. */
	map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ok(pwrite(fd, map + 16 * PAGE, 8 * PAGE, 2 * PAGE) == 8 * PAGE && (memcpy(model + 2 * PAGE, model + 16 * PAGE, 8 * PAGE), same()),
	   "from a mapping of itself");
	map[40 * PAGE] = model[40 * PAGE] = '!';
	ok(put(40 * PAGE + 1, 1) && same() && from_disk(), "a write and a store");
	return done();
}
