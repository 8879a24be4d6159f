/* SPDX-License-Identifier: MIT */
/* The results as JSON, and as a chart in SVG. */
#define _GNU_SOURCE
#include <math.h>
#include <string.h>
#include "report.h"

/* ---- JSON ---- */

static void json_string(FILE *f, const char *s)
{
	fputc('"', f);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			fprintf(f, "\\%c", *s);
		else if ((unsigned char)*s < 32)
			fprintf(f, "\\u%04x", *s);
		else
			fputc(*s, f);
	}
	fputc('"', f);
}

static void json_pair(FILE *f, const char *key, const char *value, const char *after)
{
	json_string(f, key);
	fputs(": ", f);
	json_string(f, value);
	fputs(after, f);
}

static void json_numbers(FILE *f, const double *v, int n)
{
	fputc('[', f);
	for (int i = 0; i < n; i++)
		fprintf(f, "%s%.2f", i ? ", " : "", v[i]);
	fputc(']', f);
}

static void json_rows(FILE *f, const struct table *t)
{
	fputs("\"rows\": {", f);
	for (int r = 0; r < t->rows.n; r++) {
		int some = 0;

		fputs(r ? ",\n    " : "\n    ", f);
		json_string(f, t->rows.v[r]);
		fputs(": {", f);
		for (int c = 0; c < t->columns.n; c++) {
			const struct cell *cell = t->cells + (size_t)r * MOST_COLUMNS + c;

			if (!cell->n)
				continue;
			fputs(some ? ", " : "", f);
			json_string(f, t->columns.v[c]);
			fputs(": {\"median\": ", f);
			json_numbers(f, cell->median, cell->n);
			fputs(", \"minimum\": ", f);
			json_numbers(f, cell->minimum, cell->n);
			fputc('}', f);
			some = 1;
		}
		fputc('}', f);
	}
	fputs("}", f);
}

void write_json(const struct run *r, FILE *f)
{
	fputs("{\"about\": {", f);
	for (int i = 0; i < r->keys.n; i++)
		json_pair(f, r->keys.v[i], r->texts.v[i], i + 1 < r->keys.n ? ", " : "");
	fputs("},\n \"tables\": [", f);
	for (int i = 0; i < r->ntables; i++) {
		const struct table *t = &r->tables[i];

		fputs(i ? ",\n  {" : "\n  {", f);
		json_pair(f, "title", t->title, ", ");
		json_pair(f, "section", t->section, ", ");
		json_pair(f, "situation", t->situation, ", ");
		json_pair(f, "unit", t->unit, ",\n   \"machines\": [");
		for (int c = 0; c < t->columns.n; c++) {
			fputs(c ? ", " : "", f);
			json_string(f, t->columns.v[c]);
		}
		fputs("],\n   \"unavailable\": {", f);
		for (int b = 0; b < t->broken.n; b++)
			json_pair(f, t->broken.v[b], t->reasons.v[b], b + 1 < t->broken.n ? ", " : "");
		fputs("},\n   \"notes\": [", f);
		for (int n = 0; n < t->notes.n; n++) {
			fputs(n ? ", " : "", f);
			json_string(f, t->notes.v[n]);
		}
		fputs("],\n   ", f);
		json_rows(f, t);
		fputc('}', f);
	}
	fputs("],\n \"verdicts\": [", f);
	for (int i = 0; i < r->nverdicts; i++) {
		const struct verdict *v = &r->verdicts[i];

		fputs(i ? ",\n  {" : "\n  {", f);
		json_pair(f, "requirement", v->what, ", ");
		fprintf(f, "\"holds\": %s, \"guide\": %s, ", v->holds ? "true" : "false", v->guide ? "true" : "false");
		json_pair(f, "measured", v->seen, "}");
	}
	fputs("]}\n", f);
}

/* ---- SVG: how many times slower than Eft each other machine is, on a logarithmic axis ---- */

enum { LEFT = 190, WIDTH = 640, BAR = 7, GAP = 8, LEGEND = 110 };
static const char *const colours[] = { "#2a78d6", "#8a8f98", "#d9822b", "#3a9d5d", "#b0489c", "#c23b3b", "#6a5acd", "#5b8c8c" };
enum { COLOURS = sizeof(colours) / sizeof(colours[0]) };

