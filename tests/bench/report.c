/* SPDX-License-Identifier: MIT */
/*
 * report -t RECORDS		the last table, as text, on standard output
 * report -o DIRECTORY RECORDS	results.txt, results.md, results.json and chart.svg there; the requirements
 *				on standard output; exit status 1 if one that is not a guide does not hold
 *
 * What records are: report.h.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "report.h"

static FILE *must_open(const char *path, const char *mode)
{
	FILE *f = fopen(path, mode);

	if (!f) {
		fprintf(stderr, "report: %s: %s\n", path, strerror(errno));
		exit(2);
	}
	return f;
}

static void write_tables(const struct run *r, FILE *f, int markdown)
{
	for (int i = 0; i < r->keys.n; i++)
		fprintf(f, "%s%s: %s\n", markdown ? "- " : "", r->keys.v[i], r->texts.v[i]);
	for (int i = 0; i < r->ntables; i++)
		table_print(&r->tables[i], f, markdown);
	verdicts_print(r, f, markdown);
}

static void write_text(const struct run *r, FILE *f) { write_tables(r, f, 0); }
static void write_markdown(const struct run *r, FILE *f) { write_tables(r, f, 1); }

static void write_all(const struct run *r, const char *directory)
{
	static const struct { const char *name; void (*write)(const struct run *, FILE *); } files[] = {
		{ "results.txt", write_text }, { "results.md", write_markdown }, { "results.json", write_json }, { "chart.svg", write_svg },
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		FILE *f = must_open(text("%s/%s", directory, files[i].name), "w");

		files[i].write(r, f);
		if (fclose(f)) {
			fprintf(stderr, "report: %s: %s\n", files[i].name, strerror(errno));
			exit(2);
		}
	}
}

int main(int argc, char **argv)
{
	static struct run run;
	const char *directory = NULL;
	int last = 0, opt, failed = 0;

	while ((opt = getopt(argc, argv, "to:")) >= 0) {
		if (opt == 't')
			last = 1;
		else if (opt == 'o')
			directory = optarg;
		else
			return 2;
	}
	if (optind + 1 != argc || !!directory == last) {
		fprintf(stderr, "usage: report -t RECORDS | report -o DIRECTORY RECORDS\n");
		return 2;
	}
	run_read(&run, must_open(argv[optind], "r"));
	if (last) {
		if (run.ntables)
			table_print(&run.tables[run.ntables - 1], stdout, 0);
		return 0;
	}
	judge(&run);
	write_all(&run, directory);
	verdicts_print(&run, stdout, 0);
	for (int i = 0; i < run.nverdicts; i++)
		failed |= !run.verdicts[i].holds && !run.verdicts[i].guide;
	return failed;
}
