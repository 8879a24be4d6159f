/* SPDX-License-Identifier: MIT */
/* Name spaces as files (namespaces(7)): /proc/PID/ns, what can be done with such a file, binding it, and setns(2) with one or with a pidfd. */
#include "harness.h"
#include "child.h"
#include "mount_table.h"
#include <dirent.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>

enum { NSFS_MAGIC = 0x6e736673, NS_GET_USERNS = 0xb701, NS_GET_PARENT = 0xb702, NS_GET_NSTYPE = 0xb703, NS_GET_OWNER_UID = 0xb704,
	PIDFD_GET_MNT_NAMESPACE = 0xff03, PIDFD_GET_UTS_NAMESPACE = 0xff0a, OPEN_TREE_CLONE_ = 1, MOVE_MOUNT_F_EMPTY_PATH_ = 4 };
struct ns_info { uint32_t size, mounts; uint64_t id; };
#define NS_GET_MNTNS_ID _IOR(0xb7, 5, uint64_t)
#define NS_MNT_GET_INFO _IOR(0xb7, 10, struct ns_info)
#define NS_MNT_GET_NEXT _IOR(0xb7, 11, struct ns_info)
#define NS_MNT_GET_PREV _IOR(0xb7, 12, struct ns_info)
#define MINE "/proc/self/ns/mnt"

static const struct { const char *name; int flag; } kinds[] = {
	{ "mnt", CLONE_NEWNS }, { "uts", CLONE_NEWUTS }, { "ipc", CLONE_NEWIPC }, { "net", CLONE_NEWNET }, { "pid", CLONE_NEWPID },
	{ "user", CLONE_NEWUSER }, { "cgroup", CLONE_NEWCGROUP }, { "time", 0x80 },
};
static struct gate here, there, through;
static char base[4096];		/* the directory of this test */
static cpu_set_t all;

static int set(int fd, int flags) { return (int)syscall(SYS_setns, fd, flags); }
static int pidfd(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }
static int open_ns(pid_t pid, int flags)
{
	char name[64];

	snprintf(name, sizeof(name), "/proc/%d/ns/mnt", pid);
	return open(name, flags);
}
static ino_t ino_of(const char *name)
{
	struct stat st;

	return stat(name, &st) ? 0 : st.st_ino;
}
static ino_t ino_fd(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? 0 : st.st_ino;
}
static int errno_of(int r) { return r == -1 ? errno : 0; }
static int listed(const char *what)
{
	struct dirent *e;
	DIR *d = opendir("/proc/self/ns");
	int n = 0;

	while (d && (e = readdir(d)))
		n += !strcmp(e->d_name, what);
	if (d)
		closedir(d);
	return n;
}
static uint64_t id_of(int fd)
{
	uint64_t id = 0;

	return ioctl(fd, NS_GET_MNTNS_ID, &id) ? 0 : id;
}
static int drop_cap(int cap)
{
	struct { uint32_t version; int pid; } h = { 0x20080522, 0 };
	struct { uint32_t effective, permitted, inheritable; } d[2];

	if (syscall(SYS_capget, &h, d))
		return -1;
	d[0].effective &= ~(1u << cap);
	return (int)syscall(SYS_capset, &h, d);
}
static int nobody(void) { return setgid(1234) || setuid(1234); }

