/* SPDX-License-Identifier: MIT */
/* A pseudo-terminal for the tests: the master, what a test types, and what comes out. */
#ifndef PTY_H
#define PTY_H
#include "harness.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static int pty_master = -1, pty_slave = -1;
static char pty_name[64];

static inline void pty_open(void)
{
	pty_master = posix_openpt(O_RDWR | O_NOCTTY);
	if (pty_master < 0 || grantpt(pty_master) || unlockpt(pty_master) || ptsname_r(pty_master, pty_name, sizeof(pty_name)))
		bail("no pty");
	pty_slave = open(pty_name, O_RDWR | O_NOCTTY);
	if (pty_slave < 0)
		bail("open %s", pty_name);
}

static inline void type(const char *s)
{
	if (write(pty_master, s, strlen(s)) != (ssize_t)strlen(s))
		bail("typing");
}

/* What arrives within ms of silence. */
static inline const char *out_of(int fd, int ms)
{
	static char buf[16384];
	size_t n = 0;
	struct pollfd pf = { fd, POLLIN, 0 };
	ssize_t got;

	while (n < sizeof(buf) - 1 && poll(&pf, 1, ms) == 1 && (got = read(fd, buf + n, sizeof(buf) - 1 - n)) > 0)
		n += (size_t)got;
	buf[n] = '\0';
	return buf;
}
static inline const char *output(void) { return out_of(pty_master, 60); }

static inline int same(const char *got, const char *want)
{
	if (!strcmp(got, want))
		return 1;
	printf("# got:  ");
	for (; *got; got++)
		printf(*got < 32 || *got == 127 ? "\\%03o" : "%c", *got);
	printf("\n# want: ");
	for (; *want; want++)
		printf(*want < 32 || *want == 127 ? "\\%03o" : "%c", *want);
	printf("\n");
	return 0;
}

/* Exactly this comes out next; waits for all of it, and prints what came instead. */
static inline int shows(const char *want)
{
	char got[8192];
	size_t n = 0, all = strlen(want);
	struct pollfd pf = { pty_master, POLLIN, 0 };

	while (n < all && poll(&pf, 1, 60000) == 1) {
		ssize_t r = read(pty_master, got + n, all - n);

		if (r <= 0)
			break;
		n += (size_t)r;
		if (memcmp(got, want, n))
			break;
	}
	got[n] = '\0';
	return same(got, want);
}

/* Nothing is there, and for a moment nothing comes. */
static inline int silent(void)
{
	struct pollfd pf = { pty_master, POLLIN, 0 };

	return poll(&pf, 1, 20) == 0;
}

/* Changes flags of the slave. */
static inline void flags(tcflag_t iset, tcflag_t iclr, tcflag_t oset, tcflag_t oclr, tcflag_t lset, tcflag_t lclr)
{
	struct termios t;

	tcgetattr(pty_slave, &t);
	t.c_iflag = (t.c_iflag | iset) & ~iclr;
	t.c_oflag = (t.c_oflag | oset) & ~oclr;
	t.c_lflag = (t.c_lflag | lset) & ~lclr;
	tcsetattr(pty_slave, TCSANOW, &t);
}
#endif
