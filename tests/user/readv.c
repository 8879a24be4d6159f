/* SPDX-License-Identifier: MIT */
/* readv(2), writev(2): the vectors in order, empty ones, limits, faults in the middle, one message a call on packet sockets. */
#include "harness.h"
#include <fcntl.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

int main(void)
{
	static struct iovec many[1025];
	static char cells[1024];
	char a[4] = "", b[8] = "", big[64];
	struct iovec v[3];
	int fd, s[2];
	char *edge;

	plan(24);
	fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0600);
	v[0] = (struct iovec){ "one ", 4 };
	v[1] = (struct iovec){ NULL, 0 };
	v[2] = (struct iovec){ "two", 3 };
	ok(writev(fd, v, 3) == 7, "three vectors, an empty one among them");
	ok(lseek(fd, 0, SEEK_CUR) == 7, "the position moves by all of it");
	ok(writev(fd, v, 0) == 0, "no vector at all");
	ok(lseek(fd, 0, SEEK_SET) == 0, "rewind");
	v[0] = (struct iovec){ a, 2 };
	v[1] = (struct iovec){ b, 3 };
	v[2] = (struct iovec){ big, 64 };
	ok(readv(fd, v, 3) == 7 && !memcmp(a, "on", 2) && !memcmp(b, "e t", 3) && !memcmp(big, "wo", 2), "filled one after the other");
	ok(readv(fd, v, 3) == 0, "end of file");
	ok_errno(readv(fd, v, -1), EINVAL, "a negative count");
	for (int i = 0; i < 1025; i++)
		many[i] = (struct iovec){ &cells[i % 1024], 1 };
	memset(cells, 'z', sizeof(cells));
	ok(writev(fd, many, IOV_MAX) == IOV_MAX, "IOV_MAX vectors");
	ok_errno(writev(fd, many, IOV_MAX + 1), EINVAL, "one more");
	v[0] = (struct iovec){ a, 1 };
	v[1] = (struct iovec){ b, (size_t)-1 };
	ok_errno(readv(fd, v, 2), EINVAL, "a negative length");
	ok_errno(readv(777, v, 1), EBADF, "not open");
	struct iovec *volatile bad = (void *)8;
	ok_errno(readv(fd, bad, 1), EFAULT, "a bad vector");
	close(fd);
	fd = open("f", O_RDONLY);
	ok_errno(writev(fd, v, 1), EBADF, "write to a file opened for reading");

	/* A fault after some of it: what came before counts. */
	edge = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mprotect(edge + 4096, 4096, PROT_NONE);
	v[0] = (struct iovec){ a, 3 };
	v[1] = (struct iovec){ edge + 4096, 4 };
	ok(readv(fd, v, 2) == 3, "a fault in the second vector: the first counts");
	ok(lseek(fd, 0, SEEK_CUR) == 3, "and the position moved by that");
	v[0] = (struct iovec){ edge + 4096, 4 };
	ok_errno(readv(fd, v, 1), EFAULT, "a fault in the first: EFAULT");
	ok(lseek(fd, 0, SEEK_CUR) == 3, "and it did not");
	v[0] = (struct iovec){ edge + 4094, 2 };
	v[1] = (struct iovec){ edge, 2 };
	ok(readv(fd, v, 2) == 4 && !memcmp(edge + 4094, " t", 2) && !memcmp(edge, "wo", 2), "up to the last byte of a page");

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s))
		bail("socketpair");
	v[0] = (struct iovec){ "he", 2 };
	v[1] = (struct iovec){ "ader", 4 };
	v[2] = (struct iovec){ "+body", 5 };
	ok(writev(s[0], v, 3) == 11 && writev(s[0], v, 2) == 6, "one message a call");
	v[0] = (struct iovec){ b, 6 };
	v[1] = (struct iovec){ big, 64 };
	ok(readv(s[1], v, 2) == 11 && !memcmp(b, "header", 6) && !memcmp(big, "+body", 5), "read as one");
	ok(readv(s[1], v, 2) == 6, "and the other");
	fd = open("f", O_RDWR | O_APPEND);
	v[0] = (struct iovec){ "en", 2 };
	v[1] = (struct iovec){ "d", 1 };
	ok(writev(fd, v, 2) == 3 && lseek(fd, 0, SEEK_CUR) == 7 + IOV_MAX + 3, "appending");
	fd = open("/dev/zero", O_RDWR);
	memset(a, 1, 4);
	v[0] = (struct iovec){ a, 2 };
	v[1] = (struct iovec){ a + 2, 2 };
	ok(readv(fd, v, 2) == 4 && !a[0] && !a[3], "devices, too");
	v[0] = (struct iovec){ (void *)8, 2 };
	fd = open("/dev/null", O_RDWR);
	ok(writev(fd, v, 1) == 2, "/dev/null does not even look");
	return done();
}
