/* SPDX-License-Identifier: MIT */
/* What messages of UNIX sockets count for against SO_SNDBUF: after how many a sender meets a full buffer (Linux with pages of 4 KiB). */
#include "harness.h"
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SIOCOUTQ_ = 0x5411 };
static char bytes[20000];

static int queued(int fd)
{
	int n = -1;

	return ioctl(fd, SIOCOUTQ_, &n) ? -1 : n;
}

static void pair(int type, int sv[2])
{
	if (socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, sv))
		bail("socketpair");
}

/* Sends messages of n bytes until there is no room. */
static int fill(int fd, size_t n)
{
	int sent = 0;

	while (send(fd, bytes, n, 0) == (ssize_t)n)
		sent++;
	return errno == EAGAIN ? sent : -1;
}

int main(void)
{
	static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM };
	static const struct { size_t len; int stream, packet; } costs[] = {
		{ 1, 768, 768 }, { 192, 768, 768 }, { 193, 1280, 1280 }, { 705, 2304, 2304 }, { 3776, 4352, 4352 }, { 3777, 4864, 8448 },
		{ 5000, 6400, 8448 }, { 7873, 8960, 16640 }, { 16000, 16640, 16640 }, { 16384, 17152, 20736 } };
	int sv[2], least = 8, k;
	char c;

	plan(3 * 11 + 6);
	for (int t = 0; t < 3; t++) {
		for (size_t i = 0; i < sizeof(costs) / sizeof(costs[0]); i++) {
			pair(types[t], sv);
			ok(send(sv[0], bytes, costs[i].len, 0) == (ssize_t)costs[i].len && queued(sv[0]) == (t ? costs[i].packet : costs[i].stream), "type %d: %zu bytes", types[t], costs[i].len);
			close(sv[0]);
			close(sv[1]);
		}
		pair(types[t], sv);
		if (setsockopt(sv[0], SOL_SOCKET, SO_SNDBUF, &least, sizeof(least)))
			bail("SO_SNDBUF");
		k = fill(sv[0], 1);
		ok(k == 6, "type %d: six messages fill the smallest buffer", types[t]);
		close(sv[0]);
		close(sv[1]);
	}
	pair(SOCK_SEQPACKET, sv);
	ok(send(sv[0], bytes, 0, 0) == 0 && queued(sv[0]) == 768, "one of no bytes too");
	ok(read(sv[1], &c, 1) == 0 && queued(sv[0]) == 0, "until it is read");
	setsockopt(sv[0], SOL_SOCKET, SO_SNDBUF, &least, sizeof(least));
	ok(fill(sv[0], 1) == 6, "full");
	struct pollfd p = { sv[0], POLLOUT, 0 };
	ok(read(sv[1], &c, 1) == 1 && poll(&p, 1, 0) == 0 && fill(sv[0], 1) == 1, "one read makes room for one, but is not said by poll");
	for (k = 0; k < 4; k++)
		if (read(sv[1], &c, 1) != 1)
			bail("read");
	ok(queued(sv[0]) == 2 * 768 && poll(&p, 1, 0) == 0, "not with a third in use");
	ok(read(sv[1], &c, 1) == 1 && poll(&p, 1, 0) == 1 && p.revents == POLLOUT, "with a fourth");
	return done();
}
