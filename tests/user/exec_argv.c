/* SPDX-License-Identifier: MIT */
/* execve(2): arguments arrive as they are: count, empty ones, bytes above 127, very many, very long; E2BIG at the documented bounds. */
#include "harness.h"
#include "exec_util.h"
#include <sys/resource.h>

int main(int argc, char **argv)
{
	static char *many[20003];
	static char block[131073];
	char *env[] = { NULL }, count[16];
	struct rlimit rl;

	if (argc > 1 && !strcmp(argv[1], "odd"))
		return argc == 6 && !strcmp(argv[2], "") && !strcmp(argv[3], "a b\tc\n") && !strcmp(argv[4], "\377\200\001") && !strcmp(argv[5], "") && !argv[6] ? 42 : 1;
	if (argc > 1 && !strcmp(argv[1], "many")) {
		int want = atoi(argv[2]);

		if (argc != want || argv[argc])
			return 2;
		for (int i = 3; i < argc; i++)
			if (atoi(argv[i]) != i)
				return 3;
		return 42;
	}
	if (argc > 1 && !strcmp(argv[1], "long")) {
		size_t n = strlen(argv[2]);

		for (size_t i = 0; i < n; i++)
			if (argv[2][i] != (char)('a' + i % 26))
				return 4;
		return n == 131071 ? 42 : 5;
	}
	if (argc > 1)
		return 42;
	plan(9);
	ok(exec_status(self_path(), (char *[]){ (char *)"x", (char *)"odd", (char *)"", (char *)"a b\tc\n", (char *)"\377\200\001", (char *)"", NULL }, env) == 42, "empty ones, blanks, any byte");
	many[0] = (char *)"x", many[1] = (char *)"many";
	for (int n = 20; n <= 20000; n *= 10) {
		snprintf(count, sizeof(count), "%d", n);
		many[2] = count;
		for (int i = 3; i < n; i++)
			if (asprintf(&many[i], "%d", i) < 0)
				bail("memory");
		many[n] = NULL;
		ok(exec_status(self_path(), many, env) == 42, "%d arguments", n);
	}
	for (int i = 0; i < 131071; i++)
		block[i] = (char)('a' + i % 26);
	ok(exec_status(self_path(), (char *[]){ (char *)"x", (char *)"long", block, NULL }, env) == 42, "one of 128 KiB less its end");
	block[131071] = 'z';
	ok(exec_status(self_path(), (char *[]){ (char *)"x", (char *)"long", block, NULL }, env) == -E2BIG, "E2BIG: one byte more");
	/* a quarter of the stack's limit bounds all of them; Linux grants 128 KiB in any case */
	getrlimit(RLIMIT_STACK, &rl);
	rl.rlim_cur = 1 << 20;
	block[100000] = '\0';
	ok(in_child((setrlimit(RLIMIT_STACK, &rl), exec_status(self_path(), (char *[]){ (char *)"x", (char *)"fit", block, block, NULL }, env))) == 42, "200 kB in a quarter of a MiB");
	ok(in_child((setrlimit(RLIMIT_STACK, &rl), -exec_status(self_path(), (char *[]){ (char *)"x", (char *)"fit", block, block, block, NULL }, env))) == E2BIG, "E2BIG: 300 kB");
	return done();
}
