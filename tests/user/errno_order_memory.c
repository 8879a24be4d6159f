/* SPDX-License-Identifier: MIT */
/* What the differential fuzzer found in calls on memory: futex words, mremap, segments that are attached.  As Linux 6.18 has it. */
#include "harness.h"
#include <fcntl.h>
#include <linux/futex.h>
#include <stdint.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(c) ok(c, "%s", #c)
#define CHECK_EQ(a, b) ok((long)(a) == (long)(b), "%s", #a)

static int fails(long r, int e) { return r == -1 && errno == e; }
#define BAD ((void *)-4096L)
enum { NR_FUTEX_WAITV = 449, NR_FUTEX_WAKE = 454, NR_FUTEX_WAIT = 455, NR_FUTEX_REQUEUE = 456, SIZE_U32 = 2, PRIVATE = 128 };
struct waitv { uint64_t val; void *uaddr; uint32_t flags, reserved; };

static long futex(void *word, int op, int val, void *timeout, void *word2, unsigned val3) { return syscall(SYS_futex, word, op, val, timeout, word2, val3); }

/* The words are looked at one after the other: where, and then whether they are there. */
static void two_words(void)
{
	uint32_t word = 0;
	void *odd = (char *)&word + 1;
	struct waitv v[2] = { { 0, BAD, SIZE_U32, 0 }, { 0, odd, SIZE_U32, 0 } };

	CHECK(fails(futex(BAD, FUTEX_REQUEUE, 1, (void *)1, odd, 0), EFAULT));
	CHECK(fails(futex(odd, FUTEX_REQUEUE, 1, (void *)1, BAD, 0), EINVAL));
	CHECK(fails(futex(BAD, FUTEX_CMP_REQUEUE, 1, (void *)1, odd, 0), EFAULT));
	CHECK(fails(futex(BAD, FUTEX_WAKE_OP, 1, (void *)1, odd, 0), EFAULT));
	CHECK(fails(futex(odd, FUTEX_WAKE_OP, 1, (void *)1, BAD, 0), EINVAL));
	CHECK(fails(futex(odd, FUTEX_WAKE_OP, 1, (void *)1, &word, 0x70000000), EINVAL));
	CHECK(fails(futex(BAD, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &word, 0x00001000 /* = 1 */), EFAULT));
	CHECK_EQ(word, 0);			/* and it was not done */
	CHECK(fails(futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, (void *)4, 0x70000000), ENOSYS));
	CHECK(fails(futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, (void *)4, 0), EFAULT));
	if (syscall(NR_FUTEX_WAKE, &word, 1, 0, SIZE_U32) == 0) {	/* Linux 6.7 */
		CHECK(fails(syscall(NR_FUTEX_REQUEUE, v, 0, 1, 1), EFAULT));
		v[0].uaddr = odd;
		v[1].uaddr = BAD;
		CHECK(fails(syscall(NR_FUTEX_REQUEUE, v, 0, 1, 1), EINVAL));
		CHECK(fails(syscall(NR_FUTEX_WAKE, odd, 0, 1, SIZE_U32), EINVAL));
		CHECK(fails(syscall(NR_FUTEX_WAIT, odd, 0UL, 1UL, SIZE_U32, NULL, 0), EINVAL));
	} else {
		CHECK_EQ(errno, ENOSYS);
	}
	v[0] = (struct waitv){ 1, BAD, SIZE_U32, 0 };
	v[1] = (struct waitv){ 1, odd, SIZE_U32, 0 };
	CHECK(fails(syscall(NR_FUTEX_WAITV, v, 2, 0, NULL, 0), EFAULT));
	v[0].uaddr = odd;
	v[1].flags = 99;
	CHECK(fails(syscall(NR_FUTEX_WAITV, v, 2, 0, NULL, 0), EINVAL));
}

