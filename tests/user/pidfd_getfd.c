/* SPDX-License-Identifier: MIT */
/* pidfd_getfd(2): another process's descriptor becomes one's own: the same open file, close-on-exec, with the permission to trace. */
#include "harness.h"
#include "child.h"
#include <sys/prctl.h>
#include <sys/stat.h>

static int pidfd_open_(pid_t p) { return (int)syscall(434, p, 0); }
static int getfd(int pidfd, int fd, unsigned f) { return (int)syscall(438, pidfd, fd, f); }

int main(void)
{
	struct gate go, ready;
	pid_t pid;
	int pf, fd, other, p[2];
	char buf[16];
	struct stat a, b;

	plan(16);
	gate_init(&go);
	gate_init(&ready);
	if (pipe(p))
		bail("pipe");
	if (!(pid = fork())) {
		int mine = open("secret", O_RDWR | O_CREAT, 0600);

		dup2(mine, 50);
		dup2(p[1], 51);
		if (write(50, "0123456789", 10) != 10)
			_exit(9);
		lseek(50, 3, SEEK_SET);
		gate_open(&ready);
		gate_wait(&go);
		_exit(lseek(50, 0, SEEK_CUR) == 7 ? 5 : 6);
	}
	gate_wait(&ready);
	pf = pidfd_open_(pid);
	ok((fd = getfd(pf, 50, 0)) >= 0, "a child's file");
	ok(fcntl(fd, F_GETFD) == FD_CLOEXEC, "close-on-exec");
	stat("secret", &a);
	ok(fstat(fd, &b) == 0 && a.st_ino == b.st_ino, "that file");
	ok(lseek(fd, 0, SEEK_CUR) == 3 && read(fd, buf, 4) == 4 && !memcmp(buf, "3456", 4), "with its position, which is shared");
	ok((other = getfd(pf, 51, 0)) >= 0 && write(other, "hi", 2) == 2 && read(p[0], buf, 2) == 2, "a pipe's end");
	ok((other = getfd(pidfd_open_(getpid()), fd, 0)) > fd, "of oneself");
	ok_errno(getfd(pf, 200, 0), EBADF, "one that is not open there");
	ok_errno(getfd(777, 50, 0), EBADF, "a pidfd that is not open");
	ok_errno(getfd(fd, 50, 0), EBADF, "a file is no pidfd");
	ok_errno(getfd(pf, 50, 1), EINVAL, "flags");
	ok_errno(getfd(pf, -1, 0), EBADF, "a negative number");
	ok(in_child(setgid(1234) || setuid(1234) || getfd(pf, 50, 0) != -1 || errno != EPERM) == 0, "a stranger may not");
	int before = open("/dev/null", O_RDONLY);
	close(before);
	getfd(pf, 200, 0);
	ok(open("/dev/null", O_RDONLY) == before, "a failure takes no number");
	gate_open(&go);
	ok(exit_of(pid) == 5, "the child sees its position moved");
	ok_errno(getfd(pf, 50, 0), ESRCH, "gone: ESRCH");
	ok(pread(fd, buf, 10, 0) == 10, "what was fetched stays");
	return done();
}
