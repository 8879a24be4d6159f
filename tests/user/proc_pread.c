/* SPDX-License-Identifier: MIT */
/* A file of /proc that threads read at once, each at a place of its own (pread(2)): each gets the text. */
#include "harness.h"
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

enum { THREADS = 4, ROUNDS = 300 };
static int fd;
static char first[4096];
static size_t line;		/* length of the first line, with its end */
static volatile int wrong;

static void *reader(void *arg)
{
	char buf[4096];

	for (int i = 0; i < ROUNDS; i++) {
		ssize_t n = pread(fd, buf, sizeof(buf), 0);

		if (n < (ssize_t)line || memcmp(buf, first, line))
			wrong = 1;
		n = pread(fd, buf, line - 1, 1);
		if (n != (ssize_t)line - 1 || memcmp(buf, first + 1, line - 1))
			wrong = 1;
	}
	return arg;
}

int main(void)
{
	static const char *const files[] = { "/proc/self/smaps", "/proc/self/maps", "/proc/self/mountinfo", "/proc/self/status" };
	pthread_t t[THREADS];

	plan(4);
	for (int k = 0; k < 4; k++) {
		char *end;

		wrong = 0;
		fd = open(files[k], O_RDONLY);
		memset(first, 0, sizeof(first));
		if (fd < 0 || pread(fd, first, sizeof(first) - 1, 0) <= 0 || !(end = strchr(first, '\n')))
			bail("%s", files[k]);
		line = (size_t)(end - first) + 1;
		for (int i = 0; i < THREADS; i++)
			if (pthread_create(&t[i], NULL, reader, NULL))
				bail("pthread_create");
		for (int i = 0; i < THREADS; i++)
			pthread_join(t[i], NULL);
		ok(!wrong, "%s", files[k]);
		close(fd);
	}
	return done();
}
