/* SPDX-License-Identifier: MIT */
/* What the differential fuzzer found in limits, seals, pages given to pipes, and calls that have no time to wait.  As Linux 6.18 has it. */
#include "harness.h"
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(c) ok(c, "%s", #c)
#define CHECK_EQ(a, b) ok((long)(a) == (long)(b), "%s", #a)

static int fails(long r, int e) { return r == -1 && errno == e; }
#define BAD ((void *)-4096L)
#define NAME "errno_order_limits.f"

static volatile sig_atomic_t taken;
static void on_signal(int sig) { (void)sig; taken++; }

/* A signal that the mask of the call lets in, or that came meanwhile, is seen also when there is no time to wait in. */
static void no_time(void)
{
	struct timespec none = { 0, 0 };
	struct pollfd p = { -1, POLLIN, 0 };
	sigset_t all, empty;
	fd_set set;

	signal(SIGUSR1, on_signal);
	sigfillset(&all);
	sigemptyset(&empty);
	sigprocmask(SIG_BLOCK, &all, NULL);
	kill(getpid(), SIGUSR1);
	CHECK_EQ(ppoll(&p, 1, &none, NULL), 0);
	CHECK(fails(ppoll(&p, 1, &none, &empty), EINTR) && taken == 1);
	kill(getpid(), SIGUSR1);
	FD_ZERO(&set);
	CHECK_EQ(pselect(1, &set, NULL, NULL, &none, NULL), 0);
	CHECK(fails(pselect(1, &set, NULL, NULL, &none, &empty), EINTR) && taken == 2);
	kill(getpid(), SIGUSR1);
	p.fd = 1;
	p.events = POLLOUT;
	CHECK(ppoll(&p, 1, &none, &empty) == 1 || errno == EINTR);
	sigprocmask(SIG_SETMASK, &empty, NULL);
	CHECK_EQ(taken, 3);
	signal(SIGUSR1, SIG_DFL);
}

static void seals(void)
{
	struct rlimit old, l = { 100, RLIM_INFINITY };
	int f = memfd_create("m", MFD_ALLOW_SEALING), g = memfd_create("g", MFD_ALLOW_SEALING);
	struct stat st;

	CHECK_EQ(ftruncate(f, 1000), 0);
	CHECK_EQ(ftruncate(g, 1000), 0);
	CHECK_EQ(fcntl(f, F_ADD_SEALS, F_SEAL_WRITE), 0);
	CHECK_EQ(fcntl(g, F_ADD_SEALS, F_SEAL_GROW), 0);
	CHECK_EQ(fallocate(f, 0, 100, 100), 0);			/* changes no byte */
	CHECK_EQ(fallocate(f, 0, 100, 1000), 0);
	CHECK(fails(fallocate(f, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 100), EPERM));
	CHECK(fails(fallocate(g, FALLOC_FL_KEEP_SIZE, 0, 2000), EPERM));
	CHECK_EQ(fallocate(g, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 2000), 0);
	getrlimit(RLIMIT_FSIZE, &old);
	l.rlim_max = old.rlim_max;
	signal(SIGXFSZ, on_signal);
	taken = 0;
	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &l), 0);
	CHECK(fails(pwrite(f, "abc", 3, 100), EFBIG) && taken == 1);	/* the limit comes first */
	CHECK(fails(pwrite(f, "abc", 3, 98), EPERM) && taken == 1);
	CHECK(fails(pwrite(g, "abc", 3, 5000), EFBIG) && taken == 2);
	CHECK(fails(fallocate(g, FALLOC_FL_KEEP_SIZE, 0, 2000), EFBIG) && taken == 3);
	if (old.rlim_max == RLIM_INFINITY) {
		l.rlim_cur = 0xfffffeffffffffffull;	/* as a signed number it is below everything */
		CHECK_EQ(setrlimit(RLIMIT_FSIZE, &l), 0);
		CHECK(fails(pwrite(g, "abc", 3, 0), EFBIG) && taken == 4);
	}
	setrlimit(RLIMIT_FSIZE, &old);
	signal(SIGXFSZ, SIG_DFL);
	CHECK(fstat(f, &st) == 0 && st.st_size == 1100);
	close(f);
	close(g);
}

