/* SPDX-License-Identifier: MIT */
/* select(2), pselect(2): blocking, all three sets, more than 64 descriptors, beyond FD_SETSIZE. */
#include "harness.h"
#include "child.h"
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void *later(void *arg)
{
	wait_sleeping(getpid());
	if (write(*(int *)arg, "x", 1) != 1)
		abort();
	return NULL;
}

static volatile sig_atomic_t hits;
static void hit(int sig) { hits++; }

int main(void)
{
	struct timeval tv;
	struct timespec ts;
	fd_set r, w;
	pthread_t th;
	int p[2], many[100][2], n;
	sigset_t set;
	double t;
	char c;

	if (pipe(p))
		bail("pipe");
	FD_ZERO(&r);
	FD_ZERO(&w);
	FD_SET(p[0], &r);
	FD_SET(p[1], &w);
	tv = (struct timeval){ 1000, 0 };
	ok(select(p[1] + 1, &r, &w, NULL, &tv) == 1 && !FD_ISSET(p[0], &r) && FD_ISSET(p[1], &w), "the write end is ready, the read end is not");
	ok(tv.tv_sec >= 900 && tv.tv_sec < 1000 + (tv.tv_usec == 0), "what is left of the time is written back");
	FD_ZERO(&r);
	FD_SET(p[0], &r);
	tv = (struct timeval){ 0, 60000 };
	t = now();
	ok(select(p[0] + 1, &r, NULL, NULL, &tv) == 0 && now() - t >= 0.055 && !FD_ISSET(p[0], &r), "time-out: 0 and empty sets");
	ok(tv.tv_sec == 0 && tv.tv_usec == 0, "nothing is left");
	FD_SET(p[0], &r);
	pthread_create(&th, NULL, later, &p[1]);
	ok(select(p[0] + 1, &r, NULL, NULL, NULL) == 1 && FD_ISSET(p[0], &r), "a write wakes it");
	pthread_join(th, NULL);
	ok(read(p[0], &c, 1) == 1, "read it");
	for (int i = 0; i < 100; i++)
		if (pipe(many[i]))
			bail("pipe %d", i);
	FD_ZERO(&r);
	for (int i = 0; i < 100; i++)
		FD_SET(many[i][0], &r);
	pthread_create(&th, NULL, later, &many[93][1]);
	n = select(many[99][0] + 1, &r, NULL, NULL, NULL);
	ok(n == 1 && FD_ISSET(many[93][0], &r) && !FD_ISSET(many[92][0], &r), "one of 100, number %d", many[93][0]);
	pthread_join(th, NULL);
	FD_ZERO(&r);
	FD_SET(many[50][0], &r);
	close(many[50][0]);
	tv = (struct timeval){ 0, 0 };
	ok_errno(select(many[50][0] + 1, &r, NULL, NULL, &tv), EBADF, "a closed descriptor");
	ok_errno(select(-1, NULL, NULL, NULL, &tv), EINVAL, "a negative count");
	tv = (struct timeval){ -1, 0 };
	ok_errno(select(0, NULL, NULL, NULL, &tv), EINVAL, "a negative time");
	close(many[51][1]);
	FD_ZERO(&r);
	FD_SET(many[51][0], &r);
	ok(select(many[51][0] + 1, &r, NULL, NULL, NULL) == 1, "end of file is readable");

	struct rlimit rl;
	getrlimit(RLIMIT_NOFILE, &rl);
	if (rl.rlim_cur < 2048) {
		rl.rlim_cur = rl.rlim_max < 2048 ? rl.rlim_max : 2048;
		setrlimit(RLIMIT_NOFILE, &rl);
	}
	int high = dup2(p[0], 1500);
	if (high == 1500) {
		unsigned long bits[2048 / (8 * sizeof(long))] = { 0 };

		bits[1500 / 64] |= 1ul << 1500 % 64;
		ok(write(p[1], "y", 1) == 1 && syscall(SYS_pselect6, 1501, bits, NULL, NULL, NULL, NULL) == 1 && bits[1500 / 64] == 1ul << 1500 % 64,
			"descriptor 1500: no limit at FD_SETSIZE");
	} else {
		ok(1, "# SKIP descriptors stop at %ld", (long)rl.rlim_cur);
	}
	ok(read(p[0], &c, 1) == 1, "read it");

	struct sigaction sa = { .sa_handler = hit };
	sigaction(SIGUSR1, &sa, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR1);
	FD_ZERO(&r);
	FD_SET(p[0], &r);
	sigemptyset(&set);
	ts = (struct timespec){ 1000, 0 };
	ok_errno(pselect(p[0] + 1, &r, NULL, NULL, &ts, &set), EINTR, "pselect lets a blocked signal in");
	ok(hits == 1, "its handler ran");
	return done();
}
