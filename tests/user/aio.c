/* SPDX-License-Identifier: MIT */
/* Native AIO: io_setup, io_submit, io_getevents, io_pgetevents, io_cancel, io_destroy: requests and their events, and each refusal. */
#include "harness.h"
#include "child.h"
#include <linux/aio_abi.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/uio.h>

static int setup(unsigned n, aio_context_t *c) { return (int)syscall(SYS_io_setup, n, c); }
static int submit(aio_context_t c, long n, struct iocb **l) { return (int)syscall(SYS_io_submit, c, n, l); }
static int events(aio_context_t c, long min, long n, struct io_event *e, struct timespec *t) { return (int)syscall(SYS_io_getevents, c, min, n, e, t); }
static void on_alarm(int sig) { }

static struct iocb cb;
static struct iocb *one = &cb;
static void prepare(int op, int fd, void *buf, size_t n, long long off)
{
	memset(&cb, 0, sizeof(cb));
	cb.aio_data = 77;
	cb.aio_lio_opcode = (uint16_t)op;
	cb.aio_fildes = (uint32_t)fd;
	cb.aio_buf = (uintptr_t)buf;
	cb.aio_nbytes = n;
	cb.aio_offset = off;
}

int main(void)
{
	aio_context_t c = 0, d = 0, fresh = 0;
	struct io_event e[8];
	struct timespec zero = { 0, 0 };
	struct sigaction sa = { .sa_handler = on_alarm };
	char buf[64], buf2[64];
	struct iocb many[4], *list[4];
	struct iovec v[2] = { { buf, 3 }, { buf2, 3 } };
	int fd, ev, p[2];
	uint64_t count;
	pid_t pid;

	plan(46);
	fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0600);
	ok_errno(setup(0, &c), EINVAL, "a context for nothing");
	c = 5;
	ok_errno(setup(8, &c), EINVAL, "one that is not zero before");
	aio_context_t *volatile bad = (void *)8;
	ok_errno(setup(8, bad), EFAULT, "a bad address");
	ok_errno(setup(1u << 29, &fresh), EINVAL, "far too many");
	c = 0;
	ok(setup(8, &c) == 0 && c != 0, "a context");
	ok(events(c, 0, 8, e, &zero) == 0, "no event");
	prepare(IOCB_CMD_PWRITE, fd, "asynchronous", 12, 0);
	ok(submit(c, 1, &one) == 1, "a write");
	ok(events(c, 1, 8, e, NULL) == 1 && e[0].data == 77 && e[0].obj == (uintptr_t)&cb && e[0].res == 12 && e[0].res2 == 0, "its event");
	prepare(IOCB_CMD_PREAD, fd, buf, 64, 1);
	ok(submit(c, 1, &one) == 1 && events(c, 1, 8, e, NULL) == 1 && e[0].res == 11 && !memcmp(buf, "synchronous", 11), "a read");
	ok(lseek(fd, 0, SEEK_CUR) == 0, "the file's position is not touched");
	prepare(IOCB_CMD_PREADV, fd, v, 2, 0);
	ok(submit(c, 1, &one) == 1 && events(c, 1, 8, e, NULL) == 1 && e[0].res == 6 && !memcmp(buf, "asy", 3) && !memcmp(buf2, "nch", 3), "a vector");
	prepare(IOCB_CMD_PWRITEV, fd, v, 2, 100);
	ok(submit(c, 1, &one) == 1 && events(c, 1, 8, e, NULL) == 1 && e[0].res == 6 && lseek(fd, 0, SEEK_END) == 106, "another");
	prepare(IOCB_CMD_FDSYNC, fd, NULL, 0, 0);
	ok(submit(c, 1, &one) == 1 && events(c, 1, 8, e, NULL) == 1 && e[0].res == 0, "fdatasync");
	prepare(IOCB_CMD_PREAD, fd, buf, 64, 1000);
	ok(submit(c, 1, &one) == 1 && events(c, 1, 8, e, NULL) == 1 && e[0].res == 0, "at the end: zero");
	for (int i = 0; i < 4; i++) {
		prepare(IOCB_CMD_PREAD, fd, buf + i, 1, i);
		many[i] = cb;
		many[i].aio_data = (uint64_t)i;
		list[i] = &many[i];
	}
	ok(submit(c, 4, list) == 4, "four at once");
	ok(events(c, 2, 2, e, NULL) == 2 && events(c, 1, 8, e + 2, NULL) == 2, "taken in two parts");
	int seen = 0;
	for (int i = 0; i < 4; i++)
		seen |= 1 << e[i].data;
	ok(seen == 15 && !memcmp(buf, "asyn", 4), "all of them");
	/* Errors of the submission. */
	prepare(IOCB_CMD_PREAD, 777, buf, 1, 0);
	ok_errno(submit(c, 1, &one), EBADF, "not open");
	prepare(99, fd, buf, 1, 0);
	ok_errno(submit(c, 1, &one), EINVAL, "an unknown command");
	prepare(IOCB_CMD_PREAD, fd, buf, 1, -1);
	ok_errno(submit(c, 1, &one), EINVAL, "a negative offset");
	prepare(IOCB_CMD_PREAD, fd, buf, 1, 0);
	cb.aio_reserved2 = 1;
	ok_errno(submit(c, 1, &one), EINVAL, "a reserved field");
	prepare(IOCB_CMD_PREAD, open("f", O_WRONLY), buf, 1, 0);
	ok_errno(submit(c, 1, &one), EBADF, "opened for writing");
	prepare(IOCB_CMD_FSYNC, fd, buf, 0, 0);
	ok_errno(submit(c, 1, &one), EINVAL, "fsync with a buffer");
	ok_errno(submit(c, -1, &one), EINVAL, "a negative count");
	ok(submit(c, 0, &one) == 0, "none");
	struct iocb **volatile badl = (void *)8;
	ok_errno(submit(c, 1, badl), EFAULT, "a bad list");
	ok_errno(submit(12345, 1, &one), EINVAL, "no such context");
	many[1].aio_fildes = 777;
	ok(submit(c, 4, list) == 1 && events(c, 1, 8, e, NULL) == 1, "a bad one among good ones: those before it");
	ok_errno(submit(c, 3, list + 1), EBADF, "and it again, first");
	/* An error of the I/O is the event's. */
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 1000, RLIM_INFINITY });
	prepare(IOCB_CMD_PWRITE, fd, buf, 1, 2000);
	int r = submit(c, 1, &one);
	setrlimit(RLIMIT_FSIZE, &(struct rlimit){ RLIM_INFINITY, RLIM_INFINITY });
	ok(r == 1 && events(c, 1, 8, e, NULL) == 1 && e[0].res == -EFBIG, "an error of the write itself comes with the event");
	/* An eventfd. */
	ev = eventfd(0, EFD_NONBLOCK);
	prepare(IOCB_CMD_PREAD, fd, buf, 1, 0);
	cb.aio_flags = IOCB_FLAG_RESFD;
	cb.aio_resfd = (uint32_t)ev;
	ok(submit(c, 1, &one) == 1 && read(ev, &count, 8) == 8 && count == 1, "an eventfd hears of it");
	cb.aio_resfd = (uint32_t)fd;
	ok_errno(submit(c, 1, &one), EINVAL, "a file is no eventfd");
	ok(events(c, 0, 8, e, &zero) == 1, "its event");
	/* Waiting. */
	ok_errno(events(c, -1, 8, e, &zero), EINVAL, "less than none");
	ok_errno(events(c, 9, 8, e, &zero), EINVAL, "more than room");
	ok_errno(events(12345, 0, 1, e, &zero), EINVAL, "no such context");
	sigaction(SIGUSR1, &sa, NULL);
	if (!(pid = fork())) {	/* contexts are not inherited */
		c = 0;
		if (setup(8, &c))
			_exit(9);
		_exit(events(c, 1, 8, e, NULL) == -1 && errno == EINTR ? 5 : 6);
	}
	ok(wait_sleeping(pid), "a waiter sleeps");
	kill(pid, SIGUSR1);
	ok(exit_of(pid) == 5, "until a signal: EINTR");
	ok(in_child(events(c, 0, 1, e, &zero) == -1 && errno == EINVAL ? 5 : 6) == 5, "a child does not have its parent's contexts");
	/* A pipe: the request waits where it is submitted or not, its event comes when there is data. */
	if (pipe(p) || write(p[1], "pipe", 4) != 4)
		bail("pipe");
	prepare(IOCB_CMD_PREAD, p[0], buf, 64, 0);
	ok(submit(c, 1, &one) == 1 && events(c, 1, 8, e, NULL) == 1 && e[0].res == 4, "a pipe with data");
	if (!(pid = fork())) {	/* one that waits where it is submitted, and a signal */
		c = 0;
		prepare(IOCB_CMD_PREAD, p[0], buf, 64, 0);
		if (setup(8, &c))
			_exit(9);
		_exit(submit(c, 1, &one) == 1 && events(c, 1, 8, e, NULL) == 1 && e[0].res == -EINTR ? 5 : 6);
	}
	ok(wait_sleeping(pid), "an empty pipe: the request sleeps");
	kill(pid, SIGUSR1);
	ok(exit_of(pid) == 5, "until a signal: its result is EINTR");
	struct { const sigset_t *set; size_t size; } sig;
	sigset_t set;
	sigemptyset(&set);
	sig.set = &set;
	sig.size = 8;
	ok(syscall(SYS_io_pgetevents, c, 0, 8, e, &zero, &sig) == 0, "io_pgetevents with a mask");
	ok_errno(syscall(SYS_io_cancel, c, &cb, e), EINVAL, "nothing to cancel");
	d = c;
	ok(syscall(SYS_io_destroy, c) == 0, "destroyed");
	ok(syscall(SYS_io_destroy, d) == -1 && errno == EINVAL && submit(d, 0, &one) == -1 && errno == EINVAL, "once");
	return done();
}
