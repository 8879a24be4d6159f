/* SPDX-License-Identifier: MIT */
/* Which operation changes which time stamp; nanoseconds are kept; utimensat. */
#include "harness.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static struct stat last;
/* And wait until another stamp would be given: they are of the last tick. */
static void snap(const char *name)
{
	struct timespec t = { 0, 12 * 1000000 }, tick;

	stat(name, &last);
	do {
		nanosleep(&t, NULL);
		clock_gettime(CLOCK_REALTIME_COARSE, &tick);
	} while (tick.tv_sec == last.st_ctim.tv_sec && tick.tv_nsec <= last.st_ctim.tv_nsec);
}
static int same(struct timespec a, struct timespec b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; }
#define CHECK(name, m, c, what) do { struct stat now_; stat(name, &now_); \
	ok(same(now_.st_mtim, last.st_mtim) == !(m) && same(now_.st_ctim, last.st_ctim) == !(c), "%s: mtime %s, ctime %s", what, \
		(m) ? "changes" : "stays", (c) ? "changes" : "stays"); } while (0)

int main(void)
{
	struct timespec ts[2] = { { 1000000000, 123456789 }, { 1500000000, 987654321 } };
	struct stat st;
	int fd = open("f", O_RDWR | O_CREAT, 0644);
	char c;

	plan(16);
	mkdir("d", 0755);
	snap("f");
	CHECK("f", 0, 0, "nothing");
	write(fd, "x", 1);
	CHECK("f", 1, 1, "write");
	snap("f");
	pread(fd, &c, 1, 0);
	CHECK("f", 0, 0, "read");
	snap("f");
	fchmod(fd, 0600);
	CHECK("f", 0, 1, "chmod");
	snap("f");
	ftruncate(fd, 100);
	CHECK("f", 1, 1, "truncate");
	snap("f");
	link("f", "g");
	CHECK("f", 0, 1, "link");
	snap("f");
	rename("g", "h");
	CHECK("f", 0, 1, "rename of a link");
	snap("f");
	unlink("h");
	CHECK("f", 0, 1, "unlink of a link");
	snap("d");
	close(open("d/x", O_CREAT | O_WRONLY, 0644));
	CHECK("d", 1, 1, "create in a directory");
	snap("d");
	rename("d/x", "d/y");
	CHECK("d", 1, 1, "rename in a directory");
	snap("d");
	unlink("d/y");
	CHECK("d", 1, 1, "unlink in a directory");
	ok(futimens(fd, ts) == 0 && fstat(fd, &st) == 0 && same(st.st_atim, ts[0]) && same(st.st_mtim, ts[1]), "nanoseconds are kept");
	ts[0].tv_nsec = UTIME_OMIT;
	ts[1].tv_nsec = UTIME_NOW;
	ok(futimens(fd, ts) == 0 && fstat(fd, &st) == 0 && st.st_atim.tv_sec == 1000000000 && st.st_mtim.tv_sec > 1500000000, "OMIT and NOW");
	ts[0].tv_nsec = 1000000000;
	ok_errno(futimens(fd, ts), EINVAL, "bad nanoseconds");
	ts[0] = (struct timespec){ -5, 7 };
	ts[1] = (struct timespec){ 4000000000ll, 9 };
	ok(futimens(fd, ts) == 0 && fsync(fd) == 0 && fstat(fd, &st) == 0 && st.st_atim.tv_sec == -5 && st.st_mtim.tv_sec == 4000000000ll,
		"before 1970 and after 2038");
	ok_errno(utimensat(AT_FDCWD, "none", NULL, 0), ENOENT, "of nothing");
	return done();
}