/* A child in a name space of its own, with a mount at "in" that only it has. */
static pid_t other(void)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		if (unshare(CLONE_NEWNS) || mount_tmpfs("in") || mkdir("in/inside", 0755))
			_exit(1);
		gate_open(&here);
		gate_wait(&there);
		_exit(0);
	}
	gate_wait(&here);
	return pid;
}
static int end_other(pid_t pid)
{
	gate_open(&there);
	return exit_of(pid);
}
static int inside(void)
{
	char name[4200];

	snprintf(name, sizeof(name), "%s/in/inside", base);
	return access(name, F_OK) == 0;
}
/* Entered: its mounts, its root as root and directory, and what is no name space's as before. */
static int entered(int fd, int flags)
{
	char cwd[4096];
	struct stat root, dot;
	int before = open(".", O_RDONLY | O_DIRECTORY);

	umask(027);
	if (inside() || set(fd, flags))
		return 1;
	if (!inside())
		return 2;
	if (!getcwd(cwd, sizeof(cwd)) || strcmp(cwd, "/") || stat("/", &root) || stat(".", &dot) || root.st_ino != dot.st_ino || root.st_dev != dot.st_dev)
		return 3;
	if (umask(0) != 027)
		return 4;
	return fchdir(before) || access("in", F_OK) || access("in/inside", F_OK) == 0 ? 5 : 0;	/* still the mount of before */
}
static int there_and_back(int fd, int own)
{
	char table[4400], line[4400];

	snprintf(table, sizeof(table), "%s/in", base);
	if (set(fd, CLONE_NEWNS) || ino_of(MINE) != ino_fd(fd) || chdir(base) || mounts_at("in") != 1)
		return 1;
	if (set(own, CLONE_NEWNS) || ino_of(MINE) != ino_fd(own) || chdir(base) || mountinfo_of("/proc/self/mountinfo", "in", line, sizeof(line)) || inside())
		return 2;
	return 0;
}
/* Its own name space: out of what chroot() said. */
static int out_of_root(int fd)
{
	struct stat a, b;

	return stat("/", &a) || chroot("in") || chdir("/") || stat("/", &b) || (a.st_ino == b.st_ino && a.st_dev == b.st_dev) || set(fd, 0) || stat("/", &b) ||
	       a.st_ino != b.st_ino || a.st_dev != b.st_dev;
}
/* The root of a name space is what is mounted on top of it. */
static int covered_root(void)
{
	int fd;

	if (unshare(CLONE_NEWNS) || mount_tmpfs("/") || (fd = open("/proc/self/ns/mnt", O_RDONLY)) < 0)
		return 1;
	if (access("/proc", F_OK) || set(fd, 0))	/* the root of before, below it */
		return 2;
	return access("/proc", F_OK) == 0 || errno != ENOENT ? 3 : 0;
}
static void *waits(void *arg)
{
	gate_wait(&through);
	return NULL;
}
static int threads(int fd)
{
	pthread_t t;
	int r = 0;

	if (pthread_create(&t, NULL, waits, NULL))
		return 1;
	if (set(fd, CLONE_NEWNS) == 0 || errno != EINVAL)
		r = 2;
	if (!r && (set(fd, CLONE_NEWUTS) == 0 || errno != EINVAL))
		r = 3;
	if (!r && (unshare(CLONE_FS) || set(fd, CLONE_NEWNS) || !inside()))
		r = 4;
	gate_open(&through);
	pthread_join(t, NULL);
	return r;
}
static int sharer(void *arg)
{
	gate_wait(&through);
	return 0;
}
static int shared_fs(int fd, int with_cap)
{
	static char stack[65536] __attribute__((aligned(16)));
	pid_t pid = clone(sharer, stack + sizeof(stack), CLONE_FS | SIGCHLD, NULL);
	int err;

	if (pid < 0 || (!with_cap && drop_cap(18)))
		return -1;
	err = errno_of(set(fd, CLONE_NEWNS));
	gate_open(&through);
	if (exit_of(pid))
		return -1;
	return err ? err : set(fd, CLONE_NEWNS) ? -2 : 0;
}
static int after_sharer(int fd)		/* alone again */
{
	return shared_fs(fd, 1) == EINVAL && set(fd, CLONE_NEWNS) == 0 ? 0 : 1;
}
/* Somebody reads the tables of a process that goes back and forth: that does not make its root shared. */
static int looked_at(int fd, int own)
{
	volatile unsigned *looked = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t me = getpid(), pid = fork();
	char name[64], buf[512];
	int r = 0;

	if (!pid && sched_setaffinity(0, sizeof(all), &all) == 0)
		for (;;) {
			for (const char *const *of = (const char *const[]){ "mountinfo", "mounts", "root", "cwd", "ns/mnt", NULL }; *of; of++) {
				int f;

				snprintf(name, sizeof(name), "/proc/%d/%s", me, *of);
				f = open(name, O_RDONLY);
				while (f >= 0 && read(f, buf, sizeof(buf)) > 0)
					;
				if (f >= 0)
					close(f);
			}
			++*looked;
		}
	for (int i = 0; !r && (i < 2000 || *looked < 300); i++)
		if (set(i & 1 ? own : fd, CLONE_NEWNS))
			r = 1;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return r;
}
/* What is bound lies in a file's place, and keeps the name space. */
static int bound_line(const char *at, ino_t ino)
{
	char line[4400], root[64], want[64], *type;

	if (mountinfo_of("/proc/self/mountinfo", at, line, sizeof(line)) != 1 || sscanf(line, "%*d %*d %*s %63s", root) != 1)
		return 0;
	snprintf(want, sizeof(want), "mnt:[%lu]", (unsigned long)ino);
	type = strstr(line, " - ");
	return !strcmp(root, want) && type && !strncmp(type, " - nsfs nsfs rw", 15);
}
static int enter_bound(const char *at)
{
	int fd = open(at, O_RDONLY);

	return fd < 0 || set(fd, CLONE_NEWNS) || !inside();
}
static int clone_and_move(int fd, const char *at)
{
	int tree = (int)syscall(428, fd, "", OPEN_TREE_CLONE_ | AT_EMPTY_PATH);
	int r = tree < 0 ? -2 : (int)syscall(429, tree, "", AT_FDCWD, at, MOVE_MOUNT_F_EMPTY_PATH_), err = errno;

	if (tree >= 0)
		close(tree);
	errno = err;
	return r;
}

