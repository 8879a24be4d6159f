/* SPDX-License-Identifier: MIT */
/* Medians, minima, ratios, and how they are written. */
#define _GNU_SOURCE
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "report.h"

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double median_of(const double *v, int n)
{
	double *s, m;

	if (n == 0)
		return 0;
	s = malloc((size_t)n * sizeof(*s));
	if (!s)
		exit(2);
	memcpy(s, v, (size_t)n * sizeof(*s));
	qsort(s, (size_t)n, sizeof(*s), by_value);
	m = n % 2 ? s[n / 2] : (s[n / 2 - 1] + s[n / 2]) / 2;
	free(s);
	return m;
}

/* The median of the rounds' medians, or the minimum of their minima. */
double figure(const struct table *t, const char *row, const char *machine, int low)
{
	int r = list_find(&t->rows, row), c = list_find(&t->columns, machine);
	const struct cell *cell;
	double m;

	if (r < 0 || c < 0)
		return 0;
	cell = t->cells + (size_t)r * MOST_COLUMNS + c;
	if (!cell->n)
		return 0;
	if (!low)
		return median_of(cell->median, cell->n);
	m = cell->minimum[0];
	for (int i = 1; i < cell->n; i++)
		m = fmin(m, cell->minimum[i]);
	return m;
}

/* How many times slower than OURS. */
double ratio(const struct table *t, const char *row, const char *machine, const char *ours, int low)
{
	double a = figure(t, row, machine, low), b = figure(t, row, ours, low);

	return a > 0 && b > 0 ? a / b : 0;
}

int is_peer(const char *machine)
{
	return strncmp(machine, "eft", 3) && strcmp(machine, "host");
}

double best_peer(const struct table *t, const char *row)
{
	double best = 0;

	for (int i = 0; i < t->columns.n; i++) {
		double x = is_peer(t->columns.v[i]) ? figure(t, row, t->columns.v[i], 0) : 0;

		if (x > 0 && (best == 0 || x < best))
			best = x;
	}
	return best;
}

double mean_ratio(const struct table *t, const char *machine, const char *ours, int low)
{
	double sum = 0;
	int n = 0;

	for (int i = 0; i < t->rows.n; i++) {
		double x = ratio(t, t->rows.v[i], machine, ours, low);

		if (x > 0) {
			sum += log(x);
			n++;
		}
	}
	return n ? exp(sum / n) : 0;
}

char *human(const struct table *t, double x)
{
	static const struct { const char *unit; double limit, div; const char *name; } scales[] = {
		{ "ns", 1e3, 1, "ns" }, { "ns", 1e6, 1e3, "µs" }, { "ns", 1e9, 1e6, "ms" }, { "ns", INFINITY, 1e9, "s" },
		{ "kib", 1e4, 1, "KiB" }, { "kib", INFINITY, 1024, "MiB" },
		{ "bytes", INFINITY, 1048576, "MiB" },
	};

	if (x <= 0)
		return text("-");
	for (size_t i = 0; i < sizeof(scales) / sizeof(scales[0]); i++) {
		if (!strcmp(scales[i].unit, t->unit) && x < scales[i].limit) {
			x /= scales[i].div;
			return text("%.*f %s", x >= 100 ? 0 : x >= 10 ? 1 : 2, x, scales[i].name);
		}
	}
	return text("%g", x);
}

char *times(double x)
{
	return x > 0 ? text("%.*f", x >= 100 ? 0 : x >= 10 ? 1 : 2, x) : text("-");
}
