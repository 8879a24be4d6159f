/* SPDX-License-Identifier: MIT */
/*
 * The dispatch table, made of syscalls.def in four passes: thunks,
 * descriptions, indices, and a dense array by number.  A number that two rows
 * claim does not compile (initializer overridden is an error here).
 */
#include <kernel/cpu.h>
#include "syscall/syscall_impl.h"

/*
 * Thunks: cast each register to its declared type, so that an int argument is
 * truncated and sign-extended here, once, and not in every handler.
 */
#define CAST_(t, n, k, x) (t)
#define CAST(a) CAST_ a
/* A call that this CPU does not have needs no handler: HERE says which. */
#ifdef EFT_CPU_x86_64
#define HERE_X86 1
#else
#define HERE_X86 0
#endif
#define NR(x, a) 1
#define NR_X86(x) HERE_X86
#define THUNK_1_FULL(f, ...) static long do_##f(const uint64_t *a UNUSED) { return sys_##f(__VA_ARGS__); }
#define THUNK_1_PARTIAL(f, ...) THUNK_1_FULL(f, __VA_ARGS__)
#define THUNK_1_ABSENT(f, ...)
#define THUNK_0_FULL(f, ...)
#define THUNK_0_PARTIAL(f, ...)
#define THUNK_0_ABSENT(f, ...)
#define THUNK_(here, lv) THUNK_##here##_##lv
#define THUNK(here, lv) THUNK_(here, lv)
#define SYSCALL0(f, nr, lv, note) THUNK(nr, lv)(f)
#define SYSCALL1(f, nr, lv, note, A) THUNK(nr, lv)(f, CAST(A)a[0])
#define SYSCALL2(f, nr, lv, note, A, B) THUNK(nr, lv)(f, CAST(A)a[0], CAST(B)a[1])
#define SYSCALL3(f, nr, lv, note, A, B, C) THUNK(nr, lv)(f, CAST(A)a[0], CAST(B)a[1], CAST(C)a[2])
#define SYSCALL4(f, nr, lv, note, A, B, C, D) THUNK(nr, lv)(f, CAST(A)a[0], CAST(B)a[1], CAST(C)a[2], CAST(D)a[3])
#define SYSCALL5(f, nr, lv, note, A, B, C, D, E) \
	THUNK(nr, lv)(f, CAST(A)a[0], CAST(B)a[1], CAST(C)a[2], CAST(D)a[3], CAST(E)a[4])
#define SYSCALL6(f, nr, lv, note, A, B, C, D, E, F) \
	THUNK(nr, lv)(f, CAST(A)a[0], CAST(B)a[1], CAST(C)a[2], CAST(D)a[3], CAST(E)a[4], CAST(F)a[5])
#include "syscall/syscalls.def"
#include "syscall/undef_rows.h"
#undef NR
#undef NR_X86

#define FLAG(n, v, s) { v, #n, s },
#define FLAGSET(n, m) static const struct flag_name n[] = { m { 0, NULL, false } };
#include "syscall/flags.def"
#undef FLAG
#undef FLAGSET

