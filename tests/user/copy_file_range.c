/* SPDX-License-Identifier: MIT */
/* copy_file_range(2): offsets and positions, short at the end, into holes, the same file, and its refusals. */
#include "harness.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char big[300000], back[300000];

int main(void)
{
	loff_t in, out;
	int a, b, p[2], fd;
	struct stat st;
	ssize_t n, total;

	plan(25);
	a = open("a", O_RDWR | O_CREAT | O_TRUNC, 0600);
	b = open("b", O_RDWR | O_CREAT | O_TRUNC, 0600);
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * 7 + i / 4096);
	if (write(a, big, sizeof(big)) != sizeof(big))
		bail("write");
	lseek(a, 0, SEEK_SET);
	for (total = 0; (n = copy_file_range(a, NULL, b, NULL, 1000000, 0)) > 0; total += n)
		;
	ok(n == 0 && total == sizeof(big), "the whole file");
	ok(pread(b, back, sizeof(back), 0) == sizeof(back) && !memcmp(big, back, sizeof(big)), "byte for byte");
	ok(lseek(a, 0, SEEK_CUR) == sizeof(big) && lseek(b, 0, SEEK_CUR) == sizeof(big), "both positions moved");
	in = 100;
	out = 5;
	ok(copy_file_range(a, &in, b, &out, 50, 0) == 50 && in == 150 && out == 55, "with offsets these move");
	ok(lseek(a, 0, SEEK_CUR) == sizeof(big), "and not the position");
	ok(pread(b, back, 60, 0) == 60 && !memcmp(back, big, 5) && !memcmp(back + 5, big + 100, 50) && !memcmp(back + 55, big + 55, 5), "exactly that range");
	in = sizeof(big) - 10;
	out = 0;
	ok(copy_file_range(a, &in, b, &out, 100, 0) == 10, "short at the end");
	in = sizeof(big) + 10;
	ok(copy_file_range(a, &in, b, &out, 100, 0) == 0, "nothing behind it");
	in = 0;
	out = 1000000;
	ok(copy_file_range(a, &in, b, &out, 10, 0) == 10 && fstat(b, &st) == 0 && st.st_size == 1000010, "behind the end of the target");
	ok(pread(b, back, 10, 999990) == 10 && back[0] == 0 && back[9] == 0, "leaves a hole");
	in = 0;
	out = 200000;
	ok(copy_file_range(a, &in, a, &out, 1000, 0) == 1000 && pread(a, back, 1000, 200000) == 1000 && !memcmp(back, big, 1000), "within one file");
	in = 0;
	out = 50;
	ok_errno(copy_file_range(a, &in, a, &out, 100, 0), EINVAL, "that overlaps");
	ok(copy_file_range(a, NULL, b, NULL, 0, 0) == 0, "nothing");
	in = out = 0;
	ok_errno(copy_file_range(a, &in, b, &out, 1, 1), EINVAL, "unknown flags");
	ok_errno(copy_file_range(777, NULL, b, NULL, 1, 0), EBADF, "not open");
	ok_errno(copy_file_range(open("a", O_WRONLY), NULL, b, NULL, 1, 0), EBADF, "from one opened for writing");
	ok_errno(copy_file_range(a, NULL, open("b", O_RDONLY), NULL, 1, 0), EBADF, "to one opened for reading");
	ok_errno(copy_file_range(a, &in, open("b", O_WRONLY | O_APPEND), NULL, 1, 0), EBADF, "to one opened for appending");
	ok_errno(copy_file_range(open(".", O_RDONLY), NULL, b, NULL, 1, 0), EISDIR, "from a directory");
	if (pipe(p))
		bail("pipe");
	ok_errno(copy_file_range(p[0], NULL, b, NULL, 1, 0), EINVAL, "from a pipe");
	ok_errno(copy_file_range(a, NULL, p[1], NULL, 1, 0), EINVAL, "to a pipe");
	fd = open("/dev/null", O_RDWR);
	ok_errno(copy_file_range(a, &in, fd, NULL, 1, 0), EINVAL, "to a device");
	in = -1;
	ok_errno(copy_file_range(a, &in, b, NULL, 1, 0), EOVERFLOW, "a negative offset");
	in = 0x7fffffffffffffff;
	ok(copy_file_range(a, &in, b, NULL, 10, 0) == 0, "the largest offset is behind the end");
	loff_t *volatile bad = (loff_t *)8;
	ok_errno(copy_file_range(a, bad, b, NULL, 10, 0), EFAULT, "a bad address");
	return done();
}
