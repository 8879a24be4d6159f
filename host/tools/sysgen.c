/* SPDX-License-Identifier: MIT */
/*
 * Prints the system-call table: `markdown` (the documentation), `counts`.
 * Hosted code over the kernel's own table.
 */
#include <stdio.h>
#include <string.h>
#include <kernel/syscall.h>

static const char *const levels[] = { "absent", "partial", "full" };

static void markdown(void)
{
	const struct syscall_desc *d;

	puts("| call | x86-64 | aarch64 | level | arguments | note |\n|---|---|---|---|---|---|");
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
		printf(" | %s |\n", d->note);
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
	if (argc > 1 && !strcmp(argv[1], "counts"))
		counts();
	else if (argc == 1 || !strcmp(argv[1], "markdown"))
		markdown();
	else
		return fprintf(stderr, "usage: sysgen [markdown|counts]\n"), 2;
	return 0;
}
