/* SPDX-License-Identifier: MIT */
/* flock(2): belongs to the open file; shared, exclusive, conversions, waiting, interruption, release at the last close, independence of fcntl's locks. */
#include "harness.h"
#include "child.h"
#include <sys/file.h>

static void on_alarm(int sig) { }

int main(void)
{
	int a, b, c, copy;
	pid_t pid;
	struct gate go;
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct sigaction sa = { .sa_handler = on_alarm };

	plan(27);
	gate_init(&go);
	a = open("f", O_RDWR | O_CREAT, 0600);
	b = open("f", O_RDWR);
	c = open("f", O_RDONLY);
	ok(flock(a, LOCK_SH) == 0 && flock(b, LOCK_SH) == 0, "two shared");
	ok_errno(flock(c, LOCK_EX | LOCK_NB), EWOULDBLOCK, "an exclusive one must wait");
	ok(flock(b, LOCK_UN) == 0 && flock(a, LOCK_UN) == 0 && flock(c, LOCK_EX | LOCK_NB) == 0, "both gone: exclusive, even read-only opened");
	ok_errno(flock(a, LOCK_SH | LOCK_NB), EWOULDBLOCK, "now a shared one must wait");
	ok(flock(c, LOCK_EX | LOCK_NB) == 0, "again by the same: it has it");
	copy = dup(c);
	ok(flock(copy, LOCK_EX | LOCK_NB) == 0, "a copy is the same open file");
	close(c);
	ok_errno(flock(a, LOCK_EX | LOCK_NB), EWOULDBLOCK, "the lock stays while a copy is open");
	ok(in_child(flock(copy, LOCK_EX | LOCK_NB) ? errno : 0) == 0, "a child has it with the descriptor");
	ok_errno(flock(a, LOCK_EX | LOCK_NB), EWOULDBLOCK, "its exit does not release it");
	ok(in_child(flock(copy, LOCK_UN)) == 0 && flock(a, LOCK_EX | LOCK_NB) == 0, "its LOCK_UN does");
	flock(a, LOCK_UN);
	ok(flock(copy, LOCK_EX) == 0 && close(copy) == 0 && flock(a, LOCK_EX | LOCK_NB) == 0, "the last close releases it");
	/* Conversions. */
	ok(flock(a, LOCK_SH) == 0 && flock(b, LOCK_SH | LOCK_NB) == 0, "exclusive to shared lets others in");
	ok_errno(flock(a, LOCK_EX | LOCK_NB), EWOULDBLOCK, "shared to exclusive with another reader");
	ok(flock(b, LOCK_EX | LOCK_NB) == 0 || errno == EWOULDBLOCK, "and for the other (Linux drops the old one before it tries)");
	flock(a, LOCK_UN);
	flock(b, LOCK_UN);
	/* Waiting. */
	flock(a, LOCK_EX);
	if (!(pid = fork())) {
		int fd = open("f", O_RDWR);

		_exit(flock(fd, LOCK_EX) ? 6 : 5);
	}
	ok(wait_sleeping(pid), "another process waits");
	ok(flock(a, LOCK_UN) == 0 && exit_of(pid) == 5, "until it is released");
	flock(a, LOCK_EX);
	if (!(pid = fork())) {
		int fd = open("f", O_RDWR);

		sigaction(SIGUSR1, &sa, NULL);
		_exit(flock(fd, LOCK_SH) == -1 && errno == EINTR ? 5 : 6);
	}
	ok(wait_sleeping(pid), "a waiter");
	kill(pid, SIGUSR1);
	ok(exit_of(pid) == 5, "is interrupted by a signal");
	if (!(pid = fork())) {
		flock(open("f", O_RDWR), LOCK_EX);
		_exit(6);
	}
	ok(wait_sleeping(pid), "a waiter that is killed");
	kill(pid, SIGKILL);
	ok(exit_of(pid) == 1000 + SIGKILL && flock(a, LOCK_UN) == 0 && flock(b, LOCK_EX | LOCK_NB) == 0, "leaves no trace");
	/* Death of the owner. */
	flock(b, LOCK_UN);
	if (!(pid = fork())) {
		flock(open("f", O_RDWR), LOCK_EX);
		gate_open(&go);
		pause();
	}
	gate_wait(&go);
	ok_errno(flock(b, LOCK_EX | LOCK_NB), EWOULDBLOCK, "a child owns it");
	kill(pid, SIGKILL);
	exit_of(pid);
	ok(flock(b, LOCK_EX | LOCK_NB) == 0, "its death releases it");
	/* Two worlds. */
	ok(in_child(fcntl(open("f", O_RDWR), F_SETLK, &l) ? errno : 0) == 0, "fcntl's locks know nothing of it");
	ok_errno(flock(b, 0), EINVAL, "no operation");
	ok_errno(flock(b, LOCK_SH | LOCK_EX), EINVAL, "two operations");
	ok_errno(flock(777, LOCK_SH), EBADF, "not open");
	ok_errno(flock(open("f", O_PATH), LOCK_SH), EBADF, "O_PATH");
	return done();
}
