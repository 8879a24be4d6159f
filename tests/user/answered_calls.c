/* SPDX-License-Identifier: MIT */
/*
 * Calls that a kernel may answer without an entry (the time, who is asking),
 * made so often from the same place that it might: they say what they say at
 * first, also for a child, a thread, another program; with addresses that are
 * bad, not yet touched or shared since a fork; and who watches calls sees them.
 */
#include "harness.h"
#include "child.h"
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

enum { OFTEN = 300, PAGE = 4096 };

static int64_t ns(const struct timespec *t) { return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec; }
static int64_t library(clockid_t c) { struct timespec t; clock_gettime(c, &t); return ns(&t); }
/* One place for every call. */
static __attribute__((noinline)) long call(long nr, uintptr_t a, uintptr_t b) { return syscall(nr, a, b); }
static long gettime(long clock, void *t) { return call(SYS_clock_gettime, (uintptr_t)clock, (uintptr_t)t); }
static void warm(void)
{
	struct timespec t;

	for (int i = 0; i < OFTEN; i++)
		gettime(CLOCK_MONOTONIC, &t);
}

static void clocks(void)
{
	static const clockid_t known[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_BOOTTIME };
	struct timespec t, last = { 0, 0 };
	struct timeval tv;
	struct timezone tz = { 77, 77 };
	int good;

	for (unsigned c = 0; c < sizeof(known) / sizeof(known[0]); c++) {
		good = 1;
		for (int i = 0; i < OFTEN; i++) {
			int64_t before = library(known[c]);
			good &= gettime(known[c], &t) == 0 && t.tv_nsec >= 0 && t.tv_nsec < 1000000000 && before <= ns(&t) && ns(&t) <= library(known[c]);
		}
		ok(good, "clock %d by call lies between two by the library", (int)known[c]);
	}
	good = 1;
	for (int i = 0; i < OFTEN; i++, last = t)
		good &= gettime(CLOCK_PROCESS_CPUTIME_ID, &t) == 0 && ns(&t) >= ns(&last) && ns(&t) < 100000000000;
	ok(good, "a clock of CPU time");
	good = 1;
	for (int i = 0; i < OFTEN; i++)
		good &= gettime(0x7fffffff, &t) == -1 && errno == EINVAL && gettime(10, &t) == -1 && errno == EINVAL;
	ok(good, "clocks that there are not: EINVAL");
	/* Only 32 bits of it count. */
	ok(gettime((long)0xffffffff00000001, &t) == 0 && llabs(ns(&t) - library(CLOCK_MONOTONIC)) < 10000000000, "the number of a clock is an int");
#ifdef SYS_time
	good = 1;
	for (int i = 0; i < OFTEN; i++) {
		int64_t before = library(CLOCK_REALTIME) / 1000000000 - 1;
		time_t s = 0;
		good &= call(SYS_time, (uintptr_t)&s, 0) == s && s >= before && s <= library(CLOCK_REALTIME) / 1000000000;
		s = call(SYS_time, 0, 0);
		good &= s >= before && s <= library(CLOCK_REALTIME) / 1000000000;
	}
	ok(good, "time()");
#else
	/* There is no such call. */
	ok(gettime(CLOCK_REALTIME_COARSE, &t) == 0 && llabs(ns(&t) - library(CLOCK_REALTIME)) < 10000000000, "a coarse clock");
#endif
	good = 1;
	for (int i = 0; i < OFTEN; i++) {
		int64_t before = library(CLOCK_REALTIME) / 1000;
		good &= call(SYS_gettimeofday, (uintptr_t)&tv, 0) == 0 && before <= tv.tv_sec * 1000000 + tv.tv_usec &&
			tv.tv_sec * 1000000 + tv.tv_usec <= library(CLOCK_REALTIME) / 1000;
	}
	ok(good, "gettimeofday()");
	ok(call(SYS_gettimeofday, 0, 0) == 0 && call(SYS_gettimeofday, (uintptr_t)&tv, (uintptr_t)&tz) == 0 && tz.tz_minuteswest != 77,
		"with nothing, and with a time zone");
}

