/* SPDX-License-Identifier: MIT */
/* What one user may make the kernel remember: timers, descriptors in flight, pipe buffers, inotify instances, what epoll watches (proc_sys_fs(5), unix(7), pipe(7)). */
#include "harness.h"
#include "child.h"
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

enum { NOBODY = 31233 };	/* the first of users who have nothing yet */
static int lim(int what, rlim_t n) { return setrlimit((__rlimit_resource_t)what, &(struct rlimit){ n, n }); }
static int become(unsigned uid) { return setresgid(uid, uid, uid) || setresuid(uid, uid, uid); }

static long setting(const char *path)
{
	char text[32] = "";
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (n <= 0)
		bail("%s", path);
	close(fd);
	return atol(text);
}

/* ---- timers: each has a signal set aside ---- */

static int timers(void)
{
	timer_t t[8];
	int n = 0, again;

	lim(RLIMIT_SIGPENDING, 5);
	if (become(NOBODY))
		return 90;
	while (n < 8 && timer_create(CLOCK_MONOTONIC, NULL, &t[n]) == 0)
		n++;
	if (n != 5 || errno != EAGAIN)
		return 10 + n;
	timer_delete(t[0]);
	again = timer_create(CLOCK_MONOTONIC, NULL, &t[0]);
	return again ? 30 : timer_create(CLOCK_MONOTONIC, NULL, &t[5]) == -1 && errno == EAGAIN ? 0 : 31;
}

static int timer_beside_signals(void)
{
	sigset_t set;
	timer_t t;

	lim(RLIMIT_SIGPENDING, 2);
	if (become(NOBODY + 1))
		return 90;
	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (timer_create(CLOCK_MONOTONIC, NULL, &t) || sigqueue(getpid(), SIGRTMIN, (union sigval){ 0 }))
		return 1;
	if (sigqueue(getpid(), SIGRTMIN, (union sigval){ 0 }) != -1 || errno != EAGAIN)
		return 2;
	timer_delete(t);
	return sigqueue(getpid(), SIGRTMIN, (union sigval){ 0 }) ? 3 : 0;
}

/* ---- descriptors in flight ---- */

static int send_fds(int s, int fd, unsigned n)
{
	union { struct cmsghdr h; char space[CMSG_SPACE(100 * sizeof(int))]; } c;
	struct iovec v = { "x", 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = CMSG_SPACE(n * sizeof(int)) };

	memset(&c, 0, sizeof(c));
	c.h = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(n * sizeof(int)) };
	for (unsigned i = 0; i < n; i++)
		memcpy(CMSG_DATA(&c.h) + i * sizeof(int), &fd, sizeof(int));
	return sendmsg(s, &m, MSG_DONTWAIT) == 1 ? 0 : -1;
}

static int in_flight(int type, unsigned uid)
{
	int s[2], t[2];
	char b;

	lim(RLIMIT_NOFILE, 20);
	if (become(uid) || socketpair(AF_UNIX, type, 0, s) || socketpair(AF_UNIX, type, 0, t))
		return 90;
	if (send_fds(s[0], 0, 20) || send_fds(s[0], 1, 1))	/* 21: more than may be open, and the last that is let in */
		return 1;
	if (send_fds(s[0], 0, 1) != -1 || errno != ETOOMANYREFS)
		return 2;
	if (send_fds(t[0], s[0], 1) != -1 || errno != ETOOMANYREFS)	/* it is the user who is counted */
		return 3;
	if (write(s[0], "y", 1) != 1)
		return 4;
	if (read(s[1], &b, 1) != 1 || send_fds(s[0], 0, 1))		/* what was received, or dropped, is out of flight */
		return 5;
	close(s[0]);
	close(s[1]);
	for (int i = 0; i < 21; i++)
		if (send_fds(t[0], 0, 1))
			return 100 + i;
	return send_fds(t[0], 0, 1) == -1 && errno == ETOOMANYREFS ? 0 : 6;
}

static int in_flight_root(void)
{
	int s[2];

	lim(RLIMIT_NOFILE, 20);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, s))
		return 90;
	for (int i = 0; i < 60; i++)
		if (send_fds(s[0], 0, 1))
			return 1;
	return 0;
}

/* ---- pipes ---- */

static int pipes(void)
{
	long soft = setting("/proc/sys/fs/pipe-user-pages-soft"), big = setting("/proc/sys/fs/pipe-max-size"), page = sysconf(_SC_PAGESIZE);
	long n = soft / (big / page);
	int p[2], last[2];

	if (setting("/proc/sys/fs/pipe-user-pages-hard") || n < 1 || n > 300)
		return 91;
	lim(RLIMIT_NOFILE, 1000);
	if (become(NOBODY + 4))
		return 90;
	for (long i = 0; i < n - 1; i++)
		if (pipe(p) || fcntl(p[0], F_SETPIPE_SZ, big) != big)
			return 1;
	if (pipe(last) || fcntl(last[0], F_GETPIPE_SZ) != 16 * page || pipe(p))
		return 2;
	if (fcntl(last[0], F_SETPIPE_SZ, big) != -1 || errno != EPERM)
		return 3;
	if (fcntl(last[0], F_GETPIPE_SZ) != 16 * page || fcntl(last[0], F_SETPIPE_SZ, 8 * page) != 8 * page)
		return 4;
	/* Below the limit, as far as it goes; above it a pipe is small. */
	for (int i = 0; i < 40; i++)
		if (pipe(p))
			return 5;
	if (fcntl(p[0], F_GETPIPE_SZ) != 2 * page || fcntl(p[0], F_SETPIPE_SZ, 4 * page) != -1 || errno != EPERM)
		return 6;
	if (write(p[1], "abc", 3) != 3 || fcntl(p[0], F_SETPIPE_SZ, page) != page)
		return 7;
	close(p[0]);
	close(p[1]);
	for (int fd = 3; fd < 100; fd++)
		close(fd);
	return pipe(p) || fcntl(p[0], F_GETPIPE_SZ) != 16 * page ? 8 : 0;
}

