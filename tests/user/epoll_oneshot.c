/* SPDX-License-Identifier: MIT */
/* EPOLLONESHOT, EPOLLEXCLUSIVE, EPOLLWAKEUP: disarmed after one event until EPOLL_CTL_MOD; one of many waiters; what cannot be combined. */
#include "harness.h"
#include "child.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>

static struct epoll_event e;
static int got(int ep) { e.events = 0; return epoll_wait(ep, &e, 1, 0) == 1 ? (int)e.events : 0; }

int main(void)
{
	int ep = epoll_create1(0), p[2], ev, woken = 0;
	pid_t pid[3];
	uint64_t v = 1;

	plan(17);
	if (pipe2(p, O_NONBLOCK) || write(p[1], "x", 1) != 1)
		bail("pipe");
	e = (struct epoll_event){ .events = EPOLLIN | EPOLLONESHOT };
	ok(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e) == 0 && got(ep) == EPOLLIN, "one event");
	ok(got(ep) == 0, "and then it is disarmed");
	ok(write(p[1], "y", 1) == 1 && got(ep) == 0, "more data changes nothing");
	e = (struct epoll_event){ .events = EPOLLIN | EPOLLONESHOT };
	ok_errno(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e), EEXIST, "it is still in the set");
	ok(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &e) == 0 && got(ep) == EPOLLIN && got(ep) == 0, "armed again by EPOLL_CTL_MOD");
	close(p[1]);
	ok(got(ep) == 0, "disarmed: not even EPOLLHUP");
	e = (struct epoll_event){ .events = EPOLLONESHOT };
	ok(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &e) == 0 && got(ep) == EPOLLHUP, "armed for nothing: EPOLLHUP, once");
	ok(got(ep) == 0, "once");

	e = (struct epoll_event){ .events = EPOLLIN | EPOLLONESHOT | EPOLLEXCLUSIVE };
	ev = eventfd(0, EFD_NONBLOCK);
	ok_errno(epoll_ctl(ep, EPOLL_CTL_ADD, ev, &e), EINVAL, "EPOLLEXCLUSIVE with EPOLLONESHOT");
	e.events = EPOLLIN | EPOLLRDHUP | EPOLLEXCLUSIVE;
	ok_errno(epoll_ctl(ep, EPOLL_CTL_ADD, ev, &e), EINVAL, "with EPOLLRDHUP");
	e.events = EPOLLIN | EPOLLEXCLUSIVE;
	ok_errno(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &e), EINVAL, "in EPOLL_CTL_MOD");
	ok(epoll_ctl(ep, EPOLL_CTL_ADD, ev, &e) == 0, "alone it is taken");
	e.events = EPOLLIN;
	ok_errno(epoll_ctl(ep, EPOLL_CTL_MOD, ev, &e), EINVAL, "and such a one cannot be modified");
	e.events = EPOLLIN | EPOLLEXCLUSIVE;
	ok_errno(epoll_ctl(ep, EPOLL_CTL_ADD, epoll_create1(0), &e), EINVAL, "nor be an epoll itself");

	/* Three sets, each with a sleeping waiter and an exclusive item: one write wakes at least one, and all of them together see it. */
	for (int i = 0; i < 3; i++)
		if (!(pid[i] = fork())) {
			int mine = epoll_create1(0);

			e = (struct epoll_event){ .events = EPOLLIN | EPOLLEXCLUSIVE };
			epoll_ctl(mine, EPOLL_CTL_ADD, ev, &e);
			if (epoll_wait(mine, &e, 1, -1) != 1)
				_exit(6);
			_exit(read(ev, &v, 8) == 8 ? 5 : 7);
		}
	for (int i = 0; i < 3; i++)
		if (!wait_sleeping(pid[i]))
			bail("a waiter does not sleep");
	for (int i = 0; i < 3; i++) {
		int st;
		pid_t who;

		v = 1;
		if (write(ev, &v, 8) != 8)
			bail("write");
		/* Whoever is woken reads it; one that found it taken may end with 7. */
		who = waitpid(-1, &st, 0);
		woken += who > 0 && WIFEXITED(st) && (WEXITSTATUS(st) == 5 || WEXITSTATUS(st) == 7);
	}
	ok(woken == 3, "exclusive waiters: each write wakes at least one");
	ok(read(ev, &v, 8) == 8 || errno == EAGAIN, "what nobody took is still there");
	e = (struct epoll_event){ .events = EPOLLIN | EPOLLWAKEUP };
	ok(epoll_ctl(ep, EPOLL_CTL_DEL, ev, NULL) == 0 && epoll_ctl(ep, EPOLL_CTL_ADD, ev, &e) == 0, "EPOLLWAKEUP is accepted");
	return done();
}
