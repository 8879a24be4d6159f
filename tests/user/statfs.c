/* SPDX-License-Identifier: MIT */
/* statfs(2), fstatfs(2), ustat(2): types by magic number, sizes that add up, flags of the mount, refusals. */
#include "harness.h"
#include "child.h"
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>

static long magic(const char *p) { struct statfs s; return statfs(p, &s) ? -1 : (long)s.f_type; }

int main(void)
{
	struct statfs a, b;
	int fd, p[2];
	char *volatile bad = (char *)8;

	plan(20);
	if (unshare(CLONE_NEWNS) == 0)
		mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	ok(statfs(".", &a) == 0 && a.f_bsize >= 512 && a.f_blocks > 0, "a disk: block size and blocks");
	ok(a.f_bfree <= a.f_blocks && a.f_bavail <= a.f_bfree && a.f_ffree <= a.f_files, "free is not more than all");
	ok(a.f_namelen == 255, "names of 255");
	ok(a.f_frsize == a.f_bsize || a.f_frsize > 0, "fragments");
	fd = open("f", O_RDWR | O_CREAT, 0600);
	ok(fstatfs(fd, &b) == 0 && b.f_type == a.f_type && !memcmp(&a.f_fsid, &b.f_fsid, sizeof(a.f_fsid)), "fstatfs: the same file system");
	ok(fstatfs(open("f", O_PATH), &b) == 0, "of an O_PATH descriptor");
	ok(magic("/proc") == 0x9fa0, "procfs");
	mkdir("t", 0700);
	ok(mount("none", "t", "tmpfs", MS_NOSUID | MS_NODEV | MS_RDONLY, NULL) == 0 && magic("t") == 0x01021994, "tmpfs");
	ok(statfs("t", &b) == 0 && (b.f_flags & (1 | 2 | 4)) == (1 | 2 | 4), "flags: read-only, nosuid, nodev");
	ok(statfs(".", &b) == 0 && !(b.f_flags & 1), "of this mount, not of others");
	umount("t");
	if (pipe(p))
		bail("pipe");
	ok(fstatfs(p[0], &b) == 0 && b.f_type == 0x50495045, "a pipe's");
	ok(fstatfs((int)syscall(SYS_memfd_create, "m", 0), &b) == 0 && b.f_type == 0x01021994, "a memfd's");
	symlink("/proc", "link");
	ok(magic("link") == 0x9fa0, "links are followed");
	ok_errno(statfs("no", &a), ENOENT, "nothing");
	ok_errno(statfs("f/x", &a), ENOTDIR, "below a file");
	ok_errno(statfs("", &a), ENOENT, "the empty path");
	ok_errno(fstatfs(777, &a), EBADF, "not open");
	ok_errno(statfs(".", (struct statfs *)bad), EFAULT, "a bad buffer");
#ifdef SYS_ustat
	struct stat st;
	struct { int free; unsigned long inodes; char name[6], pack[6]; } u;
	stat("/proc", &st);
	ok(syscall(SYS_ustat, (unsigned)st.st_dev, &u) == 0, "ustat of what is mounted");
	ok_errno(syscall(SYS_ustat, 0xffffff, &u), EINVAL, "and of what is not");
#else
	ok_errno(syscall(1000000), ENOSYS, "this CPU has no ustat");
	ok_errno(syscall(-1), ENOSYS, "nor a call of -1");
#endif
	return done();
}
