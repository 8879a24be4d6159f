/* SPDX-License-Identifier: MIT */
/* A reader that sleeps on a terminal while its mode is changed to and fro, many times, reads what then comes. */
#include "harness.h"
#include "pty.h"
#include <pthread.h>
#include <termios.h>

static char got[16];
static ssize_t n;

static void *reader(void *arg)
{
	n = read(pty_slave, got, sizeof(got));
	return NULL;
}

int main(void)
{
	struct termios t;
	pthread_t id;

	plan(2);
	pty_open();
	tcgetattr(pty_slave, &t);
	t.c_lflag &= ~(tcflag_t)ECHO;
	if (pthread_create(&id, NULL, reader, NULL))
		bail("thread");
	for (int i = 0; i < 600; i++) {
		t.c_lflag ^= ICANON;
		if (tcsetattr(pty_slave, TCSANOW, &t))
			bail("tcsetattr");
		usleep(200);
	}
	ok(1, "six hundred changes");
	type("line\n");
	pthread_join(id, NULL);
	ok(n == 5 && !memcmp(got, "line\n", 5), "what comes then is read (%zd)", n);
	return done();
}
