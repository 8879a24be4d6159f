/* SPDX-License-Identifier: MIT */
/*
 * Programs as C programs for Linux on x86-64: one file, no library but libc.
 *
 * As in the fuzzer's machine, results are known to all streams, a task made by
 * fork or clone takes the next stream, blobs are written to their addresses
 * just before the call, and a signal handler returns at once.  Differences:
 * tasks run when Linux lets them, allocations do not fail, devices are real,
 * and an execve() of anything that is not such a program ends the stream.
 */
#include <string.h>
#include "program.h"

enum { LINE = 24, NR_clone = 56, NR_fork = 57, NR_vfork = 58, NR_clone3 = 435 };

static const char head[] =
"#define _GNU_SOURCE\n"
"#include <stdint.h>\n"
"#include <stdio.h>\n"
"#include <string.h>\n"
"#include <sys/mman.h>\n"
"#include <sys/wait.h>\n"
"#include <unistd.h>\n"
"\n"
"static struct shared { int streams; char done[64]; long v[64][3]; } *s;\n"
"\n"
"static long sys(long nr, long a, long b, long c, long d, long e, long f)\n"
"{\n"
"\tregister long r10 __asm__(\"r10\") = d, r8 __asm__(\"r8\") = e, r9 __asm__(\"r9\") = f;\n"
"\tlong r = nr;\n"
"\n"
"\t__asm__ volatile(\"syscall\" : \"+a\"(r) : \"D\"(a), \"S\"(b), \"d\"(c), \"r\"(r10), \"r\"(r8), \"r\"(r9) : \"rcx\", \"r11\", \"memory\");\n"
"\treturn r;\n"
"}\n"
"\n"
"static void stream(int n);\n"
"__attribute__((noreturn, used)) static void child(void)\n"
"{\n"
"\tstream(__atomic_add_fetch(&s->streams, 1, __ATOMIC_SEQ_CST));\n"
"\tfor (;;)\n"
"\t\tsys(60, 0, 0, 0, 0, 0, 0);\n"
"}\n"
"\n"
"/* A call that may return twice: the child goes on on a stack of its own. */\n"
"__attribute__((unused)) static long task(long nr, long a, long b, long c, long d, long e, long f)\n"
"{\n"
"\tregister long r10 __asm__(\"r10\") = d, r8 __asm__(\"r8\") = e, r9 __asm__(\"r9\") = f;\n"
"\tregister char *top __asm__(\"r12\") = (char *)mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) + 65536;\n"
"\tregister void (*go)(void) __asm__(\"r13\") = child;\n"
"\tlong r = nr;\n"
"\n"
"\t__asm__ volatile(\"syscall\\n\\ttest %%rax, %%rax\\n\\tjnz 1f\\n\\tmov %%r12, %%rsp\\n\\tcall *%%r13\\n1:\"\n"
"\t\t: \"+a\"(r), \"+r\"(top), \"+r\"(go) : \"D\"(a), \"S\"(b), \"d\"(c), \"r\"(r10), \"r\"(r8), \"r\"(r9) : \"rcx\", \"r11\", \"memory\");\n"
"\treturn r;\n"
"}\n"
"\n"
"__attribute__((unused)) static void put(uint64_t at, const char *p, size_t n, size_t len, int fill)\n"
"{\n"
"\tmemcpy((void *)at, p, n);\n"
"\tmemset((char *)at + n, fill, len - n);\n"
"}\n"
"__attribute__((unused)) static void word(uint64_t at, unsigned size, uint64_t v) { memcpy((void *)at, &v, size); }\n"
"/* What call i gave, or, when it has not, that. */\n"
"__attribute__((unused)) static uint64_t R(int i, int slot, uint64_t otherwise) { long v = s->v[i][slot]; return s->done[i] && (v >= 0 || v < -4095) ? (uint64_t)v : otherwise; }\n"
"static void gave(int i, const char *name, long r, uint64_t words, int wide)\n"
"{\n"
"\tint32_t w[2] = { -1, -1 };\n"
"\n"
"\tif (words && r >= 0)\n"
"\t\tmemcpy(w, (void *)words, 8);\n"
"\ts->v[i][0] = r;\n"
"\ts->v[i][1] = w[0];\n"
"\tif (wide)\n"
"\t\tmemcpy(&s->v[i][1], w, 8);\n"
"\ts->v[i][2] = w[1];\n"
"\ts->done[i] = 1;\n"
"\tif (r < 0 && r > -4096)\n"
"\t\tfprintf(stderr, \"r%d: %s = -1 (%s)\\n\", i, name, strerror((int)-r));\n"
"\telse\n"
"\t\tfprintf(stderr, \"r%d: %s = %ld\\n\", i, name, r);\n"
"}\n";

