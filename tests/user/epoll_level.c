/* SPDX-License-Identifier: MIT */
/* epoll, level-triggered: reported as long as it is ready, for as many waiters and sets as look. */
#include "harness.h"
#include "child.h"
#include <sys/epoll.h>
#include <sys/socket.h>

static int poll_one(int ep, struct epoll_event *e)
{
	e->events = 0;
	return epoll_wait(ep, e, 1, 0);
}

int main(void)
{
	struct epoll_event e = { .events = EPOLLIN, .data.u64 = 0x123456789abcdef0ull }, many[8];
	int ep, ep2, p[2], s[2], seen = 0, fds[8][2];
	char c;

	plan(22);
	ep = epoll_create1(EPOLL_CLOEXEC);
	ep2 = epoll_create1(0);
	if (pipe2(p, O_NONBLOCK) || socketpair(AF_UNIX, SOCK_STREAM, 0, s))
		bail("pipe");
	ok(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e) == 0 && epoll_ctl(ep2, EPOLL_CTL_ADD, p[0], &e) == 0, "one end in two sets");
	ok(poll_one(ep, &e) == 0, "an empty pipe is not ready");
	if (write(p[1], "ab", 2) != 2)
		bail("write");
	ok(poll_one(ep, &e) == 1 && e.events == EPOLLIN && e.data.u64 == 0x123456789abcdef0ull, "ready, with my 64 bits");
	ok(poll_one(ep, &e) == 1, "and again");
	ok(poll_one(ep2, &e) == 1, "in the other set, too");
	ok(read(p[0], &c, 1) == 1 && poll_one(ep, &e) == 1, "as long as a byte is left");
	ok(read(p[0], &c, 1) == 1 && poll_one(ep, &e) == 0 && poll_one(ep2, &e) == 0, "and no longer");
	e = (struct epoll_event){ .events = EPOLLOUT, .data.fd = p[1] };
	ok(epoll_ctl(ep, EPOLL_CTL_ADD, p[1], &e) == 0 && poll_one(ep, &e) == 1 && e.events == EPOLLOUT && e.data.fd == p[1], "the write end has room");
	e.events = 0;
	ok(epoll_ctl(ep, EPOLL_CTL_MOD, p[1], &e) == 0 && poll_one(ep, &e) == 0, "asked for nothing, it says nothing");
	close(p[0]);
	ok(poll_one(ep, &e) == 1 && e.events == EPOLLERR, "but EPOLLERR comes unasked");
	close(p[1]);
	ok(poll_one(ep, &e) == 0, "a closed file leaves its set");
	e.events = EPOLLIN | EPOLLRDHUP;
	ok(epoll_ctl(ep, EPOLL_CTL_ADD, s[0], &e) == 0 && poll_one(ep, &e) == 0, "a socket");
	shutdown(s[1], SHUT_WR);
	ok(poll_one(ep, &e) == 1 && e.events == (EPOLLIN | EPOLLRDHUP), "EPOLLRDHUP when its peer writes no more");
	close(s[1]);
	ok(poll_one(ep, &e) == 1 && e.events == (EPOLLIN | EPOLLRDHUP | EPOLLHUP), "EPOLLHUP when it is gone");
	ok(epoll_ctl(ep, EPOLL_CTL_DEL, s[0], NULL) == 0 && poll_one(ep, &e) == 0, "EPOLL_CTL_DEL");

	/* Eight ready ones, asked for three at a time: nobody starves. */
	for (int i = 0; i < 8; i++) {
		if (pipe(fds[i]) || write(fds[i][1], "x", 1) != 1)
			bail("pipe");
		e = (struct epoll_event){ .events = EPOLLIN, .data.u32 = (uint32_t)i };
		epoll_ctl(ep, EPOLL_CTL_ADD, fds[i][0], &e);
	}
	ok(epoll_wait(ep, many, 8, 0) == 8, "eight at once");
	for (int round = 0; round < 3; round++)
		for (int i = 0, n = epoll_wait(ep, many, 3, 0); i < n; i++)
			seen |= 1 << many[i].data.u32;
	ok(seen == 0xff, "three at a time, each gets its turn (%x)", seen);
	ok_errno(epoll_wait(ep, many, 0, 0), EINVAL, "room for none");
	ok_errno(epoll_wait(ep, many, -1, 0), EINVAL, "less than none");
	struct epoll_event *volatile bad = (void *)8;
	ok_errno(epoll_wait(ep, bad, 1, 0), EFAULT, "a bad address");
	ok(epoll_wait(ep, many, 8, 0) == 8, "loses no event");
	ok_errno(epoll_wait(fds[0][0], many, 1, 0), EINVAL, "not an epoll");
	return done();
}
