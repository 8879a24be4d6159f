/* SPDX-License-Identifier: MIT */
/*
 * The requirements, and whether they hold.
 *
 * What could not be measured does not hold.  A guide is a figure in nanoseconds
 * that was set for one machine, the development machine: it is judged and
 * printed like the others and does not decide the exit status.
 */
#define _GNU_SOURCE
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "report.h"

#define SLACK 1.5	/* what noise may add to the growth of a cost */

/* As log n grows from SCALING_BASE. */
double allowed_growth(double n) { return SLACK * log(n) / log(SCALING_BASE); }

static struct verdict *add(struct run *r, char *what, int holds, char *seen)
{
	struct verdict *v;

	r->verdicts = grown(r->verdicts, r->nverdicts, sizeof(*v));
	v = &r->verdicts[r->nverdicts++];
	*v = (struct verdict){ .what = what, .holds = holds, .seen = seen };
	return v;
}

/* X of 0 was not measured. */
static void at_least(struct run *r, char *what, double x, double limit)
{
	add(r, text("%s: at least %g", what, limit), x >= limit, times(x));
}

static void at_most(struct run *r, char *what, double x, double limit)
{
	add(r, text("%s: at most %g", what, limit), x > 0 && x <= limit, times(x));
}

/* ---- every one of several figures: at least LIMIT ---- */

struct every {
	int n, bad;
	char *names;
};

static void each(struct every *e, const char *name, double x, double limit)
{
	e->n++;
	if (x < limit) {
		e->names = text("%s%s%s %s", e->names ? e->names : "", e->bad ? ", " : "; not: ", name, times(x));
		e->bad++;
	}
}

static void every_ends(struct run *r, char *what, const struct every *e)
{
	add(r, what, e->n && !e->bad, text("%d of %d%s", e->n - e->bad, e->n, e->names ? e->names : ""));
}

/* Costs of ours and of the best peer, where a peer has one; what only peers can do is lost. */
static void no_peer_wins(struct run *r, const struct table *t, char *what)
{
	struct every e = { 0, 0, NULL };
	int peers = 0;

	for (int c = 0; c < t->columns.n; c++)
		peers |= is_peer(t->columns.v[c]);
	if (!peers)
		return;
	for (int i = 0; i < t->rows.n; i++) {
		double best = best_peer(t, t->rows.v[i]), ours = figure(t, t->rows.v[i], "eft", 0);

		if (best > 0)
			each(&e, t->rows.v[i], ours > 0 ? best / ours : 0, 1);
	}
	every_ends(r, what, &e);
}

/* ---- sections ---- */

static void guide(struct run *r, const struct table *t, const char *row, double limit)
{
	double x = figure(t, row, "eft", 0);

	if (list_find(&t->rows, row) < 0)
		return;
	add(r, text("%s: at most %s (%s)", row, human(t, limit), t->situation), x > 0 && x <= limit, human(t, x))->guide = 1;
}

static void judge_micro(struct run *r, const struct table *t)
{
	const char *s = t->situation;
	int spare = s[strlen(s) - 1] == '2';

	if (list_find(&t->columns, "eft") < 0)
		return;
	if (list_find(&t->columns, "uml") >= 0) {
		struct every e = { 0, 0, NULL };

		if (list_find(&t->rows, "null_call") >= 0)
			at_least(r, text("null call, times faster than linux.uml (%s)", s), ratio(t, "null_call", "uml", "eft", 0), spare ? 15 : 2.5);
		for (int i = 0; i < t->rows.n; i++)
			if (figure(t, t->rows.v[i], "uml", 0) > 0)
				each(&e, t->rows.v[i], ratio(t, t->rows.v[i], "uml", "eft", 0), 2);
		every_ends(r, text("every row at least twice as fast as linux.uml (%s)", s), &e);
		at_least(r, text("geometric mean of all rows, times faster than linux.uml (%s)", s), mean_ratio(t, "uml", "eft", 0), 6);
	}
	no_peer_wins(r, t, text("no peer wins a row (%s)", s));
	guide(r, t, "null_call", spare ? 400 : 2600);
	guide(r, t, "clock_gettime_vdso", 1.5 * figure(t, "clock_gettime_vdso", "host", 0));
	guide(r, t, "first_touch_page", 1500);
	guide(r, t, "pipe_round_trip", 8000);
	guide(r, t, "fork_exit_wait", 150e3);
	guide(r, t, "fork_exec_wait", 250e3);
	guide(r, t, "file_read_mib", 1048576 / 15.0);
	guide(r, t, "file_write_mib", 1048576 / 5.0);
}

