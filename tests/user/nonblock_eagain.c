/* SPDX-License-Identifier: MIT */
/* EAGAIN, object by object: what is not ready says so at once, and O_NONBLOCK belongs to the open file, not to the descriptor. */
#include "harness.h"
#include "child.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>

static char buf[65536];

int main(void)
{
	int p[2], s[2], fd, fd2, ls, one = 1;
	uint64_t v = 0xfffffffffffffffeull;
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "sock" };
	sigset_t set;
	ssize_t n;
	pid_t pid;

	plan(25);
	if (pipe2(p, O_NONBLOCK) || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s))
		bail("pipe");
	ok_errno(read(p[0], buf, 1), EAGAIN, "an empty pipe");
	while ((n = write(p[1], buf, sizeof(buf))) > 0)
		;
	ok(n == -1 && errno == EAGAIN, "a full one");
	ok_errno(recv(s[0], buf, 1, 0), EAGAIN, "an empty stream socket");
	while ((n = write(s[0], buf, sizeof(buf))) > 0)
		;
	ok(n == -1 && errno == EAGAIN, "a full one");
	fd = eventfd(0, EFD_NONBLOCK);
	ok_errno(read(fd, buf, 8), EAGAIN, "an eventfd at zero");
	ok(write(fd, &v, 8) == 8, "filled");
	v = 1;
	ok_errno(write(fd, &v, 8), EAGAIN, "is full");
	close(fd);
	fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	ok_errno(read(fd, buf, 8), EAGAIN, "a timerfd that is not armed");
	close(fd);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	fd = signalfd(-1, &set, SFD_NONBLOCK);
	ok_errno(read(fd, buf, sizeof(struct signalfd_siginfo)), EAGAIN, "a signalfd without a signal");
	close(fd);
	fd = inotify_init1(IN_NONBLOCK);
	ok_errno(read(fd, buf, 4096), EAGAIN, "an inotify without events");
	close(fd);

	ls = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (bind(ls, (void *)&a, sizeof(a)) || listen(ls, 0))
		bail("listen");
	ok_errno(accept(ls, NULL, NULL), EAGAIN, "accept without a caller");
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	ok(connect(fd, (void *)&a, sizeof(a)) == 0, "the first caller fits the backlog");
	fd2 = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	ok_errno(connect(fd2, (void *)&a, sizeof(a)), EAGAIN, "the second does not");
	ok((n = accept(ls, NULL, NULL)) >= 0 && !(fcntl((int)n, F_GETFL) & O_NONBLOCK), "accept does not pass O_NONBLOCK on");

	mkfifo("fifo", 0600);
	ok_errno(open("fifo", O_WRONLY | O_NONBLOCK), ENXIO, "a FIFO for writing without a reader");
	ok((fd = open("fifo", O_RDONLY | O_NONBLOCK)) >= 0 && read(fd, buf, 1) == 0, "for reading: opens, and reads end of file");
	fd2 = open("fifo", O_WRONLY | O_NONBLOCK);
	ok(fd2 >= 0, "now a writer may open");
	ok_errno(read(fd, buf, 1), EAGAIN, "with a writer: EAGAIN");

	/* The flag is the open file's. */
	if (pipe(p))
		bail("pipe");
	fd = dup(p[0]);
	ok(ioctl(fd, FIONBIO, &one) == 0 && (fcntl(p[0], F_GETFL) & O_NONBLOCK), "FIONBIO through a copy shows at the original");
	ok_errno(read(p[0], buf, 1), EAGAIN, "and counts there");
	ok(in_child((fcntl(p[0], F_SETFL, 0), 0)) == 0 && !(fcntl(fd, F_GETFL) & O_NONBLOCK), "a child takes it away for everybody");
	fd2 = open("/dev/null", O_RDONLY | O_NONBLOCK);
	ok(fd2 >= 0 && read(fd2, buf, 1) == 0, "files are always ready");
	/* MSG_DONTWAIT is one call's. */
	socketpair(AF_UNIX, SOCK_DGRAM, 0, s);
	ok_errno(recv(s[0], buf, 1, MSG_DONTWAIT), EAGAIN, "MSG_DONTWAIT");
	if (!(pid = fork()))
		_exit(recv(s[0], buf, 1, 0) == 1 ? 5 : 6);
	ok(wait_sleeping(pid), "without it the same socket waits");
	ok(send(s[1], "x", 1, 0) == 1 && exit_of(pid) == 5, "until data comes");
	return done();
}
