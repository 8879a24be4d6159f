/* SPDX-License-Identifier: MIT */
/* Pseudo-terminals: packet mode, the slave's lock, numbers used again, TIOCSTI, exclusive use, locked settings, hang-up, what each side may ask. */
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

	plan(35);
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
	ok(ioctl(m, TIOCEXCL) == 0 && ioctl(s, TIOCGEXCL, &n) == 0 && n == 0 && ioctl(m, TIOCGEXCL, &n) == 0 && n == 1, "the master's is its own");
	ok(ioctl(m, TIOCNXCL) == 0 && in_child(setgid(1234) || setuid(1234) || open(name, O_RDWR | O_NOCTTY) == -1) == (stat(name, &st) || !(st.st_mode & 6)), "and keeps nobody out of the slave");
	/* Input that the terminal did not give. */
	ok(ioctl(s, TIOCSTI, "p") == 0 && ioctl(s, TIOCSTI, "\n") == 0 && read(s, b, 64) == 2 && b[0] == 'p', "TIOCSTI, of root's");
	ok_errno(ioctl(s, TIOCSTI, (char *)1), EFAULT, "of bad memory");
	ok(in_child(setgid(1234) || setuid(1234) || !(ioctl(s, TIOCSTI, "p") == -1 && (errno == EPERM || errno == EIO))) == 0, "not of another's terminal");
	/* Settings that are locked. */
	memset(&t, 0, sizeof(t));
	ok(ioctl(s, TIOCGLCKTRMIOS, &t) == 0 && t.c_lflag == 0 && t.c_cc[VINTR] == 0, "no setting is locked");
	t.c_lflag = ECHO;
	t.c_cc[VINTR] = 1;
	ok(ioctl(s, TIOCSLCKTRMIOS, &t) == 0, "lock echo and the interrupt character");
	tcgetattr(s, &t);
	t.c_lflag |= ECHO | TOSTOP;
	t.c_cc[VINTR] = 9;
	t.c_cc[VQUIT] = 9;
	ok(tcsetattr(s, TCSANOW, &t) == 0 && tcgetattr(s, &t) == 0 && !(t.c_lflag & ECHO) && (t.c_lflag & TOSTOP) && t.c_cc[VINTR] == 3 && t.c_cc[VQUIT] == 9,
	   "the others change");
	ok(in_child(setgid(1234) || setuid(1234) || !(ioctl(s, TIOCSLCKTRMIOS, &t) == -1 && errno == EPERM)) == 0, "locking is root's");
	memset(&t, 0, sizeof(t));
	ioctl(s, TIOCSLCKTRMIOS, &t);
	ok(ioctl(s, TIOCSSOFTCAR, &one) == 0 && tcgetattr(s, &t) == 0 && (t.c_cflag & CLOCAL) && ioctl(s, TIOCSSOFTCAR, &zero) == 0 && tcgetattr(s, &t) == 0 && !(t.c_cflag & CLOCAL),
	   "TIOCSSOFTCAR sets CLOCAL alone");
	t.c_line = 5;
	ok(tcsetattr(s, TCSANOW, &t) == 0 && tcgetattr(s, &t) == 0 && t.c_line == 5, "c_line is kept, whatever it says");
	t.c_line = 0;
	tcsetattr(s, TCSANOW, &t);
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
