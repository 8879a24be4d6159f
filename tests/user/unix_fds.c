/* SPDX-License-Identifier: MIT */
/* Passing descriptors and credentials over UNIX sockets; cycles of sockets in flight are collected. */
#include "harness.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int sv[2];

static int send_fds(int s, const int *fds, int n, const char *text)
{
	char control[CMSG_SPACE(sizeof(int) * 256)] = { 0 };
	struct iovec iov = { (void *)text, strlen(text) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = CMSG_SPACE(sizeof(int) * n) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int) * n);
	memcpy(CMSG_DATA(c), fds, sizeof(int) * n);
	return (int)sendmsg(s, &m, MSG_NOSIGNAL);
}

/* Bytes received; *n descriptors. */
static int recv_fds(int s, int *fds, int *n, int room, int flags, int *out_flags)
{
	char control[CMSG_SPACE(sizeof(int) * 256)], text[64];
	struct iovec iov = { text, sizeof(text) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = room };
	int got = (int)recvmsg(s, &m, flags);

	*n = 0;
	if (out_flags)
		*out_flags = m.msg_flags;
	for (struct cmsghdr *c = got >= 0 ? CMSG_FIRSTHDR(&m) : NULL; c; c = CMSG_NXTHDR(&m, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
			*n = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
			memcpy(fds, CMSG_DATA(c), *n * sizeof(int));
		}
	return got;
}

static int open_fds(void)
{
	int n = 0;

	for (int i = 0; i < 256; i++)
		n += fcntl(i, F_GETFD) != -1;
	return n;
}

static void basic(void)
{
	int p[2], fds[256], many[254], n, fl, before;
	char c;

	if (pipe(p) || socketpair(AF_UNIX, SOCK_STREAM, 0, sv))
		bail("pipe");
	before = open_fds();
	ok(send_fds(sv[0], p, 2, "two") == 3, "two descriptors are sent");
	ok(recv_fds(sv[1], fds, &n, 256, MSG_CMSG_CLOEXEC, &fl) == 3 && n == 2 && !(fl & MSG_CTRUNC), "and received");
	ok(fcntl(fds[0], F_GETFD) == FD_CLOEXEC, "MSG_CMSG_CLOEXEC");
	ok(write(fds[1], "x", 1) == 1 && read(p[0], &c, 1) == 1, "they are the same open files");
	close(fds[0]);
	close(fds[1]);
	ok(open_fds() == before, "no more than that were opened");
	send_fds(sv[0], p, 2, "cut");
	ok(recv_fds(sv[1], fds, &n, CMSG_LEN(sizeof(int)), 0, &fl) == 3 && n == 1 && (fl & MSG_CTRUNC), "room for one: one, and MSG_CTRUNC");
	close(fds[0]);
	send_fds(sv[0], p, 1, "gone");
	ok(recv(sv[1], fds, 100, 0) == 4 && open_fds() == before, "a receiver that does not ask gets none");
	ok_errno(send_fds(sv[0], (int[]){ 200 }, 1, "x"), EBADF, "one that is not open");
	send_fds(sv[0], p, 1, "a");
	if (write(sv[0], "b", 1) != 1)
		bail("write");
	ok(recv_fds(sv[1], fds, &n, 256, 0, NULL) == 1 && n == 1, "a read ends where descriptors were");
	close(fds[0]);
	ok(recv_fds(sv[1], fds, &n, 256, 0, NULL) == 1 && n == 0, "and goes on behind");
	send_fds(sv[0], p, 1, "half");
	ok(read(sv[1], &c, 1) == 1 && recv_fds(sv[1], fds, &n, 256, 0, NULL) == 3 && n == 0, "who reads a part without asking drops them");
	send_fds(sv[0], p, 1, "ends");
	if (write(sv[0], "b", 1) != 1)
		bail("write");
	ok(read(sv[1], many, 16) == 4 && read(sv[1], many, 16) == 1, "and ends where they were, too");
	send_fds(sv[0], p, 1, "peek");
	ok(recv_fds(sv[1], fds, &n, 256, MSG_PEEK, NULL) == 4 && n == 1, "MSG_PEEK gives a copy");
	close(fds[0]);
	ok(recv_fds(sv[1], fds, &n, 256, 0, NULL) == 4 && n == 1, "and leaves the original");
	close(fds[0]);
	for (int i = 0; i < 254; i++)
		many[i] = p[0];
	ok_errno(send_fds(sv[0], many, 254, "x"), EINVAL, "254 are too many");
	ok(send_fds(sv[0], many, 253, "x") == 1 && recv_fds(sv[1], fds, &n, CMSG_SPACE(sizeof(int) * 253), 0, NULL) == 1 && n == 253, "253 are not");
	for (int i = 0; i < n; i++)
		close(fds[i]);
	/* the last reference may be in flight */
	send_fds(sv[0], &p[1], 1, "w");
	close(p[1]);
	fcntl(p[0], F_SETFL, O_NONBLOCK);
	ok_errno(read(p[0], &c, 1), EAGAIN, "a pipe whose only writer is in flight is open");
	close(sv[0]);
	close(sv[1]);
	for (int i = 0; i < 5000 && read(p[0], &c, 1) != 0; i++)
		usleep(10000);
	ok(read(p[0], &c, 1) == 0, "and at its end when the message is dropped");
	close(p[0]);
}

static void between_processes(void)
{
	int fds[4], n, st, p[2];

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, sv) || pipe(p))
		bail("socketpair");
	pid_t pid = fork();
	if (pid == 0) {
		close(p[0]);
		close(p[1]);
		if (recv_fds(sv[1], fds, &n, 256, 0, NULL) != 4 || n != 1)
			_exit(1);
		_exit(write(fds[0], "child", 5) == 5 ? 0 : 2);
	}
	char buf[8];
	ok(send_fds(sv[0], &p[1], 1, "pipe") == 4, "to a child");
	close(p[1]);
	ok(read(p[0], buf, 8) == 5 && !memcmp(buf, "child", 5), "which writes to it");
	ok(read(p[0], buf, 8) == 0, "and it ends with the child");
	waitpid(pid, &st, 0);
	ok(st == 0, "who was content");
	close(p[0]);
	close(sv[0]);
	close(sv[1]);
}

