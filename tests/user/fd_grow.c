/* SPDX-License-Identifier: MIT */
/* Descriptors that are opened, duplicated and closed by some threads while another one makes the table bigger: none is lost, none is another file. */
#include "harness.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 40, OPENERS = 2, HIGHEST = 8000 };
static volatile int over;
static ino_t inode[OPENERS];
static int lost[OPENERS];

static const char *name(int i) { return i ? "fd_grow.b" : "fd_grow.a"; }

static void *opens(void *arg)
{
	int me = (int)(long)arg;

	do {
		int fd = open(name(me), O_RDONLY), two = dup(fd);
		struct stat st;

		if (fd < 0 || fstat(fd, &st) || st.st_ino != inode[me] || two < 0 || fstat(two, &st) || st.st_ino != inode[me] || close(two) ||
		    close(fd))
			lost[me]++;
	} while (!over);
	return NULL;
}

/* One process: its table grows from what a new one has. */
static int grows(void)
{
	pthread_t t[OPENERS];
	int bad = 0;

	for (int i = 0; i < OPENERS; i++)
		if (pthread_create(&t[i], NULL, opens, (void *)(long)i))
			return 1;
	for (int fd = 70; fd < HIGHEST; fd = fd * 2 + 1)
		bad |= dup2(0, fd) != fd || fcntl(fd, F_GETFD) != 0;
	over = 1;
	for (int i = 0; i < OPENERS; i++)
		pthread_join(t[i], NULL);
	for (int fd = 70; fd < HIGHEST; fd = fd * 2 + 1)
		bad |= close(fd) != 0;
	return bad | lost[0] | lost[1];
}

int main(void)
{
	struct rlimit lim = { HIGHEST + 100, HIGHEST + 100 };
	int failed = 0, status;

	if (setrlimit(RLIMIT_NOFILE, &lim))
		bail("RLIMIT_NOFILE");
	for (int i = 0; i < OPENERS; i++) {
		struct stat st;
		int fd = open(name(i), O_CREAT | O_WRONLY, 0600);

		if (fd < 0 || fstat(fd, &st))
			bail("%s", name(i));
		inode[i] = st.st_ino;
		close(fd);
	}
	for (int i = 0; i < ROUNDS; i++) {
		pid_t p = fork();

		if (!p)
			_exit(grows() != 0);
		failed += waitpid(p, &status, 0) != p || status;
	}
	ok(!failed, "no descriptor was lost while the table grew (%d of %d)", failed, ROUNDS);
	ok(inode[0] != inode[1], "there were two files");
	for (int i = 0; i < OPENERS; i++)
		unlink(name(i));
	return done();
}