static void judge_native(struct run *r, const struct table *t)
{
	struct every e = { 0, 0, NULL };
	double mean = mean_ratio(t, "linux", "eft", 0);

	for (int i = 0; i < t->rows.n; i++)
		if (figure(t, t->rows.v[i], "linux", 0) > 0)
			each(&e, t->rows.v[i], ratio(t, t->rows.v[i], "linux", "eft", 0), 1 / 1.5);
	at_most(r, text("native %s: geometric mean of all rows, times Linux's cost", t->situation), mean > 0 ? 1 / mean : 0, 1);
	every_ends(r, text("native %s: no row above 1.5 times Linux's cost (below: Linux's over Eft's)", t->situation), &e);
}

static void judge_native_boot(struct run *r, const struct table *t)
{
	at_least(r, text("native %s: launch to init, times faster than Linux", t->situation), ratio(t, "launch_to_init", "linux", "eft", 0), 2);
}

static void judge_boot(struct run *r, const struct table *t)
{
	at_most(r, text("launch to init, ms"), figure(t, "launch_to_init", "eft", 0) / 1e6, 10);
	no_peer_wins(r, t, text("no peer launches faster"));
}

static void judge_memory(struct run *r, const struct table *t)
{
	at_most(r, text("idle memory of the host's processes, MiB PSS"), figure(t, "idle", "eft", 0) / 1024, 12);
}

/* By two at once on two host CPUs, against one alone in the column `alone`. */
static void judge_speed_up(struct run *r, const struct table *t, const char *alone, const char *reading)
{
	static const char *const how[] = { "_by_2", "_by_2_threads" };
	static const char *const who[] = { "two processes", "two threads of one process" };

	for (int h = 0; h < 2; h++) {
		struct every e = { 0, 0, NULL };

		for (int i = 0; i < t->rows.n; i++) {
			const char *one = t->rows.v[i], *end = strstr(one, "_by_1");
			char *many;
			double x;

			if (!end || end[5])
				continue;
			many = text("%.*s%s", (int)(end - one), one, how[h]);
			x = figure(t, many, "eft-2cpu", 1);
			each(&e, many, x > 0 ? figure(t, one, alone, 1) / x : 0, 1.8);
		}
		every_ends(r, text("%s reach at least 1.8 times one%s", who[h], reading), &e);
	}
}

static void judge_scaling(struct run *r, const struct table *t)
{
	struct every lost = { 0, 0, NULL };

	judge_speed_up(r, t, "eft-2cpu", "");
	judge_speed_up(r, t, "eft-1host", " on one host CPU: what a second CPU adds");
	/* As much at once as there are guest CPUs, and the same by two. */
	for (int i = 0; i < t->rows.n; i++) {
		const char *row = t->rows.v[i], *end = strstr(row, "_by_4");

		if (end && !end[5])
			each(&lost, text("%.*s", (int)(end - row), row), ratio(t, row, "eft-2cpu", "eft-4cpu", 1), 0.9);
	}
	every_ends(r, text("4 guest CPUs on 2 host CPUs lose under 10 %% against 2"), &lost);
}

static void judge_one_more(struct run *r, const struct table *t)
{
	struct every e = { 0, 0, NULL };

	for (int g = 0; g < t->goals.n; g++) {
		double base = figure(t, text("%s@%d", t->goals.v[g], SCALING_BASE), "eft", 1);
		double last = figure(t, text("%s@%ld", t->goals.v[g], t->goal[g]), "eft", 1);

		each(&e, t->goals.v[g], base > 0 && last > 0 ? allowed_growth((double)t->goal[g]) * base / last : 0, 1);
	}
	every_ends(r, text("the cost of one more grows no faster than log n (below: allowed over measured)"), &e);
}

void judge(struct run *r)
{
	for (int i = 0; i < r->ntables; i++) {
		const struct table *t = &r->tables[i];

		if (!strcmp(t->section, "micro"))
			judge_micro(r, t);
		else if (!strcmp(t->section, "native"))
			judge_native(r, t);
		else if (!strcmp(t->section, "native_boot"))
			judge_native_boot(r, t);
		else if (!strcmp(t->section, "boot"))
			judge_boot(r, t);
		else if (!strcmp(t->section, "memory"))
			judge_memory(r, t);
		else if (!strcmp(t->section, "jobs"))
			no_peer_wins(r, t, text("no peer wins a whole job (%s)", t->situation));
		else if (!strcmp(t->section, "scaling"))
			judge_scaling(r, t);
		else if (!strcmp(t->section, "one_more"))
			judge_one_more(r, t);
	}
}

void verdicts_print(const struct run *r, FILE *f, int markdown)
{
	fputs(markdown ? "\n### Requirements\n\n| requirement | holds | measured |\n|---|---|---|\n" : "\n", f);
	for (int i = 0; i < r->nverdicts; i++) {
		const struct verdict *v = &r->verdicts[i];
		const char *kind = v->guide ? "guide: " : "";

		if (markdown)
			fprintf(f, "| %s%s | %s | %s |\n", kind, v->what, v->holds ? "yes" : "**no**", v->seen);
		else
			fprintf(f, "%s %s%s (%s)\n", v->holds ? "holds" : "FAILS", kind, v->what, v->seen);
	}
}