#define NAMES_INT(x) NULL
#define NAMES_UINT(x) NULL
#define NAMES_LONG(x) NULL
#define NAMES_SIZE(x) NULL
#define NAMES_HEX(x) NULL
#define NAMES_MODE(x) NULL
#define NAMES_FD(x) NULL
#define NAMES_DIRFD(x) NULL
#define NAMES_PID(x) NULL
#define NAMES_SIG(x) NULL
#define NAMES_ADDR(x) NULL
#define NAMES_PATH(x) NULL
#define NAMES_STR(x) NULL
#define NAMES_BUF_IN(x) NULL
#define NAMES_BUF_OUT(x) NULL
#define NAMES_IN(x) NULL
#define NAMES_OUT(x) NULL
#define NAMES_INOUT(x) NULL
#define NAMES_STRV(x) NULL
#define NAMES_ARRAY(x) NULL
#define NAMES_LEN(x) NULL
#define NAMES_ANY(x) NULL
#define NAMES_TIMER(x) NULL
#define NAMES_WATCH(x) NULL
#define NAMES_IPC(x) NULL
#define NAMES_FLAGS(x) x
#define NAMES_ENUM(x) x
#define CALL_1_FULL(f) do_##f
#define CALL_1_PARTIAL(f) do_##f
#define CALL_1_ABSENT(f) NULL
#define CALL_0_FULL(f) NULL
#define CALL_0_PARTIAL(f) NULL
#define CALL_0_ABSENT(f) NULL
#define DESC_(t, n, k, x) { #t, #n, ARG_##k, #x, NAMES_##k(x) },
#define DESC(a) DESC_ a
#define NR(x, a) x, a, 1
#define NR_X86(x) x, -1, HERE_X86
#define ROW(f, x, a, here, lv, note, n, ...) { #f, CALL_##here##_##lv(f), x, a, LEVEL_##lv, note, n, { __VA_ARGS__ } },
#define ROW_(...) ROW(__VA_ARGS__)
/* nr expands to three arguments before ROW sees it. */
#define SYSCALL0(f, nr, lv, note) ROW_(f, nr, lv, note, 0)
#define SYSCALL1(f, nr, lv, note, A) ROW_(f, nr, lv, note, 1, DESC(A))
#define SYSCALL2(f, nr, lv, note, A, B) ROW_(f, nr, lv, note, 2, DESC(A) DESC(B))
#define SYSCALL3(f, nr, lv, note, A, B, C) ROW_(f, nr, lv, note, 3, DESC(A) DESC(B) DESC(C))
#define SYSCALL4(f, nr, lv, note, A, B, C, D) ROW_(f, nr, lv, note, 4, DESC(A) DESC(B) DESC(C) DESC(D))
#define SYSCALL5(f, nr, lv, note, A, B, C, D, E) ROW_(f, nr, lv, note, 5, DESC(A) DESC(B) DESC(C) DESC(D) DESC(E))
#define SYSCALL6(f, nr, lv, note, A, B, C, D, E, F) \
	ROW_(f, nr, lv, note, 6, DESC(A) DESC(B) DESC(C) DESC(D) DESC(E) DESC(F))
static const struct syscall_desc descs[] = {
#include "syscall/syscalls.def"
};
#include "syscall/undef_rows.h"
#undef NR
#undef NR_X86

enum {
#define SYSCALL0(f, ...) ID_##f,
#define SYSCALL1(f, ...) ID_##f,
#define SYSCALL2(f, ...) ID_##f,
#define SYSCALL3(f, ...) ID_##f,
#define SYSCALL4(f, ...) ID_##f,
#define SYSCALL5(f, ...) ID_##f,
#define SYSCALL6(f, ...) ID_##f,
#include "syscall/syscalls.def"
#include "syscall/undef_rows.h"
	ID_COUNT
};
_Static_assert(ID_COUNT <= 512, "count.c has room for every row");

/*
 * By number.  Calls that only x86-64 has are parked above every real number on
 * other CPUs, where look-ups do not reach.
 */
enum { NR_LIMIT = 512 };
#ifdef EFT_CPU_x86_64
#define NR(x, a) [x] = &descs
#define NR_X86(x) [x] = &descs
#else
#define NR(x, a) [a] = &descs
#define NR_X86(x) [NR_LIMIT + (x)] = &descs
#endif
static const struct syscall_desc *const by_number[] = {
#define SYSCALL0(f, nr, ...) nr[ID_##f],
#define SYSCALL1(f, nr, ...) nr[ID_##f],
#define SYSCALL2(f, nr, ...) nr[ID_##f],
#define SYSCALL3(f, nr, ...) nr[ID_##f],
#define SYSCALL4(f, nr, ...) nr[ID_##f],
#define SYSCALL5(f, nr, ...) nr[ID_##f],
#define SYSCALL6(f, nr, ...) nr[ID_##f],
#include "syscall/syscalls.def"
#include "syscall/undef_rows.h"
};

const struct syscall_desc *syscall_lookup(unsigned nr)
{
	return nr < NR_LIMIT && nr < ARRAY_SIZE(by_number) ? by_number[nr] : NULL;
}

const struct syscall_desc *syscall_by_index(size_t i)
{
	return i < ID_COUNT ? &descs[i] : NULL;
}

long syscall_dispatch(unsigned nr, const uint64_t *args)
{
	const struct syscall_desc *d = syscall_lookup(nr);

	return d && d->call ? d->call(args) : -ENOSYS;
}

bool syscall_is_strict(unsigned nr)
{
	const struct syscall_desc *d = syscall_lookup(nr);
	long id = d ? d - descs : -1;

	return id == ID_read || id == ID_write || id == ID_exit || id == ID_rt_sigreturn;
}
