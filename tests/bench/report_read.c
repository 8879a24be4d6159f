/* SPDX-License-Identifier: MIT */
/* Records to tables. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "report.h"

void *grown(void *p, int n, size_t size)
{
	/* Doubled at every power of two. */
	if ((n & (n - 1)) == 0)
		p = realloc(p, (size_t)(n ? 2 * n : 1) * size);
	if (!p) {
		perror("report");
		exit(2);
	}
	return p;
}

char *text(const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n < 0) {
		perror("report");
		exit(2);
	}
	return s;
}

int list_find(const struct list *l, const char *s)
{
	for (int i = 0; i < l->n; i++)
		if (!strcmp(l->v[i], s))
			return i;
	return -1;
}

int list_add(struct list *l, const char *s)
{
	int at = list_find(l, s);

	if (at >= 0)
		return at;
	l->v = grown(l->v, l->n, sizeof(*l->v));
	l->v[l->n] = text("%s", s);
	return l->n++;
}

static void bad(int number, const char *why)
{
	fprintf(stderr, "report: record %d: %s\n", number, why);
	exit(2);
}

/* The next word of *LINE, which moves on; "" at the end. */
static char *word(char **line)
{
	char *s = *line, *end = s + strcspn(s, " ");

	*line = *end ? end + 1 : end;
	*end = '\0';
	return s;
}

static void add_value(struct table *t, char *rest, int number)
{
	char *machine = word(&rest), *name = word(&rest);
	double low, med;
	int column = list_find(&t->columns, machine), row, had = t->rows.n;
	struct cell *c;

	if (sscanf(rest, "%lf %lf", &low, &med) != 2 || low < 0 || med < 0)
		bad(number, "not two figures");
	if (column < 0)
		bad(number, "no such column");
	row = list_add(&t->rows, name);
	if (row == had) {
		t->cells = grown(t->cells, had, MOST_COLUMNS * sizeof(*t->cells));
		memset(t->cells + (size_t)row * MOST_COLUMNS, 0, MOST_COLUMNS * sizeof(*t->cells));
	}
	c = t->cells + (size_t)row * MOST_COLUMNS + column;
	c->minimum = grown(c->minimum, c->n, sizeof(double));
	c->median = grown(c->median, c->n, sizeof(double));
	c->minimum[c->n] = low;
	c->median[c->n++] = med;
}

static void add_verdict(struct run *r, char *rest)
{
	struct verdict *v;
	char *how = word(&rest), *seen = strstr(rest, ": ");

	r->verdicts = grown(r->verdicts, r->nverdicts, sizeof(*v));
	v = &r->verdicts[r->nverdicts++];
	if (seen) {
		*seen = '\0';
		seen += 2;
	}
	*v = (struct verdict){ .what = text("%s", rest), .seen = text("%s", seen ? seen : ""), .holds = !strcmp(how, "holds") };
}

void run_read(struct run *r, FILE *f)
{
	char *line = NULL;
	size_t room = 0;
	int number = 0;

	while (getline(&line, &room, f) >= 0) {
		char *rest = line, *kind;
		struct table *t = r->ntables ? &r->tables[r->ntables - 1] : NULL;

		number++;
		line[strcspn(line, "\n")] = '\0';
		kind = word(&rest);
		if (!strcmp(kind, "about")) {
			char *key = word(&rest);

			for (char *c = key; *c; c++)
				if (*c == '_')
					*c = ' ';
			list_add(&r->keys, key);
			r->texts.v = grown(r->texts.v, r->texts.n, sizeof(char *));
			r->texts.v[r->texts.n++] = text("%s", rest);
		} else if (!strcmp(kind, "verdict")) {
			add_verdict(r, rest);
		} else if (!strcmp(kind, "table")) {
			r->tables = grown(r->tables, r->ntables, sizeof(*t));
			t = &r->tables[r->ntables++];
			memset(t, 0, sizeof(*t));
			t->section = text("%s", word(&rest));
			t->situation = text("%s", word(&rest));
			t->unit = text("%s", word(&rest));
			t->title = text("%s", rest);
		} else if (!t) {
			bad(number, "outside of any table");
		} else if (!strcmp(kind, "column")) {
			if (list_add(&t->columns, rest) >= MOST_COLUMNS)
				bad(number, "too many columns");
		} else if (!strcmp(kind, "broken")) {
			char *machine = word(&rest);

			if (list_find(&t->broken, machine) < 0) {
				list_add(&t->broken, machine);
				t->reasons.v = grown(t->reasons.v, t->reasons.n, sizeof(char *));
				t->reasons.v[t->reasons.n++] = text("%s", rest);
			}
		} else if (!strcmp(kind, "value")) {
			add_value(t, rest, number);
		} else if (!strcmp(kind, "goal")) {
			char *name = word(&rest);
			int had = t->goals.n, at = list_add(&t->goals, name);

			if (at == had)
				t->goal = grown(t->goal, had, sizeof(*t->goal));
			t->goal[at] = atol(rest);
		} else if (!strcmp(kind, "note")) {
			list_add(&t->notes, rest);
		} else {
			bad(number, kind);
		}
	}
	free(line);
}
