/* SPDX-License-Identifier: MIT */
/* SO_PEERCRED, SO_PASSCRED, SCM_CREDENTIALS: who is at the other end, as it was then; what may be claimed. */
#define _GNU_SOURCE
#include "harness.h"
#include "child.h"
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static int send_cred(int s, pid_t pid, uid_t uid, gid_t gid)
{
	char control[CMSG_SPACE(sizeof(struct ucred))] = { 0 };
	struct iovec v = { "c", 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	struct ucred u = { pid, uid, gid };

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_CREDENTIALS;
	c->cmsg_len = CMSG_LEN(sizeof(u));
	memcpy(CMSG_DATA(c), &u, sizeof(u));
	return (int)sendmsg(s, &m, 0);
}

static int recv_cred(int s, struct ucred *u)
{
	char control[CMSG_SPACE(sizeof(struct ucred))], b[8];
	struct iovec v = { b, 8 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *c;

	memset(u, 0xff, sizeof(*u));
	if (recvmsg(s, &m, 0) < 0)
		return -1;
	c = CMSG_FIRSTHDR(&m);
	if (!c || c->cmsg_type != SCM_CREDENTIALS)
		return 0;
	memcpy(u, CMSG_DATA(c), sizeof(*u));
	return 1;
}

int main(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "cred" };
	struct ucred u;
	socklen_t len = sizeof(u);
	int s[2], one = 1, zero = 0, l, c, d, st;
	pid_t pid;

	plan(19);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, s))
		bail("socketpair");
	ok(getsockopt(s[0], SOL_SOCKET, SO_PEERCRED, &u, &len) == 0 && u.pid == getpid() && u.uid == 0 && u.gid == 0, "a pair: its maker");
	ok_errno(setsockopt(s[0], SOL_SOCKET, SO_PEERCRED, &u, sizeof(u)), ENOPROTOOPT, "it cannot be set");
	ok(write(s[0], "x", 1) == 1 && recv_cred(s[1], &u) == 0, "nothing comes unasked");
	ok(setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)) == 0, "SO_PASSCRED");
	ok(write(s[0], "x", 1) == 1 && recv_cred(s[1], &u) == 1 && u.pid == getpid() && u.uid == 0, "now each message says who wrote it");
	if (!(pid = fork()))
		_exit(write(s[0], "x", 1) != 1);
	ok(recv_cred(s[1], &u) == 1 && u.pid == pid, "a child's is the child's");
	exit_of(pid);
	ok(send_cred(s[0], getpid(), 0, 0) == 1 && recv_cred(s[1], &u) == 1 && u.pid == getpid(), "the truth may be said");
	ok(send_cred(s[0], getpid(), 77, 88) == 1 && recv_cred(s[1], &u) == 1 && u.uid == 77 && u.gid == 88, "root may claim other ids");
	ok(send_cred(s[0], 1, 0, 0) == 1 && recv_cred(s[1], &u) == 1 && u.pid == 1, "and another process that exists");
	ok_errno(send_cred(s[0], 0x3ffffff, 0, 0), ESRCH, "not one that does not");
	if (!(pid = fork())) {
		if (setgid(1234) || setuid(1234))
			_exit(99);
		if (send_cred(s[0], getpid(), 0, 1234) != -1 || errno != EPERM)
			_exit(1);
		if (send_cred(s[0], getppid(), 1234, 1234) != -1 || errno != EPERM)
			_exit(2);
		_exit(send_cred(s[0], getpid(), 1234, 1234) != 1);
	}
	st = exit_of(pid);
	ok(st == 0, "a user may say nothing but the truth (%d)", st);
	ok(recv_cred(s[1], &u) == 1 && u.pid == pid && u.uid == 1234 && u.gid == 1234, "which arrives");
	ok(setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &zero, sizeof(zero)) == 0 && write(s[0], "x", 1) == 1 && recv_cred(s[1], &u) == 0, "and not any more");

	/* A connection: the client sees who listened, the server who connected, whatever they become. */
	l = socket(AF_UNIX, SOCK_STREAM, 0);
	if (bind(l, (void *)&a, sizeof(a)) || listen(l, 3) || chmod(a.sun_path, 0777))
		bail("listen");
	if (!(pid = fork())) {
		if (setgid(1234) || setuid(1234))
			_exit(99);
		c = socket(AF_UNIX, SOCK_STREAM, 0);
		if (connect(c, (void *)&a, sizeof(a)))
			_exit(1);
		len = sizeof(u);
		if (getsockopt(c, SOL_SOCKET, SO_PEERCRED, &u, &len) || u.pid != getppid() || u.uid != 0)
			_exit(2);
		_exit(0);
	}
	d = accept(l, NULL, NULL);
	ok(exit_of(pid) == 0, "the client sees the listener");
	len = sizeof(u);
	ok(getsockopt(d, SOL_SOCKET, SO_PEERCRED, &u, &len) == 0 && u.pid == pid && u.uid == 1234 && u.gid == 1234, "the server sees the client, though it is gone");
	len = 4;
	ok(getsockopt(d, SOL_SOCKET, SO_PEERCRED, &u, &len) == 0 && len == 4, "a short buffer gets a part");
	c = socket(AF_UNIX, SOCK_STREAM, 0);
	len = sizeof(u);
	ok(getsockopt(c, SOL_SOCKET, SO_PEERCRED, &u, &len) == 0 && u.pid == 0 && u.uid == (uid_t)-1, "an unconnected one has no peer");
	/* Datagrams carry them, too. */
	socketpair(AF_UNIX, SOCK_DGRAM, 0, s);
	setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one));
	ok(send(s[0], "x", 1, 0) == 1 && recv_cred(s[1], &u) == 1 && u.pid == getpid(), "datagrams");
	len = sizeof(one);
	ok(getsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &zero, &len) == 0 && zero == 1, "SO_PASSCRED can be asked for");
	return done();
}
