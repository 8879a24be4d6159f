/* SPDX-License-Identifier: MIT */
/* Writing to a pipe that nobody reads: SIGPIPE by default, EPIPE when ignored or blocked, also for a writer that sleeps; splice and tee, too. */
#include "harness.h"
#include "child.h"
#include <sys/uio.h>

static volatile sig_atomic_t caught;
static void on_pipe(int sig) { caught++; }
static char big[65536];

static int writer(int ignore)
{
	int p[2];

	signal(SIGPIPE, ignore ? SIG_IGN : SIG_DFL);
	if (pipe(p))
		return 99;
	close(p[0]);
	return write(p[1], "x", 1) == -1 && errno == EPIPE ? 7 : 8;
}

int main(void)
{
	int p[2], q[2];
	sigset_t set, pending;
	pid_t pid;
	struct iovec v = { big, sizeof(big) };

	plan(15);
	ok(in_child(writer(0)) == 1000 + SIGPIPE, "SIGPIPE kills");
	ok(in_child(writer(1)) == 7, "ignored: EPIPE");
	signal(SIGPIPE, on_pipe);
	if (pipe(p) || pipe(q))
		bail("pipe");
	close(p[0]);
	ok_errno(write(p[1], "x", 1), EPIPE, "EPIPE to a handler's process");
	ok(caught == 1, "and the handler ran once");
	ok(write(p[1], "x", 0) == 0 && caught == 1, "a write of nothing is no error");
	ok_errno(writev(p[1], &v, 1), EPIPE, "writev");
	ok(caught == 2, "raises it as well");
	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	sigprocmask(SIG_BLOCK, &set, NULL);
	ok_errno(write(p[1], "x", 1), EPIPE, "blocked: EPIPE");
	ok(sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) && caught == 2, "and it is pending for this thread");
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	ok(caught == 3, "delivered when unblocked");
	if (write(q[1], "data", 4) != 4)
		bail("write");
	ok_errno(tee(q[0], p[1], 4, 0), EPIPE, "tee");
	ok_errno(splice(q[0], NULL, p[1], NULL, 4, 0), EPIPE, "splice");
	close(p[1]);

	/* A writer that sleeps because the pipe is full. */
	if (pipe(p))
		bail("pipe");
	if (!(pid = fork())) {
		ssize_t n;

		close(p[0]);
		signal(SIGPIPE, SIG_IGN);
		n = write(p[1], big, sizeof(big));
		n = n == sizeof(big) ? write(p[1], big, 10) : 0;
		_exit(n == -1 && errno == EPIPE ? 7 : 8);
	}
	close(p[1]);
	ok(wait_sleeping(pid), "a writer sleeps at a full pipe");
	close(p[0]);
	ok(exit_of(pid) == 7, "and wakes with EPIPE when the reader goes");
	/* Part of it was taken: the call returns that part. */
	if (pipe(p))
		bail("pipe");
	if (!(pid = fork())) {
		static char two[2 * 65536];

		close(p[0]);
		signal(SIGPIPE, SIG_IGN);
		_exit(write(p[1], two, sizeof(two)) == 65536 ? 7 : 8);
	}
	close(p[1]);
	if (!wait_sleeping(pid))
		bail("no sleep");
	close(p[0]);
	ok(exit_of(pid) == 7, "a write of which part was taken returns that part");
	return done();
}
