/* SPDX-License-Identifier: MIT */
/* SOCK_SEQPACKET: connections that keep the borders of messages: cut reads, end of file, empty messages, gathering, refusals. */
#include "harness.h"
#include "child.h"
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

int main(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "seq" };
	int s[2], l, c, d;
	char buf[64];
	struct iovec v[2] = { { buf, 2 }, { buf + 10, 2 } };
	struct msghdr m = { .msg_iov = v, .msg_iovlen = 2 };
	pid_t pid;

	plan(19);
	signal(SIGPIPE, SIG_IGN);
	ok(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s) == 0, "a pair");
	ok(send(s[0], "first", 5, 0) == 5 && send(s[0], "second", 6, 0) == 6, "two messages");
	ok(recv(s[1], buf, 64, MSG_PEEK) == 5 && recv(s[1], buf, 64, 0) == 5, "one at a time");
	ok(recvmsg(s[1], &m, 0) == 4 && (m.msg_flags & MSG_TRUNC) && !memcmp(buf, "se", 2) && !memcmp(buf + 10, "co", 2), "a short buffer cuts and says so");
	ok_errno(recv(s[1], buf, 64, MSG_DONTWAIT), EAGAIN, "the rest is gone");
	ok(send(s[0], "twelve bytes", 12, 0) == 12 && recv(s[1], buf, 4, MSG_TRUNC) == 12, "MSG_TRUNC tells the length");
	if (!(pid = fork()))
		_exit(recv(s[1], buf, 64, 0) == 4 ? 5 : 6);
	ok(wait_sleeping(pid), "a reader waits");
	ok(send(s[0], "wake", 4, 0) == 4 && exit_of(pid) == 5, "for a message");
	ok(shutdown(s[0], SHUT_WR) == 0 && recv(s[1], buf, 64, 0) == 0, "end of file");
	ok_errno(send(s[0], "x", 1, 0), EPIPE, "no more writes");
	ok(send(s[1], "back", 4, 0) == 4 && recv(s[0], buf, 64, 0) == 4, "the other direction goes on");
	close(s[1]);
	ok_errno(send(s[0], "x", 1, MSG_NOSIGNAL), EPIPE, "nobody there");

	l = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	ok(bind(l, (void *)&a, sizeof(a)) == 0 && listen(l, 1) == 0, "a listener");
	c = socket(AF_UNIX, SOCK_STREAM, 0);
	ok_errno(connect(c, (void *)&a, sizeof(a)), EPROTOTYPE, "a stream does not fit");
	c = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	ok_errno(send(c, "x", 1, 0), ENOTCONN, "not connected");
	ok(connect(c, (void *)&a, sizeof(a)) == 0 && send(c, "hello", 5, 0) == 5, "connected before it is accepted");
	d = accept(l, NULL, NULL);
	ok(d >= 0 && recv(d, buf, 64, 0) == 5, "the message was kept");
	ok(sendto(c, "x", 1, 0, (void *)&a, sizeof(a)) == 1 && recv(d, buf, 64, 0) == 1, "an address given to a connected one is not looked at");
	close(d);
	struct pollfd pf = { c, POLLIN, 0 };
	ok(poll(&pf, 1, 0) == 1 && (pf.revents & POLLHUP), "POLLHUP");
	return done();
}