/* What a write leaves that faults, what fallocate says first, and what shmdt does not say. */
static void sizes(void)
{
	struct rlimit old, none = { 0, 0 };
	int f = memfd_create("m", MFD_ALLOW_SEALING), s = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), id = shmget(IPC_PRIVATE, 15, 0600);
	struct sockaddr auto_name = { .sa_family = AF_UNIX };
	char *a = shmat(id, NULL, 0);
	struct stat st;

	CHECK(fails(pwrite(f, BAD, 100, 13000), EFAULT));
	CHECK(fails(pwrite(f, (void *)8, 100, 13000), EFAULT));
	CHECK(fstat(f, &st) == 0 && st.st_size == 13000);	/* nothing of it, but up to there */
	getrlimit(RLIMIT_FSIZE, &old);
	none.rlim_max = old.rlim_max;
	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &none), 0);
	CHECK(fails(fallocate(f, FALLOC_FL_KEEP_SIZE | FALLOC_FL_ZERO_RANGE, 1, 20000), EOPNOTSUPP));
	setrlimit(RLIMIT_FSIZE, &old);
	close(f);
	CHECK_EQ(bind(s, &auto_name, sizeof(sa_family_t)), 0);
	CHECK_EQ(listen(s, 1), 0);
	CHECK_EQ(shutdown(s, SHUT_RDWR), 0);
	CHECK(fails(accept(s, NULL, NULL), EAGAIN));
	CHECK_EQ(fcntl(s, F_SETFL, 0), 0);
	CHECK(fails(accept(s, NULL, NULL), EINVAL));
	close(s);
	struct shmid_ds ds;
	int big = shmget(IPC_PRIVATE, 65536, 0600);
	char *b = shmat(big, NULL, 0);

	CHECK_EQ(madvise(b, 4096, MADV_KEEPONFORK), 0);		/* nothing changes: it stays one */
	CHECK(shmctl(big, IPC_STAT, &ds) == 0 && ds.shm_nattch == 1);
	CHECK_EQ(madvise(b, 4096, MADV_DONTDUMP), 0);
	CHECK(shmctl(big, IPC_STAT, &ds) == 0 && ds.shm_nattch == 2);
	b[0] = 1;
	CHECK_EQ(madvise(b, 4096, MADV_REMOVE), 0);
	CHECK_EQ(b[0], 0);
	CHECK_EQ(shmdt(b), 0);
	CHECK_EQ(shmctl(big, IPC_RMID, NULL), 0);
	b = mmap(NULL, 4096, PROT_READ | PROT_WRITE, 8 /* MAP_DROPPABLE */ | MAP_ANONYMOUS, -1, 0);
	CHECK(b != MAP_FAILED && !b[0]);
	CHECK(fails((long)mmap(NULL, 4096, PROT_READ, 8 | MAP_ANONYMOUS | MAP_LOCKED, -1, 0), EINVAL));
	munmap(b, 4096);
	CHECK_EQ(shmctl(id, IPC_RMID, NULL), 0);
	CHECK_EQ(syscall(462 /* mseal */, a, 4096, 0), 0);
	CHECK_EQ(shmdt(a), 0);
	CHECK_EQ(a[0], 0);
}

/* A socket refuses to be mapped when what was there is gone. */
static void socket_map(void)
{
	char *a = mmap(NULL, 12288, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int s = socket(AF_UNIX, SOCK_STREAM, 0), d = open(".", O_RDONLY), f = open(NAME, O_RDWR | O_CREAT, 0600);

	CHECK(fails((long)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, s, 0), ENODEV));
	CHECK(fails((long)mmap(a + 4096, 4096, PROT_READ, MAP_PRIVATE | MAP_FIXED, d, 0), ENODEV));
	CHECK_EQ(msync(a, 12288, MS_ASYNC), 0);
	CHECK(fails((long)mmap(a + 4096, 4096, PROT_READ, MAP_PRIVATE | MAP_FIXED | MAP_GROWSDOWN, s, 0), EINVAL));
	CHECK_EQ(msync(a, 12288, MS_ASYNC), 0);
	CHECK(fails((long)mmap(a + 4096, 4096, PROT_READ, MAP_PRIVATE | MAP_FIXED, s, 0), ENODEV));
	CHECK(fails(msync(a, 12288, MS_ASYNC), ENOMEM));
#ifdef MAP_32BIT
	char *low = mmap((void *)0x10000000, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0),
		*next = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	CHECK((long)low == 0x10000000);			/* a hint may be below */
	CHECK((unsigned long)next >= 1ul << 30 && (unsigned long)next < 1ul << 31);
	munmap(low, 4096);
	munmap(next, 4096);
#endif
	munmap(a, 12288);
	close(s);
	close(d);
	close(f);
}