static void svg_text(FILE *f, const char *s)
{
	for (; *s; s++) {
		if (*s == '&' || *s == '<' || *s == '>')
			fprintf(f, "&#%d;", *s);
		else
			fputc(*s, f);
	}
}

/* The decades that all ratios of the table lie in; 0 if there is none. */
static int decades(const struct table *t, double *low, double *high)
{
	int some = 0;

	*low = 0;
	*high = 1;
	for (int r = 0; r < t->rows.n; r++) {
		for (int c = 0; c < t->columns.n; c++) {
			double x = strcmp(t->columns.v[c], "eft") ? ratio(t, t->rows.v[r], t->columns.v[c], "eft", 0) : 0;

			if (x <= 0)
				continue;
			*low = fmin(*low, floor(log10(x)));
			*high = fmax(*high, ceil(log10(x)));
			some = 1;
		}
	}
	return some;
}

static int svg_table(FILE *f, const struct table *t, int y)
{
	double low, high;
	int top;

	if (!decades(t, &low, &high))
		return y;
	fprintf(f, "<text x=\"10\" y=\"%d\" class=\"t\">", y);
	svg_text(f, t->title);
	fputs("</text>\n", f);
	y += 20;
	for (int c = 0, at = 0; c < t->columns.n; c++) {
		if (!strcmp(t->columns.v[c], "eft"))
			continue;
		fprintf(f, "<rect x=\"%d\" y=\"%d\" width=\"10\" height=\"10\" fill=\"%s\"/>", LEFT + at * LEGEND, y - 9, colours[c % COLOURS]);
		fprintf(f, "<text x=\"%d\" y=\"%d\">", LEFT + at++ * LEGEND + 14, y);
		svg_text(f, t->columns.v[c]);
		fputs("</text>\n", f);
	}
	y += 14;
	top = y;
	for (int r = 0; r < t->rows.n; r++) {
		int from = y;

		for (int c = 0; c < t->columns.n; c++) {
			double x = strcmp(t->columns.v[c], "eft") ? ratio(t, t->rows.v[r], t->columns.v[c], "eft", 0) : 0;
			double zero = LEFT - low / (high - low) * WIDTH, end = LEFT + (log10(x > 0 ? x : 1) - low) / (high - low) * WIDTH;

			if (x <= 0)
				continue;
			fprintf(f, "<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\"><title>", fmin(zero, end), y,
				fmax(fabs(end - zero), 1), BAR - 1, colours[c % COLOURS]);
			svg_text(f, t->columns.v[c]);
			fprintf(f, ": %s times Eft</title></rect>\n", times(x));
			y += BAR;
		}
		if (y == from)
			continue;
		fprintf(f, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">", LEFT - 8, (from + y) / 2.0 + 4);
		svg_text(f, t->rows.v[r]);
		fputs("</text>\n", f);
		y += GAP;
	}
	for (double e = low; e <= high; e++) {
		double x = LEFT + (e - low) / (high - low) * WIDTH;

		fprintf(f, "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" class=\"%s\"/>", x, top - 4, x, y, e == 0 ? "one" : "grid");
		fprintf(f, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%g×</text>\n", x, y + 12, pow(10, e));
	}
	return y + 50;
}

void write_svg(const struct run *r, FILE *f)
{
	int y = 30;

	/* The height, which comes first, is known at the end. */
	char *body = NULL;
	size_t size = 0;
	FILE *b = open_memstream(&body, &size);

	if (!b)
		return;
	for (int i = 0; i < r->ntables; i++)
		y = svg_table(b, &r->tables[i], y);
	fclose(b);
	fprintf(f, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\">\n"
		   "<style>text{font:11px sans-serif;fill:#333}.t{font-size:14px;font-weight:bold}"
		   ".grid{stroke:#ccc;stroke-width:.5}.one{stroke:#333}</style>\n"
		   "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n%s</svg>\n",
		LEFT + WIDTH + 60, y, LEFT + WIDTH + 60, y, body);
}
