/* SPDX-License-Identifier: MIT */
/* TCP on the loopback (tcp(7), ip(7)): names, connections, backlog, data both ways, ends, resets, readiness. */
#include "harness.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static struct sockaddr_in loopback(int port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((unsigned short)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}
static int port_of(int fd)
{
	struct sockaddr_in a;
	socklen_t n = sizeof(a);

	return getsockname(fd, (void *)&a, &n) ? -1 : ntohs(a.sin_port);
}
static int listener(int backlog)
{
	struct sockaddr_in a = loopback(0);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return bind(fd, (void *)&a, sizeof(a)) || listen(fd, backlog) ? -1 : fd;
}
static int dial(int port)
{
	struct sockaddr_in a = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(fd, (void *)&a, sizeof(a)) == 0)
		return fd;
	int err = errno;
	close(fd);
	errno = err;
	return -1;
}
static int events(int fd, int want)
{
	struct pollfd p = { .fd = fd, .events = (short)want };

	return poll(&p, 1, 0) < 0 ? -1 : p.revents;
}
static int so_error(int fd)
{
	int e = -1;
	socklen_t n = sizeof(e);

	getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &n);
	return e;
}
static void *echo(void *arg)
{
	int fd = *(int *)arg;
	static char buf[65536];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		for (ssize_t off = 0; off < n;)
			off += write(fd, buf + off, (size_t)(n - off));
	close(fd);
	return NULL;
}