/* What is replaced is no more than there was: a limit that is used up allows it. */
static void full_space(void)
{
	struct rlimit l = { 0, RLIM_INFINITY };
	char *a = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (!fork()) {
		int bad = 0;

		memset(a, 'a', 8192);
		setrlimit(RLIMIT_AS, &l);
		bad |= !fails((long)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), ENOMEM);
		bad |= !fails((long)mmap(a, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), ENOMEM) << 1;
		bad |= (a[0] != 'a') << 2;		/* and what was there still is */
		_exit(bad);
	}
	int status;

	wait(&status);
	CHECK_EQ(status, 0);
	munmap(a, 8192);
}

static void links(void)
{
	char v = '0';
	int f = open("/proc/sys/fs/protected_hardlinks", O_RDWR), wrote = 0, status;

	if (f < 0)
		f = open("/proc/sys/fs/protected_hardlinks", O_RDONLY);
	CHECK(pread(f, &v, 1, 0) == 1 && (v == '0' || v == '1'));
	if (v == '0' && pwrite(f, "1", 1, 0) == 1)
		wrote = 1, v = '1';
	CHECK(!wrote || fails(pwrite(f, "2", 1, 0), EINVAL));
	mkdir(NAME ".d", 0777);
	chmod(NAME ".d", 0777);
	close(open(NAME ".d/a", O_RDWR | O_CREAT, 0644));
	close(open(NAME ".d/b", O_RDWR | O_CREAT, 0644));
	chmod(NAME ".d/b", 0666);
	if (!fork()) {
		int bad = 0, root = geteuid() == 0;

		setfsuid(4321);
		if (root && v == '1')
			bad |= !fails(link(NAME ".d/a", NAME ".d/l"), EPERM);		/* neither its owner, nor may he write */
		else
			bad |= link(NAME ".d/a", NAME ".d/l") != 0;
		bad |= (link(NAME ".d/b", NAME ".d/m") != 0) << 1;
		bad |= !fails(link(NAME ".d/a", NAME ".d/m"), EEXIST) << 2;
		_exit(bad);
	}
	wait(&status);
	CHECK_EQ(status, 0);
	if (wrote)
		CHECK_EQ(pwrite(f, "0", 1, 0), 1);
	close(f);
	for (const char *n = "ablm"; *n; n++) {
		char path[] = NAME ".d/x";

		path[sizeof(path) - 2] = *n;
		unlink(path);
	}
	CHECK_EQ(rmdir(NAME ".d"), 0);
}

/* A queue counts as one that is full, for its user. */
static void queues(void)
{
	struct rlimit small = { 1059, 819200 }, one = { 1060, 819200 };
	struct mq_attr a = { .mq_maxmsg = 10, .mq_msgsize = 10 };
	int status;

	if (!fork()) {
		int bad = 0, q, r;

		if (!geteuid() && setresuid(54321, 54321, 54321))
			_exit(64);
		setrlimit(RLIMIT_MSGQUEUE, &small);
		bad |= !fails(mq_open("/limits_a", O_RDWR | O_CREAT, 0600, &a), EMFILE);
		setrlimit(RLIMIT_MSGQUEUE, &one);
		q = mq_open("/limits_a", O_RDWR | O_CREAT, 0600, &a);
		bad |= (q < 0) << 1;
		r = mq_open("/limits_b", O_RDWR | O_CREAT, 0600, &a);
		bad |= !fails(r, EMFILE) << 2;
		r = mq_open("/limits_a", O_RDWR | O_CREAT, 0600, &a);	/* one that is there costs nothing */
		bad |= (r < 0) << 3;
		mq_unlink("/limits_a");
		close(q);
		close(r);
		q = mq_open("/limits_b", O_RDWR | O_CREAT, 0600, &a);
		bad |= (q < 0) << 4;
		mq_unlink("/limits_b");
		_exit(bad);
	}
	wait(&status);
	CHECK_EQ(status, 0);
}

