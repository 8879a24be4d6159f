/* SPDX-License-Identifier: MIT */
/* epoll(7): level, edge, one-shot, exclusive; nesting; closing; many; errors. */
#include "harness.h"
#include "child.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef EPOLLEXCLUSIVE
#define EPOLLEXCLUSIVE (1u << 28)
#endif

static int ep;

static int add(int e, int fd, unsigned events)
{
	struct epoll_event ev = { .events = events, .data.fd = fd };

	return epoll_ctl(e, EPOLL_CTL_ADD, fd, &ev);
}

static int mod(int e, int fd, unsigned events)
{
	struct epoll_event ev = { .events = events, .data.fd = fd };

	return epoll_ctl(e, EPOLL_CTL_MOD, fd, &ev);
}

static int count(int e, struct epoll_event *ev) { return epoll_wait(e, ev, 8, 0); }

static void *later(void *arg)
{
	wait_sleeping(getpid());
	if (write(*(int *)arg, "x", 1) != 1)
		abort();
	return NULL;
}

static int woken;
static int xfd;
static volatile int over;
static volatile pid_t tids[4];
static void *exclusive_waiter(void *arg)
{
	struct epoll_event ev;
	int e = epoll_create1(0);

	int n;

	add(e, xfd, EPOLLIN | EPOLLEXCLUSIVE);
	tids[(long)arg] = gettid();
	do
		n = epoll_wait(e, &ev, 1, 500);
	while (n == 0 && !over);
	if (n == 1)
		__atomic_add_fetch(&woken, 1, __ATOMIC_SEQ_CST);
	close(e);
	return NULL;
}

static volatile sig_atomic_t hits;
static void hit(int sig) { hits++; }

