/* SPDX-License-Identifier: MIT */
/* UDP on the loopback (udp(7)), IPv6 and its IPv4-mapped addresses (ipv6(7)): delivery, connected senders, lost ports, dual sockets. */
#include "harness.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_in v4(int port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((unsigned short)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}
static struct sockaddr_in6 v6(int port)
{
	return (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons((unsigned short)port), .sin6_addr = IN6ADDR_LOOPBACK_INIT };
}
static int port_of(int fd)
{
	struct sockaddr_in6 a;
	socklen_t n = sizeof(a);

	return getsockname(fd, (void *)&a, &n) ? -1 : ntohs(a.sin6_port);
}
static int bound(void)
{
	struct sockaddr_in a = v4(0);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	return bind(fd, (void *)&a, sizeof(a)) ? -1 : fd;
}

int main(void)
{
	int r = bound(), s = socket(AF_INET, SOCK_DGRAM, 0), c, v, port;
	struct sockaddr_in a = v4(port_of(r)), from;
	struct sockaddr_in6 a6, from6;
	static char big[70000];
	socklen_t n = sizeof(from);
	char buf[64];

	plan(35);
	port = port_of(r);
	ok(port_of(s) == 0, "no port yet");
	ok_errno(send(s, "x", 1, 0), EDESTADDRREQ, "send: to whom?");
	ok(sendto(s, "one", 3, 0, (void *)&a, sizeof(a)) == 3 && port_of(s) > 0, "sendto takes a port");
	ok(sendto(s, "", 0, 0, (void *)&a, sizeof(a)) == 0 && sendto(s, "three", 5, 0, (void *)&a, sizeof(a)) == 5, "an empty one, and a third");
	ok(ioctl(r, FIONREAD, &v) == 0 && v == 3, "FIONREAD: the first one's size");
	ok(recvfrom(r, buf, 2, MSG_PEEK | MSG_TRUNC, (void *)&from, &n) == 3 && ntohs(from.sin_port) == port_of(s) &&
		from.sin_addr.s_addr == htonl(INADDR_LOOPBACK), "peek: the real length, who sent it");
	ok(recv(r, buf, 2, 0) == 2 && recv(r, buf, 9, 0) == 0 && recv(r, buf, 9, 0) == 5, "borders are kept, the rest of a short read is lost");
	ok_errno(recv(r, buf, 9, MSG_DONTWAIT), EAGAIN, "no more");
	ok_errno(sendto(s, big, 65508, 0, (void *)&a, sizeof(a)), EMSGSIZE, "too long");
	ok(sendto(s, big, 65507, 0, (void *)&a, sizeof(a)) == 65507 && recv(r, big, sizeof(big), 0) == 65507, "the longest");
	a.sin_port = 0;
	ok_errno(sendto(s, "x", 1, 0, (void *)&a, sizeof(a)), EINVAL, "port 0");
	a = v4(port);
	ok_errno(sendto(s, "x", 1, 0, (void *)&a, 4), EINVAL, "a short name");
	a.sin_addr.s_addr = INADDR_BROADCAST;
	ok_errno(sendto(s, "x", 1, 0, (void *)&a, sizeof(a)), EACCES, "broadcast needs an option");
	n = sizeof(from);
	ok_errno(getpeername(s, (void *)&from, &n), ENOTCONN, "not connected");

	/* Connected. */
	a = v4(port);
	ok(connect(s, (void *)&a, sizeof(a)) == 0 && send(s, "c", 1, 0) == 1 && recv(r, buf, 9, 0) == 1, "connected: send");
	c = bound();
	from = v4(port_of(s));
	ok(sendto(c, "no", 2, 0, (void *)&from, sizeof(from)) == 2, "somebody else sends to it");
	ok_errno(recv(s, buf, 9, MSG_DONTWAIT), EAGAIN, "only its peer is heard");
	ok(sendto(r, "yes", 3, 0, (void *)&from, sizeof(from)) == 3 && recv(s, buf, 9, 0) == 3, "the peer is");
	close(r);
	ok(send(s, "x", 1, 0) == 1, "the port is gone: that send succeeds");
	{
		struct pollfd p = { .fd = s, .events = POLLIN };

		ok(poll(&p, 1, -1) == 1 && (p.revents & POLLERR), "then an error is shown");
	}
	ok_errno(send(s, "x", 1, 0), ECONNREFUSED, "and told by the next call");
	recv(s, buf, 1, MSG_DONTWAIT);
	from.sin_family = AF_UNSPEC;
	ok(connect(s, (void *)&from, sizeof(from)) == 0, "not connected any more");
	ok_errno(send(s, "x", 1, 0), EDESTADDRREQ, "again: to whom?");
	close(c);
	close(s);

	/* Ports. */
	r = bound();
	s = socket(AF_INET, SOCK_DGRAM, 0);
	a = v4(port_of(r));
	ok_errno(bind(s, (void *)&a, sizeof(a)), EADDRINUSE, "a port that is taken");
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
	ok(bind(s, (void *)&a, sizeof(a)) == 0, "with another address it is free");
	ok(sendto(r, "2", 1, 0, (void *)&a, sizeof(a)) == 1 && recv(s, buf, 9, 0) == 1, "and reached by it");
	close(r);
	close(s);

	/* IPv6. */
	s = socket(AF_INET6, SOCK_DGRAM, 0);
	if (s < 0) {
		while (tap_run_ < 35)
			ok(errno == EAFNOSUPPORT, "this machine has no IPv6");
		return done();
	}
	a6 = v6(0);
	ok_errno(bind(s, (void *)&a6, 20), EINVAL, "a short name");
	ok(bind(s, (void *)&a6, sizeof(a6)) == 0, "bound to ::1");
	r = socket(AF_INET6, SOCK_DGRAM, 0);
	a6.sin6_addr = in6addr_any;
	a6.sin6_port = 0;
	ok(bind(r, (void *)&a6, sizeof(a6)) == 0, "another to any address");
	a6 = v6(port_of(r));
	n = sizeof(from6);
	ok(sendto(s, "six", 3, 0, (void *)&a6, sizeof(a6)) == 3 && recvfrom(r, buf, 9, 0, (void *)&from6, &n) == 3 && n == sizeof(from6) &&
		IN6_IS_ADDR_LOOPBACK(&from6.sin6_addr) && ntohs(from6.sin6_port) == port_of(s), "from ::1");
	c = socket(AF_INET, SOCK_DGRAM, 0);
	a = v4(port_of(r));
	n = sizeof(from6);
	ok(sendto(c, "four", 4, 0, (void *)&a, sizeof(a)) == 4 && recvfrom(r, buf, 9, 0, (void *)&from6, &n) == 4 && IN6_IS_ADDR_V4MAPPED(&from6.sin6_addr),
		"it hears IPv4, too, as a mapped address");
	ok_errno(bind(c, (void *)&a, sizeof(a)), EINVAL, "already bound by its send");
	close(c);
	c = socket(AF_INET, SOCK_DGRAM, 0);
	ok_errno(bind(c, (void *)&a, sizeof(a)), EADDRINUSE, "so the port is taken for IPv4");
	v = 1;
	close(s);
	s = socket(AF_INET6, SOCK_DGRAM, 0);
	ok(setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &v, sizeof(v)) == 0 && (a6 = v6(0), a6.sin6_addr = in6addr_any, bind(s, (void *)&a6, sizeof(a6))) == 0,
		"IPV6_V6ONLY");
	a = v4(port_of(s));
	ok(bind(c, (void *)&a, sizeof(a)) == 0, "then it is not");
	return done();
}
