/* SPDX-License-Identifier: MIT */
/* pwritev2(2) and preadv2(2): what a single call asks for besides what its file says. */
#include "harness.h"
#include "child.h"
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum { APPEND = 16, NOAPPEND = 32, NOSIGNAL = 256, DSYNC = 2, SYNC = 4, HIPRI = 1, TIMES = 300 };
static volatile sig_atomic_t broken;
static void on_pipe(int sig) { (void)sig; broken++; }
static long put(int fd, const char *s, off_t at, int flags)
{
	struct iovec v = { (void *)s, strlen(s) };

	return syscall(SYS_pwritev2, fd, &v, 1, at, at >> 31 >> 1, flags);
}
static int holds(int fd, const char *s)
{
	char b[64];
	ssize_t n = pread(fd, b, sizeof(b), 0);

	return n == (ssize_t)strlen(s) && !memcmp(b, s, (size_t)n);
}
static void *appends(void *arg)
{
	for (int i = 0; i < TIMES; i++)
		if (put(*(int *)arg, "0123456789", 0, APPEND) != 10)
			return arg;
	return NULL;
}

int main(void)
{
	int fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0600), ap, p[2], s[2];
	struct iovec v = { NULL, 0 };
	pthread_t t[2];
	struct stat st;
	void *bad[2];

	plan(26);
	signal(SIGPIPE, on_pipe);
	ok(put(fd, "abcdef", 0, 0) == 6 && put(fd, "XY", 1, DSYNC) == 2 && put(fd, "Z", 5, SYNC | HIPRI) == 1, "at a position");
	ok(holds(fd, "aXYdeZ") && lseek(fd, 0, SEEK_CUR) == 0, "the offset stays");
	ok(put(fd, "gh", 1, APPEND) == 2 && holds(fd, "aXYdeZgh"), "RWF_APPEND writes at the end, whatever the position");
	ok(lseek(fd, 0, SEEK_CUR) == 0, "the offset stays");
	ok(put(fd, "i", -1, APPEND) == 1 && holds(fd, "aXYdeZghi"), "at the end without a position");
	ok(lseek(fd, 0, SEEK_CUR) == 9, "which moves the offset there");
	lseek(fd, 2, SEEK_SET);
	ok(put(fd, "j", -1, 0) == 1 && holds(fd, "aXjdeZghi") && lseek(fd, 0, SEEK_CUR) == 3, "position -1 is the offset");
	ok_errno(put(fd, "k", -2, 0), EINVAL, "position -2");
	ok_errno(put(fd, "k", 0, 1 << 30), EOPNOTSUPP, "a flag that nobody knows");
	ok_errno(put(fd, "k", 0, APPEND | NOAPPEND), EINVAL, "to append and not to append");
	ok(syscall(SYS_pwritev2, fd, &v, 1, 0, 0, 1 << 30) == 0, "of nothing, flags are not looked at");
	ap = open("f", O_RDWR | O_APPEND);
	ok(put(ap, "l", 0, 0) == 1 && holds(fd, "aXjdeZghil"), "O_APPEND goes to the end in any case");
	ok(put(ap, "m", 0, NOAPPEND) == 1 && holds(fd, "mXjdeZghil"), "but for RWF_NOAPPEND");
	ok(put(fd, "n", 0, NOAPPEND) == 1 && holds(fd, "nXjdeZghil"), "which changes nothing without O_APPEND");
	ok(ftruncate(fd, 0) == 0, "an empty file");
	for (int i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, appends, &fd);
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], &bad[i]);
	ok(!bad[0] && !bad[1], "two threads append");
	ok(fstat(fd, &st) == 0 && st.st_size == 2 * TIMES * 10, "and none overwrites what the other wrote");

	ok(pipe(p) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0, "a pipe and a socket");
	close(p[0]);
	close(s[0]);
	ok_errno(put(p[1], "o", -1, 0), EPIPE, "a pipe without a reader");
	ok(broken == 1, "SIGPIPE");
	ok_errno(put(p[1], "o", -1, NOSIGNAL), EPIPE, "RWF_NOSIGNAL");
	ok(broken == 1, "none");
	ok_errno(put(s[1], "o", -1, 0), EPIPE, "a socket without a peer");
	ok(broken == 2, "SIGPIPE");
	ok_errno(put(s[1], "o", -1, NOSIGNAL), EPIPE, "RWF_NOSIGNAL");
	ok(broken == 2, "none");
	return done();
}
