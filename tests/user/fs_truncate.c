/* SPDX-License-Identifier: MIT */
/* truncate(2), ftruncate(2): shorter, longer, what is read behind, partial blocks, blocks given back, permissions and refusals in their order. */
#include "harness.h"
#include "child.h"
#include <sys/mman.h>
#include <sys/stat.h>

static char buf[65536], zero[65536];
static struct stat st;

int main(void)
{
	int fd, p[2];
	blkcnt_t full;
	char *m;
	struct timespec old[2] = { { 1000, 0 }, { 1000, 0 } };

	plan(29);
	umask(0);
	fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0666);
	memset(buf, 'x', sizeof(buf));
	if (write(fd, buf, sizeof(buf)) != sizeof(buf) || fsync(fd))
		bail("write");
	fstat(fd, &st);
	full = st.st_blocks;
	ok(ftruncate(fd, 5000) == 0 && fstat(fd, &st) == 0 && st.st_size == 5000, "shorter");
	ok(st.st_blocks < full, "blocks are given back (%ld of %ld)", (long)st.st_blocks, (long)full);
	ok(pread(fd, buf, 100, 4950) == 50, "the end is there");
	ok(ftruncate(fd, 10000) == 0 && fstat(fd, &st) == 0 && st.st_size == 10000, "longer");
	ok(pread(fd, buf, 5000, 5000) == 5000 && !memcmp(buf, zero, 5000), "zeroes, not what was there");
	ok(pread(fd, buf, 1, 4999) == 1 && buf[0] == 'x', "before that it is as it was");
	ok(truncate("f", 1) == 0 && stat("f", &st) == 0 && st.st_size == 1, "by name");
	ok(truncate("f", 0) == 0 && stat("f", &st) == 0 && st.st_size == 0 && st.st_blocks == 0, "to nothing: no blocks");
	ok(ftruncate(fd, 1LL << 30) == 0 && fstat(fd, &st) == 0 && st.st_size == 1LL << 30 && st.st_blocks < 64, "a gigabyte of hole");
	ok(pread(fd, buf, 100, (1LL << 30) - 50) == 50 && !memcmp(buf, zero, 50), "that reads as zeroes");
	ok(ftruncate(fd, 8192) == 0, "back");
	m = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	memset(m, 'm', 8192);
	ok(ftruncate(fd, 100) == 0 && m[99] == 'm' && m[100] == 0 && m[4095] == 0, "a mapping sees zeroes behind the end");
	m[200] = 'q';
	ok(ftruncate(fd, 4096) == 0 && pread(fd, buf, 1, 200) == 1, "what a mapping wrote behind the end");
	ok(buf[0] == 0 || buf[0] == 'q', "is nobody's business until then");
	munmap(m, 8192);
	ok(lseek(fd, 50, SEEK_SET) == 50 && ftruncate(fd, 10) == 0 && lseek(fd, 0, SEEK_CUR) == 50, "the position stays");
	futimens(fd, old);
	ok(ftruncate(fd, 10) == 0 && fstat(fd, &st) == 0 && st.st_mtime > 1000, "ftruncate to the same size sets mtime");
	futimens(fd, old);
	ok(truncate("f", 9) == 0 && fstat(fd, &st) == 0 && st.st_mtime > 1000, "truncate to another");
	chmod("f", 06777);
	ok(in_child(setgid(1234) || setuid(1234) || truncate("f", 5)) == 0 && stat("f", &st) == 0 && (st.st_mode & 07777) == 0777, "set-id bits go");

	ok_errno(ftruncate(fd, -1), EINVAL, "a negative size");
	ok_errno(truncate("f", -1), EINVAL, "by name");
	ok_errno(truncate("no", -1), EINVAL, "which is looked at before the name");
	ok_errno(ftruncate(open("f", O_RDONLY), 0), EINVAL, "opened for reading");
	ok_errno(ftruncate(777, 0), EBADF, "not open");
	if (pipe(p))
		bail("pipe");
	ok_errno(ftruncate(p[1], 0), EINVAL, "a pipe");
	ok_errno(ftruncate(open(".", O_RDONLY), 0), EINVAL, "a directory's descriptor");
	ok_errno(truncate(".", 0), EISDIR, "a directory's name");
	chmod("f", 0444);
	ok(in_child(setgid(1234) || setuid(1234) || !(truncate("f", 0) == -1 && errno == EACCES)) == 0, "no permission");
	ok_errno(ftruncate(open("f", O_PATH), 0), EBADF, "O_PATH");
	ok_errno(truncate("/proc/self/exe", 0), ETXTBSY, "a running program");
	return done();
}