static void memory(void)
{
	char *p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct timespec t;
	int good = 1;

	munmap(p + 3 * PAGE, PAGE);
	mprotect(p + PAGE, PAGE, PROT_READ);
	const uintptr_t bad[] = { 0, 1, (uintptr_t)p + PAGE, (uintptr_t)p + 3 * PAGE, (uintptr_t)p + 3 * PAGE - 8, (uintptr_t)p + PAGE - 8,
		UINTPTR_MAX, UINTPTR_MAX - 15, UINT64_C(1) << 63, UINT64_C(0x7fffc0000000), UINT64_C(0x7fffc0001000), UINT64_C(0x7fffc0020000),
		UINT64_C(0x7fffc0030000), UINT64_C(0x7fffe0000000), UINT64_C(0x7ffffffff000), UINT64_C(0x7fffffffeff8) };

	for (int round = 0; round < 3; round++, warm())
		for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
			long r = call(SYS_clock_gettime, CLOCK_REALTIME, bad[i]);
			if (r != -1 || errno != EFAULT) {
				printf("# %#lx: %ld\n", (unsigned long)bad[i], r);
				good = 0;
			}
#ifdef SYS_time
			/* There is room for 8 bytes. */
			good &= !bad[i] || bad[i] == (uintptr_t)p + PAGE - 8 || bad[i] == (uintptr_t)p + 3 * PAGE - 8 || (call(SYS_time, bad[i], 0) == -1 && errno == EFAULT);
#endif
			good &= !bad[i] || (call(SYS_gettimeofday, bad[i], 0) == -1 && errno == EFAULT);
		}
	ok(good, "addresses that are not ours: EFAULT");
	good = 1;
	for (int i = 0; i < 64; i++) {
		char *q = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		good &= gettime(CLOCK_MONOTONIC, q + PAGE - 8) == 0 && *(int64_t *)(q + PAGE) + *(int64_t *)(q + PAGE - 8) > 0;
		munmap(q, 2 * PAGE);
	}
	ok(good, "memory that has not been touched yet, and not aligned to its size");
	good = gettime(CLOCK_MONOTONIC, p + 3) == 0;
	memcpy(&t, p + 3, sizeof(t));
	ok(good && llabs(ns(&t) - library(CLOCK_MONOTONIC)) < 10000000000, "not aligned at all");
	memset(p, 5, PAGE);
	pid_t pid = fork();
	if (pid == 0)
		_exit(gettime(CLOCK_MONOTONIC, p) != 0 || p[16] != 5);
	int st = -1;
	waitpid(pid, &st, 0);
	ok(st == 0 && p[0] == 5 && p[8] == 5, "what a child has written to, its parent does not see");
	munmap(p, 3 * PAGE);
}

/* ---- who ---- */

static void *thread_who(void *pid)
{
	long tid = call(SYS_gettid, 0, 0), good = tid != (long)pid;

	for (int i = 0; i < OFTEN; i++)
		good &= call(SYS_gettid, 0, 0) == tid && call(SYS_getpid, 0, 0) == (long)pid;
	return (void *)(long)(good && syscall(SYS_tgkill, pid, tid, 0) == 0);
}

static void *thread_exec(void *path)
{
	char before[32];

	warm();
	snprintf(before, sizeof(before), "%ld", call(SYS_getpid, 0, 0));
	if (call(SYS_gettid, 0, 0) != call(SYS_getpid, 0, 0))
		execl(path, path, "who", before, (char *)NULL);
	_exit(1);
}

