/* SPDX-License-Identifier: MIT */
/* Controlling terminals: how one is acquired, stolen and lost. */
#include "pty.h"

static int child(int (*fn)(void))
{
	int st;
	pid_t pid = fork();

	if (pid == 0)
		_exit(fn());
	waitpid(pid, &st, 0);
	return WIFEXITED(st) ? WEXITSTATUS(st) : 1000 + st;
}

static int by_open(void)
{
	int fd;

	setsid();
	fd = open(pty_name, O_RDWR);
	return fd >= 0 && tcgetsid(fd) == getpid() && open("/dev/tty", O_RDWR) >= 0 ? 0 : 1;
}

static int noctty(void)
{
	int fd;

	setsid();
	fd = open(pty_name, O_RDWR | O_NOCTTY);
	return fd >= 0 && tcgetsid(fd) == -1 && errno == ENOTTY && open("/dev/tty", O_RDWR) == -1 && errno == ENXIO ? 0 : 1;
}

static int not_leader(void)
{
	return ioctl(pty_slave, TIOCSCTTY, 0) == -1 && errno == EPERM ? 0 : 1;
}

static int second_session(void)
{
	int st, p[2];
	char c;

	setsid();
	if (ioctl(pty_slave, TIOCSCTTY, 0) || pipe(p))
		return 1;
	pid_t pid = fork();
	if (pid == 0) {
		setsid();
		st = ioctl(pty_slave, TIOCSCTTY, 0) == -1 && errno == EPERM ? 0 : 1;
		if (geteuid() == 0 && !st)	/* root may steal it */
			st = ioctl(pty_slave, TIOCSCTTY, 1) == 0 && tcgetsid(pty_slave) == getpid() ? 0 : 2;
		c = (char)st;
		if (write(p[1], &c, 1) != 1)
			_exit(9);
		_exit(st);
	}
	if (read(p[0], &c, 1) != 1 || c)
		return 10 + c;
	if (geteuid() == 0 && open("/dev/tty", O_RDWR) != -1)
		return 3;		/* it was stolen */
	waitpid(pid, &st, 0);
	return 0;
}

static int inherited(void)
{
	int st;

	setsid();
	if (ioctl(pty_slave, TIOCSCTTY, 0))
		return 1;
	if (fork() == 0)
		_exit(open("/dev/tty", O_RDWR) >= 0 && tcgetpgrp(pty_slave) == getpgrp() ? 0 : 1);
	wait(&st);
	if (st)
		return 2;
	if (fork() == 0) {
		setsid();
		_exit(open("/dev/tty", O_RDWR) == -1 && errno == ENXIO ? 0 : 1);
	}
	wait(&st);
	return st ? 3 : 0;
}

int main(void)
{
	int st;

	signal(SIGHUP, SIG_IGN);
	pty_open();
	st = child(by_open);
	ok(st == 0, "a session leader without a terminal gets one by opening it (%d)", st);
	st = child(noctty);
	ok(st == 0, "but not with O_NOCTTY (%d)", st);
	st = child(not_leader);
	ok(st == 0, "only a leader may ask for it (%d)", st);
	st = child(second_session);
	ok(st == 0, "one session a terminal, unless root steals it (%d)", st);
	st = child(inherited);
	ok(st == 0, "children inherit it, new sessions do not have it (%d)", st);
	ok(getsid(0) == getsid(getpid()) && getpgid(0) == getpgrp(), "getsid, getpgid");
	ok_errno(tcgetpgrp(0) == -1 && errno == ENOTTY ? -1 : tcgetpgrp(pty_slave), ENOTTY, "tcgetpgrp of a terminal that is not ours");
	return done();
}
