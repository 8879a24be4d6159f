/* SPDX-License-Identifier: MIT */
/* When a pipe ends: only the last writer's close gives end of file, only the last reader's EPIPE; copies, forks and /proc count. */
#include "harness.h"
#include "child.h"
#include <poll.h>

static int eof(int fd)	/* 1 end of file, 0 empty but open */
{
	char c;
	ssize_t n = read(fd, &c, 1);

	return n == 0 ? 1 : n < 0 && errno == EAGAIN ? 0 : -1;
}

int main(void)
{
	struct gate go;
	char name[64], c;
	int p[2], copy, again;
	pid_t pid;

	plan(14);
	signal(SIGPIPE, SIG_IGN);
	gate_init(&go);
	if (pipe2(p, O_NONBLOCK))
		bail("pipe2");
	copy = dup(p[1]);
	close(p[1]);
	ok(eof(p[0]) == 0, "a copy of the write end keeps it open");
	if (!(pid = fork())) {
		gate_wait(&go);
		_exit(0);
	}
	close(copy);
	ok(eof(p[0]) == 0, "so does a child that inherited it");
	gate_open(&go);
	exit_of(pid);
	ok(eof(p[0]) == 1, "the child's end is the last writer's");
	snprintf(name, sizeof(name), "/proc/self/fd/%d", p[0]);
	ok((again = open(name, O_WRONLY | O_NONBLOCK)) >= 0, "a new writer through /proc/self/fd");
	ok(eof(p[0]) == 0, "and it is open again");
	ok(write(again, "x", 1) == 1 && read(p[0], &c, 1) == 1 && c == 'x', "and carries data");
	close(again);
	ok(eof(p[0]) == 1, "until that is closed");
	close(p[0]);

	if (pipe2(p, O_NONBLOCK))
		bail("pipe2");
	copy = dup(p[0]);
	close(p[0]);
	ok(write(p[1], "a", 1) == 1, "a copy of the read end is a reader");
	ok((pid = fork()) == 0 ? (gate_wait(&go), _exit(0), 1) : 1, "a child with the read end");
	close(copy);
	ok(write(p[1], "b", 1) == 1, "is one, too");
	kill(pid, SIGKILL);
	ok(exit_of(pid) == 1000 + SIGKILL, "it is killed");
	ok_errno(write(p[1], "c", 1), EPIPE, "without it, EPIPE");
	struct pollfd pf = { p[1], POLLOUT, 0 };
	ok(poll(&pf, 1, 0) == 1 && (pf.revents & POLLERR), "and POLLERR");
	snprintf(name, sizeof(name), "/proc/self/fd/%d", p[1]);
	again = open(name, O_RDONLY | O_NONBLOCK);
	ok(again >= 0 && read(again, &c, 1) == 1 && c == 'a', "what was written waits for a reader that comes back");
	return done();
}
