/* SPDX-License-Identifier: MIT */
/*
 * What the report program knows of one run.
 *
 * It reads records, a line each, that the scripts wrote while they measured:
 *
 *   about KEY TEXT			of the whole run
 *   table SECTION SITUATION UNIT TITLE	begins a table; UNIT: ns, kib or bytes
 *   column MACHINE			a column of it, in order
 *   broken MACHINE REASON		this one could not run
 *   value MACHINE ROW MINIMUM MEDIAN	of one round; rounds add up
 *   goal ROW N				scaling: the number that had to be reached
 *   note TEXT				below the table, once
 *   verdict holds|fails TEXT		a requirement that was judged elsewhere
 *
 * Figures are costs: less is better everywhere.  Columns named eft... are ours,
 * `host` is what all run on, the others are peers.  Memory is never freed: the
 * program reads, prints and ends.
 */
#ifndef EFT_BENCH_REPORT_H
#define EFT_BENCH_REPORT_H

#include <stdio.h>

struct list {		/* of strings */
	char **v;
	int n;
};

struct cell {		/* a row on a machine: one figure a round */
	double *minimum, *median;
	int n;
};

struct table {
	char *section, *situation, *unit, *title;
	struct list columns, rows, broken, reasons, notes, goals;
	long *goal;		/* goals' numbers */
	struct cell *cells;	/* rows.n by MOST_COLUMNS */
};

struct verdict {
	char *what, *seen;
	int holds, guide;	/* a guide is a figure of the development machine: it does not decide the exit status */
};

struct run {
	struct list keys, texts;	/* about */
	struct table *tables;
	int ntables;
	struct verdict *verdicts;
	int nverdicts;
};

enum { MOST_COLUMNS = 16 };

/* report_read.c */
void *grown(void *p, int n, size_t size);	/* room for one more than n; ends the program when there is no memory */
char *text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int list_find(const struct list *l, const char *s);	/* -1: not there */
int list_add(struct list *l, const char *s);		/* its index; once only */
void run_read(struct run *r, FILE *f);

/* report_figure.c: 0 means that there is no figure */
double median_of(const double *v, int n);
double figure(const struct table *t, const char *row, const char *machine, int low);
double ratio(const struct table *t, const char *row, const char *machine, const char *ours, int low);
double best_peer(const struct table *t, const char *row);
int is_peer(const char *machine);
double mean_ratio(const struct table *t, const char *machine, const char *ours, int low);
char *human(const struct table *t, double x);
char *times(double x);

/* report_table.c */
void table_print(const struct table *t, FILE *f, int markdown);

/* report_verdict.c */
enum { SCALING_BASE = 10 };	/* costs are compared with the cost at this number */
double allowed_growth(double n);
void judge(struct run *r);
void verdicts_print(const struct run *r, FILE *f, int markdown);

/* report_file.c */
void write_json(const struct run *r, FILE *f);
void write_svg(const struct run *r, FILE *f);

#endif
