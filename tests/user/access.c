/* SPDX-License-Identifier: MIT */
/* access(2) asks with the real ids, faccessat2 with AT_EACCESS with the effective; root may all but execute what nobody may. */
#include "harness.h"
#include "child.h"
#include <sys/stat.h>

static int err(int r) { return r ? errno : 0; }
static int faccessat2_(const char *p, int mode, int flags) { return (int)syscall(439, AT_FDCWD, p, mode, flags); }


int main(void)
{
	int fd;

	plan(30);
	umask(0);
	close(open("none", O_CREAT | O_RDWR, 0000));
	close(open("r", O_CREAT | O_RDWR, 0444));
	close(open("x", O_CREAT | O_RDWR, 0711));
	close(open("own", O_CREAT | O_RDWR, 0));
	close(open("group", O_CREAT | O_RDWR, 0));
	mkdir("closed", 0700);
	close(open("closed/f", O_CREAT | O_RDWR, 0777));
	if (chown("own", 1234, 1234) || chmod("own", 0477) || chown("group", 0, 1234) || chmod("group", 0727))
		bail("chown");
	symlink("no", "dangling");
	ok(access("none", F_OK) == 0, "it exists");
	ok(access("none", R_OK | W_OK) == 0, "root reads and writes everything");
	ok_errno(access("none", X_OK), EACCES, "but executes nothing that nobody may");
	ok(access("x", X_OK) == 0, "one who may is enough");
	ok(access("closed", R_OK | W_OK | X_OK) == 0, "a directory");
	ok_errno(access("no", F_OK), ENOENT, "nothing");
	ok_errno(access("none/x", F_OK), ENOTDIR, "below a file");
	ok_errno(access("dangling", F_OK), ENOENT, "a dangling link is followed");
	ok(faccessat2_("dangling", F_OK, AT_SYMLINK_NOFOLLOW) == 0, "unless told otherwise");
	ok_errno(access("r", 8), EINVAL, "an unknown mode");
	ok_errno(access("no", 8), EINVAL, "looked at before the name");
	ok_errno(faccessat2_("r", F_OK, 0x8000), EINVAL, "unknown flags");
	char *volatile bad = (char *)8;
	ok_errno(access(bad, F_OK), EFAULT, "a bad address");
	ok_errno(faccessat(777, "r", F_OK, 0), EBADF, "a bad directory");
	fd = open("closed/f", O_PATH);
	ok(syscall(439, fd, "", X_OK, AT_EMPTY_PATH) == 0, "AT_EMPTY_PATH of an O_PATH descriptor");

#define AS(code) in_child(setgid(1234) || setuid(1234) ? 99 : (code))
	ok(AS(err(access("none", R_OK))) == EACCES, "a user: no right at all");
	ok(AS(err(access("none", F_OK))) == 0, "but it exists");
	ok(AS(err(access("r", R_OK))) == 0, "everybody reads");
	ok(AS(err(access("r", W_OK))) == EACCES, "nobody writes");
	ok(AS(err(access("r", R_OK | W_OK))) == EACCES, "all that is asked for is needed");
	ok(AS(err(access("own", R_OK))) == 0, "the owner's bits");
	ok(AS(err(access("own", W_OK))) == EACCES, "are the owner's only ones");
	ok(AS(err(access("group", W_OK))) == 0, "the group's");
	ok(AS(err(access("group", X_OK))) == EACCES, "are the group's only ones");
	ok(AS(err(access("closed/f", F_OK))) == EACCES, "a directory that cannot be searched");
	/* Real against effective. */
	ok(in_child(setresgid(1234, 1234, 0) || setresuid(1234, 0, 0) ? 99 : err(access("none", R_OK))) == EACCES, "real user, effective root: access says no");
	ok(in_child(setresgid(1234, 0, 0) || setresuid(1234, 0, 0) ? 99 : err(faccessat2_("none", R_OK, AT_EACCESS))) == 0, "AT_EACCESS says yes");
	ok(in_child(setresgid(0, 1234, 0) || setresuid(0, 1234, 0) ? 99 : err(access("none", R_OK))) == 0, "real root, effective user: access says yes");
	ok(in_child(setresgid(0, 1234, 0) || setresuid(0, 1234, 0) ? 99 : err(faccessat2_("none", R_OK, AT_EACCESS))) == EACCES, "AT_EACCESS says no");
	ok(in_child(setresgid(0, 1234, 0) || setresuid(0, 1234, 0) ? 99 : open("none", O_RDONLY) < 0 ? errno : 0) == EACCES, "as does open");
	return done();
}
