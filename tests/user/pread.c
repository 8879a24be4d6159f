/* SPDX-License-Identifier: MIT */
/* pread(2), pwrite(2), preadv(2): at an offset without moving the position; holes, ends, appends, refusals. */
#include "harness.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/uio.h>
#include <unistd.h>

static int shared;
static void *reader(void *arg)
{
	long me = (long)arg, bad = 0;
	unsigned char c[16];

	for (int i = 0; i < 500; i++) {
		off_t at = ((me * 37 + i * 11) % 240);

		if (pread(shared, c, 16, at) != 16 || c[0] != (unsigned char)at || c[15] != (unsigned char)(at + 15))
			bad++;
	}
	return (void *)bad;
}

int main(void)
{
	char buf[64];
	unsigned char all[256];
	struct iovec v[2] = { { buf, 2 }, { buf + 10, 2 } };
	int fd, p[2];
	pthread_t t[4];
	void *bad;
	long sum = 0;

	plan(22);
	fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (write(fd, "0123456789", 10) != 10)
		bail("write");
	ok(pread(fd, buf, 4, 3) == 4 && !memcmp(buf, "3456", 4), "pread");
	ok(lseek(fd, 0, SEEK_CUR) == 10, "moves nothing");
	ok(pread(fd, buf, 64, 8) == 2, "short at the end");
	ok(pread(fd, buf, 64, 10) == 0 && pread(fd, buf, 64, 1000000) == 0, "nothing behind it");
	ok_errno(pread(fd, buf, 1, -1), EINVAL, "a negative offset");
	ok(pwrite(fd, "AB", 2, 1) == 2 && lseek(fd, 0, SEEK_CUR) == 10, "pwrite");
	ok(pwrite(fd, "Z", 1, 20) == 1 && lseek(fd, 0, SEEK_END) == 21, "behind the end: the file grows");
	ok(pread(fd, buf, 64, 0) == 21 && !memcmp(buf, "0AB3456789\0\0\0\0\0\0\0\0\0\0Z", 21), "with zeroes between");
	ok_errno(pwrite(fd, "x", 1, -1), EINVAL, "a negative offset");
	ok(pwrite(fd, "x", 0, 1000) == 0 && lseek(fd, 0, SEEK_END) == 21, "a write of nothing does not grow it");
	ok(preadv(fd, v, 2, 1) == 4 && !memcmp(buf, "AB", 2) && !memcmp(buf + 10, "34", 2), "preadv");
	v[0] = (struct iovec){ "x", 1 };
	v[1] = (struct iovec){ "y", 1 };
	ok(pwritev(fd, v, 2, 19) == 2 && pread(fd, buf, 2, 19) == 2 && !memcmp(buf, "xy", 2), "pwritev");
	ok_errno(preadv(fd, v, 1, -1), EINVAL, "preadv at a negative offset");
	if (pipe(p))
		bail("pipe");
	ok_errno(pread(p[0], buf, 1, 0), ESPIPE, "of a pipe");
	ok_errno(pwrite(p[1], buf, 1, 0), ESPIPE, "to a pipe");
	ok_errno(pread(p[1], buf, 1, 0), ESPIPE, "a pipe's write end: ESPIPE comes first");
	ok_errno(pread(open("f", O_WRONLY), buf, 1, 0), EBADF, "of a file opened for writing");
	ok_errno(pread(open(".", O_RDONLY), buf, 1, 0), EISDIR, "of a directory");
	close(fd);
	fd = open("f", O_RDWR | O_APPEND);
	ok(pwrite(fd, "end", 3, 0) == 3 && lseek(fd, 0, SEEK_END) == 24, "with O_APPEND, Linux appends");
	ok(pread(fd, buf, 1, 0) == 1 && buf[0] == '0', "and leaves the offset's byte alone");
	char *volatile wrong = (char *)8;
	ok_errno(pread(fd, wrong, 1, 0), EFAULT, "a bad address");
	shared = open("g", O_RDWR | O_CREAT | O_TRUNC, 0600);
	for (int i = 0; i < 256; i++)
		all[i] = (unsigned char)i;
	if (write(shared, all, 256) != 256)
		bail("write");
	for (long i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, reader, (void *)i);
	for (int i = 0; i < 4; i++) {
		pthread_join(t[i], &bad);
		sum += (long)bad;
	}
	ok(sum == 0, "four threads read one descriptor at once");
	return done();
}
