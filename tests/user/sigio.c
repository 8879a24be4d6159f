/* SPDX-License-Identifier: MIT */
/* Signal-driven I/O: F_SETOWN, F_SETSIG, O_ASYNC on a pipe, a socket and a pty. */
#include "pty.h"
#include <pthread.h>
#include <sys/socket.h>

static volatile sig_atomic_t hits, fd_seen, code_seen, sig_seen;
static void hit(int sig, siginfo_t *si, void *uc)
{
	hits++;
	sig_seen = sig;
	fd_seen = si->si_fd;
	code_seen = si->si_code;
}

static int wait_hit(void)
{
	while (!hits)
		usleep(1000);
	int n = hits;

	hits = 0;
	return n;
}

/* O_ASYNC on and off by two threads at once: however they end, the last close takes the file out of the pipe's list. */
enum { ROUNDS = 500 };
static int toggled;
static pthread_barrier_t begin, end;
static void *toggle(void *arg)
{
	for (int round = 0; round < ROUNDS; round++) {
		pthread_barrier_wait(&begin);
		for (int i = 0; i < 7; i++)
			fcntl(toggled, F_SETFL, i & 1 ? 0 : O_ASYNC);
		pthread_barrier_wait(&end);
	}
	return arg;
}

static int toggle_and_close(void)
{
	pthread_t t[2];
	char path[64];
	int good = 0;

	pthread_barrier_init(&begin, NULL, 3);
	pthread_barrier_init(&end, NULL, 3);
	for (int i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, toggle, NULL);
	for (int round = 0; round < ROUNDS; round++) {
		int p[2], other;

		if (pipe(p))
			bail("pipe");
		toggled = p[0];
		pthread_barrier_wait(&begin);
		pthread_barrier_wait(&end);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", p[0]);
		other = open(path, O_RDONLY);
		close(p[0]);
		good += other >= 0 && write(p[1], "z", 1) == 1;
		close(other);
		close(p[1]);
	}
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	return good == ROUNDS;
}

int main(void)
{
	struct sigaction sa = { .sa_sigaction = hit, .sa_flags = SA_SIGINFO };
	int p[2], s[2];

	signal(SIGTTOU, SIG_IGN);
	sigaction(SIGIO, &sa, NULL);
	sigaction(SIGRTMIN + 3, &sa, NULL);
	if (pipe(p) || socketpair(AF_UNIX, SOCK_STREAM, 0, s))
		bail("pipe");
	ok(fcntl(p[0], F_SETOWN, getpid()) == 0 && fcntl(p[0], F_GETOWN) == getpid(), "F_SETOWN");
	ok(fcntl(p[0], F_SETFL, O_ASYNC) == 0 && (fcntl(p[0], F_GETFL) & O_ASYNC), "O_ASYNC");
	ok(write(p[1], "x", 1) == 1 && wait_hit() >= 1 && sig_seen == SIGIO, "a write to the pipe: SIGIO");
	fcntl(p[0], F_SETFL, 0);
	ok(write(p[1], "x", 1) == 1 && (usleep(30000), hits == 0), "not any more without O_ASYNC");
	fcntl(s[0], F_SETOWN, getpid());
	fcntl(s[0], F_SETSIG, SIGRTMIN + 3);
	fcntl(s[0], F_SETFL, O_ASYNC);
	ok(write(s[1], "y", 1) == 1 && wait_hit() >= 1, "a socket");
	ok(sig_seen == SIGRTMIN + 3 && fd_seen == s[0] && code_seen == POLL_IN, "F_SETSIG: the signal tells which descriptor and what");
	close(s[1]);
	ok(wait_hit() >= 1, "closing the other end");
	close(s[0]);
	ok(toggle_and_close(), "a file whose O_ASYNC two threads change leaves nothing behind");
	/* Who set the owner could not signal it: nothing comes. */
	if (geteuid() == 0) {
		pid_t root = getpid(), pid;
		int st;

		fflush(NULL);
		hits = 0;
		pid = fork();
		if (!pid) {
			if (setgid(1000) || setuid(1000) || pipe(p) || fcntl(p[0], F_SETOWN, root) || fcntl(p[0], F_SETSIG, SIGRTMIN + 3) ||
			    fcntl(p[0], F_SETFL, O_ASYNC) || write(p[1], "x", 1) != 1)
				_exit(1);
			/* A group has members that may get it. */
			if (setpgid(0, 0) || fcntl(p[0], F_SETOWN, -getpid()) || write(p[1], "x", 1) != 1)
				_exit(2);
			_exit(wait_hit() == 1 ? 0 : 3);
		}
		ok(waitpid(pid, &st, 0) == pid && st == 0, "owned by somebody else's process, then by the own group (%x)", st);
		ok(hits == 0, "the somebody else gets none");
	} else {
		ok(1, "# SKIP not root");
	}
	pty_open();
	fcntl(pty_slave, F_SETOWN, getpid());
	fcntl(pty_slave, F_SETFL, O_RDWR | O_ASYNC);
	type("half");
	ok((usleep(30000), hits == 0), "half a line is no input");
	type("\n");
	ok(wait_hit() >= 1, "a line is");
	fcntl(pty_slave, F_SETFL, O_RDWR);
	out_of(pty_master, 30);
	hits = 0;
	fcntl(pty_master, F_SETOWN, getpid());
	ok(fcntl(pty_master, F_SETFL, O_RDWR | O_ASYNC) == 0 && (fcntl(pty_master, F_GETFL) & O_ASYNC), "the master has O_ASYNC as well");
	ok(write(pty_slave, "out", 3) == 3 && wait_hit() >= 1, "and hears of output");
	fcntl(pty_master, F_SETFL, O_RDWR);

	/* Many that want to know. */
	enum { MANY = 40 };
	int fds[MANY], all = 0;
	sigset_t set;
	siginfo_t si;
	char seen[1024] = { 0 };

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (int i = 0; i < MANY; i++) {
		fds[i] = open(pty_name, O_RDWR | O_NOCTTY);
		fcntl(fds[i], F_SETOWN, getpid());
		fcntl(fds[i], F_SETSIG, SIGRTMIN);
		fcntl(fds[i], F_SETFL, O_RDWR | O_ASYNC);
	}
	type("all\n");
	while (all < MANY && sigtimedwait(&set, &si, &(struct timespec){ 10, 0 }) > 0)
		if (si.si_fd >= 0 && si.si_fd < 1024 && !seen[si.si_fd]++)
			all++;
	ok(all == MANY, "each of %d open files is told of a line", all);
	pid_t pid = fork();
	if (pid == 0)
		_exit(ioctl(pty_slave, TIOCVHANGUP) || fcntl(pty_slave, F_SETFL, O_RDWR | O_ASYNC) == 0 || errno != ENOTTY);
	int st;
	ok(waitpid(pid, &st, 0) == pid && (st == 0 || geteuid()), "not a file that was hung up");
	return done();
}
