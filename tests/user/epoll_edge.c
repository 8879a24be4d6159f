/* SPDX-License-Identifier: MIT */
/* epoll, edge-triggered: reported once a change; more data is a new edge; what is ready when added or modified is an edge, too. */
#include "harness.h"
#include "child.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

static struct epoll_event e;
static int ep;
static int got(void) { e.events = 0; return epoll_wait(ep, &e, 1, 0) == 1 ? (int)e.events : 0; }

int main(void)
{
	static char buf[65536];
	int p[2], s[2], ev;
	uint64_t v = 1;
	char c;
	pid_t pid;
	struct gate ready;

	plan(20);
	gate_init(&ready);
	ep = epoll_create1(0);
	if (pipe2(p, O_NONBLOCK) || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s) || write(p[1], "a", 1) != 1)
		bail("pipe");
	e = (struct epoll_event){ .events = EPOLLIN | EPOLLET };
	ok(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e) == 0 && got() == EPOLLIN, "ready when added: an edge");
	ok(got() == 0, "reported once");
	ok(write(p[1], "b", 1) == 1 && got() == EPOLLIN, "more data: an edge, though it was never empty");
	ok(got() == 0, "once");
	ok(read(p[0], &c, 1) == 1 && got() == 0, "reading a part is no edge");
	e = (struct epoll_event){ .events = EPOLLIN | EPOLLET };
	ok(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &e) == 0 && got() == EPOLLIN, "EPOLL_CTL_MOD of a ready one is an edge");
	ok(write(p[1], "cd", 2) == 2 && write(p[1], "e", 1) == 1 && got() == EPOLLIN && got() == 0, "two writes, one event");
	ok(read(p[0], buf, 100) == 4 && got() == 0, "drained");
	close(p[1]);
	ok(got() == EPOLLHUP && got() == 0, "EPOLLHUP, once");
	close(p[0]);

	e = (struct epoll_event){ .events = EPOLLIN | EPOLLOUT | EPOLLET };
	ok(epoll_ctl(ep, EPOLL_CTL_ADD, s[0], &e) == 0 && got() == EPOLLOUT, "a socket: writable");
	ok(got() == 0, "once");
	ok(send(s[1], "x", 1, 0) == 1 && got() == (EPOLLIN | EPOLLOUT), "data comes: the whole state is reported");
	while (send(s[0], buf, 4096, 0) > 0)
		;
	while (got())
		;
	ok(errno == EAGAIN || errno == 0, "filled");
	while (recv(s[1], buf, sizeof(buf), 0) > 0)
		;
	ok(got() & EPOLLOUT, "room again: an edge");
	ok(got() == 0, "once");

	ev = eventfd(0, EFD_NONBLOCK);
	e = (struct epoll_event){ .events = EPOLLIN | EPOLLET };
	epoll_ctl(ep, EPOLL_CTL_ADD, ev, &e);
	ok(write(ev, &v, 8) == 8 && got() == EPOLLIN && got() == 0, "an eventfd");
	ok(write(ev, &v, 8) == 8 && got() == EPOLLIN && got() == 0, "each write is an edge, read or not");
	/* A sleeping waiter is woken by an edge. */
	if (!(pid = fork())) {
		gate_open(&ready);
		_exit(epoll_wait(ep, &e, 1, -1) == 1 ? 5 : 6);
	}
	gate_wait(&ready);
	ok(wait_sleeping(pid), "a waiter sleeps, although it is still readable");
	ok(write(ev, &v, 8) == 8 && exit_of(pid) == 5, "and the next edge wakes it");
	ok(got() == 0, "who has taken the event");
	return done();
}
