/* SPDX-License-Identifier: MIT */
/* Twelve processes in one pipeline and one group: data passes through all, a full pipeline holds its writer back, its group is signalled as one. */
#include "harness.h"
#include "child.h"

enum { STAGES = 12, TOTAL = 1 << 20 };
static char buf[8192];

/* Each stage adds one to every byte. */
static void stage(int in, int out)
{
	ssize_t n;

	while ((n = read(in, buf, sizeof(buf))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			buf[i]++;
		for (ssize_t done_ = 0; done_ < n;) {
			ssize_t w = write(out, buf + done_, (size_t)(n - done_));

			if (w < 0)
				_exit(1);
			done_ += w;
		}
	}
	_exit(n < 0);
}

/* Starts it; *in is written to, *out is read from. */
static pid_t start(pid_t *pids, int *in, int *out)
{
	int first[2], prev, p[2];
	pid_t pgid = 0;

	if (pipe2(first, O_CLOEXEC))
		bail("pipe");
	*in = first[1];
	prev = first[0];
	for (int i = 0; i < STAGES; i++) {
		if (pipe2(p, O_CLOEXEC))
			bail("pipe");
		if (!(pids[i] = fork())) {
			setpgid(0, pgid);
			close(*in);
			close(p[0]);
			signal(SIGPIPE, SIG_DFL);
			stage(prev, p[1]);
		}
		if (!pgid)
			pgid = pids[0];
		setpgid(pids[i], pgid);
		close(prev);
		close(p[1]);
		prev = p[0];
	}
	*out = prev;
	return pgid;
}

int main(void)
{
	pid_t pids[STAGES], feeder;
	int in, out, good = 1, ends = 0, killed = 0, asleep = 0, st;
	long got = 0;
	ssize_t n;
	pid_t pgid;

	plan(8);
	signal(SIGPIPE, SIG_IGN);
	start(pids, &in, &out);
	if (!(feeder = fork())) {
		close(out);
		for (int k = 0; k < TOTAL / (int)sizeof(buf); k++) {
			for (unsigned i = 0; i < sizeof(buf); i++)
				buf[i] = (char)(i * 7 + (unsigned)k);
			if (write(in, buf, sizeof(buf)) != sizeof(buf))
				_exit(1);
		}
		_exit(0);
	}
	close(in);
	while ((n = read(out, buf, sizeof(buf))) > 0)
		for (ssize_t i = 0; i < n; i++, got++)
			if (buf[i] != (char)((got % 8192) * 7 + got / 8192 + STAGES))
				good = 0;
	ok(n == 0 && got == TOTAL, "a megabyte goes through %d processes", STAGES);
	ok(good, "and each worked on every byte");
	ok(exit_of(feeder) == 0, "the feeder ends");
	for (int i = 0; i < STAGES; i++)
		ends += exit_of(pids[i]) == 0;
	ok(ends == STAGES, "end of file runs down the line");
	close(out);

	pgid = start(pids, &in, &out);
	fcntl(in, F_SETFL, O_NONBLOCK);
	/* Nobody reads: everything fills up, and then each stage sleeps in its write. */
	for (int quiet = 0; quiet < 3;) {
		if (write(in, buf, 4096) < 0) {
			quiet++;
			for (int i = 0; i < STAGES; i++)
				wait_sleeping(pids[i]);
		} else {
			quiet = 0;
		}
	}
	for (int i = 0; i < STAGES; i++)
		asleep += task_state(pids[i], 0) == 'S';
	ok(asleep == STAGES, "a pipeline that nobody reads is full and asleep");
	ok_errno(write(in, buf, 4096), EAGAIN, "and its writer is told");
	/* The reader goes: SIGPIPE runs up the line. */
	close(out);
	for (int i = STAGES - 1; i >= 0; i--) {
		st = exit_of(pids[i]);
		killed += st == 1000 + SIGPIPE;
	}
	ok(killed == STAGES, "SIGPIPE runs up the line (%d)", killed);
	close(in);
	killed = 0;
	pgid = start(pids, &in, &out);
	/* Stopped first: else one might see the end of file that another's death makes before its own signal. */
	kill(-pgid, SIGSTOP);
	for (int i = 0; i < STAGES; i++)
		wait_state(pids[i], 0, 'T');
	kill(-pgid, SIGTERM);
	kill(-pgid, SIGCONT);
	for (int i = 0; i < STAGES; i++)
		killed += exit_of(pids[i]) == 1000 + SIGTERM;
	ok(killed == STAGES, "one kill ends the group");
	return done();
}
