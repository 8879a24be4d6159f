/* SPDX-License-Identifier: MIT */
/* lseek(2) with SEEK_DATA and SEEK_HOLE.  A file system may report holes as data, but never data as a hole. */
#include "harness.h"
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

int main(void)
{
	static char block[65536];
	int fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0600);
	off_t at;

	plan(15);
	memset(block, 'x', sizeof(block));
	ok(fd >= 0, "create");
	ok_errno(lseek(fd, 0, SEEK_DATA), ENXIO, "no data in an empty file");
	ok_errno(lseek(fd, 0, SEEK_HOLE), ENXIO, "no hole in an empty file");
	ok(pwrite(fd, block, sizeof(block), 1 << 20) == sizeof(block), "data at 1 MiB");
	ok(pwrite(fd, block, sizeof(block), 8 << 20) == sizeof(block), "data at 8 MiB");
	ok(ftruncate(fd, 16 << 20) == 0, "hole at the end");
	at = lseek(fd, 0, SEEK_DATA);
	ok(at >= 0 && at <= 1 << 20, "first data at or before 1 MiB: %lld", (long long)at);
	at = lseek(fd, (1 << 20) + 5, SEEK_DATA);
	ok(at == (1 << 20) + 5, "within data: here");
	at = lseek(fd, 1 << 20, SEEK_HOLE);
	ok(at >= (1 << 20) + (off_t)sizeof(block) && at <= 16 << 20, "hole behind the data: %lld", (long long)at);
	at = lseek(fd, 2 << 20, SEEK_DATA);
	ok(at >= 2 << 20 && at <= 8 << 20, "second data by 8 MiB: %lld", (long long)at);
	at = lseek(fd, 12 << 20, SEEK_HOLE);
	ok(at >= 12 << 20 && at <= 16 << 20, "hole to the end: %lld", (long long)at);
	ok_errno(lseek(fd, 16 << 20, SEEK_DATA), ENXIO, "behind the end");
	ok_errno(lseek(fd, -1, SEEK_HOLE), ENXIO, "negative");

	/* Nobody goes through it page by page. */
	fd = memfd_create("sparse", 0);
	ok(ftruncate(fd, INT64_C(1) << 52) == 0 && pwrite(fd, "x", 1, INT64_C(1) << 51) == 1, "two PiB of nothing, a byte, two more");
	ok(lseek(fd, 5, SEEK_DATA) == INT64_C(1) << 51 && lseek(fd, (INT64_C(1) << 51) + 4096, SEEK_DATA) == -1 && errno == ENXIO, "found at once");
	return done();
}
