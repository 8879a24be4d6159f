/* SPDX-License-Identifier: MIT */
/* termios(3): settings, canonical editing with echo, special characters, raw reads, output processing, flow control. */
#include "pty.h"
#include "child.h"
#include <time.h>

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static const char *line(void)
{
	static char buf[8192];
	ssize_t n = read(pty_slave, buf, sizeof(buf) - 1);

	buf[n < 0 ? 0 : n] = '\0';
	return n < 0 ? "(error)" : buf;
}

static int pending(void)
{
	int n = -1;

	ioctl(pty_slave, FIONREAD, &n);
	return n;
}

/* Input arrives on its own time: wait until so much of it can be read. */
static int wait_pending(int n)
{
	for (int i = 0; i < 60000 && pending() != n; i++)
		usleep(1000);
	return pending() == n;
}

static void defaults(void)
{
	struct termios t;

	ok(tcgetattr(pty_slave, &t) == 0, "tcgetattr");
	ok(t.c_iflag == (ICRNL | IXON) && t.c_oflag == (OPOST | ONLCR), "default input and output flags");
	ok(t.c_lflag == (ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN), "default local flags");
	ok((t.c_cflag & (CSIZE | CREAD)) == (CS8 | CREAD), "eight bits");
	ok(cfgetospeed(&t) == B38400, "38400 baud");
	ok(t.c_cc[VINTR] == 3 && t.c_cc[VERASE] == 127 && t.c_cc[VEOF] == 4 && t.c_cc[VMIN] == 1 && t.c_cc[VSUSP] == 26, "default characters");
	cfsetospeed(&t, B9600);
	ok(tcsetattr(pty_slave, TCSANOW, &t) == 0 && tcgetattr(pty_slave, &t) == 0 && cfgetospeed(&t) == B9600, "another speed");
	ok(isatty(pty_slave) && isatty(pty_master), "both sides are terminals");
	int d = -1;
	ok(ioctl(pty_slave, TIOCGETD, &d) == 0 && d == 0, "N_TTY");
	ok_errno(ioctl(pty_slave, 0x54ff, &d), ENOTTY, "an unknown request");
}

static void canonical(void)
{
	type("hello\n");
	ok(shows("hello\r\n"), "echo, with ONLCR");
	ok(same(line(), "hello\n"), "a line");
	type("abc");
	
	ok(shows("abc") && pending() == 0, "half a line is not readable");
	type("\177\177x\r");
	ok(shows("\b \b\b \bx\r\n"), "erase takes a character off the screen");
	ok(same(line(), "ax\n"), "and out of the line; CR becomes NL");
	type("one two  three\027");
	ok(shows("one two  three\b \b\b \b\b \b\b \b\b \b"), "word erase");
	type("\027");
	ok(shows("\b \b\b \b\b \b\b \b\b \b"), "word erase takes the blanks behind the word too");
	type("!\n");
	ok(shows("!\r\n"), "the echo");
	ok(same(line(), "one !\n"), "what is left");
	type("junk\025ok\n");
	ok(shows("junk\b \b\b \b\b \b\b \bok\r\n"), "kill");
	ok(same(line(), "ok\n"), "the line without it");
	type("\177\025");
	ok(silent(), "nothing to erase");
	type("a\026\003b\n");
	ok(shows("a^\b^Cb\r\n"), "literal next");
	ok(same(line(), "a\003b\n"), "took ^C literally");
	type("re\022print\n");
	ok(shows("re^R\r\nreprint\r\n"), "reprint");
	line();
	type("a\tb\177\177\177x\n");
	ok(shows("a\tb\b \b\b\b\b\b\b\b\b\b \bx\r\n"), "a tab is erased to where it began");
	ok(same(line(), "x\n"), "x");
	type("\001\177y\n");
	ok(shows("^A\b \b\b \by\r\n"), "a control character is echoed in two columns and erased so");
	line();
	type("part\004");
	ok(same(line(), "part"), "^D ends a read without a newline");
	ok(shows("part"), "the echo");
	type("\004");
	ok(read(pty_slave, (char[4]){ 0 }, 4) == 0, "^D alone is the end of file");
	type("l1\nl2\nl3\n");
	ok(shows("l1\r\nl2\r\nl3\r\n"), "the echo");
	ok(pending() == 9, "three lines wait");
	ok(same(line(), "l1\n") && same(line(), "l2\n"), "a read takes one line");
	char two[3] = "";
	ok(read(pty_slave, two, 2) == 2 && same(two, "l3") && same(line(), "\n"), "or a part of one");
}

