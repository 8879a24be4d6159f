/* SPDX-License-Identifier: MIT */
/* splice(2), tee(2), vmsplice(2): file to pipe and back with offsets, pipe to pipe, copies without taking, memory into a pipe, and each refusal. */
#include "harness.h"
#include "child.h"
#include <pthread.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* Several that empty one pipe, into files, into another pipe and by read: each byte goes to one of them. */
enum { TAKERS = 4, RECORDS = 20000, RECORD = 64 };
static int shared[2];
static void *taker(void *arg)
{
	char name[16], buf[RECORD];
	long i = (long)arg;
	int fd, via[2];
	ssize_t n;

	snprintf(name, sizeof(name), "taker%ld", i);
	fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || pipe(via))
		bail("%s", name);
	for (;;) {
		if (i == 0)
			n = read(shared[0], buf, RECORD);
		else
			n = splice(shared[0], NULL, i == 1 ? via[1] : fd, NULL, RECORD, 0);
		if (n <= 0)
			break;
		if (i == 1)
			n = read(via[0], buf, RECORD);
		if (i < 2 && write(fd, buf, (size_t)n) != n)
			bail("%s", name);
	}
	return (void *)(long)fd;
}
static void share_out(void)
{
	static unsigned char seen[RECORDS];
	pthread_t t[TAKERS];
	uint64_t rec[RECORD / 8];
	int twice = 0, never = 0;

	if (pipe(shared))
		bail("pipe");
	for (long i = 0; i < TAKERS; i++)
		pthread_create(&t[i], NULL, taker, (void *)i);
	for (uint64_t i = 0; i < RECORDS; i++) {
		rec[0] = i;
		if (write(shared[1], rec, RECORD) != RECORD)
			bail("write");
	}
	close(shared[1]);
	for (int i = 0; i < TAKERS; i++) {
		void *fd;
		off_t at = 0;

		pthread_join(t[i], &fd);
		for (; pread((int)(long)fd, rec, RECORD, at) == RECORD; at += RECORD)
			twice += rec[0] < RECORDS && seen[rec[0]]++;
	}
	for (int i = 0; i < RECORDS; i++)
		never += !seen[i];
	ok(!twice && !never, "several share out a pipe's bytes (%d twice, %d never)", twice, never);
}

