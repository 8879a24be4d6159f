/* SPDX-License-Identifier: MIT */
/* What the differential fuzzer found in copies between files, links, attributes and queues as files.  As Linux 6.18 has it. */
#include "harness.h"
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define CHECK(c) ok(c, "%s", #c)
#define CHECK_EQ(a, b) ok((long)(a) == (long)(b), "%s", #a)

static int fails(long r, int e) { return r == -1 && errno == e; }
#define BAD ((void *)-4096L)
#define NAME "errno_order_files.f"
enum { NR_SETXATTRAT = 463, NR_GETXATTRAT = 464 };

static void send_file(void)
{
	int f = open(NAME, O_RDWR | O_CREAT | O_TRUNC, 0600), a = open(NAME, O_WRONLY | O_APPEND), ep = epoll_create1(0), ev = eventfd(0, 0), p[2], s[2],
		d = open(".", O_RDONLY);
	off_t at = 0, *ro = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	CHECK_EQ(sendfile(ep, f, NULL, 100), 0);		/* at the end: who would take it is not asked */
	CHECK_EQ(sendfile(ev, f, NULL, 100), 0);
	CHECK_EQ(write(f, "0123456789", 10), 10);
	CHECK(fails(sendfile(ep, f, &at, 100), EINVAL));
	CHECK(fails(sendfile(ev, f, &at, 100), EINVAL));
	CHECK_EQ(sendfile(ep, f, &at, 0), 0);			/* nor when there is nothing to send */
	CHECK_EQ(sendfile(ep, d, NULL, 0), 0);
	CHECK(fails(sendfile(ep, d, NULL, 1), EINVAL));
	CHECK_EQ(sendfile(ep, ev, NULL, 0), 0);
	CHECK(fails(sendfile(ep, ev, NULL, 8), EINVAL));
	CHECK(fails(sendfile(a, f, &at, 0), EINVAL));
	CHECK(fails(sendfile(f, p[0], NULL, 0), EINVAL));
	CHECK(fails(sendfile(f, p[0], &at, 0), ESPIPE));
	CHECK(fails(sendfile(f, ev, &at, 0), ESPIPE));
	CHECK(fails(sendfile(99, f, &at, -1UL), EINVAL));
	CHECK(fails(sendfile(99, 98, ro, 1), EFAULT));		/* where it is is written back, also when it fails */
	CHECK_EQ(write(s[0], "abc", 3), 3);
	CHECK_EQ(sendfile(p[1], s[1], NULL, 3), 3);		/* into a pipe it is a splice */
	CHECK(fails(sendfile(p[1], p[0], NULL, 3), EINVAL));
	close(p[0]);
	signal(SIGPIPE, SIG_IGN);
	CHECK(fails(sendfile(p[1], f, &at, 0), EPIPE));
	signal(SIGPIPE, SIG_DFL);
	close(p[1]);
	close(s[0]);
	close(s[1]);
	close(a);
	close(d);
	close(ep);
	close(ev);
	close(f);
	munmap(ro, 4096);
}

static volatile sig_atomic_t too_large;
static void on_xfsz(int sig) { (void)sig; too_large++; }

static void copy_range(void)
{
	int f = open(NAME, O_RDWR), g = open(NAME "2", O_RDWR | O_CREAT, 0600), m = memfd_create("m", 0);
	loff_t from = 100, to = 4;
	struct rlimit l = { 4, RLIM_INFINITY };

	signal(SIGXFSZ, on_xfsz);
	CHECK_EQ(write(m, "x", 1), 1);
	CHECK(fails(copy_file_range(m, &(loff_t){ 0 }, g, NULL, 1, 0), EXDEV));
	CHECK(fails(copy_file_range(f, NULL, g, NULL, 1, 1), EINVAL));
	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &l), 0);
	CHECK(fails(copy_file_range(f, &from, g, &to, 10, 0), EFBIG));	/* though there is nothing to copy */
	CHECK_EQ(too_large, 1);
	l.rlim_cur = RLIM_INFINITY;
	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &l), 0);
	signal(SIGXFSZ, SIG_DFL);
	close(m);
	close(f);
	close(g);
	CHECK_EQ(unlink(NAME "2"), 0);
}

