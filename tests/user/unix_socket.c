/* SPDX-License-Identifier: MIT */
/* UNIX sockets in 18 phases: pairs, streams, datagrams, packets, shutdown, options, limits and errors. */
#include "harness.h"
#include "child.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static socklen_t name(struct sockaddr_un *a, const char *path)
{
	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	if (path[0] == '@') {
		memcpy(a->sun_path + 1, path + 1, strlen(path) - 1);
		return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	}
	strcpy(a->sun_path, path);
	return sizeof(*a);
}

static int events(int fd)
{
	struct pollfd pf = { fd, POLLIN | POLLOUT | POLLRDHUP, 0 };

	return poll(&pf, 1, 0) < 0 ? -1 : pf.revents;
}

static int opt(int fd, int which)
{
	int v = -1;
	socklen_t n = sizeof(v);

	return getsockopt(fd, SOL_SOCKET, which, &v, &n) ? -1 : v;
}

static char buf[300000];
static int sv[2];

static void pair(int type)
{
	if (socketpair(AF_UNIX, type, 0, sv))
		bail("socketpair");
}
static void unpair(void) { close(sv[0]); close(sv[1]); }

static int connect_to(int type, const char *path)
{
	struct sockaddr_un a;
	socklen_t n = name(&a, path);
	int fd = socket(AF_UNIX, type, 0);

	if (connect(fd, (void *)&a, n)) {
		int e = errno;

		close(fd);
		errno = e;
		return -1;
	}
	return fd;
}

static int listener(int type, const char *path, int backlog)
{
	struct sockaddr_un a;
	socklen_t n = name(&a, path);
	int fd = socket(AF_UNIX, type, 0);

	if (bind(fd, (void *)&a, n) || listen(fd, backlog))
		bail("listen on %s", path);
	return fd;
}

static void *delayed_write(void *arg)
{
	wait_sleeping(getpid());
	if (write(*(int *)arg, "late", 4) != 4)
		abort();
	return NULL;
}

