/* SPDX-License-Identifier: MIT */
/* FS_IOC_SETFLAGS (chattr(1)): append-only and immutable files and directories, who may say so, and where. */
#include "harness.h"
#include "child.h"
#include <linux/capability.h>
#include <linux/fs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

static int flags_of(int fd)
{
	int fl = 0;

	if (ioctl(fd, FS_IOC_GETFLAGS, &fl))
		bail("FS_IOC_GETFLAGS");
	return fl;
}

static int set(int fd, int add, int clear)
{
	int fl = (flags_of(fd) & ~clear) | add;

	return ioctl(fd, FS_IOC_SETFLAGS, &fl);
}

static int keep_only(unsigned caps)	/* as another user */
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = { { caps, caps, 0 }, { 0, 0, 0 } };

	return prctl(PR_SET_KEEPCAPS, 1) || setresgid(1000, 1000, 1000) || setresuid(1000, 1000, 1000) || syscall(SYS_capset, &head, data);
}

int main(void)
{
	char name[64], buf[8];
	int fd, ap, dir, t, fl;

	fd = open("f", O_RDWR | O_CREAT, 0644);
	if (fd < 0 || write(fd, "abc", 3) != 3)
		bail("scratch");
	if (geteuid() || ioctl(fd, FS_IOC_GETFLAGS, &fl) || set(fd, FS_APPEND_FL, 0)) {
		plan(1);
		ok(1, "the scratch directory's file system has no such flags");
		return done();
	}
	close(open("other", O_RDWR | O_CREAT, 0644));

	ok(flags_of(fd) & FS_APPEND_FL, "append-only");
	ok_errno(ftruncate(fd, 1), EPERM, "it cannot be cut");
	ok_errno(open("f", O_WRONLY), EPERM, "nor opened to be written anywhere");
	ok_errno(open("f", O_WRONLY | O_APPEND | O_TRUNC), EPERM, "nor emptied");
	ok((ap = open("f", O_WRONLY | O_APPEND)) >= 0 && write(ap, "d", 1) == 1, "but appended to");
	ok_errno(fcntl(ap, F_SETFL, O_WRONLY), EPERM, "and nothing else");
	ok_errno(unlink("f"), EPERM, "not removed");
	ok_errno(link("f", "g"), EPERM, "or linked");
	ok_errno(rename("other", "f"), EPERM, "or replaced");
	ok_errno(chmod("f", 0600), EPERM, "or changed");
	ok(utimensat(AT_FDCWD, "f", NULL, 0) == 0, "but touched");
	close(ap);

	ok(set(fd, FS_IMMUTABLE_FL, FS_APPEND_FL) == 0, "immutable");
	ok_errno(write(fd, "x", 1), EPERM, "not even written by who had it open");
	ok_errno(ftruncate(fd, 1), EPERM, "or cut");
	ok(pread(fd, buf, 8, 0) == 4 && !memcmp(buf, "abcd", 4), "it is what it was");
	ok_errno(chmod("f", 0600), EPERM, "no chmod");
	ok_errno(setxattr("f", "user.a", "1", 1, 0), EPERM, "no attribute");
	ok_errno(utimensat(AT_FDCWD, "f", NULL, 0), EPERM, "no touch");
	ok_errno(open("f", O_WRONLY), EPERM, "no open");
	ok(set(fd, 0, FS_IMMUTABLE_FL) == 0 && write(fd, "x", 1) == 1, "until it is taken back");

	mkdir("d", 0755);
	dir = open("d", O_RDONLY | O_DIRECTORY);
	close(open("d/a", O_CREAT | O_RDWR, 0600));
	ok(set(dir, FS_APPEND_FL, 0) == 0 && (t = open("d/b", O_CREAT | O_RDWR, 0600)) >= 0 && close(t) == 0, "an append-only directory takes names");
	ok_errno(unlink("d/a"), EPERM, "and gives none away");
	ok_errno(rename("d/a", "d/c"), EPERM, "not by renaming either");
	ok(set(dir, FS_IMMUTABLE_FL, FS_APPEND_FL) == 0 && open("d/c", O_CREAT | O_RDWR, 0600) == -1 && errno == EPERM, "an immutable one takes none");
	ok(set(dir, 0, FS_IMMUTABLE_FL) == 0 && unlink("d/a") == 0, "and so on");

	if (fchown(fd, 1000, 1000))
		bail("chown");
	ok(in_child(keep_only(1 << CAP_LINUX_IMMUTABLE) || set(fd, FS_APPEND_FL, 0) || set(fd, 0, FS_APPEND_FL)) == 0, "CAP_LINUX_IMMUTABLE is what it takes");
	ok(in_child(keep_only(0) || set(fd, FS_APPEND_FL, 0) == 0 || errno != EPERM) == 0, "the owner may not");
	ok(in_child(keep_only(0) || set(fd, FS_NODUMP_FL, 0)) == 0, "but set others");
	fchown(fd, 0, 0);
	ok(in_child(keep_only(0) || set(fd, 0, FS_NODUMP_FL) == 0 || errno != EPERM) == 0, "of one's own file");
	ok_errno(ioctl(fd, FS_IOC_SETFLAGS, (void *)1), EFAULT, "bad memory");

	t = open(".", O_TMPFILE | O_RDWR, 0600);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", t);
	ok(t >= 0 && set(t, FS_NODUMP_FL, 0) == 0 && linkat(AT_FDCWD, name, AT_FDCWD, "named", AT_SYMLINK_FOLLOW) == 0, "a file without a name can still get one");

	if (unshare(CLONE_NEWNS) == 0)
		mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	mkdir("ro", 0755);
	if (mount(".", "ro", NULL, MS_BIND, NULL) || mount(NULL, "ro", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL))
		bail("mount");
	t = open("ro/f", O_RDONLY);
	ok_errno(set(t, FS_NODUMP_FL, 0), EROFS, "not through a read-only mount");
	close(t);
	umount("ro");
	return done();
}
