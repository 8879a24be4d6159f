/* SPDX-License-Identifier: MIT */
/* Runs the tests of a file with check, each in a process of its own.  Arguments: names of tests to run. */
#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "unit_internal.h"

_Noreturn void unit_passed(void)
{
	/* From a stack of the kernel's there is no way back into check; its child may end like this, too. */
	exit(0);
}

_Noreturn void unit_fail(const char *file, int line, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fflush(stdout);
	_ck_assert_failed(file, line, text, NULL);
	exit(1);
}

static const struct unit_test *selected;

START_TEST(run_one)
{
	unit_boot(selected->fn);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *s = suite_create(argv[0]);
	SRunner *r = srunner_create(s);
	unsigned n = 0;
	int failed = 0;

	srunner_set_fork_status(r, CK_FORK);
	srunner_free(r);
	for (selected = unit_tests; selected->name; selected++) {
		bool wanted = argc < 2;
		TCase *c;

		for (int i = 1; i < argc; i++)
			wanted |= !strcmp(argv[i], selected->name);
		if (!wanted)
			continue;
		s = suite_create(selected->name);
		c = tcase_create(selected->name);
		tcase_set_timeout(c, 60);
		tcase_add_test(c, run_one);
		suite_add_tcase(s, c);
		r = srunner_create(s);
		srunner_set_fork_status(r, getenv("UNIT_NOFORK") ? CK_NOFORK : CK_FORK);
		srunner_run_all(r, CK_SILENT);
		if (srunner_ntests_failed(r)) {
			failed++;
			srunner_print(r, CK_NORMAL);
		}
		printf("%s %u - %s\n", srunner_ntests_failed(r) ? "not ok" : "ok", ++n, selected->name);
		fflush(stdout);
		srunner_free(r);
	}
	printf("1..%u\n", n);
	return failed || !n;
}
