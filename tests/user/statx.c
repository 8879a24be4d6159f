/* SPDX-License-Identifier: MIT */
/* stat(2), statx(2), statfs(2), access(2) on several kinds of file. */
#include "harness.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

int main(void)
{
	struct statx x;
	struct stat st;
	struct statfs sf;
	int fd, p[2];

	umask(022);
	fd = open("f", O_RDWR | O_CREAT, 0644);
	if (fd < 0 || write(fd, "12345", 5) != 5 || pipe(p))
		bail("scratch file");
	link("f", "g");
	ok(stat("f", &st) == 0 && st.st_size == 5 && st.st_nlink == 2 && st.st_mode == (S_IFREG | 0644), "stat");
	ok(st.st_uid == geteuid() && st.st_gid == getegid(), "owner");
	ok(st.st_blksize >= 512 && st.st_mtime > 1600000000, "block size, times");
	ok(statx(AT_FDCWD, "f", 0, STATX_ALL, &x) == 0 && x.stx_size == 5 && x.stx_nlink == 2 && x.stx_mode == st.st_mode, "statx");
	ok((x.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS && x.stx_ino == st.st_ino && x.stx_mtime.tv_sec == st.st_mtime &&
	   x.stx_mtime.tv_nsec == (unsigned)st.st_mtim.tv_nsec, "agrees with stat");
	ok(makedev(x.stx_dev_major, x.stx_dev_minor) == st.st_dev, "the device too");
	ok(statx(fd, "", AT_EMPTY_PATH, STATX_SIZE, &x) == 0 && x.stx_size == 5, "of a descriptor");
	symlink("f", "l");
	ok(statx(AT_FDCWD, "l", AT_SYMLINK_NOFOLLOW, STATX_TYPE, &x) == 0 && S_ISLNK(x.stx_mode) && x.stx_size == 1, "of a link");
	ok_errno(statx(AT_FDCWD, "f", 0x80000, STATX_ALL, &x), EINVAL, "an unknown flag");
	ok_errno(statx(AT_FDCWD, "f", AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC, STATX_ALL, &x), EINVAL, "two contradicting ones");
	ok_errno(statx(AT_FDCWD, "nowhere", 0, STATX_ALL, &x), ENOENT, "absent");
	ok_errno(statx(AT_FDCWD, "f", 0, 0x80000000, &x), EINVAL, "the reserved mask bit");
	ok_errno(stat("f", (void *)8), EFAULT, "a bad address");
	ok(fstat(p[0], &st) == 0 && S_ISFIFO(st.st_mode), "a pipe");
	ok(stat("/dev/null", &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3), "a device: its number");
	ok(stat("/dev/zero", &st) == 0 && st.st_rdev == makedev(1, 5), "another");
	ok(mknod("n", S_IFBLK | 0600, makedev(300, 70000)) == 0 && stat("n", &st) == 0 && st.st_rdev == makedev(300, 70000), "large numbers");
	ok(stat("/", &st) == 0 && S_ISDIR(st.st_mode) && st.st_nlink >= 2, "the root");
	ok(statfs(".", &sf) == 0 && sf.f_bsize >= 512 && sf.f_blocks > 0 && sf.f_bfree <= sf.f_blocks && sf.f_namelen >= 255, "statfs");
	ok(fstatfs(fd, &sf) == 0, "fstatfs");
	ok(statfs("/proc", &sf) == 0 && sf.f_type == 0x9fa0, "of procfs");
	ok_errno(statfs("nowhere", &sf), ENOENT, "statfs: absent");
	ok(access("f", F_OK) == 0 && access("f", R_OK | W_OK) == 0, "access");
	ok_errno(access("f/x", F_OK), ENOTDIR, "access through a file");
	ok_errno(access("nowhere", F_OK), ENOENT, "access: absent");
	ok_errno(faccessat(AT_FDCWD, "f", R_OK, 0x4000), EINVAL, "faccessat: an unknown flag");
	unlink("g");
	ok(fstat(fd, &st) == 0 && st.st_nlink == 1 && unlink("f") == 0 && fstat(fd, &st) == 0 && st.st_nlink == 0 && st.st_size == 5, "links count down; an open file stays");
	return done();
}
