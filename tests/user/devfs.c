/* SPDX-License-Identifier: MIT */
/* /dev: null, zero, full, random, links to the descriptors. */
#include "harness.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	void *volatile nowhere = (void *)8;
	char buf[4096], other[4096];
	int fd, n, pid, status, diff = 0;
	char *p;

	fd = open("/dev/null", O_RDWR);
	ok(fd >= 0 && write(fd, buf, 100) == 100 && read(fd, buf, 100) == 0, "null swallows, and is empty");
	ok(lseek(fd, 100, SEEK_SET) == 0, "null seeks to nowhere");
	fd = open("/dev/zero", O_RDWR);
	memset(buf, 1, sizeof(buf));
	ok(read(fd, buf, sizeof(buf)) == sizeof(buf), "zero gives all that is asked for");
	for (n = 0; n < (int)sizeof(buf); n++)
		diff |= buf[n];
	ok(diff == 0 && write(fd, buf, 10) == 10, "zeros, and swallows");
	p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	ok(p != MAP_FAILED && p[0] == 0 && p[8191] == 0 && (p[100] = 1) == 1, "a private mapping of zero is memory");
	fd = open("/dev/full", O_RDWR);
	ok_errno(write(fd, buf, 1), ENOSPC, "full is full");
	ok(read(fd, buf, 10) == 10 && buf[9] == 0, "and reads zeros");
	for (n = 0; n < 2; n++) {
		fd = open(n ? "/dev/urandom" : "/dev/random", O_RDWR);
		ok(read(fd, buf, 1000) == 1000 && read(fd, other, 1000) == 1000 && memcmp(buf, other, 1000), "%srandom is never the same", n ? "u" : "");
		ok(write(fd, buf, 100) == 100, "and takes more entropy");
		close(fd);
	}
	ok_errno(read(open("/dev/zero", O_RDONLY), nowhere, 10), EFAULT, "a bad address");
	fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0600);
	dup2(fd, 50);
	fd = open("/dev/fd/50", O_RDWR);
	ok(fd >= 0 && write(fd, "x", 1) == 1 && pread(50, buf, 1, 0) == 1 && buf[0] == 'x', "/dev/fd/N");
	dup2(50, 0);
	ok(open("/dev/stdin", O_RDONLY) >= 0, "/dev/stdin");
	ok(open("/dev/stderr", O_WRONLY) >= 0 || errno == ENXIO || errno == EACCES, "/dev/stderr");
	ok(access("/dev/pts", F_OK) == 0 && access("/dev/shm", W_OK) == 0 && access("/dev/ptmx", R_OK | W_OK) == 0, "pts, shm, ptmx");
	pid = fork();
	if (pid == 0) {
		setsid();
		_exit(open("/dev/tty", O_RDWR) == -1 ? errno : 0);
	}
	waitpid(pid, &status, 0);
	ok(access("/dev/tty", F_OK) == 0 && WEXITSTATUS(status) == ENXIO, "tty, of a process that has none");
	return done();
}
