/* SPDX-License-Identifier: MIT */
/* The stack that a program starts with: argc, argv, envp, auxv in one block, strings behind, aligned; writable; /proc/self/cmdline shows it. */
#include "harness.h"
#include "exec_util.h"
#include <elf.h>
#include <stdint.h>
#include <sys/auxv.h>

extern char **environ;

static int report(int argc, char **argv)
{
	char text[256];
	int fd, bad = 0;
	ssize_t n;
	char **p = argv + argc + 1;
	Elf64_auxv_t *av;

	bad |= ((long *)argv)[-1] == argc ? 0 : 1;
	bad |= p == environ ? 0 : 2;
	while (*p)
		p++;
	av = (Elf64_auxv_t *)(p + 1);
	while (av->a_type != AT_NULL && av->a_type != AT_PAGESZ)
		av++;
	bad |= av->a_type == AT_PAGESZ && av->a_un.a_val == 4096 ? 0 : 4;
	bad |= ((uintptr_t)(argv - 1) & 15) == 0 ? 0 : 8;
	for (int i = 0; i + 1 < argc; i++)	/* the strings lie one after the other, above the vectors */
		bad |= argv[i + 1] == argv[i] + strlen(argv[i]) + 1 && (char **)argv[i] > p ? 0 : 16;
	fd = open("/proc/self/cmdline", O_RDONLY);
	n = read(fd, text, sizeof(text));
	bad |= n == 14 && !memcmp(text, "zero\0one\0thre\0", 14) ? 0 : 32;
	argv[1][0] = 'O';
	lseek(fd, 0, SEEK_SET);
	n = read(fd, text, sizeof(text));
	bad |= n == 14 && !memcmp(text, "zero\0One\0thre\0", 14) ? 0 : 64;
	bad |= argv[argc] == NULL ? 0 : 128;
	return bad;
}

int main(int argc, char **argv)
{
	if (argc == 3)
		return report(argc, argv);
	plan(9);
	int bad = exec_status(self_path(), (char *[]){ (char *)"zero", (char *)"one", (char *)"thre", NULL }, (char *[]){ (char *)"E=1", (char *)"F=2", NULL });

	ok(bad >= 0, "it runs");
	/* "thre" and its end make 14 bytes with the rest: the block has no gap */
	ok(!(bad & 1), "argc lies before argv");
	ok(!(bad & 2), "the environment behind it");
	ok(!(bad & 4), "the auxiliary vector behind that");
	ok(!(bad & 8), "aligned to 16 bytes");
	ok(!(bad & 16), "the strings in order, above");
	ok(!(bad & 32), "/proc/self/cmdline is these bytes");
	ok(!(bad & 64), "and follows when they change");
	ok(!(bad & 128), "a NULL ends argv");
	return done();
}