static int get_cred(int s, struct ucred *cr)
{
	char control[CMSG_SPACE(sizeof(struct ucred))], text[16];
	struct iovec iov = { text, sizeof(text) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	int got = (int)recvmsg(s, &m, 0);
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	if (got < 0 || !c || c->cmsg_type != SCM_CREDENTIALS)
		return -1;
	memcpy(cr, CMSG_DATA(c), sizeof(*cr));
	return got;
}

static int send_cred(int s, struct ucred cr)
{
	char control[CMSG_SPACE(sizeof(cr))] = { 0 };
	struct iovec iov = { "cred", 4 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_CREDENTIALS;
	c->cmsg_len = CMSG_LEN(sizeof(cr));
	memcpy(CMSG_DATA(c), &cr, sizeof(cr));
	return (int)sendmsg(s, &m, 0);
}

static void credentials(void)
{
	struct ucred cr, me = { getpid(), getuid(), getgid() };
	int on = 1, st;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sv))
		bail("socketpair");
	ok(setsockopt(sv[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == 0, "SO_PASSCRED");
	ok(write(sv[0], "x", 1) == 1 && get_cred(sv[1], &cr) == 1 && cr.pid == getpid() && cr.uid == getuid(), "a plain write carries who wrote");
	ok(send_cred(sv[0], me) == 4 && get_cred(sv[1], &cr) == 4 && cr.pid == me.pid, "one's own may be given");
	pid_t pid = fork();
	if (pid == 0) {
		if (setgid(1000) || setuid(1000))
			_exit(0);	/* was not root: nothing to lose */
		if (send_cred(sv[0], (struct ucred){ getpid(), 0, 1000 }) != -1 || errno != EPERM)
			_exit(1);
		if (send_cred(sv[0], (struct ucred){ getppid(), 1000, 1000 }) != -1 || errno != EPERM)
			_exit(2);
		_exit(0);
	}
	waitpid(pid, &st, 0);
	ok(st == 0, "somebody else's may not (%x)", st);
	if (write(sv[0], "a", 1) != 1)
		bail("write");
	if (fork() == 0)
		_exit(write(sv[0], "b", 1) != 1);
	wait(NULL);
	ok(get_cred(sv[1], &cr) == 1 && cr.pid == getpid(), "bytes of two writers are not read together");
	ok(get_cred(sv[1], &cr) == 1 && cr.pid != getpid(), "the second writer");
	close(sv[0]);
	close(sv[1]);
}

/*
 * A socket sent over itself, and two that hold each other, with the write end
 * of a pipe on board: if the cycle is never collected the pipe stays open.
 */
static void cycles(void)
{
	int p[2], a[2], b[2];
	char c;

	if (pipe(p) || socketpair(AF_UNIX, SOCK_DGRAM, 0, a) || socketpair(AF_UNIX, SOCK_DGRAM, 0, b))
		bail("socketpair");
	fcntl(p[0], F_SETFL, O_NONBLOCK);
	send_fds(a[0], (int[]){ a[0], a[1], p[1] }, 3, "self");
	send_fds(b[0], (int[]){ a[0], b[1] }, 2, "b holds a");
	send_fds(a[0], (int[]){ b[0], b[1] }, 2, "a holds b");
	close(p[1]);
	for (int i = 0; i < 2; i++) {
		close(a[i]);
		close(b[i]);
	}
	int left = 1;
	for (int i = 0; i < 2500 && left; i++) {
		int s[2];

		left = read(p[0], &c, 1) != 0;
		if (left)
			usleep(20000);
		if (!socketpair(AF_UNIX, SOCK_STREAM, 0, s)) {	/* closing any socket gives the collector a chance */
			close(s[0]);
			close(s[1]);
		}
	}
	ok(!left, "sockets that only hold each other are closed, and with them what they carried");
	close(p[0]);

	/* but not what can still be reached */
	if (pipe(p) || socketpair(AF_UNIX, SOCK_DGRAM, 0, a) || socketpair(AF_UNIX, SOCK_DGRAM, 0, b))
		bail("socketpair");
	fcntl(p[0], F_SETFL, O_NONBLOCK);
	send_fds(a[0], &p[1], 1, "pipe");
	close(p[1]);
	send_fds(b[0], (int[]){ a[0], a[1] }, 2, "a is in b");
	close(a[0]);
	close(a[1]);
	for (int i = 0; i < 10; i++) {
		int s[2];

		if (!socketpair(AF_UNIX, SOCK_STREAM, 0, s)) {
			close(s[0]);
			close(s[1]);
		}
		usleep(5000);
	}
	ok(read(p[0], &c, 1) == -1 && errno == EAGAIN, "a socket in the queue of an open one is left alone");
	int fds[4], n, m, inner[4];
	ok(recv_fds(b[1], fds, &n, 256, 0, NULL) > 0 && n == 2, "it can be taken out");
	ok(recv_fds(fds[1], inner, &m, 256, 0, NULL) == 4 && m == 1 && write(inner[0], "!", 1) == 1, "and what was in its queue too");
	ok(read(p[0], &c, 1) == 1 && c == '!', "alive");
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	basic();
	between_processes();
	credentials();
	cycles();
	return done();
}
