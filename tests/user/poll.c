/* SPDX-License-Identifier: MIT */
/* poll(2) and ppoll(2). */
#include "harness.h"
#include "child.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void *volatile bad = (void *)8;

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static volatile sig_atomic_t hits;
static void hit(int sig) { hits++; }

static void *later(void *arg)
{
	wait_sleeping(getpid());
	if (write(*(int *)arg, "x", 1) != 1)
		abort();
	return NULL;
}

int main(void)
{
	int p[2], q[2], many[200][2];
	struct pollfd f[3], big[200];
	pthread_t th;
	sigset_t set;
	double t;
	char c;

	if (pipe(p) || pipe(q))
		bail("pipe");
	f[0] = (struct pollfd){ p[0], POLLIN, 0 };
	t = now();
	ok(poll(f, 1, 0) == 0 && now() - t < 20, "a time-out of 0 only asks");
	t = now();
	ok(poll(f, 1, 60) == 0 && now() - t >= 0.055, "a time-out of 60 ms takes them");
	ok(poll(NULL, 0, 20) == 0, "no descriptors: a sleep");
	f[0].events = POLLIN;
	f[1] = (struct pollfd){ p[1], POLLOUT, 0 };
	f[2] = (struct pollfd){ q[0], POLLIN, 0x55 };
	ok(poll(f, 3, 1000) == 1 && !f[0].revents && f[1].revents == POLLOUT && f[2].revents == 0, "one of three; revents of the others are cleared");
	pthread_create(&th, NULL, later, &p[1]);
	ok(poll(f, 1, -1) == 1 && f[0].revents == POLLIN, "a write wakes it");
	pthread_join(th, NULL);
	ok(read(p[0], &c, 1) == 1, "read it");
	f[0].fd = -1;
	f[0].revents = 7;
	ok(poll(f, 1, 0) == 0 && f[0].revents == 0, "negative descriptors are skipped");
	f[0].fd = 999;
	ok(poll(f, 1, 1000) == 1 && f[0].revents == POLLNVAL, "a closed one is POLLNVAL");
	f[0] = (struct pollfd){ q[0], 0, 0 };
	close(q[1]);
	ok(poll(f, 1, 1000) == 1 && f[0].revents == POLLHUP, "POLLHUP is reported unasked");
	ok_errno(poll(bad, 1, 0), EFAULT, "bad address");
	struct rlimit rl;
	getrlimit(RLIMIT_NOFILE, &rl);
	ok_errno(poll(big, rl.rlim_cur + 1, 0), EINVAL, "more than RLIMIT_NOFILE");

	struct sigaction sa = { .sa_handler = hit, .sa_flags = SA_RESTART };
	sigaction(SIGUSR1, &sa, NULL);
	pid_t me = getpid(), pid = fork();
	if (pid == 0) {
		wait_sleeping(me);
		kill(me, SIGUSR1);
		_exit(0);
	}
	f[0] = (struct pollfd){ p[0], POLLIN, 0 };
	ok_errno(poll(f, 1, -1), EINTR, "a signal ends it, SA_RESTART or not");
	ok(hits == 1, "its handler ran");
	waitpid(pid, NULL, 0);

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR1);
	sigemptyset(&set);
	struct timespec ts = { 1000, 0 };
	ok_errno(ppoll(f, 1, &ts, &set), EINTR, "ppoll lets a blocked signal in");
	ok(hits == 2, "at once");
	sigprocmask(SIG_BLOCK, NULL, &set);
	ok(sigismember(&set, SIGUSR1), "and the mask is back");
	ts.tv_nsec = 1000000000;
	ok_errno(ppoll(f, 1, &ts, NULL), EINVAL, "a bad time");

	int last = -1;
	for (int i = 0; i < 200; i++) {
		if (pipe(many[i]))
			bail("pipe %d", i);
		big[i] = (struct pollfd){ many[i][0], POLLIN, 0 };
	}
	ok(poll(big, 200, 0) == 0, "200 descriptors, none ready");
	pthread_create(&th, NULL, later, &many[177][1]);
	ok(poll(big, 200, -1) == 1, "one of 200 wakes it");
	for (int i = 0; i < 200; i++)
		if (big[i].revents)
			last = i;
	ok(last == 177, "the right one");
	pthread_join(th, NULL);

	/* stop and continue do not end a poll */
	pid = fork();
	if (pid == 0) {
		f[0] = (struct pollfd){ p[0], POLLIN, 0 };
		_exit(poll(f, 1, -1) == 1 ? 0 : 1);
	}
	int st;
	wait_sleeping(pid);
	kill(pid, SIGSTOP);
	waitpid(pid, &st, WUNTRACED);
	kill(pid, SIGCONT);
	wait_sleeping(pid);
	ok(write(p[1], "x", 1) == 1 && waitpid(pid, &st, 0) == pid && st == 0, "a poll that was stopped and continued goes on");
	return done();
}
