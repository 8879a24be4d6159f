/* SPDX-License-Identifier: MIT */
/* Blocks come and go: many files written side by side keep their contents; st_blocks and statfs agree; all is freed. */
#include "harness.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { FILES = 16, ROUNDS = 40, CHUNK = 3000 };

static void fill(char *p, int file, int round)
{
	for (int i = 0; i < CHUNK; i++)
		p[i] = (char)(file * 31 + round * 7 + i);
}

int main(void)
{
	char name[32], buf[CHUNK], want[CHUNK];
	struct statvfs before, during, after;
	struct stat st;
	int fd[FILES], good = 1;

	plan(9);
	sync();
	ok(statvfs(".", &before) == 0 && before.f_bsize > 0 && before.f_bfree <= before.f_blocks, "statvfs");
	for (int i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		fd[i] = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
		good &= fd[i] >= 0;
	}
	ok(good, "%d files", FILES);
	for (int r = 0; r < ROUNDS; r++)
		for (int i = 0; i < FILES; i++) {
			fill(buf, i, r);
			good &= write(fd[i], buf, CHUNK) == CHUNK;
		}
	ok(good, "written side by side");
	for (int i = 0; i < FILES; i++)
		good &= fsync(fd[i]) == 0;
	ok(good, "fsync");
	ok(statvfs(".", &during) == 0, "statvfs");
	for (int i = 0; i < FILES; i++) {
		good &= fstat(fd[i], &st) == 0 && st.st_size == ROUNDS * CHUNK && st.st_blocks * 512 >= st.st_size;
		posix_fadvise(fd[i], 0, 0, POSIX_FADV_DONTNEED);
	}
	ok(good, "sizes and block counts");
	for (int i = 0; i < FILES; i++)
		for (int r = 0; r < ROUNDS; r++) {
			fill(want, i, r);
			good &= pread(fd[i], buf, CHUNK, (off_t)r * CHUNK) == CHUNK && memcmp(buf, want, CHUNK) == 0;
		}
	ok(good, "contents");
	for (int i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		good &= unlink(name) == 0;
		close(fd[i]);
	}
	ok(good, "unlinked");
	sync();
	ok(statvfs(".", &after) == 0 && (access("/proc/sys/kernel/poweroff_status", F_OK) != 0 || after.f_bfree >= before.f_bfree),
		"as many blocks free as before (%lld, were %lld)", (long long)after.f_bfree, (long long)before.f_bfree);
	return done();
}
