/* SPDX-License-Identifier: MIT */
/*
 * The command line of the machine.  One table gives parsing and --help, so
 * that no option can be without a line of help.
 */
#include "host.h"
#include <ctype.h>
#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MEM_MIN = 16 };		/* MiB; less does not hold the kernel's own tables */
enum { PATCH_AFTER = 8 };	/* a patch costs as much as a dozen traps, but serves all that will ever run the program */

enum id { MEM, CPUS, TRAP, PATCH, ANSWER, CPUID, KEEP, SPIN, YIELD, DISK, RW, FLUSH, INIT, INITRD, APPEND, STRACE, LOG, QUIET, STATS, NOPIN, VERSION, HELP };

static const struct spec { const char *name, *value, *help; enum id id; } specs[] = {
	{ "mem", "SIZE", "physical memory, with K, M or G (default 256M)", MEM },
	{ "cpus", "N", "processors, 1 to 8 (default: the host's, at most 2)", CPUS },
	{ "disk", "IMAGE", "a block device (vda, vdb, ...); may be given several times", DISK },
	{ "rw", NULL, "write to the images (default: changes are forgotten at the end)", RW },
	{ "flush", "WHEN", "with --rw: what a program flushes survives the host's crash too: on (default), off (only Eft's)", FLUSH },
	{ "initrd", "FILE", "an initial RAM disk", INITRD },
	{ "init", "PATH", "the first program (default /sbin/init)", INIT },
	{ "append", "WORDS", "more words for the kernel's command line", APPEND },
	{ "trap", "KIND", "how user code is caught: seccomp (default) or ptrace", TRAP },
	{ "patch", "WHEN", "system calls without a trap: on (default), off, always (at a site's first call)", PATCH },
	{ "answer", "WHEN", "answer calls that need no kernel where the program is: on (default), off", ANSWER },
	{ "cpuid", "HOW", "answer CPUID instructions from what they said before: on (default); off; watch: find them by breakpoints, even where they can be made to fault", CPUID },
	{ "keep", "WHEN", "leave mapped what the next program of a reused process wants, too: on (default), off", KEEP },
	{ "spin", "WHEN", "hand over by spinning: auto (default), off, always", SPIN },
	{ "yield", "WHEN", "hand over by yielding the host CPU: auto (default), off, always", YIELD },
	{ "strace", NULL, "print the system calls of all programs", STRACE },
	{ "console-log", "LEVEL", "kernel messages below this level (0-8) go to standard error", LOG },
	{ "quiet", NULL, "only emergencies there (--console-log 1)", QUIET },
	{ "stats", NULL, "print the devices' counters at the end", STATS },
	{ "no-pin", NULL, "do not bind processors to host processors", NOPIN },
	{ "version", NULL, "print the version and exit", VERSION },
	{ "help", NULL, "print this and exit", HELP },
};
enum { NSPECS = sizeof(specs) / sizeof(specs[0]) };