int main(void)
{
	char buf[8192];
	int fd, out, p[2], q[2], s[2];
	loff_t off;
	struct iovec v[2];
	pid_t pid;

	plan(40);
	signal(SIGPIPE, SIG_IGN);
	fd = open("in", O_RDWR | O_CREAT | O_TRUNC, 0600);
	out = open("out", O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || out < 0 || pipe2(p, O_NONBLOCK) || pipe2(q, O_NONBLOCK) || write(fd, "0123456789", 10) != 10)
		bail("scratch");
	off = 2;
	ok(splice(fd, &off, p[1], NULL, 5, 0) == 5 && off == 7, "file to pipe, the offset moves");
	ok(lseek(fd, 0, SEEK_CUR) == 10, "the file's own does not");
	ok(tee(p[0], q[1], 100, 0) == 5, "tee copies what is there");
	ok(read(q[0], buf, 100) == 5 && !memcmp(buf, "23456", 5), "to the second pipe");
	off = 3;
	ok(splice(p[0], NULL, out, &off, 100, 0) == 5 && off == 8, "pipe to file at an offset: it was not taken by tee");
	ok(pread(out, buf, 100, 0) == 8 && !memcmp(buf, "\0\0\00023456", 8), "with a hole before it");
	ok(lseek(out, 0, SEEK_CUR) == 0, "the file's position stays");
	ok_errno(splice(p[0], NULL, out, NULL, 1, SPLICE_F_NONBLOCK), EAGAIN, "an empty pipe");
	lseek(fd, 8, SEEK_SET);
	ok(splice(fd, NULL, p[1], NULL, 100, 0) == 2 && lseek(fd, 0, SEEK_CUR) == 10, "without an offset the file's position moves");
	ok(splice(fd, NULL, p[1], NULL, 100, 0) == 0, "end of file");
	ok(splice(p[0], NULL, q[1], NULL, 1, 0) == 1 && read(q[0], buf, 9) == 1 && buf[0] == '8', "pipe to pipe, a part");
	ok(splice(p[0], NULL, q[1], NULL, 9, 0) == 1 && read(q[0], buf, 9) == 1 && buf[0] == '9', "and the rest");
	ok(splice(p[0], NULL, out, NULL, 0, 0) == 0, "nothing at all");

	off = 0;
	ok_errno(splice(fd, NULL, out, NULL, 1, 0), EINVAL, "file to file");
	ok_errno(splice(fd, NULL, p[0], NULL, 1, 0), EBADF, "into the read end");
	ok_errno(splice(p[1], NULL, out, NULL, 1, 0), EBADF, "out of the write end");
	ok_errno(splice(p[0], &off, out, NULL, 1, 0), ESPIPE, "an offset for a pipe");
	ok_errno(splice(p[0], NULL, p[1], NULL, 1, 0), EINVAL, "a pipe to itself");
	ok_errno(splice(p[0], NULL, out, NULL, 1, 0x100), EINVAL, "unknown flags");
	ok_errno(splice(777, NULL, out, NULL, 1, 0), EBADF, "not open");
	ok_errno(tee(p[0], fd, 1, 0), EINVAL, "tee to a file");
	ok_errno(tee(p[0], p[1], 1, 0), EINVAL, "tee to itself");
	ok_errno(tee(p[0], q[1], 1, SPLICE_F_NONBLOCK), EAGAIN, "tee of an empty pipe");
	off = -1;
	ok_errno(splice(fd, &off, p[1], NULL, 1, 0), EINVAL, "a negative offset");
	close(out);
	out = open("out", O_WRONLY | O_APPEND);
	if (write(p[1], "app", 3) != 3)
		bail("write");
	ok_errno(splice(p[0], NULL, out, NULL, 3, 0), EINVAL, "into a file opened for appending");
	ok(read(p[0], buf, 10) == 3, "it is still in the pipe");

	v[0] = (struct iovec){ "vm", 2 };
	v[1] = (struct iovec){ "splice", 6 };
	ok(vmsplice(p[1], v, 2, 0) == 8 && read(p[0], buf, 100) == 8 && !memcmp(buf, "vmsplice", 8), "vmsplice into a pipe");
	if (write(p[1], "from the pipe", 13) != 13)
		bail("write");
	v[0] = (struct iovec){ buf, 4 };
	v[1] = (struct iovec){ buf + 100, 100 };
	ok(vmsplice(p[0], v, 2, 0) == 13 && !memcmp(buf, "from", 4) && !memcmp(buf + 100, " the pipe", 9), "and out of one");
	ok_errno(vmsplice(fd, v, 1, 0), EBADF, "of a file");
	v[0] = (struct iovec){ (void *)8, 4 };
	ok_errno(vmsplice(p[1], v, 1, 0), EFAULT, "from a bad address");

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, s) || write(s[1], "socket", 6) != 6)
		bail("socketpair");
	ok(splice(s[0], NULL, p[1], NULL, 100, 0) == 6, "socket to pipe");
	ok(splice(p[0], NULL, s[0], NULL, 100, 0) == 6 && read(s[1], buf, 100) == 6 && !memcmp(buf, "socket", 6), "and pipe to socket");
	fcntl(p[0], F_SETFL, 0);
	fd = open("out2", O_RDWR | O_CREAT, 0600);
	if (!(pid = fork()))
		_exit(splice(p[0], NULL, fd, NULL, 100, 0) == 4 ? 5 : 6);
	ok(wait_sleeping(pid), "a splice of an empty pipe waits");
	ok(write(p[1], "late", 4) == 4 && exit_of(pid) == 5, "for what is written");
	ok(pread(fd, buf, 10, 0) == 4 && !memcmp(buf, "late", 4), "and has it in the file");
	close(p[1]);
	ok(splice(p[0], NULL, fd, NULL, 100, 0) == 0, "without a writer: end of file");
	share_out();
	/* A page that tee shares is still appended to by the pipe that had it first. */
	static char big[27 * 4096 + 3311], copy[64];
	int from[2], to[2];

	if (pipe2(from, O_NONBLOCK) || pipe2(to, O_NONBLOCK))
		bail("pipe2");
	ok(write(from[1], "0123456789abcdef", 16) == 16 && tee(from[0], to[1], 1000, 0) == 16, "tee of sixteen bytes");
	ok(write(from[1], big, sizeof(big)) == 15 * 4096 + 3311, "they keep the rest of their page");
	ok(read(to[0], copy, sizeof(copy)) == 16 && !memcmp(copy, "0123456789abcdef", 16), "which the copy does not have");
	return done();
}
