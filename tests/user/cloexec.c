/* SPDX-License-Identifier: MIT */
/* Close-on-exec, close_range(2). */
#include "harness.h"
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

static int is_open(int fd) { return fcntl(fd, F_GETFD) >= 0; }

int main(int argc, char **argv)
{
	int fd, pid, status;
	char *args[] = { argv[0], "child", NULL };

	if (argc > 1)	/* after execve: which of 40..43 are open? */
		return is_open(40) | is_open(41) << 1 | is_open(42) << 2 | is_open(43) << 3;
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ok(fcntl(fd, F_GETFD) == FD_CLOEXEC, "O_CLOEXEC sets the flag");
	ok(fcntl(fd, F_SETFD, 0) == 0 && fcntl(fd, F_GETFD) == 0, "F_SETFD takes it away");
	dup2(fd, 40);
	dup3(fd, 41, O_CLOEXEC);
	dup2(fd, 42);
	fcntl(42, F_SETFD, FD_CLOEXEC);
	dup2(fd, 43);
	pid = fork();
	if (pid == 0) {
		execv("/proc/self/exe", args);
		_exit(100);
	}
	ok(waitpid(pid, &status, 0) == pid && WIFEXITED(status), "the child ran");
	ok(WEXITSTATUS(status) == (1 | 8), "execve closed exactly those with the flag (%d)", WEXITSTATUS(status));
	ok(is_open(41) && is_open(42), "the parent's are still open");
	ok(syscall(SYS_close_range, 41, 42, 0) == 0 && is_open(40) && !is_open(41) && !is_open(42) && is_open(43), "close_range closes a range");
	ok(syscall(SYS_close_range, 40, 43, 4) == 0 && fcntl(40, F_GETFD) == FD_CLOEXEC && fcntl(43, F_GETFD) == FD_CLOEXEC, "CLOSE_RANGE_CLOEXEC only marks");
	ok_errno(syscall(SYS_close_range, 5, 4, 0), EINVAL, "an empty range");
	ok_errno(syscall(SYS_close_range, 3, 4, 1), EINVAL, "an unknown flag");
	ok(syscall(SYS_close_range, 40, ~0u, 2) == 0 && !is_open(40) && !is_open(43), "CLOSE_RANGE_UNSHARE up to the end");
	ok_errno(close(40), EBADF, "close of what is closed");
	ok_errno(close(-1), EBADF, "close of -1");
	return done();
}
