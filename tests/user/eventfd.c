/* SPDX-License-Identifier: MIT */
/* eventfd(2). */
#include "harness.h"
#include "child.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static void *adder(void *arg)
{
	uint64_t one = 1;

	wait_sleeping(getpid());
	if (write(*(int *)arg, &one, 8) != 8)
		abort();
	return NULL;
}

static void *taker(void *arg)
{
	uint64_t v;

	wait_sleeping(getpid());
	if (read(*(int *)arg, &v, 8) != 8)
		abort();
	return NULL;
}

int main(void)
{
	int fd = eventfd(3, EFD_NONBLOCK | EFD_CLOEXEC), b = eventfd(0, 0);
	struct pollfd pf = { fd, POLLIN | POLLOUT, 0 };
	pthread_t th;
	uint64_t v;

	ok(fd >= 0 && b >= 0, "eventfd");
	ok(fcntl(fd, F_GETFD) == FD_CLOEXEC && (fcntl(fd, F_GETFL) & O_NONBLOCK), "flags");
	ok(poll(&pf, 1, 0) == 1 && pf.revents == (POLLIN | POLLOUT), "readable and writable");
	ok(read(fd, &v, 8) == 8 && v == 3, "the initial count");
	ok_errno(read(fd, &v, 8), EAGAIN, "then nothing");
	ok(poll(&pf, 1, 0) == 1 && pf.revents == POLLOUT, "writable only");
	v = 5;
	ok(write(fd, &v, 8) == 8 && write(fd, &v, 8) == 8 && read(fd, &v, 8) == 8 && v == 10, "writes add up");
	ok_errno(read(fd, &v, 7), EINVAL, "a short buffer");
	ok_errno(write(fd, &v, 4), EINVAL, "a short write");
	v = UINT64_MAX;
	ok_errno(write(fd, &v, 8), EINVAL, "the one value that cannot be written");
	v = UINT64_MAX - 1;
	ok(write(fd, &v, 8) == 8, "the largest");
	v = 1;
	ok_errno(write(fd, &v, 8), EAGAIN, "one more does not fit");
	ok(poll(&pf, 1, 0) == 1 && pf.revents == POLLIN, "readable only");
	pthread_create(&th, NULL, adder, &b);
	ok(read(b, &v, 8) == 8 && v == 1, "a blocking read waits");
	pthread_join(th, NULL);
	v = UINT64_MAX - 1;
	ok(write(b, &v, 8) == 8, "fill it");
	pthread_create(&th, NULL, taker, &b);
	v = 7;
	ok(write(b, &v, 8) == 8, "a blocking write waits for a reader");
	pthread_join(th, NULL);
	ok(read(b, &v, 8) == 8 && v == 7, "and then counts");
	int s = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
	ok(read(s, &v, 8) == 8 && v == 1 && read(s, &v, 8) == 8 && v == 1, "a semaphore gives ones");
	ok_errno(read(s, &v, 8), EAGAIN, "until it is empty");
	ok_errno(eventfd(0, 0x100), EINVAL, "bad flags");
	ok(lseek(fd, 100, SEEK_SET) == 0, "seeking does nothing");
	struct iovec v2[2] = { { &v, 8 }, { &v, 4 } };

	v = 3;
	read(fd, &v, 8);
	v = 3;
	ok(writev(fd, v2, 2) == 8 && read(fd, &v, 8) == 8 && v == 3, "each segment is a write");
	ok_errno(syscall(SYS_pwritev2, fd, v2, 1, -1L, -1L, RWF_DSYNC), EOPNOTSUPP, "one that knows no flags");
	ok_errno(syscall(SYS_pwritev2, fd, v2, 1, -1L, -1L, 0x40000000), EOPNOTSUPP, "whatever they are");
	return done();
}