/* A descriptor that others opened gives no names: that is said before what it is. */
static void links(void)
{
	int s = socket(AF_UNIX, SOCK_STREAM, 0), f = open(NAME, O_RDONLY), status;

	CHECK(fails(linkat(s, "a", AT_FDCWD, "b", AT_EMPTY_PATH), ENOTDIR));
	CHECK(fails(linkat(s, "", AT_FDCWD, "errno_order_files.l", AT_EMPTY_PATH), EXDEV));
	if (fork() == 0) {
		if (setresuid(1000, 1000, 1000))
			_exit(9);
		if (!fails(linkat(s, "a", AT_FDCWD, "b", AT_EMPTY_PATH), ENOENT))
			_exit(1);
		if (!fails(linkat(s, "a", AT_FDCWD, "b", 0), ENOTDIR))
			_exit(2);
		if (!fails(linkat(f, "", AT_FDCWD, "b", AT_EMPTY_PATH), ENOENT))
			_exit(3);
		if (!fails(linkat(f, BAD, AT_FDCWD, "b", AT_EMPTY_PATH), EFAULT))
			_exit(4);
		_exit(fails(linkat(99, "a", AT_FDCWD, "b", AT_EMPTY_PATH), EBADF) ? 0 : 5);
	}
	CHECK(wait(&status) > 0);
	CHECK_EQ(status, 0);
	close(s);
	close(f);
}

/* A socket says what its protocol is called. */
static void socket_attributes(void)
{
	int s = socket(AF_UNIX, SOCK_STREAM, 0), d = socket(AF_UNIX, SOCK_DGRAM, 0);
	char text[64] = "";

	CHECK_EQ(flistxattr(s, NULL, 0), 21);
	CHECK_EQ(flistxattr(s, text, sizeof(text)), 21);
	CHECK(!strcmp(text, "system.sockprotoname"));
	CHECK(fails(flistxattr(s, text, 20), ERANGE));
	CHECK_EQ(fgetxattr(s, text, text, sizeof(text)), 12);
	CHECK(!strcmp(text, "UNIX-STREAM"));
	CHECK(fails(fgetxattr(s, "system.sockprotoname", text, 11), ERANGE));
	CHECK_EQ(fgetxattr(d, "system.sockprotoname", text, sizeof(text)), 5);
	CHECK(!strcmp(text, "UNIX"));
	CHECK(fails(fsetxattr(s, "system.sockprotoname", "x", 1, 0), EOPNOTSUPP));
	CHECK(fails(fgetxattr(s, "trusted.none", text, 1), EOPNOTSUPP));
	CHECK(fails(fremovexattr(s, "security.eft"), EAGAIN));
	CHECK(fails(fremovexattr(s, "trusted.eft"), EOPNOTSUPP));
	close(s);
	close(d);
}

/* The working directory is a file to get and set attributes of. */
static void attributes(void)
{
	struct { uint64_t value; uint32_t size, flags; } a = { (uint64_t)(uintptr_t)"v", 1, 0 };
	char got[8];

	if (fails(syscall(NR_GETXATTRAT, AT_FDCWD, "", AT_EMPTY_PATH, "user.none", &a, sizeof(a)), ENOSYS)) {	/* before Linux 6.13 */
		ok(1, "there is no getxattrat");
		return;
	}
	CHECK(fails(syscall(NR_GETXATTRAT, AT_FDCWD, "", AT_EMPTY_PATH, "trusted.none", &a, sizeof(a)), ENODATA));
	CHECK(fails(syscall(NR_GETXATTRAT, AT_FDCWD, NULL, AT_EMPTY_PATH, "trusted.none", &a, sizeof(a)), ENODATA));
	CHECK_EQ(syscall(NR_SETXATTRAT, AT_FDCWD, "", AT_EMPTY_PATH, "trusted.eft", &a, sizeof(a)), 0);
	a.value = (uint64_t)(uintptr_t)got;
	a.size = sizeof(got);
	CHECK_EQ(syscall(NR_GETXATTRAT, AT_FDCWD, "", AT_EMPTY_PATH, "trusted.eft", &a, sizeof(a)), 1);
}

