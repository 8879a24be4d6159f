/* SPDX-License-Identifier: MIT */
/* pipe(7): data, end of file, capacity, atomic writes, FIONREAD, sizes, packets, descriptors and their errors. */
#include "harness.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void *volatile bad = (void *)8;
static char big[65536 * 2];

int main(void)
{
	char buf[8192];
	struct stat st;
	int p[2], n;

	signal(SIGPIPE, SIG_IGN);
	ok(pipe(p) == 0, "pipe");
	ok(fstat(p[0], &st) == 0 && S_ISFIFO(st.st_mode), "it is a FIFO");
	ok((fcntl(p[0], F_GETFL) & O_ACCMODE) == O_RDONLY && (fcntl(p[1], F_GETFL) & O_ACCMODE) == O_WRONLY, "one end reads, one writes");
	ok(!(fcntl(p[0], F_GETFD) & FD_CLOEXEC), "not close-on-exec");
	ok(write(p[1], "hello", 5) == 5 && write(p[1], " world", 6) == 6, "writes");
	ok(ioctl(p[0], FIONREAD, &n) == 0 && n == 11, "FIONREAD says 11");
	ok(read(p[0], buf, 4) == 4 && !memcmp(buf, "hell", 4), "a short read");
	ok(read(p[0], buf, sizeof(buf)) == 7 && !memcmp(buf, "o world", 7), "the rest across both writes");
	ok_errno(write(p[0], "x", 1), EBADF, "write to the read end");
	ok_errno(read(p[1], buf, 1), EBADF, "read from the write end");
	ok_errno(lseek(p[0], 0, SEEK_SET), ESPIPE, "lseek");
	ok_errno(pread(p[0], buf, 1, 0), ESPIPE, "pread");
	ok(read(p[0], buf, 0) == 0, "read of nothing does not wait");
	ok_errno(pipe(bad), EFAULT, "bad address");
	ok_errno(pipe2(p, 0x40), EINVAL, "bad flags");

	fcntl(p[0], F_SETFL, O_NONBLOCK);
	fcntl(p[1], F_SETFL, O_NONBLOCK);
	ok_errno(read(p[0], buf, 1), EAGAIN, "empty and non-blocking");
	ok(fcntl(p[1], F_GETPIPE_SZ) == 65536, "64 KiB");
	ok(write(p[1], big, sizeof(big)) == 65536, "takes 64 KiB and no more");
	ok_errno(write(p[1], big, 1), EAGAIN, "full");
	ok(read(p[0], buf, 100) == 100, "room for 100 bytes, but no page of it");
	ok_errno(write(p[1], big, 4096), EAGAIN, "a write of PIPE_BUF is all or nothing");
	ok(read(p[0], buf, 4096 - 100) == 4096 - 100, "the rest of that page");
	ok(write(p[1], big, 4096) == 4096, "now it fits");
	ok_errno(fcntl(p[1], F_SETPIPE_SZ, 4096), EBUSY, "cannot shrink below the contents");
	ok(fcntl(p[1], F_SETPIPE_SZ, 100000) == 131072, "sizes are rounded up to a power of two of pages");
	ok(write(p[1], big, sizeof(big)) == 65536, "and there is room for as much again");
	for (n = 0; read(p[0], buf, sizeof(buf)) > 0;)
		n++;
	ok(errno == EAGAIN && n == 16, "drained in 16 reads of two pages (%d)", n);
	close(p[1]);
	ok(read(p[0], buf, 1) == 0, "end of file when the writer is gone");
	close(p[0]);

	ok(pipe2(p, O_DIRECT | O_NONBLOCK | O_CLOEXEC) == 0, "pipe2 with packets");
	ok((fcntl(p[0], F_GETFD) & FD_CLOEXEC) && (fcntl(p[1], F_GETFL) & O_DIRECT), "its flags");
	ok(write(p[1], "one", 3) == 3 && write(p[1], "two!", 4) == 4, "two packets");
	ok(read(p[0], buf, 100) == 3, "the first by itself");
	ok(read(p[0], buf, 2) == 2, "the second, cut");
	ok_errno(read(p[0], buf, 2), EAGAIN, "what was cut is gone");
	close(p[0]);
	ok_errno(write(p[1], "x", 1), EPIPE, "EPIPE without a reader");
	struct pollfd pf = { p[1], POLLOUT, 0 };
	ok(poll(&pf, 1, 0) == 1 && (pf.revents & POLLERR), "POLLERR without a reader");
	close(p[1]);
	return done();
}
