/* SPDX-License-Identifier: MIT */
/*
 * What the register tests of both CPUs share: the ways into the kernel, by
 * name, and the threads that make them happen while others watch their
 * registers.  All along, a thread on each CPU sleeps 100 us at a time: a timer
 * interrupt 10000 times a second, and a switch to and from it.
 */
#ifndef REGS_H
#define REGS_H
#include "harness.h"
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { REGS_THREADS_MAX = 64 };
static volatile int regs_over;		/* of one path */
static volatile long regs_events;	/* that the disturber made */

static uint64_t regs_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static volatile long regs_ticks;
static volatile int regs_tickers_end;
static void *regs_ticker(void *arg)
{
	struct timespec ts = { 0, 100000 };
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((int)(long)arg, &set);
	sched_setaffinity(0, sizeof(set), &set);
	while (!regs_tickers_end) {
		nanosleep(&ts, NULL);
		__sync_fetch_and_add(&regs_ticks, 1);
	}
	return NULL;
}

/* Writes that have to reach the disk: its interrupts, and kernel threads that run in between. */
static void *regs_device(void *arg)
{
	int fd = open("regs-file", O_RDWR | O_CREAT, 0600);
	char buf[4096];

	while (!regs_over) {
		memset(buf, (int)regs_events, sizeof(buf));
		if (pwrite(fd, buf, sizeof(buf), 0) != (ssize_t)sizeof(buf) || fsync(fd))
			break;
		__sync_fetch_and_add(&regs_events, 1);
	}
	close(fd);
	return arg;
}