static void test_names(int own)
{
	char name[128], text[128], want[128];
	struct stat st, st2;
	struct statfs fs;
	int fd, n, good;
	pid_t pid;

	n = (int)readlink(MINE, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = 0;
	ok(n > 0 && stat(MINE, &st) == 0 && snprintf(want, sizeof(want), "mnt:[%lu]", (unsigned long)st.st_ino) > 0 && !strcmp(text, want), "the link's text has the number (%s)", text);
	ok(st.st_mode == (S_IFREG | 0444) && st.st_nlink == 1 && st.st_size == 0 && st.st_uid == 0 && st.st_ino >= 0xe0000000, "an empty file that is root's");
	ok(fstatfs(own, &fs) == 0 && (unsigned long)fs.f_type == NSFS_MAGIC, "of nsfs");
	ok(lstat(MINE, &st2) == 0 && st2.st_mode == (S_IFLNK | 0777) && st2.st_size == 0, "a link");
	ok(stat("/proc/self/ns", &st2) == 0 && st2.st_mode == (S_IFDIR | 0511), "in a directory");
	snprintf(name, sizeof(name), "/proc/%d/ns/mnt", getppid());
	ok(stat("/proc/thread-self/ns/mnt", &st2) == 0 && st2.st_ino == st.st_ino && st2.st_dev == st.st_dev && fstat(own, &st2) == 0 && st2.st_ino == st.st_ino, "a thread's is the same");
	pid = sleeping_child();
	snprintf(name, sizeof(name), "/proc/%d/ns/mnt", pid);
	ok(stat(name, &st2) == 0 && st2.st_ino == st.st_ino && st2.st_dev == st.st_dev, "a child's, too");
	kill(pid, SIGKILL);
	wait_state(pid, 0, 'Z');
	ok_errno(readlink(name, text, sizeof(text)), ENOENT, "a zombie has none");
	ok_errno(open(name, O_RDONLY), ENOENT, "to open, either");
	fd = pidfd(pid);
	ok_errno(set(fd, CLONE_NEWNS), ESRCH, "or to enter");
	waitpid(pid, NULL, 0);
	ok_errno(set(fd, CLONE_NEWNS), ESRCH, "who is gone has none to enter");
	close(fd);
	ok(in_child(unshare(CLONE_NEWNS) || stat(MINE, &st2) || st2.st_ino == st.st_ino || st2.st_dev != st.st_dev) == 0, "who unshares has another");
	for (good = 1, n = 0; n < (int)(sizeof(kinds) / sizeof(kinds[0])); n++) {
		int there_is = listed(kinds[n].name);

		snprintf(name, sizeof(name), "/proc/self/ns/%s", kinds[n].name);
		snprintf(want, sizeof(want), "%s:[", kinds[n].name);
		memset(text, 0, sizeof(text));
		if (there_is ? readlink(name, text, sizeof(text) - 1) < 0 || strncmp(text, want, strlen(want)) : readlink(name, text, 1) == 0 || errno != ENOENT)
			good = 0;
		if (in_child(unshare(kinds[n].flag) == 0 ? 0 : errno) != (there_is ? 0 : EINVAL))
			good = 0;
		if (!good)
			break;
	}
	ok(good && listed("mnt"), "which kinds there are: those that can be unshared (%s)", good ? "" : kinds[n].name);
	ok_errno(open("/proc/self/ns/nonsense", O_RDONLY), ENOENT, "no other");
	/* Not everybody's. */
	ok(in_child(nobody() || readlink("/proc/1/ns/mnt", text, 9) != -1 || errno != EACCES || open("/proc/1/ns/mnt", O_RDONLY) != -1 || errno != EACCES ||
		    stat("/proc/1/ns/mnt", &st2) != -1 || errno != EACCES || lstat("/proc/1/ns/mnt", &st2) || open("/proc/1/ns", O_RDONLY) != -1 || errno != EACCES) == 0, "another's is hidden from who may not trace it");
	ok(in_child(nobody() || readlink(MINE, text, sizeof(text)) <= 0 || ino_of(MINE) != st.st_ino) == 0, "one's own is not");
}

static void test_file(int own)
{
	char name[64], text[64], want[64], byte;
	struct timespec times[2] = { { 1, 0 }, { 1, 0 } };
	int fd, n;

	ok_errno(open(MINE, O_RDWR), EPERM, "not to be written");
	ok_errno(open(MINE, O_WRONLY | O_TRUNC), EPERM, "or cut");
	ok_errno(open(MINE, O_RDONLY | O_NOFOLLOW), ELOOP, "it is behind a link");
	ok_errno(open(MINE, O_RDONLY | O_DIRECTORY), ENOTDIR, "and no directory");
	ok_errno(read(own, &byte, 1), EINVAL, "nothing to read");
	ok_errno(pread(own, &byte, 1, 0), EINVAL, "anywhere");
	ok_errno(lseek(own, 0, SEEK_CUR), ESPIPE, "no place in it");
	ok(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, own, 0) == MAP_FAILED && errno == ENODEV, "nothing to map");
	ok(fsync(own) == -1 && errno == EINVAL && ftruncate(own, 0) == -1 && errno == EINVAL, "or to keep, or to cut");
	ok(fchmod(own, 0600) == -1 && errno == EPERM && fchown(own, 1, 1) == -1 && errno == EPERM && futimens(own, times) == -1 && errno == EPERM, "it does not change");
	ok(execl(MINE, "x", NULL) == -1 && errno == EACCES, "nor run");
	ok_errno(unlink(MINE), EPERM, "nor go");
	snprintf(name, sizeof(name), "/proc/self/fd/%d", own);
	snprintf(want, sizeof(want), "mnt:[%lu]", (unsigned long)ino_fd(own));
	n = (int)readlink(name, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = 0;
	ok(!strcmp(text, want), "its name as an open file (%s)", text);
	fd = open(name, O_RDONLY);
	ok(fd >= 0 && ino_fd(fd) == ino_fd(own) && set(fd, 0) == 0 && chdir(base) == 0, "opened again by it");
	close(fd);
}

static void test_ioctl(int own)
{
	struct ns_info info = { 0 }, next;
	struct { struct ns_info info; uint64_t more; } wide;
	int fd, sees, there_is = listed("user");
	pid_t pid = other();
	int theirs = open_ns(pid, O_RDONLY);

	ok(ioctl(own, NS_GET_NSTYPE) == CLONE_NEWNS, "its type");
	ok_errno(ioctl(own, NS_GET_PARENT), EINVAL, "it has no parent");
	ok_errno(ioctl(own, NS_GET_OWNER_UID, &info), EINVAL, "no user either");
	fd = ioctl(own, NS_GET_USERNS);
	ok(there_is ? fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC && ino_fd(fd) == ino_of("/proc/self/ns/user") : fd == -1 && errno == EPERM, "its user name space, where there are any");
	close(fd);
	ok_errno(ioctl(own, 0xb77f), ENOTTY, "another request");
	ok_errno(ioctl(own, 0x5401, &info), ENOTTY, "a terminal's");
	ok_errno(ioctl(own, _IOR(0xb7, 6, int), 1), EINVAL, "a pid name space's");
	ok(id_of(own) && id_of(own) < id_of(theirs), "a number that grows");
	ok_errno(ioctl(own, NS_GET_MNTNS_ID, NULL), EFAULT, "to nowhere");
	ok(ioctl(theirs, NS_MNT_GET_INFO, &info) == 0 && info.size == sizeof(info) && info.id == id_of(theirs) && info.mounts > 2, "how many mounts it has");
	memset(&wide, 0xff, sizeof(wide));
	fd = ioctl(own, _IOR(0xb7, 10, wide), &wide);
	ok(fd == 0 && wide.info.id == id_of(own) && wide.info.size == sizeof(info) && wide.more == UINT64_MAX && wide.info.mounts + 1 == info.mounts,
	   "for a newer program (%u of %u)", wide.info.mounts, info.mounts);
	ok_errno(ioctl(own, _IOR(0xb7, 10, char), &info), ENOTTY, "for too old a one");
	ok_errno(ioctl(own, NS_MNT_GET_INFO, NULL), EINVAL, "for nobody");
	/* On Linux not from inside a pid name space. */
	sees = ioctl(own, NS_MNT_GET_NEXT, NULL) >= 0 || errno != EPERM || !listed("pid");
	fd = ioctl(own, NS_MNT_GET_NEXT, &next);
	ok(!sees || (fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC && next.id > id_of(own) && id_of(fd) == next.id), "the next one");
	close(fd);
	fd = ioctl(theirs, NS_MNT_GET_PREV, NULL);
	ok(!sees || (fd >= 0 && id_of(fd) < id_of(theirs) && id_of(fd) >= id_of(own)), "the one before");
	close(fd);
	for (fd = dup(theirs); fd >= 0;) {
		int n = ioctl(fd, NS_MNT_GET_NEXT, NULL);

		close(fd);
		fd = n;
	}
	ok(!sees || errno == ENOENT, "the last");
	ok(in_child(nobody() || ioctl(own, NS_MNT_GET_NEXT, NULL) != -1 || errno != EPERM || id_of(own) == 0) == 0, "not for who may not see others'");
	/* The same by pidfd. */
	fd = pidfd(pid);
	ok(fd >= 0 && ino_fd(ioctl(fd, PIDFD_GET_MNT_NAMESPACE, 0)) == ino_fd(theirs), "a pidfd's");
	ok_errno(ioctl(fd, PIDFD_GET_MNT_NAMESPACE, 1), EINVAL, "with an argument");
	ok_errno(ioctl(fd, 0xff4d, 0), ENOTTY, "another request of a pidfd");
	ok(ioctl(fd, PIDFD_GET_UTS_NAMESPACE, 0) >= 0 ? listed("uts") : !listed("uts") && errno == EOPNOTSUPP, "another kind");
	ok(in_child(nobody() || ioctl(fd, PIDFD_GET_MNT_NAMESPACE, 0) != -1 || errno != EACCES) == 0, "of who may not be traced");
	close(theirs);
	end_other(pid);
	ok_errno(ioctl(fd, PIDFD_GET_MNT_NAMESPACE, 0), ESRCH, "of who is gone");
	close(fd);
}

static void test_setns(int own)
{
	int p[2], fd, path = open(MINE, O_PATH), dir = open("/proc/self", O_RDONLY | O_DIRECTORY), pfd = pidfd(getpid());
	pid_t pid = other();
	int theirs = open_ns(pid, O_RDONLY), their_pid = pidfd(pid);

	ok_errno(set(-1, 0), EBADF, "no descriptor");
	ok_errno(set(-1, -1), EBADF, "before its flags");
	ok_errno(set(path, 0), EBADF, "a path");
	if (pipe(p))
		bail("pipe");
	ok_errno(set(p[0], 0), EINVAL, "a pipe");
	ok_errno(set(dir, CLONE_NEWNS), EINVAL, "a directory of /proc");
	ok_errno(set(theirs, CLONE_NEWUTS), EINVAL, "another type");
	ok_errno(set(theirs, CLONE_NEWNS | CLONE_NEWUTS), EINVAL, "two");
	ok_errno(set(theirs, 1), EINVAL, "no type");
	ok_errno(set(pfd, 0), EINVAL, "a pidfd without flags");
	ok_errno(set(pfd, 1), EINVAL, "with a strange one");
	ok_errno(set(pfd, CLONE_NEWNS | CLONE_FS), EINVAL, "with one that is no name space's");
	ok(in_child(set(pfd, CLONE_NEWUTS) == 0 ? 0 : errno) == (listed("uts") ? 0 : EINVAL), "with a kind that there may not be");
	ok(in_child(nobody() || set(theirs, CLONE_NEWUTS) != -1 || errno != EINVAL || set(pfd, 0) != -1 || errno != EINVAL || set(theirs, 0) != -1 || errno != EPERM ||
		    set(their_pid, CLONE_NEWNS) != -1 || errno != EPERM || set(own, CLONE_NEWNS) != -1 || errno != EPERM) == 0, "not for everybody; mistakes come first");
	ok(in_child(drop_cap(21) || errno_of(set(theirs, 0)) != EPERM) == 0, "not without CAP_SYS_ADMIN");
	ok(in_child(drop_cap(18) || errno_of(set(theirs, 0)) != EPERM) == 0, "not without CAP_SYS_CHROOT");
	ok(in_child(entered(theirs, 0)) == 0, "entered by its file");
	ok(in_child(entered(theirs, CLONE_NEWNS)) == 0, "with the type");
	ok(in_child(entered(their_pid, CLONE_NEWNS)) == 0, "by pidfd");
	ok(in_child(there_and_back(theirs, own)) == 0, "there and back");
	ok(in_child(out_of_root(own)) == 0, "one's own: out of what chroot() said");
	ok(in_child(out_of_root(own) || chroot("/proc") || set(pidfd(getpid()), CLONE_NEWNS) || access("/self", F_OK) == 0) == 0, "by one's own pidfd, too");
	ok(in_child(covered_root()) == 0, "the root: what is mounted on top of it");
	ok(in_child(threads(theirs)) == 0, "not while another thread has the same root; on its own it may");
	ok(in_child(shared_fs(theirs, 1) != EINVAL) == 0 && in_child(after_sharer(theirs)) == 0, "nor another process (CLONE_FS), until it ends");
	ok(in_child(shared_fs(theirs, 0) != EPERM) == 0, "who may not hears that first");
	ok(in_child(looked_at(theirs, own)) == 0, "who looks from /proc does not share it");
	/* Without the processes. */
	ok(end_other(pid) == 0 && in_child(entered(theirs, 0)) == 0, "an open file keeps it");
	ok_errno(set(their_pid, CLONE_NEWNS), ESRCH, "a pidfd does not");
	fd = open("/proc/self/ns/mnt", O_RDONLY);
	ok(ino_fd(fd) == ino_fd(own) && ino_fd(fd) != ino_fd(theirs), "here nothing has changed");
	close(fd);
	close(theirs);
	close(their_pid);
	close(path);
	close(dir);
	close(pfd);
	close(p[0]);
	close(p[1]);
}

static void test_bind(int own)
{
	char proc[64], text[4200], want[4200];
	struct stat st, st2;
	pid_t pid = other();
	int fd, n, theirs = open_ns(pid, O_RDONLY);
	ino_t ino = ino_fd(theirs);

	close(open("f", O_CREAT | O_RDWR, 0600));
	close(open("g", O_CREAT | O_RDWR, 0600));
	snprintf(proc, sizeof(proc), "/proc/%d/ns/mnt", pid);
	ok_errno(mount_bind_at(MINE, "f"), EINVAL, "a name space is not bound in itself");
	ok_errno(mount_bind_at(proc, "in"), ENOTDIR, "nor on a directory");
	ok(mount_bind_at(proc, "f") == 0 && bound_line("f", ino), "bound, and in the table");
	ok(stat("f", &st) == 0 && fstat(theirs, &st2) == 0 && st.st_ino == ino && st.st_dev == st2.st_dev && st.st_mode == (S_IFREG | 0444), "the same file");
	ok_errno(open("f", O_RDWR), EPERM, "not to be written");
	fd = open("f", O_RDONLY);
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	n = (int)readlink(proc, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = 0;
	snprintf(want, sizeof(want), "%s/f", base);
	ok(!strcmp(text, want), "it has a name now");
	ok_errno(umount("f"), EBUSY, "in use");
	close(fd);
	close(theirs);
	ok(end_other(pid) == 0 && in_child(enter_bound("f")) == 0, "it keeps the name space");
	ok(mount_bind_at("f", "g") == 0 && bound_line("g", ino) && umount("g") == 0, "bound again");
	ok(in_child(unshare(CLONE_NEWNS) || mounts_at("f") != 0 || access("f", F_OK)) == 0 && mounts_at("f") == 1, "a copy of the tree is without it");
	ok(in_child(unshare(CLONE_NEWNS) || mount_bind_at(MINE, "g") == 0) == 0, "nor in itself there");
	/* A tree with it. */
	mkdir("tree", 0755);
	mkdir("to", 0755);
	mount_tmpfs("tree");
	close(open("tree/f", O_CREAT | O_RDWR, 0600));
	ok(mount_bind_at("f", "tree/f") == 0 && mount("tree", "to", NULL, MS_BIND | MS_REC, NULL) == 0 && mounts_at("to/f") == 1, "in a tree that is bound");
	ok(umount2("to", MNT_DETACH) == 0 && mount("tree", "to", NULL, MS_MOVE, NULL) == 0 && bound_line("to/f", ino), "and moved");
	umount2("to", MNT_DETACH);
	/* A tree of a descriptor. */
	fd = open("f", O_RDONLY);
	ok(clone_and_move(fd, "g") == 0 && umount("g") == 0, "by open_tree() and move_mount()");
	close(fd);
	ok_errno(clone_and_move(own, "g"), ELOOP, "but not in itself");
	/* Others do not get it. */
	mkdir("sh", 0755);
	mkdir("peer", 0755);
	if (mount_tmpfs("sh") || mount_propagation_of("sh", MS_SHARED))
		bail("shared");
	close(open("sh/f", O_CREAT | O_RDWR, 0600));
	ok(mount_bind_at("f", "sh/f") == 0 && umount("sh/f") == 0, "in a shared mount that nobody shares");
	mount_bind_at("sh", "peer");
	ok_errno(mount_bind_at("f", "sh/f"), EINVAL, "in one that has a peer: it would have to be there, too");
	ok(mounts_at("sh/f") == 0 && mounts_at("peer/f") == 0 && mount_shared("f") == 0, "then it is nowhere");
	umount("peer");
	umount("sh");
	ok(umount("f") == 0 && mounts_at("f") == 0 && stat("f", &st) == 0 && st.st_ino != ino, "away");
}

int main(void)
{
	int own;

	cpu_set_t one;

	plan(102);
	/* Linux counts name spaces by CPU: only there a later one has a greater number. */
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	if (sched_getaffinity(0, sizeof(all), &all) || sched_setaffinity(0, sizeof(one), &one))
		bail("affinity");
	if (unshare(CLONE_NEWNS) || mount_propagation_of("/", MS_REC | MS_PRIVATE) || !getcwd(base, sizeof(base)))
		bail("unshare");
	mkdir("r", 0755);
	if (mount_tmpfs("r") || chdir("r"))
		bail("set-up");
	strcat(base, "/r");
	mkdir("in", 0755);
	gate_init(&here);
	gate_init(&there);
	gate_init(&through);
	own = open(MINE, O_RDONLY | O_CLOEXEC);
	ok(own >= 0, "opened");
	test_names(own);
	test_file(own);
	test_ioctl(own);
	test_setns(own);
	test_bind(own);
	return done();
}
