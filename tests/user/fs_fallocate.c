/* SPDX-License-Identifier: MIT */
/* fallocate(2): reserve, punch, zero.  Where the file system has none of a mode, EOPNOTSUPP is right. */
#include "harness.h"
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SIZE = 1 << 20 };
static unsigned char buf[SIZE], model[SIZE];

static int check(int fd)
{
	return pread(fd, buf, SIZE, 0) == SIZE && memcmp(buf, model, SIZE) == 0;
}

static int supported(int r)
{
	return r == 0 ? 1 : errno == EOPNOTSUPP ? 0 : -1;
}

int main(void)
{
	int fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0600), r, good = 1;
	static const struct { int off, len; } ranges[] = { { 0, 4096 }, { 100, 50 }, { 5000, 10000 }, { 65536, 131072 }, { 300001, 77777 },
		{ SIZE - 5000, 5000 } };
	struct stat st, st2;

	plan(12);
	memset(model, 'd', SIZE);
	ok(write(fd, model, SIZE) == SIZE && fsync(fd) == 0, "a megabyte");
	fstat(fd, &st);
	for (unsigned i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		r = supported(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, ranges[i].off, ranges[i].len));
		if (r > 0)
			memset(model + ranges[i].off, 0, (size_t)ranges[i].len);
		good &= r >= 0 && check(fd);
	}
	ok(good, "punched holes read as zeros, the rest stays");
	fsync(fd);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	ok(check(fd), "from the disk too");
	fstat(fd, &st2);
	ok(r == 0 || st2.st_blocks < st.st_blocks, "blocks came back: %lld of %lld", (long long)st2.st_blocks, (long long)st.st_blocks);
	memset(model, 'e', SIZE);
	ok(pwrite(fd, model, SIZE, 0) == SIZE && check(fd), "written again");
	r = supported(fallocate(fd, FALLOC_FL_ZERO_RANGE, 10001, 50000));
	if (r > 0)
		memset(model + 10001, 0, 50000);
	ok(r >= 0 && check(fd), "zero range%s", r ? "" : " (not supported)");
	r = supported(fallocate(fd, 0, 0, 2 * SIZE));
	ok(r == 0 || (r > 0 && fstat(fd, &st) == 0 && st.st_size == 2 * SIZE), "reserve behind the end%s", r ? "" : " (not supported)");
	ok(r == 0 || (pread(fd, buf, SIZE, SIZE) == SIZE && buf[0] == 0 && buf[SIZE - 1] == 0), "which reads as zeros");
	ok(check(fd), "the rest stays");
	ok_errno(fallocate(fd, 0, -1, 10), EINVAL, "negative offset");
	ok_errno(fallocate(fd, 0, 0, 0), EINVAL, "no length");
	ok_errno(fallocate(0x7fff, 0, 0, 10), EBADF, "bad descriptor");
	return done();
}
