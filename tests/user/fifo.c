/* SPDX-License-Identifier: MIT */
/* fifo(7) in ten phases. */
#include "harness.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *name = "test.fifo";

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* A child that waits, opens the FIFO and writes text. */
static pid_t writer(const char *text, int delay_ms)
{
	pid_t pid = fork();

	if (pid == 0) {
		int fd;

		usleep(delay_ms * 1000);
		fd = open(name, O_WRONLY);
		_exit(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : 1);
	}
	return pid;
}

int main(void)
{
	struct pollfd pf;
	struct stat st;
	char buf[64];
	double t;
	int r, w, status;
	pid_t pid;

	signal(SIGPIPE, SIG_IGN);
	unlink(name);
	/* 1 */
	ok(mkfifo(name, 0640) == 0 && stat(name, &st) == 0 && S_ISFIFO(st.st_mode), "1: mkfifo makes a FIFO");
	ok_errno(mkfifo(name, 0640), EEXIST, "1: not twice");
	/* 2 */
	ok_errno(open(name, O_WRONLY | O_NONBLOCK), ENXIO, "2: a non-blocking writer without a reader");
	/* 3 */
	r = open(name, O_RDONLY | O_NONBLOCK);
	ok(r >= 0, "3: a non-blocking reader opens at once");
	ok(read(r, buf, 1) == 0, "3: and reads end of file without a writer");
	pf = (struct pollfd){ r, POLLIN, 0 };
	ok(poll(&pf, 1, 0) == 0, "3: but is not hung up before there was a writer");
	/* 4 */
	w = open(name, O_WRONLY | O_NONBLOCK);
	ok(w >= 0, "4: a non-blocking writer with a reader");
	ok_errno(read(r, buf, 1), EAGAIN, "4: a non-blocking reader with a writer and no data");
	ok(write(w, "abc", 3) == 3 && read(r, buf, 10) == 3, "4: data");
	/* 5 */
	close(w);
	ok(poll(&pf, 1, 0) == 1 && (pf.revents & POLLHUP), "5: hung up after the writer left");
	w = open(name, O_WRONLY);
	pf.revents = 0;
	ok(poll(&pf, 1, 0) == 0, "5: and not any more with a new one");
	close(w);
	close(r);
	/* 6 */
	t = now();
	pid = writer("late", 100);
	r = open(name, O_RDONLY);
	ok(r >= 0 && now() - t > 0.08, "6: a blocking reader waits for a writer");
	ok(read(r, buf, sizeof(buf)) == 4 && !memcmp(buf, "late", 4), "6: whose data it gets");
	ok(waitpid(pid, &status, 0) == pid && status == 0, "6: the writer is content");
	ok(read(r, buf, sizeof(buf)) == 0, "6: then end of file");
	close(r);
	/* 7 */
	t = now();
	pid = fork();
	if (pid == 0) {
		usleep(100000);
		r = open(name, O_RDONLY);
		_exit(read(r, buf, 2) == 2 ? 0 : 1);
	}
	w = open(name, O_WRONLY);
	ok(w >= 0 && now() - t > 0.08, "7: a blocking writer waits for a reader");
	ok(write(w, "xy", 2) == 2, "7: and writes");
	ok(waitpid(pid, &status, 0) == pid && status == 0, "7: the reader is content");
	ok_errno(write(w, "z", 1), EPIPE, "7: EPIPE after the reader left");
	close(w);
	/* 8 */
	r = open(name, O_RDWR);
	ok(r >= 0, "8: read and write never waits");
	ok(write(r, "self", 4) == 4 && read(r, buf, 10) == 4, "8: and talks to itself");
	w = open(name, O_WRONLY | O_NONBLOCK);
	ok(w >= 0, "8: it counts as a reader");
	ok(write(w, "left", 4) == 4, "8: data left in it");
	close(w);
	close(r);
	r = open(name, O_RDONLY | O_NONBLOCK);
	ok(read(r, buf, 10) == 0, "8: is gone when nobody has it open");
	close(r);
	/* 9 */
	pid = writer("one", 50);
	r = open(name, O_RDONLY);
	int n, total = 0;
	waitpid(pid, NULL, 0);
	pid = writer("two", 0);
	waitpid(pid, NULL, 0);
	while ((n = read(r, buf + total, sizeof(buf) - total)) > 0)
		total += n;
	ok(total == 6 && !memcmp(buf, "onetwo", 6), "9: two writers after each other");
	close(r);
	/* 10 */
	ok(unlink(name) == 0 && stat(name, &st) == -1 && errno == ENOENT, "10: unlinked");
	mkfifo(name, 0600);
	r = open(name, O_RDWR);
	unlink(name);
	ok(write(r, "a", 1) == 1 && read(r, buf, 1) == 1, "10: an open one lives on without its name");
	close(r);
	return done();
}
