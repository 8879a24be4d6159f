/* SPDX-License-Identifier: MIT */
/* getrusage(2), times(2), wait4(2): CPU time, faults, switches, peak memory; of oneself, a thread, children that were waited for and theirs. */
#include "harness.h"
#include "child.h"
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/times.h>

static long long us(struct timeval tv) { return tv.tv_sec * 1000000LL + tv.tv_usec; }
static volatile unsigned long sink;
static void burn_ms(int ms)
{
	long long end = now_ns(CLOCK_THREAD_CPUTIME_ID) + ms * 1000000LL;

	while (now_ns(CLOCK_THREAD_CPUTIME_ID) < end)
		for (int i = 0; i < 10000; i++)
			sink++;
}
static void *thread(void *arg)
{
	struct rusage t;

	burn_ms(20);
	getrusage(RUSAGE_THREAD, &t);
	*(long long *)arg = us(t.ru_utime) + us(t.ru_stime);
	return NULL;
}
/* Who reads a byte that is written when it sleeps has given its CPU away for it: BYTES times. */
enum { BYTES = 5 };
static int bytes[2];
static volatile pid_t reader_tid;
static void read_bytes(void)
{
	char c;

	for (int i = 0; i < BYTES; i++)
		if (read(bytes[0], &c, 1) != 1)
			_exit(9);
}
static void write_bytes(pid_t pid, pid_t tid)
{
	char path[64], line[256];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);
	for (int i = 0; i < BYTES; i++) {
		char state = 0;
		int left = 1;

		/* What was written last is taken, and it sleeps. */
		while (left || state != 'S') {
			FILE *f;

			ioctl(bytes[0], FIONREAD, &left);
			f = fopen(path, "r");
			state = f && fgets(line, sizeof(line), f) && strchr(line, ')') ? strchr(line, ')')[2] : 0;
			if (f)
				fclose(f);
		}
		if (write(bytes[1], "", 1) != 1)
			bail("write");
	}
}
static void *reader(void *arg)
{
	struct rusage t;

	reader_tid = (pid_t)syscall(SYS_gettid);
	read_bytes();
	getrusage(RUSAGE_THREAD, &t);
	*(long long *)arg = t.ru_nvcsw;
	return NULL;
}

int main(void)
{
	struct rusage a, b, c;
	struct tms t0, t1;
	long long by_thread = 0;
	pthread_t th;
	pid_t pid;
	char *p;
	int st;

	plan(22);
	getrusage(RUSAGE_CHILDREN, &c);
	ok(us(c.ru_utime) == 0 && c.ru_maxrss == 0, "no children, nothing used by them");
	getrusage(RUSAGE_SELF, &a);
	burn_ms(50);
	getrusage(RUSAGE_SELF, &b);
	ok(us(b.ru_utime) + us(b.ru_stime) - us(a.ru_utime) - us(a.ru_stime) >= 45000, "50 ms of work are counted");
	ok(us(b.ru_utime) > us(a.ru_utime), "as user time");
	long long start = now_ns(CLOCK_MONOTONIC);	/* around: a virtual CPU that was away counts its absence to who ran */
	getrusage(RUSAGE_SELF, &a);
	usleep(50000);
	getrusage(RUSAGE_SELF, &b);
	ok(us(b.ru_utime) + us(b.ru_stime) - us(a.ru_utime) - us(a.ru_stime) < (now_ns(CLOCK_MONOTONIC) - start) / 1000 - 10000, "sleep is not");
	ok(b.ru_nvcsw > a.ru_nvcsw, "but is a voluntary switch");
	p = mmap(NULL, 4 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	madvise(p, 4 << 20, MADV_NOHUGEPAGE);
	getrusage(RUSAGE_SELF, &a);
	/* Backwards: nobody brings the next pages with this one. */
	for (int i = (4 << 20) - 4096; i >= 0; i -= 4096)
		p[i] = 1;
	getrusage(RUSAGE_SELF, &b);
	ok(b.ru_minflt - a.ru_minflt >= 1000, "touching memory faults (%ld)", b.ru_minflt - a.ru_minflt);
	ok(b.ru_maxrss >= 4096, "the peak holds it (%ld kB)", b.ru_maxrss);
	munmap(p, 4 << 20);
	getrusage(RUSAGE_SELF, &a);
	ok(a.ru_maxrss >= b.ru_maxrss, "and does not sink");
	pthread_create(&th, NULL, thread, &by_thread);
	pthread_join(th, NULL);
	getrusage(RUSAGE_SELF, &b);
	ok(by_thread >= 19000 && by_thread < 5000000, "RUSAGE_THREAD is one thread's (%lld us)", by_thread);
	ok(us(b.ru_utime) + us(b.ru_stime) - us(a.ru_utime) - us(a.ru_stime) >= 19000, "a thread that ended counts for its process");
	times(&t0);
	pid = fork();
	if (!pid) {
		pid = fork();
		if (!pid) {
			burn_ms(60);
			_exit(0);
		}
		burn_ms(60);
		exit_of(pid);
		_exit(7);
	}
	ok(getrusage(RUSAGE_CHILDREN, &c) == 0 && us(c.ru_utime) == 0, "a child that runs is not counted");
	ok(wait4(pid, &st, 0, &c) == pid && WEXITSTATUS(st) == 7, "wait4");
	ok(us(c.ru_utime) + us(c.ru_stime) >= 110000, "tells what it used, with its own children (%lld us)", us(c.ru_utime) + us(c.ru_stime));
	ok(c.ru_maxrss > 0 && c.ru_minflt > 0, "memory and faults as well");
	getrusage(RUSAGE_CHILDREN, &b);
	ok(us(b.ru_utime) + us(b.ru_stime) >= 110000, "which then counts for RUSAGE_CHILDREN");
	times(&t1);
	ok(t1.tms_cutime + t1.tms_cstime - t0.tms_cutime - t0.tms_cstime >= 10, "and for times, in hundredths");
	/* Switches, of who has ended. */
	if (pipe(bytes))
		bail("pipe");
	getrusage(RUSAGE_CHILDREN, &a);
	pid = fork();
	if (!pid) {
		read_bytes();
		_exit(0);
	}
	write_bytes(pid, pid);
	pid = wait4(pid, &st, 0, &c) == pid && WIFEXITED(st) && !WEXITSTATUS(st) ? pid : -1;
	ok(pid > 0 && c.ru_nvcsw >= BYTES, "a child's switches (%ld)", c.ru_nvcsw);
	getrusage(RUSAGE_CHILDREN, &b);
	ok(b.ru_nvcsw - a.ru_nvcsw == c.ru_nvcsw && b.ru_nivcsw - a.ru_nivcsw == c.ru_nivcsw, "count for RUSAGE_CHILDREN");
	getrusage(RUSAGE_SELF, &a);
	pthread_create(&th, NULL, reader, &by_thread);
	while (!reader_tid)
		sched_yield();
	write_bytes(getpid(), reader_tid);
	pthread_join(th, NULL);
	getrusage(RUSAGE_SELF, &b);
	ok(by_thread >= BYTES, "a thread's (%lld)", by_thread);
	ok(b.ru_nvcsw - a.ru_nvcsw >= by_thread, "count for its process (%ld)", b.ru_nvcsw - a.ru_nvcsw);
	ok_errno(getrusage(5, &a), EINVAL, "of whom?");
	ok_errno(syscall(SYS_getrusage, RUSAGE_SELF, 8), EFAULT, "EFAULT");
	return done();
}
