/* SPDX-License-Identifier: MIT */
/* More of what the differential fuzzer found: orders of errors, and flags that only some files or times have.  As Linux 6.18 has it. */
#include "harness.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define CHECK(c) ok(c, "%s", #c)
#define CHECK_EQ(a, b) ok((long)(a) == (long)(b), "%s", #a)

static int fails(long r, int e) { return r == -1 && errno == e; }
#define BAD ((void *)-4096L)
enum { NR_REMOVEXATTRAT = 466, NR_LISTXATTRAT = 465, NR_PROCESS_MADVISE = 440, NR_FUTEX_WAITV = 449 };

/* A time of zero stays as it is: here the descriptors overlap it, and what they say would be lost. */
static void times_written_back(void)
{
	struct { int64_t sec; struct pollfd p; } m = { 0, { 0, 0, 0 } };
	struct timespec half = { 0, 500000000 };
	int e = eventfd(1, 0);
	struct pollfd p = { e, POLLIN, 0 };

	CHECK_EQ(dup2(e, 0), 0);
	CHECK_EQ(close(0), 0);
	CHECK_EQ(syscall(SYS_ppoll, &m.p, 1, &m, NULL, 8), 1);
	CHECK_EQ(m.p.revents, POLLNVAL);
	CHECK_EQ(syscall(SYS_ppoll, &p, 1, &half, NULL, 8), 1);
	ok(half.tv_sec == 0 && half.tv_nsec > 0 && half.tv_nsec <= 500000000, "what is left of another time is");
	close(e);
}

static void system_v(void)
{
	struct timespec bad = { 0, -1 };
	int id = semget(IPC_PRIVATE, 1, 0600);

	CHECK(fails(syscall(SYS_semtimedop, id, BAD, 1, &bad), EFAULT));
	CHECK(fails(syscall(SYS_semtimedop, id, BAD, 1000, &bad), E2BIG));
	CHECK(fails(syscall(SYS_semtimedop, id, &(struct sembuf){ 0, 0, 0 }, 1, &bad), EINVAL));
	CHECK(fails(syscall(SYS_semtimedop, id, BAD, 1000, BAD), EFAULT));
	CHECK_EQ(semctl(id, 0, IPC_RMID), 0);
	CHECK(fails(syscall(SYS_shmget, IPC_PRIVATE, 1UL << 63 | 1, 0600), EINVAL));
}

static void descriptors(void)
{
	struct stat st;
	char list[64];
	off_t at = 0;
	int e = eventfd(0, 0), p[2], s[2], f = open("errno_order_calls.f", O_RDWR | O_CREAT, 0600);

	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	CHECK(fails(fcntl(e, F_SETFL, O_DIRECT), EINVAL));
	CHECK(fails(fcntl(s[0], F_SETFL, O_DIRECT), EINVAL));
	CHECK_EQ(fcntl(p[1], F_SETFL, O_DIRECT), 0);
	CHECK(fails(syscall(SYS_splice, p[0], NULL, f, &at, -1UL, 0), EINVAL));
	CHECK(fails((long)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_GROWSDOWN, s[0], 0), EINVAL));
	CHECK(fails((long)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_GROWSDOWN, e, 0), ENODEV));
	if (syscall(SYS_newfstatat, f, NULL, &st, AT_EMPTY_PATH) == 0) {	/* Linux 6.11 */
		CHECK_EQ(syscall(SYS_newfstatat, f, "", &st, AT_EMPTY_PATH | AT_EACCESS), 0);
		CHECK(fails(syscall(SYS_newfstatat, 99, "", &st, AT_EMPTY_PATH | AT_EACCESS), EBADF));
		CHECK(fails(syscall(SYS_newfstatat, AT_FDCWD, "", &st, AT_EMPTY_PATH | AT_EACCESS), EINVAL));
		CHECK(fails(syscall(SYS_statx, 99, "", AT_EMPTY_PATH | AT_SYMLINK_FOLLOW, 0, list), EBADF));
	} else {
		CHECK_EQ(errno, EFAULT);
	}
	if (syscall(NR_LISTXATTRAT, f, "", AT_EMPTY_PATH, list, sizeof(list)) >= 0) {	/* Linux 6.13 */
		CHECK(fails(syscall(NR_LISTXATTRAT, AT_FDCWD, NULL, AT_EMPTY_PATH, list, sizeof(list)), EBADF));
		CHECK(fails(syscall(NR_LISTXATTRAT, AT_FDCWD, "", AT_EMPTY_PATH, list, sizeof(list)), EBADF));
		CHECK(fails(syscall(NR_REMOVEXATTRAT, AT_FDCWD, "", AT_EMPTY_PATH, "a"), EBADF));
	} else {
		CHECK_EQ(errno, ENOSYS);
	}
	CHECK(fails(fremovexattr(f, "system.other"), EOPNOTSUPP));
	close(e);
	for (int i = 0; i < 2; i++) {
		close(p[i]);
		close(s[i]);
	}
	close(f);
	unlink("errno_order_calls.f");
}

