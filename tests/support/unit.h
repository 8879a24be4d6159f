/* SPDX-License-Identifier: MIT */
/*
 * Unit tests: kernel objects on a machine that exists only in the test.
 *
 * A test file sees kernel headers and this one, no libc, and ends in
 *	const struct unit_test unit_tests[] = { { "name", function }, ..., { 0 } };
 * unit_main.c runs each of them with check, in a process of its own: it boots
 * the kernel on the fake machine (fake_hal.c) up to a first thread, in which the
 * function runs.  There is one CPU, and no time passes but what sleeping asks for.
 */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct unit_test { const char *name; void (*fn)(void); };
extern const struct unit_test unit_tests[];

_Noreturn void unit_fail(const char *file, int line, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
#define CHECK(x) do { if (!(x)) unit_fail(__FILE__, __LINE__, "%s", #x); } while (0)
#define CHECK_EQ(a, b) do { long long a_ = (long long)(a), b_ = (long long)(b); \
	if (a_ != b_) unit_fail(__FILE__, __LINE__, "%s is %lld (%#llx), expected %s = %lld", #a, a_, a_, #b, b_); } while (0)
/* This test is expected to end in a panic whose text contains this. */
void unit_expect_panic(const char *text);

/* ---- the fake machine ---- */
struct hal_as;
/* What the machine believes is at va: its physical address and rights; false: nothing. */
bool fake_as_lookup(struct hal_as *as, uint64_t va, uint64_t *pa, unsigned *prot);
size_t fake_as_mapped(struct hal_as *as);	/* pages */
void fake_as_forget(struct hal_as *as);		/* the machine loses every mapping */
struct fake_counters { unsigned maps, unmaps, protects, flushes; };
extern struct fake_counters fake_counters;
extern bool fake_user_runs;			/* on another CPU, in whichever address space */
extern void (*fake_on_flush)(void);		/* while the machine forgets what it was told to; or NULL */
/* Host memory, for what a test keeps beside the kernel. */
void *unit_malloc(size_t n);
void unit_free(void *p);
#endif
