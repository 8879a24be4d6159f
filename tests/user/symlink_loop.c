/* SPDX-License-Identifier: MIT */
/* ELOOP: circles, chains of forty and one more, in the middle of a path, through every call that walks one; a race between a walk and a link that changes. */
#include "harness.h"
#include "child.h"
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/xattr.h>

int main(void)
{
	char a[32], b[32], buf[64];
	struct stat st;
	struct statfs sf;
	pid_t w;
	int p[2], bad = 0;

	plan(29);
	symlink("self", "self");
	symlink("two", "one");
	symlink("one", "two");
	symlink("loopdir/x", "loopdir");
	mkdir("dir", 0755);
	close(open("file", O_CREAT | O_RDWR, 0755));
	ok_errno(open("self", O_RDONLY), ELOOP, "a link to itself");
	ok_errno(open("one", O_RDONLY), ELOOP, "a circle of two");
	ok_errno(open("loopdir", O_RDONLY), ELOOP, "a link below itself");
	ok_errno(open("self/x", O_RDONLY), ELOOP, "in the middle of a path");
	ok_errno(open("self", O_RDONLY | O_CREAT, 0600), ELOOP, "O_CREAT");
	ok_errno(open("self", O_RDONLY | O_CREAT | O_EXCL, 0600), EEXIST, "with O_EXCL it is just a name");
	ok_errno(open("self", O_RDONLY | O_NOFOLLOW), ELOOP, "O_NOFOLLOW");
	ok(open("self", O_PATH | O_NOFOLLOW) >= 0, "but O_PATH opens the link");
	ok_errno(stat("self", &st), ELOOP, "stat");
	ok(lstat("self", &st) == 0 && S_ISLNK(st.st_mode) && st.st_size == 4, "lstat does not walk it");
	ok_errno(chdir("self"), ELOOP, "chdir");
	ok_errno(chmod("self", 0600), ELOOP, "chmod");
	ok_errno(chown("self", 0, 0), ELOOP, "chown");
	ok(lchown("self", 0, 0) == 0, "lchown");
	ok_errno(truncate("self", 0), ELOOP, "truncate");
	ok_errno(access("self", F_OK), ELOOP, "access");
	ok_errno(execl("self", "self", (char *)NULL), ELOOP, "execve");
	ok_errno(statfs("self", &sf), ELOOP, "statfs");
	ok_errno(getxattr("self", "user.x", buf, 64), ELOOP, "getxattr");
	ok_errno(mkdir("self", 0700), EEXIST, "mkdir: a name that is taken");
	ok_errno(mkdir("self/d", 0700), ELOOP, "below it");
	ok_errno(rename("self/x", "y"), ELOOP, "rename from below it");
	ok(rename("self", "moved") == 0 && readlink("moved", buf, 64) == 4, "renamed itself, it is no loop any more");
	ok_errno(open("moved", O_RDONLY), ENOENT, "but dangles");
	ok(unlink("one") == 0 && unlink("two") == 0, "unlink takes the link");

	for (int i = 0; i <= 41; i++) {
		snprintf(a, sizeof(a), i == 0 ? "file" : "c%d", i);
		snprintf(b, sizeof(b), "c%d", i + 1);
		symlink(a, b);
	}
	ok(stat("c40", &st) == 0 && S_ISREG(st.st_mode), "forty links in a row");
	ok_errno(stat("c41", &st), ELOOP, "forty-one");
	/* One name is now a link to a directory, now a loop: a walk sees one or the other. */
	symlink("dir", "flip");
	symlink("flop", "flop");
	close(open("dir/in", O_CREAT | O_RDWR, 0600));
	if (pipe(p))
		bail("pipe");
	if (!(w = fork())) {
		char c;

		close(p[1]);
		fcntl(p[0], F_SETFL, O_NONBLOCK);
		do {
			if (access("flip/in", F_OK) && errno != ELOOP)
				_exit(errno);
		} while (read(p[0], &c, 1) != 0);
		_exit(0);
	}
	close(p[0]);
	for (int i = 0; i < 400; i++)
		bad += syscall(SYS_renameat2, AT_FDCWD, "flip", AT_FDCWD, "flop", 2) != 0;
	close(p[1]);
	/* An exchanged "flop" reads "flop" under the name flip: dangling at worst for a moment, never anything else. */
	ok(bad == 0, "the two exchanged 400 times");
	int st_ = exit_of(w);
	ok(st_ == 0, "a walk saw one or the other (%s)", strerror(st_));
	return done();
}
