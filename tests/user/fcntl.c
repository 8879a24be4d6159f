/* SPDX-License-Identifier: MIT */
/* fcntl(2): duplicates from a floor, descriptor flags, status flags that may and may not change, owners, pipe sizes, unknown commands. */
#include "harness.h"
#include <fcntl.h>
#include <linux/sockios.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef F_CREATED_QUERY
#define F_CREATED_QUERY 1028
#endif

int main(void)
{
	int fd, fd2, s, who, p[2];
	struct rlimit r;
	struct f_owner_ex ex;

	fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || pipe(p))
		bail("scratch");
	ok(fcntl(fd, F_DUPFD, 50) == 50, "F_DUPFD takes the floor when it is free");
	ok(fcntl(fd, F_DUPFD, 50) == 51, "and the next one when it is not");
	ok(!(fcntl(50, F_GETFD) & FD_CLOEXEC), "the copy is not close-on-exec");
	ok((fd2 = fcntl(fd, F_DUPFD_CLOEXEC, 50)) == 52 && fcntl(fd2, F_GETFD) == FD_CLOEXEC, "F_DUPFD_CLOEXEC is");
	ok_errno(fcntl(fd, F_DUPFD, -1), EINVAL, "a negative floor");
	getrlimit(RLIMIT_NOFILE, &r);
	ok_errno(fcntl(fd, F_DUPFD, (int)r.rlim_cur), EINVAL, "a floor at the limit");
	r.rlim_cur = 53;
	setrlimit(RLIMIT_NOFILE, &r);
	ok_errno(fcntl(fd, F_DUPFD, 52), EMFILE, "none free below the limit");
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
	ok_errno(fcntl(777, F_DUPFD, 0), EBADF, "of one that is not open");

	ok(fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC, "F_SETFD");
	ok(fcntl(50, F_GETFD) == 0, "belongs to one descriptor, not to its copy");
	ok(fcntl(fd, F_SETFD, ~FD_CLOEXEC) == 0 && fcntl(fd, F_GETFD) == 0, "only bit 0 counts");

	ok((fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR, "F_GETFL: access mode");
	ok(!(fcntl(fd, F_GETFL) & (O_CREAT | O_TRUNC)), "creation flags are not kept");
	int sync = open("/dev/null", O_RDWR | (O_SYNC & ~O_DSYNC));

	ok((fcntl(sync, F_GETFL) & O_SYNC) == O_SYNC, "who wants all synchronous wants the data so");
	close(sync);
	ok(fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK) == 0 && (fcntl(fd, F_GETFL) & (O_APPEND | O_NONBLOCK)) == (O_APPEND | O_NONBLOCK),
	   "F_SETFL sets O_APPEND and O_NONBLOCK");
	ok(fcntl(50, F_GETFL) & O_APPEND, "of the open file: the copy has them, too");
	ok(write(fd, "abc", 3) == 3 && lseek(fd, 0, SEEK_SET) == 0 && write(50, "def", 3) == 3 && lseek(fd, 0, SEEK_CUR) == 6, "and appends");
	ok(fcntl(fd, F_SETFL, O_RDONLY | O_SYNC) == 0 && (fcntl(fd, F_GETFL) & (O_ACCMODE | O_SYNC | O_APPEND)) == O_RDWR,
	   "the access mode and O_SYNC cannot change; what is not given goes");
	ok(fcntl(fd, F_SETFL, O_NOATIME) == 0 && (fcntl(fd, F_GETFL) & O_NOATIME), "O_NOATIME");
	ok_errno(fcntl(fd, 1234, 0), EINVAL, "an unknown command");
	ok_errno(fcntl(777, F_GETFL), EBADF, "F_GETFL of none");

	ok(fcntl(p[0], F_GETOWN) == 0, "no owner at first");
	ok(fcntl(p[0], F_SETOWN, getpid()) == 0 && fcntl(p[0], F_GETOWN) == getpid(), "F_SETOWN");
	ok(fcntl(p[0], F_SETOWN, -getpgrp()) == 0 && fcntl(p[0], F_GETOWN_EX, &ex) == 0 && ex.type == F_OWNER_PGRP && ex.pid == getpgrp(),
	   "a negative one is a process group");
	ex = (struct f_owner_ex){ F_OWNER_TID, getpid() };
	ok(fcntl(p[0], F_SETOWN_EX, &ex) == 0 && fcntl(p[0], F_GETOWN) == getpid(), "F_SETOWN_EX of a thread");
	ex.type = 9;
	ok_errno(fcntl(p[0], F_SETOWN_EX, &ex), EINVAL, "an unknown kind of owner");
	s = socket(AF_UNIX, SOCK_STREAM, 0);
	who = -getpgrp();
	ok(ioctl(s, FIOSETOWN, &who) == 0 && fcntl(s, F_GETOWN) == who, "FIOSETOWN of a socket");
	who = getpid();
	ok(ioctl(s, SIOCSPGRP, &who) == 0 && (who = 0, ioctl(s, FIOGETOWN, &who)) == 0 && who == getpid() && ioctl(s, SIOCGPGRP, &who) == 0 && who == getpid(), "and FIOGETOWN");
	who = 0x3fffffff;
	ok_errno(ioctl(s, FIOSETOWN, &who), ESRCH, "nobody's");
	ok_errno(ioctl(s, FIOSETOWN, NULL), EFAULT, "a bad address");
	ok_errno(ioctl(p[0], FIOGETOWN, &who), ENOTTY, "a pipe has none of that");
	close(s);
	s = open("made", O_RDWR | O_CREAT, 0600);
	if (fcntl(s, F_CREATED_QUERY) >= 0 || errno != EINVAL)	/* since Linux 6.12 */
		ok(fcntl(s, F_CREATED_QUERY) == 1 && fcntl(open("made", O_RDWR | O_CREAT, 0600), F_CREATED_QUERY) == 0 && fcntl(open("made", O_PATH), F_CREATED_QUERY) == 0,
		   "which open made the file");
	ok_errno(fcntl(p[0], F_SETOWN, 0x3fffffff), ESRCH, "an owner that does not exist");
	ok(fcntl(p[0], F_SETOWN, 0) == 0 && fcntl(p[0], F_GETOWN) == 0, "0 takes it away");
	ok(fcntl(p[0], F_GETSIG) == 0 && fcntl(p[0], F_SETSIG, SIGUSR1) == 0 && fcntl(p[0], F_GETSIG) == SIGUSR1, "F_SETSIG");
	ok_errno(fcntl(p[0], F_SETSIG, 65), EINVAL, "not a signal");

	ok_errno(fcntl(fd, F_GETPIPE_SZ), EBADF, "F_GETPIPE_SZ of a file");
	ok(fcntl(p[0], F_SETPIPE_SZ, 1) == 4096 && fcntl(p[1], F_GETPIPE_SZ) == 4096, "a pipe is at least a page");
	fd2 = open("f", O_PATH);
	ok_errno(fcntl(fd2, F_SETFL, O_APPEND), EBADF, "F_SETFL of an O_PATH descriptor");
	ok((fcntl(fd2, F_GETFL) & O_PATH) && fcntl(fd2, F_DUPFD, 60) >= 60, "but F_GETFL and F_DUPFD work");
	return done();
}
