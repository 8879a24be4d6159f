/* SPDX-License-Identifier: MIT */
/* What the differential fuzzer found: which of several errors is told, and small things that differed from Linux. */
#include "harness.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define CHECK(c) ok(c, "%s", #c)
#define CHECK_EQ(a, b) ok((long)(a) == (long)(b), "%s", #a)

static int fails(long r, int e) { return r == -1 && errno == e; }
#define BAD ((void *)-4096L)

static void nameless_files(void)
{
	uint64_t v[2] = { 1, 2 };
	struct pollfd p = { .events = POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM };
	struct stat st;
	int fd = eventfd(4, EFD_NONBLOCK), in = inotify_init();

	CHECK(fails(pread(fd, v, 8, 0), ESPIPE));
	CHECK(fails(pwrite(fd, v, 8, 0), ESPIPE));
	CHECK(fails(write(fd, v, 16), EINVAL));
	CHECK_EQ(lseek(in, 1, SEEK_CUR), 0);
	p.fd = fd;
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents, POLLIN | POLLOUT);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(st.st_uid, 0);
	close(in);
	close(fd);
}

static void files(void)
{
	struct iovec iov = { "x", 1 };
	int fd = open("errno_order.f", O_RDWR | O_CREAT, 0600);

	CHECK(fails(fallocate(99, 0, 8192, -1), EBADF));
	CHECK(fails(syscall(SYS_sync_file_range, 99, 0, 0, 0x100), EBADF));
	CHECK(fails(syscall(SYS_pwrite64, fd, NULL, -1, 1), EFAULT));
	CHECK_EQ(syscall(SYS_writev, fd, BAD, 1L << 32), 0);
	CHECK(fails(syscall(SYS_renameat, AT_FDCWD, "errno_order.none/x", AT_FDCWD, BAD), ENOENT));
	CHECK(fails(syscall(SYS_renameat, -1, "a", AT_FDCWD, BAD), EBADF));
	CHECK(fails(syscall(SYS_mknodat, AT_FDCWD, BAD, S_IFDIR | 0700, 0), EPERM));
	CHECK(fails(syscall(SYS_openat, AT_FDCWD, "errno_order.none", O_PATH | O_TMPFILE, 0), ENOENT));
	CHECK(fails(setxattr("errno_order.none", "", "x", 1, 0), ERANGE));
	CHECK(fails(setxattr("errno_order.none", "user.a", BAD, 10, 0), EFAULT));
	CHECK(fails(fremovexattr(99, BAD), EFAULT));
	CHECK(fails(utimensat(AT_FDCWD, "errno_order.none", (struct timespec[2]){ { 0, -2 }, { 0, 0 } }, 0), ENOENT));
	CHECK(fails(inotify_add_watch(-1, "a", IN_ONESHOT), EBADF));
	CHECK(fails(epoll_wait(-1, NULL, 0, 0), EBADF));
	CHECK_EQ(writev(fd, &iov, 1), 1);
	CHECK(fails(syscall(SYS_readahead, fd, 0L, -1L), EINVAL));
	CHECK(fails(open("..", O_RDONLY | O_CREAT | O_EXCL, 0600), EEXIST));
	CHECK(fails(open("..", O_RDONLY | O_CREAT, 0600), EISDIR));
	CHECK(fails(fsetxattr(fd, "user.", "x", 1, 0), EINVAL) || errno == EOPNOTSUPP);
	close(fd);
	unlink("errno_order.f");
}

static void select_high_descriptor(void)
{
	fd_set s;

	FD_ZERO(&s);
	FD_SET(50, &s);
	CHECK_EQ(select(0, BAD, NULL, NULL, &(struct timeval){ 0, 0 }), 0);
	CHECK(fails(select(51, &s, NULL, NULL, &(struct timeval){ 0, 0 }), EBADF));
}

static void pipes(void)
{
	char buf[16];
	struct iovec out = { "0123456789", 10 }, in[2] = { { buf, 4 }, { NULL, 4 } };
	int fd[2];

	CHECK_EQ(pipe(fd), 0);
	CHECK_EQ(vmsplice(fd[1], &out, 1, 0), 10);
	CHECK(fails(readv(fd[0], in, 2), EFAULT));	/* nothing of a buffer that cannot be taken whole is lost */
	CHECK_EQ(read(fd[0], buf, sizeof(buf)), 10);
	CHECK(fails(vmsplice(fd[0], &(struct iovec){ buf, 4 }, 1, SPLICE_F_NONBLOCK), EAGAIN));
	CHECK(fails(splice(fd[0], &(loff_t){ 0 }, fd[1], NULL, 10, 0), ESPIPE));
	close(fd[0]);
	close(fd[1]);
}