static void who(const char *self)
{
	long pid = call(SYS_getpid, 0, 0);
	int good = 1, st;
	void *r;

	for (int i = 0; i < OFTEN; i++)
		good &= call(SYS_getpid, 0, 0) == pid && call(SYS_gettid, 0, 0) == pid;
	ok(good && pid == getpid(), "a process knows who it is");
	for (int i = 0; i < 3; i++) {
		pthread_t t;
		good &= pthread_create(&t, NULL, thread_who, (void *)pid) == 0 && pthread_join(t, &r) == 0 && r;
	}
	ok(good, "so do threads");
	for (int i = 0; i < 8; i++) {
		pid_t child = fork();
		if (child == 0)
			_exit(call(SYS_getpid, 0, 0) == pid || call(SYS_getpid, 0, 0) != call(SYS_gettid, 0, 0) || call(SYS_getppid, 0, 0) != pid);
		good &= waitpid(child, &st, 0) == child && st == 0;
	}
	ok(good, "and children");
	pid_t child = vfork();
	if (child == 0)
		_exit(call(SYS_getpid, 0, 0) == pid);
	ok(waitpid(child, &st, 0) == child && st == 0 && call(SYS_getpid, 0, 0) == pid, "also of vfork()");
	child = fork();
	if (child == 0) {
		pthread_t t;
		pthread_create(&t, NULL, thread_exec, (void *)self);
		for (;;)
			pause();
	}
	ok(waitpid(child, &st, 0) == child && st == 0, "a thread that executes a program becomes its first one");
}

/* ---- who watches ---- */

static int traced_calls(long request)
{
	int st, n = 0;
	pid_t pid = fork();

	if (pid == 0) {
		warm();
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		warm();
		for (int i = 0; i < 10; i++)
			call(SYS_getpid, 0, 0);
		raise(SIGSTOP);
		warm();
		_exit(0);
	}
	waitpid(pid, &st, 0);
	for (;;) {
		if (ptrace(request, pid, 0, 0) || waitpid(pid, &st, 0) != pid || !WIFSTOPPED(st) || WSTOPSIG(st) == SIGSTOP)
			break;
		n++;
	}
	ptrace(PTRACE_CONT, pid, 0, 0);
	waitpid(pid, &st, 0);
	return WIFEXITED(st) && WEXITSTATUS(st) == 0 ? n : -1;
}

static int refuse(unsigned flags, long nr)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EDOM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog p = { sizeof(f) / sizeof(f[0]), f };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &p);
}

static int filtered, begun, refused;
/* Counts what passes although the filter was up before it began. */
static void *thread_asks(void *arg)
{
	long wrong = 0;

	for (int after = 0; after < 50;) {
		int up = __atomic_load_n(&filtered, __ATOMIC_ACQUIRE);
		struct timespec t;
		long r = gettime(CLOCK_MONOTONIC, &t);

		__atomic_store_n(&begun, 1, __ATOMIC_RELEASE);
		wrong += up && (r != -1 || errno != EDOM);
		after += up;
	}
	return (void *)(wrong + (arg != NULL));
}

static int tsync(void)
{
	pthread_t t[3];
	void *r;
	long wrong = 0;

	for (int i = 0; i < 3; i++)
		if (pthread_create(&t[i], NULL, thread_asks, NULL))
			return 99;
	while (!__atomic_load_n(&begun, __ATOMIC_ACQUIRE))
		usleep(1000);
	usleep(3000);
	refused = refuse(SECCOMP_FILTER_FLAG_TSYNC, SYS_clock_gettime);
	__atomic_store_n(&filtered, 1, __ATOMIC_RELEASE);
	for (int i = 0; i < 3; i++)
		wrong += pthread_join(t[i], &r) || r;
	return refused ? 98 : (int)wrong;
}

static void watched(void)
{
	struct timespec t;

	warm();
	int n = traced_calls(PTRACE_SYSCALL);
	/* And what raise() does: more than that. */
	ok(n >= 2 * (OFTEN + 10) && n < 2 * (OFTEN + 10) + 30, "a tracer sees each call begin and end (%d)", n);
	ok(in_child((warm(), refuse(0, SYS_clock_gettime) == 0 && gettime(CLOCK_MONOTONIC, &t) == -1 && errno == EDOM &&
		call(SYS_getpid, 0, 0) == getpid() ? 7 : 0)) == 7, "a filter refuses what was answered before");
	ok(in_child((warm(), refuse(0, SYS_getpid) == 0 && call(SYS_getpid, 0, 0) == -1 && errno == EDOM && fork() >= 0 &&
		call(SYS_getpid, 0, 0) == -1 ? 7 : 0)) == 7, "also for a child");
	ok(in_child(tsync()) == 0, "also in other threads, at once (SECCOMP_FILTER_FLAG_TSYNC)");
}

