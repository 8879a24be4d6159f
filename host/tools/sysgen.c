/* SPDX-License-Identifier: MIT */
/*
 * Prints the system-call table: `markdown [CALLS]` (the documentation),
 * `counts`, `unexplained`, `uncovered CALLS`.  CALLS is what the test run recorded
 * (tests/user/coverage.txt): lines of a program and the calls that it made.
 * Hosted code over the kernel's own table.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <kernel/syscall.h>

static const char *const levels[] = { "absent", "partial", "full" };

/* ---- which programs make a call ---- */

static char *calls_text;

static void read_calls(const char *path)
{
	FILE *f = fopen(path, "r");
	size_t n = 0, max = 1 << 20;

	calls_text = calloc(1, max);
	if (!f || !calls_text) {
		perror(path);
		exit(1);
	}
	n = fread(calls_text, 1, max - 1, f);
	calls_text[n] = '\0';
	fclose(f);
}

/* The number of programs that make the call; the first few are printed, those that are named after it before all. */
static unsigned programs_of(const char *call, bool print)
{
	enum { SHOWN = 4 };
	unsigned n = 0, shown = 0;

	for (int named = 1; named >= 0 && calls_text; named--)
		for (const char *line = calls_text; *line;) {
			size_t len = strcspn(line, "\n"), name = strcspn(line, " \n"), want = strlen(call);

			for (const char *p = line + name; line[0] != '#' && p < line + len; p += strcspn(p, " \n")) {
				p += *p == ' ';
				if (strncmp(p, call, want) || (p[want] != ' ' && p[want] != '\n' && p[want]))
					continue;
				if ((int)(!strncmp(line, call, name < want ? name : want)) != named)
					break;
				n++;
				if (print && shown++ < SHOWN)
					printf("%s%.*s", shown > 1 ? ", " : "", (int)name, line);
				break;
			}
			line += len + (line[len] == '\n');
		}
	if (print && n > SHOWN)
		printf(", %u more", n - SHOWN);
	return n;
}

static int uncovered(void)
{
	const struct syscall_desc *d;
	unsigned n = 0;

	for (size_t i = 0; (d = syscall_by_index(i)); i++)
		if (d->level != LEVEL_ABSENT && !programs_of(d->name, false)) {
			puts(d->name);
			n++;
		}
	return n != 0;
}

/* Calls that are partial and do not say what they refuse. */
static int unexplained(void)
{
	const struct syscall_desc *d;
	unsigned n = 0;

	for (size_t i = 0; (d = syscall_by_index(i)); i++)
		if (d->level == LEVEL_PARTIAL && !d->note[0]) {
			puts(d->name);
			n++;
		}
	return n != 0;
}

static void markdown(void)
{
	const struct syscall_desc *d;

	puts("| call | x86-64 | aarch64 | level | arguments | note | programs of tests/user |\n|---|---|---|---|---|---|---|");
	for (size_t i = 0; (d = syscall_by_index(i)); i++) {
		printf("| %s | %d | ", d->name, d->x86_64);
		if (d->aarch64 >= 0)
			printf("%d", d->aarch64);
		else
			putchar('-');
		printf(" | %s | ", levels[d->level]);
		for (unsigned a = 0; a < d->nargs; a++) {
			const struct flag_name *f = d->args[a].flags;
			bool refused = false;

			printf("%s%s %s", a ? ", " : "", d->args[a].type, d->args[a].name);
			for (; f && f->name; f++)
				if (!f->supported) {
					printf("%s %s", refused ? "" : " (refused:", f->name);
					refused = true;
				}
			if (refused)
				putchar(')');
		}
		printf(" | %s | ", d->note);
		if (d->level != LEVEL_ABSENT && !programs_of(d->name, true) && calls_text)
			printf("none");
		puts(" |");
	}
}

static void counts(void)
{
	const struct syscall_desc *d;
	unsigned n[3] = { 0 };

	for (size_t i = 0; (d = syscall_by_index(i)); i++)
		n[d->level]++;
	printf("full %u partial %u absent %u\n", n[LEVEL_FULL], n[LEVEL_PARTIAL], n[LEVEL_ABSENT]);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "markdown";

	if (argc > 2)
		read_calls(argv[2]);
	if (!strcmp(what, "counts"))
		counts();
	else if (!strcmp(what, "uncovered") && argc > 2)
		return uncovered();
	else if (!strcmp(what, "unexplained"))
		return unexplained();
	else if (!strcmp(what, "markdown"))
		markdown();
	else
		return fprintf(stderr, "usage: sysgen [markdown [CALLS] | counts | unexplained | uncovered CALLS]\n"), 2;
	return 0;
}