/* There are lists of mode bits only; a file without a name has none at all, and is not executable. */
static void lists_and_names(void)
{
	char bad[4] = { 1, 0, 0, 0 }, empty[4] = { 2, 0, 0, 0 }, none[12] = { 2, 0, 0, 0, 99 };
	struct { unsigned bytes; int type; char raw[8]; } h = { 0, 1, { 0 } };
	struct { uint64_t flags, mode, resolve; } how = { O_CREAT | O_RDWR, 0600, 32 /* RESOLVE_CACHED */ };
	int f = open(NAME, O_RDWR), p[2], q = (int)syscall(SYS_mq_open, "errno_order_files", O_RDWR | O_CREAT, 0600, NULL), status;
	struct stat st;

	CHECK(fails(sendfile(f, q, NULL, 8), EINVAL));		/* a queue's text is read whole */
	CHECK_EQ(pipe(p), 0);
	CHECK(fails(fsetxattr(f, "system.posix_acl_access", bad, 4, 0), EOPNOTSUPP));
	CHECK(fails(fsetxattr(f, "system.posix_acl_access", bad, 3, 0), EINVAL));
	CHECK(fails(fsetxattr(f, "system.posix_acl_access", none, 12, 0), EINVAL));
	CHECK(fails(fsetxattr(p[0], "system.posix_acl_access", empty, 4, 0), EOPNOTSUPP));
	if (fgetxattr(f, "system.posix_acl_access", NULL, 0) == -1 && errno == ENODATA) {	/* the file system has lists */
		CHECK_EQ(fsetxattr(f, "system.posix_acl_access", empty, 4, 0), 0);
		CHECK_EQ(fremovexattr(f, "system.posix_acl_access"), 0);
		CHECK_EQ(fremovexattr(f, "system.posix_acl_default"), 0);
	}
	CHECK(fails((long)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, p[0], 0), EPERM) || errno == ENODEV);	/* Linux before 6.16 */
	CHECK_EQ(fstat(q, &st), 0);
	CHECK_EQ(st.st_size, 80);
	CHECK_EQ(syscall(SYS_readahead, q, 0L, 4096L), 0);
	CHECK(fails(syscall(SYS_open_by_handle_at, 99, BAD, 0), EFAULT));
	CHECK(fails(syscall(SYS_open_by_handle_at, 99, &h, 0), EINVAL));
	h.bytes = 8;
	CHECK(fails(syscall(SYS_open_by_handle_at, 99, &h, 0), EBADF));
	CHECK(fails(syscall(437 /* openat2 */, AT_FDCWD, BAD, &how, sizeof(how)), EAGAIN) || errno == EFAULT);
	CHECK(fails(syscall(437, AT_FDCWD, "none", &how, sizeof(how)), EAGAIN));
	if (fork() == 0) {
		if (setresuid(1000, 1000, 1000))
			_exit(9);
		_exit(fails(fremovexattr(f, "system.posix_acl_access"), EPERM) || errno == EOPNOTSUPP ? 0 : 1);
	}
	CHECK(wait(&status) > 0);
	CHECK_EQ(status, 0);
	CHECK(fails(syscall(SYS_pwrite64, q, -4096L, 1024, 0), EINVAL));
	CHECK_EQ(syscall(SYS_mq_unlink, "errno_order_files"), 0);
	close(p[0]);
	close(p[1]);
	close(q);
	close(f);
}

static void queues(void)
{
	int q = (int)syscall(SYS_mq_open, "errno_order_files", O_RDWR | O_CREAT, 0600, NULL), p = (int)syscall(SYS_mq_open, "errno_order_files", O_PATH | O_RDWR, 0, NULL),
		status;
	struct stat st;

	CHECK(q >= 0);
	CHECK(p >= 0);
	CHECK_EQ(fstat(p, &st), 0);
	CHECK(fails(syscall(SYS_mq_timedsend, p, "x", 1, 0, NULL), EBADF));
	CHECK(fails(syscall(SYS_mq_getsetattr, p, NULL, NULL), EBADF));
	CHECK(fails(read(p, &st, 1), EBADF));
	if (fork() == 0) {
		if (setresuid(1000, 1000, 1000))
			_exit(9);
		_exit(fails(syscall(SYS_mq_unlink, "errno_order_files"), EPERM) ? 0 : errno == EACCES ? 1 : 2);	/* as in any sticky directory */
	}
	CHECK(wait(&status) > 0);
	CHECK_EQ(status, 0);
	CHECK_EQ(syscall(SYS_mq_unlink, "errno_order_files"), 0);
	close(p);
	close(q);
}