/* A word that is shared has a name that its page gives it; one of this process alone is not looked at. */
static void words_that_are_not_there(void)
{
	int f = memfd_create("m", 0);
	char *none = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *ro = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
		*file = mmap(NULL, 8192, PROT_READ, MAP_SHARED, f, 0);

	CHECK_EQ(ftruncate(f, 4096), 0);
	CHECK(fails(futex(none, FUTEX_WAKE, 1, NULL, NULL, 0), EFAULT));
	CHECK_EQ(futex(none, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 0);
	CHECK(fails(futex(ro, FUTEX_WAKE, 1, NULL, NULL, 0), EFAULT));	/* nobody can change it */
	CHECK_EQ(futex(ro, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 0);
	CHECK_EQ(futex(file, FUTEX_WAKE, 1, NULL, NULL, 0), 0);
	CHECK(fails(futex(file + 4096, FUTEX_WAKE, 1, NULL, NULL, 0), EFAULT));
	CHECK(fails(futex(file, FUTEX_WAIT, 1, NULL, NULL, 0), EAGAIN));
	CHECK(fails(futex(file, FUTEX_LOCK_PI, 0, NULL, NULL, 0), EFAULT));
	CHECK(fails(futex(file, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0), EFAULT));
	CHECK(fails(futex(none, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0), EFAULT));
	munmap(none, 4096);
	munmap(ro, 4096);
	munmap(file, 8192);
	close(f);
}

static void futex_operations(void)
{
	uint32_t word = 0;
	pid_t child = fork();

	if (!child)
		_exit(0);
	CHECK_EQ(waitpid(child, NULL, 0), child);
	word = (uint32_t)child;			/* nobody's any more */
	CHECK(fails(futex(&word, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0), ESRCH));
	CHECK(fails(futex(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0), ESRCH));
	CHECK(fails(futex((char *)&word + 1, 2 /* FUTEX_FD */, 0, NULL, NULL, 0), ENOSYS));
	CHECK(fails(futex((char *)&word + 1, 77, 0, NULL, NULL, 0), ENOSYS));
	CHECK(fails(futex(&word, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 0, NULL, NULL, 0), ENOSYS));
	CHECK(fails(futex(&word, FUTEX_WAKE_BITSET, 1, NULL, NULL, 0), EINVAL));
	word = 0;
	CHECK(fails(futex(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), EPERM));
}

/* A word that has its NUMA node behind it. */
static void nodes(void)
{
	_Alignas(8) uint32_t word[4] = { 0, 77 };

	if (fails(syscall(NR_FUTEX_WAKE, word, 1UL, 1, SIZE_U32 | 4 /* FUTEX2_NUMA */ | PRIVATE), EINVAL) && (word[1] = 0, fails(syscall(NR_FUTEX_WAKE, word, 1UL, 1, SIZE_U32 | 4 | PRIVATE), EINVAL))) {
		ok(1, "before Linux 6.16");
		return;
	}
	if (errno == ENOSYS)
		return;
	word[1] = ~0u;
	CHECK_EQ(syscall(NR_FUTEX_WAKE, word, 1UL, 1, SIZE_U32 | 4 | PRIVATE), 0);
	CHECK(word[1] != ~0u);	/* it is told */
	CHECK_EQ(syscall(NR_FUTEX_WAKE, word, 1UL, 1, SIZE_U32 | 4 | 8 /* FUTEX2_MPOL */ | PRIVATE), 0);
	word[1] = 77777777;
	CHECK(fails(syscall(NR_FUTEX_WAKE, word, 1UL, 1, SIZE_U32 | 4 | PRIVATE), EINVAL));
	CHECK(fails(syscall(NR_FUTEX_WAKE, word + 1, 1UL, 1, SIZE_U32 | 4 | PRIVATE), EINVAL));
	CHECK(fails(syscall(NR_FUTEX_WAKE, (void *)8, 1UL, 1, SIZE_U32 | 4 | PRIVATE), EFAULT));
	CHECK(fails(syscall(NR_FUTEX_WAIT, word, 1UL, 1UL, SIZE_U32 | 8 | PRIVATE, NULL, 0), EAGAIN));
}

static void remap(void)
{
	char *a = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK_EQ(munmap(a + 4096, 4096), 0);
	CHECK_EQ((long)mremap(a, 3 * 4096, 3 * 4096, 0), (long)a);	/* nothing to do: the hole is not seen */
	CHECK_EQ((long)mremap(a, 3 * 4096, 3 * 4096, MREMAP_MAYMOVE), (long)a);
	CHECK(fails((long)mremap(a, 3 * 4096, 4 * 4096, MREMAP_MAYMOVE), EFAULT));
	CHECK(fails((long)mremap(a + 4096, 4096, 4096, 0), EFAULT));
	munmap(a, 3 * 4096);
}

static struct shmid_ds stat_of(int id)
{
	struct shmid_ds ds = { 0 };

	CHECK_EQ(shmctl(id, IPC_STAT, &ds), 0);
	return ds;
}

static void segments(void)
{
	int id = shmget(IPC_PRIVATE, 3 * 4096, IPC_CREAT | 0600), status;
	char *a = shmat(id, NULL, 0);
	pid_t child;

	CHECK(a != (void *)-1);
	CHECK(fails((long)shmat(id, (void *)-8192L, 0), EINVAL));	/* it would end behind the end of all */
	CHECK_EQ(stat_of(id).shm_lpid, getpid());
	CHECK_EQ(stat_of(id).shm_dtime, 0);
	child = fork();
	if (!child)
		_exit(0);
	CHECK(waitpid(child, &status, 0) == child);
	CHECK_EQ(stat_of(id).shm_lpid, child);	/* its end took it away */
	CHECK(stat_of(id).shm_dtime > 0);
	CHECK_EQ(stat_of(id).shm_nattch, 1);
	CHECK_EQ(mprotect(a + 4096, 4096, PROT_READ), 0);
	CHECK_EQ(stat_of(id).shm_nattch, 3);	/* areas */
	CHECK_EQ(stat_of(id).shm_lpid, getpid());
	CHECK_EQ(mprotect(a + 4096, 4096, PROT_READ | PROT_WRITE), 0);
	CHECK_EQ(stat_of(id).shm_nattch, 3);	/* they are not joined again */
	CHECK_EQ(munmap(a, 4096), 0);
	CHECK_EQ(stat_of(id).shm_nattch, 2);
	CHECK_EQ(shmdt(a), 0);
	CHECK_EQ(stat_of(id).shm_nattch, 0);
	CHECK_EQ(shmctl(id, IPC_RMID, NULL), 0);
}

/* A value that is out of range comes first, then the set, then the semaphore's number, then permission. */
static void semaphores(void)
{
	int id = semget(IPC_PRIVATE, 1, 0400);

	CHECK(fails(syscall(SYS_semctl, 12345678, 0, SETVAL, 40000), ERANGE));
	CHECK(fails(syscall(SYS_semctl, id, 5, SETVAL, 40000), ERANGE));
	if (fork() == 0) {
		if (setresuid(1000, 1000, 1000))
			_exit(3);
		if (!fails(syscall(SYS_semctl, id, 5, SETVAL, 0), EINVAL))
			_exit(1);
		if (!fails(syscall(SYS_semctl, id, 5, GETVAL), EACCES))
			_exit(2);
		_exit(fails(syscall(SYS_semctl, id, 0, SETVAL, 0), EACCES) ? 0 : 4);
	}
	{
		int status;

		CHECK(wait(&status) > 0);
		CHECK_EQ(status, 0);
	}
	CHECK_EQ(semctl(id, 0, IPC_RMID), 0);
}

/* A length that is none comes before vectors that are not there. */
static void vectors(void)
{
	char *a = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iovec *v = (struct iovec *)(a + 4096) - 2;
	int f = memfd_create("m", 0);

	CHECK_EQ(munmap(a + 4096, 4096), 0);
	v[1].iov_len = -1UL;
	CHECK(fails(readv(f, v, 3), EINVAL));
	v[1].iov_len = 0;
	CHECK(fails(readv(f, v, 3), EFAULT));
	CHECK_EQ(readv(f, v, 2), 0);
	munmap(a, 4096);
	close(f);
}

/* A piece of a write to a pipe whose memory ends midway is not there at all. */
static void pipe_pieces(void)
{
	char *a = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), c[8];
	int p[2];

	CHECK_EQ(munmap(a + 4096, 4096), 0);
	CHECK_EQ(pipe2(p, O_NONBLOCK), 0);
	CHECK(fails(write(p[1], a + 4000, 200), EFAULT));
	CHECK(fails(read(p[0], c, sizeof(c)), EAGAIN));
	CHECK_EQ(write(p[1], "x", 1), 1);
	CHECK(fails(write(p[1], a + 4000, 200), EFAULT));
	CHECK_EQ(read(p[0], c, sizeof(c)), 1);
	munmap(a, 4096);
	close(p[0]);
	close(p[1]);
}

/* A refused move has cut what it was to cut; a move takes several areas and gaps since Linux 6.17. */
static void moves(void)
{
	const size_t n = 4 * 4096;
	char *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *to, *got;
	unsigned char there;
	struct utsname u;
	int major = 0, minor = 0;

	CHECK_EQ(seteuid(1000), 0);	/* root may have page 0 */
	CHECK(fails((long)mremap(p, n, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, NULL), EPERM));
	CHECK_EQ(seteuid(0), 0);
	CHECK(mincore(p, 4096, &there) == 0 && fails(mincore(p + 4096, 4096, &there), ENOMEM));
	munmap(p, n);
	uname(&u);
	sscanf(u.release, "%d.%d", &major, &minor);
	p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	to = mmap(NULL, n, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < 4; i++)
		p[i * 4096] = (char)('a' + i);
	munmap(p + 4096, 4096);
	mprotect(p + 2 * 4096, 4096, PROT_READ);
	got = mremap(p, n, n, MREMAP_MAYMOVE | MREMAP_FIXED, to);
	if (got == MAP_FAILED && !strstr(u.release, "eft") && (major < 6 || (major == 6 && minor < 17))) {
		ok(errno == EFAULT, "this Linux moves one area only");
		return;
	}
	CHECK(got == to && to[0] == 'a' && to[2 * 4096] == 'c' && to[3 * 4096] == 'd');
	CHECK(fails(syscall(SYS_getcwd, to + 2 * 4096, 4096), EFAULT) && syscall(SYS_getcwd, to + 3 * 4096, 4096) > 0);	/* as protected as before */
	CHECK(fails(syscall(SYS_getcwd, to + 4096, 4096), EFAULT) && mincore(to + 4096, 4096, &there) == 0);	/* in the gap is what was there */
	CHECK(fails(mincore(p, 4096, &there), ENOMEM) && fails(mincore(p + 3 * 4096, 4096, &there), ENOMEM));
	CHECK(mremap(to, n, n, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, p) == p);
	CHECK(p[0] == 'a' && p[3 * 4096] == '/' && !to[0]);
	munmap(to, n);
	munmap(p, n);
}

static void map_flags(void)
{
	int f = memfd_create("m", 0);

	CHECK(fails((long)mmap((void *)0x30000000, 4096, PROT_READ, MAP_SHARED_VALIDATE | MAP_FIXED_NOREPLACE, f, 0), EOPNOTSUPP));
	CHECK(fails((long)mmap((void *)-1L, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), EPERM));	/* an address that looks like an error */
	CHECK(fails((long)mmap((void *)-14L, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), EFAULT));
	CHECK(fails((long)mmap((void *)-8192L, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), ENOMEM));
	close(f);
}

int main(void)
{
	two_words();
	words_that_are_not_there();
	futex_operations();
	nodes();
	remap();
	segments();
	pipe_pieces();
	moves();
	map_flags();
	vectors();
	semaphores();
	return done();
}
