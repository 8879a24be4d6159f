/* SPDX-License-Identifier: MIT */
/* While mounts come and go: a moved one is never half way, and names that are removed leave no mount. */
#include "harness.h"
#include "child.h"
#include "mount_table.h"
#include <sys/stat.h>

enum { LOOKS = 5000 };

/* "..", from a directory in a mount that is moved, is always one of the two places. */
static int up_from_a_moved_one(void)
{
	struct stat p, q, r, up;
	int odd = 0, status, base = open(".", O_RDONLY | O_DIRECTORY);
	pid_t pid;

	if (stat(".", &r) || stat("p", &p) || stat("q", &q) || mount_tmpfs("p/m"))
		return 1;
	if (chdir("p/m"))
		return 2;
	fflush(NULL);
	pid = fork();
	if (!pid)
		for (int i = 0;; i++)
			if (fchdir(base) || mount(i & 1 ? "q/m" : "p/m", i & 1 ? "p/m" : "q/m", NULL, MS_MOVE, NULL))
				_exit(1);
	for (int i = 0; i < LOOKS; i++) {
		odd += stat("..", &up) || !((up.st_dev == p.st_dev && up.st_ino == p.st_ino) || (up.st_dev == q.st_dev && up.st_ino == q.st_ino));
		odd += stat("../..", &up) || up.st_ino != r.st_ino;
	}
	kill(pid, SIGKILL);
	status = exit_of(pid);
	return fchdir(base) || odd || status != 1000 + SIGKILL;
}

/* One name space mounts on a directory that another removes. */
static int removed_under_it(void)
{
	int odd = 0;

	for (int i = 0; i < 60; i++) {
		int status, gone;
		pid_t pid;

		mkdir("d", 0755);
		fflush(NULL);
		pid = fork();
		if (!pid) {
			int r = unshare(CLONE_NEWNS), err, here;

			r = mount_tmpfs("d");
			err = r ? errno : 0;
			wait_until(access("d", F_OK));		/* however late */
			here = mounts_at("d") != 0 || mounts_at("d//deleted") != 0 || mounts_at("d\\040(deleted)") != 0;
			_exit(here || (err && err != ENOENT));
		}
		for (int k = 0; k < (i % 6) * 300; k++)
			getppid();
		gone = rmdir("d");
		if (gone && pid > 0)
			kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		odd += gone != 0 || status != 0;
	}
	return odd;
}

int main(void)
{
	plan(2);
	if (unshare(CLONE_NEWNS) || mount_propagation_of("/", MS_REC | MS_PRIVATE))
		bail("unshare");
	mkdir("r", 0755);
	if (mount_tmpfs("r") || chdir("r"))
		bail("mount");
	for (const char *const *d = (const char *const[]){ "p", "q", "p/m", "q/m", NULL }; *d; d++)
		mkdir(*d, 0755);
	ok(up_from_a_moved_one() == 0, ".. while a mount moves is one of its places");
	ok(removed_under_it() == 0, "a directory that another name space removes keeps no mount");
	return done();
}
