/* SPDX-License-Identifier: MIT */
/*
 * Rows: the same operation by two processes, or two threads, at once.  The
 * figure is the time that passes for one operation of either: on two CPUs
 * half of what one alone takes, if nothing is in the way.  The rows *_by_1 are
 * the same loop by one alone, so that the speed-up is measured, not computed
 * from another row's figure.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include "micro.h"

static struct shared {
	int ready, go;
	long done[8];
	double start[8], end[8];
	sem_t handed, finished;		/* handed_work() */
	int no_more;
} *sh;

static void setup_shared(void)
{
	sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	NEED(sh != MAP_FAILED);
}

static void setup_shared_file(void)
{
	setup_shared();
	setup_read_1m();
}

static void (*work_op)(void);

static void work(int me)
{
	double end = quick ? 20e6 : 60e6, now;
	long n = 0;

	__atomic_add_fetch(&sh->ready, 1, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&sh->go, __ATOMIC_ACQUIRE))
		usleep(100);
	sh->start[me] = now_ns();
	end += sh->start[me];
	do {
		for (int i = 0; i < 4; i++)
			work_op();
		n += 4;
		now = now_ns();
	} while (now < end);
	sh->end[me] = now;
	sh->done[me] = n;
}

static void *work_thread(void *arg) { work((int)(long)arg); return NULL; }

static double parallel(int workers, int threads, void (*op)(void))
{
	double start, end, total = 0;
	pthread_t t[8];
	pid_t p[8];

	sh->ready = sh->go = 0;
	work_op = op;
	for (int i = 0; i < workers; i++) {
		if (threads) {
			NEED(pthread_create(&t[i], NULL, work_thread, (void *)(long)i) == 0);
		} else {
			NEED((p[i] = fork()) >= 0);
			if (p[i] == 0) {
				work(i);
				_exit(0);
			}
		}
	}
	while (__atomic_load_n(&sh->ready, __ATOMIC_ACQUIRE) < workers)
		usleep(100);
	__atomic_store_n(&sh->go, 1, __ATOMIC_RELEASE);
	for (int i = 0; i < workers; i++) {
		if (threads)
			pthread_join(t[i], NULL);
		else
			NEED(waitpid(p[i], NULL, 0) == p[i]);
	}
	start = sh->start[0];
	end = sh->end[0];
	for (int i = 0; i < workers; i++) {
		start = sh->start[i] < start ? sh->start[i] : start;
		end = sh->end[i] > end ? sh->end[i] : end;
		total += (double)sh->done[i];
	}
	return (end - start) / total;
}

static volatile unsigned long sink;
static void op_compute(void)
{
	unsigned long x = 1;

	for (int i = 0; i < 20000; i++)
		x = x * 6364136223846793005ul + 1442695040888963407ul;
	sink += x;
}

/*
 * A piece of work handed to a thread, or a process, that waits for it, while who handed it over does another: is it begun at
 * once?  The figure is the time for one piece.
 */
static void piece(void)
{
	for (int i = 0; i < 10; i++)
		op_compute();
}

static void *helper(void *arg)
{
	for (;;) {
		NEED(sem_wait(&sh->handed) == 0);
		if (sh->no_more)
			return arg;
		piece();
		NEED(sem_post(&sh->finished) == 0);
	}
}

static double handed_work(int workers, int threads)
{
	double start, now, end;
	pthread_t t;
	pid_t p = 0;
	long n = 0;

	sh->no_more = 0;
	NEED(sem_init(&sh->handed, 1, 0) == 0 && sem_init(&sh->finished, 1, 0) == 0);
	if (workers > 1 && threads) {
		NEED(pthread_create(&t, NULL, helper, NULL) == 0);
	} else if (workers > 1) {
		NEED((p = fork()) >= 0);
		if (p == 0) {
			helper(NULL);
			_exit(0);
		}
	}
	start = now_ns();
	end = start + (quick ? 20e6 : 60e6);
	do {
		if (workers > 1)
			NEED(sem_post(&sh->handed) == 0);
		piece();
		if (workers > 1)
			NEED(sem_wait(&sh->finished) == 0);
		n += workers;
		now = now_ns();
	} while (now < end);
	sh->no_more = 1;
	NEED(sem_post(&sh->handed) == 0);
	if (p)
		NEED(waitpid(p, NULL, 0) == p);
	else if (workers > 1)
		pthread_join(t, NULL);
	return (now - start) / (double)n;
}
/* The same piece for a thread, or a process, that is started for it. */
static void *one_piece(void *arg) { piece(); return arg; }

