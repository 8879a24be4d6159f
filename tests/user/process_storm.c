/* SPDX-License-Identifier: MIT */
/*
 * Many things at once, each of which has broken kernels: signals against
 * system calls, threads that are created while the group stops, continues,
 * execs or exits, waits against exits, timers against exits.
 */
#include "harness.h"
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t hits;
static void count(int s) { (void)s; hits++; }
static void *nothing(void *v) { return v; }
static void *forever(void *v) { for (;;) syscall(SYS_getppid); return v; }
static void *spawner(void *v)
{
	pthread_attr_t a;
	pthread_t t;

	(void)v;
	pthread_attr_init(&a);
	pthread_attr_setdetachstate(&a, PTHREAD_CREATE_DETACHED);
	for (;;)
		pthread_create(&t, &a, nothing, NULL);
	return NULL;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int main(void)
{
	int st, good, fds[2];
	pid_t pid;
	double end;
	char c;

	plan(8);
	/* Every byte arrives though signals rain on both ends. */
	if (pipe(fds))
		bail("pipe");
	struct sigaction sa = { .sa_handler = count, .sa_flags = SA_RESTART };
	sigaction(SIGALRM, &sa, NULL);
	pid = fork();
	if (!pid) {
		struct itimerval it = { { 0, 300 }, { 0, 300 } };

		close(fds[0]);
		setitimer(ITIMER_REAL, &it, NULL);
		for (int i = 0; i < 20000; i++) {
			c = (char)i;
			if (write(fds[1], &c, 1) != 1)
				_exit(1);
		}
		_exit(hits > 0 ? 0 : 2);
	}
	close(fds[1]);
	struct itimerval it = { { 0, 370 }, { 0, 370 } }, off = { { 0, 0 }, { 0, 0 } };
	setitimer(ITIMER_REAL, &it, NULL);
	good = 0;
	while (read(fds[0], &c, 1) == 1 && c == (char)good)
		good++;
	setitimer(ITIMER_REAL, &off, NULL);
	while (waitpid(pid, &st, 0) == -1 && errno == EINTR)
		;
	ok(good == 20000 && hits > 0, "20000 bytes through a rain of signals (%d, %d signals)", good, (int)hits);
	ok(WIFEXITED(st) && WEXITSTATUS(st) == 0, "the writer saw no error");

	/* Stop and continue a group whose threads come and go. */
	pid = fork();
	if (!pid) {
		pthread_t t;

		for (int i = 0; i < 2; i++)
			pthread_create(&t, NULL, spawner, NULL);
		pthread_create(&t, NULL, forever, NULL);
		for (;;)
			pause();
	}
	good = 1;
	end = now() + 1.5;
	for (int i = 0; i < 300 && now() < end && good; i++) {
		kill(pid, SIGSTOP);
		good = waitpid(pid, &st, WUNTRACED) == pid && WIFSTOPPED(st);
		kill(pid, SIGCONT);
		good = good && waitpid(pid, &st, WCONTINUED) == pid && WIFCONTINUED(st);
	}
	ok(good, "stop and continue while threads come and go");
	kill(pid, SIGKILL);
	ok(waitpid(pid, &st, 0) == pid && WIFSIGNALED(st) && WTERMSIG(st) == SIGKILL, "and the end");

	/* exit_group and execve against clone. */
	good = 0;
	for (int i = 0; i < 30; i++) {
		pid = fork();
		if (!pid) {
			pthread_t t;

			for (int k = 0; k < 3; k++)
				pthread_create(&t, NULL, spawner, NULL);
			usleep(1000 + (useconds_t)i * 50);
			if (i & 1)
				execl("/bin/sh", "sh", "-c", "exit 5", (char *)NULL);
			_exit(5);
		}
		good += waitpid(pid, &st, 0) == pid && WIFEXITED(st) && WEXITSTATUS(st) == 5;
	}
	ok(good == 30, "exit and exec among threads that are being made (%d of 30)", good);

	/* SIGKILL at any moment. */
	good = 0;
	for (int i = 0; i < 60; i++) {
		pid = fork();
		if (!pid) {
			pthread_t t;

			pthread_create(&t, NULL, spawner, NULL);
			for (;;) {
				pid_t p = fork();

				if (!p)
					_exit(0);
				waitpid(p, NULL, 0);
			}
		}
		usleep((useconds_t)(i * 97 % 4000));
		kill(pid, SIGKILL);
		good += waitpid(pid, &st, 0) == pid && WIFSIGNALED(st);
	}
	ok(good == 60, "SIGKILL at any moment (%d of 60)", good);

	/* Children that exit while their parent waits in several threads' stead: none is lost, none comes twice. */
	good = 0;
	for (int i = 0; i < 300; i++) {
		pid = fork();
		if (!pid)
			_exit(i & 0x7f);
		if (i % 3 == 0)
			good += waitpid(pid, &st, 0) == pid && WEXITSTATUS(st) == (i & 0x7f);
	}
	while (waitpid(-1, &st, 0) > 0)
		good++;
	ok(good == 300 && errno == ECHILD, "300 children (%d)", good);

	/* Real-time signals from many senders: all arrive. */
	sigset_t s;
	sigemptyset(&s);
	sigaddset(&s, SIGRTMIN + 2);
	sigprocmask(SIG_BLOCK, &s, NULL);
	for (int k = 0; k < 4; k++)
		if (!fork()) {
			for (int i = 0; i < 100; i++)
				while (sigqueue(getppid(), SIGRTMIN + 2, (union sigval){ .sival_int = k * 1000 + i }) && errno == EAGAIN)
					usleep(500);
			_exit(0);
		}
	int next[4] = { 0, 0, 0, 0 };
	good = 0;
	for (int i = 0; i < 400; i++) {
		siginfo_t si;
		struct timespec ts = { 1000, 0 };

		if (sigtimedwait(&s, &si, &ts) != SIGRTMIN + 2)
			break;
		good += si.si_value.sival_int % 1000 == next[si.si_value.sival_int / 1000]++;
	}
	ok(good == 400, "400 queued signals of four senders, each in order (%d)", good);
	while (wait(NULL) > 0)
		;
	return done();
}
