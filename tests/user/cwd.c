/* SPDX-License-Identifier: MIT */
/* chdir(2), fchdir(2), getcwd(2), chroot(2), removed and renamed directories. */
#include "harness.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	char start[4096], buf[4096], want[4200];
	struct stat st, root;
	int d, status, pid;

	if (!getcwd(start, sizeof(start)))
		bail("getcwd");
	mkdir("d", 0755);
	mkdir("d/e", 0755);
	symlink("d/e", "l");
	d = open(".", O_RDONLY);
	ok(chdir("d") == 0 && getcwd(buf, sizeof(buf)) && (snprintf(want, sizeof(want), "%s/d", start), !strcmp(buf, want)), "chdir, getcwd");
	ok(chdir("../l") == 0 && getcwd(buf, sizeof(buf)) && (snprintf(want, sizeof(want), "%s/d/e", start), !strcmp(buf, want)), "through a link: the real name");
	ok(rename("../../d", "../../moved") == 0 && getcwd(buf, sizeof(buf)) && (snprintf(want, sizeof(want), "%s/moved/e", start), !strcmp(buf, want)), "a parent renamed under us");
	ok(syscall(SYS_getcwd, buf, sizeof(buf)) == (long)strlen(want) + 1, "the call returns the length with the NUL");
	errno = 0;
	ok(syscall(SYS_getcwd, buf, 3) == -1 && errno == ERANGE, "ERANGE");
	ok(rmdir("../e") == 0 && stat(".", &st) == 0 && st.st_nlink == 0, "a removed directory is still the working directory");
	errno = 0;
	ok(syscall(SYS_getcwd, buf, sizeof(buf)) == -1 && errno == ENOENT, "without a name");
	ok_errno(open("x", O_RDWR | O_CREAT, 0600), ENOENT, "nothing can be made in it");
	ok_errno(mkdir("x", 0700), ENOENT, "no directory either");
	ok(chdir("..") == 0 && getcwd(buf, sizeof(buf)) && (snprintf(want, sizeof(want), "%s/moved", start), !strcmp(buf, want)), ".. still leads out");
	ok(fchdir(d) == 0 && getcwd(buf, sizeof(buf)) && !strcmp(buf, start), "fchdir");
	ok_errno(fchdir(open("/dev/null", O_RDONLY)), ENOTDIR, "fchdir to a file");
	ok_errno(fchdir(999), EBADF, "fchdir: bad descriptor");
	ok_errno(chdir("nowhere"), ENOENT, "chdir: absent");
	ok_errno(chdir("/dev/null"), ENOTDIR, "chdir: a file");
	ok(chdir("/") == 0 && getcwd(buf, sizeof(buf)) && !strcmp(buf, "/"), "the root");
	if (fchdir(d))
		bail("fchdir");
	mkdir("jail", 0755);
	mkdir("jail/in", 0755);
	symlink("/in", "jail/abs");
	stat("jail", &root);
	pid = fork();
	if (pid == 0) {
		int bad = 0;

		bad |= chroot("jail") || chdir("/") ? 1 : 0;
		bad |= stat("/", &st) || st.st_ino != root.st_ino ? 2 : 0;
		bad |= stat("/..", &st) || st.st_ino != root.st_ino ? 4 : 0;
		bad |= stat("/abs", &st) ? 8 : 0;
		bad |= stat("../../../in", &st) ? 16 : 0;
		bad |= !getcwd(buf, sizeof(buf)) || strcmp(buf, "/") ? 32 : 0;
		_exit(bad);
	}
	waitpid(pid, &status, 0);
	ok(status == 0, "chroot: /, .., absolute links and getcwd stay inside (%#x)", status);
	ok(getcwd(buf, sizeof(buf)) && !strcmp(buf, start), "the parent has not moved");
	pid = fork();
	if (pid == 0)
		_exit(setresuid(1000, 1000, 1000) || chroot("jail") == 0 ? 0 : errno);
	waitpid(pid, &status, 0);
	ok(WEXITSTATUS(status) == EPERM, "chroot needs a capability");
	return done();
}
