/* SPDX-License-Identifier: MIT */
/* Pseudo-terminals: both ways, locking, names, window size, packet mode, hang-up, closing, many. */
#include "pty.h"
#include <sys/stat.h>

#ifndef TIOCGPTPEER
#define TIOCGPTPEER 0x5441
#endif

static volatile sig_atomic_t winch;
static void on_winch(int sig) { winch++; }

static void names(void)
{
	int m = posix_openpt(O_RDWR | O_NOCTTY), n = -1, fd;
	char path[64];
	struct stat st, st2;

	ok(m >= 0 && ioctl(m, TIOCGPTN, &n) == 0 && n >= 0, "TIOCGPTN");
	snprintf(path, sizeof(path), "/dev/pts/%d", n);
	ok(stat(path, &st) == 0 && S_ISCHR(st.st_mode) && st.st_uid == getuid(), "%s exists and is mine", path);
	ok_errno(open(path, O_RDWR | O_NOCTTY), EIO, "locked until unlockpt");
	ok(unlockpt(m) == 0, "unlockpt");
	fd = open(path, O_RDWR | O_NOCTTY);
	ok(fd >= 0, "then it opens");
	ok(fstat(fd, &st2) == 0 && st2.st_rdev == st.st_rdev && st2.st_ino == st.st_ino, "the same node");
	ok(ttyname(fd) && !strcmp(ttyname(fd), path), "ttyname says %s", ttyname(fd) ? ttyname(fd) : "nothing");
	int peer = ioctl(m, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	ok(peer >= 0 && fstat(peer, &st2) == 0 && st2.st_rdev == st.st_rdev && (fcntl(peer, F_GETFD) & FD_CLOEXEC), "TIOCGPTPEER");
	close(peer);
	close(m);
	ok(stat(path, &st) == -1 && errno == ENOENT, "the name goes with the master");
	int other = posix_openpt(O_RDWR | O_NOCTTY), again, k = n;
	ok(other >= 0 && ioctl(other, TIOCGPTN, &k) == 0 && k != n, "but not the number, as long as a slave is open: %d, then %d", n, k);
	close(fd);
	again = posix_openpt(O_RDWR | O_NOCTTY);
	ok(again >= 0 && ioctl(again, TIOCGPTN, &k) == 0 && k == n, "then it is the next one's");
	close(again);
	close(other);
}

static void both_ways(void)
{
	char buf[64];

	ok(write(pty_slave, "out\n", 4) == 4 && read(pty_master, buf, 64) == 5 && !memcmp(buf, "out\r\n", 5), "slave to master");
	ok(write(pty_master, "in\n", 3) == 3 && read(pty_slave, buf, 64) == 3 && !memcmp(buf, "in\n", 3), "master to slave");
	ok(shows("in\r\n"), "with echo");
	fcntl(pty_master, F_SETFL, O_RDWR | O_NONBLOCK);
	ok_errno(read(pty_master, buf, 1), EAGAIN, "nothing more");
	int n = 0, total = 0;
	while ((n = write(pty_slave, "0123456789", 10)) == 10 && total < 1000000) {
		total += n;
		struct pollfd pf = { pty_slave, POLLOUT, 0 };
		if (poll(&pf, 1, 0) != 1)
			break;
	}
	ok(total >= 1000 && total < 1000000, "an unread pty fills up (after about %d bytes)", total);
	n = 0;
	for (int r; (r = (int)strlen(output())) > 0 || n < total;)
		n += r;
	ok(n >= total && n <= total + 10, "and everything arrives: %d of %d", n, total);
	fcntl(pty_master, F_SETFL, O_RDWR);
}

static void window(void)
{
	struct winsize w = { 24, 80, 0, 0 }, v;

	ok(ioctl(pty_slave, TIOCGWINSZ, &v) == 0 && v.ws_row == 0 && v.ws_col == 0, "no size at first");
	ok(ioctl(pty_master, TIOCSWINSZ, &w) == 0 && ioctl(pty_slave, TIOCGWINSZ, &v) == 0 && v.ws_row == 24 && v.ws_col == 80, "set by the master, seen by the slave");
	pid_t pid = fork();
	if (pid == 0) {
		signal(SIGWINCH, on_winch);
		setsid();
		if (ioctl(pty_slave, TIOCSCTTY, 0))
			_exit(9);
		if (write(pty_slave, "r", 1) != 1)
			_exit(8);
		while (!winch)
			usleep(1000);
		if (!winch)
			_exit(1);
		_exit(ioctl(pty_slave, TIOCGWINSZ, &v) == 0 && v.ws_col == 132 ? 0 : 2);
	}
	char c;
	ok(read(pty_master, &c, 1) == 1 && c == 'r', "a session on it");
	w.ws_col = 132;
	ioctl(pty_master, TIOCSWINSZ, &w);
	int st;
	ok(waitpid(pid, &st, 0) == pid && st == 0, "gets SIGWINCH when the size changes (%x)", st);
}

static void packet(void)
{
	int on = 1, off = 0;
	char buf[64];

	ok(ioctl(pty_master, TIOCPKT, &on) == 0, "packet mode");
	ok(write(pty_slave, "data", 4) == 4 && read(pty_master, buf, 64) == 5 && buf[0] == TIOCPKT_DATA && !memcmp(buf + 1, "data", 4), "data has a 0 in front");
	tcflush(pty_slave, TCIFLUSH);
	struct pollfd pf = { pty_master, POLLIN | POLLPRI, 0 };
	ok(poll(&pf, 1, -1) == 1 && (pf.revents & POLLPRI), "POLLPRI");
	ok(read(pty_master, buf, 64) == 1 && (buf[0] & TIOCPKT_FLUSHREAD), "a flush is told");
	type("\023");
	usleep(20000);
	ok(read(pty_master, buf, 64) == 1 && (buf[0] & TIOCPKT_STOP), "^S is told");
	type("\021");
	usleep(20000);
	ok(read(pty_master, buf, 64) == 1 && (buf[0] & TIOCPKT_START), "^Q is told");
	flags(0, IXON, 0, 0, 0, 0);
	ok(read(pty_master, buf, 64) == 1 && (buf[0] & TIOCPKT_NOSTOP), "the end of flow control is told");
	flags(IXON, 0, 0, 0, 0, 0);
	ok(read(pty_master, buf, 64) == 1 && (buf[0] & TIOCPKT_DOSTOP), "and its beginning");
	ioctl(pty_master, TIOCPKT, &off);
}

static void closing(void)
{
	char buf[16];
	struct pollfd pf = { pty_master, POLLIN, 0 };

	if (write(pty_slave, "last", 4) != 4)
		bail("write");
	close(pty_slave);
	ok(read(pty_master, buf, 16) == 4, "what was written before the slave closed");
	ok(poll(&pf, 1, 0) == 1 && (pf.revents & POLLHUP), "POLLHUP on the master");
	ok_errno(read(pty_master, buf, 16), EIO, "then EIO");
	pty_slave = open(pty_name, O_RDWR | O_NOCTTY);
	ok(pty_slave >= 0 && write(pty_slave, "again", 5) == 5 && read(pty_master, buf, 16) == 5, "the slave can be opened again");
	close(pty_master);
	ok(read(pty_slave, buf, 16) == 0, "a slave without its master reads end of file");
	ok_errno(write(pty_slave, "x", 1), EIO, "and cannot write");
	pf.fd = pty_slave;
	ok(poll(&pf, 1, 0) == 1 && (pf.revents & POLLHUP), "POLLHUP on the slave");
	struct termios t;
	ok_errno(tcgetattr(pty_slave, &t), EIO, "no ioctls");
	close(pty_slave);
}

static void hangup(void)
{
	int st;

	pty_open();
	pid_t pid = fork();
	if (pid == 0) {
		close(pty_master);
		setsid();
		ioctl(pty_slave, TIOCSCTTY, 0);
		if (write(pty_slave, "r", 1) != 1)
			_exit(1);
		pause();
		_exit(2);
	}
	char c;
	ok(read(pty_master, &c, 1) == 1, "a session leader on the slave");
	close(pty_slave);
	close(pty_master);
	ok(waitpid(pid, &st, 0) == pid && WIFSIGNALED(st) && WTERMSIG(st) == SIGHUP, "gets SIGHUP when the master closes");
}

static void many(void)
{
	int fd[40], n, seen[40];

	for (n = 0; n < 40; n++) {
		fd[n] = posix_openpt(O_RDWR | O_NOCTTY);
		if (fd[n] < 0 || ioctl(fd[n], TIOCGPTN, &seen[n]))
			break;
	}
	ok(n == 40, "40 at a time");
	int twice = 0;
	for (int i = 0; i < n; i++)
		for (int k = 0; k < i; k++)
			twice += seen[i] == seen[k];
	ok(!twice, "each with a number of its own");
	while (n--)
		close(fd[n]);
}

int main(void)
{
	signal(SIGTTOU, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	names();
	pty_open();
	both_ways();
	window();
	packet();
	closing();
	signal(SIGHUP, SIG_DFL);
	hangup();
	many();
	return done();
}
