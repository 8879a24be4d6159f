/* SPDX-License-Identifier: MIT */
/*
 * Tests that run inside the kernel, on every port.
 *
 *	KTEST(page_zeroed) { ...; KCHECK(p != NULL); }
 *	const struct ktest page_tests[] = { KTEST_ROW(page_zeroed), { NULL, NULL } };
 *
 * and a row in suites.def.  A test runs in a thread of its own with a time-out;
 * a failed check is reported and the test goes on.
 */
#ifndef KTEST_H
#define KTEST_H
#include <kernel/compiler.h>
#include <kernel/ktest.h>
#include <kernel/print.h>
#include <kernel/task.h>

struct ktest_state { unsigned checks, failed; };
struct ktest { const char *name; void (*fn)(struct ktest_state *t); };
/* Without the lock analysis: a test takes locks in ways that code must not. */
#define KTEST(n) NO_TSA static void n(struct ktest_state *t)
#define KTEST_ROW(n) { #n, n }
#define KCHECK(cond) ktest_check(t, !!(cond), #cond, __FILE__, __LINE__)
bool ktest_check(struct ktest_state *t, bool ok, const char *what, const char *file, int line);
/* What a failed check was about, into the report. */
#define KNOTE(fmt, ...) ktest_note(__FILE__, __LINE__, fmt, __VA_ARGS__)
void ktest_note(const char *file, int line, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Wait up to two minutes for a condition that another thread makes true. */
#define KEVENTUALLY(cond) ({ \
	uint64_t until_ = hal_time_mono_ns() + 120 * NSEC_PER_SEC; \
	while (!(cond) && hal_time_mono_ns() < until_) sleep_ns(NSEC_PER_MSEC); \
	KCHECK(cond); })

#define KTEST_SUITE(name) extern const struct ktest name##_tests[];
#include "suites.def"
#undef KTEST_SUITE
#endif
