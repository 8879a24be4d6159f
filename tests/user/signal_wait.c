/* SPDX-License-Identifier: MIT */
/* Waiting for signals and being interrupted: sigsuspend, pause, sigtimedwait, EINTR, SA_RESTART, restart of sleeps. */
#include "harness.h"
#include "child.h"
#include <poll.h>
#include <signal.h>
#include <sys/select.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t count;
static struct gate handled;
static void handler(int sig)
{
	(void)sig;
	count++;
	if (sig == SIGUSR2)
		gate_open(&handled);
}
static void set(int sig, int flags)
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = flags };

	sigaction(sig, &sa, NULL);
}
/* Again and again, as the first may come before somebody waits for it. */
static void alarm_ms(long ms)
{
	struct itimerval it = { .it_value = { ms / 1000, ms % 1000 * 1000 }, .it_interval = { ms / 1000, ms % 1000 * 1000 } };

	setitimer(ITIMER_REAL, &it, NULL);
}
static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int main(void)
{
	struct timespec ts, rem;
	sigset_t s, empty, old;
	siginfo_t si;
	int fds[2], st;
	char c;
	pid_t pid;
	double t;

	plan(27);
	sigemptyset(&empty);
	if (pipe(fds))
		bail("pipe");
	set(SIGALRM, 0);
	alarm_ms(30);
	ok_errno(read(fds[0], &c, 1), EINTR, "read is interrupted");
	alarm_ms(0);
	alarm_ms(30);
	ok_errno(pause(), EINTR, "pause");
	alarm_ms(0);
	alarm_ms(30);
	ok_errno(wait(&st), ECHILD, "wait without children does not wait");
	alarm_ms(0);
	pid = fork();
	if (!pid) {
		pause();
		_exit(0);
	}
	alarm_ms(30);
	ok_errno(waitpid(pid, &st, 0), EINTR, "waitpid");
	ok_errno(poll(NULL, 0, -1), EINTR, "poll");
	set(SIGALRM, SA_RESTART);
	ok_errno(poll(NULL, 0, -1), EINTR, "poll even with SA_RESTART");
	ok_errno(select(0, NULL, NULL, NULL, NULL), EINTR, "select, too");
	alarm_ms(0);
	/* SA_RESTART: read goes on */
	kill(pid, SIGKILL);
	waitpid(pid, &st, 0);
	gate_init(&handled);
	set(SIGUSR2, SA_RESTART);
	count = 0;
	pid = fork();
	if (!pid) {
		wait_sleeping(getppid());
		kill(getppid(), SIGUSR2);
		gate_wait(&handled);
		wait_sleeping(getppid());
		(void)!write(fds[1], "y", 1);
		_exit(0);
	}
	ok(read(fds[0], &c, 1) == 1 && c == 'y', "read is restarted");
	ok(count == 1, "after the handler ran");
	ok(waitpid(pid, &st, 0) == pid, "the writer ends");
	/* nanosleep */
	set(SIGALRM, SA_RESTART);
	t = now();
	alarm_ms(30);
	ts = (struct timespec){ 1000, 0 };
	ok_errno(nanosleep(&ts, &rem), EINTR, "nanosleep is not restarted by SA_RESTART");
	alarm_ms(0);
	ok(rem.tv_sec + rem.tv_nsec / 1e9 < 1000 && rem.tv_sec + rem.tv_nsec / 1e9 > 1000 - (now() - t) - 1e-6, "what was left");
	ok_errno(nanosleep(&(struct timespec){ 0, 1000000000 }, NULL), EINVAL, "too many nanoseconds");
	/* stop and continue: the sleep goes on */
	t = now();
	pid = fork();
	if (!pid) {
		ts = (struct timespec){ 0, 200000000 };
		_exit(nanosleep(&ts, NULL) == 0 ? 0 : 1);
	}
	wait_sleeping(pid);
	kill(pid, SIGSTOP);
	waitpid(pid, &st, WUNTRACED);
	kill(pid, SIGCONT);
	waitpid(pid, &st, 0);
	ok(WIFEXITED(st) && WEXITSTATUS(st) == 0 && now() - t >= 0.2, "a sleep survives stop and continue, and is not shortened");
	pid = fork();
	if (!pid)
		_exit(read(fds[0], &c, 1) == 1 ? 0 : 1);
	wait_sleeping(pid);
	kill(pid, SIGSTOP);
	waitpid(pid, &st, WUNTRACED);
	kill(pid, SIGCONT);
	wait_sleeping(pid);
	(void)!write(fds[1], "z", 1);
	waitpid(pid, &st, 0);
	ok(WIFEXITED(st) && WEXITSTATUS(st) == 0, "so does a read");

	/* sigsuspend */
	sigemptyset(&s);
	sigaddset(&s, SIGUSR1);
	set(SIGUSR1, 0);
	sigprocmask(SIG_BLOCK, &s, NULL);
	raise(SIGUSR1);
	count = 0;
	ok_errno(sigsuspend(&empty), EINTR, "sigsuspend");
	ok(count == 1, "the handler ran");
	sigprocmask(SIG_SETMASK, NULL, &old);
	ok(sigismember(&old, SIGUSR1), "the mask is back");

	/* ppoll, pselect */
	raise(SIGUSR1);
	count = 0;
	ts = (struct timespec){ 1000, 0 };
	ok(ppoll(NULL, 0, &ts, &empty) == -1 && errno == EINTR && count == 1, "ppoll with a mask");
	raise(SIGUSR1);
	ok(pselect(0, NULL, NULL, NULL, &ts, &empty) == -1 && errno == EINTR && count == 2, "pselect with a mask");

	/* sigtimedwait */
	ts = (struct timespec){ 0, 20000000 };
	ok_errno(sigtimedwait(&s, &si, &ts), EAGAIN, "sigtimedwait runs out");
	ts = (struct timespec){ 0, 0 };
	ok_errno(sigtimedwait(&s, &si, &ts), EAGAIN, "sigtimedwait that only looks");
	sigqueue(getpid(), SIGUSR1, (union sigval){ .sival_int = 77 });
	ok(sigtimedwait(&s, &si, NULL) == SIGUSR1 && si.si_code == SI_QUEUE && si.si_value.sival_int == 77, "one that was pending");
	pid = fork();
	if (!pid) {
		wait_sleeping(getppid());
		kill(getppid(), SIGUSR1);
		_exit(0);
	}
	ok(sigwaitinfo(&s, &si) == SIGUSR1 && si.si_pid == pid, "one that comes");
	waitpid(pid, &st, 0);
	/* deadly and ignored ones can be waited for */
	sigaddset(&s, SIGTERM);
	sigprocmask(SIG_BLOCK, &s, NULL);
	signal(SIGTERM, SIG_DFL);
	pid = fork();
	if (!pid) {
		wait_sleeping(getppid());
		kill(getppid(), SIGTERM);
		_exit(0);
	}
	ok(sigwaitinfo(&s, &si) == SIGTERM, "a deadly one");
	waitpid(pid, &st, 0);
	set(SIGALRM, 0);
	alarm_ms(30);
	ok_errno(sigwaitinfo(&s, &si), EINTR, "another signal's handler ends it");
	alarm_ms(0);
	ts = (struct timespec){ -1, 0 };
	ok_errno(sigtimedwait(&s, &si, &ts), EINVAL, "a negative time");
	return done();
}