int main(void)
{
	struct sockaddr_in a, b;
	socklen_t n = sizeof(a);
	int l, c, s, v, port, c2;
	char buf[64];
	pthread_t t;

	signal(SIGPIPE, SIG_IGN);
	plan(62);
	/* Creation and names. */
	ok_errno(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT, "a stream is not UDP");
	ok_errno(socket(AF_INET, SOCK_SEQPACKET, 0), ESOCKTNOSUPPORT, "no packets in order");
	c = socket(AF_INET, SOCK_STREAM, 0);
	ok(c >= 0, "a socket");
	ok(events(c, POLLIN | POLLOUT) == (POLLOUT | POLLHUP), "not connected: writable and hung up");
	a = loopback(0);
	ok_errno(bind(c, (void *)&a, 8), EINVAL, "a short name");
	a.sin_family = AF_UNIX;
	ok_errno(bind(c, (void *)&a, sizeof(a)), EAFNOSUPPORT, "another family's name");
	a = loopback(0);
	a.sin_addr.s_addr = htonl(0x08080808);
	ok_errno(bind(c, (void *)&a, sizeof(a)), EADDRNOTAVAIL, "not an address of this machine");
	a = loopback(0);
	ok(bind(c, (void *)&a, sizeof(a)) == 0 && port_of(c) > 0, "port 0 is any free one");
	ok_errno(bind(c, (void *)&a, sizeof(a)), EINVAL, "bound already");
	n = sizeof(b);
	ok_errno(getpeername(c, (void *)&b, &n), ENOTCONN, "no peer");
	ok_errno(send(c, "x", 1, 0), EPIPE, "send without a connection");
	ok_errno(recv(c, buf, 1, 0), ENOTCONN, "recv without one");
	ok_errno(shutdown(c, SHUT_WR), ENOTCONN, "shutdown without one");
	ok_errno(accept(c, NULL, NULL), EINVAL, "accept without listen");
	close(c);

	/* Connections. */
	l = listener(5);
	port = port_of(l);
	ok(l >= 0 && events(l, POLLIN) == 0, "a listener, nobody there");
	c = socket(AF_INET, SOCK_STREAM, 0);
	a = loopback(port);
	ok_errno(bind(c, (void *)&a, sizeof(a)), EADDRINUSE, "its port is taken");
	v = 1;
	setsockopt(c, SOL_SOCKET, SO_REUSEADDR, &v, sizeof(v));
	setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &v, sizeof(v));
	ok_errno(bind(c, (void *)&a, sizeof(a)), EADDRINUSE, "also for SO_REUSEADDR, while one listens");
	close(c);
	c = dial(port);
	ok(c >= 0, "connect");
	ok(events(l, POLLIN) == POLLIN, "the listener is readable");
	n = sizeof(a);
	s = accept(l, (void *)&a, &n);
	ok(s >= 0 && n == sizeof(a) && ntohs(a.sin_port) == port_of(c) && a.sin_addr.s_addr == htonl(INADDR_LOOPBACK), "accept tells who");
	n = sizeof(b);
	ok(getpeername(c, (void *)&b, &n) == 0 && ntohs(b.sin_port) == port && port_of(s) == port, "names of both sides");
	ok_errno(connect(c, (void *)&b, sizeof(b)), EISCONN, "connected already");
	ok_errno(listen(c, 1), EINVAL, "a connected one cannot listen");
	ok(events(c, POLLIN | POLLOUT) == POLLOUT && events(s, POLLIN | POLLOUT) == POLLOUT, "both writable");

	/* Data. */
	ok_errno(recv(s, buf, sizeof(buf), MSG_DONTWAIT), EAGAIN, "nothing to read");
	ok(write(c, "hello ", 6) == 6 && write(c, "world", 5) == 5 && recv(s, buf, sizeof(buf), MSG_PEEK) == 11, "peek sees both writes");
	ok(ioctl(s, FIONREAD, &v) == 0 && v == 11, "FIONREAD");
	ok(recv(s, buf, 3, 0) == 3 && recv(s, buf, 8, MSG_WAITALL) == 8 && !memcmp(buf, "lo world", 8), "read in other pieces");
	ok(pthread_create(&t, NULL, echo, &s) == 0, "an echo server");
	{
		static unsigned char big[300000], back[300000];
		size_t out = 0, in = 0;
		ssize_t k;

		for (size_t i = 0; i < sizeof(big); i++)
			big[i] = (unsigned char)(i * 7 + i / 251);
		fcntl(c, F_SETFL, O_NONBLOCK);
		while (in < sizeof(big)) {
			struct pollfd p = { .fd = c, .events = (short)(POLLIN | (out < sizeof(big) ? POLLOUT : 0)) };

			poll(&p, 1, -1);
			if ((p.revents & POLLOUT) && (k = write(c, big + out, sizeof(big) - out)) > 0)
				out += (size_t)k;
			if ((p.revents & POLLIN) && (k = read(c, back + in, sizeof(back) - in)) > 0)
				in += (size_t)k;
		}
		ok(out == sizeof(big) && !memcmp(big, back, sizeof(big)), "300,000 bytes there and back");
	}
	fcntl(c, F_SETFL, 0);
	ok(shutdown(c, SHUT_WR) == 0 && read(c, buf, 1) == 0, "end of file answers end of file");
	pthread_join(t, NULL);
	ok((events(c, POLLIN | POLLRDHUP) & (POLLIN | POLLRDHUP | POLLHUP)) == (POLLIN | POLLRDHUP | POLLHUP), "both directions have ended");
	ok_errno(send(c, "x", 1, 0), EPIPE, "no more is sent");
	close(c);

	/* Ends. */
	c = dial(port);
	s = accept(l, NULL, NULL);
	ok(write(c, "abc", 3) == 3 && close(c) == 0 && read(s, buf, 2) == 2 && read(s, buf, 9) == 1 && read(s, buf, 9) == 0, "what was sent before a close is read");
	ok(write(s, "x", 1) == 1, "a first write to the closed side is not told");
	ok_errno(write(s, "x", 1), EPIPE, "the second is");
	ok(read(s, buf, 1) == 0, "still end of file");
	close(s);
	c = dial(port);
	s = accept(l, NULL, NULL);
	ok(write(s, "unread", 6) == 6 && close(c) == 0, "closed with unread data");
	ok((events(s, POLLIN) & (POLLERR | POLLHUP)) == (POLLERR | POLLHUP), "an error is shown");
	ok_errno(read(s, buf, 1), ECONNRESET, "reset");
	ok(read(s, buf, 1) == 0 && so_error(s) == 0, "told once");
	close(s);
	c = dial(port);
	s = accept(l, NULL, NULL);
	{
		struct linger hard = { 1, 0 };

		setsockopt(c, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	}
	close(c);
	ok(so_error(s) == ECONNRESET, "SO_LINGER of 0 resets");
	close(s);

	/* Without waiting. */
	c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	a = loopback(port);
	ok_errno(connect(c, (void *)&a, sizeof(a)), EINPROGRESS, "a connect that does not wait");
	{
		struct pollfd p = { .fd = c, .events = POLLOUT };

		ok(poll(&p, 1, -1) == 1 && p.revents == POLLOUT && so_error(c) == 0, "is done when writable");
	}
	ok(connect(c, (void *)&a, sizeof(a)) == 0, "asked again: it succeeded");
	ok_errno(connect(c, (void *)&a, sizeof(a)), EISCONN, "and again");
	s = accept(l, NULL, NULL);
	close(s);
	close(c);
	ok_errno(accept4(l, NULL, NULL, 0x1), EINVAL, "accept4: unknown flags");
	fcntl(l, F_SETFL, O_NONBLOCK);
	ok_errno(accept(l, NULL, NULL), EAGAIN, "nobody waits");
	/* One that is not accepted when its listener closes. */
	c = dial(port);
	close(l);
	ok_errno(read(c, buf, 1), ECONNRESET, "never accepted: reset");
	close(c);
	ok_errno(dial(port), ECONNREFUSED, "nobody listens");
	c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	a = loopback(port);
	connect(c, (void *)&a, sizeof(a));
	{
		struct pollfd p = { .fd = c, .events = POLLOUT };

		ok(poll(&p, 1, -1) == 1 && (p.revents & POLLERR) && so_error(c) == ECONNREFUSED, "refused without waiting");
	}
	close(c);

	/* Options. */
	c = socket(AF_INET, SOCK_STREAM, 0);
	v = 1;
	n = sizeof(v);
	ok(setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &v, sizeof(v)) == 0 && (v = 0, getsockopt(c, IPPROTO_TCP, TCP_NODELAY, &v, &n) == 0) && v == 1, "TCP_NODELAY");
	v = 0;
	ok_errno(setsockopt(c, IPPROTO_TCP, TCP_KEEPIDLE, &v, sizeof(v)), EINVAL, "TCP_KEEPIDLE of 0");
	ok_errno(setsockopt(c, IPPROTO_TCP, 999, &v, sizeof(v)), ENOPROTOOPT, "an unknown option");
	n = sizeof(v);
	ok(getsockopt(c, SOL_SOCKET, SO_PROTOCOL, &v, &n) == 0 && v == IPPROTO_TCP && getsockopt(c, SOL_SOCKET, SO_DOMAIN, &v, &n) == 0 && v == AF_INET,
		"SO_PROTOCOL and SO_DOMAIN");
	close(c);

	/* A full queue: whoever does not fit connects when somebody is accepted. */
	l = listener(0);
	port = port_of(l);
	c = dial(port);
	c2 = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	a = loopback(port);
	connect(c2, (void *)&a, sizeof(a));
	s = accept(l, NULL, NULL);
	ok(s >= 0 && write(c, "1", 1) == 1 && read(s, buf, 1) == 1, "the first is accepted");
	close(s);
	s = accept(l, NULL, NULL);
	{
		struct pollfd p = { .fd = c2, .events = POLLOUT };

		ok(s >= 0 && poll(&p, 1, -1) == 1 && p.revents == POLLOUT && write(c2, "2", 1) == 1 && read(s, buf, 1) == 1 && buf[0] == '2', "then the second");
	}
	close(s);
	close(c);
	close(c2);
	ok(shutdown(l, SHUT_RD) == 0, "a listener shut down");
	ok_errno(accept(l, NULL, NULL), EINVAL, "does not listen any more");
	close(l);

	/* Who gave up while it waited for room in the queue is not accepted afterwards. */
	l = listener(0);
	port = port_of(l);
	c = dial(port);
	a = loopback(port);
	for (int i = 0; i < 20; i++) {
		int gone = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

		connect(gone, (void *)&a, sizeof(a));
		close(gone);
	}
	c2 = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	connect(c2, (void *)&a, sizeof(a));
	fcntl(l, F_SETFL, O_NONBLOCK);
	s = accept(l, NULL, NULL);
	ok(s >= 0 && write(c, "1", 1) == 1 && read(s, buf, 1) == 1 && buf[0] == '1', "the first is accepted");
	close(s);
	{
		struct pollfd p = { .fd = l, .events = POLLIN };

		poll(&p, 1, -1);
		s = accept(l, NULL, NULL);
		ok(s >= 0 && write(c2, "2", 1) == 1 && recv(s, buf, 1, MSG_DONTWAIT) == 1 && buf[0] == '2', "then the one that still waits");
	}
	ok_errno(accept(l, NULL, NULL), EAGAIN, "and nobody else");
	close(s);
	close(c);
	close(c2);
	close(l);
	return done();
}