int main(void)
{
	struct sockaddr_un a, b;
	socklen_t n;
	pthread_t th;
	struct stat st;
	int fd, l, c, k, s;
	double t;

	signal(SIGPIPE, SIG_IGN);

	/* 1: creation */
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	ok(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC && (fcntl(fd, F_GETFL) & O_NONBLOCK), "1: socket and its flags");
	ok(fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode), "1: a socket for fstat");
	close(fd);
	ok_errno(socket(AF_UNIX, SOCK_STREAM, 77), EPROTONOSUPPORT, "1: bad protocol");
	ok_errno(socket(AF_UNIX, SOCK_RDM, 0), ESOCKTNOSUPPORT, "1: bad type");
	ok_errno(socket(999, SOCK_STREAM, 0), EAFNOSUPPORT, "1: bad family");
	ok_errno(bind(0x7fff, NULL, 0), EBADF, "1: not open");
	fd = open("/dev/null", O_RDONLY);
	ok_errno(listen(fd, 1), ENOTSOCK, "1: not a socket");
	close(fd);

	/* 2: a stream pair */
	pair(SOCK_STREAM);
	ok(write(sv[0], "hello", 5) == 5 && write(sv[0], " you", 4) == 4 && read(sv[1], buf, 100) == 9 && !memcmp(buf, "hello you", 9), "2: writes run together");
	ok(send(sv[1], "abc", 3, 0) == 3 && recv(sv[0], buf, 2, 0) == 2 && recv(sv[0], buf, 2, 0) == 1, "2: and come apart");
	ok(ioctl(sv[0], FIONREAD, &k) == 0 && k == 0, "2: FIONREAD");
	ok(events(sv[0]) == POLLOUT, "2: writable");
	pthread_create(&th, NULL, delayed_write, &sv[1]);
	ok(read(sv[0], buf, 10) == 4, "2: a read waits");
	pthread_join(th, NULL);

	/* 3: MSG_PEEK, MSG_WAITALL, MSG_DONTWAIT */
	ok(write(sv[0], "12345678", 8) == 8 && recv(sv[1], buf, 4, MSG_PEEK) == 4 && recv(sv[1], buf, 100, 0) == 8, "3: MSG_PEEK leaves it");
	ok_errno(recv(sv[1], buf, 1, MSG_DONTWAIT), EAGAIN, "3: MSG_DONTWAIT");
	if (write(sv[1], "1234", 4) != 4)
		bail("write");
	pthread_create(&th, NULL, delayed_write, &sv[1]);
	ok(recv(sv[0], buf, 8, MSG_WAITALL) == 8 && !memcmp(buf, "1234late", 8), "3: MSG_WAITALL");
	pthread_join(th, NULL);

	/* 4: shutdown and end of file */
	if (write(sv[0], "last", 4) != 4)
		bail("write");
	ok(shutdown(sv[0], SHUT_WR) == 0, "4: shutdown for writing");
	ok_errno(send(sv[0], "x", 1, MSG_NOSIGNAL), EPIPE, "4: no more writes");
	ok((events(sv[1]) & (POLLIN | POLLRDHUP | POLLHUP)) == (POLLIN | POLLRDHUP), "4: the other side is half hung up");
	ok(read(sv[1], buf, 10) == 4 && read(sv[1], buf, 10) == 0, "4: reads what is left, then end of file");
	ok(write(sv[1], "back", 4) == 4 && read(sv[0], buf, 10) == 4, "4: the other direction goes on");
	close(sv[1]);
	ok(read(sv[0], buf, 10) == 0 && (events(sv[0]) & POLLHUP), "4: closed: end of file and POLLHUP");
	close(sv[0]);

	/* 5: reset */
	pair(SOCK_STREAM);
	if (write(sv[0], "unread", 6) != 6)
		bail("write");
	close(sv[1]);
	ok_errno(read(sv[0], buf, 10), ECONNRESET, "5: closing with unread data resets");
	ok(read(sv[0], buf, 10) == 0, "5: once");
	ok_errno(send(sv[0], "x", 1, MSG_NOSIGNAL), EPIPE, "5: EPIPE");
	close(sv[0]);

	/* 6: SIGPIPE */
	pair(SOCK_STREAM);
	close(sv[1]);
	if (fork() == 0) {
		signal(SIGPIPE, SIG_DFL);
		if (send(sv[0], "x", 1, MSG_NOSIGNAL) != -1 || errno != EPIPE)
			_exit(1);
		if (write(sv[0], "x", 1) == -1)
			_exit(2);
		_exit(3);
	}
	ok(wait(&k) > 0 && WIFSIGNALED(k) && WTERMSIG(k) == SIGPIPE, "6: SIGPIPE, not with MSG_NOSIGNAL");
	close(sv[0]);

	/* 7: a full buffer */
	pair(SOCK_STREAM);
	fcntl(sv[0], F_SETFL, O_NONBLOCK);
	long total = 0, got = 0, r;
	while ((r = write(sv[0], buf, 10000)) > 0)
		total += r;
	ok(r == -1 && errno == EAGAIN && total > 50000 && total < 1000000, "7: a stream fills up (%ld bytes)", total);
	ok(events(sv[0]) == 0, "7: and is not writable");
	while ((r = recv(sv[1], buf, sizeof(buf), MSG_DONTWAIT)) > 0)
		got += r;
	ok(got == total && (events(sv[0]) & POLLOUT), "7: all of it arrives, and there is room again");
	unpair();

	/* 8: datagram pair */
	pair(SOCK_DGRAM);
	ok(write(sv[0], "one", 3) == 3 && write(sv[0], "", 0) == 0 && write(sv[0], "three", 5) == 5, "8: three datagrams, one empty");
	ok(read(sv[1], buf, 100) == 3 && read(sv[1], buf, 100) == 0, "8: borders are kept");
	ok(ioctl(sv[1], FIONREAD, &k) == 0 && k == 5, "8: FIONREAD says the next one's length");
	struct iovec iov = { buf, 2 };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	ok(recvmsg(sv[1], &mh, 0) == 2 && (mh.msg_flags & MSG_TRUNC), "8: a short buffer cuts it and says so");
	if (write(sv[0], "abcdef", 6) != 6)
		bail("write");
	ok(recv(sv[1], buf, 2, MSG_TRUNC) == 6, "8: MSG_TRUNC tells the real length");
	ok_errno(send(sv[0], buf, sizeof(buf), 0), EMSGSIZE, "8: too long for the buffer");
	fcntl(sv[0], F_SETFL, O_NONBLOCK);
	for (k = 0; k < 10000 && send(sv[0], "x", 1, 0) == 1; k++)
		;
	ok(k >= 10 && k < 10000 && errno == EAGAIN, "8: a queue of datagrams is finite (%d)", k);
	unpair();

	/* 9: sequenced packets */
	pair(SOCK_SEQPACKET);
	ok(write(sv[0], "one", 3) == 3 && write(sv[0], "two", 3) == 3 && read(sv[1], buf, 100) == 3 && recv(sv[1], buf, 1, 0) == 1, "9: packets keep their borders");
	close(sv[0]);
	ok(read(sv[1], buf, 10) == 0, "9: end of file");
	ok_errno(send(sv[1], "x", 1, MSG_NOSIGNAL), EPIPE, "9: EPIPE");
	close(sv[1]);

	/* 10: a server with a path */
	unlink("sock");
	l = listener(SOCK_STREAM, "sock", 5);
	ok(stat("sock", &st) == 0 && S_ISSOCK(st.st_mode), "10: bind makes a socket in the file system");
	ok(opt(l, SO_ACCEPTCONN) == 1, "10: SO_ACCEPTCONN");
	c = connect_to(SOCK_STREAM, "sock");
	ok(c >= 0 && (events(l) & POLLIN), "10: connect does not wait for accept");
	ok(write(c, "early", 5) == 5, "10: nor does a write");
	n = sizeof(b);
	s = accept4(l, (void *)&b, &n, SOCK_CLOEXEC);
	ok(s >= 0 && n == sizeof(sa_family_t) && fcntl(s, F_GETFD) == FD_CLOEXEC, "10: accept4; the client has no name");
	ok(read(s, buf, 10) == 5, "10: what was written early");
	n = sizeof(b);
	ok(getsockname(s, (void *)&b, &n) == 0 && !strcmp(b.sun_path, "sock") && n == offsetof(struct sockaddr_un, sun_path) + 5, "10: the accepted side has the listener's name");
	n = sizeof(b);
	ok(getpeername(c, (void *)&b, &n) == 0 && !strcmp(b.sun_path, "sock"), "10: and the client sees it");
	ok_errno(connect(c, (void *)&b, n), EISCONN, "10: connected already");
	ok_errno(sendto(c, "x", 1, 0, (void *)&b, n), EISCONN, "10: no other destination");
	close(c);
	close(s);

	/* 11: errors of names */
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	n = name(&a, "sock");
	ok_errno(bind(fd, (void *)&a, n), EADDRINUSE, "11: bound already");
	ok_errno(connect_to(SOCK_DGRAM, "sock"), EPROTOTYPE, "11: another type");
	ok_errno(connect_to(SOCK_STREAM, "nothing"), ENOENT, "11: no such path");
	close(open("plain", O_CREAT | O_WRONLY, 0600));
	ok_errno(connect_to(SOCK_STREAM, "plain"), ECONNREFUSED, "11: not a socket");
	ok_errno(bind(fd, (void *)&a, 2000), EINVAL, "11: a name too long");
	a.sun_family = AF_INET;
	ok_errno(bind(fd, (void *)&a, n), EINVAL, "11: another family");
	ok_errno(accept(fd, NULL, NULL), EINVAL, "11: accept without listen");
	ok_errno(listen(fd, 1), EINVAL, "11: listen without a name");
	ok_errno(read(fd, buf, 1), EINVAL, "11: read of an unconnected one");
	ok_errno(send(fd, "x", 1, MSG_NOSIGNAL), ENOTCONN, "11: write to it");
	n = sizeof(b);
	ok_errno(getpeername(fd, (void *)&b, &n), ENOTCONN, "11: its peer");
	ok((events(fd) & (POLLHUP | POLLOUT)) == (POLLHUP | POLLOUT), "11: it polls as hung up");
	close(fd);

	/* 12: closing a listener */
	c = connect_to(SOCK_STREAM, "sock");
	close(l);
	ok_errno(read(c, buf, 1), ECONNRESET, "12: a connection that was never accepted is reset");
	close(c);
	ok_errno(connect_to(SOCK_STREAM, "sock"), ECONNREFUSED, "12: nobody listens");
	ok(unlink("sock") == 0, "12: the name stays until it is unlinked");

	/* 13: backlog */
	l = listener(SOCK_STREAM, "@backlog-test", 1);
	int pending[8], np = 0;
	for (np = 0; np < 8; np++) {
		pending[np] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		n = name(&a, "@backlog-test");
		if (connect(pending[np], (void *)&a, n))
			break;
	}
	ok(np == 2 && errno == EAGAIN, "13: a backlog of 1 takes two (%d)", np);
	for (int i = 0; i <= np && i < 8; i++)
		close(pending[i]);
	s = accept(l, NULL, NULL);
	ok(s >= 0 && read(s, buf, 1) == 0, "13: a connection closed before it was accepted: end of file");
	close(s);
	close(l);

	/* 14: abstract names and autobind */
	l = listener(SOCK_STREAM, "@abstract", 5);
	c = connect_to(SOCK_STREAM, "@abstract");
	ok(c >= 0, "14: an abstract name");
	close(c);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	n = name(&a, "@abstract");
	ok_errno(bind(fd, (void *)&a, n), EADDRINUSE, "14: taken");
	close(fd);
	close(l);
	ok_errno(connect_to(SOCK_STREAM, "@abstract"), ECONNREFUSED, "14: goes with its socket");
	fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	a.sun_family = AF_UNIX;
	ok(bind(fd, (void *)&a, sizeof(sa_family_t)) == 0, "14: autobind");
	n = sizeof(b);
	ok(getsockname(fd, (void *)&b, &n) == 0 && n == sizeof(sa_family_t) + 6 && b.sun_path[0] == 0, "14: gives five characters after the zero");
	close(fd);

	/* 15: unconnected datagrams */
	int d1 = socket(AF_UNIX, SOCK_DGRAM, 0), d2 = socket(AF_UNIX, SOCK_DGRAM, 0), d3 = socket(AF_UNIX, SOCK_DGRAM, 0);
	socklen_t n1 = name(&a, "@d1"), n2 = name(&b, "@d2");
	ok(bind(d1, (void *)&a, n1) == 0 && bind(d2, (void *)&b, n2) == 0, "15: two datagram sockets");
	ok(sendto(d2, "to d1", 5, 0, (void *)&a, n1) == 5, "15: sendto");
	struct sockaddr_un from;
	n = sizeof(from);
	ok(recvfrom(d1, buf, 100, 0, (void *)&from, &n) == 5 && n == n2 && !memcmp(&from, &b, n), "15: recvfrom tells the sender");
	ok(sendto(d3, "anon", 4, 0, (void *)&a, n1) == 4, "15: an unnamed sender");
	n = sizeof(from);
	ok(recvfrom(d1, buf, 100, 0, (void *)&from, &n) == 4 && n == 0, "15: has no address");
	ok_errno(send(d3, "x", 1, 0), ENOTCONN, "15: no destination");
	ok(connect(d3, (void *)&a, n1) == 0 && send(d3, "conn", 4, 0) == 4 && read(d1, buf, 10) == 4, "15: a connected one");
	ok(connect(d1, (void *)&b, n2) == 0, "15: d1 talks to d2 only");
	ok_errno(send(d3, "x", 1, 0), EPERM, "15: others may not write to it");
	close(d1);
	ok_errno(send(d3, "x", 1, 0), ECONNREFUSED, "15: the destination is gone");
	close(d2);
	close(d3);

	/* 16: options */
	pair(SOCK_STREAM);
	ok(opt(sv[0], SO_TYPE) == SOCK_STREAM && opt(sv[0], SO_DOMAIN) == AF_UNIX && opt(sv[0], SO_PROTOCOL) == 0 && opt(sv[0], SO_ERROR) == 0, "16: type, domain, protocol, error");
	k = 10000;
	ok(setsockopt(sv[0], SOL_SOCKET, SO_SNDBUF, &k, sizeof(k)) == 0 && opt(sv[0], SO_SNDBUF) == 20000, "16: SO_SNDBUF is doubled");
	struct timeval tv = { 0, 80000 };
	ok(setsockopt(sv[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) == 0, "16: SO_RCVTIMEO");
	t = now();
	ok_errno(read(sv[0], buf, 1), EAGAIN, "16: a read times out");
	ok(now() - t >= 0.07 && now() - t < 20, "16: after 80 ms");
	setsockopt(sv[0], SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	while ((r = write(sv[0], buf, 4000)) > 0)
		;
	ok(r == -1 && errno == EAGAIN, "16: so does a write");
	ok_errno(setsockopt(sv[0], SOL_SOCKET, 9999, &k, sizeof(k)), ENOPROTOOPT, "16: an unknown option");
	ok_errno(setsockopt(sv[0], SOL_SOCKET, SO_SNDBUF, &k, 2), EINVAL, "16: a short value");
	k = 1;
	ok(setsockopt(sv[0], SOL_SOCKET, SO_KEEPALIVE, &k, sizeof(k)) == 0 && opt(sv[0], SO_KEEPALIVE) == 1, "16: kept though without effect");
	unpair();

	/* 17: credentials of the peer */
	struct ucred cr;
	pair(SOCK_STREAM);
	n = sizeof(cr);
	ok(getsockopt(sv[0], SOL_SOCKET, SO_PEERCRED, &cr, &n) == 0 && cr.pid == getpid() && cr.uid == geteuid() && cr.gid == getegid(), "17: SO_PEERCRED of a pair");
	unpair();
	l = listener(SOCK_STREAM, "@creds", 2);
	pid_t pid = fork();
	if (pid == 0) {
		c = connect_to(SOCK_STREAM, "@creds");
		_exit(c < 0 || read(c, buf, 1) != 0);
	}
	s = accept(l, NULL, NULL);
	n = sizeof(cr);
	ok(getsockopt(s, SOL_SOCKET, SO_PEERCRED, &cr, &n) == 0 && cr.pid == pid, "17: of a client: the child");
	close(s);
	waitpid(pid, &k, 0);
	ok(k == 0, "17: which was content");
	close(l);

	/* 18: many messages at once */
	pair(SOCK_DGRAM);
	struct iovec v[3] = { { "a", 1 }, { "bb", 2 }, { "ccc", 3 } };
	struct mmsghdr mm[3] = { { .msg_hdr = { .msg_iov = &v[0], .msg_iovlen = 1 } }, { .msg_hdr = { .msg_iov = &v[1], .msg_iovlen = 1 } },
		{ .msg_hdr = { .msg_iov = &v[2], .msg_iovlen = 1 } } };
	ok(sendmmsg(sv[0], mm, 3, 0) == 3 && mm[2].msg_len == 3, "18: sendmmsg");
	char in[3][10];
	struct iovec w[3] = { { in[0], 10 }, { in[1], 10 }, { in[2], 10 } };
	struct mmsghdr rr[3] = { { .msg_hdr = { .msg_iov = &w[0], .msg_iovlen = 1 } }, { .msg_hdr = { .msg_iov = &w[1], .msg_iovlen = 1 } },
		{ .msg_hdr = { .msg_iov = &w[2], .msg_iovlen = 1 } } };
	ok(recvmmsg(sv[1], rr, 3, MSG_DONTWAIT, NULL) == 3 && rr[1].msg_len == 2 && !memcmp(in[2], "ccc", 3), "18: recvmmsg");
	ok_errno(recvmmsg(sv[1], rr, 3, MSG_DONTWAIT, NULL), EAGAIN, "18: nothing more");
	if (send(sv[0], "1", 1, 0) != 1 || send(sv[0], "2", 1, 0) != 1)
		bail("send");
	rr[1].msg_hdr.msg_iov = NULL;
	ok(recvmmsg(sv[1], rr, 2, MSG_DONTWAIT, NULL) == 1, "18: up to an error");
	ok_errno((int)recv(sv[1], in[0], 3, MSG_DONTWAIT), EFAULT, "18: which the next call tells");
	ok(recv(sv[1], in[0], 3, MSG_DONTWAIT) == 1 && in[0][0] == '2', "18: before the datagrams that are there");
	unpair();
	return done();
}
