/* SPDX-License-Identifier: MIT */
/* write(2) to files: extends, overwrites, appends from two openers, holes, size limits with SIGXFSZ, full devices, times and set-id bits. */
#include "harness.h"
#include "child.h"
#include <sys/resource.h>
#include <sys/stat.h>

static volatile sig_atomic_t xfsz;
static void on_xfsz(int sig) { xfsz++; }
static off_t size_of(const char *p) { struct stat st; return stat(p, &st) ? -1 : st.st_size; }

static int limits(void)
{
	struct rlimit r = { 1000, 1000 };
	int fd = open("limited", O_RDWR | O_CREAT | O_TRUNC, 0600);
	static char b[2000];

	signal(SIGXFSZ, on_xfsz);
	setrlimit(RLIMIT_FSIZE, &r);
	if (write(fd, b, 600) != 600 || xfsz)
		return 1;
	if (write(fd, b, 600) != 400 || xfsz)
		return 2;
	if (write(fd, b, 1) != -1 || errno != EFBIG || xfsz != 1)
		return 3;
	if (ftruncate(fd, 1001) != -1 || errno != EFBIG || xfsz != 2)
		return 4;
	if (pwrite(fd, b, 10, 500) != 10)
		return 5;
	if (write(fd, b, 0) != 0)
		return 6;
	signal(SIGXFSZ, SIG_DFL);
	(void)!write(fd, b, 1);
	return 7;
}

int main(void)
{
	char buf[64];
	int fd, fd2, fd3, st;
	struct stat s, t;

	plan(25);
	umask(0);
	fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0644);
	ok(write(fd, "hello", 5) == 5 && size_of("f") == 5, "extends");
	ok(lseek(fd, 1, SEEK_SET) == 1 && write(fd, "ipp", 3) == 3 && size_of("f") == 5, "overwrites");
	ok(pread(fd, buf, 64, 0) == 5 && !memcmp(buf, "hippo", 5), "in place");
	ok(lseek(fd, 100, SEEK_SET) == 100 && write(fd, "!", 1) == 1 && size_of("f") == 101, "behind the end");
	ok(pread(fd, buf, 10, 50) == 10 && !memcmp(buf, "\0\0\0\0\0\0\0\0\0\0", 10), "the gap reads as zeroes");
	ok(lseek(fd, 1000, SEEK_SET) == 1000 && write(fd, "", 0) == 0 && size_of("f") == 101, "nothing written, nothing grown");
	fd2 = open("f", O_WRONLY | O_APPEND);
	fd3 = open("f", O_WRONLY | O_APPEND);
	ok(write(fd2, "a", 1) == 1 && write(fd3, "b", 1) == 1 && write(fd2, "c", 1) == 1, "two that append");
	ok(pread(fd, buf, 3, 101) == 3 && !memcmp(buf, "abc", 3), "one behind the other");
	ok(lseek(fd2, 0, SEEK_SET) == 0 && write(fd2, "d", 1) == 1 && lseek(fd2, 0, SEEK_CUR) == 105, "wherever they seek");
	ok(pread(fd, buf, 1, 0) == 1 && buf[0] == 'h', "the start is as it was");
	ok_errno(write(open("f", O_RDONLY), "x", 1), EBADF, "opened for reading");
	char *volatile bad = (char *)8;
	lseek(fd, 10, SEEK_SET);
	ok_errno(write(fd, bad, 4), EFAULT, "bad memory");
	ok(size_of("f") == 105, "grows nothing");
	ok(in_child(limits()) == 1000 + SIGXFSZ, "RLIMIT_FSIZE: a part, then EFBIG and SIGXFSZ, which kills");
	ok(size_of("limited") == 1000, "the file has the limit's size");
	fd3 = open("/dev/full", O_WRONLY);
	ok_errno(write(fd3, "x", 1), ENOSPC, "/dev/full");
	/* set-id bits go when somebody without privilege writes. */
	fd3 = open("suid", O_RDWR | O_CREAT, 0755);
	chmod("suid", 06777);
	st = in_child(setgid(1234) || setuid(1234) || write(open("suid", O_WRONLY), "x", 1) != 1);
	ok(st == 0 && stat("suid", &s) == 0 && (s.st_mode & 07777) == 0777, "a stranger's write takes the set-id bits away");
	chmod("suid", 06777);
	ok(write(fd3, "x", 1) == 1 && stat("suid", &s) == 0 && (s.st_mode & 07777) == 06777, "root's does not");
	/* mtime and ctime move, atime does not. */
	struct timespec old[2] = { { 1000, 0 }, { 1000, 0 } };
	futimens(fd, old);
	fstat(fd, &s);
	ok(pwrite(fd, "H", 1, 0) == 1 && fstat(fd, &t) == 0 && t.st_mtime > 1000 && t.st_atime == 1000, "a write sets mtime, not atime");
	futimens(fd, old);
	lseek(fd, 1000, SEEK_SET);
	ok(write(fd, "", 0) == 0 && fstat(fd, &t) == 0 && t.st_mtime == 1000, "a write of nothing sets none");
	ok(ftruncate(fd, 0) == 0 && size_of("f") == 0 && lseek(fd, 0, SEEK_CUR) == 1000, "cut to nothing, the position stays");
	ok(write(fd, "z", 1) == 1 && size_of("f") == 1001, "so the next write leaves a hole");
	ok(pread(fd, buf, 5, 0) == 5 && !memcmp(buf, "\0\0\0\0\0", 5), "of zeroes, not of old data");
	close(fd);
	fd = open("f", O_WRONLY | O_TRUNC);
	ok(fd >= 0 && size_of("f") == 0, "O_TRUNC");
	fd = open("sync", O_RDWR | O_CREAT | O_SYNC, 0600);
	ok(write(fd, "durable", 7) == 7 && fsync(fd) == 0 && fdatasync(fd) == 0, "O_SYNC, fsync, fdatasync");
	return done();
}