int main(void)
{
	struct epoll_event ev[8], e1;
	int p[2], q[2], s[2], fd;
	pthread_t th[4];
	char buf[64];

	ep = epoll_create1(EPOLL_CLOEXEC);
	ok(ep >= 0 && fcntl(ep, F_GETFD) == FD_CLOEXEC, "epoll_create1");
	ok_errno(epoll_create(0), EINVAL, "epoll_create(0)");
	ok_errno(epoll_create1(1), EINVAL, "bad flags");
	if (pipe(p) || pipe(q) || socketpair(AF_UNIX, SOCK_STREAM, 0, s))
		bail("pipe");

	ok(add(ep, p[0], EPOLLIN) == 0 && count(ep, ev) == 0, "a pipe, empty");
	ok_errno(add(ep, p[0], EPOLLIN), EEXIST, "not twice");
	ok_errno(add(ep, 999, EPOLLIN), EBADF, "not open");
	ok_errno(mod(ep, q[0], EPOLLIN), ENOENT, "not in the set");
	ok_errno(add(ep, ep, EPOLLIN), EINVAL, "itself");
	ok_errno(add(p[0], q[0], EPOLLIN), EINVAL, "not an epoll");
	fd = open(".", O_RDONLY | O_DIRECTORY);
	ok_errno(add(ep, fd, EPOLLIN), EPERM, "a directory");
	close(fd);
	ok_errno(epoll_wait(ep, ev, 0, 0), EINVAL, "no room for events");
	ok_errno(epoll_ctl(ep, EPOLL_CTL_ADD, q[0], NULL), EFAULT, "no event");

	/* level */
	ok(write(p[1], "ab", 2) == 2 && count(ep, ev) == 1 && ev[0].events == EPOLLIN && ev[0].data.fd == p[0], "level: ready");
	ok(count(ep, ev) == 1, "level: and again");
	ok(read(p[0], buf, 2) == 2 && count(ep, ev) == 0, "level: until it was read");
	pthread_create(&th[0], NULL, later, &p[1]);
	ok(epoll_wait(ep, ev, 8, -1) == 1, "level: a write wakes a sleeper");
	pthread_join(th[0], NULL);
	ok(read(p[0], buf, 1) == 1, "read it");

	/* edge */
	ok(add(ep, q[0], EPOLLIN | EPOLLET) == 0, "edge: added");
	ok(write(q[1], "a", 1) == 1 && count(ep, ev) == 1 && count(ep, ev) == 0, "edge: reported once");
	ok(write(q[1], "b", 1) == 1 && count(ep, ev) == 1, "edge: once more for more data");
	ok(count(ep, ev) == 0, "edge: not again");
	ok(mod(ep, q[0], EPOLLIN | EPOLLET) == 0 && count(ep, ev) == 1, "edge: a change reports what is there");
	ok(read(q[0], buf, 8) == 2, "read it");

	/* one-shot */
	ok(mod(ep, q[0], EPOLLIN | EPOLLONESHOT) == 0 && write(q[1], "c", 1) == 1 && count(ep, ev) == 1, "one-shot: reported");
	ok(count(ep, ev) == 0 && write(q[1], "d", 1) == 1 && count(ep, ev) == 0, "one-shot: then disabled");
	ok(mod(ep, q[0], EPOLLIN | EPOLLONESHOT) == 0 && count(ep, ev) == 1, "one-shot: armed again");
	ok(epoll_ctl(ep, EPOLL_CTL_DEL, q[0], NULL) == 0, "deleted");
	ok_errno(epoll_ctl(ep, EPOLL_CTL_DEL, q[0], NULL), ENOENT, "not twice");

	/* sockets: both directions, hang-up */
	ok(add(ep, s[0], EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET) == 0 && count(ep, ev) == 1 && ev[0].events == EPOLLOUT, "socket: writable");
	ok(write(s[1], "x", 1) == 1 && count(ep, ev) == 1 && ev[0].events == (EPOLLIN | EPOLLOUT), "socket: and readable");
	close(s[1]);
	ok(count(ep, ev) == 1 && (ev[0].events & (EPOLLHUP | EPOLLRDHUP)) == (EPOLLHUP | EPOLLRDHUP), "socket: hung up");
	close(s[0]);
	ok(count(ep, ev) == 0, "a closed file leaves the set");

	/* the same file under two numbers: the set holds files, not numbers */
	fd = dup(p[0]);
	ok(add(ep, fd, EPOLLIN) == 0, "a duplicate is another member");
	ok(write(p[1], "z", 1) == 1 && count(ep, ev) == 2, "both are reported");
	close(fd);
	ok(count(ep, ev) == 2, "closing the duplicate alone does not remove it");
	ok(read(p[0], buf, 1) == 1, "read it");

	/* nested */
	int outer = epoll_create1(0);
	ok(add(outer, ep, EPOLLIN) == 0 && count(outer, ev) == 0, "nested: nothing ready");
	ok(write(p[1], "n", 1) == 1 && count(outer, ev) == 1 && ev[0].data.fd == ep, "nested: the inner one is readable");
	ok(read(p[0], buf, 1) == 1 && count(outer, ev) == 0, "nested: and not any more");
	pthread_create(&th[0], NULL, later, &p[1]);
	ok(epoll_wait(outer, ev, 8, -1) == 1, "nested: wakes the outer");
	pthread_join(th[0], NULL);
	struct pollfd pf = { outer, POLLIN, 0 };
	ok(poll(&pf, 1, 0) == 1 && pf.revents == POLLIN, "nested: poll on the outer");
	ok(read(p[0], buf, 1) == 1, "read it");
	ok_errno(add(ep, outer, EPOLLIN), ELOOP, "nested: no loops");
	close(outer);

	/* exclusive */
	xfd = eventfd(0, 0);
	for (long i = 0; i < 4; i++)
		pthread_create(&th[i], NULL, exclusive_waiter, (void *)i);
	for (int i = 0; i < 4; i++) {
		wait_until(tids[i]);
		wait_thread_sleeping(tids[i]);
	}
	eventfd_write(xfd, 1);
	wait_until(__atomic_load_n(&woken, __ATOMIC_SEQ_CST));
	usleep(100000);		/* for more to be woken, and wrong */
	over = 1;
	for (int i = 0; i < 4; i++)
		pthread_join(th[i], NULL);
	ok(woken >= 1 && woken < 4, "exclusive: not all of four waiters wake (%d)", woken);
	ok_errno(mod(ep, p[0], EPOLLIN | EPOLLEXCLUSIVE), EINVAL, "exclusive: not by a change");

	/* many */
	int many = epoll_create1(0), fds[300];
	for (int i = 0; i < 300; i++) {
		fds[i] = eventfd(0, 0);
		if (add(many, fds[i], EPOLLIN))
			bail("add %d", i);
	}
	for (int i = 0; i < 300; i += 3)
		eventfd_write(fds[i], 1);
	int seen = 0, rounds = 0;
	char mark[2048] = { 0 };
	while (rounds++ < 100 && seen < 100) {
		int n = epoll_wait(many, ev, 8, 0);

		for (int i = 0; i < n; i++)
			if (!mark[ev[i].data.fd]) {
				mark[ev[i].data.fd] = 1;
				seen++;
			}
	}
	ok(seen == 100 && rounds <= 16, "many: 100 of 300 are found in turns of 8 without starving any (%d in %d)", seen, rounds);
	close(many);

	/* signals and masks */
	struct sigaction sa = { .sa_handler = hit, .sa_flags = SA_RESTART };
	sigset_t set;
	sigaction(SIGUSR1, &sa, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR1);
	sigemptyset(&set);
	ok_errno(epoll_pwait(ep, ev, 8, -1, &set), EINTR, "epoll_pwait lets a signal in");
	ok(hits == 1, "its handler ran");

	/* closing the write end; closing the set with members */
	close(p[1]);
	ok(count(ep, ev) >= 1 && ev[0].events == EPOLLHUP, "EPOLLHUP unasked");
	close(ep);
	close(p[0]);
	e1.events = 0;
	ok_errno(epoll_wait(ep, &e1, 1, 0), EBADF, "closed");
	return done();
}
