/* SPDX-License-Identifier: MIT */
/*
 * Tables as text and as Markdown.
 *
 * A table is laid out as a matrix of strings first; what they are depends on
 * its section: figures and ratios, or the cost of one more by number.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include "report.h"

struct matrix {
	char **v;
	int n, columns;		/* columns: of the first line, which is the heading */
};

static void put(struct matrix *m, char *s)
{
	m->v = grown(m->v, m->n, sizeof(*m->v));
	m->v[m->n++] = s;
}

static void head_ends(struct matrix *m) { m->columns = m->n; }

/* Characters, not bytes. */
static int width(const char *s)
{
	int n = 0;

	for (; *s; s++)
		n += (*s & 0xc0) != 0x80;
	return n;
}

static void matrix_print(const struct matrix *m, FILE *f, int markdown)
{
	int *widest;

	if (!m->columns)
		return;
	widest = calloc((size_t)m->columns, sizeof(*widest));
	if (!widest)
		exit(2);
	for (int i = 0; i < m->n; i++)
		if (width(m->v[i]) > widest[i % m->columns])
			widest[i % m->columns] = width(m->v[i]);
	for (int i = 0; i < m->n; i++) {
		int c = i % m->columns, fill = widest[c] - width(m->v[i]);

		if (markdown)
			fprintf(f, "%s %s |", c ? "" : "|", m->v[i]);
		else if (c == 0)
			fprintf(f, "%s%*s", m->v[i], c == m->columns - 1 ? 0 : fill, "");
		else
			fprintf(f, "  %*s%s", fill, "", m->v[i]);
		if (c == m->columns - 1)
			fputc('\n', f);
		if (markdown && i == m->columns - 1) {
			fputs("|---", f);
			for (int k = 1; k < m->columns; k++)
				fputs("|--:", f);
			fputs("|\n", f);
		}
	}
	free(widest);
}

/* ---- figures and ratios ---- */

/* The columns of ratios: peers (medians), host, peers (minima). */
static void ratios(struct matrix *m, const struct table *t, char *(*what)(const struct table *, const char *, const char *, int), const char *row)
{
	for (int low = 0; low < 2; low++) {
		for (int i = 0; i < t->columns.n; i++)
			if (is_peer(t->columns.v[i]))
				put(m, what(t, row, t->columns.v[i], low));
		if (!low && list_find(&t->columns, "host") >= 0)
			put(m, what(t, row, "host", 0));
	}
}

static char *ratio_name(const struct table *t, const char *row, const char *machine, int low)
{
	(void)t;
	(void)row;
	return text("%s/eft%s", machine, low ? " of minima" : "");
}

static char *ratio_cell(const struct table *t, const char *row, const char *machine, int low)
{
	return times(ratio(t, row, machine, "eft", low));
}

static char *ratio_mean(const struct table *t, const char *row, const char *machine, int low)
{
	(void)row;
	return times(mean_ratio(t, machine, "eft", low));
}

static void lay_out(struct matrix *m, const struct table *t)
{
	int ours = list_find(&t->columns, "eft") >= 0, timed = !strcmp(t->unit, "ns");

	put(m, text(timed ? "median (minimum)" : "median"));
	for (int c = 0; c < t->columns.n; c++)
		put(m, t->columns.v[c]);
	if (ours && timed)
		ratios(m, t, ratio_name, NULL);
	head_ends(m);
	for (int r = 0; r < t->rows.n; r++) {
		const char *row = t->rows.v[r];

		put(m, text("%s", row));
		for (int c = 0; c < t->columns.n; c++) {
			double med = figure(t, row, t->columns.v[c], 0);

			if (med > 0 && timed)
				put(m, text("%s (%s)", human(t, med), human(t, figure(t, row, t->columns.v[c], 1))));
			else
				put(m, human(t, med));
		}
		if (ours && timed)
			ratios(m, t, ratio_cell, row);
	}
	if (ours && timed && t->rows.n > 1 && m->columns > 1 + t->columns.n) {
		put(m, text("geometric mean"));
		for (int c = 0; c < t->columns.n; c++)
			put(m, text("%s", ""));
		ratios(m, t, ratio_mean, NULL);
	}
}

