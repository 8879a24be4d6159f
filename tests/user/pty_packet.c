/* SPDX-License-Identifier: MIT */
/* Pseudo-terminals: packet mode, the slave's lock, numbers used again, TIOCSTI, exclusive use, hang-up, what each side may ask. */
#include "pty.h"
#include "child.h"
#include <sys/stat.h>

int main(void)
{
	unsigned char b[64];
	char name[64];
	int one = 1, zero = 0, m, s, n, locked;
	struct termios t;
	struct stat st;
	ssize_t r;

	plan(24);
	m = posix_openpt(O_RDWR | O_NOCTTY);
	ok(m >= 0 && ioctl(m, TIOCGPTN, &n) == 0 && n >= 0, "a master and its number");
	snprintf(name, sizeof(name), "/dev/pts/%d", n);
	ok(ioctl(m, TIOCGPTLCK, &locked) == 0 && locked == 1, "the slave is locked at first");
	ok_errno(open(name, O_RDWR | O_NOCTTY), EIO, "and cannot be opened");
	ok(ioctl(m, TIOCSPTLCK, &zero) == 0 && (s = open(name, O_RDWR | O_NOCTTY)) >= 0, "unlocked");
	ok(ioctl(m, TIOCSPTLCK, &one) == 0 && open(name, O_RDWR | O_NOCTTY) == -1 && errno == EIO, "and locked again");
	ioctl(m, TIOCSPTLCK, &zero);
	close(open(name, O_RDWR | O_NOCTTY));	/* on Linux a refused open leaves the terminal broken until one succeeds */
	ok_errno(ioctl(s, TIOCGPTN, &n), ENOTTY, "the slave has no such number to tell");
	ok(fstat(s, &st) == 0 && S_ISCHR(st.st_mode) && stat(name, &st) == 0, "it is in /dev/pts");
	/* Packet mode. */
	tcgetattr(s, &t);
	t.c_oflag &= ~(tcflag_t)OPOST;
	t.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(s, TCSANOW, &t);
	ok(ioctl(m, TIOCPKT, &one) == 0, "packet mode");
	ok(write(s, "data", 4) == 4 && read(m, b, 64) == 5 && b[0] == TIOCPKT_DATA && !memcmp(b + 1, "data", 4), "a zero before data");
	ok(tcflush(s, TCIFLUSH) == 0 && read(m, b, 64) == 1 && (b[0] & TIOCPKT_FLUSHREAD), "a flush is told");
	ok(tcflow(s, TCOOFF) == 0 && read(m, b, 64) == 1 && (b[0] & TIOCPKT_STOP), "so is a stop");
	ok(tcflow(s, TCOON) == 0 && read(m, b, 64) == 1 && (b[0] & TIOCPKT_START), "and a start");
	t.c_iflag &= ~(tcflag_t)IXON;
	tcsetattr(s, TCSANOW, &t);
	ok(read(m, b, 64) == 1 && (b[0] & TIOCPKT_NOSTOP), "that ^S means nothing any more");
	ok(ioctl(m, TIOCPKT, &zero) == 0 && write(s, "plain", 5) == 5 && read(m, b, 64) == 5 && b[0] == 'p', "off: only data");
	ok_errno(ioctl(s, TIOCPKT, &one), ENOTTY, "the slave has no packet mode");
	/* Exclusive use. */
	ok(ioctl(s, TIOCEXCL) == 0 && in_child(setgid(1234) || setuid(1234) || open(name, O_RDWR | O_NOCTTY) >= 0) == 0, "TIOCEXCL keeps others out");
	ok(ioctl(s, TIOCNXCL) == 0, "until TIOCNXCL");
	/* What was written before the master went is lost; what the slave reads then is end of file. */
	ok(ioctl(m, FIONREAD, &n) == 0 && n == 0, "FIONREAD of the master");
	ok(write(m, "line\n", 5) == 5 && poll(&(struct pollfd){ s, POLLIN, 0 }, 1, -1) == 1 && ioctl(s, FIONREAD, &n) == 0 && n == 5, "and of the slave");
	ok(read(s, b, 64) == 5, "read");
	close(m);
	struct pollfd pf = { s, POLLIN, 0 };
	ok(poll(&pf, 1, -1) == 1 && (pf.revents & POLLHUP), "the master is closed: hung up");
	ok(read(s, b, 64) == 0, "end of file");
	r = write(s, "x", 1);
	ok(r == -1 && errno == EIO, "EIO for writes");
	ok(stat(name, &st) == -1 && errno == ENOENT, "the name is gone from /dev/pts");
	return done();
}