static double started_work(int workers, int threads)
{
	double start, now, end;
	pthread_t t;
	pid_t p = 0;
	long n = 0;

	start = now_ns();
	end = start + (quick ? 20e6 : 60e6);
	do {
		if (workers > 1 && threads) {
			NEED(pthread_create(&t, NULL, one_piece, NULL) == 0);
		} else if (workers > 1) {
			NEED((p = fork()) >= 0);
			if (p == 0) {
				piece();
				_exit(0);
			}
		}
		piece();
		if (workers > 1 && threads)
			pthread_join(t, NULL);
		else if (workers > 1)
			NEED(waitpid(p, NULL, 0) == p);
		n += workers;
		now = now_ns();
	} while (now < end);
	return (now - start) / (double)n;
}
static double started_work_by_1(void) { return started_work(1, 0); }
static double started_work_by_2(void) { return started_work(2, 0); }
static double started_work_by_2_threads(void) { return started_work(2, 1); }

static double handed_work_by_1(void) { return handed_work(1, 0); }
static double handed_work_by_2(void) { return handed_work(2, 0); }
static double handed_work_by_2_threads(void) { return handed_work(2, 1); }

/* Each worker into memory of its own. */
static void op_read_own(void)
{
	static __thread char *mine;

	if (!mine)
		NEED((mine = malloc(1 << 20)) != NULL);
	read_1m_into(mine);
}

#define PAIR(name, op) \
	static double name##_by_1(void) { return parallel(1, 0, op); } \
	static double name##_by_2(void) { return parallel(2, 0, op); } \
	static double name##_by_4(void) { return parallel(4, 0, op); } \
	static double name##_by_2_threads(void) { return parallel(2, 1, op); }
#define ROWS(what, prepare) \
	{ .name = #what "_by_1", .setup = prepare, .timed = what##_by_1, .scaling = 1 }, \
	{ .name = #what "_by_2", .setup = prepare, .timed = what##_by_2 }, \
	{ .name = #what "_by_4", .setup = prepare, .timed = what##_by_4, .scaling = 1 }, \
	{ .name = #what "_by_2_threads", .setup = prepare, .timed = what##_by_2_threads }

PAIR(compute, op_compute)
PAIR(null_call, op_null_call)
PAIR(open_close, op_open_close)
PAIR(stat, op_stat)
PAIR(fork_wait, op_fork_wait)
PAIR(touch_1m, op_touch)
PAIR(file_read_mib, op_read_own)

const struct row rows_parallel[] = {
	/* What two CPUs are worth here at all: the yardstick of the speed-ups. */
	{ .name = "compute_by_1", .setup = setup_shared, .timed = compute_by_1, .scaling = 1 },
	{ .name = "compute_by_2", .setup = setup_shared, .timed = compute_by_2, .scaling = 1 },
	{ .name = "compute_by_4", .setup = setup_shared, .timed = compute_by_4, .scaling = 1 },
	{ .name = "compute_by_2_threads", .setup = setup_shared, .timed = compute_by_2_threads, .scaling = 1 },
	{ .name = "handed_work_by_1", .setup = setup_shared, .timed = handed_work_by_1, .scaling = 1 },
	{ .name = "handed_work_by_2", .setup = setup_shared, .timed = handed_work_by_2, .scaling = 1 },
	{ .name = "handed_work_by_2_threads", .setup = setup_shared, .timed = handed_work_by_2_threads, .scaling = 1 },
	{ .name = "started_work_by_1", .setup = setup_shared, .timed = started_work_by_1, .scaling = 1 },
	{ .name = "started_work_by_2", .setup = setup_shared, .timed = started_work_by_2, .scaling = 1 },
	{ .name = "started_work_by_2_threads", .setup = setup_shared, .timed = started_work_by_2_threads, .scaling = 1 },
	ROWS(null_call, setup_shared),
	ROWS(open_close, setup_shared),
	ROWS(stat, setup_shared),
	ROWS(fork_wait, setup_shared),
	ROWS(touch_1m, setup_shared),
	ROWS(file_read_mib, setup_shared_file),
	{ .name = NULL },
};
