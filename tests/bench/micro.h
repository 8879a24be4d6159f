/* SPDX-License-Identifier: MIT */
/*
 * What the rows of the micro program are made of.
 *
 * A row is one operation.  Either `op` is called in a loop that micro.c times
 * and sizes by itself, or `timed` does a whole measurement and returns the
 * nanoseconds of one operation.  `setup` runs once before, in the same
 * process; every row has a process of its own, so nothing is undone.
 */
#ifndef EFT_BENCH_MICRO_H
#define EFT_BENCH_MICRO_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct row {
	const char *name;
	void (*setup)(void);
	void (*op)(void);
	double (*timed)(void);
	int scaling;	/* only with -s: for the speed-ups of the scaling tables */
	double per;	/* divides: what one call of op or timed does (pages, MiB, files); 0 is 1 */
};

/* NULL-named rows end each table. */
extern const struct row rows_calls[], rows_process[], rows_memory[], rows_file[], rows_parallel[];

extern int quick;	/* smaller samples and smaller trees */

static inline double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

/* The row cannot be measured here: says why, and ends the row's process. */
void row_give_up(const char *what) __attribute__((noreturn));
#define NEED(x) do { if (!(x)) row_give_up(#x); } while (0)

/* Operations that the parallel rows run on two CPUs. */
void op_null_call(void);
void op_open_close(void);
void op_fork_wait(void);
void op_touch(void);
void op_stat(void);
void setup_read_1m(void);	/* makes the file of 1 MiB that read_1m_into reads */
void read_1m_into(char *to);

#endif
