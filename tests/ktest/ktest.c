/* SPDX-License-Identifier: MIT */
/* The runner: KTAP (docs.kernel.org, dev-tools/ktap) on the early console. */
#include <hal/dev.h>
#include <kernel/cmdline.h>
#include <kernel/string.h>
#include <kernel/timer.h>
#include "ktest.h"

enum { TIMEOUT_S = 200 };

static const struct { const char *name; const struct ktest *tests; } suites[] = {
#define KTEST_SUITE(n) { #n, n##_tests },
#include "suites.def"
#undef KTEST_SUITE
};

static void PRINTF_LIKE(1, 2) say(const char *fmt, ...)
{
	char line[256];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = kvsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	hal_console_write(line, MIN((size_t)n, sizeof(line) - 1));
}

bool ktest_check(struct ktest_state *t, bool ok, const char *what, const char *file, int line)
{
	__atomic_add_fetch(&t->checks, 1, __ATOMIC_RELAXED);
	if (!ok && __atomic_add_fetch(&t->failed, 1, __ATOMIC_RELAXED) <= 5)
		say("# %s:%d: %s\n", file, line, what);
	return ok;
}

void ktest_note(const char *file, int line, const char *fmt, ...)
{
	char text[160];
	va_list ap;

	va_start(ap, fmt);
	kvsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	say("# %s:%d: %s\n", file, line, text);
}

struct run { const struct ktest *test; struct ktest_state state; struct waitq wait; bool done, gone; };

static void run_thread(void *arg)
{
	struct run *r = arg;

	r->test->fn(&r->state);
	store_release(&r->done, true);
	waitq_wake_all(&r->wait);
	store_release(&r->gone, true);
}

int ktest_run(const char *pattern)
{
	static struct run r;	/* static: a test that hangs keeps using it */
	unsigned n = 0, failed = 0;
	uint64_t limit_s = TIMEOUT_S;
	char name[64], text[16];

	if (cmdline_get("ktest_timeout", text, sizeof(text)))	/* seconds for each test */
		(void)parse_u64(text, 10, &limit_s);

	say("KTAP version 1\n");
	for (size_t s = 0; s < ARRAY_SIZE(suites); s++)
		for (const struct ktest *k = suites[s].tests; k->fn; k++) {
			ksnprintf(name, sizeof(name), "%s.%s", suites[s].name, k->name);
			if (!strstr(name, pattern))
				continue;
			r = (struct run){ .test = k };
			waitq_init(&r.wait);
			n++;
			if (!kthread_create(run_thread, &r, "ktest")) {
				say("not ok %u %s # no memory for its thread\n", n, name);
				failed++;
				continue;
			}
			wait_event_until(&r.wait, load_acquire(&r.done), hal_time_mono_ns() + limit_s * NSEC_PER_SEC);
			if (!load_acquire(&r.done)) {
				say("not ok %u %s # time-out; the rest is not run\n", n, name);
				return (int)failed + 1;
			}
			while (!load_acquire(&r.gone))	/* the waker is done with r */
				sleep_ns(NSEC_PER_MSEC);
			bool ok = r.state.checks && !r.state.failed;

			say("%sok %u %s\n", ok ? "" : "not ", n, name);
			failed += !ok;
		}
	say("1..%u\n# %u failed\n", n, failed);
	return n ? (int)failed : -1;
}
