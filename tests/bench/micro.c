/* SPDX-License-Identifier: MIT */
/*
 * Micro-operations: one static program, the same on every machine.  Prints
 * "NAME NANOSECONDS" per operation: the median of 15 samples.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SAMPLES = 15 };
static long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000L + ts.tv_nsec;
}
static int by_value(const void *a, const void *b) { return *(const long *)a < *(const long *)b ? -1 : 1; }

static int fds[4], zero, null;
static char page[1 << 20];

static void null_call(void) { syscall(SYS_getppid); }
static void clock_vdso(void) { struct timespec ts; clock_gettime(CLOCK_MONOTONIC, &ts); }
static void clock_call(void) { struct timespec ts; syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &ts); }
static void read_zero(void) { if (read(zero, page, 1) != 1) abort(); }
static void write_null(void) { if (write(null, page, 1) != 1) abort(); }
static void open_close(void) { close(open("/dev/null", O_RDONLY)); }
static void do_stat(void) { struct stat st; stat("/dev/null", &st); }
static void pipe_trip(void) { if (write(fds[1], page, 1) != 1 || read(fds[2], page, 1) != 1) abort(); }
static void fork_wait(void)
{
	pid_t p = fork();

	if (p == 0)
		_exit(0);
	waitpid(p, NULL, 0);
}
static void fork_exec(void)
{
	pid_t p = fork();

	if (p == 0) {
		execl("/proc/self/exe", "micro", "exit", (char *)NULL);
		_exit(1);
	}
	waitpid(p, NULL, 0);
}
static void *thread(void *arg) { return arg; }
static void thread_join(void)
{
	pthread_t t;

	pthread_create(&t, NULL, thread, NULL);
	pthread_join(t, NULL);
}
static void map_touch_4k(void)
{
	char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	*p = 1;
	munmap(p, 4096);
}
static void map_touch_1m(void)
{
	char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (int i = 0; i < 1 << 20; i += 4096)
		p[i] = 1;
	munmap(p, 1 << 20);
}
static int file;
static void read_1m(void) { if (pread(file, page, sizeof(page), 0) != (ssize_t)sizeof(page)) abort(); }
static void write_1m(void) { if (pwrite(file, page, sizeof(page), 0) != (ssize_t)sizeof(page)) abort(); }

static void measure(const char *name, void (*fn)(void), int loops)
{
	long v[SAMPLES];

	fn();
	for (int s = 0; s < SAMPLES; s++) {
		long start = now_ns();

		for (int i = 0; i < loops; i++)
			fn();
		v[s] = (now_ns() - start) / loops;
	}
	qsort(v, SAMPLES, sizeof(long), by_value);
	printf("%s %ld\n", name, v[SAMPLES / 2]);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	pid_t echo;

	if (argc > 1 && !strcmp(argv[1], "exit"))
		return 0;
	zero = open("/dev/zero", O_RDONLY);
	null = open("/dev/null", O_WRONLY);
	file = open("micro.tmp", O_RDWR | O_CREAT | O_TRUNC, 0600);
	unlink("micro.tmp");
	if (zero < 0 || null < 0 || file < 0 || pipe(fds) || pipe(fds + 2)) {
		perror("micro");
		return 1;
	}
	/* fds: parent writes 1, child reads 0; child writes 3, parent reads 2 */
	echo = fork();
	if (echo == 0) {
		char c;

		close(fds[1]);
		while (read(fds[0], &c, 1) == 1)
			if (write(fds[3], &c, 1) != 1)
				break;
		_exit(0);
	}
	close(fds[0]);
	measure("null_call", null_call, 2000);
	measure("clock_gettime_vdso", clock_vdso, 20000);
	measure("clock_gettime_call", clock_call, 2000);
	measure("read_1_zero", read_zero, 2000);
	measure("write_1_null", write_null, 2000);
	measure("open_close", open_close, 500);
	measure("stat", do_stat, 500);
	measure("pipe_round_trip", pipe_trip, 300);
	measure("map_touch_unmap_4k", map_touch_4k, 200);
	measure("map_touch_unmap_1m", map_touch_1m, 5);
	measure("fork_exit_wait", fork_wait, 10);
	measure("fork_exec_wait", fork_exec, 10);
	measure("thread_create_join", thread_join, 20);
	measure("file_write_1m", write_1m, 10);
	measure("file_read_1m", read_1m, 10);
	close(fds[1]);
	waitpid(echo, NULL, 0);
	return 0;
}