static void modes(void)
{
	flags(0, 0, 0, 0, 0, ECHO);
	type("quiet\n");
	ok(same(line(), "quiet\n") && silent(), "without ECHO nothing shows");
	flags(0, 0, 0, 0, ECHONL, 0);
	type("quiet\n");
	ok(shows("\r\n"), "ECHONL shows the newline");
	line();
	flags(0, 0, 0, 0, ECHO, ECHONL | ECHOE);
	type("ab\177c\n");
	ok(shows("ab^?c\r\n"), "without ECHOE the erase character is shown");
	ok(same(line(), "ac\n"), "and erases");
	flags(0, 0, 0, 0, ECHOPRT, 0);
	type("abc\177\177d\n");
	ok(shows("abc\\cb/d\r\n"), "ECHOPRT prints what it erases");
	line();
	flags(0, 0, 0, 0, ECHOE, ECHOPRT | ECHOKE);
	type("ab\025c\n");
	ok(shows("ab^U\r\nc\r\n"), "without ECHOKE a kill starts a new line");
	line();
	flags(0, 0, 0, 0, ECHOKE, ECHOCTL);
	type("\001\n");
	ok(shows("\001\r\n"), "without ECHOCTL control characters are sent as they are");
	line();
	flags(IUTF8, 0, 0, 0, ECHOCTL, 0);
	type("\303\244\303\266\177\n");
	ok(shows("\303\244\303\266\b \b\r\n"), "IUTF8: one erase takes a whole character");
	ok(same(line(), "\303\244\n"), "of two bytes");
	flags(INLCR, ICRNL | IUTF8, 0, 0, 0, 0);
	type("x\n");
	ok(shows("x^M") && pending() == 0, "INLCR: NL becomes CR, which ends no line");
	flags(IGNCR, INLCR, 0, 0, 0, 0);
	type("\ry\n");
	ok(shows("y\r\n"), "the echo");
	ok(same(line(), "x\ry\n"), "IGNCR drops CR");
	flags(ICRNL | ISTRIP, IGNCR, 0, 0, 0, 0);
	type("\341\n");
	ok(shows("a\r\n"), "the echo");
	ok(same(line(), "a\n"), "ISTRIP");
	flags(IUCLC, ISTRIP, 0, 0, 0, 0);
	type("ABC\n");
	ok(shows("abc\r\n"), "the echo");
	ok(same(line(), "abc\n"), "IUCLC");
	flags(0, IUCLC, 0, 0, 0, 0);
	struct termios t;
	tcgetattr(pty_slave, &t);
	t.c_cc[VEOL] = ';';
	tcsetattr(pty_slave, TCSANOW, &t);
	type("a;b\n");
	ok(shows("a;b\r\n"), "the echo");
	ok(same(line(), "a;") && same(line(), "b\n"), "VEOL");
	t.c_cc[VEOL] = 0;
	tcsetattr(pty_slave, TCSANOW, &t);
}

static void raw(void)
{
	struct termios t, old;
	char buf[16];
	double t0;

	tcgetattr(pty_slave, &old);
	t = old;
	cfmakeraw(&t);
	tcsetattr(pty_slave, TCSANOW, &t);
	type("a\003\004\r");
	ok(read(pty_slave, buf, 16) == 4 && !memcmp(buf, "a\003\004\r", 4), "raw: every character as it is");
	ok(silent(), "raw: no echo");
	/* More than one needs, in pieces of every size that an implementation may copy at once. */
	for (int n = 64; n <= 2048; n *= 2) {
		static char many[2049], got[4096];

		memset(many, 'r', (size_t)n);
		many[n] = 0;
		type(many);
		wait_pending(n);
		pid_t reader = fork();
		if (reader == 0) {
			alarm(10);
			_exit(read(pty_slave, got, sizeof(got)) == n ? 0 : 1);
		}
		ok(exit_of(reader) == 0, "a blocking read of %d that are there waits for no more", n);
		tcflush(pty_slave, TCIFLUSH);
	}
	t.c_cc[VMIN] = 3;
	tcsetattr(pty_slave, TCSANOW, &t);
	pid_t pid = fork();
	if (pid == 0)
		_exit(read(pty_slave, buf, 16) == 3 ? 0 : 1);
	wait_sleeping(pid);
	type("1");
	usleep(20000);	/* for it to be woken, and wrong */
	ok(waitpid(pid, NULL, WNOHANG) == 0, "VMIN 3 waits");
	type("23");
	ok(exit_of(pid) == 0, "for three");
	type("12");
	wait_pending(2);
	struct pollfd pf = { pty_slave, POLLIN, 0 };
	ok(poll(&pf, 1, 0) == 0, "poll waits for VMIN as well");
	type("3");
	ok(poll(&pf, 1, -1) == 1 && read(pty_slave, buf, 2) == 2, "a smaller read than VMIN returns when it is full");
	ok(read(pty_slave, buf, 1) == 1, "the last");
	t.c_cc[VMIN] = 0;
	t.c_cc[VTIME] = 2;
	tcsetattr(pty_slave, TCSANOW, &t);
	t0 = now();
	ok(read(pty_slave, buf, 16) == 0 && now() - t0 > 0.15, "VTIME 2: nothing after 0.2 s");
	t.c_cc[VTIME] = 0;
	tcsetattr(pty_slave, TCSANOW, &t);
	t0 = now();
	ok(read(pty_slave, buf, 16) == 0, "both 0: nothing, without waiting");
	t.c_cc[VMIN] = 5;
	t.c_cc[VTIME] = 1;
	tcsetattr(pty_slave, TCSANOW, &t);
	type("ab");
	ok(read(pty_slave, buf, 16) == 2, "VMIN 5, VTIME 1: what is there when typing pauses");
	fcntl(pty_slave, F_SETFL, O_RDWR | O_NONBLOCK);
	ok_errno(read(pty_slave, buf, 1), EAGAIN, "non-blocking");
	fcntl(pty_slave, F_SETFL, O_RDWR);
	type("typed");
	wait_pending(5);
	ok(tcsetattr(pty_slave, TCSAFLUSH, &old) == 0 && pending() == 0, "TCSAFLUSH drops the input");
}