/* A FIFO has a pipe while it is open. */
static int fifos(void)
{
	long soft = setting("/proc/sys/fs/pipe-user-pages-soft"), big = setting("/proc/sys/fs/pipe-max-size"), page = sysconf(_SC_PAGESIZE);
	int p[2], f;

	mkfifo("limits.fifo", 0600);
	if (chown("limits.fifo", NOBODY + 5, NOBODY + 5))
		return 92;
	lim(RLIMIT_NOFILE, 1000);
	f = open(".", O_RDONLY);
	if (become(NOBODY + 5))
		return 90;
	for (long i = 0; i <= soft / (big / page); i++)
		if (pipe(p))
			return 1;
		else
			(void)fcntl(p[0], F_SETPIPE_SZ, big);
	f = openat(f, "limits.fifo", O_RDWR);
	return f < 0 ? 2 : fcntl(f, F_GETPIPE_SZ) == 2 * page ? 0 : 3;
}

/* ---- inotify ---- */

static int instances(void)
{
	long max = setting("/proc/sys/fs/inotify/max_user_instances");
	int fd = -1, dir = open(".", O_RDONLY);

	if (max > 5000)
		return 91;
	lim(RLIMIT_NOFILE, (rlim_t)max + 50);
	if (become(NOBODY + 6))
		return 90;
	for (long i = 0; i < max; i++)
		if ((fd = inotify_init()) < 0)
			return 1;
	if (inotify_init() != -1 || errno != EMFILE)
		return 2;
	/* Another user's are others. */
	close(fd);
	fd = inotify_init1(IN_CLOEXEC);
	close(dir);
	return fd < 0 ? 3 : 0;
}

static int other_instances(void)
{
	long max = setting("/proc/sys/fs/inotify/max_user_instances");

	lim(RLIMIT_NOFILE, (rlim_t)max + 50);
	if (setresuid(NOBODY + 7, NOBODY + 8, 0))
		return 90;
	for (long i = 0; i < max; i++)
		if (inotify_init() < 0)
			return 1;
	if (inotify_init() != -1 || errno != EMFILE)
		return 2;
	return seteuid(0) || setresuid(NOBODY + 8, NOBODY + 7, 0) || inotify_init() < 0 ? 3 : 0;
}

/* ---- epoll ---- */

static long watches_max(void) { return setting("/proc/sys/fs/epoll/max_user_watches"); }

static int watches(void)
{
	struct epoll_event e = { .events = EPOLLIN };
	long max = watches_max(), n = 0;
	int ep = -1, fd[500], p[2];

	lim(RLIMIT_NOFILE, 2000);
	if (become(NOBODY + 9) || pipe(p))
		return 90;
	for (int i = 0; i < 500; i++)
		if ((fd[i] = dup(p[0])) < 0)
			return 1;
	while (n < max + 500) {
		if ((ep = epoll_create1(0)) < 0)
			return 2;
		for (int i = 0; i < 500; i++, n++)
			if (epoll_ctl(ep, EPOLL_CTL_ADD, fd[i], &e))
				goto full;
	}
	return 3;
full:
	if (errno != ENOSPC || n < max - 1 || n > max + 1)
		return 4;
	if (close(ep - 1) || epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e))
		return 5;
	return 0;
}

static int result;
#define HOLDS(code, what) (result = in_child(code), ok(result == 0, "%s (%d)", what, result))

int main(void)
{
	bool few = watches_max() < 200000;	/* where memory is small: filling it up takes no time */

	plan(few ? 11 : 10);
	HOLDS(timers(), "RLIMIT_SIGPENDING holds for timers");
	HOLDS(timer_beside_signals(), "together with queued signals");
	HOLDS(in_flight(SOCK_STREAM, NOBODY + 2), "RLIMIT_NOFILE holds for descriptors in flight");
	HOLDS(in_flight(SOCK_SEQPACKET, NOBODY + 2), "in packets, and none is left from the one before");
	HOLDS(in_flight(SOCK_DGRAM, NOBODY + 3), "in datagrams");
	HOLDS(in_flight_root(), "root is not bound by it");
	HOLDS(pipes(), "pages of pipes");
	HOLDS(fifos(), "of FIFOs, too");
	HOLDS(instances(), "inotify instances");
	HOLDS(other_instances(), "of the real user");
	if (few)
		HOLDS(watches(), "what sets of epoll watch");
	return done();
}