void fatal(const char *fmt, ...)
{
	char line[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	tty_restore();
	fprintf(stderr, "eft: %s\n", line);
	fflush(stderr);
	host_exit(EXIT_USAGE);
}

static void help(void)
{
	printf("Usage: eft-um [OPTION]... [-- PROGRAM [ARGUMENT]...]\n"
	       "Runs the Eft kernel as a process.  The guest's console is standard input and output.\n\n");
	for (unsigned i = 0; i < NSPECS; i++) {
		char left[40];
		snprintf(left, sizeof(left), "--%s%s%s", specs[i].name, specs[i].value ? "=" : "",
			specs[i].value ? specs[i].value : "");
		printf("  %-20s %s\n", left, specs[i].help);
	}
	printf("\nThe exit status is that of PROGRAM (or of the shell); 2: a bad option or image;\n"
	       "101: the kernel stopped itself; 128+N: ended by signal N.\n");
}

static int parse_when(const char *option, const char *v)
{
	if (strcmp(v, "auto") && strcmp(v, "off") && strcmp(v, "always"))
		fatal("--%s: '%s' is none of auto, off, always", option, v);
	return v[1] == 'l' ? 'f' : v[0];
}

static bool parse_on(const char *option, const char *v)
{
	if (strcmp(v, "on") && strcmp(v, "off"))
		fatal("--%s: '%s' is neither on nor off", option, v);
	return v[1] == 'n';
}

static uint64_t parse_mem(const char *s)
{
	char *end;
	errno = 0;
	unsigned long long v = strtoull(s, &end, 10);
	unsigned shift = 0;

	if (end == s || errno || *s == '-')
		fatal("--mem: '%s' is not a size", s);
	switch (tolower((unsigned char)*end)) {
	case 'g': shift = 30; end++; break;
	case 'm': shift = 20; end++; break;
	case 'k': shift = 10; end++; break;
	}
	if (*end || (shift && v > UINT64_MAX >> shift))
		fatal("--mem: '%s' is not a size", s);
	v <<= shift;
	if (v < (uint64_t)MEM_MIN << 20)
		fatal("--mem: %s is too little: the kernel needs %d MiB", s, MEM_MIN);
	if (v > UINT64_C(1) << 40)
		fatal("--mem: %s is too much", s);
	return v;
}

static unsigned parse_number(const char *name, const char *s, unsigned min, unsigned max)
{
	char *end;
	unsigned long v = strtoul(s, &end, 10);
	if (end == s || *end || *s == '-' || v < min || v > max)
		fatal("--%s: '%s' is not a number from %u to %u", name, s, min, max);
	return (unsigned)v;
}

static void apply(struct options *o, const struct spec *s, const char *v)
{
	switch (s->id) {
	case MEM: o->mem = parse_mem(v); break;
	case CPUS: o->cpus = parse_number("cpus", v, 1, HOST_CPUS); break;
	case TRAP:
		if (strcmp(v, "seccomp") && strcmp(v, "ptrace"))
			fatal("--trap: '%s' is neither seccomp nor ptrace", v);
		o->trap = v[0];
		break;
	case PATCH:
		o->patch = !strcmp(v, "on") ? PATCH_AFTER : !strcmp(v, "always") ? 1 : 0;
		if (!o->patch && strcmp(v, "off"))
			fatal("--patch: '%s' is none of on, off, always", v);
		break;
	case ANSWER:
		o->answer = parse_on("answer", v);
		break;
	case CPUID:
		if (strcmp(v, "on") && strcmp(v, "off") && strcmp(v, "watch"))
			fatal("--cpuid: '%s' is none of on, off, watch", v);
		o->cpuid = v[1] == 'n' ? 'f' : v[0] == 'w' ? 'w' : 0;
		break;
	case KEEP:
		o->keep = parse_on("keep", v);
		break;
	case SPIN:
		o->spin = parse_when("spin", v);
		break;
	case YIELD:
		o->yield = parse_when("yield", v);
		break;
	case DISK: {
		struct disk_option **p = &o->disks, *d = calloc(1, sizeof(*d));
		if (!d)
			fatal("out of memory");
		while (*p)
			p = &(*p)->next;
		d->path = v;
		*p = d;
		break;
	}
	case RW: o->rw = true; break;
	case FLUSH: o->flush = parse_on("flush", v); break;
	case INIT: o->init = v; break;
	case INITRD: o->initrd = v; break;
	case APPEND: o->append = v; break;
	case STRACE: o->strace = true; break;
	case LOG: parse_number("console-log", v, 0, 8); o->console_log = v; break;
	case QUIET: o->console_log = "1"; break;
	case STATS: o->stats = true; break;
	case NOPIN: o->pin = false; break;
	case VERSION: printf("eft-um 0.1 (x86-64)\n"); exit(0);
	case HELP: help(); exit(0);
	}
}

void options_parse(struct options *o, int argc, char **argv)
{
	cpu_set_t set;
	int host_cpus = sched_getaffinity(0, sizeof(set), &set) ? 1 : CPU_COUNT(&set);

	*o = (struct options){ .mem = UINT64_C(256) << 20, .cpus = host_cpus >= 2 ? 2 : 1, .pin = true, .patch = PATCH_AFTER, .answer = true, .cpuid = 'f', .keep = true, .flush = true, .spin = 'a', .yield = 'a' };
	for (int i = 1; i < argc; i++) {
		char *a = argv[i];
		const struct spec *s = NULL;
		if (strcmp(a, "--") == 0) {
			if (argv[i + 1])
				o->args = argv + i + 1;
			return;
		}
		if (strncmp(a, "--", 2))
			fatal("'%s' is not an option (programs go behind --; see --help)", a);
		size_t len = strcspn(a + 2, "=");
		for (unsigned k = 0; k < NSPECS; k++)
			if (strlen(specs[k].name) == len && strncmp(specs[k].name, a + 2, len) == 0)
				s = &specs[k];
		if (!s)
			fatal("unknown option '%s' (see --help)", a);
		const char *v = a[2 + len] == '=' ? a + 3 + len : NULL;
		if (v && !s->value)
			fatal("--%s takes no value", s->name);
		if (s->value && !v && !(v = argv[++i]))
			fatal("--%s needs a value: %s", s->name, s->value);
		apply(o, s, v);
	}
}

/* Percent-encoded, so that the kernel splits at spaces and nothing else. */
static void put_encoded(FILE *f, const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s <= ' ' || strchr("%\"'\\", *s) || (unsigned char)*s >= 127)
			fprintf(f, "%%%02X", (unsigned char)*s);
		else
			fputc(*s, f);
}

char *options_cmdline(const struct options *o)
{
	char *line = NULL;
	size_t size;
	FILE *f = open_memstream(&line, &size);

	if (!f)
		fatal("out of memory");
	fprintf(f, "console=hvc0");
	if (!tty_in)
		fprintf(f, " console.pipe");
	if (!tty_out)
		fprintf(f, " console.noopost");
	if (o->disks)
		fprintf(f, " root=/dev/vda rw");
	if (o->console_log)
		fprintf(f, " loglevel=%s", o->console_log);
	if (o->strace)
		fprintf(f, " strace");
	if (o->init) {
		fprintf(f, " init=");
		put_encoded(f, o->init);
	}
	if (o->append)
		fprintf(f, " %s", o->append);
	if (o->args) {
		fprintf(f, " --");
		for (char **a = o->args; *a; a++) {
			fputc(' ', f);
			if (!**a)
				fputs("%00", f);	/* an empty argument: ends at once when decoded */
			put_encoded(f, *a);
		}
	}
	fclose(f);
	return line;
}