static void output_processing(void)
{
	if (write(pty_slave, "\r", 1) != 1)		/* column 0 */
		bail("write");
	ok(shows("\r"), "a carriage return");
	if (write(pty_slave, "a\tb\n", 4) != 4)
		bail("write");
	ok(shows("a\tb\r\n"), "ONLCR");
	flags(0, 0, TAB3, 0, 0, 0);
	if (write(pty_slave, "ab\tc\n", 5) != 5)
		bail("write");
	ok(shows("ab      c\r\n"), "TAB3 expands tabs by columns");
	flags(0, 0, OLCUC, TAB3, 0, 0);
	if (write(pty_slave, "low\n", 4) != 4)
		bail("write");
	ok(shows("LOW\r\n"), "OLCUC");
	flags(0, 0, OCRNL, OLCUC | ONLCR, 0, 0);
	if (write(pty_slave, "x\ry\n", 4) != 4)
		bail("write");
	ok(shows("x\ny\n"), "OCRNL");
	flags(0, 0, ONOCR, OCRNL, 0, 0);
	if (write(pty_slave, "\r", 1) != 1 || write(pty_slave, "z\r\rq\n", 5) != 5)
		bail("write");
	ok(shows("\rz\rq\n"), "ONOCR: none in the first column");
	flags(0, 0, ONLCR, OPOST | ONOCR, 0, 0);
	if (write(pty_slave, "raw\n", 4) != 4)
		bail("write");
	ok(shows("raw\n"), "without OPOST nothing is changed");
	flags(0, 0, OPOST, 0, 0, 0);
}

static void flow(void)
{
	char buf[32];

	flags(0, 0, 0, 0, 0, ECHO);
	type("\023then\n");
	ok(same(line(), "then\n"), "input goes on after ^S");
	pid_t pid = fork();
	if (pid == 0)
		_exit(write(pty_slave, "held", 4) == 4 ? 0 : 1);
	ok(wait_sleeping(pid) && silent(), "^S holds output: the writer sleeps");
	struct pollfd pf = { pty_slave, POLLOUT, 0 };
	ok(poll(&pf, 1, 0) == 0, "poll: no room");
	int fd = open(pty_name, O_RDWR | O_NOCTTY | O_NONBLOCK);
	ok_errno(write(fd, "x", 1), EAGAIN, "without blocking: EAGAIN");
	close(fd);
	type("\021");
	ok(shows("held"), "^Q lets it go");
	ok(exit_of(pid) == 0, "and the writer's call ends");
	ok(tcflow(pty_slave, TCOOFF) == 0, "tcflow(TCOOFF)");
	pid = fork();
	if (pid == 0)
		_exit(write(pty_slave, "more", 4) == 4 ? 0 : 1);
	ok(wait_sleeping(pid) && silent(), "holds too");
	ok(tcflow(pty_slave, TCOON) == 0 && shows("more"), "tcflow(TCOON)");
	ok(exit_of(pid) == 0, "and the writer's call ends");
	ok(tcflow(pty_slave, TCIOFF) == 0 && read(pty_master, buf, 8) == 1 && buf[0] == 023, "tcflow(TCIOFF) sends ^S");
	ok(tcflow(pty_slave, TCION) == 0 && read(pty_master, buf, 8) == 1 && buf[0] == 021, "tcflow(TCION) sends ^Q");
	flags(0, 0, 0, 0, ECHO, 0);
	type("gone\n");
	ok(shows("gone\r\n"), "the echo");
	ok(tcflush(pty_slave, TCIFLUSH) == 0 && pending() == 0, "tcflush(TCIFLUSH)");
	ok_errno(tcflush(pty_slave, 77), EINVAL, "tcflush: bad queue");
	ok(tcdrain(pty_slave) == 0, "tcdrain");
}

static void long_line(void)
{
	static char big[6000];
	int n;

	flags(0, 0, 0, 0, 0, ECHO);
	memset(big, 'q', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	type(big);
	type("\n");
	n = (int)strlen(line());
	ok(n == 4096, "a line is cut at 4095 characters and still ends (%d)", n);
	flags(0, 0, 0, 0, ECHO, 0);
}

int main(void)
{
	signal(SIGTTOU, SIG_IGN);
	pty_open();
	defaults();
	canonical();
	modes();
	raw();
	output_processing();
	flow();
	long_line();
	return done();
}
