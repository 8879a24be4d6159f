/* SPDX-License-Identifier: MIT */
/* Which of several errors the calls of sockets tell, and where UNIX packets differ from streams (found by the differential fuzzer). */
#include "harness.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#define CHECK(c) ok(c, "%s", #c)
#define CHECK_EQ(a, b) ok((long)(a) == (long)(b), "%s", #a)

static int fails(long r, int e) { return r == -1 && errno == e; }
#define BAD ((void *)-4096L)
#define COMPAT 0x80000000u

static void descriptors(void)
{
	int e = eventfd(0, 0), one = 1;

	CHECK(fails(syscall(SYS_sendmsg, -1, NULL, COMPAT), EINVAL));	/* before the descriptor */
	CHECK(fails(syscall(SYS_recvmsg, -1, NULL, COMPAT), EINVAL));
	CHECK(fails(syscall(SYS_sendmmsg, -1, NULL, 1, COMPAT), EINVAL));
	CHECK(fails(syscall(SYS_recvmmsg, -1, NULL, 1, COMPAT, NULL), EINVAL));
	CHECK(fails(syscall(SYS_connect, e, BAD, 7), EFAULT));		/* the name comes before what it is */
	CHECK(fails(syscall(SYS_connect, -1, BAD, 7), EBADF));
	CHECK(fails(syscall(SYS_setsockopt, e, SOL_SOCKET, SO_DEBUG, &one, -1), ENOTSOCK));
	close(e);
}

static void options(void)
{
	int s = socket(AF_UNIX, SOCK_STREAM, 0), zero = 0, one = 1;

	CHECK(fails(syscall(SYS_setsockopt, s, SOL_SOCKET, SO_RCVTIMEO, BAD, 4), EFAULT));
	CHECK_EQ(setsockopt(s, SOL_SOCKET, SO_REUSEPORT, &zero, sizeof(zero)), 0);
	CHECK(fails(setsockopt(s, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)), EOPNOTSUPP));
	CHECK(fails(syscall(SYS_getsockopt, s, SOL_SOCKET, -1, &one, BAD), EFAULT));
	CHECK_EQ(syscall(SYS_getsockopt, s, SOL_SOCKET, SO_LINGER, 0xffff800000000000, &zero), 0);	/* nothing is copied there */
	close(s);
}

/* Packets: no SIGPIPE, no MSG_EOR, and nothing asked for is nothing got. */
static void packets(void)
{
	int p[2], s = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	static char c[4];	/* low in memory: 2 GiB from there are addresses */
	struct iovec v = { c, sizeof(c) };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };

	CHECK_EQ(read(s, c, 0), 0);
	m.msg_control = NULL;
	m.msg_controllen = 0x100000;
	CHECK(fails(sendmsg(s, &m, 0), ENOBUFS));
	m.msg_controllen = 0;
	v.iov_len = INT64_MAX;		/* cut off before it is looked at */
	CHECK(fails(syscall(SYS_recvmsg, s, &m, MSG_DONTWAIT), ENOTCONN));
	v.iov_len = sizeof(c);
	CHECK_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, p), 0);
	CHECK_EQ(send(p[0], "hello", 5, MSG_EOR), 5);
	CHECK_EQ(recvmsg(p[1], &m, 0), 4);
	CHECK_EQ(m.msg_flags, MSG_TRUNC);
	CHECK_EQ(shutdown(p[0], SHUT_WR), 0);
	CHECK(fails(write(p[0], "x", 1), EPIPE));	/* and nobody dies */
	close(p[0]);
	close(p[1]);
	close(s);
}

/* What has happened to a socket for packets comes before what is to be sent. */
static void packets_reset(void)
{
	union { struct cmsghdr h; char room[CMSG_SPACE(sizeof(int))]; } c = { .h = { .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS } };
	struct iovec v = { c.room, 4 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof(c) };
	int p[2], none = -1;

	memcpy(CMSG_DATA(&c.h), &none, sizeof(none));
	for (int how = 0; how < 2; how++) {
		CHECK_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, p), 0);
		CHECK(fails(sendmsg(p[1], &m, 0), EBADF));
		CHECK_EQ(send(p[1], "unread", 6, 0), 6);
		close(p[0]);
		CHECK(fails(how ? sendmsg(p[1], &m, 0) : send(p[1], "x", 1, MSG_OOB), ECONNRESET));
		CHECK(fails(how ? sendmsg(p[1], &m, 0) : send(p[1], "x", 1, MSG_OOB), how ? EBADF : EOPNOTSUPP));
		CHECK(fails(send(p[1], "x", 1, 0), EPIPE));
		close(p[1]);
	}
}

static void names(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "errno_order.a" }, b = { .sun_family = AF_UNIX, .sun_path = "errno_order.b" },
		far = { .sun_family = AF_UNIX, .sun_path = "errno_order.none/c" };
	char name[256] = { AF_UNIX, 0, 0, 'x' };
	struct iovec v = { NULL, 100 };
	struct msghdr m = { .msg_name = name, .msg_namelen = sizeof(name), .msg_iov = &v, .msg_iovlen = 1 };
	struct stat st;
	int p[2], s = socket(AF_UNIX, SOCK_STREAM, 0), d = socket(AF_UNIX, SOCK_DGRAM, 0);

	unlink(a.sun_path);
	unlink(b.sun_path);
	CHECK(fails(sendmsg(d, &m, 0), EINVAL));	/* such a long name, before what is to be sent */
	CHECK_EQ(bind(s, (void *)&a, sizeof(a)), 0);
	CHECK(fails(bind(s, (void *)&a, sizeof(a)), EADDRINUSE));
	CHECK(fails(bind(s, (void *)&far, sizeof(far)), ENOENT));
	CHECK(fails(bind(s, (void *)&b, sizeof(b)), EINVAL));	/* it has a name */
	CHECK(fails(stat(b.sun_path, &st), ENOENT));		/* and the new one is gone again */
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, p), 0);
	CHECK(fails(connect(p[0], (void *)&a, sizeof(a)), ECONNREFUSED));	/* the other side is looked at first */
	close(p[0]);
	close(p[1]);
	close(s);
	close(d);
	unlink(a.sun_path);
}

static void files(void)
{
	uint64_t v[2] = { 3, 4 };
	struct iovec two[2] = { { &v[0], 8 }, { v, 16 } };
	int e = eventfd(0, EFD_NONBLOCK), ep = epoll_create(1), on = 1;

	CHECK_EQ(writev(e, two, 2), 8);		/* every part is a write of its own */
	CHECK_EQ(read(e, v, 8), 8);
	CHECK_EQ(v[0], 3);
	CHECK(fails(ioctl(ep, FIOASYNC, &on), ENOTTY));
	close(e);
	close(ep);
}

int main(void)
{
	signal(SIGPIPE, SIG_DFL);
	descriptors();
	options();
	packets();
	packets_reset();
	names();
	files();
	return done();
}
