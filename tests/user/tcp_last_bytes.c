/* SPDX-License-Identifier: MIT */
/* What is sent right before the sender closes comes before the end of file, however the reader looks for it. */
#include "harness.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>

enum { ROUNDS = 1500 };
static int sender;

static void *send_and_close(void *arg)
{
	(void)!write(sender, "last", 4);
	close(sender);
	return NULL;
}

int main(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int l = socket(AF_INET, SOCK_STREAM, 0), lost = 0, trailing = 0;

	plan(2);
	if (bind(l, (struct sockaddr *)&a, sizeof(a)) || listen(l, 16) || getsockname(l, (struct sockaddr *)&a, &len))
		bail("set-up");
	for (int r = 0; r < ROUNDS; r++) {
		int c = socket(AF_INET, SOCK_STREAM, 0);
		char buf[16];
		pthread_t t;
		ssize_t n;

		if (connect(c, (struct sockaddr *)&a, sizeof(a)) || (sender = accept(l, NULL, NULL)) < 0)
			bail("connection");
		if (r & 1)
			fcntl(c, F_SETFL, O_NONBLOCK);
		if (pthread_create(&t, NULL, send_and_close, NULL))
			bail("thread");
		while ((n = read(c, buf, sizeof(buf))) == -1 && errno == EAGAIN)
			;
		lost += n != 4;
		while ((n = read(c, buf, sizeof(buf))) == -1 && errno == EAGAIN)
			;
		trailing += n != 0;
		pthread_join(t, NULL);
		close(c);
	}
	ok(!lost, "the last bytes come (%d times not)", lost);
	ok(!trailing, "and then the end of file (%d)", trailing);
	return done();
}
