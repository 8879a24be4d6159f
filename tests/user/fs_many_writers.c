/* SPDX-License-Identifier: MIT */
/* Threads that create, write, rename and remove in one directory at once: nothing is lost, nothing is doubled. */
#include "harness.h"
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

enum { THREADS = 4, STEPS = 150 };
static int failures;

static void *work(void *arg)
{
	long id = (long)arg;
	char a[64], b[64], buf[5000], back[5000];

	for (int i = 0; i < STEPS; i++) {
		int fd;

		snprintf(a, sizeof(a), "t%ld-%d", id, i);
		snprintf(b, sizeof(b), "r%ld-%d", id, i);
		memset(buf, (int)(id * 50 + i), sizeof(buf));
		fd = open(a, O_RDWR | O_CREAT | O_EXCL, 0600);
		if (fd < 0 || write(fd, buf, sizeof(buf)) != sizeof(buf) || rename(a, b) != 0 ||
		    pread(fd, back, sizeof(back), 0) != sizeof(back) || memcmp(buf, back, sizeof(buf)) != 0)
			__atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
		close(fd);
		if (i % 3 == 0 && unlink(b) != 0)
			__atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
		/* one file that all append to */
		fd = open("log", O_WRONLY | O_CREAT | O_APPEND, 0600);
		if (fd < 0 || write(fd, "0123456789\n", 11) != 11)
			__atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
		close(fd);
	}
	return NULL;
}

int main(void)
{
	pthread_t t[THREADS];
	struct dirent *e;
	struct stat st;
	int n = 0;
	DIR *d;

	plan(4);
	for (long i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, work, (void *)i);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	ok(failures == 0, "%d failures", failures);
	d = opendir(".");
	while ((e = readdir(d)))
		n += e->d_name[0] == 'r';
	ok(n == THREADS * (STEPS - STEPS / 3), "%d files left", n);
	rewinddir(d);
	n = 0;
	while ((e = readdir(d)))
		n += e->d_name[0] == 't';
	ok(n == 0, "%d under their first name", n);
	ok(stat("log", &st) == 0 && st.st_size == THREADS * STEPS * 11, "every append is there: %lld", (long long)st.st_size);
	return done();
}
