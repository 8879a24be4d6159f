/* SPDX-License-Identifier: MIT */
/* dup(2), dup2(2), dup3(2), F_DUPFD: the lowest number, one offset and status for all, limits and errors. */
#include "harness.h"
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

int main(void)
{
	struct rlimit lim, old;
	char buf[8] = "";
	int fd, a, b;

	fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || write(fd, "abcdef", 6) != 6)
		bail("scratch file");
	a = dup(fd);
	ok(a == fd + 1, "dup takes the lowest free number");
	close(fd);
	ok(dup(a) == fd, "and one that was closed is the lowest again");
	lseek(a, 2, SEEK_SET);
	ok(read(fd, buf, 2) == 2 && !memcmp(buf, "cd", 2), "both share the offset");
	ok(lseek(a, 0, SEEK_CUR) == 4, "in both directions");
	ok(fcntl(a, F_SETFL, O_APPEND) == 0 && (fcntl(fd, F_GETFL) & O_APPEND), "and the status flags");
	ok(fcntl(a, F_SETFD, FD_CLOEXEC) == 0 && fcntl(fd, F_GETFD) == 0, "but not close-on-exec");
	b = fcntl(fd, F_DUPFD, 100);
	ok(b == 100, "F_DUPFD from a minimum");
	ok(fcntl(fd, F_DUPFD, 100) == 101, "the next one there");
	ok(fcntl(fd, F_DUPFD_CLOEXEC, 5) >= 5, "F_DUPFD_CLOEXEC");
	ok(dup2(fd, 100) == 100, "dup2 onto an open descriptor");
	ok(dup2(fd, fd) == fd, "dup2 onto itself does nothing");
	ok(dup2(a, 500) == 500 && fcntl(500, F_GETFD) == 0, "dup2 far up, without close-on-exec");
	ok(dup3(fd, 501, O_CLOEXEC) == 501 && fcntl(501, F_GETFD) == FD_CLOEXEC, "dup3 with O_CLOEXEC");
	ok_errno(dup3(fd, fd, 0), EINVAL, "dup3 onto itself");
	ok_errno(dup3(fd, 7, O_APPEND), EINVAL, "dup3 with a flag it does not know");
	ok_errno(dup(-1), EBADF, "dup of -1");
	ok_errno(dup(999), EBADF, "dup of what is not open");
	ok_errno(dup2(999, 998), EBADF, "dup2 of what is not open");
	ok(fcntl(998, F_GETFD) == -1, "and its target is not touched");
	ok_errno(dup2(fd, -1), EBADF, "dup2 to -1");
	getrlimit(RLIMIT_NOFILE, &old);
	lim = old;
	lim.rlim_cur = 10;
	setrlimit(RLIMIT_NOFILE, &lim);
	ok_errno(fcntl(fd, F_DUPFD, 10), EINVAL, "F_DUPFD at the limit");
	ok_errno(dup2(fd, 10), EBADF, "dup2 at the limit");
	while (dup(fd) >= 0)
		;
	ok(errno == EMFILE, "dup until EMFILE");
	ok_errno(open("f", O_RDONLY), EMFILE, "open then too");
	setrlimit(RLIMIT_NOFILE, &old);
	ok(dup(fd) >= 10, "with the old limit it works again");
	lim.rlim_cur = old.rlim_max < 5000 ? old.rlim_max : 5000;
	setrlimit(RLIMIT_NOFILE, &lim);
	b = (int)lim.rlim_cur - 1;
	ok(dup2(fd, b) == b, "a large descriptor: the table grows");
	ok(write(b, "x", 1) == 1, "and is usable");
	return done();
}
