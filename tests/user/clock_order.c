/* SPDX-License-Identifier: MIT */
/* What the vDSO says lies between what two system calls around it say, to the nanosecond. */
#include "harness.h"
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int64_t ns(struct timespec t) { return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec; }

static int64_t disorder(int clock)
{
	int64_t worst = 0;

	for (int i = 0; i < 20000; i++) {
		struct timespec a, b, c;

		if (syscall(SYS_clock_gettime, clock, &a) || clock_gettime(clock, &b) || syscall(SYS_clock_gettime, clock, &c))
			return -1;
		if (ns(b) < ns(a) && ns(a) - ns(b) > worst)
			worst = ns(a) - ns(b);
		if (ns(c) < ns(b) && ns(b) - ns(c) > worst)
			worst = ns(b) - ns(c);
	}
	return worst;
}

int main(void)
{
	static const struct { int clock; const char *name; } clocks[] = {
		{ CLOCK_REALTIME, "real" }, { CLOCK_MONOTONIC, "monotonic" }, { CLOCK_MONOTONIC_RAW, "raw" }, { CLOCK_BOOTTIME, "boot" },
	};

	plan(5);
	for (unsigned i = 0; i < 4; i++) {
		int64_t worst = disorder(clocks[i].clock);

		ok(worst == 0, "%s time: %lld ns out of order", clocks[i].name, (long long)worst);
	}
	struct timespec a, c;
	struct timeval tv;
	int good = 1;

	for (int i = 0; i < 20000; i++) {
		syscall(SYS_clock_gettime, CLOCK_REALTIME, &a);
		gettimeofday(&tv, NULL);
		syscall(SYS_clock_gettime, CLOCK_REALTIME, &c);
		good = good && tv.tv_sec * 1000000ll + tv.tv_usec >= ns(a) / 1000 && tv.tv_sec * 1000000ll + tv.tv_usec <= ns(c) / 1000;
	}
	ok(good, "gettimeofday");
	return done();
}
