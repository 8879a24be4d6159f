/* SPDX-License-Identifier: MIT */
/* epoll in epoll: readiness climbs, loops are refused, the depth is limited; what cannot be watched; the identity of an entry is (file, number). */
#include "harness.h"
#include "child.h"
#include <sys/epoll.h>
#include <poll.h>
#include <sys/resource.h>

static struct epoll_event e = { .events = EPOLLIN };
static int add(int ep, int fd) { e.events = EPOLLIN; return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e); }
static int ready(int ep) { struct epoll_event x; return epoll_wait(ep, &x, 1, 0); }

int main(void)
{
	int a = epoll_create1(0), b = epoll_create1(0), c = epoll_create1(0), p[2], fd, copy, chain[8], depth, r = 0;
	struct pollfd pf = { a, POLLIN, 0 };
	struct epoll_event x;
	char ch;
	pid_t pid;

	plan(31);
	if (pipe2(p, O_NONBLOCK))
		bail("pipe");
	ok(add(a, b) == 0 && add(b, c) == 0 && add(c, p[0]) == 0, "a set in a set in a set");
	ok(ready(a) == 0 && poll(&pf, 1, 0) == 0, "nothing is ready");
	if (write(p[1], "x", 1) != 1)
		bail("write");
	ok(ready(c) == 1 && ready(b) == 1 && ready(a) == 1, "readiness climbs");
	ok(poll(&pf, 1, 0) == 1 && pf.revents == POLLIN, "poll(2) sees it at the top");
	ok(read(p[0], &ch, 1) == 1 && ready(a) == 0 && ready(b) == 0, "and it goes again");
	if (!(pid = fork()))
		_exit(epoll_wait(a, &x, 1, -1) == 1 ? 5 : 6);
	ok(wait_sleeping(pid), "a waiter at the top sleeps");
	ok(write(p[1], "x", 1) == 1 && exit_of(pid) == 5, "and is woken from the bottom");
	ok_errno(add(a, a), EINVAL, "a set in itself");
	ok_errno(add(c, a), ELOOP, "a loop of three");
	ok_errno(add(c, b), ELOOP, "a loop of two");
	for (depth = 0; depth < 8; depth++) {
		chain[depth] = epoll_create1(0);
		if (depth && (r = add(chain[depth], chain[depth - 1])))
			break;
	}
	ok(r == -1 && errno == ELOOP && depth == 5, "a chain of more than five (%d)", depth);

	ok_errno(add(a, 777), EBADF, "a descriptor that is not open");
	ok_errno(add(777, p[0]), EBADF, "a set that is not open");
	ok_errno(add(p[0], p[1]), EINVAL, "not a set");
	fd = open("f", O_RDWR | O_CREAT, 0600);
	ok_errno(add(a, fd), EPERM, "a regular file cannot be waited for");
	fd = open(".", O_RDONLY);
	ok_errno(add(a, fd), EPERM, "nor a directory");
	ok_errno(epoll_ctl(a, EPOLL_CTL_MOD, p[1], &e), ENOENT, "modify what is not there");
	ok_errno(epoll_ctl(a, EPOLL_CTL_DEL, p[1], &e), ENOENT, "delete what is not there");
	ok_errno(epoll_ctl(a, 9, p[1], &e), EINVAL, "an unknown operation");
	struct epoll_event *volatile bad = (void *)8;
	ok_errno(epoll_ctl(a, EPOLL_CTL_ADD, p[1], bad), EFAULT, "a bad address");
	/* The same file under two numbers is two entries; they go with the file, not with the number. */
	copy = dup(p[0]);
	ok(add(a, p[0]) == 0 && add(a, copy) == 0, "a copy is another entry");
	epoll_ctl(a, EPOLL_CTL_DEL, b, NULL);
	close(copy);
	struct epoll_event many[4];
	/* p holds one byte. */
	ok(epoll_wait(a, many, 4, 0) == (read(p[0], &ch, 0), 2), "closing the copy's number does not take its entry away");
	close(p[0]);
	close(c);
	ok(epoll_wait(a, many, 4, 0) == 0, "closing the last descriptor of the file does");

	/* However many watch a set, the depth above it is seen. */
	int deep[8], decoy[20];

	for (depth = 0; depth < 8; depth++) {
		deep[depth] = epoll_create1(0);
		for (int i = 0; i < 20; i++)
			if (add(decoy[i] = epoll_create1(0), deep[depth]))
				bail("a decoy");
		if (depth && (r = add(deep[depth - 1], deep[depth])))
			break;
	}
	ok(r == -1 && errno == ELOOP && depth == 4, "a chain that grows below, each link one of many (%d)", depth);

	/* An event goes up every way there is: their number is limited. */
	int mid = epoll_create1(0), top = -1, q[2], n;

	setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 4000, 4000 });
	if (pipe(q) || add(mid, q[0]))
		bail("pipe");
	for (n = 0; n < 600; n++)
		if (add(top = epoll_create1(0), mid))
			break;
	ok(n == 500 && errno == EINVAL, "five hundred ways of two links, and no more (%d)", n);
	ok(write(q[1], "x", 1) == 1 && ready(top - 1) == 1 && ready(top) == 0, "the last that was let in hears of it, the one that was not does not");
	ok(add(top, q[0]) == 0, "watching the source itself is free");
	fd = epoll_create1(0);
	ok(add(fd, mid) == -1 && errno == EINVAL && add(fd, q[1]) == 0, "nor does a later one come in");
	close(top - 1);
	ok(add(fd, mid) == 0, "but when another has gone");
	/* A source that comes when the sets are there. */
	for (n = 0; n < 600; n++) {
		int up = epoll_create1(0);

		if (add(up, chain[0]))
			break;
	}
	ok(n == 600 && add(chain[0], q[1]) == -1 && errno == EINVAL, "a source below too many ways");
	ok(ready(chain[0]) == 0 && epoll_ctl(chain[0], EPOLL_CTL_DEL, q[1], NULL) == -1 && errno == ENOENT, "is not there");
	return done();
}
