/* SPDX-License-Identifier: MIT */
/* fcntl(2) record locks, open file description locks, flock(2): conflicts, splits, waiting, deadlock, release. */
#include "harness.h"
#include "child.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef F_OFD_SETLK
#define F_OFD_GETLK 36
#define F_OFD_SETLK 37
#define F_OFD_SETLKW 38
#endif

static int lock(int fd, int cmd, int type, off_t start, off_t len)
{
	struct flock l = { .l_type = (short)type, .l_whence = SEEK_SET, .l_start = start, .l_len = len };

	return fcntl(fd, cmd, &l);
}

/* In a child: can [start, start + len) be locked?  0 yes, else errno. */
static int try_child(int type, off_t start, off_t len)
{
	int status, pid = fork();

	if (pid == 0) {
		int fd = open("f", O_RDWR);

		_exit(lock(fd, F_SETLK, type, start, len) ? errno : 0);
	}
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

static int busy(int e) { return e == EAGAIN || e == EACCES; }
static void on_alarm(int sig) { }

int main(void)
{
	struct flock l;
	struct sigaction sa = { .sa_handler = on_alarm };
	int fd, fd2, fd3, p[2], pid, status;
	char c;

	fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || write(fd, "0123456789", 10) != 10 || pipe(p))
		bail("scratch file");
	ok(lock(fd, F_SETLK, F_WRLCK, 0, 10) == 0, "a write lock");
	ok(busy(try_child(F_RDLCK, 5, 1)), "another process cannot read-lock a byte of it");
	ok(try_child(F_WRLCK, 10, 5) == 0, "but what is behind it");
	l = (struct flock){ .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0 };
	ok(fcntl(fd, F_GETLK, &l) == 0 && l.l_type == F_UNLCK, "F_GETLK: my own is no conflict");
	pid = fork();
	if (pid == 0) {
		l = (struct flock){ .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 3, .l_len = 1 };
		_exit(!(fcntl(fd, F_GETLK, &l) == 0 && l.l_type == F_WRLCK && l.l_pid == getppid() && l.l_start == 0 && l.l_len == 10));
	}
	waitpid(pid, &status, 0);
	ok(status == 0, "F_GETLK of a child: not inherited, and who has it");
	ok(lock(fd, F_SETLK, F_UNLCK, 3, 4) == 0, "unlock in the middle");
	ok(try_child(F_WRLCK, 3, 4) == 0 && busy(try_child(F_WRLCK, 2, 1)) && busy(try_child(F_WRLCK, 7, 1)), "leaves two locks");
	ok(lock(fd, F_SETLK, F_RDLCK, 0, 0) == 0, "a read lock over all of it, up to the end of time");
	ok(try_child(F_RDLCK, 0, 0) == 0 && busy(try_child(F_WRLCK, 1000000, 1)), "is shared by readers, and keeps writers out");
	l = (struct flock){ .l_type = F_UNLCK, .l_whence = SEEK_END, .l_start = -2, .l_len = 0 };
	ok(fcntl(fd, F_SETLK, &l) == 0 && try_child(F_WRLCK, 8, 2) == 0 && busy(try_child(F_WRLCK, 7, 1)), "SEEK_END");
	fd2 = open("f", O_RDONLY);
	close(fd2);
	ok(try_child(F_WRLCK, 0, 0) == 0, "closing any descriptor of the file drops the process's locks");
	fd2 = open("f", O_RDONLY);
	ok_errno(lock(fd2, F_SETLK, F_WRLCK, 0, 1), EBADF, "a write lock needs a file open for writing");
	l = (struct flock){ .l_type = 77, .l_whence = SEEK_SET };
	ok_errno(fcntl(fd, F_SETLK, &l), EINVAL, "an unknown type");
	ok_errno(lock(fd, F_SETLK, F_RDLCK, -1, 1), EINVAL, "before the start");

	/* Waiting. */
	lock(fd, F_SETLK, F_WRLCK, 0, 1);
	pid = fork();
	if (pid == 0) {
		int f = open("f", O_RDWR);

		if (write(p[1], "x", 1) != 1)
			_exit(9);
		_exit(lock(f, F_SETLKW, F_WRLCK, 0, 1) ? errno : 0);
	}
	if (read(p[0], &c, 1) != 1)
		bail("pipe");
	ok(wait_sleeping(pid) && waitpid(pid, &status, WNOHANG) == 0, "F_SETLKW waits");
	lock(fd, F_SETLK, F_UNLCK, 0, 1);
	ok(waitpid(pid, &status, 0) == pid && status == 0, "until it is free");
	lock(fd, F_SETLK, F_WRLCK, 0, 1);
	pid = fork();
	if (pid == 0) {
		int f = open("f", O_RDWR);

		sigaction(SIGALRM, &sa, NULL);
		_exit(lock(f, F_SETLKW, F_WRLCK, 0, 1) ? errno : 0);
	}
	wait_sleeping(pid);
	kill(pid, SIGALRM);
	waitpid(pid, &status, 0);
	ok(WEXITSTATUS(status) == EINTR, "or a signal comes");

	/* Two that wait for each other. */
	pid = fork();
	if (pid == 0) {
		int f = open("f", O_RDWR);

		lock(f, F_SETLK, F_WRLCK, 5, 1);
		if (write(p[1], "x", 1) != 1)
			_exit(9);
		_exit(lock(f, F_SETLKW, F_WRLCK, 0, 1) ? errno : 0);
	}
	if (read(p[0], &c, 1) != 1)
		bail("pipe");
	wait_sleeping(pid);
	ok_errno(lock(fd, F_SETLKW, F_WRLCK, 5, 1), EDEADLK, "a deadlock is refused");
	lock(fd, F_SETLK, F_UNLCK, 0, 1);
	waitpid(pid, &status, 0);
	ok(status == 0, "and the other one gets on");

	/* Open file description locks. */
	fd3 = open("f", O_RDWR);
	ok(lock(fd, F_OFD_SETLK, F_WRLCK, 0, 4) == 0, "OFD lock");
	ok_errno(lock(fd3, F_OFD_SETLK, F_WRLCK, 0, 4), EAGAIN, "another open of the same process conflicts");
	ok_errno(lock(fd3, F_SETLK, F_WRLCK, 3, 1), EAGAIN, "and so does a process's lock");
	close(open("f", O_RDONLY));
	ok_errno(lock(fd3, F_OFD_SETLK, F_RDLCK, 0, 1), EAGAIN, "closing another descriptor does not drop it");
	l = (struct flock){ .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_pid = 1 };
	ok_errno(fcntl(fd, F_OFD_SETLK, &l), EINVAL, "l_pid must be 0");
	l = (struct flock){ .l_type = F_RDLCK, .l_whence = SEEK_SET };
	ok(fcntl(fd3, F_OFD_GETLK, &l) == 0 && l.l_type == F_WRLCK && l.l_pid == -1, "F_OFD_GETLK has no process to name");
	close(fd);
	ok(lock(fd3, F_OFD_SETLK, F_WRLCK, 0, 4) == 0, "the last close drops it");

	/* flock */
	fd = open("f", O_RDWR);
	ok(flock(fd, LOCK_SH) == 0 && flock(fd2, LOCK_SH | LOCK_NB) == 0, "flock: two shared");
	ok_errno(flock(fd, LOCK_EX | LOCK_NB), EWOULDBLOCK, "no upgrade while another has it");
	flock(fd2, LOCK_UN);
	ok(flock(fd, LOCK_EX | LOCK_NB) == 0, "upgrade");
	ok(flock(dup(fd), LOCK_EX | LOCK_NB) == 0, "a duplicate is the same lock");
	pid = fork();
	if (pid == 0)
		_exit(flock(fd, LOCK_EX | LOCK_NB) ? errno : flock(open("f", O_RDONLY), LOCK_SH | LOCK_NB) ? errno : 0);
	waitpid(pid, &status, 0);
	ok(WEXITSTATUS(status) == EWOULDBLOCK, "inherited by a child, but not shared with a new open");
	ok_errno(flock(fd, 16), EINVAL, "flock: unknown operation");
	ok_errno(flock(999, LOCK_SH), EBADF, "flock: bad descriptor");
	return done();
}
