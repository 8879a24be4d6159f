/* SPDX-License-Identifier: MIT */
/* A program on a pseudo-terminal: see screen.h. */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <utmp.h>
#include "screen.h"

enum { END_SHOWN = 400 };

const char *screen_suite = "screen";
unsigned screen_failures;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double patience(void)
{
	const char *s = getenv("EFT_TERMINAL_WAIT");

	return s ? atof(s) : 15;
}

static void die(const char *what)
{
	printf("# %s: %s\nnot ok %s/%s\n", what, strerror(errno), screen_suite, what);
	exit(1);
}

bool screen_result(const struct screen *s, bool good, const char *what)
{
	if (!good) {
		screen_failures++;
		printf("# the screen ends in \"");
		for (const char *p = s ? s->seen + (s->length > END_SHOWN ? s->length - END_SHOWN : 0) : ""; *p; p++)
			printf(isprint((unsigned char)*p) ? "%c" : "\\x%02x", (unsigned char)*p);
		printf("\"\n");
	}
	printf("%s %s/%s\n", good ? "ok" : "not ok", screen_suite, what);
	fflush(stdout);
	return good;
}

void screen_start(struct screen *s, char *const argv[], unsigned rows, unsigned columns)
{
	memset(s, 0, sizeof(*s));
	s->seen = calloc(1, s->room = 4096);
	if (!s->seen || openpty(&s->master, &s->slave, NULL, NULL, NULL))
		die("a pseudo-terminal");
	screen_resize(s, rows, columns);
	tcgetattr(s->slave, &s->before);
	fflush(stdout);
	s->pid = fork();
	if (s->pid < 0)
		die("fork");
	if (s->pid == 0) {
		close(s->master);
		if (login_tty(s->slave) == 0)
			execv(argv[0], argv);
		perror(argv[0]);
		_exit(127);
	}
}

void screen_end(struct screen *s)
{
	if (s->pid > 0) {
		kill(s->pid, SIGKILL);
		waitpid(s->pid, NULL, 0);
	}
	close(s->master);
	close(s->slave);
	free(s->seen);
}

void screen_resize(struct screen *s, unsigned rows, unsigned columns)
{
	struct winsize w = { .ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns };

	ioctl(s->master, TIOCSWINSZ, &w);
}

void screen_type(struct screen *s, const char *keys)
{
	if (write(s->master, keys, strlen(keys)) < 0)
		printf("# typing: %s\n", strerror(errno));
}

void screen_pause(int milliseconds)
{
	poll(NULL, 0, milliseconds);
}

/* Take the shell's question where the cursor is out: it can do without an answer. */
static void forget_questions(struct screen *s)
{
	static const char question[] = "\033[6n";

	for (char *p; (p = strstr(s->seen, question)); s->length -= sizeof(question) - 1)
		memmove(p, p + sizeof(question) - 1, strlen(p + sizeof(question) - 1) + 1);
}

/* 1: something came.  0: nothing in time.  -1: nothing will come any more. */
static int screen_read(struct screen *s, int milliseconds)
{
	struct pollfd p = { .fd = s->master, .events = POLLIN };
	ssize_t n;

	if (poll(&p, 1, milliseconds) <= 0)
		return 0;
	if (s->room - s->length < 4096) {
		char *more = realloc(s->seen, s->room * 2);

		if (!more)
			die("memory");
		s->seen = more;
		s->room *= 2;
	}
	n = read(s->master, s->seen + s->length, s->room - s->length - 1);
	if (n <= 0)
		return -1;
	for (ssize_t i = 0; i < n; i++)
		if (!s->seen[s->length + (size_t)i])
			s->seen[s->length + (size_t)i] = ' ';
	s->length += (size_t)n;
	s->seen[s->length] = '\0';
	forget_questions(s);
	return 1;
}

bool screen_expect(struct screen *s, const char *pattern)
{
	double end = now() + patience();
	regmatch_t m;
	regex_t re;
	bool found;

	if (regcomp(&re, pattern, REG_EXTENDED))
		die(pattern);
	for (;;) {
		found = regexec(&re, s->seen, 1, &m, 0) == 0;
		if (found || now() > end || screen_read(s, 200) < 0)
			break;
	}
	regfree(&re);
	if (found) {
		s->length -= (size_t)m.rm_eo;
		memmove(s->seen, s->seen + m.rm_eo, s->length + 1);
	}
	return found;
}

void screen_quiet(struct screen *s, int milliseconds)
{
	while (screen_read(s, milliseconds) > 0)
		;
}

int screen_wait(struct screen *s)
{
	double end = now() + patience();
	int status;

	while (now() < end) {
		if (screen_read(s, 20) < 0)
			screen_pause(20);
		if (waitpid(s->pid, &status, WNOHANG) == s->pid) {
			s->pid = 0;
			return status;
		}
	}
	return -1;
}

bool screen_restored(const struct screen *s)
{
	struct termios t;

	return tcgetattr(s->slave, &t) == 0 && t.c_iflag == s->before.c_iflag && t.c_oflag == s->before.c_oflag && t.c_cflag == s->before.c_cflag &&
		t.c_lflag == s->before.c_lflag && !memcmp(t.c_cc, s->before.c_cc, sizeof(t.c_cc));
}
