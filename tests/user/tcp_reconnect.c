/* SPDX-License-Identifier: MIT */
/* A socket that leaves its connection and begins another (connect(2), AF_UNSPEC): what the first one's other side does at that moment is nothing to it. */
#include "harness.h"
#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>

enum { ROUNDS = 3000 };
static int listener;
static char data[65536], buf[65536];

/* Connection n: the byte n again and again, as long as somebody takes it; then a shutdown and a close that come too late. */
static void *serve(void *arg)
{
	for (int n = 0; n < ROUNDS; n++) {
		int s = accept(listener, NULL, NULL);

		if (s < 0)
			bail("accept");
		memset(data, n, sizeof(data));
		while (write(s, data, sizeof(data)) > 0)
			;
		if (n & 1)
			shutdown(s, SHUT_WR);
		close(s);
	}
	return NULL;
}

int main(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const struct sockaddr none = { .sa_family = AF_UNSPEC };
	socklen_t len = sizeof(a);
	int c = socket(AF_INET, SOCK_STREAM, 0), strange = 0, ended = 0, refused = 0;
	pthread_t t;

	plan(3);
	signal(SIGPIPE, SIG_IGN);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(listener, (struct sockaddr *)&a, sizeof(a)) || listen(listener, 16) || getsockname(listener, (struct sockaddr *)&a, &len) ||
	    pthread_create(&t, NULL, serve, NULL))
		bail("set-up");
	for (int n = 0; n < ROUNDS; n++) {
		ssize_t got;

		if (connect(c, (struct sockaddr *)&a, sizeof(a))) {
			refused++;
			break;
		}
		for (int i = 0; i <= n % 8; i++) {
			got = read(c, buf, sizeof(buf));	/* while the other side writes */
			ended += got <= 0;
			for (ssize_t k = 0; k < got; k += 64)
				strange += buf[k] != (char)n;
		}
		if (connect(c, &none, sizeof(none)))
			refused++;
	}
	ok(!refused, "each connection is made and left");
	ok(!strange, "none has bytes of the one before (%d)", strange);
	ok(!ended, "or is ended by it (%d)", ended);
	if (!refused)
		pthread_join(t, NULL);
	return done();
}
