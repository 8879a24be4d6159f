/* SPDX-License-Identifier: MIT */
/* The environment: as given, in order, also odd strings; empty; /proc/self/environ shows it; it counts for E2BIG. */
#include "harness.h"
#include "exec_util.h"

extern char **environ;

int main(int argc, char **argv)
{
	static char big[131071];
	char text[512], **lots = calloc(102, sizeof(char *));

	if (argc > 1 && !strcmp(argv[1], "odd"))
		return environ[0] && !strcmp(environ[0], "A=1") && !strcmp(environ[1], "no equals sign") && !strcmp(environ[2], "") && !strcmp(environ[3], "A=2") && !strcmp(environ[4], "=x") && !environ[5] ? 42 : 1;
	if (argc > 1 && !strcmp(argv[1], "none"))
		return environ[0] == NULL ? 42 : 1;
	if (argc > 1 && !strcmp(argv[1], "proc")) {
		int fd = open("/proc/self/environ", O_RDONLY);
		ssize_t n = read(fd, text, sizeof(text));

		return n == 8 && !memcmp(text, "P=1\0Q=2", 8) ? 42 : 1;
	}
	if (argc > 1 && !strcmp(argv[1], "get"))
		return getenv("LAST") && !strcmp(getenv("LAST"), "found") ? 42 : 1;
	if (argc > 1)
		return 42;
	plan(7);
	ok(exec_status(self_path(), (char *[]){ (char *)"x", (char *)"odd", NULL }, (char *[]){ (char *)"A=1", (char *)"no equals sign", (char *)"", (char *)"A=2", (char *)"=x", NULL }) == 42, "as given, and in order");
	ok(exec_status(self_path(), (char *[]){ (char *)"x", (char *)"none", NULL }, (char *[]){ NULL }) == 42, "empty");
	ok(exec_status(self_path(), (char *[]){ (char *)"x", (char *)"none", NULL }, NULL) == 42, "a NULL vector is an empty one");
	ok(exec_status(self_path(), (char *[]){ (char *)"x", (char *)"proc", NULL }, (char *[]){ (char *)"P=1", (char *)"Q=2", NULL }) == 42, "/proc/self/environ");
	memset(big, 'e', sizeof(big) - 1);
	for (int i = 0; i < 10; i++)
		lots[i] = big;
	lots[10] = (char *)"LAST=found";
	ok(exec_status(self_path(), (char *[]){ (char *)"x", (char *)"get", NULL }, lots) == 42, "1.3 MB of it");
	for (int i = 0; i < 100; i++)
		lots[i] = big;
	ok(exec_status(self_path(), (char *[]){ (char *)"x", (char *)"fit", NULL }, lots) == -E2BIG, "E2BIG: 13 MB");
	ok(exec_status(self_path(), (char *[]){ (char *)"x", (char *)"fit", NULL }, (char **)8) == -EFAULT, "EFAULT");
	return done();
}
