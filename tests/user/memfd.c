/* SPDX-License-Identifier: MIT */
/* memfd_create(2), file seals, /dev/shm. */
#include "harness.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int main(void)
{
	char link[300], name[64], buf[16];
	struct stat st;
	char *p, *q;
	int fd, n;

	fd = memfd_create("thing", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	ok(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC, "memfd_create");
	ok(fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0 && st.st_nlink == 0, "an empty file without a link");
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	n = (int)readlink(name, link, sizeof(link) - 1);
	link[n > 0 ? n : 0] = 0;
	ok(!strcmp(link, "/memfd:thing (deleted)"), "its name: %s", link);
	ok(ftruncate(fd, 10000) == 0 && write(fd, "hello", 5) == 5, "grows, is written");
	p = mmap(NULL, 10000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ok(p != MAP_FAILED && !memcmp(p, "hello", 5) && p[5000] == 0, "mapped");
	p[1] = 'a';
	ok(pread(fd, buf, 5, 0) == 5 && !memcmp(buf, "hallo", 5), "one memory");
	ok(lseek(fd, 0, SEEK_DATA) == 0 && lseek(fd, 0, SEEK_END) == 10000, "seek");
	ok(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096) == 0 && p[0] == 0, "a hole reads as zeros, also through the mapping");
	ok(fallocate(fd, 0, 10000, 10000) == 0 && fstat(fd, &st) == 0 && st.st_size == 20000, "fallocate grows");
	ok(fcntl(fd, F_GET_SEALS) == 0, "no seals");
	ok_errno(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY, "no write seal while it is mapped writable");
	ok(munmap(p, 10000) == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) == 0, "seal against shrinking");
	ok_errno(ftruncate(fd, 100), EPERM, "cannot shrink");
	ok(ftruncate(fd, 30000) == 0, "can grow");
	ok(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW) == 0, "seal against growing");
	ok_errno(ftruncate(fd, 40000), EPERM, "cannot grow");
	ok_errno(pwrite(fd, "x", 1, 30000), EPERM, "not by a write either");
	ok(pwrite(fd, "x", 1, 29999) == 1, "a write inside");
	ok(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) == 0, "seal against writing");
	ok_errno(pwrite(fd, "x", 1, 0), EPERM, "no write");
	ok(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED && errno == EPERM, "no shared writable mapping");
	q = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	ok(q != MAP_FAILED && (q[0] = 1) == 1, "a private one");
	ok(fcntl(fd, F_GET_SEALS) == (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE), "the seals");
	ok(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL) == 0, "the last seal");
	ok_errno(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EPERM, "then none");
	fd = memfd_create("plain", 0);
	ok(fcntl(fd, F_GET_SEALS) == F_SEAL_SEAL, "without MFD_ALLOW_SEALING: sealed");
	ok_errno(memfd_create("x", 0x1000), EINVAL, "an unknown flag");
	ok_errno(fcntl(open("f", O_RDWR | O_CREAT, 0600), F_GET_SEALS), EINVAL, "a file of a disk has no seals");
	fd = open("/dev/shm/test-shm", O_RDWR | O_CREAT | O_EXCL, 0600);
	ok(fd >= 0 && ftruncate(fd, 4096) == 0 && unlink("/dev/shm/test-shm") == 0, "/dev/shm");
	return done();
}