static void number(FILE *f, const struct fuzz_program *p, const struct fuzz_arg *a)
{
	switch (a->form) {
	case FUZZ_RESULT: fprintf(f, "R(%u, %u, %#llx)", a->index, a->slot, (unsigned long long)a->value); break;
	case FUZZ_BLOB: fprintf(f, "%#llx", (unsigned long long)(p->blobs[a->index].addr + a->value)); break;
	default: fprintf(f, (int64_t)a->value < 0 ? "%lldL" : (int64_t)a->value < 4096 ? "%lld" : "%#llx", (long long)a->value); break;
	}
}

static void blob(FILE *f, const struct fuzz_program *p, const struct fuzz_blob *b)
{
	if (!b->len)
		return;
	fprintf(f, "\tput(%#llx, \"", (unsigned long long)b->addr);
	for (unsigned i = 0; i < b->nbytes; i++)
		fprintf(f, "%s\\x%02x", i && i % LINE == 0 ? "\"\n\t\t\"" : "", p->bytes[b->bytes + i]);
	fprintf(f, "\", %u, %u, %#x);\n", b->nbytes, b->len, b->dir == FUZZ_OUT ? FUZZ_FILL : 0);
	for (unsigned i = 0; i < b->nfixes; i++) {
		const struct fuzz_fix *x = &p->fixes[b->fixes + i];

		if (!x->size)
			continue;
		fprintf(f, "\tword(%#llx, %u, ", (unsigned long long)(b->addr + x->off), x->size);
		number(f, p, &x->arg);
		fputs(");\n", f);
	}
}

static void call(FILE *f, const struct fuzz_program *p, unsigned i)
{
	const struct fuzz_call *c = &p->calls[i];
	const struct syscall_desc *d = fuzz_row(c->nr);
	bool twice = c->nr == NR_clone || c->nr == NR_fork || c->nr == NR_vfork || c->nr == NR_clone3;
	int gives = fuzz_gives(c->nr);

	for (unsigned k = 0; k < c->nblobs; k++)
		blob(f, p, &p->blobs[c->blobs + k]);
	fprintf(f, "\tgave(%u, \"%s\", %s(%u", i, d->name, twice ? "task" : "sys", c->nr == NR_vfork ? NR_fork : c->nr);
	for (unsigned k = 0; k < 6; k++) {
		fputs(", ", f);
		if (k < d->nargs)
			number(f, p, &c->args[k]);
		else
			fputc('0', f);
	}
	fputs("), ", f);
	if (gives >= 0 && c->args[gives].form == FUZZ_BLOB && p->blobs[c->args[gives].index].len >= 8)
		number(f, p, &c->args[gives]);
	else
		fputc('0', f);
	fprintf(f, ", %d);\n", fuzz_gives_wide(c->nr));
}

void fuzz_print_c(FILE *f, const struct fuzz_program *p)
{
	fputs("/*\n * Made by the fuzzer.  cc -o repro THIS_FILE && ./repro, in a directory and on a machine that may be spoiled.\n *\n", f);
	fputs(" * (The same as text: ./eft fuzz TARGET --repro INPUT.)\n */\n", f);
	fputs(head, f);
	fputs("\nstatic void stream(int n)\n{\n\tswitch (n) {\n", f);
	for (unsigned n = 0; n < FUZZ_PROGRAM_STREAMS; n++) {
		bool any = false;

		for (unsigned i = 0; i < p->ncalls; i++)
			any |= p->calls[i].stream == n;
		if (!any)
			continue;
		fprintf(f, "\tcase %u:\n", n);
		for (unsigned i = 0; i < p->ncalls; i++)
			if (p->calls[i].stream == n)
				call(f, p, i);
		fputs("\t\tbreak;\n", f);
	}
	fprintf(f, "\t}\n}\n\nint main(void)\n{\n"
		"\tstatic const char returns[] = \"\\x58\\xb8\\x0f\\x00\\x00\\x00\\x0f\\x05\";\t/* pop %%rax; mov $15, %%eax; syscall: out of a signal handler */\n"
		"\tchar *code = mmap((void *)%#llx, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);\n\n"
		"\ts = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);\n"
		"\tif (s == MAP_FAILED || mmap((void *)%#llx, %#llx, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED)\n"
		"\t\treturn 2;\n"
		"\tif (code != MAP_FAILED)\n"
		"\t\tmemcpy(code + %#x, returns, sizeof(returns));\n"
		"\tsetsid();\n"
		"\tstream(0);\n"
		"\twhile (wait(NULL) > 0)\n\t\t;\n"
		"\treturn 0;\n}\n",
		(unsigned long long)(FUZZ_HANDLER & ~UINT64_C(4095)), (unsigned long long)FUZZ_ARENA, (unsigned long long)FUZZ_ARENA_SIZE,
		(unsigned)(FUZZ_HANDLER & 4095));
}
