/* SPDX-License-Identifier: MIT */
/* Sparse files at every level of indirection: direct, single, double, triple; what lies between reads as zeros. */
#include "harness.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* With 1 KiB blocks: direct, single, double, triple; with 4 KiB blocks up to double and triple. */
static const long long places[] = { 0, 11 * 1024, 12 * 1024, 40 * 1024, 48 * 1024, 268 * 1024, 300000, 4194304 + 5, 64ll << 20, 70ll << 20,
	1ll << 30, (1ll << 31) - 3, (1ll << 31) + 64, (1ll << 32) + 7, 5ll << 30 };
enum { N = sizeof(places) / sizeof(places[0]) };

int main(void)
{
	struct stat st;
	char buf[64], expect[64];
	int fd = open("large", O_RDWR | O_CREAT | O_TRUNC, 0600);

	plan(2 * N + 12);
	ok(fd >= 0, "create");
	for (int i = 0; i < N; i++) {
		memset(expect, 'a' + i, sizeof(expect));
		ok(pwrite(fd, expect, 16, places[i]) == 16, "write at %lld", places[i]);
	}
	ok(fstat(fd, &st) == 0 && st.st_size == places[N - 1] + 16, "size %lld", (long long)st.st_size);
	ok(st.st_blocks * 512ll < 2ll << 20, "%lld blocks of 512 only", (long long)st.st_blocks);
	ok(fsync(fd) == 0, "fsync");
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	for (int i = 0; i < N; i++) {
		memset(expect, 'a' + i, 16);
		ok(pread(fd, buf, 16, places[i]) == 16 && memcmp(buf, expect, 16) == 0, "read back at %lld", places[i]);
	}
	memset(expect, 0, sizeof(expect));
	ok(pread(fd, buf, 64, 20ll << 20) == 64 && memcmp(buf, expect, 64) == 0, "a hole reads as zeros");
	ok(pread(fd, buf, 64, (3ll << 30) + 123) == 64 && memcmp(buf, expect, 64) == 0, "a far hole reads as zeros");
	ok(pread(fd, buf, 64, places[N - 1] + 16) == 0, "nothing behind the end");
	ok(ftruncate(fd, (64ll << 20) + 8) == 0 && fstat(fd, &st) == 0 && st.st_size == (64ll << 20) + 8, "cut within a block");
	ok(ftruncate(fd, 1ll << 31) == 0 && pread(fd, buf, 64, 64ll << 20) == 64 && memcmp(buf, "iiiiiiii", 8) == 0 &&
		memcmp(buf + 8, expect, 56) == 0, "what was cut is zero when the file grows again");
	ok(ftruncate(fd, 0) == 0 && fstat(fd, &st) == 0 && st.st_size == 0 && st.st_blocks < 64, "empty: %lld blocks left", (long long)st.st_blocks);
	close(fd);
	ok(unlink("large") == 0, "unlink");
	ok_errno(open("large", O_RDONLY), ENOENT, "gone");
	return done();
}
