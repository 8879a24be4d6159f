/* SPDX-License-Identifier: MIT */
/*
 * What one more costs when there are already n: the same program on every machine.
 *
 *   scaling [-q] [-m] [NAME...]	-q: stop at a tenth of the full number
 *				-m: raise vm.max_map_count first (in a guest: it is the machine's)
 *
 * Prints `goal NAME N`, the full number; `scale NAME N NANOSECONDS ADDING`, the minimum of several samples of the
 * operation that adds one and takes it away again, at n = 10, 100, ... and the
 * full number, and what adding one cost on the way there; `skip NAME N REASON`; and `done`.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096 };

static double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static const char *name;
static long have;
#define NEED(x) do { if (!(x)) { printf("skip %s %ld %s: %s\n", name, have, #x, strerror(errno)); fflush(stdout); _exit(0); } } while (0)

static void raise_limits(void)
{
	static const int which[] = { RLIMIT_NOFILE, RLIMIT_NPROC, RLIMIT_SIGPENDING };
	struct rlimit r = { 1 << 20, 1 << 20 };

	for (unsigned i = 0; i < sizeof(which) / sizeof(which[0]); i++)
		if (setrlimit(which[i], &r)) {
			struct rlimit old;

			getrlimit(which[i], &old);
			old.rlim_cur = old.rlim_max;
			setrlimit(which[i], &old);
		}
}

static void raise_map_count(void)
{
	int fd = open("/proc/sys/vm/max_map_count", O_WRONLY);

	if (fd < 0 || write(fd, "1000000\n", 8) != 8)
		printf("skip areas 0 max_map_count: %s\n", strerror(errno));
	close(fd);
}

/* ---- processes: each sleeps until the group is killed ---- */

static void processes_add(long i)
{
	pid_t p = fork();

	(void)i;
	NEED(p >= 0);
	if (p == 0)
		for (;;)
			pause();
}

static void processes_one(void)
{
	pid_t p = fork();
	int st;

	NEED(p >= 0);
	if (p == 0)
		_exit(0);
	NEED(waitpid(p, &st, 0) == p);
}

/* ---- files in one directory ---- */

static void files_start(void)
{
	char dir[] = "scaling.XXXXXX";

	NEED(mkdtemp(dir) && chdir(dir) == 0);
}

static void file_make(long i)
{
	char f[32];
	int fd;

	snprintf(f, sizeof(f), "file-%ld", i);
	NEED((fd = open(f, O_WRONLY | O_CREAT | O_EXCL, 0600)) >= 0);
	close(fd);
}

static void files_one(void)
{
	struct stat st;

	file_make(-1);
	NEED(stat("file--1", &st) == 0);
	NEED(unlink("file--1") == 0);
	NEED(stat("file--1", &st) < 0 && errno == ENOENT);
}

static void files_end(void)
{
	char f[32];

	for (long i = 0; i < have; i++) {
		snprintf(f, sizeof(f), "file-%ld", i);
		unlink(f);
	}
	if (getcwd(f, sizeof(f)) && chdir("..") == 0)
		rmdir(strrchr(f, '/') + 1);
}

static void tmpfs_start(void)
{
	NEED(chdir("/dev/shm") == 0);
	files_start();
}

/* ---- areas: every second page of one reservation is another area ---- */

static char *areas;
static long areas_most;

