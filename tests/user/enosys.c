/* SPDX-License-Identifier: MIT */
/* Unknown system calls: ENOSYS, whatever the number, and nothing else happens. */
#include "harness.h"
#include "child.h"

int main(void)
{
	static const long numbers[] = { 600, 1000, 4096, 65536, 0x7fffffff, -2, -100, 0x100000000, -0x100000000, (long)0x8000000000000000ul };
	long args[6] = { 1, 2, 3, 4, 5, 6 };
	int bad = 0;

	plan(6);
	for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		errno = 0;
		/* numbers beyond 32 bits: Linux looks at all of them or at the low half, which is no call here (0 is one) */
		if ((int)numbers[i] == 0)
			continue;
		bad += syscall(numbers[i], args[0], args[1], args[2], args[3], args[4], args[5]) != -1 || errno != ENOSYS;
	}
	ok(!bad, "numbers that no Linux has (%d bad)", bad);
	for (int nr = 500, n = 0; nr < 2000; nr++) {
		errno = 0;
		n += syscall(nr, -1, -1, -1, -1, -1, -1) != -1 || errno != ENOSYS;
		bad = n;
	}
	ok(!bad, "1500 in a row (%d bad)", bad);
	ok(in_child(({ int n = 0; for (int i = 0; i < 10000; i++) n += syscall(5000 + i) != -1; n != 0; })) == 0, "ten thousand do no harm");
#if defined(__x86_64__)
	ok_errno(syscall(0x40000000 + 39), ENOSYS, "the x32 table");
	ok_errno(syscall(180, 0), ENOSYS, "nfsservctl, which is gone");
#else
	ok_errno(syscall(42, 0), ENOSYS, "nfsservctl, which is gone");
	ok_errno(syscall(244, 0), ENOSYS, "a number between the generic ones");
#endif
	ok(getpid() > 0, "the next call works");
	return done();
}
