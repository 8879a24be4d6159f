/* SPDX-License-Identifier: MIT */
/* sendfile(2), copy_file_range(2), splice(2), tee(2), vmsplice(2). */
#include "harness.h"
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { SIZE = 100000 };
static char data[SIZE], got[SIZE];

static int same(const char *name, off_t off, size_t n)
{
	int fd = open(name, O_RDONLY);
	ssize_t r = pread(fd, got, SIZE, 0);

	close(fd);
	return r == (ssize_t)n && !memcmp(got, data + off, n);
}

int main(void)
{
	struct iovec v[2];
	int in, out, p[2], q[2], zero, event;
	off_t off;
	loff_t a, b;
	size_t done_n = 0;
	ssize_t n;
	char buf[16];

	for (int i = 0; i < SIZE; i++)
		data[i] = (char)(i * 7 + i / 251);
	in = open("in", O_RDWR | O_CREAT | O_TRUNC, 0600);
	out = open("out", O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (in < 0 || out < 0 || write(in, data, SIZE) != SIZE || pipe(p) || pipe(q))
		bail("scratch files");
	off = 1000;
	ok(sendfile(out, in, &off, 50000) == 50000 && off == 51000, "sendfile from an offset moves it");
	ok(lseek(in, 0, SEEK_CUR) == SIZE && lseek(out, 0, SEEK_CUR) == 50000, "not the input's position, but the output's");
	ok(same("out", 1000, 50000), "the bytes arrived");
	lseek(in, 0, SEEK_SET);
	ok(sendfile(out, in, NULL, 10) == 10 && lseek(in, 0, SEEK_CUR) == 10, "without an offset it uses the position");
	off = SIZE;
	ok(sendfile(out, in, &off, 10) == 0, "at the end: 0");
	off = SIZE - 5;
	ok(sendfile(out, in, &off, 10) == 5, "near the end: what there is");
	ok_errno(sendfile(out, p[0], &off, 10), ESPIPE, "an offset of a pipe");
	ok_errno(sendfile(in, open("out", O_WRONLY), NULL, 1), EBADF, "input not open for reading");
	ok_errno(sendfile(open("out", O_RDONLY), in, NULL, 1), EBADF, "output not open for writing");
	off = 0;
	ok(sendfile(p[1], in, &off, 4000) == 4000 && read(p[0], got, SIZE) == 4000 && !memcmp(got, data, 4000), "sendfile into a pipe");
	off = -1;
	ok_errno(sendfile(out, in, &off, 1), EINVAL, "a negative offset");
	event = eventfd(8, EFD_NONBLOCK);
	off = 0;
	ok_errno(sendfile(event, event, &off, (size_t)-1), ESPIPE, "an offset of an eventfd");
	ok_errno(sendfile(out, event, NULL, 8), EINVAL, "an eventfd as input");
	ok_errno(sendfile(event, in, NULL, 8), EINVAL, "an eventfd as output");
	ok_errno(splice(event, NULL, p[1], NULL, 8, 0), EINVAL, "an eventfd spliced into a pipe");

	out = open("out", O_RDWR | O_TRUNC);
	a = 5;
	b = 0;
	ok(copy_file_range(in, &a, out, &b, 60000, 0) == 60000 && a == 60005 && b == 60000 && same("out", 5, 60000), "copy_file_range");
	ok_errno(copy_file_range(in, NULL, out, NULL, 1, 1), EINVAL, "no flags are known");
	a = 0;
	b = 10;
	ok_errno(copy_file_range(in, &a, in, &b, 20, 0), EINVAL, "overlapping ranges of one file");
	ok_errno(copy_file_range(in, NULL, p[1], NULL, 20, 0), EINVAL, "not to a pipe");
	ok_errno(copy_file_range(open(".", O_RDONLY), NULL, out, NULL, 20, 0), EISDIR, "not from a directory");

	/* splice */
	a = 100;
	ok(splice(in, &a, p[1], NULL, 20000, 0) == 20000 && a == 20100, "splice a file into a pipe");
	out = open("out", O_RDWR | O_TRUNC);
	while (done_n < 20000 && (n = splice(p[0], NULL, out, NULL, 20000 - done_n, 0)) > 0)
		done_n += (size_t)n;
	ok(done_n == 20000 && same("out", 100, 20000), "and out of it into another file");
	ok_errno(splice(p[0], NULL, out, NULL, 10, SPLICE_F_NONBLOCK), EAGAIN, "an empty pipe, not waiting");
	ok_errno(splice(in, NULL, out, NULL, 10, 0), EINVAL, "neither is a pipe");
	ok_errno(splice(p[0], &a, out, NULL, 10, 0), ESPIPE, "an offset for the pipe");
	ok(splice(in, NULL, p[1], NULL, 0, 0) == 0, "nothing asked for");
	if (write(p[1], "hello world", 11) != 11)
		bail("pipe");
	ok(tee(p[0], q[1], 100, 0) == 11, "tee copies");
	ok(read(q[0], buf, 16) == 11 && !memcmp(buf, "hello world", 11), "the copy is there");
	ok(splice(p[0], NULL, q[1], NULL, 5, 0) == 5 && read(q[0], buf, 16) == 5 && !memcmp(buf, "hello", 5), "pipe to pipe, a part of it");
	ok(read(p[0], buf, 16) == 6 && !memcmp(buf, " world", 6), "the rest stayed");
	ok_errno(tee(p[0], p[1], 1, 0), EINVAL, "tee of a pipe to itself");
	v[0] = (struct iovec){ "abc", 3 };
	v[1] = (struct iovec){ "defg", 4 };
	ok(vmsplice(p[1], v, 2, 0) == 7 && read(p[0], buf, 16) == 7 && !memcmp(buf, "abcdefg", 7), "vmsplice");
	ok_errno(vmsplice(in, v, 2, 0), EBADF, "vmsplice of a file");
	zero = open("/dev/zero", O_RDONLY);
	memset(got, 1, 100);
	n = splice(zero, NULL, p[1], NULL, 100, 0);
	ok(n > 0 && read(p[0], got, 100) == n && got[0] == 0 && got[n - 1] == 0, "splice from a device");
	close(p[0]);
	return done();
}
