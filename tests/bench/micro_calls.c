/* SPDX-License-Identifier: MIT */
/* Rows: single system calls, messages between two processes or threads, signals, epoll. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include "micro.h"

static int zero_fd, null_fd;
static char byte[1];

static void setup_devices(void)
{
	NEED((zero_fd = open("/dev/zero", O_RDONLY)) >= 0);
	NEED((null_fd = open("/dev/null", O_WRONLY)) >= 0);
}

/* By number, so that no library answers from a cache. */
void op_null_call(void) { syscall(SYS_getppid); }
static void op_clock_vdso(void) { struct timespec ts; clock_gettime(CLOCK_MONOTONIC, &ts); }
static void op_clock_call(void) { struct timespec ts; syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &ts); }
static void op_read_zero(void) { NEED(read(zero_fd, byte, 1) == 1); }
static void op_write_null(void) { NEED(write(null_fd, byte, 1) == 1); }

void op_open_close(void)
{
	int fd = open("/dev/null", O_RDONLY);

	NEED(fd >= 0);
	close(fd);
}

void op_stat(void) { struct stat st; NEED(stat("/dev/null", &st) == 0); }

/* ---- ping-pong: the child sends each byte back ---- */

static int trip_out, trip_in;

static void echo(int in, int out)
{
	char c;

	while (read(in, &c, 1) == 1 && write(out, &c, 1) == 1)
		;
	_exit(0);
}

static void setup_pipe_trip(void)
{
	int a[2], b[2];
	pid_t p;

	NEED(pipe(a) == 0);
	NEED(pipe(b) == 0);
	NEED((p = fork()) >= 0);
	if (p == 0) {
		close(a[1]);
		close(b[0]);
		echo(a[0], b[1]);
	}
	close(a[0]);
	close(b[1]);
	trip_out = a[1];
	trip_in = b[0];
}

static void setup_unix_trip(void)
{
	int s[2];
	pid_t p;

	NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
	NEED((p = fork()) >= 0);
	if (p == 0) {
		close(s[0]);
		echo(s[1], s[1]);
	}
	close(s[1]);
	trip_out = trip_in = s[0];
}

static void op_trip(void)
{
	NEED(write(trip_out, byte, 1) == 1);
	NEED(read(trip_in, byte, 1) == 1);
}

/* ---- futex ping-pong: whose turn it is ---- */

static int turn;

static void futex_pass(int mine, int theirs)
{
	int seen;

	while ((seen = __atomic_load_n(&turn, __ATOMIC_ACQUIRE)) != mine)
		syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
	__atomic_store_n(&turn, theirs, __ATOMIC_RELEASE);
	syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void *futex_partner(void *arg)
{
	for (;;)
		futex_pass(1, 0);
	return arg;
}

static void setup_futex_trip(void)
{
	pthread_t t;

	NEED(pthread_create(&t, NULL, futex_partner, NULL) == 0);
}

static void op_futex_trip(void) { futex_pass(0, 1); }

/* ---- signals and epoll ---- */

static volatile int caught;
static void on_signal(int sig) { (void)sig; caught++; }

static void setup_signal(void)
{
	struct sigaction sa = { .sa_handler = on_signal };

	NEED(sigaction(SIGUSR1, &sa, NULL) == 0);
}

static void op_signal(void)
{
	int before = caught;

	kill(getpid(), SIGUSR1);
	NEED(caught == before + 1);
}

static int epoll_fd;

static void setup_epoll(void)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int fd = eventfd(1, 0);

	NEED(fd >= 0);
	NEED((epoll_fd = epoll_create1(0)) >= 0);
	NEED(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev) == 0);
}

static void op_epoll(void)
{
	struct epoll_event ev;

	NEED(epoll_wait(epoll_fd, &ev, 1, -1) == 1);
}

/* ---- pipe bandwidth: the child reads 4 MiB and says so ---- */

enum { CHUNK = 65536, PIPE_MIB = 4 };
static char chunk[CHUNK];

static void setup_pipe_bandwidth(void)
{
	int a[2], b[2];
	pid_t p;

	NEED(pipe(a) == 0);
	NEED(pipe(b) == 0);
	NEED((p = fork()) >= 0);
	if (p == 0) {
		close(a[1]);
		close(b[0]);
		for (;;) {
			for (long left = PIPE_MIB << 20; left > 0;) {
				ssize_t n = read(a[0], chunk, CHUNK);

				if (n <= 0)
					_exit(0);
				left -= n;
			}
			if (write(b[1], chunk, 1) != 1)
				_exit(0);
		}
	}
	close(a[0]);
	close(b[1]);
	trip_out = a[1];
	trip_in = b[0];
}

static void op_pipe_bandwidth(void)
{
	for (int i = 0; i < (PIPE_MIB << 20) / CHUNK; i++)
		NEED(write(trip_out, chunk, CHUNK) == CHUNK);
	NEED(read(trip_in, byte, 1) == 1);
}

const struct row rows_calls[] = {
	{ .name = "null_call", .op = op_null_call },
	{ .name = "clock_gettime_vdso", .op = op_clock_vdso },
	{ .name = "clock_gettime_call", .op = op_clock_call },
	{ .name = "read_1_zero", .setup = setup_devices, .op = op_read_zero },
	{ .name = "write_1_null", .setup = setup_devices, .op = op_write_null },
	{ .name = "open_close", .op = op_open_close },
	{ .name = "stat", .op = op_stat },
	{ .name = "pipe_round_trip", .setup = setup_pipe_trip, .op = op_trip },
	{ .name = "unix_round_trip", .setup = setup_unix_trip, .op = op_trip },
	{ .name = "futex_round_trip", .setup = setup_futex_trip, .op = op_futex_trip },
	{ .name = "signal_self", .setup = setup_signal, .op = op_signal },
	{ .name = "epoll_wait", .setup = setup_epoll, .op = op_epoll },
	{ .name = "pipe_mib", .setup = setup_pipe_bandwidth, .op = op_pipe_bandwidth, .per = PIPE_MIB },
	{ .name = NULL },
};
