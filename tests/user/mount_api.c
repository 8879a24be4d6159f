/* SPDX-License-Identifier: MIT */
/* fsopen(2), fsconfig(2), fsmount(2), move_mount(2), open_tree(2), fspick(2), mount_setattr(2): a file system step by step, and each refusal. */
#include "harness.h"
#include "child.h"
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>

static int fsopen_(const char *t, unsigned f) { return (int)syscall(430, t, f); }
static int fsconfig_(int fd, unsigned cmd, const char *k, const void *v, int aux) { return (int)syscall(431, fd, cmd, k, v, aux); }
static int fsmount_(int fd, unsigned f, unsigned a) { return (int)syscall(432, fd, f, a); }
static int move_mount_(int fd, const char *from, int td, const char *to, unsigned f) { return (int)syscall(429, fd, from, td, to, f); }
static int open_tree_(int fd, const char *p, unsigned f) { return (int)syscall(428, fd, p, f); }
static int fspick_(int fd, const char *p, unsigned f) { return (int)syscall(433, fd, p, f); }
enum { SET_FLAG, SET_STRING, SET_BINARY, SET_PATH, SET_PATH_EMPTY, SET_FD, CREATE, RECONFIGURE };
enum { CLONE_TREE = 1, RECURSIVE = 0x8000, F_EMPTY = 4 };
struct attr { uint64_t set, clr, propagation, userns; };
static int setattr_(int fd, const char *p, unsigned f, uint64_t set, uint64_t clr)
{
	struct attr a = { set, clr, 0, 0 };

	return (int)syscall(442, fd, p, f, &a, sizeof(a));
}
static int mounted(const char *at)
{
	char line[4096], want[512];
	FILE *f = fopen("/proc/self/mounts", "r");
	int n = 0;

	snprintf(want, sizeof(want), "/%s ", at);
	while (fgets(line, sizeof(line), f))
		n += strstr(line, want) != NULL;
	fclose(f);
	return n;
}

