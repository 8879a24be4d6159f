/* SPDX-License-Identifier: MIT */
/*
 * Micro-operations: one static program, the same binary on every machine.
 *
 *   micro [-q] [-l] [-s] [ROW...]	-q: quicker; -l: list; -s: only the parallel rows, all of them;
 *					ROW: only rows whose name begins so
 *   micro exit			does nothing (what the exec rows execute)
 *
 * Prints, a line each:
 *   row NAME MINIMUM MEDIAN SAMPLES	nanoseconds per operation
 *   skip NAME REASON			this machine cannot do it
 * and `done` at the end, so that a run cut short is not taken for a whole one.
 *
 * A row runs in a process of its own: what it breaks is its own row.  The
 * number of operations in a sample is found by doubling until a sample lasts
 * long enough to be timed by a clock that may itself cost microseconds.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include "micro.h"

enum { SAMPLES = 15, ROW_SECONDS = 60 };

int quick;
static const char *row_name;

void row_give_up(const char *what)
{
	printf("skip %s %s: %s\n", row_name, what, strerror(errno));
	fflush(stdout);
	_exit(0);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double sample(const struct row *r, long loops)
{
	double start;

	if (r->timed)
		return r->timed();
	start = now_ns();
	for (long i = 0; i < loops; i++)
		r->op();
	return (now_ns() - start) / (double)loops;
}

static void measure(const struct row *r)
{
	double v[SAMPLES], target = quick ? 2e6 : 10e6, limit = quick ? 0.4e9 : 1.5e9, begin, took;
	long loops = 1;
	int n = 0, most = quick ? 7 : SAMPLES;

	if (r->setup)
		r->setup();
	if (r->timed)
		(void)sample(r, 1);
	else
		while ((took = sample(r, loops) * (double)loops) < target)
			loops = took * 8 < target ? loops * 8 : loops * 2;
	begin = now_ns();
	while (n < most && (n < 3 || now_ns() - begin < limit))
		v[n++] = sample(r, loops) / (r->per ? r->per : 1);
	qsort(v, (size_t)n, sizeof(v[0]), by_value);
	printf("row %s %.2f %.2f %d\n", r->name, v[0], v[n / 2], n);
	fflush(stdout);
}

static void run_row(const struct row *r)
{
	pid_t p;
	int st;

	row_name = r->name;
	p = fork();
	if (p == 0) {
		/* Its own group, so that helpers of a row that hangs end with it. */
		setpgid(0, 0);
		alarm(ROW_SECONDS);
		measure(r);
		_exit(0);
	}
	if (p < 0) {
		printf("skip %s fork: %s\n", r->name, strerror(errno));
		return;
	}
	while (waitpid(p, &st, 0) < 0 && errno == EINTR)
		;
	kill(-p, SIGKILL);
	if (WIFSIGNALED(st))
		printf("skip %s ended by signal %d\n", r->name, WTERMSIG(st));
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static const struct row *const tables[] = { rows_calls, rows_process, rows_memory, rows_file, rows_parallel };
	int list = 0, scaling = 0, first = 1;

	if (argc > 1 && !strcmp(argv[1], "exit"))
		return 0;
	for (; first < argc && argv[first][0] == '-'; first++) {
		quick |= !strcmp(argv[first], "-q");
		list |= !strcmp(argv[first], "-l");
		scaling |= !strcmp(argv[first], "-s");
	}
	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++) {
		for (const struct row *r = tables[t]; r->name; r++) {
			int wanted = first == argc;

			for (int i = first; i < argc; i++)
				wanted |= !strncmp(r->name, argv[i], strlen(argv[i]));
			if (!wanted || (scaling ? tables[t] != rows_parallel : first == argc && r->scaling))
				continue;
			if (list)
				printf("%s\n", r->name);
			else
				run_row(r);
		}
	}
	if (!list)
		printf("done\n");
	return 0;
}