/* ---- registers and signals ---- */

#ifdef __x86_64__
static int registers(long nr, uintptr_t a, uintptr_t b)
{
	uint64_t rcx, r11, flags, there, in[6] = { 11, 12, 13, 14, 15, 16 }, out[6], flags_after;
	long r;

	__asm__ volatile(
		"mov (%[in]), %%rdx\n mov 8(%[in]), %%r8\n mov 16(%[in]), %%r9\n mov 24(%[in]), %%r10\n mov 32(%[in]), %%r12\n mov 40(%[in]), %%r13\n"
		"stc\n pushfq\n pop %%rbx\n"
		"syscall\n"
		"1: cmp $-4095, %%rax\n"
		"lea 1b(%%rip), %%r14\n"
		"mov %%rcx, %[rcx]\n mov %%r11, %[r11]\n mov %%rbx, %[flags]\n mov %%r14, %[there]\n pushfq\n pop %%rbx\n mov %%rbx, %[after]\n"
		"mov %%rdx, (%[out])\n mov %%r8, 8(%[out])\n mov %%r9, 16(%[out])\n mov %%r10, 24(%[out])\n mov %%r12, 32(%[out])\n mov %%r13, 40(%[out])\n"
		: "=a"(r), [rcx] "=m"(rcx), [r11] "=m"(r11), [flags] "=m"(flags), [there] "=m"(there), [after] "=m"(flags_after)
		: "a"(nr), "D"(a), "S"(b), [in] "r"(in), [out] "r"(out)
		: "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "memory", "cc");
	return r >= 0 && rcx == there && r11 == flags && !memcmp(in, out, sizeof(in)) && (flags_after & 1);
}
#else
static int registers(long nr, uintptr_t a, uintptr_t b) { return syscall(nr, a, b) >= 0; }
#endif

static volatile long ticks, strange;
static void on_tick(int sig)
{
	struct timespec t;
	int e = errno;

	ticks++;
	strange += gettime(CLOCK_MONOTONIC, &t) != 0 || call(SYS_getpid, 0, 0) <= 0 || sig != SIGALRM;
	errno = e;
}

static void interrupted(void)
{
	struct itimerval often = { { 0, 500 }, { 0, 500 } }, never = { { 0, 0 }, { 0, 0 } };
	struct timespec t;
	int64_t end = library(CLOCK_MONOTONIC) + 300000000, last = 0;
	int good = 1;

	for (int i = 0; i < OFTEN; i++)
		good &= registers(SYS_clock_gettime, CLOCK_MONOTONIC, (uintptr_t)&t) && registers(SYS_getpid, 0, 0);
	ok(good, "registers and flags are as behind any call");
	signal(SIGALRM, on_tick);
	setitimer(ITIMER_REAL, &often, NULL);
	good = 1;
	while (last < end || (ticks < 20 && last < end + 5000000000)) {
		good &= gettime(CLOCK_MONOTONIC, &t) == 0 && ns(&t) >= last && call(SYS_getpid, 0, 0) == getpid();
		last = ns(&t);
	}
	setitimer(ITIMER_REAL, &never, NULL);
	ok(good && !strange && ticks >= 20, "while signals come (%ld)", ticks);
}

int main(int argc, char **argv)
{
	if (argc == 3) {
		long pid = atol(argv[2]);
		warm();
		return call(SYS_getpid, 0, 0) != pid || call(SYS_gettid, 0, 0) != pid;
	}
	plan(25);
	clocks();
	memory();
	who("/proc/self/exe");
	watched();
	interrupted();
	return done();
}
