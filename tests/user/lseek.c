/* SPDX-License-Identifier: MIT */
/* lseek(2), pread(2), pwrite(2), readv(2), writev(2), preadv2(2) on files; what cannot seek. */
#include "harness.h"
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

int main(void)
{
	static struct iovec v[1025];
	struct iovec bad = { (void *)8, 4 };
	char buf[64], a[4], b[4], c[16];
	volatile int minus = -1;
	void *volatile nowhere = (void *)8;
	int fd, p[2], ap;
	struct stat st;

	fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0)
		bail("scratch file");
	ok(write(fd, "0123456789", 10) == 10, "write");
	ok(lseek(fd, 0, SEEK_CUR) == 10, "the offset moved");
	ok(lseek(fd, -3, SEEK_END) == 7 && read(fd, buf, 10) == 3 && !memcmp(buf, "789", 3), "SEEK_END, a short read at the end");
	ok(read(fd, buf, 1) == 0, "end of file");
	ok(lseek(fd, 100, SEEK_SET) == 100 && read(fd, buf, 1) == 0, "behind the end: nothing to read");
	ok(write(fd, "x", 1) == 1 && fstat(fd, &st) == 0 && st.st_size == 101, "a write there makes a hole");
	memset(buf, 1, sizeof(buf));
	ok(pread(fd, buf, 20, 50) == 20 && buf[0] == 0 && buf[19] == 0, "which reads as zeros");
	ok_errno(lseek(fd, -1, SEEK_SET), EINVAL, "a negative offset");
	ok_errno(lseek(fd, -200, SEEK_CUR), EINVAL, "a negative result");
	ok_errno(lseek(fd, 0, 99), EINVAL, "an unknown whence");
	ok_errno(lseek(fd, LONG_MAX, SEEK_CUR), EINVAL, "an offset that overflows");
	ok_errno(lseek(fd, 200, SEEK_DATA), ENXIO, "SEEK_DATA behind the end");
	ok(lseek(fd, 0, SEEK_HOLE) <= 101, "SEEK_HOLE finds one, the end at the latest");
	lseek(fd, 5, SEEK_SET);
	ok(pwrite(fd, "AB", 2, 1) == 2 && lseek(fd, 0, SEEK_CUR) == 5, "pwrite leaves the offset");
	ok(pread(fd, buf, 4, 0) == 4 && !memcmp(buf, "0AB3", 4) && lseek(fd, 0, SEEK_CUR) == 5, "pread too");
	ok_errno(pread(fd, buf, 1, -1), EINVAL, "pread at -1");
	v[0] = (struct iovec){ a, 2 };
	v[1] = (struct iovec){ NULL, 0 };
	v[2] = (struct iovec){ b, 3 };
	lseek(fd, 0, SEEK_SET);
	ok(readv(fd, v, 3) == 5 && !memcmp(a, "0A", 2) && !memcmp(b, "B34", 3), "readv scatters, an empty piece in between");
	ok(preadv(fd, v, 3, 7) == 5 && !memcmp(a, "78", 2), "preadv");
	ok(preadv2(fd, v, 3, -1, 0) == 5 && lseek(fd, 0, SEEK_CUR) == 10, "preadv2 at -1 uses the offset");
	v[0] = (struct iovec){ "one", 3 };
	v[1] = (struct iovec){ "two", 3 };
	ok(pwritev(fd, v, 2, 20) == 6 && pread(fd, c, 6, 20) == 6 && !memcmp(c, "onetwo", 6), "pwritev gathers");
	ok_errno(readv(fd, v, minus), EINVAL, "a negative count");
	ok_errno(readv(fd, v, 1025), EINVAL, "too many pieces");
	ok_errno(readv(fd, &bad, 1), EFAULT, "a bad address");
	ok_errno(write(fd, nowhere, 4), EFAULT, "write from a bad address");
	ok(readv(fd, v, 0) == 0, "no piece at all");
	v[0].iov_len = (size_t)-1;
	ok_errno(readv(fd, v, 1), EINVAL, "a length that is negative");
	ap = open("f", O_WRONLY | O_APPEND);
	ok(write(ap, "END", 3) == 3 && pread(fd, c, 3, 101) == 3 && !memcmp(c, "END", 3), "O_APPEND writes at the end");
	lseek(ap, 0, SEEK_SET);
	ok(write(ap, "!", 1) == 1 && fstat(fd, &st) == 0 && st.st_size == 105, "wherever the offset is");
	ok_errno(read(ap, c, 1), EBADF, "read of a file open for writing");
	close(ap);
	ap = open("f", O_RDONLY);
	ok_errno(write(ap, "x", 1), EBADF, "write of a file open for reading");
	if (pipe(p))
		bail("pipe");
	ok_errno(lseek(p[0], 0, SEEK_CUR), ESPIPE, "a pipe cannot seek");
	ok_errno(pread(p[0], c, 1, 0), ESPIPE, "nor pread");
	ok_errno(pwrite(p[1], c, 1, 0), ESPIPE, "nor pwrite");
	ok_errno(read(open(".", O_RDONLY), c, 1), EISDIR, "read of a directory");
	return done();
}