/* vmsplice: a slot for each piece of a page, and the page is the program's own. */
static void given(void)
{
	char *a = mmap(NULL, 12288, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), b[64];
	struct iovec v[3] = { { a, 4 }, { a + 4094, 4 }, { a + 8, 2 } }, far = { a + 4096, 8192 };
	int p[2];

	memcpy(a, "abcdefghij", 10);
	memcpy(a + 4094, "wxyz", 4);
	CHECK_EQ(pipe2(p, O_NONBLOCK), 0);
	CHECK_EQ(fcntl(p[1], F_SETPIPE_SZ, 4096), 4096);
	CHECK_EQ(vmsplice(p[1], v, 3, SPLICE_F_NONBLOCK), 4);
	CHECK(fails(vmsplice(p[1], v, 3, SPLICE_F_NONBLOCK), EAGAIN));
	CHECK(fails(write(p[1], "x", 1), EAGAIN));
	CHECK(read(p[0], b, 64) == 4 && !memcmp(b, "abcd", 4));
	CHECK_EQ(fcntl(p[1], F_SETPIPE_SZ, 16384), 16384);
	CHECK_EQ(vmsplice(p[1], v, 3, SPLICE_F_NONBLOCK), 10);
	a[1] = 'B';
	CHECK(read(p[0], b, 64) == 10 && !memcmp(b, "aBcdwxyzij", 10));
	CHECK_EQ(munmap(a + 8192, 4096), 0);
	CHECK_EQ(vmsplice(p[1], &far, 1, SPLICE_F_NONBLOCK), 4096);	/* as far as there is memory */
	far.iov_base = a + 8192;
	CHECK(fails(vmsplice(p[1], &far, 1, SPLICE_F_NONBLOCK), EFAULT));
	munmap(a, 8192);
	CHECK(read(p[0], b, 4) == 4 && !memcmp(b, "yz\0\0", 4));	/* the pipe has it still */
	close(p[0]);
	CHECK(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	CHECK(fails(vmsplice(p[1], &far, 1, 0), EPIPE));
	signal(SIGPIPE, SIG_DFL);
	close(p[1]);
}

static void sockets(void)
{
	int s[2], f = open(NAME, O_RDWR | O_CREAT, 0600);
	char room[CMSG_SPACE(8)] = { 0 }, b[8] = "message";
	struct iovec v = { b, 8 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
	struct cmsghdr *c = (struct cmsghdr *)room;

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	CHECK_EQ(write(s[0], "abc", 3), 3);
	m.msg_name = BAD;					/* nobody writes a name of no bytes */
	CHECK_EQ(recvmsg(s[1], &m, 0), 3);
	close(s[0]);
	close(s[1]);

	/* Descriptors that nobody takes are closed when the call returns. */
	CHECK_EQ(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, s), 0);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(8);
	memcpy(CMSG_DATA(c), &s[0], 4);
	memcpy(CMSG_DATA(c) + 4, &s[1], 4);
	m = (struct msghdr){ .msg_iov = &v, .msg_iovlen = 1, .msg_control = room, .msg_controllen = c->cmsg_len };
	CHECK_EQ(sendmsg(s[0], &m, 0), 3 + 5);
	close(s[0]);
	m.msg_controllen = 0;
	CHECK_EQ(recvmsg(s[1], &m, 0), 8);
	CHECK(fails(write(s[1], "x", 1), ECONNREFUSED));
	close(s[1]);

	CHECK_EQ(fcntl(f, F_SETFL, O_ASYNC), 0);		/* of a file that has none, it is not looked at */
	CHECK_EQ(fcntl(f, F_GETFL) & O_ASYNC, 0);
	close(f);
}

static void corners(void)
{
	int f = open(NAME, O_RDWR | O_CREAT, 0600), s[2];
	char *a = mmap(NULL, 4096, PROT_READ, MAP_SHARED | MAP_LOCKED, f, 0);
	mqd_t q = mq_open("/limits_text", O_RDWR | O_CREAT, 0600, NULL);
	struct rlimit old, none = { 0, 0 };
	long forever[2] = { 1l << 32, 0 }, below[2] = { -5, 5 }, got[2] = { 0, 0 };
	socklen_t len = sizeof(got);

	CHECK(a != MAP_FAILED && fails(msync(a, 4096, MS_SYNC | MS_INVALIDATE), EBUSY));
	CHECK(fails(msync(a, 4096, MS_ASYNC | MS_INVALIDATE), EBUSY));
	CHECK_EQ(msync(a, 4096, MS_SYNC), 0);
	munmap(a, 4096);
	close(f);
	CHECK_EQ(lseek(q, -1, SEEK_HOLE), 80);			/* before the end, as signed numbers have it */
	CHECK_EQ(lseek(q, 0, SEEK_CUR), 80);
	CHECK(fails(lseek(q, -1, SEEK_DATA), EINVAL));
	CHECK(fails(lseek(q, 80, SEEK_HOLE), ENXIO));
	int path = mq_open("/limits_text", O_PATH);
	struct stat st;

	CHECK(path >= 0 && fstat(path, &st) == 0 && st.st_nlink == 1);
	mq_unlink("/limits_text");
	CHECK(fstat(path, &st) == 0 && st.st_nlink == 0);
	CHECK(fstat(q, &st) == 0 && st.st_nlink == 0);
	close(path);
	close(q);
	CHECK_EQ(syscall(SYS_rt_sigpending, BAD, 0), 0);	/* no bytes */
	unsigned *edge = (unsigned *)((char *)mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) + 4092), data[6] = { 0 };

	munmap(edge + 1, 4096);
	CHECK(fails(syscall(SYS_capset, edge, data), EINVAL) && *edge == 0x20080522);	/* the version first, which is told */
	CHECK(fails(syscall(SYS_capset, edge, data), EFAULT));
	CHECK_EQ(syscall(SYS_capget, edge, NULL), 0);
	CHECK(fails(syscall(SYS_capget, edge, data), EFAULT));
	int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);

	CHECK(fails(pread(pidfd, data, 4, 0), EINVAL) && fails(lseek(pidfd, 0, SEEK_SET), ESPIPE));
	CHECK(fstat(pidfd, &st) == 0 && st.st_mode == 0700);
	close(pidfd);
	unsigned long aio = 0;

	CHECK(fails(syscall(SYS_io_setup, 0x80000000u, &aio), EAGAIN));	/* twice that is none, in 32 bits */
	CHECK(fails(syscall(SYS_io_setup, 0x80001000u, &aio), EAGAIN));
	CHECK(fails(syscall(SYS_io_setup, 0x10000000u, &aio), EINVAL));
	CHECK(fails(syscall(SYS_io_setup, 0x400000u, &aio), EAGAIN));
	union { struct sockaddr a; int len; } both = { .len = sizeof(struct sockaddr) };

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	CHECK(getsockname(s[0], &both.a, (socklen_t *)&both.len) == 0 && both.a.sa_family == AF_UNIX);	/* the length first */
	CHECK(syscall(SYS_mmap, 0, 4096, PROT_READ, MAP_SHARED_VALIDATE | 1ul << 32, memfd_create("m", 0), 0) == -1 && errno == EOPNOTSUPP);
	CHECK_EQ(setsockopt(s[0], SOL_SOCKET, 66 /* SO_RCVTIMEO_NEW */, forever, sizeof(forever)), 0);
	CHECK(getsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, got, &len) == 0 && got[0] == 1l << 32 && got[1] == 0);
	CHECK_EQ(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, below, sizeof(below)), 0);	/* told as none, and nobody waits */
	CHECK(getsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, got, &len) == 0 && got[0] == 0 && got[1] == 0);
	CHECK(fails(recv(s[0], got, sizeof(got), 0), EAGAIN));
	getrlimit(RLIMIT_NOFILE, &old);
	none.rlim_max = old.rlim_max;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
	CHECK(fails(accept(0, NULL, NULL), EMFILE));		/* room for a descriptor comes before what the first is */
	CHECK(fails(accept(-1, NULL, NULL), EBADF));
	setrlimit(RLIMIT_NOFILE, &old);
	CHECK(fails(accept(0, NULL, NULL), ENOTSOCK));
	close(s[0]);
	close(s[1]);
}

/* access(2) asks for the real user, who may have more rights than are in effect, or fewer. */
static void real_user(void)
{
	int status;

	close(open(NAME, O_RDWR | O_CREAT, 0600));
	chmod(NAME, 0);
	if (!fork()) {
		int bad = 0;

		if (geteuid())
			_exit(0);
		bad |= (setfsuid(1000) != 0) | (setresuid(0, -1, 1) != 0);	/* the rights of files stay away */
		bad |= (access(NAME, R_OK | W_OK) != 0) << 1;
		bad |= !fails(syscall(439 /* faccessat2 */, AT_FDCWD, NAME, R_OK, AT_EACCESS), EACCES) << 2;
		_exit(bad);
	}
	wait(&status);
	CHECK_EQ(status, 0);
	unlink(NAME);
}

int main(void)
{
	real_user();
	no_time();
	corners();
	seals();
	sizes();
	socket_map();
	full_space();
	links();
	queues();
	given();
	sockets();
	unlink(NAME);
	return done();
}
