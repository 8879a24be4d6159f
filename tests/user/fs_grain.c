/* SPDX-License-Identifier: MIT */
/*
 * How fine a file's times are (Linux 6.13, "multigrain timestamps"): as coarse
 * as the coarse clock while nobody looks, but who has looked at a file sees
 * the next change, and what happened later never has an earlier time.
 */
#include "harness.h"
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { TURNS = 300 };

static int64_t ns(struct timespec t) { return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec; }

static int64_t changed(int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		bail("fstat");
	return ns(st.st_ctim);
}

static int64_t now(int clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return ns(t);
}

int main(void)
{
	int a = open("fs_grain.a", O_RDWR | O_CREAT | O_TRUNC, 0600), b = open("fs_grain.b", O_RDWR | O_CREAT | O_TRUNC, 0600);
	int same = 0, early = 0, late = 0, order = 0, times = 0;
	struct timespec res;
	struct stat st;

	if (a < 0 || b < 0)
		bail("files");
	for (int i = 0; i < TURNS; i++) {
		int64_t before = changed(a), coarse = now(CLOCK_REALTIME_COARSE), after;

		if (pwrite(a, "x", 1, 0) != 1)
			bail("pwrite");
		after = changed(a);
		same += after == before;
		early += after < coarse;
		late += after > now(CLOCK_REALTIME);
	}
	ok(!same, "who has looked sees each write (%d of %d not)", same, TURNS);
	ok(!early, "no write is before what the coarse clock said (%d)", early);
	ok(!late, "nor after what the exact one says (%d)", late);
	for (int i = 0; i < TURNS; i++) {
		int64_t first, second;

		(void)changed(a);
		if (pwrite(a, "x", 1, 0) != 1 || pwrite(b, "x", 1, 0) != 1)	/* nobody has looked at b since */
			bail("pwrite");
		first = changed(a);
		if (fstat(b, &st))
			bail("fstat");
		second = ns(st.st_ctim);
		order += second < first;
		times += ns(st.st_ctim) != ns(st.st_mtim);
	}
	ok(!order, "what was written later is not older (%d)", order);
	ok(!times, "a write sets both times to the same (%d)", times);
	ok(!clock_getres(CLOCK_REALTIME_COARSE, &res) && ns(res) >= 1000000 && ns(res) <= 10000000, "the coarse clock has a tick");
	ok(now(CLOCK_REALTIME) - now(CLOCK_REALTIME_COARSE) < 2 * ns(res) + 50000000, "and is not far behind");
	ok(now(CLOCK_MONOTONIC_COARSE) <= now(CLOCK_MONOTONIC), "the monotonic one is not ahead");
	ok(!ftruncate(a, 100) && !fstat(a, &st) && ns(st.st_ctim) == ns(st.st_mtim), "a truncation sets both times to the same");
	ok(!fsync(a) && !fsync(b) && !fstat(a, &st) && st.st_size == 100, "and is there after an fsync");
	unlink("fs_grain.a");
	unlink("fs_grain.b");
	return done();
}
