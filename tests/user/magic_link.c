/* SPDX-License-Identifier: MIT */
/* Links of /proc in the middle of a path: what comes behind them is walked as ever (proc(5), path_resolution(7)). */
#include "harness.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

int main(void)
{
	struct stat a, b;
	char buf[16] = "";
	int fd;

	plan(6);
	fd = open("file", O_RDWR | O_CREAT, 0600);
	if (fd < 0 || write(fd, "contents", 8) != 8 || symlink("file", "link"))
		bail("set-up");
	ok(!stat("/proc/self/cwd/file", &a) && S_ISREG(a.st_mode), "a file behind /proc/self/cwd");
	ok(!stat("/proc/self/cwd/link", &b) && b.st_ino == a.st_ino, "a symbolic link behind it is followed");
	ok(!lstat("/proc/self/cwd/link", &b) && S_ISLNK(b.st_mode), "or seen, by lstat");
	fd = open("/proc/self/cwd/link", O_RDONLY);
	ok(fd >= 0 && read(fd, buf, sizeof(buf)) == 8 && !strcmp(buf, "contents"), "open follows it, too");
	ok(!stat("/proc/self/cwd", &b) && S_ISDIR(b.st_mode), "the link itself is the directory");
	ok_errno(stat("/proc/self/cwd/nothing", &b), ENOENT, "nothing is nothing");
	return done();
}
