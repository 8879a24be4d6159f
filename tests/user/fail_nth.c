/* SPDX-License-Identifier: MIT */
/*
 * Every allocation may fail: each call is made again and again, with its
 * first, second, third... allocation failing (/proc/self/fail-nth), until one
 * run gets through without using the failure up.  An error must be one that
 * the call documents, and the program goes on.
 */
#include "harness.h"
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int nth;

static void arm(int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", n);

	/* The write may be what an old count makes fail; once. */
	if (pwrite(nth, text, (size_t)len, 0) != len && pwrite(nth, text, (size_t)len, 0) != len)
		bail("fail-nth");
}

static int disarm(void)
{
	char text[16] = { 0 };

	/* If this fails itself, the call before has left it to us. */
	if (pread(nth, text, sizeof(text) - 1, 0) < 0)
		return 1;
	arm(0);
	return atoi(text);
}

/* What follows in the call is not what is tried: note whether the failure has been used up. */
static int settled = -1;
static void settle(void)
{
	int saved = errno;

	settled = disarm();
	errno = saved;
}

static int expected(int err)
{
	return err == ENOMEM || err == ENOBUFS || err == ENFILE || err == EAGAIN || err == EFAULT || err == EINTR || err == EIO;
}

static int do_fork(void)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	if (pid < 0)
		return -1;
	settle();
	return waitpid(pid, &status, 0) == pid && status == 0 ? 0 : -2;
}
static int do_vfork_exec(void)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		char *argv[] = { (char *)"/proc/self/exe", (char *)"child", NULL };
		int own = open("/proc/self/fail-nth", O_WRONLY);

		(void)!write(own, "0", 1);
		(void)own;
		execv(argv[0], argv);
		_exit(9);
	}
	if (pid < 0)
		return -1;
	settle();
	return waitpid(pid, &status, 0) == pid && status == 0 ? 0 : -2;
}
static int do_mmap(void)
{
	char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return -1;
	for (int i = 0; i < 1 << 20; i += 8192)
		p[i] = 1;
	return munmap(p, 1 << 20);
}
static int do_split(void)
{
	char *p = mmap(NULL, 16 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *q = MAP_FAILED;
	int r = 0;

	if (p == MAP_FAILED)
		return -1;
	for (int i = 1; i < 15 && !r; i += 2)
		r = mprotect(p + i * 4096, 4096, PROT_READ);
	if (!r) {
		q = mremap(p, 4096, 8 * 4096, MREMAP_MAYMOVE);
		r = q == MAP_FAILED ? -1 : 0;
	}
	if (!r)
		r = munmap(p + 5 * 4096, 3 * 4096);
	settle();
	{
		int saved = errno;

		if (q != MAP_FAILED)
			munmap(q, 8 * 4096);
		munmap(p, 16 * 4096);
		errno = saved;
	}
	return r;
}
static int do_file(void)
{
	char buf[5000] = { 1 };
	int fd = open("f", O_RDWR | O_CREAT, 0600), r;

	if (fd < 0)
		return -1;
	r = write(fd, buf, sizeof(buf)) < 0 ? -1 : 0;
	if (!r)
		r = pread(fd, buf, sizeof(buf), 0) < 0 ? -1 : 0;
	if (!r)
		r = fsync(fd);
	if (!r)
		r = ftruncate(fd, 100);
	close(fd);
	return r;
}
static int do_names(void)
{
	struct stat st;

	if (mkdir("d", 0700) && errno != EEXIST)
		return -1;
	if (symlink("d", "l") && errno != EEXIST)
		return -1;
	if (stat("l", &st))
		return -1;
	if (rename("d", "e"))
		return -1;
	if (rename("e", "d"))
		return -1;
	return unlink("l") || rmdir("d") ? -1 : 0;
}
static int do_pipe(void)
{
	char buf[70000] = { 0 };
	int fd[2], r;

	if (pipe(fd))
		return -1;
	fcntl(fd[1], F_SETFL, O_NONBLOCK);
	r = write(fd[1], buf, sizeof(buf)) < 0 ? -1 : 0;
	close(fd[0]);
	close(fd[1]);
	return r;
}
static int do_socket(void)
{
	char buf[100] = { 0 };
	int fd[2], r;

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, fd))
		return -1;
	r = send(fd[0], buf, sizeof(buf), 0) < 0 ? -1 : 0;
	if (!r)
		r = recv(fd[1], buf, sizeof(buf), 0) < 0 ? -1 : 0;
	close(fd[0]);
	close(fd[1]);
	return r;
}
static int do_events(void)
{
	struct epoll_event ev = { .events = EPOLLIN };
	struct itimerspec its = { .it_value = { 100, 0 } };
	struct pollfd p[2];
	int e = eventfd(1, 0), ep = -1, t = -1, r = -1;

	if (e < 0)
		return -1;
	ep = epoll_create1(0);
	if (ep >= 0)
		t = timerfd_create(CLOCK_MONOTONIC, 0);
	if (t >= 0)
		r = timerfd_settime(t, 0, &its, NULL);
	if (!r)
		r = epoll_ctl(ep, EPOLL_CTL_ADD, e, &ev);
	if (!r)
		r = epoll_wait(ep, &ev, 1, 0) < 0 ? -1 : 0;
	p[0] = p[1] = (struct pollfd){ .fd = e, .events = POLLIN };
	if (!r)
		r = poll(p, 2, 0) < 0 ? -1 : 0;
	{
		int saved = errno;

		close(e);
		close(ep);
		close(t);
		errno = saved;
	}
	return r;
}
static int do_signals(void)
{
	union sigval v = { .sival_int = 1 };
	struct timespec none = { 0, 0 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (sigqueue(getpid(), SIGRTMIN, v))
		return -1;
	return sigtimedwait(&set, NULL, &none) == SIGRTMIN ? 0 : -2;
}

/* A tree bound into a shared mount with a peer and a slave: everywhere or nowhere. */
static void mounts_made(void)
{
	bool ok;

	ok = unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
	mkdir("m", 0755);
	ok = ok && mount("none", "m", "tmpfs", 0, "") == 0;
	mkdir("m/from", 0755);
	mkdir("m/a", 0755);
	mkdir("m/b", 0755);
	mkdir("m/c", 0755);
	ok = ok && mount("none", "m/from", "tmpfs", 0, "") == 0;
	mkdir("m/from/in", 0755);
	ok = ok && mount("none", "m/from/in", "tmpfs", 0, "") == 0 && mount("none", "m/a", "tmpfs", 0, "") == 0 && mount(NULL, "m/a", NULL, MS_SHARED, NULL) == 0;
	mkdir("m/a/x", 0755);
	if (!ok || mount("m/a", "m/b", NULL, MS_BIND, NULL) || mount("m/a", "m/c", NULL, MS_BIND, NULL) || mount(NULL, "m/c", NULL, MS_SLAVE, NULL))
		bail("mount");
}
static int do_mounts(void)
{
	int r = mount("m/from", "m/a/x", NULL, MS_BIND | MS_REC, NULL), saved = errno;
	char table[16384];
	int fd, n;

	settle();
	fd = open("/proc/self/mountinfo", O_RDONLY);
	n = (int)read(fd, table, sizeof(table) - 1);
	close(fd);
	table[n > 0 ? n : 0] = 0;
	for (const char *const *at = (const char *const[]){ "m/a/x", "m/b/x", "m/c/x", "m/a/x/in", "m/b/x/in", "m/c/x/in", NULL }; *at; at++) {
		char line[64];

		snprintf(line, sizeof(line), "%s ", *at);
		if (!strstr(table, line) != (r != 0))
			return -2;
	}
	if (strstr(table, "m/from rw,relatime shared") || (r == 0 && umount2("m/b/x", MNT_DETACH)))
		return -2;
	errno = saved;
	return r;
}
static int do_unshare(void)
{
	return unshare(CLONE_NEWNS | CLONE_FILES);
}
/* A name space's file: opened, bound, entered, by pidfd, too; all of it or nothing. */
static int do_setns(void)
{
	int fd = open("/proc/1/ns/mnt", O_RDONLY), pfd = -1, info = -1, r = -1, saved;
	struct stat before, now;

	if (fd < 0)
		return -1;
	fstat(fd, &before);
	pfd = (int)syscall(SYS_pidfd_open, 1, 0);
	if (pfd >= 0)
		info = ioctl(pfd, 0xff03, 0);
	if (info >= 0)
		r = setns(fd, CLONE_NEWNS);
	if (!r)
		r = setns(pfd, CLONE_NEWNS);
	saved = errno;
	settle();
	if (!r && (stat("/proc/self/ns/mnt", &now) || now.st_ino != before.st_ino))
		r = -2;
	close(fd);
	close(pfd);
	close(info);
	errno = saved;
	return r;
}

static const struct { const char *name; int (*fn)(void); } calls[] = {
	{ "fork", do_fork }, { "fork and execve", do_vfork_exec }, { "mmap and faults", do_mmap }, { "mprotect and mremap", do_split },
	{ "files", do_file }, { "names", do_names }, { "pipes", do_pipe }, { "sockets", do_socket }, { "events", do_events },
	{ "queued signals", do_signals }, { "propagated mounts", do_mounts }, { "name spaces", do_unshare }, { "entering a name space", do_setns },
};

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "child"))
		return 0;
	nth = open("/proc/self/fail-nth", O_RDWR);
	if (nth < 0) {
		plan(1);
		ok(1, "skipped # SKIP this kernel has no /proc/self/fail-nth");
		return done();
	}
	mounts_made();
	plan(2 * (int)(sizeof(calls) / sizeof(calls[0])));
	for (size_t c = 0; c < sizeof(calls) / sizeof(calls[0]); c++) {
		int n, failed = 0, odd = 0, odd_err = 0, left = 0;

		for (n = 1; n < 2000 && !left; n++) {
			int r, err;

			arm(n);
			errno = 0;
			r = calls[c].fn();
			err = errno;
			left = settled >= 0 ? settled : disarm();
			settled = -1;
			if (r == -1 && !left && !expected(err) && !odd) {
				odd = n;
				odd_err = err;
			}
			if (r == -2 && !odd)
				odd = n;
			failed += r != 0;
			if (r && left) {	/* it failed by itself: not ours to explain */
				odd = n;
				odd_err = err;
			}
		}
		ok(!odd, "%s: errors are memory's (number %d: %s)", calls[c].name, odd, strerror(odd_err));
		ok(n < 2000, "%s: gets through after %d failures of %d", calls[c].name, failed, n - 1);
	}
	return done();
}
