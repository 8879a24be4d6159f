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

/* The root of a bind in mountinfo, of which a directory above is renamed: one of the two names. */
static int renamed_above_a_bind(void)
{
	char line[4096], root[4096], at[4096];
	int odd = 0, seen = 0, status;
	pid_t pid;
	FILE *f;

	if (mkdir("above", 0755) || mkdir("above/below", 0755) || mkdir("bound", 0755) || mount("above/below", "bound", NULL, MS_BIND, NULL))
		return 1;
	fflush(NULL);
	pid = fork();
	if (!pid)
		for (int i = 0;; i++)
			if (rename(i & 1 ? "a-name-that-is-too-long-to-be-kept-in-the-entry-itself" : "above", i & 1 ? "above" : "a-name-that-is-too-long-to-be-kept-in-the-entry-itself"))
				_exit(1);
	for (int i = 0; i < LOOKS / 5; i++) {
		f = fopen("/proc/self/mountinfo", "r");
		while (f && fgets(line, sizeof(line), f))
			if (sscanf(line, "%*d %*d %*s %4095s %4095s", root, at) == 2 && strlen(at) > 6 && !strcmp(at + strlen(at) - 6, "/bound")) {
				seen++;
				odd += strcmp(root, "/above/below") != 0 && strcmp(root, "/a-name-that-is-too-long-to-be-kept-in-the-entry-itself/below") != 0;
			}
		if (f)
			fclose(f);
	}
	kill(pid, SIGKILL);
	status = exit_of(pid);
	umount("bound");
	return odd || !seen || status != 1000 + SIGKILL;
}

/* Who syncs has no path to what is unmounted, and may be busy in it. */
static int synced_while_unmounted(void)
{
	int bad = 0, status, fd;
	pid_t pid;

	mkdir("synced", 0755);
	fflush(NULL);
	pid = fork();
	if (!pid)
		for (;;)
			sync();
	for (int i = 0; i < 200; i++) {
		bad += mount_tmpfs("synced");
		fd = open("synced/file", O_RDWR | O_CREAT, 0644);
		bad += fd < 0 || write(fd, "text", 4) != 4 || close(fd) || umount("synced");
	}
	kill(pid, SIGKILL);
	status = exit_of(pid);
	return bad || status != 1000 + SIGKILL;
}

int main(void)
{
	plan(4);
	if (unshare(CLONE_NEWNS) || mount_propagation_of("/", MS_REC | MS_PRIVATE))
		bail("unshare");
	mkdir("r", 0755);
	if (mount_tmpfs("r") || chdir("r"))
		bail("mount");
	for (const char *const *d = (const char *const[]){ "p", "q", "p/m", "q/m", NULL }; *d; d++)
		mkdir(*d, 0755);
	ok(up_from_a_moved_one() == 0, ".. while a mount moves is one of its places");
	ok(removed_under_it() == 0, "a directory that another name space removes keeps no mount");
	ok(renamed_above_a_bind() == 0, "mountinfo, while a directory above a bind is renamed, has one of its names");
	ok(synced_while_unmounted() == 0, "an unmount while another process syncs");
	return done();
}