static void areas_start(void)
{
	areas = mmap(NULL, (size_t)(2 * areas_most + 4) * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	NEED(areas != MAP_FAILED);
}

static void area_make(long i)
{
	NEED(mprotect(areas + 2 * i * PAGE, PAGE, PROT_READ | PROT_WRITE) == 0);
}

static void areas_one(void)
{
	long i = have / 2;
	char *p = areas + (2 * i + 1) * PAGE, *q;

	/* One more in the middle, touched, and away again; and one wherever there is room. */
	NEED(mmap(p, PAGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p);
	(void)*(volatile char *)p;
	NEED(mmap(p, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) == p);
	NEED((q = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) != MAP_FAILED);
	*q = 1;
	munmap(q, PAGE);
}

/* ---- timers: armed, at different times an hour away ---- */

static int timer_make(long i)
{
	struct sigevent ev = { .sigev_notify = SIGEV_NONE };
	struct itimerspec when = { .it_value = { 3600 + i * 7919 % 10007, i } };
	int id;

	NEED(syscall(SYS_timer_create, CLOCK_MONOTONIC, &ev, &id) == 0);
	NEED(syscall(SYS_timer_settime, id, 0, &when, NULL) == 0);
	return id;
}

static void timers_add(long i) { (void)timer_make(i); }
static void timers_one(void) { NEED(syscall(SYS_timer_delete, timer_make(4321)) == 0); }

/* ---- descriptors, and an epoll set of them ---- */

static int set, ready_fd;

static void fds_add(long i) { (void)i; NEED(dup(0) >= 0 || (errno == EBADF && open("/dev/null", O_RDONLY) >= 0)); }
static void fds_one(void)
{
	int fd = dup(1);

	NEED(fd >= 0);
	close(fd);
}

static void epoll_start(void)
{
	NEED((set = epoll_create1(0)) >= 0);
	NEED((ready_fd = eventfd(1, 0)) >= 0);
}

static void epoll_make(long i)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u64 = (unsigned long)i };
	int fd = eventfd(0, 0);

	NEED(fd >= 0);
	NEED(epoll_ctl(set, EPOLL_CTL_ADD, fd, &ev) == 0);
}

static void epoll_one(void)
{
	struct epoll_event ev = { .events = EPOLLIN };

	NEED(epoll_ctl(set, EPOLL_CTL_ADD, ready_fd, &ev) == 0);
	NEED(epoll_wait(set, &ev, 1, 0) == 1);
	NEED(epoll_ctl(set, EPOLL_CTL_DEL, ready_fd, NULL) == 0);
	NEED(epoll_wait(set, &ev, 1, 0) == 0);
}

static const struct kind {
	const char *name;
	long most;
	void (*start)(void), (*add)(long), (*one)(void), (*end)(void);
} kinds[] = {
	{ "processes", 10000, NULL, processes_add, processes_one, NULL },
	{ "files_in_directory", 100000, files_start, file_make, files_one, files_end },
	{ "files_in_tmpfs", 100000, tmpfs_start, file_make, files_one, files_end },
	{ "areas", 100000, areas_start, area_make, areas_one, NULL },
	{ "timers", 100000, NULL, timers_add, timers_one, NULL },
	{ "descriptors", 50000, NULL, fds_add, fds_one, NULL },
	{ "epoll_set", 50000, epoll_start, epoll_make, epoll_one, NULL },
};

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void run(const struct kind *k, int quick)
{
	long most = quick ? k->most / 10 : k->most;

	areas_most = most;
	if (k->start)
		k->start();
	for (long n = 10;; n = n * 10 < most ? n * 10 : most) {
		double v[9], began = now_ns(), add;
		long before = have;

		for (; have < n; have++)
			k->add(have);
		add = (now_ns() - began) / (double)(n - before);
		k->one();
		for (int s = 0; s < 9; s++) {
			double start = now_ns();
			int loops = 0;

			while (loops < 4 || now_ns() - start < 3e6) {
				k->one();
				loops++;
			}
			v[s] = (now_ns() - start) / loops;
		}
		qsort(v, 9, sizeof(v[0]), by_value);
		printf("scale %s %ld %.0f %.0f\n", k->name, n, v[0], add);
		fflush(stdout);
		if (n == most)
			break;
	}
	if (k->end)
		k->end();
}

int main(int argc, char **argv)
{
	int quick = 0, first = 1;

	raise_limits();
	for (; first < argc && argv[first][0] == '-'; first++) {
		quick |= !strcmp(argv[first], "-q");
		if (!strcmp(argv[first], "-m"))
			raise_map_count();
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		int wanted = first == argc, st;
		pid_t p;

		for (int a = first; a < argc; a++)
			wanted |= !strcmp(kinds[i].name, argv[a]);
		if (!wanted)
			continue;
		name = kinds[i].name;
		printf("goal %s %ld\n", name, quick ? kinds[i].most / 10 : kinds[i].most);
		fflush(stdout);
		p = fork();
		if (p == 0) {
			setpgid(0, 0);
			alarm(240);
			run(&kinds[i], quick);
			_exit(0);
		}
		while (waitpid(p, &st, 0) < 0 && errno == EINTR)
			;
		kill(-p, SIGKILL);
		if (WIFSIGNALED(st))
			printf("skip %s 0 ended by signal %d\n", name, WTERMSIG(st));
		fflush(stdout);
	}
	printf("done\n");
	return 0;
}