/* Rights that go away while other CPUs run in the same address space: each must hear of it. */
static void *regs_shootdown(void *arg)
{
	char *p = mmap(NULL, 8 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	while (!regs_over) {
		for (int i = 0; i < 8; i++)
			p[i * 4096] = 1;
		if (mprotect(p, 8 * 4096, PROT_READ) || mprotect(p, 8 * 4096, PROT_READ | PROT_WRITE))
			break;
		__sync_fetch_and_add(&regs_events, 1);
	}
	munmap(p, 8 * 4096);
	return arg;
}

/* Two threads that wake each other, on different CPUs if there are. */
static int regs_pipe[2][2];
static void *regs_echo(void *arg)
{
	char c;

	while (read(regs_pipe[0][0], &c, 1) == 1 && write(regs_pipe[1][1], &c, 1) == 1)
		;
	return arg;
}
static void *regs_wake(void *arg)
{
	pthread_t echo;
	cpu_set_t all, one;
	char c = 1;

	if (pipe(regs_pipe[0]) || pipe(regs_pipe[1]) || pthread_create(&echo, NULL, regs_echo, NULL))
		return NULL;
	if (!sched_getaffinity(0, sizeof(all), &all) && CPU_COUNT(&all) > 1)
		for (int k = 0, n = 0; k < CPU_SETSIZE && n < 2; k++)
			if (CPU_ISSET(k, &all)) {
				CPU_ZERO(&one);
				CPU_SET(k, &one);
				if (n++)
					pthread_setaffinity_np(echo, sizeof(one), &one);
				else
					sched_setaffinity(0, sizeof(one), &one);
			}
	while (!regs_over) {
		if (write(regs_pipe[0][1], &c, 1) != 1 || read(regs_pipe[1][0], &c, 1) != 1)
			break;
		__sync_fetch_and_add(&regs_events, 1);
	}
	close(regs_pipe[0][1]);
	pthread_join(echo, NULL);
	close(regs_pipe[0][0]);
	close(regs_pipe[1][0]);
	close(regs_pipe[1][1]);
	return arg;
}

/* Processes come and go: other address spaces on the same CPUs. */
static void *regs_processes(void *arg)
{
	while (!regs_over) {
		pid_t pid = fork();

		if (!pid)
			_exit(0);
		if (pid < 0 || waitpid(pid, NULL, 0) != pid)
			break;
		__sync_fetch_and_add(&regs_events, 1);
	}
	return arg;
}

struct regs_path {
	const char *name;
	int op;				/* what the watching threads do: the CPU's file has the list */
	void *(*disturb)(void *);	/* what another thread does meanwhile */
	int signals;			/* a signal each 100 us, whose handler uses every register */
};
struct regs_job { const struct regs_path *path; unsigned n; long rounds; char why[128]; };
static long regs_ms = 200;
static volatile sig_atomic_t regs_signals;

static volatile int regs_disturbed;	/* the disturber has ended */
static void *regs_disturb(void *path)
{
	((const struct regs_path *)path)->disturb(NULL);
	regs_disturbed = 1;
	return NULL;
}
/* Watch on: until its time is over, what is to happen has happened once, and it has been looked; or something is wrong. */
static int regs_go_on(const struct regs_job *j, uint64_t end)
{
	return !j->why[0] && (regs_now_ms() < end || !j->rounds || (j->path->disturb && !regs_events && !regs_disturbed) || (j->path->signals && !regs_signals));
}

/* Watches registers while regs_go_on(j, end); if something is wrong, why says what. */
static void regs_watch(struct regs_job *j, uint64_t end);

static void *regs_thread(void *arg)
{
	regs_watch(arg, regs_now_ms() + (uint64_t)regs_ms);
	return NULL;
}

/* Runs all paths, each with its own line of TAP. */
static int regs_main(int argc, char **argv, const struct regs_path *paths, int n, void (*on_signal)(int))
{
	static struct regs_job jobs[REGS_THREADS_MAX];
	pthread_t t[REGS_THREADS_MAX], other, tick[64];
	long threads = argc > 2 ? atol(argv[2]) : 4, cpus = sysconf(_SC_NPROCESSORS_ONLN), tickers = 0;
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	uint64_t start = regs_now_ms();

	if (argc > 1)
		regs_ms = atol(argv[1]);
	if (threads < 1 || threads > REGS_THREADS_MAX)
		threads = 4;
	plan(n);
	sigaction(SIGALRM, &sa, NULL);
	while (tickers < cpus && tickers < 64 && !pthread_create(&tick[tickers], NULL, regs_ticker, (void *)tickers))
		tickers++;
	for (int p = 0; p < n; p++) {
		struct itimerval it = { { 0, 100 }, { 0, 100 } }, off = { { 0, 0 }, { 0, 0 } };
		const char *why = NULL;
		long rounds = 0;

		regs_over = regs_disturbed = 0;
		regs_events = 0;
		regs_signals = 0;
		if (paths[p].disturb && pthread_create(&other, NULL, regs_disturb, (void *)&paths[p]))
			bail("pthread_create");
		if (paths[p].signals)
			setitimer(ITIMER_REAL, &it, NULL);
		for (long i = 0; i < threads; i++) {
			jobs[i] = (struct regs_job){ .path = &paths[p], .n = (unsigned)i };
			if (pthread_create(&t[i], NULL, regs_thread, &jobs[i]))
				bail("pthread_create");
		}
		for (long i = 0; i < threads; i++) {
			pthread_join(t[i], NULL);
			rounds += jobs[i].rounds;
			if (jobs[i].why[0] && !why)
				why = jobs[i].why;
		}
		setitimer(ITIMER_REAL, &off, NULL);
		regs_over = 1;
		if (paths[p].disturb)
			pthread_join(other, NULL);
		if (!why && paths[p].disturb && !regs_events)
			why = "it did not happen";
		if (!why && paths[p].signals && !regs_signals)
			why = "no signal came";
		if (!why && !rounds)
			why = "nobody looked";
		ok(!why, "registers survive %s%s%s", paths[p].name, why ? ": " : "", why ? why : "");
		printf("# %ld rounds, %ld events, %ld signals\n", rounds, regs_events, (long)regs_signals);
	}
	regs_tickers_end = 1;
	for (long i = 0; i < tickers; i++)
		pthread_join(tick[i], NULL);
	printf("# %ld timer interrupts a second on each of %ld CPUs\n",
		tickers ? (long)(regs_ticks * 1000 / (long)(regs_now_ms() - start + 1) / tickers) : 0, cpus);
	return done();
}
#endif
