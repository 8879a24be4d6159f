/* SPDX-License-Identifier: MIT */
/* fallocate(2): space without and with growing, punched holes, zeroed ranges, and each refusal. */
#include "harness.h"
#include "child.h"
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

enum { KEEP = 1, PUNCH = 2, COLLAPSE = 8, ZERO = 0x10, INSERT = 0x20 };
static struct stat st;
static char buf[65536], zero[65536];

int main(void)
{
	int fd, mem, p[2];
	blkcnt_t blocks;
	char *m;

	plan(27);
	fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0600);
	ok(fallocate(fd, 0, 0, 65536) == 0 && fstat(fd, &st) == 0 && st.st_size == 65536 && st.st_blocks >= 128, "space, and the file grows");
	ok(pread(fd, buf, 65536, 0) == 65536 && !memcmp(buf, zero, 65536), "that reads as zeroes");
	/* A disk whose format knows no blocks behind the end refuses it; a file system of memory does not. */
	mkdir("t", 0700);
	if (unshare(CLONE_NEWNS) == 0)
		mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	if (mount("none", "t", "tmpfs", 0, NULL))
		bail("tmpfs");
	mem = open("t/f", O_RDWR | O_CREAT, 0600);
	ok(fallocate(mem, KEEP, 0, 65536) == 0 && fstat(mem, &st) == 0 && st.st_size == 0 && st.st_blocks >= 128, "KEEP_SIZE: space behind the end");
	ok(ftruncate(mem, 0) == 0 && fstat(mem, &st) == 0 && st.st_blocks == 0, "a cut gives it back");
	memset(buf, 'x', sizeof(buf));
	if (pwrite(fd, buf, 65536, 0) != 65536 || fsync(fd))
		bail("write");
	ok(fallocate(fd, 0, 100, 100) == 0 && pread(fd, buf, 1, 150) == 1 && buf[0] == 'x', "what is there stays");
	fstat(fd, &st);
	blocks = st.st_blocks;
	ok(fallocate(fd, PUNCH | KEEP, 4096, 8192) == 0 && fstat(fd, &st) == 0 && st.st_size == 65536, "PUNCH_HOLE");
	ok(st.st_blocks < blocks, "gives blocks back (%ld of %ld)", (long)st.st_blocks, (long)blocks);
	ok(pread(fd, buf, 10000, 4000) == 10000 && buf[95] == 'x' && !memcmp(buf + 96, zero, 8192) && buf[96 + 8192] == 'x', "exactly that range reads as zeroes");
	ok(fallocate(fd, PUNCH | KEEP, 20001, 7) == 0 && pread(fd, buf, 9, 20000) == 9 && buf[0] == 'x' && !memcmp(buf + 1, zero, 7) && buf[8] == 'x', "parts of a block are zeroed");
	ok(fallocate(fd, PUNCH | KEEP, 60000, 1 << 20) == 0 && fstat(fd, &st) == 0 && st.st_size == 65536, "across the end: the size stays");
	m = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	m[30000] = 'm';
	ok(fallocate(fd, PUNCH | KEEP, 28672, 4096) == 0 && m[30000] == 0 && m[33000] == 'x', "a mapping sees the hole");
	m[30000] = 'n';
	ok(pread(fd, buf, 1, 30000) == 1 && buf[0] == 'n', "and can fill it");
	ok(lseek(fd, 0, SEEK_HOLE) == 4096 && lseek(fd, 4096, SEEK_DATA) == 12288, "SEEK_HOLE finds it");
	ok(fallocate(fd, ZERO, 40960, 4096) == 0 && pread(fd, buf, 4098, 40959) == 4098 && buf[0] == 'x' && !memcmp(buf + 1, zero, 4096) && buf[4097] == 'x', "ZERO_RANGE");
	ok(fallocate(fd, ZERO, 65000, 10000) == 0 && fstat(fd, &st) == 0 && st.st_size == 75000, "grows the file");
	ok(fallocate(fd, ZERO | KEEP, 74000, 1000) == 0 && fstat(fd, &st) == 0 && st.st_size == 75000, "KEEP_SIZE within it");
	munmap(m, 65536);

	ok_errno(fallocate(fd, PUNCH, 0, 4096), EOPNOTSUPP, "a hole without KEEP_SIZE");
	ok_errno(fallocate(fd, 0x8000, 0, 4096), EOPNOTSUPP, "an unknown mode");
	ok_errno(fallocate(fd, 0, -1, 10), EINVAL, "a negative offset");
	ok_errno(fallocate(fd, 0, 0, 0), EINVAL, "no length");
	ok_errno(fallocate(fd, 0, 0x7fffffffffffff00, 0x1000), EFBIG, "an end that overflows");
	ok_errno(fallocate(open("f", O_RDONLY), 0, 0, 10), EBADF, "opened for reading");
	if (pipe(p))
		bail("pipe");
	ok_errno(fallocate(p[1], 0, 0, 10), ESPIPE, "a pipe");
	ok_errno(fallocate(open(".", O_RDONLY), 0, 0, 10), EBADF, "a directory's descriptor is not for writing");
	ok_errno(fallocate(open("/dev/null", O_RDWR), 0, 0, 10), ENODEV, "a device");
	signal(SIGXFSZ, SIG_IGN);
	ok(in_child(setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 80000, 80000 }) || !(fallocate(fd, 0, 0, 90000) == -1 && errno == EFBIG)) == 0, "RLIMIT_FSIZE");
	ok(in_child(setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 80000, 80000 }) || fallocate(fd, PUNCH | KEEP, 0, 70000)) == 0, "is not for holes");
	close(mem);
	umount("t");
	return done();
}