/* ---- speed-ups: OP_by_2 and OP_by_2_threads over OP_by_1 ---- */

static void lay_out_speed_ups(struct matrix *m, const struct table *t)
{
	static const char *const how[] = { "_by_2", "_by_2_threads", "_by_4" };

	put(m, text("speed-up over one alone (minima)"));
	for (int c = 0; c < t->columns.n; c++)
		put(m, t->columns.v[c]);
	head_ends(m);
	for (int r = 0; r < t->rows.n; r++) {
		const char *one = t->rows.v[r], *end = strstr(one, "_by_1");

		for (int h = 0; end && !end[5] && h < 3; h++) {
			char *many = text("%.*s%s", (int)(end - one), one, how[h]);

			put(m, many);
			for (int c = 0; c < t->columns.n; c++) {
				double a = figure(t, one, t->columns.v[c], 1), b = figure(t, many, t->columns.v[c], 1);

				put(m, times(b > 0 ? a / b : 0));
			}
		}
	}
}

/* ---- the cost of one more: rows NAME@N ---- */

static int by_number(const void *a, const void *b)
{
	long x = *(const long *)a, y = *(const long *)b;

	return (x > y) - (x < y);
}

static void lay_out_one_more(struct matrix *m, const struct table *t)
{
	const char *machine = t->columns.n ? t->columns.v[0] : "";
	long *at = NULL;
	int n = 0;

	for (int r = 0; r < t->rows.n; r++) {
		const char *sign = strchr(t->rows.v[r], '@');
		long x = sign ? atol(sign + 1) : 0;
		int known = 0;

		for (int i = 0; i < n; i++)
			known |= at[i] == x;
		if (known || !x)
			continue;
		at = grown(at, n, sizeof(*at));
		at[n++] = x;
	}
	qsort(at, (size_t)n, sizeof(*at), by_number);
	put(m, text("one more at n ="));
	for (int i = 0; i < n; i++)
		put(m, text("%ld", at[i]));
	put(m, text("growth"));
	put(m, text("allowed"));
	head_ends(m);
	for (int g = 0; g < t->goals.n; g++) {
		const char *name = t->goals.v[g];
		double base = figure(t, text("%s@%d", name, SCALING_BASE), machine, 1), last = 0;
		long top = 0;

		put(m, text("%s", name));
		for (int i = 0; i < n; i++) {
			double x = figure(t, text("%s@%ld", name, at[i]), machine, 1);

			put(m, human(t, x));
			if (x > 0) {
				top = at[i];
				last = x;
			}
		}
		put(m, times(base > 0 ? last / base : 0));
		put(m, times(top ? allowed_growth((double)top) : 0));
	}
}

void table_print(const struct table *t, FILE *f, int markdown)
{
	struct matrix m = { NULL, 0, 0 };

	fprintf(f, markdown ? "\n### %s\n\n" : "\n== %s\n", t->title);
	if (!strcmp(t->section, "one_more"))
		lay_out_one_more(&m, t);
	else
		lay_out(&m, t);
	matrix_print(&m, f, markdown);
	if (!strcmp(t->section, "scaling")) {
		fputc('\n', f);
		m = (struct matrix){ NULL, 0, 0 };
		lay_out_speed_ups(&m, t);
		matrix_print(&m, f, markdown);
	}
	if (markdown)
		fputc('\n', f);
	for (int i = 0; i < t->broken.n; i++)
		fprintf(f, markdown ? "- `%s` was not measured: %s\n" : "%s: not measured: %s\n", t->broken.v[i], t->reasons.v[i]);
	for (int i = 0; i < t->notes.n; i++)
		fprintf(f, markdown ? "- %s\n" : "note: %s\n", t->notes.v[i]);
}
