/* SPDX-License-Identifier: MIT */
/* O_PATH: a place in the tree without access: what works with it, what says EBADF, and that opening needs no permission of the file. */
#include "harness.h"
#include "child.h"
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/xattr.h>

int main(void)
{
	struct stat st;
	struct statfs sf;
	char buf[128], name[64];
	int p, d, l, f;
	struct pollfd pf;

	plan(34);
	umask(0);
	close(open("f", O_CREAT | O_RDWR, 0600));
	mkdir("d", 0755);
	close(open("d/in", O_CREAT | O_RDWR, 0600));
	symlink("f", "s");
	mkfifo("fifo", 0600);
	p = open("f", O_PATH);
	ok(p >= 0 && fstat(p, &st) == 0 && S_ISREG(st.st_mode), "fstat");
	ok((fcntl(p, F_GETFL) & O_PATH), "F_GETFL shows it");
	ok(fstatfs(p, &sf) == 0, "fstatfs");
	ok_errno(read(p, buf, 1), EBADF, "read");
	ok_errno(write(p, buf, 1), EBADF, "write");
	ok_errno(lseek(p, 0, SEEK_SET), EBADF, "lseek");
	ok_errno(ioctl(p, FIONREAD, buf), EBADF, "ioctl");
	ok_errno(fchmod(p, 0), EBADF, "fchmod");
	ok_errno(fchown(p, 0, 0), EBADF, "fchown");
	ok_errno(ftruncate(p, 0), EBADF, "ftruncate");
	ok_errno(fsync(p), EBADF, "fsync");
	ok_errno(fgetxattr(p, "user.x", buf, 1), EBADF, "fgetxattr");
	ok(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, p, 0) == MAP_FAILED && errno == EBADF, "mmap");
	ok_errno(futimens(p, NULL), EBADF, "futimens");
	pf = (struct pollfd){ p, POLLIN, 0 };
	ok(poll(&pf, 1, 0) == 1 && pf.revents == POLLNVAL, "poll: not a descriptor to wait for");
	ok(dup(p) >= 0 && fcntl(p, F_SETFD, FD_CLOEXEC) == 0, "dup, F_SETFD");
	ok(close(dup(p)) == 0, "close");
	snprintf(name, sizeof(name), "/proc/self/fd/%d", p);
	ok((f = open(name, O_RDWR)) >= 0 && write(f, "data", 4) == 4, "opened through /proc/self/fd");
	ok(readlink(name, buf, sizeof(buf)) > 2, "whose link names it");
	ok(rename("f", "g") == 0 && fstatat(p, "", &st, AT_EMPTY_PATH) == 0 && st.st_size == 4, "it stays with the file");
	ok(fchownat(p, "", 12, 34, AT_EMPTY_PATH) == 0 && stat("g", &st) == 0 && st.st_uid == 12, "fchownat with AT_EMPTY_PATH");
	d = open("d", O_PATH | O_DIRECTORY);
	ok(d >= 0 && (f = openat(d, "in", O_RDONLY)) >= 0, "a directory is a start for others");
	ok(fchdir(d) == 0 && access("in", F_OK) == 0 && chdir("..") == 0, "fchdir");
	ok_errno(syscall(SYS_getdents64, d, buf, sizeof(buf)), EBADF, "but not to be listed");
	ok_errno(open("g", O_PATH | O_DIRECTORY), ENOTDIR, "O_DIRECTORY counts");
	l = open("s", O_PATH | O_NOFOLLOW);
	ok(l >= 0 && fstat(l, &st) == 0 && S_ISLNK(st.st_mode), "the link itself");
	ok(readlinkat(l, "", buf, sizeof(buf)) == 1 && buf[0] == 'f', "its text");
	ok_errno(openat(l, "x", O_RDONLY), ENOTDIR, "it is no directory");
	ok(open("fifo", O_PATH) >= 0, "a FIFO: nobody waits");
	ok(open("no", O_PATH | O_CREAT, 0600) == -1 && errno == ENOENT, "O_CREAT does not count");
	ok((f = open("g", O_PATH | O_TRUNC)) >= 0 && stat("g", &st) == 0 && st.st_size == 4, "nor O_TRUNC");
	chmod("g", 0);
	ok(in_child(setgid(1234) || setuid(1234) || open("g", O_PATH) < 0) == 0, "no permission of the file is needed");
	snprintf(name, sizeof(name), "/proc/self/fd/%d", p);
	ok(in_child(setgid(1234) || setuid(1234) || open(name, O_RDONLY) >= 0) == 0, "but to open it for real");
	chmod("d", 0700);
	ok(in_child(setgid(1234) || setuid(1234) || !(open("d/in", O_PATH) == -1 && errno == EACCES)) == 0, "and of the directories on the way");
	return done();
}
