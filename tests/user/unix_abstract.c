/* SPDX-License-Identifier: MIT */
/* Abstract names of UNIX sockets: any bytes, gone with the socket, not in the file system; autobind; who may connect. */
#include "harness.h"
#include "child.h"
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

static socklen_t name(struct sockaddr_un *a, const char *bytes, size_t n)
{
	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	memcpy(a->sun_path, bytes, n);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
}

int main(void)
{
	struct sockaddr_un a, b, got;
	socklen_t la, lb, lg = sizeof(got);
	char id[64];
	int n = snprintf(id, sizeof(id), "%ceft-%d", 0, (int)getpid()), s, t, c, d;

	plan(16);
	la = name(&a, id, (size_t)n);
	lb = name(&b, id, (size_t)n + 1);	/* one NUL more: another name */
	s = socket(AF_UNIX, SOCK_STREAM, 0);
	t = socket(AF_UNIX, SOCK_STREAM, 0);
	ok(bind(s, (void *)&a, la) == 0, "a name");
	ok_errno(bind(t, (void *)&a, la), EADDRINUSE, "taken");
	ok(bind(t, (void *)&b, lb) == 0, "its length is a part of it");
	ok(getsockname(s, (void *)&got, &lg) == 0 && lg == la && !memcmp(&got, &a, la), "getsockname gives all its bytes");
	ok_errno(bind(s, (void *)&b, lb), EINVAL, "a socket has one name");
	c = socket(AF_UNIX, SOCK_STREAM, 0);
	ok_errno(connect(c, (void *)&a, la), ECONNREFUSED, "nobody listens");
	ok(listen(s, 3) == 0 && connect(c, (void *)&a, la) == 0, "connected");
	d = accept(s, (void *)&got, (lg = sizeof(got), &lg));
	ok(d >= 0 && lg == sizeof(sa_family_t), "the client has no name");
	ok(in_child(setgid(1234) || setuid(1234) || connect(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&a, la)) == 0, "anybody may connect: no permissions");
	ok(access(id + 1, F_OK) == -1, "the file system knows nothing of it");
	close(s);
	t = socket(AF_UNIX, SOCK_STREAM, 0);
	ok_errno(connect(t, (void *)&a, la), ECONNREFUSED, "closed: the name is gone");
	ok(bind(t, (void *)&a, la) == 0, "and free");
	s = socket(AF_UNIX, SOCK_DGRAM, 0);
	got.sun_family = AF_UNIX;
	ok(bind(s, (void *)&got, sizeof(sa_family_t)) == 0, "a name is chosen");
	ok(getsockname(s, (void *)&got, (lg = sizeof(got), &lg)) == 0 && lg == sizeof(sa_family_t) + 6 && !got.sun_path[0], "a NUL and five digits");
	d = socket(AF_UNIX, SOCK_DGRAM, 0);
	ok(sendto(d, "x", 1, 0, (void *)&got, lg) == 1 && recv(s, id, 9, 0) == 1, "that can be sent to");
	t = socket(AF_UNIX, SOCK_STREAM, 0);
	ok_errno(connect(t, (void *)&got, lg), ECONNREFUSED, "a datagram's name is no stream's");
	return done();
}
