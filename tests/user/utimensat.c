/* SPDX-License-Identifier: MIT */
/* utimensat(2) and its relatives: exact times, now, not at all, links themselves, descriptors, who may set what. */
#include "harness.h"
#include "child.h"
#include <sys/stat.h>
#include <sys/time.h>
#include <utime.h>

static struct stat st;
static int set(const char *p, long as, long an, long ms, long mn, int flags)
{
	struct timespec t[2] = { { as, an }, { ms, mn } };

	return utimensat(AT_FDCWD, p, t, flags);
}
static int times_are(const char *p, long a, long m) { return lstat(p, &st) == 0 && st.st_atim.tv_sec == a && st.st_mtim.tv_sec == m; }

int main(void)
{
	struct timespec before, t[2];
	int fd;

	plan(31);
	umask(0);
	close(open("f", O_CREAT | O_RDWR, 0644));
	close(open("w", O_CREAT | O_RDWR, 0666));
	symlink("f", "s");
	ok(set("f", 1000, 123456789, 2000, 987654321, 0) == 0 && times_are("f", 1000, 2000), "both");
	ok(st.st_atim.tv_nsec == 123456789 && st.st_mtim.tv_nsec == 987654321, "to the nanosecond");
	clock_gettime(CLOCK_REALTIME, &before);
	ok(st.st_ctim.tv_sec >= before.tv_sec - 5, "ctime is now");
	ok(set("f", 0, UTIME_OMIT, 3000, 0, 0) == 0 && times_are("f", 1000, 3000), "UTIME_OMIT leaves one");
	ok(set("f", 0, UTIME_NOW, 0, UTIME_OMIT, 0) == 0 && lstat("f", &st) == 0 && st.st_atim.tv_sec >= before.tv_sec - 1 && st.st_mtim.tv_sec == 3000, "UTIME_NOW");
	ok(utimensat(AT_FDCWD, "f", NULL, 0) == 0 && lstat("f", &st) == 0 && st.st_mtim.tv_sec >= before.tv_sec - 1 &&
	   st.st_atim.tv_sec == st.st_mtim.tv_sec && st.st_atim.tv_nsec == st.st_mtim.tv_nsec, "NULL: both are the same now");
	lstat("f", &st);
	t[0] = st.st_ctim;
	ok(set("f", 0, UTIME_OMIT, 0, UTIME_OMIT, 0) == 0 && lstat("f", &st) == 0 && st.st_ctim.tv_nsec == t[0].tv_nsec, "both omitted: not even ctime");
	ok(set("no", 0, UTIME_OMIT, 0, UTIME_OMIT, 0) == 0 || errno == ENOENT, "and the name is hardly looked at");
	ok_errno(set("f", 0, 1000000000, 0, 0, 0), EINVAL, "too many nanoseconds");
	ok_errno(set("f", 0, -1, 0, 0, 0), EINVAL, "less than none");
	ok(set("f", -1000, 0, 100, 0, 0) == 0 && lstat("f", &st) == 0 && st.st_mtim.tv_sec == 100, "before 1970");
	ok(st.st_atim.tv_sec == -1000, "which is kept");
	set("f", 50, 0, 60, 0, 0);
	ok(set("s", 70, 0, 80, 0, 0) == 0 && times_are("f", 70, 80), "a link is followed");
	ok(set("s", 90, 0, 95, 0, AT_SYMLINK_NOFOLLOW) == 0 && times_are("s", 90, 95) && times_are("f", 70, 80), "or set itself");
	fd = open("f", O_RDONLY);
	t[0] = (struct timespec){ 11, 0 };
	t[1] = (struct timespec){ 12, 0 };
	ok(futimens(fd, t) == 0 && times_are("f", 11, 12), "futimens, opened for reading");
	ok(syscall(SYS_utimensat, fd, NULL, t, 0) == 0, "no name: the descriptor");
	ok_errno(syscall(SYS_utimensat, fd, NULL, t, 0x8000), EINVAL, "unknown flags");
	ok_errno(syscall(SYS_utimensat, AT_FDCWD, NULL, t, 0), EFAULT, "no name and no descriptor");
	ok_errno(futimens(777, t), EBADF, "not open");
	ok_errno(set("no", 1, 0, 1, 0, 0), ENOENT, "nothing");
	ok_errno(set("f/x", 1, 0, 1, 0, 0), ENOTDIR, "below a file");
	struct timespec *volatile bad = (void *)8;
	ok_errno(utimensat(AT_FDCWD, "f", bad, 0), EFAULT, "a bad address");
	struct timeval tv[2] = { { 5, 500000 }, { 6, 600000 } };
	ok(utimes("f", tv) == 0 && times_are("f", 5, 6) && st.st_mtim.tv_nsec == 600000000, "utimes");
	tv[0].tv_usec = 1000000;
	ok_errno(utimes("f", tv), EINVAL, "a million microseconds");
	struct utimbuf ub = { 21, 22 };
	ok(utime("f", &ub) == 0 && times_are("f", 21, 22) && st.st_mtim.tv_nsec == 0, "utime");
#define AS(code) in_child(setgid(1234) || setuid(1234) ? 99 : (code) ? errno : 0)
	ok(AS(set("f", 1, 0, 1, 0, 0)) == EPERM, "a stranger may not set times");
	ok(AS(utimensat(AT_FDCWD, "f", NULL, 0)) == EACCES, "nor set now, without write permission");
	ok(AS(utimensat(AT_FDCWD, "w", NULL, 0)) == 0, "with it he may");
	ok(AS(set("w", 0, UTIME_NOW, 0, UTIME_NOW, 0)) == 0, "also in other words");
	ok(AS(set("w", 0, UTIME_NOW, 0, UTIME_OMIT, 0)) == EPERM, "but not one of the two");
	ok(AS(set("w", 1, 0, 1, 0, 0)) == EPERM, "nor a time of his own");
	return done();
}
