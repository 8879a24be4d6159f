/* SPDX-License-Identifier: MIT */
/* read(2) of a file: short at the end, nothing behind it, across blocks and pages, into bad memory, of a directory; what another descriptor writes is seen. */
#include "harness.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static unsigned char big[20000], back[20000];

int main(void)
{
	char *edge;
	struct stat before, after;
	int fd, fd2, same = 1;
	ssize_t n;
	size_t total = 0;

	plan(24);
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (unsigned char)(i * 31 + i / 256);
	fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0644);
	ok(fd >= 0 && read(fd, back, 10) == 0, "an empty file: end at once");
	if (write(fd, big, sizeof(big)) != sizeof(big))
		bail("write");
	ok(read(fd, back, 10) == 0, "at the end: nothing");
	lseek(fd, 0, SEEK_SET);
	ok(read(fd, back, sizeof(back)) == sizeof(back) && !memcmp(big, back, sizeof(big)), "all of it");
	lseek(fd, 0, SEEK_SET);
	for (int step = 1; (n = read(fd, back, (size_t)step)) > 0; step = step * 3 % 4999 + 1) {
		same &= !memcmp(back, big + total, (size_t)n);
		total += (size_t)n;
	}
	ok(same && total == sizeof(big), "in pieces of odd sizes");
	ok(lseek(fd, 4090, SEEK_SET) == 4090 && read(fd, back, 12) == 12 && !memcmp(back, big + 4090, 12), "across a page border");
	ok(lseek(fd, -5, SEEK_END) == 19995 && read(fd, back, 100) == 5 && lseek(fd, 0, SEEK_CUR) == 20000, "short at the end; the position is the end");
	ok(lseek(fd, 1000000, SEEK_SET) == 1000000 && read(fd, back, 1) == 0, "far behind the end");
	ok(read(fd, back, 0) == 0, "nothing asked");
	lseek(fd, 0, SEEK_SET);
	edge = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mprotect(edge + 4096, 4096, PROT_NONE);
	n = read(fd, edge + 4000, 200);
	ok(n > 0 && n <= 96 && !memcmp(edge + 4000, big, (size_t)n), "a buffer of which only a part is there: that part (%zd)", n);
	ok(lseek(fd, 0, SEEK_CUR) == n, "and the position moved by it");
	ok_errno(read(fd, edge + 4096, 10), EFAULT, "one that is not there at all");
	ok(lseek(fd, 0, SEEK_CUR) == n, "moves nothing");
	mprotect(edge, 4096, PROT_READ);
	lseek(fd, 0, SEEK_SET);
	ok_errno(read(fd, edge, 10), EFAULT, "read-only memory");
	char *volatile wild = (char *)-4096l;
	ok_errno(read(fd, wild, 10), EFAULT, "the kernel's half of the addresses");
	ok_errno(read(open("f", O_WRONLY), back, 1), EBADF, "opened for writing only");
	ok_errno(read(open(".", O_RDONLY), back, 1), EISDIR, "a directory");
	ok_errno(read(open("f", O_PATH), back, 1), EBADF, "O_PATH");
	ok_errno(read(-1, back, 1), EBADF, "-1");
	/* Two opens have positions of their own, two copies one. */
	fd2 = open("f", O_RDWR);
	ok(pwrite(fd2, "NEW", 3, 100) == 3 && lseek(fd, 100, SEEK_SET) == 100 && read(fd, back, 3) == 3 && !memcmp(back, "NEW", 3),
	   "what one descriptor writes, the other reads");
	ok(lseek(fd2, 0, SEEK_CUR) == 0, "each open has its position");
	fd2 = dup(fd);
	ok(lseek(fd2, 7, SEEK_SET) == 7 && lseek(fd, 0, SEEK_CUR) == 7, "a copy shares it");
	unlink("f");
	ok(read(fd, back, 3) == 3 && !memcmp(back, big + 7, 3), "an unlinked file can be read");
	fstat(fd, &before);
	fd2 = open("/proc/self/exe", O_RDONLY | O_NOATIME);
	ok(fd2 >= 0 && read(fd2, back, 4) == 4 && !memcmp(back, "\177ELF", 4), "the running program");
	fd2 = open("/dev/full", O_RDWR);
	ok(read(fd2, back, 100) == 100 && back[50] == 0 && fstat(fd, &after) == 0 && after.st_nlink == 0, "/dev/full reads zeroes");
	return done();
}
