/* SPDX-License-Identifier: MIT */
/* Pipes between processes: blocking both ways, counts of ends, concurrent writers, SIGPIPE. */
#include "harness.h"
#include "child.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WRITERS = 4, RECORDS = 200, RECORD = 512 };

static int status_of(pid_t pid)
{
	int st;

	return waitpid(pid, &st, 0) == pid ? st : -1;
}

static void one_way(void)
{
	int p[2];
	char buf[64];
	pid_t pid;

	if (pipe(p))
		bail("pipe");
	pid = fork();
	if (pid == 0) {
		close(p[0]);
		wait_sleeping(getppid());
		if (write(p[1], "from the child", 14) != 14)
			_exit(1);
		_exit(0);
	}
	close(p[1]);
	ok(read(p[0], buf, sizeof(buf)) == 14 && !memcmp(buf, "from the child", 14), "a reader sleeps until the child writes");
	ok(read(p[0], buf, sizeof(buf)) == 0, "end of file when the child, the last writer, exits");
	ok(status_of(pid) == 0, "the child was content");
	close(p[0]);
}

static void much(void)
{
	enum { TOTAL = 1 << 20 };
	static unsigned char out[8192], in[5000];
	unsigned long sum = 0, expect = 0;
	long total = 0, n;
	int p[2];
	pid_t pid;

	for (unsigned i = 0; i < sizeof(out); i++)
		expect += out[i] = (unsigned char)(i * 7);
	expect *= TOTAL / sizeof(out);
	if (pipe(p))
		bail("pipe");
	pid = fork();
	if (pid == 0) {
		close(p[0]);
		for (int i = 0; i < TOTAL / (int)sizeof(out); i++)
			if (write(p[1], out, sizeof(out)) != sizeof(out))
				_exit(1);
		_exit(0);
	}
	close(p[1]);
	while ((n = read(p[0], in, sizeof(in))) > 0) {
		total += n;
		for (long i = 0; i < n; i++)
			sum += in[i];
	}
	ok(n == 0 && total == TOTAL && sum == expect, "a mebibyte through a pipe of 64 KiB arrives whole");
	ok(status_of(pid) == 0, "its writer slept when the pipe was full and went on");
	close(p[0]);
}

static void concurrent(void)
{
	unsigned counts[WRITERS] = { 0 }, torn = 0;
	char rec[RECORD];
	int p[2];

	if (pipe(p))
		bail("pipe");
	for (int w = 0; w < WRITERS; w++)
		if (fork() == 0) {
			close(p[0]);
			memset(rec, 'a' + w, sizeof(rec));
			for (int i = 0; i < RECORDS; i++)
				if (write(p[1], rec, sizeof(rec)) != sizeof(rec))
					_exit(1);
			_exit(0);
		}
	close(p[1]);
	for (;;) {
		int got = 0;
		long n = 0;

		while (got < RECORD && (n = read(p[0], rec + got, RECORD - got)) > 0)
			got += n;
		if (got == 0)
			break;
		for (int i = 1; i < RECORD; i++)
			if (rec[i] != rec[0]) {
				torn++;
				break;
			}
		if (rec[0] >= 'a' && rec[0] < 'a' + WRITERS)
			counts[rec[0] - 'a']++;
	}
	ok(torn == 0, "writes of at most PIPE_BUF by four processes do not mix");
	for (int w = 0; w < WRITERS; w++)
		ok(counts[w] == RECORDS, "writer %d: %u records", w, counts[w]);
	while (wait(NULL) > 0)
		;
	close(p[0]);
}

static void broken(void)
{
	int p[2], st;
	pid_t pid;

	if (pipe(p))
		bail("pipe");
	pid = fork();
	if (pid == 0) {
		signal(SIGPIPE, SIG_DFL);
		close(p[0]);
		usleep(20000);
		for (;;)
			if (write(p[1], "x", 1) != 1)
				_exit(3);
	}
	close(p[0]);
	close(p[1]);
	st = status_of(pid);
	ok(WIFSIGNALED(st) && WTERMSIG(st) == SIGPIPE, "SIGPIPE kills a writer without readers");
}

static void blocked_writer_wakes(void)
{
	static char big[100000];
	int p[2], st;
	pid_t pid;

	if (pipe(p))
		bail("pipe");
	pid = fork();
	if (pid == 0) {
		signal(SIGPIPE, SIG_IGN);
		close(p[0]);
		long n = write(p[1], big, sizeof(big));

		_exit(n == 65536 ? 0 : n == -1 && errno == EPIPE ? 4 : 5);
	}
	close(p[1]);
	wait_sleeping(pid);
	close(p[0]);
	st = status_of(pid);
	ok(WIFEXITED(st) && WEXITSTATUS(st) == 0, "a writer that sleeps in a full pipe returns what it wrote when the reader goes (%d)", WEXITSTATUS(st));
}

static void reference_counts(void)
{
	char c;
	int p[2], d;

	if (pipe(p))
		bail("pipe");
	d = dup(p[1]);
	close(p[1]);
	ok(write(d, "x", 1) == 1 && read(p[0], &c, 1) == 1, "a duplicate keeps the write end open");
	close(d);
	ok(read(p[0], &c, 1) == 0, "closing the last one is the end of file");
	close(p[0]);
}

static volatile sig_atomic_t hits;
static struct gate handled;
static void hit(int sig)
{
	if (!hits++)
		gate_open(&handled);
}

static void interrupted(void)
{
	struct sigaction sa = { .sa_handler = hit };
	int p[2];
	char c;

	if (pipe(p))
		bail("pipe");
	gate_init(&handled);
	sigaction(SIGALRM, &sa, NULL);
	ualarm(50000, 50000);	/* the first may come before the read */
	ok_errno(read(p[0], &c, 1), EINTR, "a signal ends a read");
	ualarm(0, 0);
	gate_wait(&handled);
	hits = 0;
	sa.sa_flags = SA_RESTART;
	sigaction(SIGALRM, &sa, NULL);
	pid_t pid = fork();
	if (pid == 0) {
		wait_sleeping(getppid());
		kill(getppid(), SIGALRM);
		gate_wait(&handled);
		wait_sleeping(getppid());
		if (write(p[1], "r", 1) != 1)
			_exit(1);
		_exit(0);
	}
	ok(read(p[0], &c, 1) == 1 && c == 'r' && hits == 1, "with SA_RESTART the read goes on after the handler");
	status_of(pid);
}

int main(void)
{
	one_way();
	much();
	concurrent();
	broken();
	blocked_writer_wakes();
	reference_counts();
	interrupted();
	return done();
}
