/* SPDX-License-Identifier: MIT */
/* Areas of every length that are touched page after page: what is brought ahead ends where they end, is zero, and comes back. */
#include "harness.h"
#include "fault.h"
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <unistd.h>

enum { P = 4096, LONGEST = 150, ROUNDS = 1500, TOLERANCE = 6 << 20 };

/* n pages that end where memory ends, with `with` in the page before them. */
static char *area(int n, char with)
{
	char *p = mmap(NULL, (size_t)(n + 2) * P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || munmap(p + (size_t)(n + 1) * P, P))
		bail("mmap");
	if (with)
		*p = with;
	return p + P;
}

static void gone(char *p, int n) { munmap(p - P, (size_t)(n + 1) * P); }

static unsigned long free_bytes(void)
{
	struct sysinfo s;

	sysinfo(&s);
	return s.freeram * s.mem_unit;
}

int main(void)
{
	int zero = 1, own = 1, ends = 1, before = 1;
	unsigned long start, now;

	plan(5);
	fault_init();
	for (int n = 1; n <= LONGEST; n++) {
		char *p = area(n, (char)n);

		for (int i = 0; i < n; i++) {
			for (int k = 0; k < P; k += 512)
				zero &= p[i * P + k] == 0;
			memset(p + i * P, i + 1, P);
		}
		for (int i = 0; i < n; i++)
			own &= p[i * P] == (char)(i + 1) && p[i * P + P - 1] == (char)(i + 1);
		before &= p[-P] == (char)n;
		ends &= fault_write(p + (size_t)n * P, 1) == SIGSEGV;
		gone(p, n);
	}
	ok(zero, "every page is zero when it is touched");
	ok(own, "and its own");
	ok(before, "the page before the area is left alone");
	ok(ends, "behind the area nothing can be written");
	start = free_bytes();
	for (int r = 0; r < ROUNDS; r++) {
		int n = r % 2 ? 62 : 54;
		char *p = area(n, 0);

		for (int i = 0; i < n; i++)
			p[i * P] = 1;
		gone(p, n);
	}
	now = free_bytes();
	ok(now + TOLERANCE > start, "memory is given back (%lu KiB less)", now < start ? (start - now) >> 10 : 0);
	return done();
}