static void owners(void)
{
	struct stat st;
	int f = open("errno_order_calls.s", O_RDWR | O_CREAT, 0600), m = memfd_create("m", 0), s = socket(AF_UNIX, SOCK_STREAM, 0);
	socklen_t none = 0;

	CHECK_EQ(fchmod(f, 04755), 0);
	CHECK_EQ(fchown(f, -1, -1), 0);
	CHECK_EQ(fstat(f, &st), 0);
	CHECK_EQ(st.st_mode, S_IFREG | 0755);	/* though it is the same owner's */
	CHECK(fails(fcntl(m, F_SETFL, O_DIRECT), EINVAL));
	CHECK_EQ(syscall(SYS_getsockname, s, BAD, &none), 0);
	close(f);
	close(m);
	close(s);
	CHECK_EQ(unlink("errno_order_calls.s"), 0);
	CHECK_EQ(mkdir("errno_order_calls.d", 0700), 0);
	if (fork() == 0) {		/* the real user may not even look into it */
		if (setresuid(1000, 0, 0))
			_exit(3);
		_exit(access("errno_order_calls.d/none", R_OK) == -1 ? errno == EACCES ? 0 : 1 : 2);
	}
	{
		int status;

		CHECK(wait(&status) > 0);
		CHECK_EQ(status, 0);
	}
	CHECK_EQ(rmdir("errno_order_calls.d"), 0);
}

static void processes(void)
{
	siginfo_t info = { .si_code = SI_QUEUE };
	struct { uint64_t val, uaddr; uint32_t flags, reserved; } v[2] = { { 1, 0, 2, 0 }, { 0, 0, 2, 0 } };
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	uint32_t word = 0;
	int id;

	CHECK(fails(syscall(SYS_rt_sigqueueinfo, 0, 65, &info), ESRCH));
	CHECK(fails(syscall(SYS_rt_sigqueueinfo, getpid(), 65, &info), EINVAL));
	CHECK(fails(syscall(SYS_timer_create, -1, &ev, BAD), EFAULT));
	CHECK(fails(syscall(SYS_timer_create, -1, &ev, &id), EINVAL));
	CHECK(fails(syscall(SYS_timer_create, -5, &ev, &id), EOPNOTSUPP));
	ev.sigev_signo = 99;
	CHECK(fails(syscall(SYS_timer_create, -1, &ev, BAD), EINVAL));
	CHECK(fails(syscall(SYS_futex, &word, 5 /* FUTEX_WAKE_OP */, 1, 0, BAD, 0x70000000), EFAULT));
	CHECK(fails(syscall(SYS_futex, &word, 5, 1, 0, &word, 0x70000000), ENOSYS));
	v[0].uaddr = (uint64_t)(uintptr_t)&word;
	CHECK(fails(syscall(NR_FUTEX_WAITV, v, 2, 0, NULL, 0), EFAULT));	/* the first has another value: EAGAIN, were all there */
	CHECK(fails(syscall(NR_PROCESS_MADVISE, -1, NULL, 1L << 40, MADV_COLD, 0), EBADF));
}

static void memory(void)
{
	char *a = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *b = a + 3 * 4096;

	CHECK_EQ(mprotect(a, 4096, PROT_NONE), 0);
	CHECK(fails(mlock(a, 1), ENOMEM));
	CHECK_EQ(munlock(a, 1), 0);
	CHECK_EQ(mprotect(a, 4096, PROT_READ | PROT_WRITE), 0);
	*b = 7;
	CHECK(fails((long)mremap(a, 0, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, b), EINVAL));
	CHECK_EQ(*b, 7);	/* what was there still is */
	CHECK_EQ(munmap(b, 4096), 0);
	CHECK_EQ((long)mremap(a, 4096, 4096, MREMAP_MAYMOVE | 4 /* MREMAP_DONTUNMAP */, b), (long)b);	/* a hint */
	munmap(a, 4 * 4096);
}

static void queues(void)
{
	struct stat st;
	int q = (int)syscall(SYS_mq_open, "errno_order_calls", O_RDWR | O_CREAT, 01700, NULL);

	CHECK(q >= 0);
	CHECK_EQ(fstat(q, &st), 0);
	CHECK_EQ(st.st_mode, S_IFREG | 01700);
	CHECK_EQ(syscall(SYS_mq_unlink, "errno_order_calls"), 0);
	close(q);
}

static void many_messages(void)
{
	static struct mmsghdr m[1200];
	int p[2];

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, p), 0);
	CHECK_EQ(shutdown(p[0], SHUT_WR), 0);
	CHECK_EQ(recvmmsg(p[1], m, 1200, 0, NULL), 1200);	/* sendmmsg(2) has a limit of 1024, this has none */
	close(p[0]);
	close(p[1]);
}

int main(void)
{
	times_written_back();
	system_v();
	descriptors();
	owners();
	processes();
	memory();
	queues();
	many_messages();
	return done();
}