static void sockets(void)
{
	struct sockaddr_un sun = { AF_UNIX, "errno_order.none" };
	struct msghdr m = { .msg_iov = &(struct iovec){ NULL, 10 }, .msg_iovlen = 1 };
	char c;
	int s = socket(AF_UNIX, SOCK_STREAM, 0), q = socket(AF_UNIX, SOCK_SEQPACKET, 0), d = socket(AF_UNIX, SOCK_DGRAM, 0);

	CHECK(fails(accept4(-1, NULL, NULL, 1), EBADF));
	CHECK(fails(sendto(s, "x", 1, MSG_OOB | MSG_NOSIGNAL, NULL, 0), ENOTCONN) || errno == EOPNOTSUPP);
	CHECK(fails(recv(s, &c, 1, MSG_OOB), EINVAL));
	CHECK(fails(write(q, BAD, 7), EFAULT) || errno == ENOTCONN);
	CHECK(fails(sendto(99, BAD, 10, 0, NULL, 0), EFAULT));
	m.msg_name = &sun;
	m.msg_namelen = sizeof(sun);
	CHECK(fails(sendmsg(d, &m, 0), EFAULT));
	CHECK(fails(socketpair(AF_UNIX, 0, 99, BAD), EFAULT));
	close(s);
	close(q);
	close(d);
}

static void processes(void)
{
	siginfo_t info;
	pid_t pid;

	CHECK(fails(setpgid(-2, 0), EINVAL));
	CHECK(fails(kill(0x3fffff, 65), ESRCH));
	memset(&info, 1, sizeof(info));
	info.si_code = 100;
	CHECK(fails(syscall(SYS_rt_tgsigqueueinfo, 0, 0, SIGURG, &info), E2BIG));	/* more than such a signal has to say */
	CHECK(fails(syscall(SYS_tkill, 0x3fffff, -17), ESRCH));
	CHECK(fails(syscall(SYS_prlimit64, 0x3fffff, -1, NULL, NULL), ESRCH));
	pid = fork();
	if (!pid)
		_exit(0);
	CHECK_EQ(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	CHECK(fails(waitid(P_PID, (id_t)pid, &info, WSTOPPED), ECHILD));	/* it has nothing more to say */
	CHECK(fails(syscall(SYS_waitid, P_ALL, 0, BAD, 0, NULL), EFAULT));
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
}

static void system_v(void)
{
	struct { long type; char text[8]; } m = { 5, "hello" }, got;
	int id;

	CHECK(fails(syscall(SYS_semtimedop, -1, NULL, 1000, NULL), E2BIG));
	CHECK(fails(syscall(SYS_semop, -1, BAD, 1), EFAULT));
	CHECK(fails(syscall(SYS_semop, -1, BAD, 0), EINVAL));
	CHECK(fails(syscall(SYS_semctl, 0x7fffffff, 0, IPC_SET, BAD), EFAULT));
	CHECK(fails(syscall(SYS_msgctl, 0x7fffffff, IPC_SET, BAD), EFAULT));
	CHECK(fails(syscall(SYS_shmctl, 0x7fffffff, IPC_SET, BAD), EFAULT));
	CHECK(fails(syscall(SYS_mq_timedsend, -1, "x", 1, -1, BAD), EFAULT));
	id = msgget(IPC_PRIVATE, 0600);
	CHECK_EQ(msgsnd(id, &m, 5, 0), 0);
	if (msgrcv(id, &got, 8, 0, 040000 /* MSG_COPY */ | IPC_NOWAIT) == 5) {	/* a kernel without it says ENOSYS */
		CHECK_EQ(got.type, 5);
		CHECK_EQ(msgrcv(id, &got, 8, 0, IPC_NOWAIT), 5);
	} else {
		CHECK_EQ(errno, ENOSYS);
	}
	CHECK_EQ(msgctl(id, IPC_RMID, NULL), 0);
}

static void memory(void)
{
	CHECK(fails(mprotect((void *)0x30001000, 4096, PROT_READ | 0x01000000 /* PROT_GROWSDOWN */), ENOMEM));
	CHECK(fails(syscall(SYS_mprotect, 0, 4096, PROT_READ | 0x100000000), EINVAL));
	CHECK(fails(mprotect((void *)0, 4096, PROT_READ | 0x02000000 /* PROT_GROWSUP */), ENOMEM));
	CHECK(fails(syscall(SYS_futex, 1, 7 /* FUTEX_UNLOCK_PI */, 0, NULL, NULL, 0), EFAULT));
	CHECK(fails((long)mremap((void *)0x30001000, 64, 63, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)0x30004000), EFAULT));
}

int main(void)
{
	nameless_files();
	files();
	select_high_descriptor();
	pipes();
	sockets();
	processes();
	system_v();
	memory();
	return done();
}
