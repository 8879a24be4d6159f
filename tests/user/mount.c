/* SPDX-License-Identifier: MIT */
/* mount(2), umount2(2): tmpfs, covering, flags, bind, move, remount, busy, lazy, expiry, propagation; /proc/mounts. */
#include "harness.h"
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

static int listed(const char *what)
{
	static char buf[65536];
	int fd = open("/proc/self/mounts", O_RDONLY), n = 0, r;

	while ((r = (int)read(fd, buf + n, sizeof(buf) - 1 - (size_t)n)) > 0)
		n += r;
	buf[n] = 0;
	close(fd);
	return strstr(buf, what) != NULL;
}

static int unprivileged(void)
{
	int status, pid = fork();

	if (pid == 0)
		_exit(setresuid(1000, 1000, 1000) || mount("x", "m", "tmpfs", 0, "") == 0 ? 0 : errno);
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

int main(void)
{
	struct stat st, root;
	struct statfs sf;
	char cwd[4096], line[4200];
	int fd, fd2, status;

	umask(0);
	mkdir("m", 0755);
	if (mount("none", "m", "tmpfs", 0, "size=64k,mode=750")) {
		plan(1);
		ok(errno == EPERM, "mounting is not allowed here");
		return done();
	}
	stat(".", &root);
	ok(stat("m", &st) == 0 && (st.st_mode & 0777) == 0750 && st.st_dev != root.st_dev, "a tmpfs with a mode");
	ok(statfs("m", &sf) == 0 && sf.f_type == 0x01021994 && sf.f_blocks * (unsigned long)sf.f_bsize == 65536, "statfs: its size");
	fd = open("m/f", O_RDWR | O_CREAT, 0755);
	memset(line, 7, sizeof(line));
	for (fd2 = 0; fd2 < 20 && write(fd, line, 4096) == 4096; fd2++)
		;
	ok(fd2 == 16, "which is its limit (%d pages)", fd2);
	ok_errno(write(fd, line, 4096), ENOSPC, "then ENOSPC");
	ok(ftruncate(fd, 0) == 0 && write(fd, line, 4096) == 4096, "space comes back");
	ok(!getcwd(cwd, sizeof(cwd)) ? 0 : (snprintf(line, sizeof(line), "%s/m tmpfs rw", cwd), listed(line)), "/proc/self/mounts lists it");
	ok_errno(umount("m"), EBUSY, "busy while a file is open");
	close(fd);
	ok_errno(rmdir("m"), EBUSY, "a mount point cannot be removed");
	ok_errno(rename("m/f", "f"), EXDEV, "no rename across");
	ok_errno(link("m/f", "f"), EXDEV, "no link across");
	ok(mount("none", "m", "tmpfs", 0, "") == 0 && access("m/f", F_OK) == -1, "a second one covers the first");
	ok(umount("m") == 0 && access("m/f", F_OK) == 0, "and uncovers it");
	ok(chdir("m") == 0 && chdir("..") == 0 && access("m/f", F_OK) == 0, ".. of a mount's root");

	/* Flags. */
	ok(mount("none", "m", "tmpfs", MS_REMOUNT | MS_RDONLY, "") == 0, "remount read-only");
	ok_errno(open("m/g", O_RDWR | O_CREAT, 0600), EROFS, "nothing can be made");
	ok_errno(open("m/f", O_WRONLY), EROFS, "or written");
	ok_errno(chmod("m/f", 0600), EROFS, "or changed");
	ok_errno(unlink("m/f"), EROFS, "or removed");
	ok_errno(mkdir("m/f", 0700), EEXIST, "that it exists comes first");
	ok(mount("none", "m", "tmpfs", MS_REMOUNT | MS_NOEXEC | MS_NODEV, "") == 0, "remount writable, noexec, nodev");
	fd = open("m/g", O_RDWR | O_CREAT, 0755);
	ok_errno(mount("none", "m", "tmpfs", MS_REMOUNT | MS_RDONLY, ""), EBUSY, "not read-only while a file is open for writing");
	close(fd);
	ok_errno(execl("m/f", "f", NULL), EACCES, "noexec");
	ok_errno(access("m/f", X_OK), EACCES, "access agrees");
	ok(mknod("m/null", S_IFCHR | 0666, makedev(1, 3)) == 0, "a device node");
	ok_errno(open("m/null", O_RDONLY), EACCES, "nodev");

	/* Bind, move. */
	mkdir("b", 0755);
	ok(mount("m", "b", NULL, MS_BIND, NULL) == 0 && stat("b/f", &st) == 0, "bind");
	ok(mount(NULL, "b", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) == 0, "read-only for this mount alone");
	ok_errno(open("b/h", O_RDWR | O_CREAT, 0600), EROFS, "here");
	fd = open("m/h", O_RDWR | O_CREAT, 0600);
	ok(fd >= 0 && access("b/h", F_OK) == 0, "not there; it is one file system");
	close(fd);
	mkdir("v", 0755);
	ok(mount("b", "v", NULL, MS_MOVE, NULL) == 0 && access("v/f", F_OK) == 0 && access("b/f", F_OK) == -1, "move");
	ok(umount("v") == 0, "umount");
	close(open("file1", O_RDWR | O_CREAT, 0600));
	ok(mount("m/f", "file1", NULL, MS_BIND, NULL) == 0 && stat("file1", &st) == 0 && st.st_size == 65536 + 4096, "bind of a file");
	ok(umount("file1") == 0 && stat("file1", &st) == 0 && st.st_size == 0, "and back");
	ok(mount("/", "b", NULL, MS_BIND, NULL) == 0 && umount("b") == 0, "the root elsewhere, and away again");
	ok_errno(mount("m/f", "b", NULL, MS_BIND, NULL), ENOTDIR, "a file onto a directory");

	fd = open("m/f", O_RDONLY);
	ok(umount2("m", MNT_DETACH) == 0 && access("m/f", F_OK) == -1, "a lazy umount");
	ok(fstat(fd, &st) == 0 && read(fd, line, 10) == 10, "open files go on");
	close(fd);

	/* Expiry: the second call, if nobody has used it in between. */
	ok(mount("none", "m", "tmpfs", 0, "") == 0, "one that may expire");
	ok_errno(umount2("m", MNT_EXPIRE), EAGAIN, "MNT_EXPIRE marks it");
	ok(stat("m", &st) == 0 && umount2("m", MNT_EXPIRE) == -1 && errno == EAGAIN, "who uses it takes the mark away");
	fd = open("m", O_RDONLY);
	ok_errno(umount2("m", MNT_EXPIRE), EBUSY, "not one that is in use");
	close(fd);
	ok_errno(umount2("m", MNT_EXPIRE), EAGAIN, "unused again");
	ok_errno(umount2("m", MNT_EXPIRE | MNT_DETACH), EINVAL, "lazily it cannot expire");
	ok(umount2("m", MNT_EXPIRE) == 0, "the second time it goes");

	/* Propagation, as far as it is about one mount. */
	ok(mount("none", "m", "tmpfs", 0, "size=1m") == 0 && mount(NULL, "m", NULL, MS_PRIVATE, NULL) == 0, "private");
	ok(mount(NULL, "m", NULL, MS_SLAVE | MS_REC, NULL) == 0, "who has no peers is no slave: nothing changes");
	ok_errno(mount(NULL, "b", NULL, MS_SLAVE, NULL), EINVAL, "only a mount has propagation");
	ok_errno(mount(NULL, "m", NULL, MS_PRIVATE | MS_RDONLY, NULL), EINVAL, "and nothing else at once");
	ok(mount(NULL, "m", NULL, MS_UNBINDABLE, NULL) == 0 && mount("m", "b", NULL, MS_BIND, NULL) == -1 && errno == EINVAL, "an unbindable one");
	ok(mount("none", "v", "tmpfs", 0, "") == 0 && mkdir("v/sub", 0755) == 0 && mount("m", "v/sub", NULL, MS_MOVE, NULL) == 0 &&
	   mount("v", "b", NULL, MS_BIND | MS_REC, NULL) == 0 && stat("b/sub", &st) == 0 && stat("b", &root) == 0 && st.st_dev == root.st_dev,
	   "is left out of a recursive bind");
	ok(umount("b") == 0 && mount("v/sub", "m", NULL, MS_MOVE, NULL) == 0 && umount("v") == 0 && mount(NULL, "m", NULL, MS_PRIVATE, NULL) == 0 &&
	   mount("m", "b", NULL, MS_BIND, NULL) == 0 && umount("b") == 0, "private again");

	/* What a remount says of the file system. */
	snprintf(line, sizeof(line), "%s/m tmpfs rw,sync,nosuid,relatime,size=2048k 0 0", cwd);
	ok(mount(NULL, "m", NULL, MS_REMOUNT | MS_SYNCHRONOUS | MS_NOSUID, "size=2m") == 0 && listed(line), "remounted synchronous");
	snprintf(line, sizeof(line), "%s/m tmpfs rw,lazytime,relatime,size=2048k 0 0", cwd);
	ok(mount(NULL, "m", NULL, MS_REMOUNT | MS_LAZYTIME | MS_DIRSYNC, NULL) == 0 && listed(line), "and no longer; directories cannot be, by a remount");
	ok(umount("m") == 0, "away");

	/* Another instance read-only says nothing of the first. */
	fd = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	if (fd >= 0 && mount("devpts", "m", "devpts", MS_RDONLY, "") == 0) {
		ok(fchmodat(AT_FDCWD, ptsname(fd), 0620, 0) == 0, "a devpts mounted read-only elsewhere");
		umount("m");
	}
	close(fd);

	/* The mount that is one's root is not taken away, but made read-only. */
	if (!fork()) {
		_exit(mount("none", "m", "tmpfs", 0, "") || chroot("m") || chdir("/") || umount("/") || mkdir("/d", 0755) == 0 || errno != EROFS ||
		      umount2("/", MNT_DETACH));
	}
	wait(&status);
	ok(status == 0, "umount of the root makes it read-only");
	umount2("m", MNT_DETACH);

	ok_errno(umount("m"), EINVAL, "umount of what is no mount point");
	ok_errno(mount("none", "m", "", 0, ""), ENODEV, "no name of a type");
	ok_errno(mount("none", "m", NULL, 0, ""), EINVAL, "no type");
	ok_errno(mount("none", "m", "tmpfs", 1ul << 31, ""), EINVAL, "a flag that is the kernel's own");
	ok_errno(umount2("m", 1 << 20), EINVAL, "an unknown flag");
	ok_errno(mount("none", "m", "nosuchfs", 0, ""), ENODEV, "an unknown type");
	ok_errno(mount("none", "nowhere", "tmpfs", 0, ""), ENOENT, "an absent mount point");
	ok_errno(mount("none", "file1", "tmpfs", 0, ""), ENOTDIR, "a file as mount point");
	ok_errno(mount("none", "m", "tmpfs", 0, "size=nonsense"), EINVAL, "a bad option");
	ok(unprivileged() == EPERM, "only root may mount");
	return done();
}
