/* SPDX-License-Identifier: MIT */
/* The system-call table. */
#include <kernel/errno.h>
#include <kernel/string.h>
#include <kernel/syscall.h>
#include "ktest.h"

KTEST(rows_are_consistent)
{
	const struct syscall_desc *d;
	size_t n = 0;

	for (size_t i = 0; (d = syscall_by_index(i)); i++, n++) {
#ifdef EFT_CPU_x86_64
		bool here = true;
#else
		bool here = d->aarch64 >= 0;
#endif

		KCHECK((d->call != NULL) == (here && d->level != LEVEL_ABSENT));
		KCHECK(d->level != LEVEL_PARTIAL || d->note[0]);	/* what is refused is said */
		KCHECK(d->nargs <= 6 && d->x86_64 >= 0);
		for (unsigned a = 0; a < d->nargs; a++)
			KCHECK((d->args[a].kind != ARG_FLAGS && d->args[a].kind != ARG_ENUM) || d->args[a].flags);
	}
	KCHECK(n >= 300);
}

KTEST(unknown_numbers)
{
	static const uint64_t args[6];

	KCHECK(syscall_dispatch(511, args) == -ENOSYS);
	KCHECK(syscall_dispatch(100000, args) == -ENOSYS);
	KCHECK(syscall_dispatch(UINT32_MAX, args) == -ENOSYS);
	KCHECK(!syscall_lookup(UINT32_MAX));
}

KTEST(numbers_find_their_rows)
{
	const struct syscall_desc *d;

	for (size_t i = 0; (d = syscall_by_index(i)); i++) {
#ifdef EFT_CPU_x86_64
		KCHECK(syscall_lookup((unsigned)d->x86_64) == d);
#else
		KCHECK(d->aarch64 < 0 || syscall_lookup((unsigned)d->aarch64) == d);
#endif
	}
}

KTEST(text_of_a_call)
{
	char buf[200];
	uint64_t args[6] = { 3, 0, 02000000 | 04000 };
	const struct syscall_desc *d;
	unsigned nr = 0;

	for (size_t i = 0; (d = syscall_by_index(i)); i++)
		if (!strcmp(d->name, "dup3"))
#ifdef EFT_CPU_x86_64
			nr = (unsigned)d->x86_64;
#else
			nr = (unsigned)d->aarch64;
#endif
	syscall_format_entry(buf, sizeof(buf), nr, args);
	KCHECK(!strcmp(buf, "dup3(3, 0, O_NONBLOCK|O_CLOEXEC)"));
	syscall_format_exit(buf, sizeof(buf), nr, args, -EBADF);
	KCHECK(!strcmp(buf, "= -1 EBADF"));
	KCHECK(syscall_format_entry(buf, 8, nr, args) <= 7);
}

const struct ktest syscall_tests[] = {
	KTEST_ROW(rows_are_consistent), KTEST_ROW(unknown_numbers), KTEST_ROW(numbers_find_their_rows), KTEST_ROW(text_of_a_call), { NULL, NULL }
};
