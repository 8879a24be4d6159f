/* SPDX-License-Identifier: MIT */
/* Directories: link counts, sizes, what is empty, what cannot go, deleted working directories, set-group-id, sticky. */
#include "harness.h"
#include "child.h"
#include <dirent.h>
#include <sys/stat.h>

static struct stat st;
static nlink_t links(const char *p) { return stat(p, &st) ? 0 : st.st_nlink; }

int main(void)
{
	char cwd[4096];
	int fd, big, dev_counts;
	ino_t ino;

	plan(31);
	umask(022);
	ok(mkdir("d", 0777) == 0 && stat("d", &st) == 0 && S_ISDIR(st.st_mode) && (st.st_mode & 07777) == 0755, "mkdir minus the umask");
	dev_counts = links("d") == 2;	/* btrfs and overlays count otherwise */
	ok(mkdir("d/1", 0777) == 0 && mkdir("d/2", 0777) == 0 && (!dev_counts || links("d") == 4), "each child is a link to the parent");
	ino = stat("d", &st) ? 0 : st.st_ino;
	ok(stat("d/1/..", &st) == 0 && st.st_ino == ino && stat("d/.", &st) == 0 && st.st_ino == ino, ". and ..");
	ok_errno(rmdir("d"), ENOTEMPTY, "not empty");
	ok_errno(unlink("d/1"), EISDIR, "unlink");
	ok(rmdir("d/1") == 0 && (!dev_counts || links("d") == 3), "one link less");
	ok_errno(mkdir("d/2", 0777), EEXIST, "taken");
	ok_errno(mkdir("d/2/", 0777), EEXIST, "with a slash");
	ok(mkdir("d/3/", 0777) == 0, "a new one may end in a slash");
	ok_errno(mkdir("d/.", 0777), EEXIST, ".");
	ok_errno(mkdir("no/x", 0777), ENOENT, "nowhere");
	ok_errno(mkdir("", 0777), ENOENT, "the empty name");
	ok_errno(rmdir("d/3/."), EINVAL, "rmdir of .");
	ok_errno(rmdir("d/3/.."), ENOTEMPTY, "rmdir of ..");
	ok_errno(rmdir("/"), EBUSY, "rmdir of the root");
	close(open("f", O_CREAT | O_RDWR, 0644));
	ok_errno(rmdir("f"), ENOTDIR, "rmdir of a file");
	ok_errno(mkdir("f", 0777), EEXIST, "mkdir over a file");
	ok_errno(mkdir("f/x", 0777), ENOTDIR, "below one");
	ok_errno(open("d", O_WRONLY), EISDIR, "open for writing");
	ok_errno(open("d", O_RDONLY | O_CREAT, 0600), EISDIR, "O_CREAT");

	/* A directory that is deleted while somebody is in it. */
	fd = open("d/3", O_RDONLY | O_DIRECTORY);
	if (fchdir(fd))
		bail("fchdir");
	ok(rmdir("../3") == 0, "a working directory can be removed");
	ok_errno(!getcwd(cwd, sizeof(cwd)) ? -1 : 0, ENOENT, "getcwd says so");
	ok_errno(mkdir("x", 0777), ENOENT, "nothing can be made in it");
	ok(stat(".", &st) == 0 && st.st_nlink == 0, "it has no links");
	ok(chdir("..") == 0 && stat(".", &st) == 0 && st.st_ino == ino, ".. still leads out");
	DIR *d = fdopendir(fd);
	int entries = 0;
	while (d && readdir(d))
		entries++;
	ok(entries == 0, "and it lists nothing, not even dots (%d)", entries);
	if (chdir(".."))
		bail("chdir");

	mkdir("g", 0755);
	if (chown("g", 0, 4321) || chmod("g", 02775))
		bail("chown");
	ok(mkdir("g/sub", 0755) == 0 && stat("g/sub", &st) == 0 && st.st_gid == 4321 && (st.st_mode & S_ISGID), "set-group-id: group and bit are inherited");
	close(open("g/file", O_CREAT | O_RDWR, 0644));
	ok(stat("g/file", &st) == 0 && st.st_gid == 4321 && !(st.st_mode & S_ISGID), "a file inherits the group only");
	mkdir("t", 0755);
	chmod("t", 01777);
	close(open("t/root", O_CREAT | O_RDWR, 0666));
	ok(in_child(setgid(1234) || setuid(1234) || !(unlink("t/root") == -1 && errno == EPERM)) == 0, "sticky: a stranger may not remove it");
	ok(in_child(setgid(1234) || setuid(1234) || close(open("t/mine", O_CREAT | O_RDWR, 0600)) || unlink("t/mine")) == 0, "but what is his");
	big = 0;
	for (int i = 0; i < 60; i++) {
		char name[300];

		memset(name, 'n', 255);
		snprintf(name + 240, 20, "%015d", i);
		memcpy(name, "d/", 2);
		name[255] = 0;
		big += close(open(name, O_CREAT | O_RDWR, 0600)) == 0;
	}
	ok(big == 60 && stat("d", &st) == 0 && st.st_size > 0, "it grows over several blocks");
	return done();
}