int main(void)
{
	int fs, m, t, fd;
	struct attr a = { 0 };
	struct stat st;
	struct statfs sf;
	char buf[64];

	plan(59);
	if (unshare(CLONE_NEWNS) == 0)
		mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	mkdir("a", 0755);
	mkdir("b", 0755);
	mkdir("c", 0755);
	close(open("file", O_CREAT | O_RDWR, 0600));
	ok_errno(fsopen_("no_such_fs", 0), ENODEV, "an unknown type");
	ok_errno(fsopen_("tmpfs", 2), EINVAL, "unknown flags");
	ok((fs = fsopen_("tmpfs", 1)) >= 0 && fcntl(fs, F_GETFD) == FD_CLOEXEC, "a context");
	ok_errno(read(fs, buf, 64), ENODATA, "without a message");
	ok(fsconfig_(fs, SET_STRING, "source", "here", 0) == 0, "a source");
	ok_errno(fsconfig_(fs, SET_STRING, "source", "there", 0), EINVAL, "only one");
	ok(fsconfig_(fs, SET_STRING, "size", "64k", 0) == 0 && fsconfig_(fs, SET_STRING, "mode", "0750", 0) == 0, "options");
	ok_errno(fsconfig_(fs, SET_STRING, "no_such_option", "1", 0), EINVAL, "an unknown one");
	ok_errno(fsconfig_(fs, SET_STRING, "size", NULL, 0), EINVAL, "a string without a value");
	ok_errno(fsconfig_(fs, SET_FLAG, "ro", "x", 0), EINVAL, "a flag with one");
	ok_errno(fsconfig_(fs, CREATE, "x", NULL, 0), EINVAL, "a command with a key");
	ok_errno(fsconfig_(fs, 99, NULL, NULL, 0), EOPNOTSUPP, "an unknown command");
	ok_errno(fsconfig_(0x7fff, CREATE, NULL, NULL, 0), EBADF, "not open");
	ok_errno(fsconfig_(-1, CREATE, NULL, NULL, 0), EINVAL, "a negative descriptor");
	fd = open("file", O_RDWR);
	ok_errno(fsconfig_(fd, CREATE, NULL, NULL, 0), EINVAL, "not a context");
	ok_errno(fsmount_(fs, 0, 0), EINVAL, "fsmount before it is created");
	ok_errno(fsconfig_(fs, RECONFIGURE, NULL, NULL, 0), EBUSY, "reconfigure before that");
	ok(fsconfig_(fs, CREATE, NULL, NULL, 0) == 0, "created");
	ok_errno(fsconfig_(fs, CREATE, NULL, NULL, 0), EBUSY, "once");
	ok_errno(fsconfig_(fs, SET_STRING, "size", "1k", 0), EBUSY, "no parameter any more");
	ok_errno(fsmount_(fs, 2, 0), EINVAL, "fsmount: unknown flags");
	ok_errno(fsmount_(fs, 0, 0x40000000), EINVAL, "unknown attributes");
	ok_errno(fsmount_(fs, 0, 0x30), EINVAL, "two kinds of access time");
	ok((m = fsmount_(fs, 1, 4 | 8 /* nodev, noexec */)) >= 0, "a mount");
	ok_errno(fsmount_(fs, 0, 0), EBUSY, "one");
	ok(fstat(m, &st) == 0 && (st.st_mode & 07777) == 0750, "its descriptor is its root");
	ok((fd = openat(m, "inside", O_CREAT | O_RDWR, 0755)) >= 0, "it can be used before it is anywhere");
	close(fd);
	ok(mounted("a") == 0, "and is in no list");
	ok_errno(move_mount_(m, "", AT_FDCWD, "a", 0), ENOENT, "move_mount without EMPTY_PATH");
	ok_errno(move_mount_(m, "", AT_FDCWD, "a", F_EMPTY | 0x40000), EINVAL, "unknown flags");
	ok_errno(move_mount_(m, "", AT_FDCWD, "file", F_EMPTY), EINVAL, "a directory onto a file");
	ok(move_mount_(m, "", AT_FDCWD, "a", F_EMPTY) == 0 && mounted("a") == 1, "hung in");
	ok(access("a/inside", F_OK) == 0 && access("a/inside", X_OK) == -1 && errno == EACCES, "with its file, noexec");
	ok(statfs("a", &sf) == 0 && sf.f_blocks == 16, "and its size");
	close(m);
	ok(access("a/inside", F_OK) == 0, "it stays when the descriptor is closed");
	ok(move_mount_(AT_FDCWD, "a", AT_FDCWD, "b", 0) == 0 && mounted("a") == 0 && mounted("b") == 1, "moved by name");
	ok_errno(move_mount_(AT_FDCWD, "c", AT_FDCWD, "a", 0), EINVAL, "what is no mount's root");
	close(fs);

	fs = fspick_(AT_FDCWD, "b", 1);
	ok(fs >= 0 && fsconfig_(fs, SET_FLAG, "ro", NULL, 0) == 0 && fsconfig_(fs, RECONFIGURE, NULL, NULL, 0) == 0, "fspick, reconfigure read-only");
	ok_errno(open("b/new", O_CREAT | O_RDWR, 0600), EROFS, "it is");
	ok(fsconfig_(fs, SET_FLAG, "rw", NULL, 0) == 0 && fsconfig_(fs, SET_STRING, "size", "128k", 0) == 0 && fsconfig_(fs, RECONFIGURE, NULL, NULL, 0) == 0 &&
	   statfs("b", &sf) == 0 && sf.f_blocks == 32, "writable again, and larger");
	ok_errno(fspick_(AT_FDCWD, "c", 0), EINVAL, "fspick of what is no mount's root");
	close(fs);

	ok((t = open_tree_(AT_FDCWD, "b", 0x80000)) >= 0 && fcntl(t, F_GETFD) == FD_CLOEXEC && (fcntl(t, F_GETFL) & O_PATH), "open_tree is an O_PATH descriptor");
	close(t);
	ok_errno(open_tree_(AT_FDCWD, "b", RECURSIVE), EINVAL, "recursive without a clone");
	ok_errno(open_tree_(AT_FDCWD, "b", 0x40000000), EINVAL, "unknown flags");
	ok((t = open_tree_(AT_FDCWD, "b", CLONE_TREE | RECURSIVE)) >= 0, "a clone");
	ok(setattr_(t, "", 0x1000, 1, 0) == 0, "mount_setattr: read-only, before it is anywhere");
	ok(move_mount_(t, "", AT_FDCWD, "c", F_EMPTY) == 0 && access("c/inside", F_OK) == 0, "hung in as a bind mount");
	ok(open("c/new", O_CREAT | O_RDWR, 0600) == -1 && errno == EROFS && (fd = open("b/new", O_CREAT | O_RDWR, 0600)) >= 0, "the clone is read-only, the original is not");
	close(t);
	ok_errno(setattr_(AT_FDCWD, "b", 0, 1, 0), EBUSY, "not read-only while a file is open for writing");
	close(fd);
	ok(setattr_(AT_FDCWD, "b", 0, 1 | 2, 0) == 0 && open("b/new2", O_CREAT | O_RDWR, 0600) == -1 && errno == EROFS, "now it is");
	ok(setattr_(AT_FDCWD, "b", 0, 0, 1) == 0 && (fd = open("b/new2", O_CREAT | O_RDWR, 0600)) >= 0, "and not");
	close(fd);
	ok_errno(setattr_(AT_FDCWD, "b", 0, 0x10, 0), EINVAL, "a kind of access time without clearing the old");
	ok(setattr_(AT_FDCWD, "b", 0, 0x10, 0x70) == 0 && setattr_(AT_FDCWD, "b", 0, 0, 0) == 0, "noatime; nothing at all");
	a.propagation = MS_UNBINDABLE;
	ok(syscall(442, AT_FDCWD, "b", 0, &a, sizeof(a)) == 0 && open_tree_(AT_FDCWD, "b", CLONE_TREE) == -1 && errno == EINVAL, "an unbindable one is not cloned");
	a.propagation = MS_SLAVE;
	ok(syscall(442, AT_FDCWD, "b", 0, &a, sizeof(a)) == 0, "a slave of nobody");
	a.propagation = MS_PRIVATE;
	ok(syscall(442, AT_FDCWD, "b", 0, &a, sizeof(a)) == 0 && (t = open_tree_(AT_FDCWD, "b", CLONE_TREE)) >= 0 && close(t) == 0, "a private one is");
	ok_errno(syscall(442, AT_FDCWD, "b", 0, &st, 8), EINVAL, "too small a struct");
	ok(in_child(setgid(1234) || setuid(1234) || !(fsopen_("tmpfs", 0) == -1 && errno == EPERM)) == 0 &&
	   in_child(setgid(1234) || setuid(1234) || !(open_tree_(AT_FDCWD, "/", CLONE_TREE) == -1 && errno == EPERM)) == 0, "only root may");
	ok(umount("c") == 0 && umount("b") == 0 && mounted("b") == 0, "and away");
	return done();
}