/* Modes, sizes and signals of files that are other things. */
/* fcntl's argument is an int. */
static void high_arguments(void)
{
	int d = (int)syscall(SYS_fcntl, 0, F_DUPFD, 0x100000000), p[2];

	CHECK(d > 0);
	close(d);
	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(syscall(SYS_fcntl, p[0], F_SETSIG, 0x100000003), 0);
	CHECK_EQ(fcntl(p[0], F_GETSIG), 3);
	CHECK(fails(syscall(SYS_fcntl, p[0], F_SETSIG, -1), EINVAL));
	close(p[0]);
	close(p[1]);
}

static void odd_files(void)
{
	struct sockaddr_un sun = { AF_UNIX, "errno_order_files.s" };
	int s = socket(AF_UNIX, SOCK_STREAM, 0), in = inotify_init1(IN_NONBLOCK), q = (int)syscall(SYS_mq_open, "errno_order_files", O_RDWR | O_CREAT, 0600, NULL), on = 1;
	struct stat st;
	struct iovec v = { &st, 1 };

	CHECK_EQ(fchmod(s, 02755), 0);
	CHECK_EQ(bind(s, (struct sockaddr *)&sun, sizeof(sun)), 0);
	CHECK_EQ(stat(sun.sun_path, &st), 0);
	CHECK_EQ(st.st_mode, S_IFSOCK | 02755);
	CHECK_EQ(unlink(sun.sun_path), 0);
	{	/* what a file occupies; a queue's name is looked at when there is a descriptor for it */
		int m = memfd_create("m", 0);
		int64_t bytes = 0;
		struct rlimit l, none = { 0, 0 };
		char name[300];

		CHECK_EQ(write(m, "abc", 3), 3);
		CHECK_EQ(ioctl(m, 0x5460 /* FIOQSIZE */, &bytes), 0);
		CHECK_EQ(bytes, 4096);
		close(m);
		memset(name, 'a', 299);
		name[299] = 0;
		CHECK(fails(syscall(SYS_mq_unlink, name), ENAMETOOLONG));
		name[298] = '/';
		CHECK(fails(syscall(SYS_mq_unlink, name), EACCES));
		getrlimit(RLIMIT_NOFILE, &l);
		none.rlim_max = l.rlim_max;
		CHECK_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
		CHECK(fails(syscall(SYS_mq_open, "/q", O_RDWR, 0, NULL), EMFILE));
		CHECK(fails(syscall(SYS_mq_open, "", O_RDWR, 0, NULL), ENOENT));
		CHECK_EQ(setrlimit(RLIMIT_NOFILE, &l), 0);
		CHECK(fails(syscall(SYS_mq_open, "/q", O_RDWR, 0, NULL), EACCES));
	}
	CHECK_EQ(ftruncate(q, 16), 0);
	CHECK_EQ(fstat(q, &st), 0);
	CHECK_EQ(st.st_size, 16);
	CHECK(fails(syscall(SYS_preadv2, q, &v, 1, 0, 0, RWF_DSYNC), EOPNOTSUPP));
	CHECK(fails(syscall(SYS_preadv2, q, &v, 1, 0, 0, 0x10 /* RWF_APPEND */ | 0x20 /* RWF_NOAPPEND */), EOPNOTSUPP));
	CHECK(fails(syscall(SYS_preadv2, in, &v, 1, -1L, -1L, RWF_DSYNC), EOPNOTSUPP));
	signal(SIGIO, on_xfsz);
	too_large = 0;
	CHECK_EQ(fcntl(in, F_SETOWN, getpid()), 0);
	CHECK_EQ(ioctl(in, FIOASYNC, &on), 0);
	CHECK(inotify_add_watch(in, ".", IN_CREATE) > 0);
	close(open(NAME "3", O_CREAT | O_RDWR, 0600));
	for (int i = 0; i < 5000 && !too_large; i++)
		usleep(1000);
	CHECK_EQ(too_large, 1);
	signal(SIGIO, SIG_DFL);
	CHECK_EQ(unlink(NAME "3"), 0);
	CHECK_EQ(syscall(SYS_mq_unlink, "errno_order_files"), 0);
	close(in);
	close(s);
	close(q);
}

int main(void)
{
	send_file();
	copy_range();
	links();
	socket_attributes();
	attributes();
	lists_and_names();
	odd_files();
	high_arguments();
	queues();
	unlink(NAME);
	return done();
}
