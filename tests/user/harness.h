/* SPDX-License-Identifier: MIT */
/*
 * TAP for the user programs (testanything.org): plan(), ok(), done().
 *
 *	int main(void)
 *	{
 *		plan(2);
 *		ok(getppid() > 0, "there is a parent");
 *		ok_errno(close(-1), EBADF, "close of a bad descriptor");
 *		return done();
 *	}
 *
 * A program passes if it prints its plan and as many "ok" lines, and exits 0.
 * It runs in an empty scratch directory, as root, without a terminal.
 */
#ifndef HARNESS_H
#define HARNESS_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int tap_planned_, tap_run_, tap_failed_;

/* A child that does nothing until a signal ends it. */
static inline pid_t sleeping_child(void)
{
	pid_t pid = fork();

	if (!pid)
		for (;;)
			pause();
	return pid;
}

/* How many checks will run.  Leave it out only where the number is not known before: done() then prints it. */
static inline void plan(int n)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	tap_planned_ = n;
	printf("1..%d\n", n);
	fflush(stdout);
}

__attribute__((format(printf, 4, 5)))
static inline int tap_ok_(int cond, const char *file, int line, const char *fmt, ...)
{
	int err = errno;
	va_list ap;

	printf("%sok %d - ", cond ? "" : "not ", ++tap_run_);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	if (!cond) {
		tap_failed_++;
		printf("# at %s:%d, errno %d (%s)\n", file, line, err, strerror(err));
	}
	fflush(stdout);
	errno = err;
	return cond;
}
#define ok(cond, ...) tap_ok_(!!(cond), __FILE__, __LINE__, __VA_ARGS__)
/* The call fails with -1 and this errno. */
#define ok_errno(call, expected, ...) ({ \
	errno = 0; \
	long ret_ = (long)(call); \
	int err_ = errno; \
	if (!ok(ret_ == -1 && err_ == (expected), __VA_ARGS__)) \
		printf("# returned %ld, errno %d (%s), expected %s\n", ret_, err_, strerror(err_), #expected); \
	})

/* End at once: something that the rest relies on does not work. */
#define bail(...) do { printf("Bail out! "); printf(__VA_ARGS__); printf(" (%s:%d, %s)\n", __FILE__, __LINE__, strerror(errno)); exit(1); } while (0)

static inline int done(void)
{
	if (!tap_planned_)
		printf("1..%d\n", tap_run_);
	else if (tap_planned_ != tap_run_)
		printf("# planned %d, ran %d\n", tap_planned_, tap_run_);
	fflush(stdout);
	return tap_failed_ || !tap_run_ || (tap_planned_ && tap_planned_ != tap_run_);
}
#endif
